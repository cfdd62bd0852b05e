"""The filter language: what it takes, what it means, what it refuses and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.cohort import FIELDS, Cohort, Condition, Operator, cohort_text, parse_cohort
from hanota.errors import LocalError
from hanota.limits import FILTER_CHARACTERS_MAX, FILTER_TERMS_MAX, FILTER_VALUES_MAX
from hanota.model import DeviceStatus, DeviceType, Region
from hanota.rows import Device

PPMID = Device(
    device_id=0x00DB_1234_5678_90A4,
    type=DeviceType.PPMID,
    manufacturer="Sample Manufacturer",
    model="Sample PPMID",
    hardware_version=0x1111,
    firmware_version="00010000",
    hub_id=0x00DB_1234_5678_90A2,
    status=DeviceStatus.COMMISSIONED,
    suppliers=(1, 2),
    region=Region.NORTH,
    gbcs_version="4.3",
)
HUB = Device(
    device_id=PPMID.hub_id,
    type=DeviceType.CHF,
    manufacturer="Sample Manufacturer",
    model="Sample CHF",
    hardware_version=None,
    firmware_version="00020000",
    hub_id=PPMID.hub_id,
    status=DeviceStatus.COMMISSIONED,
    suppliers=(),
    region=Region.NORTH,
    gbcs_version="4.3",
)

HOLDS = [
    "",
    "type:PPMID",
    "type:ppmid,esme",
    "-type:ESME",
    'model:"Sample PPMID"',
    'model:"sample ppm*"',
    "model:S*",
    "firmware<00020000",
    "firmware<=00010000",
    "firmware:10000",
    "firmware>0000FFFF",
    "hardware:1111",
    "hardware>=1000",
    "hub-firmware>=00020000",
    "region:north,south",
    "status:commissioned",
    "supplier:00-00-00-00-00-00-00-02",
    "id:00-db-12-34-56-78-90-a4",
    "hub:00-DB-12-34-56-78-90-A2",
    "gbcs:4.*",
    "  type:PPMID\n region:north\t",
]
DOES_NOT_HOLD = [
    "type:ESME",
    "-type:PPMID",
    "type:PPMID region:south",
    "firmware<00010000",
    "model:PPMID",
    "supplier:00-00-00-00-00-00-00-03",
    "hub-firmware<00020000",
    "-supplier:00-00-00-00-00-00-00-02",
]
REFUSED = [
    ("type", "character 1"),
    ("type:", "character 1"),
    ("type:PPMID  colour:red", "'colour' at character 13"),
    ("type<PPMID", "no order"),
    ("type:TV", "none of ESME"),
    ("firmware:0001000000", "no firmware version"),
    ("firmware:xyz", "no firmware version"),
    ("firmware<1,2", "give one"),
    ("firmware:1*", "takes no *"),
    ("hardware:11111", "no hardware version"),
    ("id:1", "no device id"),
    ('model:"open', "character 1"),
    ("type:PPMID; drop table device", "'PPMID;' is none"),
    ("type:PPMID or type:ESME", "character 12"),
    ("region:north,", "character 1"),
    ("x" * (FILTER_CHARACTERS_MAX + 1), "characters; at most"),
    ("type:PPMID " * (FILTER_TERMS_MAX + 1), "terms; at most"),
    ("model:" + ",".join(["a"] * (FILTER_VALUES_MAX + 1)), "more than"),
]


@pytest.mark.parametrize("text", HOLDS)
def test_a_filter_that_holds(text):
    assert parse_cohort(text).has(PPMID, HUB)


@pytest.mark.parametrize("text", DOES_NOT_HOLD)
def test_a_filter_that_does_not_hold(text):
    assert not parse_cohort(text).has(PPMID, HUB)


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_a_filter_that_is_refused_says_where(text, told):
    with pytest.raises(LocalError) as caught:
        parse_cohort(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", HOLDS + DOES_NOT_HOLD)
def test_a_filter_is_written_as_it_is_read(text):
    cohort = parse_cohort(text)
    assert parse_cohort(cohort_text(cohort)) == cohort


def test_without_a_hub_nothing_is_known_of_its_firmware():
    assert not parse_cohort("hub-firmware>=0").has(PPMID, None)
    assert parse_cohort("-hub-firmware>=0").has(PPMID, None)


def test_a_version_of_another_length_comes_before_and_after_nothing():
    odd = Device(
        **{name: getattr(PPMID, name) for name in PPMID.__struct_fields__}
        | {"firmware_version": "0001"}
    )
    assert not parse_cohort("firmware<FFFFFFFF").has(odd, HUB)
    assert not parse_cohort("firmware>=0").has(odd, HUB)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        cohort = parse_cohort(text)
    except LocalError:
        return
    assert isinstance(cohort.has(PPMID, HUB), bool)


@given(
    st.lists(
        st.builds(
            Condition,
            st.sampled_from(sorted(name for name, field in FIELDS.items() if field.text)),
            st.just(Operator.IS),
            st.lists(
                st.text(st.characters(exclude_characters='"', codec="utf-8"), min_size=1),
                min_size=1,
                max_size=3,
            ).map(tuple),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_any_text_value_survives_being_written(conditions):
    cohort = Cohort(tuple(conditions))
    assert parse_cohort(cohort_text(cohort)) == cohort
