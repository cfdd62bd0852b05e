"""A cohort in SQL has the devices that it has in Python, on every database."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.examples import EDGE_IDS, SUPPLIER, delivery, device, entry, request
from tests.test_cohort import DOES_NOT_HOLD, HOLDS

from hanota.cohort import FIELDS, Cohort, Condition, Operator, parse_cohort
from hanota.ledger import Ledger
from hanota.model import DeviceStatus, DeviceType, Region

HUBS = (0x10, 0x20)
UNKNOWN_HUB = 0x30
MODELS = ("P1", "p1", "P10", "Straße %_'", "")
VERSIONS = ("00000001", "00020000", "FFFFFFFF", "0001", "")
SUPPLIERS = ((), (1,), (11, SUPPLIER), ((1 << 64) - 1, 1))
HARDWARE = (None, 0, 0x1111, 0xFFFF)


def estate():
    """Devices of every kind of value, and their hubs."""
    values = list(product(MODELS, VERSIONS, SUPPLIERS, HARDWARE))
    types, statuses, regions = tuple(DeviceType), tuple(DeviceStatus), tuple(Region)
    for hub_id, version in zip(HUBS, VERSIONS, strict=False):
        yield device(
            hub_id, hub_id, type=DeviceType.CHF, firmware_version=version, gbcs_version="2.1"
        )
    for place, (model, version, suppliers, hardware) in enumerate(values):
        yield device(
            EDGE_IDS[place] if place < len(EDGE_IDS) else 1_000 + place,
            (*HUBS, UNKNOWN_HUB)[place % 3],
            type=types[place % len(types)],
            model=model,
            manufacturer=("Maker", "maker", "Other")[place % 3],
            firmware_version=version,
            suppliers=suppliers,
            hardware_version=hardware,
            status=statuses[place % len(statuses)],
            region=regions[place % len(regions)],
            gbcs_version=("4.3", "2.1", "")[place % 3],
        )


ESTATE = {each.device_id: each for each in estate()}


@pytest.fixture
def filled(ledger):
    with ledger.batch() as batch:
        batch.put_devices(ESTATE.values())
    return ledger


def expected(cohort):
    return {one.device_id for one in ESTATE.values() if cohort.has(one, ESTATE.get(one.hub_id))}


def found(ledger, cohort):
    with ledger.view() as view:
        devices = list(view.cohort_devices(cohort))
        ids = [device_id for device_id, _ in view.cohort_ids(cohort)]
        assert view.cohort_count(cohort) == len(devices) == len(ids)
        assert [one.device_id for one in devices] == ids
        assert all(ESTATE[one.device_id] == one for one in devices)
        alike = list(view.cohort_alike(cohort, ["4.3"]))
    assert sum(one.devices for one in alike) == len(ids)
    return set(ids)


FILTERS = [
    *HOLDS,
    *DOES_NOT_HOLD,
    "model:p1",
    "model:P1*",
    'model:"straße*"',
    "model:%",
    "model:none",
]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_has_the_same_devices_in_sql(filled, text):
    cohort = parse_cohort(text)
    assert found(filled, cohort) == expected(cohort)


WORDS = {
    "type": list(DeviceType),
    "status": list(DeviceStatus),
    "region": list(Region),
    "id": list(ESTATE),
    "hub": [*HUBS, UNKNOWN_HUB],
    "supplier": [1, 11, SUPPLIER, (1 << 64) - 1],
    "hardware": [0, 0x1111, 0x2222],
    "firmware": [*VERSIONS[:3], "00030000"],
    "hub-firmware": list(VERSIONS[:3]),
    "manufacturer": ["MAKER", "other", "m*"],
    "model": ["P1", "p*", "*", "straße %*", "none"],
    "gbcs": ["4.3", "4*", "9"],
}


@st.composite
def conditions(draw):
    field = draw(st.sampled_from(sorted(FIELDS)))
    operators = list(Operator) if FIELDS[field].ordered else [Operator.IS]
    operator = draw(st.sampled_from(operators))
    most = 3 if operator is Operator.IS else 1
    values = draw(st.lists(st.sampled_from(WORDS[field]), min_size=1, max_size=most))
    return Condition(field, operator, tuple(values), draw(st.booleans()))


@pytest.fixture(scope="module")
def in_memory():
    with Ledger.open("sqlite://", owner="dcc") as opened:
        with opened.batch() as batch:
            batch.put_devices(ESTATE.values())
        yield opened


@given(st.lists(conditions(), max_size=4).map(tuple).map(Cohort))
@settings(deadline=None)
def test_any_cohort_has_the_same_devices_in_sql(in_memory, cohort):
    assert found(in_memory, cohort) == expected(cohort)


def test_devices_are_alike_by_what_the_inventory_says_their_delivery_and_their_hub(ledger):
    devices = [
        device(0x10, 0x10, type=DeviceType.CHF),
        device(0x20, 0x20, type=DeviceType.CHF, gbcs_version="2.1"),
        *(
            device(number, hub)
            for number, hub in ((1, 0x10), (2, 0x10), (3, 0x20), (4, 0x20), (5, 0x30))
        ),
    ]
    with ledger.batch() as batch:
        batch.put_devices(devices)
        number = batch.put_request(request(1)).number
        batch.record(entry(delivery(device_id, number)) for device_id in (2, 4))
    with ledger.view() as view:
        (alike,) = view.cohort_alike(parse_cohort("type:PPMID"), ["4.3"])
        (none,) = view.cohort_alike(parse_cohort("type:PPMID"), [])
        versions = sorted(view.gbcs_versions())
    assert (alike.devices, alike.in_progress, alike.behind_other_hubs) == (5, 2, 2)
    assert (none.devices, none.in_progress, none.behind_other_hubs) == (5, 2, 3)
    assert alike.device.hub_id == 0
    assert versions == ["2.1", "4.3"]


def test_a_cohort_costs_at_most_one_look_at_each_device(in_memory):
    database = in_memory._database._connection
    text = (
        "type:PPMID model:P* -region:north hub-firmware<00020000 supplier:00-00-00-00-00-00-00-01"
    )
    statements = []
    database.set_trace_callback(statements.append)
    with in_memory.view() as view:
        list(view.cohort_alike(parse_cohort(text), ["4.3"]))
    database.set_trace_callback(None)
    plans = [
        [row[-1] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")]
        for statement in statements
        if statement.strip().startswith("SELECT")
    ]
    assert len(plans) == 2  # the models, and the devices
    for plan in plans:
        assert len([step for step in plan if re.match(r"(SCAN|SEARCH) device\b", step)]) == 1
        assert "USE TEMP B-TREE FOR GROUP BY" not in plan
