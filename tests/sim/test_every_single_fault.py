"""One fault in one world, at every place where it can strike: nothing breaks, nobody is silent.

A calm run of one home counts the places; then each world has one fault at one of them. Power is
cut before every effect that changes a flash, for every node; every WAN message, DUIS answer and
radio frame of the image's transfer is lost or doubled; the DCC and the suppliers die before, in and
after every transaction.
"""

from functools import lru_cache

import pytest

from hanota.han.effects import EraseSlot, Record, Restart, WriteSlot
from hanota.limits import POWERCUT_IMAGE_OCTETS
from hanota.sim import faulty_world
from hanota.sim.faults import Fault, Luck, parse_rates
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.sim.process import Moment

SETTINGS = Settings(
    seed=3,
    rates=parse_rates("none"),
    homes=1,
    fault_days=1,
    image_octets=POWERCUT_IMAGE_OCTETS,
)
# How many places a run of every day tries, of each kind.
SAMPLES = 6


class OneStrike(Luck):
    """A luck by which one fault strikes once, at the `place`-th time that it might."""

    def __init__(self, fault, place, moment=None):
        super().__init__(SETTINGS.seed, SETTINGS.rates)
        self.fault = fault
        self.place = place
        self.moment = moment
        self.places = 0

    def strikes(self, fault):
        if fault is not self.fault or self.over:
            return False
        self.places += 1
        return self.places == self.place

    def stream(self, fault):
        return self if self.moment is not None and fault is Fault.KILLED else super().stream(fault)

    def choice(self, options):
        return self.moment if self.moment in options else options[0]


def run_with(luck):
    """A whole world with this luck."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faulty_world, "Luck", lambda _seed, _rates: luck)
        world = FaultyWorld(SETTINGS)
    world.run()
    return world


CHANCES = (Fault.WAN_LOST, Fault.WAN_DOUBLED, Fault.WAN_DELAYED, Fault.ANSWER_LOST)
KILLS = tuple((Fault.KILLED, moment) for moment in Moment)
STRIKES = (*((fault, None) for fault in CHANCES), *KILLS)


@lru_cache
def places(fault):
    """How often this fault might strike in a calm world."""
    luck = OneStrike(fault, 0)
    run_with(luck)
    return luck.places


def sampled(count):
    return sorted({1 + (count - 1) * part // (SAMPLES - 1) for part in range(SAMPLES)})


@pytest.mark.parametrize(("fault", "moment"), STRIKES)
def test_one_strike_here_and_there(fault, moment):
    for place in sampled(places(fault)):
        luck = OneStrike(fault, place, moment)
        run_with(luck)
        assert luck.places >= place, "a strike that was asked for did not happen"


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
@pytest.mark.parametrize(("fault", "moment"), STRIKES)
def test_one_strike_everywhere(fault, moment, part):
    for place in range(1 + part, places(fault) + 1, 20):
        run_with(OneStrike(fault, place, moment))


CHANGES = (Record, EraseSlot, WriteSlot, Restart)


def run_with_cut(node_id, step, off_ms=60_000):
    """A world in which one node loses its power before its `step`-th change; how many it made."""
    world = FaultyWorld(SETTINGS)
    changes = 0

    def power(at, effect):
        nonlocal changes
        if at != node_id or not isinstance(effect, CHANGES):
            return None
        changes += 1
        return off_ms if changes == step else None

    world._power = power
    world.run()
    return changes


@lru_cache
def nodes():
    street = FaultyWorld(SETTINGS).street
    return (*street.hub_ids, *street.residents)


@lru_cache
def changes_of(node_id):
    return run_with_cut(node_id, 0)


@pytest.mark.parametrize("which", range(5))
def test_a_power_cut_here_and_there(which):
    node_id = nodes()[which]
    for step in sampled(changes_of(node_id)):
        assert run_with_cut(node_id, step) >= step


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
@pytest.mark.parametrize("which", range(5))
def test_a_power_cut_before_every_change(which, part):
    node_id = nodes()[which]
    for step in range(1 + part, changes_of(node_id) + 1, 20):
        assert run_with_cut(node_id, step) >= step
