"""A town is a value: its ids, its homes and which of them are set up to fail."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.model import DeviceType, eui_text
from hanota.sim.town import EXPECTED, HOMES_MAX, HOMES_PER_FAILURE, Fate, build_town
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2

FAILURES = [fate for fate in Fate if fate is not Fate.SOUND]
HOMES, SEEDS = st.integers(1, 300), st.integers()


def test_the_first_home_is_that_of_the_official_samples():
    first = build_town(1, 1)[0]
    assert {device.type: eui_text(device.device_id)[-2:] for device in first.devices} == {
        DeviceType.ESME: "A0",
        DeviceType.GSME: "A1",
        DeviceType.CHF: "A2",
        DeviceType.GPF: "A3",
        DeviceType.PPMID: "A4",
        DeviceType.HCALCS: "A5",
    }
    assert eui_text(first.device(DeviceType.PPMID).device_id) == "00-DB-12-34-56-78-90-A4"
    assert eui_text(first.hub_id) == "00-DB-12-34-56-78-90-A2"


@given(HOMES, SEEDS)
def test_every_id_is_of_one_device_and_every_device_of_its_home(homes, seed):
    town = build_town(homes, seed)
    ids = [device.device_id for home in town for device in home.devices]
    assert len(ids) == len(set(ids))
    for home in town:
        assert {device.hub_id for device in home.devices} == {home.hub_id}
        kinds = Counter(device.type for device in home.devices)
        assert (kinds[DeviceType.CHF], kinds[DeviceType.PPMID]) == (1, 1)


@given(HOMES, SEEDS)
def test_every_failure_occurs_alike_often_and_never_in_the_first_home(homes, seed):
    town = build_town(homes, seed)
    fates = Counter(home.fate for home in town)
    each = -(-homes // HOMES_PER_FAILURE) if homes > len(FAILURES) else 0
    assert [fates[fate] for fate in FAILURES] == [each] * len(FAILURES)
    assert town[0].fate is Fate.SOUND


def test_the_inventory_knows_what_the_fate_says_it_knows():
    for home in build_town(50, 1):
        hub, ppmid = home.device(DeviceType.CHF), home.device(DeviceType.PPMID)
        assert (hub.gbcs_version == "2.1") == (home.fate is Fate.OLD_HUB)
        other = home.fate is Fate.OTHER_SUPPLIER
        assert ppmid.suppliers == ((SUPPLIER_2,) if other else (SUPPLIER,))


def test_the_seed_decides():
    assert build_town(60, 7) == build_town(60, 7)
    assert build_town(60, 7) != build_town(60, 8)


def test_every_fate_has_its_outcome():
    assert set(EXPECTED) == set(Fate)
    assert len(set(EXPECTED.values())) == len(Fate)


@pytest.mark.parametrize("homes", [-1, 0, HOMES_MAX + 1])
def test_a_town_of_no_size_is_refused(homes):
    with pytest.raises(LocalError, match=f"1 to 1,000,000 homes, not {homes}"):
        build_town(homes, 1)
