"""Homes with several HCALCSs, with two suppliers, and with a supplier that changes."""

from collections import Counter

import pytest
from tests.sim.a_service_user import AServiceUser
from tests.sim.a_town import ATown

from hanota.limits import GSME_WAKE_MIN, MINUTE_MS
from hanota.model import DeviceType, LeftOut, Milestone, Outcome, version_text
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.rollout import carry_out
from hanota.sim.town import HCALCS_PER_HOME_MAX, OLD_VERSION, build_home
from hanota.sim.town_images import NEW_VERSION
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import decode_request, open_document
from hanota.wire.gbcs.cs06 import ActivateFirmwareResult

ESME, GSME, HCALCS = DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS


# --- Five HCALCSs on one ESME ---


@pytest.fixture(scope="module")
def five():
    """One home whose five HCALCSs have got an image with one 11.1; the town and their ids."""
    town = ATown(town=[build_home(1, hcalcs=HCALCS_PER_HOME_MAX)])
    device_ids = [device.device_id for device in town.world.town[0].devices_of(HCALCS)]
    supplier = AServiceUser(town)
    supplier.distribute(HCALCS, *device_ids)
    supplier.activate(HCALCS, *device_ids, until=Outcome.UPDATED)
    supplier.settle()
    return town, device_ids


def test_five_hcalcss_are_updated_by_one_11_1_and_five_11_3(five):
    town, device_ids = five
    assert len(set(device_ids)) == HCALCS_PER_HOME_MAX
    assert [town.world.runs(device_id) for device_id in device_ids] == [NEW_VERSION] * 5
    assert all(town.versions_known(one) == {version_text(NEW_VERSION)} for one in device_ids)
    asked = [decode_request(open_document(octets)) for octets in town.requests]
    steps = Counter((one.service_reference, one.command_variant) for one in asked)
    assert steps == {("11.1", 8): 1, ("11.3", 4): 5, ("11.3", 5): 5}
    assert town.is_sound()


# --- Two suppliers in one home ---


class TwoSuppliers:
    """A home with electricity of one supplier and gas of another, who each have sent an image."""

    def __init__(self):
        self.town = ATown(town=[build_home(1, hcalcs=1, gas_supplier=SUPPLIER_2)])
        self.world = self.town.world
        home = self.world.town[0]
        self.electricity = AServiceUser(self.town, SUPPLIER)
        self.gas = AServiceUser(self.town, SUPPLIER_2)
        self.device = {
            kind: home.device(kind).device_id for kind in (ESME, GSME, HCALCS, DeviceType.PPMID)
        }

    def runs(self, kind):
        return self.world.runs(self.device[kind])


@pytest.fixture
def two():
    return TwoSuppliers()


def test_each_supplier_updates_its_own_devices(two):
    for kind in (ESME, HCALCS):
        two.electricity.distribute(kind, two.device[kind])
    two.gas.distribute(GSME, two.device[GSME])
    for kind in (ESME, HCALCS):
        two.electricity.activate(kind, two.device[kind], until=Outcome.UPDATED)
    two.gas.activate(GSME, two.device[GSME], until=Outcome.UPDATED)
    for _ in carry_out([PpmidRollout(two.world)]):
        pass
    two.gas.settle()
    assert [two.runs(kind) for kind in two.device] == [NEW_VERSION] * 4
    assert two.town.is_sound()


@pytest.mark.parametrize(("user", "kind"), [("electricity", GSME), ("gas", ESME), ("gas", HCALCS)])
def test_a_supplier_gets_no_image_to_the_device_of_another(two, user, kind):
    supplier, device_id = getattr(two, user), two.device[kind]
    supplier.distribute(kind, device_id, until=Outcome.LEFT_OUT)
    assert supplier.reasons(device_id) == [LeftOut.NOT_YOUR_DEVICE]
    assert two.runs(kind) == OLD_VERSION
    assert two.town.is_sound()


@pytest.mark.parametrize(
    ("user", "owner", "kind"),
    [("electricity", "gas", GSME), ("gas", "electricity", ESME), ("gas", "electricity", HCALCS)],
)
def test_a_supplier_cannot_activate_the_image_of_another(two, user, owner, kind):
    supplier, device_id = getattr(two, user), two.device[kind]
    getattr(two, owner).distribute(kind, device_id)
    (row,) = supplier.activate(kind, device_id)
    supplier.settle()
    assert supplier.answer(row) == ResponseCode.E5
    getattr(two, owner).activate(kind, device_id, until=Outcome.UPDATED)
    assert two.runs(kind) == NEW_VERSION


def test_what_one_supplier_is_told_the_other_is_not(two):
    two.gas.distribute(GSME, two.device[GSME])
    two.electricity.distribute(ESME, two.device[ESME])
    assert two.gas.story(two.device[ESME]) == two.electricity.story(two.device[GSME]) == []


# --- A change of supplier ---


def test_who_gains_a_home_distributes_anew_and_then_activates(two):
    """The device keeps the image as the old supplier's, whose commands it takes no more."""
    old, new, device_id = two.electricity, two.gas, two.device[HCALCS]
    old.distribute(HCALCS, device_id)
    two.world.change_supplier(device_id, SUPPLIER_2)

    (refused,) = old.activate(HCALCS, device_id)
    new.activate(HCALCS, device_id)
    new.run(lambda: new.outcomes(device_id))
    assert old.answer(refused) == ResponseCode.E5
    assert old.states(device_id) == [Milestone.DISTRIBUTED]
    assert new.outcomes(device_id) == [ActivateFirmwareResult.NO_IMAGE_HELD]
    assert two.runs(HCALCS) == OLD_VERSION

    new.distribute(HCALCS, device_id)
    new.activate(HCALCS, device_id, until=Outcome.UPDATED)
    new.settle()
    assert two.runs(HCALCS) == NEW_VERSION
    assert two.town.versions_known(device_id) == {version_text(NEW_VERSION)}
    assert two.town.is_sound()


# --- A device that sleeps ---


def test_a_gsme_hears_only_when_it_wakes(two):
    """Its command waits at the hub until then; an ESME's does not."""
    taken_ms = {}
    for supplier, kind in ((two.gas, GSME), (two.electricity, ESME)):
        supplier.distribute(kind, two.device[kind])
        # From an instant at which the GSME has fallen asleep.
        supplier.run(lambda: False, until_ms=two.world.now_ms + MINUTE_MS)
        began_ms = two.world.now_ms
        supplier.activate(kind, two.device[kind], until=Outcome.UPDATED)
        taken_ms[kind] = two.world.now_ms - began_ms
    assert taken_ms[ESME] < MINUTE_MS
    assert MINUTE_MS < taken_ms[GSME] <= GSME_WAKE_MIN * MINUTE_MS
