"""A town is a value: its ids, its homes and which of them are set up to fail."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.model import DeviceType, Outcome, eui_text
from hanota.sim.town import (
    EXPECTED,
    HCALCS_FATES,
    HCALCS_PER_HOME_MAX,
    HOMES_MAX,
    HOMES_PER_FAILURE,
    IDS_PER_HOME,
    POSITION,
    PPMID_FATES,
    Fate,
    build_home,
    build_town,
)
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2

FAILURES = [fate for fate in PPMID_FATES if fate is not Fate.SOUND]
HOMES, SEEDS = st.integers(1, 300), st.integers()


def kinds_of(home):
    return Counter(device.type for device in home.devices)


def suppliers_of(home, kind):
    return {device.suppliers for device in home.devices_of(kind)}


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
    assert {device.suppliers for device in first.devices} == {(SUPPLIER,)}


@given(HOMES, SEEDS)
def test_every_id_is_of_one_device_and_every_device_of_its_home(homes, seed):
    town = build_town(homes, seed)
    ids = [device.device_id for home in town for device in home.devices]
    assert len(ids) == len(set(ids))
    for home in town:
        assert {device.hub_id for device in home.devices} == {home.hub_id}
        kinds = kinds_of(home)
        assert [kinds[kind] for kind in (DeviceType.CHF, DeviceType.ESME, DeviceType.PPMID)] == [
            1
        ] * 3
        assert kinds[DeviceType.GSME] == kinds[DeviceType.GPF] <= 1
        assert kinds[DeviceType.HCALCS] <= HCALCS_PER_HOME_MAX


@given(HOMES, SEEDS)
def test_every_failure_of_a_ppmid_occurs_alike_often_and_never_in_the_first_home(homes, seed):
    town = build_town(homes, seed)
    fates = Counter(home.ppmid_fate for home in town)
    each = -(-homes // HOMES_PER_FAILURE) if homes > len(FAILURES) else 0
    assert [fates[fate] for fate in FAILURES] == [each] * len(FAILURES)
    assert (town[0].ppmid_fate, town[0].hcalcs_fate) == (Fate.SOUND, Fate.SOUND)


@given(HOMES, SEEDS)
def test_every_fate_of_hcalcss_occurs_alike_often_where_there_are_some(homes, seed):
    town = build_town(homes, seed)
    with_hcalcs = [home for home in town if kinds_of(home)[DeviceType.HCALCS]]
    fates = Counter(home.hcalcs_fate for home in with_hcalcs)
    assert set(fates) <= set(HCALCS_FATES)
    if homes > 2 * len(HCALCS_FATES):
        often = {fates[fate] for fate in HCALCS_FATES if fate is not Fate.SOUND}
        assert often == {-(-homes // HOMES_PER_FAILURE)}


def test_a_town_has_homes_of_every_sort():
    town = build_town(200, 1)
    assert {kinds_of(home)[DeviceType.HCALCS] for home in town} == {0, 1, 2, HCALCS_PER_HOME_MAX}
    gas = [suppliers_of(home, DeviceType.GSME) for home in town]
    assert {(SUPPLIER,)} in gas
    assert {(SUPPLIER_2,)} in gas
    assert set() in gas


def test_the_inventory_knows_what_the_fate_says_it_knows():
    for home in build_town(50, 1):
        hub = home.device(DeviceType.CHF)
        assert (hub.gbcs_version == "2.1") == (home.ppmid_fate is Fate.OLD_HUB)
        other = home.ppmid_fate is Fate.OTHER_SUPPLIER
        assert suppliers_of(home, DeviceType.PPMID) == {(SUPPLIER_2,) if other else (SUPPLIER,)}
        other = home.hcalcs_fate is Fate.HCALCS_OTHER_SUPPLIER
        assert suppliers_of(home, DeviceType.HCALCS) <= {(SUPPLIER_2,) if other else (SUPPLIER,)}
        assert suppliers_of(home, DeviceType.ESME) == {(SUPPLIER,)}


def test_the_seed_decides():
    assert build_town(60, 7) == build_town(60, 7)
    assert build_town(60, 7) != build_town(60, 8)


def test_every_fate_has_its_outcome_and_is_that_of_a_ppmid_or_of_hcalcss():
    assert set(EXPECTED) == set(Fate) == {*PPMID_FATES, *HCALCS_FATES}
    for fates in (PPMID_FATES, HCALCS_FATES):
        assert len(set(fates)) == len(fates)
        outcomes = Counter(EXPECTED[fate] for fate in fates if fate is not Fate.DATED)
        assert set(outcomes.values()) == {1}, "an outcome tells the fate"
    assert EXPECTED[Fate.DATED] == EXPECTED[Fate.SOUND] == (Outcome.UPDATED, "")


def test_a_homes_ids_have_room_for_every_hcalcs():
    home = build_home(7, hcalcs=HCALCS_PER_HOME_MAX, gas_supplier=SUPPLIER)
    first = home.device(DeviceType.ESME).device_id
    ids = [device.device_id - first for device in home.devices_of(DeviceType.HCALCS)]
    assert ids == list(range(POSITION[DeviceType.HCALCS], POSITION[DeviceType.HCALCS] + 5))
    assert max(ids) < IDS_PER_HOME


@pytest.mark.parametrize("hcalcs", [-1, HCALCS_PER_HOME_MAX + 1])
def test_a_home_with_too_many_hcalcss_is_refused(hcalcs):
    with pytest.raises(LocalError, match=f"up to 5 HCALCSs, not {hcalcs}"):
        build_home(1, hcalcs=hcalcs)


@pytest.mark.parametrize("homes", [-1, 0, HOMES_MAX + 1])
def test_a_town_of_no_size_is_refused(homes):
    with pytest.raises(LocalError, match=f"1 to 1,000,000 homes, not {homes}"):
        build_town(homes, 1)
