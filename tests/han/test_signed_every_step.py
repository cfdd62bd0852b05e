"""Power cut and torn write at every step of 11.1 and 11.3, of each kind of device and of the hub.

There is always an image that boots; one receipt and one outcome are told, each in one form; and
the device ends on the new version, or on the old one with the failure that it told.
"""

import random

import pytest
from tests.han.a_home import HUB, NEW_VERSION, OLD_VERSION
from tests.han.a_signed_home import KINDS, NEW_HASH, ASignedHome
from tests.han.commands import activate

from hanota.han.effects import EraseSlot, Record, WriteSlot
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra

NEW, OLD = NEW_VERSION.to_bytes(4, "big"), OLD_VERSION.to_bytes(4, "big")
ALL = pytest.mark.parametrize("kind", KINDS)
DEVICE = "device"


def never(_image):
    return False


class Story:
    """An update of one device; `after_ms` dates the activation."""

    def __init__(self, kind, after_ms=None, **world):
        self.kind = kind
        self.after_ms = after_ms
        self.world = world
        self.effects = {HUB: [], DEVICE: []}

    def run(self, node=None, cuts=None, cut_ms=60_000):
        """Receipt codes, outcomes and the version that it ends on."""
        home = ASignedHome(self.kind, watch=self._watch, **self.world)
        node_id = {None: None, DEVICE: home.device, HUB: HUB}[node]
        home.cuts = {} if node is None else {node_id: cuts}
        home.cut_ms = cut_ms
        self.effects = {HUB: [], DEVICE: []}
        home.distribute().run(cut_ms + HOUR_MS)
        at_ms = self.after_ms and (home.started_ms + self.after_ms) // 1000 * 1000
        home.command(activate(home.device, NEW_HASH, 5, at_ms), 3 * DAY_MS)
        home.run((self.after_ms or 0) + cut_ms + 2 * HOUR_MS)
        # A cut in the last of these hours: it has to come up again.
        home.run(cut_ms + HOUR_MS, until=lambda now: now.version(home.device) is not None)
        assert home.cuts_made == len(cuts or ()), "a cut that was asked for did not happen"
        assert home.bootable()
        return self._outcome(home)

    def _watch(self, home, node, effect):
        name = DEVICE if node == home.device else node
        self.effects[name].append(effect)
        if name == DEVICE and isinstance(effect, EraseSlot | Record):
            assert home.bootable()

    def _outcome(self, home):
        said = []
        for message in home.said():
            content = decode_content(message)
            match message.message_code, message.cra:
                case (0x0012, Cra.RESPONSE) if hasattr(content, "result"):
                    said.append((content.result.value, content.firmware_version))
                case (0x0012, Cra.RESPONSE):
                    said.append("accepted")
                case (0x00CA, _):
                    said.append((content.outcome.result.value, content.outcome.firmware_version))
                case _:
                    said.append(f"{content.alert_code:04X}")
        return said, home.transfers(), home.version(home.device)


UPDATED = (["8F72", (0, NEW)], ["SUCCESS"], NEW_VERSION)
STORIES = {
    "at once": ({}, UPDATED),
    "at a time": (
        {"after_ms": DAY_MS},
        (["8F72", "accepted", (0, NEW)], ["SUCCESS"], NEW_VERSION),
    ),
    "failing": ({"starts": never}, (["8F72", (3, OLD)], ["SUCCESS"], OLD_VERSION)),
    "not verified": (
        {"signed_by": 0x90B3D51F30020000},
        (["8F1C", (1, OLD)], ["IMAGE_DISCARDED"], OLD_VERSION),
    ),
}
EACH = pytest.mark.parametrize("name", STORIES)


def check_every_cut(kind, name, node, cut_ms):
    world, expected = STORIES[name]
    story = Story(kind, **world)
    assert story.run() == expected
    for step in range(1, len(story.effects[node]) + 1):
        outcome = story.run(node, {step: 0}, cut_ms)
        assert outcome == expected, f"cut before effect {step} of the {node}"


@EACH
@ALL
def test_a_power_cut_before_every_effect_of_the_device(kind, name):
    check_every_cut(kind, name, DEVICE, 60_000)


@pytest.mark.parametrize("cut_ms", [0, DAY_MS])
@pytest.mark.parametrize("name", ["at once", "at a time"])
def test_a_short_and_a_long_cut(name, cut_ms):
    check_every_cut(DeviceType.HCALCS, name, DEVICE, cut_ms)


@ALL
def test_a_power_cut_before_every_effect_of_the_hub(kind):
    check_every_cut(kind, "at once", HUB, 60_000)


@pytest.mark.parametrize("octets", [1, 15])
def test_every_torn_write(octets):
    story = Story(DeviceType.HCALCS)
    assert story.run() == UPDATED
    writes = [
        n for n, effect in enumerate(story.effects[DEVICE], 1) if isinstance(effect, WriteSlot)
    ]
    assert len(writes) > 80
    for step in writes:
        assert story.run(DEVICE, {step: octets}) == UPDATED, f"{octets} octets of effect {step}"


@ALL
@pytest.mark.parametrize("seed", range(5))
def test_a_bad_radio(kind, seed):
    chance = random.Random(seed)

    def air(_source, _target, _frame):
        return [chance.randrange(1, 100) for _ in range(chance.choices([0, 1, 2], [1, 8, 1])[0])]

    assert Story(kind, air=air).run() == UPDATED
