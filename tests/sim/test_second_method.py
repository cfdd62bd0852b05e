"""11.1, 11.3 and what comes of them through the whole chain: HCALCS, ESME and GSME of one home."""

import pytest
from tests.sim.a_service_user import AServiceUser
from tests.sim.a_town import ATown

from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, Milestone, Outcome, version_text
from hanota.sim.town import OLD_VERSION
from hanota.sim.town_images import NEW_VERSION

KINDS = (DeviceType.HCALCS, DeviceType.ESME, DeviceType.GSME)
ALL = pytest.mark.parametrize("kind", KINDS)


class SecondMethod:
    """One device of a kind in the home of the official samples, which holds its new image."""

    def __init__(self, kind):
        self.town = ATown(homes=1)
        self.world = self.town.world
        self.kind = kind
        self.device_id = self.world.town[0].device(kind).device_id
        self.supplier = AServiceUser(self.town)
        self.supplier.distribute(kind, self.device_id)

    def in_a_week(self):
        return (self.world.now_ms // 1000 + 7 * 86_400) * 1000

    def activate(self, until, **options):
        self.supplier.activate(self.kind, self.device_id, until=until, **options)

    def ends(self, runs):
        self.supplier.settle()
        assert self.world.runs(self.device_id) == runs
        assert self.town.is_sound()


@ALL
def test_distribute_and_activate_at_once(kind):
    run = SecondMethod(kind)
    assert run.town.versions_known(run.device_id) == {version_text(OLD_VERSION)}
    run.activate(until=Outcome.UPDATED)
    run.ends(runs=NEW_VERSION)
    assert run.town.versions_known(run.device_id) == {version_text(NEW_VERSION)}


@ALL
def test_activate_at_a_time_that_survives_a_power_cut(kind):
    run = SecondMethod(kind)
    at_ms = run.in_a_week()
    run.activate(at_ms=at_ms, until=Milestone.ACTIVATION_ACCEPTED)
    assert run.world.now_ms < at_ms
    run.world.homes.power_on(run.device_id)
    run.supplier.run_until(Outcome.UPDATED, run.device_id)
    assert at_ms <= run.world.now_ms < at_ms + HOUR_MS
    run.ends(runs=NEW_VERSION)


@ALL
def test_a_cancelled_activation_leaves_the_old_version(kind):
    run = SecondMethod(kind)
    at_ms = run.in_a_week()
    run.activate(at_ms=at_ms, until=Milestone.ACTIVATION_ACCEPTED)
    image_hash = run.supplier.hash_of(kind)
    run.supplier.shell.cancel_activation([run.device_id], image_hash, run.world.now_ms)
    run.supplier.run_until(Outcome.CANCELLED, run.device_id)
    run.supplier.run(lambda: run.world.now_ms > at_ms + DAY_MS)
    run.ends(runs=OLD_VERSION)


@ALL
def test_the_hash_of_another_image_is_refused_by_the_device(kind):
    run = SecondMethod(kind)
    run.activate(image_hash=bytes(32), until=Outcome.HASH_MISMATCH)
    run.ends(runs=OLD_VERSION)


@ALL
def test_every_document_goes_through_the_dcc_signed(kind):
    run = SecondMethod(kind)
    assert run.town.pushes
    assert all(b"<ds:Signature" in octets for octets in run.town.documents())
