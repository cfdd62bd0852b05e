"""The hub's own image: every state with every event, what is refused, and what a hub tells."""

import itertools

import pytest
from tests.han.a_home import HUB, PPMID, signer
from tests.han.a_node import ANode
from tests.han.commands import ACB, ECS52, SUPPLIER, read, trust_of
from tests.han.hub_images import (
    MAKE,
    NEW,
    NEW_VERSION,
    OLD,
    OLD_VERSION,
    RELEASED,
    digest_of,
    firmware,
    hub_flash,
    hub_image,
    request_id,
)

from hanota.han import bootloader
from hanota.han.bootloader import Boot, Stage
from hanota.han.effects import EraseSlot, Record, Restart, SendWan, Wake, WriteSlot
from hanota.han.flash import Flash
from hanota.han.hub import ACTIVATE, Hub, HubSetup
from hanota.han.hub_firmware import ORDER_KEY, TRANSITIONS, Event, HubFirmware, State, Step
from hanota.han.verification import Make
from hanota.limits import DAY_MS
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.image import decode_image, manufacturer_image_hash
from hanota.wire.wan import (
    FromDevice,
    HubImageResult,
    HubImageStored,
    HubRuns,
    ToDevice,
    UpdateHub,
)

NOW_MS = 1_790_000_000_789
AT_MS = NOW_MS + DAY_MS
NEWER_VERSION = NEW_VERSION + 1
NEWER = hub_image(NEWER_VERSION, 500)
BLOBS = {digest_of(image): image for image in (OLD, NEW, NEWER)}
LAST = 7  # counter of the order that a hub has had


class AHub(ANode):
    """A hub with firmware; a restart is made at once."""

    def __init__(self, flash=None, starts=lambda _image: True, blobs=BLOBS, setup=...):
        super().__init__(flash or hub_flash(), NOW_MS)
        self.setup = HubSetup(
            HUB,
            frozenset({PPMID}),
            signer(HUB),
            blobs.get,
            trust=trust_of(HUB, SUPPLIER),
            firmware=firmware(starts) if setup is ... else setup,
        )
        self.power_on()

    def power_on(self):
        """Start, and start again as long as it restarts; what it told until it came to rest."""
        before = len(self.told_dcc)
        for _ in range(10):
            self.restarts = 0
            self.wakes.clear()
            self.hub = Hub(self.setup, self.flash)
            self.do(self.hub.power_on(self.now_ms))
            if not self.restarts:
                self.acknowledge()
                return [message for _, message in self.told_dcc[before:]]
        raise AssertionError("a boot loop")

    def order(self, counter=LAST, image=NEW, at_ms=None):
        """Take an order; what is told until the hub has come to rest."""
        before = len(self.told_dcc)
        envelope = UpdateHub(request_id(counter), digest_of(image), at_ms)
        self.do(self.hub.receive_wan(envelope, self.now_ms))
        self.acknowledge()
        if self.restarts:
            self.power_on()
        return [message for _, message in self.told_dcc[before:]]

    def acknowledge(self):
        for number, _ in self.told_dcc:
            self.do(self.hub.wan_acknowledged(number, self.now_ms))


def stored(counter=LAST, result=HubImageResult.STORED):
    return HubImageStored(request_id(counter), result)


def runs(version, counter=LAST):
    return HubRuns(request_id(counter), version)


# --- Every state with every event ---


def own_firmware(flash):
    """The rules alone, on this flash."""
    return HubFirmware(firmware(), 0, flash, BLOBS.get)


def in_state(state):
    """A flash that has come into this state, and its rules as they stand after power-on."""
    node = ANode(hub_flash(), NOW_MS)
    party = own_firmware(node.flash)
    carry_out(node, party.power_on(NOW_MS))
    if state is State.WAITING:
        carry_out(node, party.receive(envelope(LAST, AT_MS), NOW_MS))
    if state is State.ACTIVATING:
        carry_out(node, party.receive(envelope(LAST), NOW_MS))
    assert own_firmware(node.flash).state is party.state is state
    return node, party


def envelope(counter, at_ms=None, image=NEW):
    return UpdateHub(request_id(counter), digest_of(image), at_ms)


def carry_out(node, step):
    node.do((*step.writes, Record(step.values)))
    return step


# What a hub does with each order: one that is refused, one for later, one for at once.
ORDERS = {
    "refused": (b"no such image", None),
    "later": (NEW, AT_MS + 1),
    "now": (NEW, None),
    "past": (NEW, NOW_MS),
}


def happen(node, party, event, order="now"):
    image, at_ms = ORDERS[order]
    match event:
        case Event.ORDERED:
            return party.receive(envelope(LAST + 1, at_ms, image), NOW_MS)
        case Event.REPEATED:
            return party.receive(envelope(LAST, at_ms), NOW_MS)
        case Event.OVERTAKEN:
            return party.receive(envelope(LAST - 1), NOW_MS)
        case Event.TIME_REACHED:
            return party.time_reached(AT_MS)
        case Event.POWER_ON | Event.TRIAL_OVER:
            return party.power_on(NOW_MS)


def applies(state, event):
    """Power-on is one event or the other by what the flash says."""
    if event in {Event.POWER_ON, Event.TRIAL_OVER}:
        return (event is Event.TRIAL_OVER) == (state is State.ACTIVATING)
    return True


def with_a_last_order(state):
    """As `in_state`; one that is idle has carried an order out."""
    if state is not State.IDLE:
        return in_state(state)
    node, _ = in_state(State.ACTIVATING)
    party = own_firmware(node.flash)
    carry_out(node, party.power_on(NOW_MS))
    return node, party


PAIRS = [pair for pair in itertools.product(State, Event) if applies(*pair)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_state_with_every_event(state, event, order):
    node, party = with_a_last_order(state)
    if event in {Event.POWER_ON, Event.TRIAL_OVER}:
        party = own_firmware(node.flash)
    before = dict(node.flash.records)
    step = carry_out(node, happen(node, party, event, order))
    assert party.state in TRANSITIONS.get((state, event), {state})
    assert own_firmware(node.flash).state is party.state, "all of it is recorded"
    if (state, event) not in TRANSITIONS:
        assert step == Step()
        assert node.flash.records == before


def test_every_transition_happens():
    seen = {}
    for (state, event), order in itertools.product(TRANSITIONS, ORDERS):
        node, party = with_a_last_order(state)
        if event is Event.TRIAL_OVER:
            party = own_firmware(node.flash)
        happen(node, party, event, order)
        seen.setdefault((state, event), set()).add(party.state)
    assert seen == {pair: set(states) for pair, states in TRANSITIONS.items()}


# --- At once, and later ---


def test_an_image_is_stored_started_and_told_of():
    hub = AHub()
    assert hub.hub.running_version == OLD_VERSION
    assert hub.order() == [stored(), runs(NEW_VERSION)]
    assert hub.hub.running_version == NEW_VERSION
    assert (hub.flash.content(0), hub.flash.content(1)) == (OLD, NEW)
    assert hub.power_on() == []
    assert hub.hub.running_version == NEW_VERSION


def test_everything_is_recorded_at_one_stroke_before_it_is_told():
    effects = AHub().hub.receive_wan(envelope(LAST), NOW_MS)
    erase, write, record, told, restart = effects
    assert (erase, write) == (EraseSlot(1), WriteSlot(1, 0, NEW))
    assert set(record.values) == {ORDER_KEY, "boot", "wan", "wan/1"}
    assert told == SendWan(1, stored())
    assert restart == Restart()


def test_the_slots_take_turns():
    hub = AHub()
    hub.order()
    assert hub.order(LAST + 1, NEWER) == [stored(LAST + 1), runs(NEWER_VERSION, LAST + 1)]
    assert (hub.flash.content(0), hub.flash.content(1)) == (NEWER, NEW)


def test_at_a_time_that_survives_a_power_cut():
    hub = AHub()
    assert hub.order(at_ms=AT_MS) == [stored()]
    assert hub.hub.running_version == OLD_VERSION
    assert hub.wakes[ACTIVATE] == AT_MS
    assert hub.power_on() == []
    assert (hub.wakes[ACTIVATE], hub.hub.running_version) == (AT_MS, OLD_VERSION)
    hub.wait(hub.hub, ACTIVATE)
    assert hub.power_on() == [runs(NEW_VERSION)]


def test_a_time_that_passed_without_power():
    hub = AHub()
    hub.order(at_ms=AT_MS)
    hub.now_ms = AT_MS + DAY_MS
    hub.power_on()
    assert hub.wakes[ACTIVATE] == hub.now_ms
    hub.wait(hub.hub, ACTIVATE)
    assert hub.power_on() == [runs(NEW_VERSION)]


def test_a_later_order_replaces_the_one_that_waits():
    hub = AHub()
    hub.order(at_ms=AT_MS)
    record, *_ = hub.hub.receive_wan(envelope(LAST + 1, AT_MS + 5, NEWER), NOW_MS)
    assert record == Record({ORDER_KEY: None}), "forgotten before its image is erased"
    hub.power_on()  # which had failed before any of that was done
    assert hub.order(LAST + 1, NEWER, AT_MS + 5) == [stored(LAST + 1)]
    assert hub.wakes[ACTIVATE] == AT_MS + 5
    hub.wait(hub.hub, ACTIVATE)
    assert hub.power_on() == [runs(NEWER_VERSION, LAST + 1)]


def test_a_refused_order_leaves_the_one_that_waits():
    hub = AHub()
    hub.order(at_ms=AT_MS)
    assert hub.order(LAST + 1, b"no such image") == [
        stored(LAST + 1, HubImageResult.DIGEST_MISMATCH)
    ]
    assert (hub.flash.content(1), hub.wakes[ACTIVATE]) == (NEW, AT_MS)
    hub.wait(hub.hub, ACTIVATE)
    assert hub.power_on() == [runs(NEW_VERSION)]


# --- What comes twice, or too late ---


def test_an_envelope_that_comes_again_is_answered_again_and_does_nothing():
    hub = AHub()
    hub.order(at_ms=AT_MS)
    (record, told) = hub.hub.receive_wan(envelope(LAST, AT_MS), NOW_MS)
    assert ORDER_KEY not in record.values
    assert told.message == stored()
    hub.wait(hub.hub, ACTIVATE)
    hub.power_on()
    before = dict(hub.flash.records)
    assert hub.order(at_ms=AT_MS) == [runs(NEW_VERSION)]
    assert hub.flash.records.keys() == before.keys()


def test_an_order_that_was_overtaken_is_never_carried_out():
    hub = AHub()
    hub.order(LAST + 1, NEWER)
    for _ in range(2):
        assert hub.order(LAST, NEW) == [stored(LAST, HubImageResult.OVERTAKEN)]
    assert (hub.hub.running_version, hub.flash.content(0)) == (NEWER_VERSION, OLD)


def test_a_doubled_report_is_not_taken_for_another():
    """What the DCC has not acknowledged is told again with its number, after any power cut."""
    hub = AHub()
    hub.acknowledge = lambda: None
    hub.order()
    hub.power_on()
    assert set(hub.told_dcc) == {(1, stored()), (2, runs(NEW_VERSION))}
    assert len(hub.told_dcc) == 5


# --- What is refused ---

OTHER_MAKE = Make(0x121E, MAKE.image_type, 0x1111)
UNRELEASED = hub_image(0x0300_0000)
RELEASED.remove(manufacturer_image_hash(decode_image(UNRELEASED)))
TURNED = NEW[:-1] + bytes((NEW[-1] ^ 1,))
REFUSED = {
    "other maker": (hub_image(NEW_VERSION, make=OTHER_MAKE), HubImageResult.NOT_VERIFIED),
    "other hardware": (
        hub_image(NEW_VERSION, make=Make(0x121D, MAKE.image_type, 0x1112)),
        HubImageResult.NOT_VERIFIED,
    ),
    "for PPMIDs": (
        hub_image(NEW_VERSION, make=Make(0x121D, 0x0084, 0x1111)),
        HubImageResult.NOT_VERIFIED,
    ),
    "signed by a supplier": (
        hub_image(NEW_VERSION, signer=SUPPLIER),
        HubImageResult.NOT_VERIFIED,
    ),
    "signed by the ACB": (hub_image(NEW_VERSION, signer=ACB), HubImageResult.NOT_VERIFIED),
    "not signed": (hub_image(NEW_VERSION, signer=None), HubImageResult.NOT_VERIFIED),
    "signature turned": (TURNED, HubImageResult.NOT_VERIFIED),
    "not released": (UNRELEASED, HubImageResult.NOT_VERIFIED),
    "no image": (b"no image", HubImageResult.NOT_VERIFIED),
    "cut off": (NEW[:-1], HubImageResult.NOT_VERIFIED),
    "empty": (b"", HubImageResult.NOT_VERIFIED),
    "larger than the slot": (hub_image(NEW_VERSION, 1 << 16), HubImageResult.NO_SPACE),
}


@pytest.mark.parametrize(("image", "result"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_touches_nothing(image, result):
    hub = AHub(blobs={digest_of(image): image})
    assert hub.order(image=image) == [stored(result=result)]
    assert (hub.flash.content(0), hub.flash.content(1)) == (OLD, b"")
    assert "boot" not in hub.flash.records
    assert hub.power_on() == []
    assert hub.hub.running_version == OLD_VERSION


def test_an_image_may_fill_the_slot_to_its_last_octet():
    hub = AHub(flash=hub_flash(slot_octets=len(NEW)))
    assert hub.order() == [stored(), runs(NEW_VERSION)]


@pytest.mark.parametrize("blob", [None, NEWER])
def test_a_blob_that_is_not_what_the_dcc_named(blob):
    hub = AHub(blobs={} if blob is None else {digest_of(NEW): blob})
    assert hub.order() == [stored(result=HubImageResult.DIGEST_MISMATCH)]


def test_what_was_refused_once_may_be_ordered_again():
    blobs = {}
    hub = AHub(blobs=blobs)
    assert hub.order() == [stored(result=HubImageResult.DIGEST_MISMATCH)]
    blobs[digest_of(NEW)] = NEW
    assert hub.order() == [stored(), runs(NEW_VERSION)]


def test_a_hub_whose_firmware_cannot_be_updated_refuses_all():
    hub = AHub(flash=Flash(), setup=None)
    assert hub.order() == [stored(result=HubImageResult.NOT_VERIFIED)]
    assert hub.hub.running_version == 0


# --- When the image does not come up ---


def test_an_image_that_does_not_start_gives_way_to_the_old_one():
    hub = AHub(starts=lambda image: image == OLD)
    assert hub.order() == [stored(), runs(OLD_VERSION)]
    assert hub.hub.running_version == OLD_VERSION
    assert hub.order() == [runs(OLD_VERSION)], "and what comes again does not try it again"


def test_an_image_that_broke_while_it_waited():
    hub = AHub()
    hub.order(at_ms=AT_MS)
    hub.flash.erase(1)
    hub.flash.write(1, 0, NEW[:-1])
    hub.wait(hub.hub, ACTIVATE)
    assert hub.power_on() == [runs(OLD_VERSION)]


def test_a_hub_without_any_sound_image_does_nothing():
    hub = AHub(flash=Flash(slots=(OLD[:-1], b""), slot_octets=1 << 16))
    assert (hub.hub.running_version, hub.told_dcc, hub.wakes) == (None, [], {})
    assert hub.order() == []
    assert hub.hub.receive(PPMID, object(), NOW_MS) == ()


def test_an_image_on_trial_is_confirmed_before_anything_is_told():
    hub = AHub()
    hub.do(hub.hub.receive_wan(envelope(LAST), NOW_MS))
    counted, settled, *_ = Hub(hub.setup, hub.flash).power_on(NOW_MS)
    assert counted == Record(bootloader.written(Boot(1, Stage.TRIAL, 1)))
    assert set(settled.values) == {ORDER_KEY, "boot", "wan", "wan/2"}


# --- What else the hub does ---


def test_11_2_is_answered_with_the_version_that_runs_now():
    hub = AHub()
    versions = []
    for counter in (9, 10):
        command = ToDevice(read(HUB, ECS52, counter))
        _, sent = hub.hub.receive_wan(command, NOW_MS)
        assert isinstance(sent.message, FromDevice)
        versions.append(decode_content(gbcs.decode(sent.message.gbcs)).firmware_version)
        hub.order()
    assert versions == [OLD_VERSION.to_bytes(4, "big"), NEW_VERSION.to_bytes(4, "big")]


def test_the_wake_comes_at_the_time_or_at_once():
    hub = AHub()
    effects = hub.hub.receive_wan(envelope(LAST, AT_MS), NOW_MS)
    assert effects[-1] == Wake(AT_MS, ACTIVATE)
