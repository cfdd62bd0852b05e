"""Power cut, torn write, doubled and lost envelope at every step of a hub's own update.

Whatever fails: there is always an image that the hub can boot, it ends on the new version or tells
that it fell back, and the update of the PPMID behind it, which is under way all the while, goes on.
"""

import random

import pytest
from tests.han.a_home import HUB, PPMID, AHome
from tests.han.a_home import NEW_VERSION as PPMID_VERSION
from tests.han.hub_images import (
    NEW,
    NEW_VERSION,
    OLD_VERSION,
    digest_of,
    firmware,
    hub_flash,
    request_id,
    verify,
)

from hanota.han import bootloader
from hanota.han.effects import EraseSlot, Record, Restart, WriteSlot
from hanota.han.ppmid import comes_up
from hanota.limits import DAY_MS, HOUR_MS
from hanota.wire import wan
from hanota.wire.wan import HubImageResult, HubImageStored, HubRuns, UpdateHub

ORDER = request_id(7)
STORED = HubImageStored(ORDER, HubImageResult.STORED)
RUNS_NEW, RUNS_OLD = HubRuns(ORDER, NEW_VERSION), HubRuns(ORDER, OLD_VERSION)
UPDATED = ({STORED, RUNS_NEW}, NEW_VERSION, [("SUCCESS", PPMID_VERSION)], PPMID_VERSION)
FELL_BACK = ({STORED, RUNS_OLD}, OLD_VERSION, [("SUCCESS", PPMID_VERSION)], PPMID_VERSION)
LATER_MS = 1_000  # the PPMID is still fetching then


class AnUpdatedHome(AHome):
    """A home whose PPMID is being updated when the order for its hub comes."""

    def __init__(self, starts=comes_up, later=False, **world):
        self.hub_effects = []
        super().__init__(
            hub_firmware=firmware(starts), hub_flash=hub_flash(), watch=_watch, **world
        )
        self.blobs[digest_of(NEW)] = NEW
        self._later = later

    def order(self):
        at_ms = self.homes.now_ms + LATER_MS if self._later else None
        self._pending.append(wan.encode(UpdateHub(ORDER, digest_of(NEW), at_ms)))

    def run_both(self):
        self.run(10_000)
        self.deliver()
        self.run(2_000)
        assert self.is_fetching() or self.cuts_made
        self.order()
        self.run(3 * DAY_MS)
        return self

    def is_fetching(self):
        """Whether the PPMID has a part of its image."""
        return 0 < self.homes.flash(PPMID).written(1) < len(self.image)

    def of_hub(self):
        kinds = (HubImageStored, HubRuns)
        return {one for one in self.envelopes() if isinstance(one, kinds)}

    def ends(self):
        return self.of_hub(), self.version(HUB), self.activations(), self.version()


def _watch(home, node, effect):
    if node == HUB:
        if isinstance(effect, Restart):
            assert home.is_fetching() or home.cuts_made
        home.hub_effects.append(effect)
        if isinstance(effect, EraseSlot | WriteSlot | Record):
            flash = home.homes.flash(HUB)
            assert bootloader.boot(flash, verify, comes_up).image is not None


def run_with_cuts(cuts, cut_ms=60_000, **world):
    home = AnUpdatedHome(**world)
    home.cuts = cuts
    home.cut_ms = cut_ms
    home.run_both()
    assert home.cuts_made == sum(map(len, cuts.values())), "a cut that was asked for did not happen"
    return home.ends()


def steps_of(**world):
    """The numbers of the hub's effects from the order to its end, and the effects."""
    home = AnUpdatedHome(**world).run_both()
    numbered = list(enumerate(home.hub_effects, 1))
    first = next(number for number, effect in numbered if isinstance(effect, EraseSlot))
    ends = [
        number
        for number, effect in numbered
        if isinstance(effect, Record) and "hub-update" in effect.values
    ]
    return range(first, ends[-1] + 12), dict(numbered)


WORLDS = pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])


@WORLDS
def test_the_devices_of_the_home_are_updated_all_the_same(later):
    home = AnUpdatedHome(later=later).run_both()
    assert home.ends() == UPDATED
    assert home.transfers() == ["SUCCESS"]
    restarts = [effect for effect in home.hub_effects if isinstance(effect, Restart)]
    assert len(restarts) == 1


@WORLDS
@pytest.mark.parametrize("cut_ms", [0, 60_000, DAY_MS])
def test_a_power_cut_before_every_effect(later, cut_ms):
    steps, _ = steps_of(later=later)
    assert len(steps) > 15
    for step in steps:
        ends = run_with_cuts({HUB: {step: 0}}, cut_ms, later=later)
        assert ends == UPDATED, f"cut before effect {step}"


def test_every_torn_write():
    _, effects = steps_of()
    writes = [step for step, effect in effects.items() if isinstance(effect, WriteSlot)]
    assert len(writes) == 1
    for octets in (1, 60, 1_000, len(NEW) - 1):
        assert run_with_cuts({HUB: {writes[0]: octets}}) == UPDATED, f"{octets} octets"


def test_a_power_cut_before_every_effect_of_a_failing_activation():
    world = {"starts": lambda image: image != NEW}
    steps, _ = steps_of(**world)
    for step in steps:
        assert run_with_cuts({HUB: {step: 0}}, **world) == FELL_BACK, f"cut before effect {step}"


@pytest.mark.parametrize("seed", range(15))
def test_several_cuts(seed):
    chance = random.Random(seed)
    steps, _ = steps_of(later=seed % 2 == 1)
    cuts = {HUB: dict.fromkeys(chance.sample(steps, chance.randrange(2, 6)), 0)}
    ends = run_with_cuts(cuts, chance.choice([0, 1_000, 3_600_000]), later=seed % 2 == 1)
    assert ends in (UPDATED, FELL_BACK), cuts


def test_power_of_the_ppmid_cut_meanwhile():
    """The meter that cuts the power of all is no different from one that cuts the hub's."""
    for step in range(40, 100, 7):
        assert run_with_cuts({PPMID: {step: 0}, HUB: {step // 2: 0}}) == UPDATED, step


# --- The WAN ---


@WORLDS
def test_a_doubled_order_is_carried_out_once(later):
    home = AnUpdatedHome(later=later)
    order = home.order

    def order_twice():
        order()
        order()

    home.order = order_twice
    home.run_both()
    assert home.ends() == UPDATED
    order()
    home.run(DAY_MS)
    assert home.ends() == UPDATED
    assert [type(effect) for effect in home.hub_effects].count(WriteSlot) == 1


def test_reports_that_are_never_acknowledged_are_told_again_and_unchanged():
    home = AnUpdatedHome()
    home.homes.wan_acknowledged = lambda _hub, _number: None
    home.run_both()
    assert home.ends() == UPDATED
    home.homes.power_on(HUB)
    home.run(HOUR_MS)
    told = [one for one in home.envelopes() if isinstance(one, HubRuns)]
    assert len(told) == 2
    assert home.ends() == UPDATED
    numbers = {}
    for hub, number, octets in home.sent:
        assert numbers.setdefault((hub, number), octets) == octets
