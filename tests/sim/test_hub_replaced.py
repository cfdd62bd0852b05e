"""A home gets another hub at any instant of an update: nothing breaks, and nobody is forgotten."""

import pytest

from hanota.limits import HOUR_MS, MINUTE_MS, POWERCUT_IMAGE_OCTETS
from hanota.model import DeviceStatus
from hanota.sim.checker import Invariant, ViolationError
from hanota.sim.faults import Fault, Luck, parse_rates
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.sim.street import START_MS

# Words of silence are allowed where a hub is replaced; here it happens once, at a chosen instant.
SETTINGS = Settings(
    seed=5,
    rates=parse_rates("none"),
    homes=1,
    fault_days=1,
    image_octets=POWERCUT_IMAGE_OCTETS,
    may_be_silent=True,
)


class Replacing(Luck):
    """A luck by which nothing happens but that the hub is replaced, at these instants."""

    def __init__(self, instants_ms):
        super().__init__(SETTINGS.seed, SETTINGS.rates)
        self.replaced_ms = instants_ms

    def instants_ms(self, fault, begin_ms, end_ms):
        if fault is Fault.HUB_REPLACED:
            return [begin_ms + after_ms for after_ms in self.replaced_ms]
        return super().instants_ms(fault, begin_ms, end_ms)


def world_with(*instants_ms):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hanota.sim.faulty_world.Luck", lambda *_: Replacing(instants_ms))
        return FaultyWorld(SETTINGS)


def traffic():
    """When envelopes arrive in a calm world, after its beginning, and whose they are."""
    world = world_with()
    arrivals = []
    note = world.happenings.note

    def noting(name, subject=""):
        if name in {"hub to DCC", "DCC to hub"}:
            arrivals.append((world.happenings.now_ms - START_MS, name))
        note(name, subject)

    world.happenings.note = noting
    world.run()
    return arrivals


@pytest.fixture(scope="module")
def instants():
    """Before, at and after every envelope of the first day."""
    return [
        at_ms + around_ms
        for at_ms in sorted({at_ms for at_ms, _ in traffic()})
        if at_ms < 12 * HOUR_MS
        for around_ms in (-2_001, -1, 0, 1)
        if at_ms + around_ms >= 0
    ]


def inventory(process):
    with process.ledger.view() as view:
        return view.devices(range(0x00DB_1235_0000_0000, 0x00DB_1235_0000_0006))


def test_the_hub_is_replaced_here_and_there(instants):
    for at_ms in instants[:: max(1, len(instants) // 8)]:
        world = world_with(at_ms)
        world.run()
        assert world.happenings.faults[Fault.HUB_REPLACED] == 1


@pytest.mark.long
def test_the_hub_is_replaced_around_every_envelope(instants):
    for at_ms in instants:
        world_with(at_ms).run()


def test_a_hub_may_be_replaced_again_and_again():
    world = world_with(*range(5 * MINUTE_MS, HOUR_MS, 5 * MINUTE_MS))
    (first,) = world.street.hub_ids
    world.run()
    (last,) = world.street.hub_ids
    assert world.street.standing(first) == last != first
    for process in world.organisations.processes():
        rows = inventory(process)
        if not rows:
            continue
        assert rows.pop(first).status is DeviceStatus.DECOMMISSIONED
        assert {row.hub_id for row in rows.values()} == {last}


def test_what_an_old_hub_says_later_is_foreign():
    """It moves nothing, for devices that have gone to another hub, and is journalled."""
    world = world_with(HOUR_MS)
    (old,) = world.street.hub_ids
    take, said, again = world.organisations.take_from_hub, [], []

    def take_and_keep(hub_id, number, body):
        said.append((hub_id, body))
        take(hub_id, number, body)

    def say_it_again():
        before = inventory(world.organisations.dcc)
        again.extend(one for one in said if one[0] == old)
        world.organisations.dcc.shell.receive_wan(again, world.happenings.now_ms)
        assert inventory(world.organisations.dcc) == before

    world.homes._wan = take_and_keep
    world.happenings.add(START_MS + 2 * HOUR_MS, say_it_again)
    world.run()
    with world.organisations.dcc.ledger.view() as view:
        timelines = [view.timeline(device_id, 1_000) for device_id in world.street.residents]
    events = [entry.event for timeline in timelines for entry in timeline]
    assert sum(event.startswith("foreign:") for event in events) >= len(again) > 0


@pytest.mark.parametrize("is_allowed", [True, False])
def test_words_that_go_with_a_hub_may_be_missing(is_allowed, monkeypatch):
    """The hub is cut off before its first envelope arrives, and replaced before its second try."""
    first_ms = next(at_ms for at_ms, name in traffic() if name == "hub to DCC")
    world = world_with(first_ms + MINUTE_MS)
    (hub_id,) = world.street.hub_ids
    until_ms = START_MS + 2 * first_ms + HOUR_MS
    world.happenings.add(
        START_MS + first_ms - 1, lambda: world.organisations.cut_off(hub_id, until_ms)
    )
    if is_allowed:
        world.run()
        assert world._checker.lost
        return
    monkeypatch.setattr(world._checker, "lose_hub", lambda _hub_id: None)
    with pytest.raises(ViolationError) as broken:
        world.run()
    assert broken.value.invariant is Invariant.KEPT
