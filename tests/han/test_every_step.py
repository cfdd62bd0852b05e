"""Power cut, torn write, lost frame and doubled frame, at every step of an update.

The invariant is the same for all: there is always an image that the device can boot; it ends on the
new version, or on the old one with a reported failure; every alert has one counter and one form.
"""

import itertools
import random

import pytest
from tests.han.a_home import (
    HUB,
    NEW_VERSION,
    OLD_VERSION,
    PPMID,
    AHome,
    bootable,
    build,
    damaged,
)

from hanota.han.effects import EraseSlot, Record, WriteSlot
from hanota.limits import DAY_MS, FRAME_LATENCY_MS, TRIAL_BOOTS_MAX

UPDATED = ([("SUCCESS", NEW_VERSION)], ["SUCCESS"], NEW_VERSION)
NODES = pytest.mark.parametrize("node", [PPMID, HUB], ids=["ppmid", "hub"])


def always_bootable(home, node, effect):
    if node == PPMID and isinstance(effect, EraseSlot | Record):
        assert bootable(home.homes.flash(PPMID))


def run(home, days=9):
    home.run_update(days * DAY_MS)
    home.run(2 * DAY_MS)  # whatever is still said must be a repetition
    assert bootable(home.homes.flash(PPMID))
    return home.activations(), home.transfers(), home.version()


def run_with_cuts(cuts, cut_ms=60_000, **world):
    home = AHome(watch=always_bootable, **world)
    home.cuts = cuts
    home.cut_ms = cut_ms
    outcome = run(home)
    assert home.cuts_made == sum(map(len, cuts.values())), "a cut that was asked for did not happen"
    return outcome


def effects_of(node, **world):
    """The effects of an update without faults, from the first step (1) on."""
    effects = []
    home = AHome(
        watch=lambda _, at, effect: effects.append(effect) if at == node else None, **world
    )
    home.run_update()
    return effects


@NODES
@pytest.mark.parametrize("cut_ms", [0, 60_000, DAY_MS])
def test_a_power_cut_before_every_effect(node, cut_ms):
    for step in range(1, len(effects_of(node)) + 1):
        assert run_with_cuts({node: {step: 0}}, cut_ms) == UPDATED, f"cut before effect {step}"


def test_a_power_cut_before_every_effect_where_the_slot_holds_another_image():
    """One of the same length, so that only its record could tell that it is not the new one."""
    world = {"free": build(NEW_VERSION + 1)}
    for step in range(1, 30):
        assert run_with_cuts({PPMID: {step: 0}}, **world) == UPDATED, f"cut before effect {step}"


def test_every_torn_write():
    writes = [
        step for step, effect in enumerate(effects_of(PPMID), 1) if isinstance(effect, WriteSlot)
    ]
    assert len(writes) > 80
    for step, octets in itertools.product(writes, [1, 15]):
        assert run_with_cuts({PPMID: {step: octets}}) == UPDATED, f"{octets} octets of {step}"


def test_a_power_cut_before_every_effect_of_a_failing_activation():
    """Whatever is cut, the image that does not start ends as exactly one reported failure."""
    world = {"starts": lambda _image: False}
    effects = effects_of(PPMID, **world)
    for step in range(len(effects) - 40, len(effects) + 1):
        outcome = run_with_cuts({PPMID: {step: 0}}, **world)
        assert outcome == ([("FAILURE", OLD_VERSION)], ["SUCCESS"], OLD_VERSION), step


@NODES
def test_a_power_cut_before_every_effect_of_a_discarded_image(node):
    world = {"reads": damaged}
    for step in range(1, len(effects_of(node, **world)) + 1):
        assert run_with_cuts({node: {step: 0}}, **world) == ([], ["IMAGE_DISCARDED"], OLD_VERSION)


def test_trials_that_lose_power_end_in_the_old_image():
    """A device that never gets as far as confirming must not try for ever."""
    effects = effects_of(PPMID)
    counted = [
        step
        for step, effect in enumerate(effects, 1)
        if isinstance(effect, Record) and "boot" in effect.values
    ]
    trial = counted[1]  # counted[0] activates, counted[1] counts the first boot
    # Cut after the boot was counted and before it is confirmed, as often as it is tried.
    cuts = {trial + 1 + 2 * boot: 0 for boot in range(TRIAL_BOOTS_MAX)}
    outcome = run_with_cuts({PPMID: cuts})
    assert outcome == ([("FAILURE", OLD_VERSION)], ["SUCCESS"], OLD_VERSION)


def tried_again(outcome):
    """With several faults a trial may be cut too often; then the failure is what is reported."""
    return outcome in (UPDATED, ([("FAILURE", OLD_VERSION)], ["SUCCESS"], OLD_VERSION))


@pytest.mark.parametrize("seed", range(20))
def test_several_cuts_of_both(seed):
    check_several_cuts(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 2_000))
def test_several_cuts_of_both_again_and_again(seed):
    check_several_cuts(seed)


def check_several_cuts(seed):
    chance = random.Random(seed)
    cuts = {
        PPMID: dict.fromkeys(chance.sample(range(1, 280), chance.randrange(1, 8)), 0),
        HUB: dict.fromkeys(chance.sample(range(1, 100), chance.randrange(1, 8)), 0),
    }
    assert tried_again(run_with_cuts(cuts, chance.choice([0, 1_000, 3_600_000]))), cuts


class Air:
    """An air in which some frames, counted from 0, arrive as often and as late as stated."""

    def __init__(self, odd=None):
        self.odd = odd or {}
        self.frames = 0

    def __call__(self, _source, _target, _frame):
        delays = self.odd.get(self.frames, (FRAME_LATENCY_MS,))
        self.frames += 1
        return delays


def frames_of_an_update():
    air = Air()
    AHome(air=air).run_update()
    return air.frames


@pytest.mark.parametrize(
    "delays",
    [(), (8, 8), (8, 200), (8, 700_000), (2_500,)],
    ids=["lost", "doubled", "doubled late", "doubled very late", "late"],
)
def test_every_frame(delays):
    for frame in range(frames_of_an_update()):
        assert run(AHome(air=Air({frame: delays}))) == UPDATED, f"frame {frame}"


@pytest.mark.parametrize("delays", [(), (8, 30)], ids=["lost", "doubled"])
def test_each_kind_of_frame_ten_times_running(delays):
    """Ten frames in a row: as long as the client's patience with one question."""
    for first in range(0, frames_of_an_update(), 9):
        odd = dict.fromkeys(range(first, first + 10), delays)
        assert run(AHome(air=Air(odd))) == UPDATED, f"frames {first} to {first + 9}"


@pytest.mark.parametrize("seed", range(10))
def test_a_bad_radio(seed):
    check_a_bad_radio(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 1_000))
def test_a_bad_radio_again_and_again(seed):
    check_a_bad_radio(seed)


def check_a_bad_radio(seed):
    chance = random.Random(seed)

    def air(_source, _target, _frame):
        return [chance.randrange(1, 100) for _ in range(chance.choices([0, 1, 2], [2, 7, 1])[0])]

    assert run(AHome(air=air)) == UPDATED
