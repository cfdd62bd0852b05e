"""The use cases that a device carries out without a table of its own in the code: every pair.

11.1 at the device (CS05, and its receipt): what it holds and has told, and what it verifies next.
11.2 (CS08, ECS52, GCS38) and 11.3 (CS06) at every kind of node: which command of whom, with which
counter, it carries out. The tables are written down here, apart from the code.
"""

import hashlib
from itertools import product
from typing import NamedTuple

import pytest
from tests.han.a_home import NEW_VERSION, OLD_VERSION
from tests.han.a_signed_home import KINDS, NEW_HASH, NEXT_HASH, NEXT_VERSION, RELEASED, build
from tests.han.commands import (
    ACB,
    CS06,
    CS08,
    ECS52,
    GCS38,
    READS,
    SUPPLIER,
    SUPPLIER_2,
    activate,
    maced,
    signing,
    trust_of,
)

from hanota.han.command_reception import Command, CommandReception, Refusal
from hanota.han.download import FORGOTTEN
from hanota.han.firmware_activation import HeldImage
from hanota.han.firmware_distribution import RECEIPT_FORMS, FirmwareDistribution
from hanota.han.flash import Flash
from hanota.han.originator import Originator
from hanota.han.verification import Make, verify_image
from hanota.model import DeviceType
from hanota.smki import protection
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.image import IMAGE_TYPES

STRANGER = 0x90B3D51F30020000
NOW_MS = 1_790_000_000_000
VERIFIED, NOT_VERIFIED = AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED


# --- 11.1: what is told of an image ---


class Verified(NamedTuple):
    """What is in the slot when a verification is told."""

    version: int
    signed_by: int
    sound: bool = True  # otherwise it is off by a bit

    def file(self, kind):
        whole = build(kind, self.version, signed_by=self.signed_by)
        return whole if self.sound else whole[:100] + bytes((whole[100] ^ 1,)) + whole[101:]


NEW, NEXT = Verified(NEW_VERSION, SUPPLIER), Verified(NEXT_VERSION, SUPPLIER)
OF_THE_OTHER = Verified(NEW_VERSION, SUPPLIER_2)
OF_A_STRANGER = Verified(NEW_VERSION, STRANGER)
BROKEN = Verified(NEW_VERSION, SUPPLIER, sound=False)
# What was told before, None where nothing was; and what is verified now.
STATES = (None, NEW, NEXT, OF_THE_OTHER, OF_A_STRANGER, BROKEN)
EVENTS = (NEW, NEXT, OF_THE_OTHER, OF_A_STRANGER, BROKEN)
# What is told of each, to whom, and whose it is when it is held.
TOLD = {
    NEW: (VERIFIED, SUPPLIER, HeldImage(NEW_HASH, SUPPLIER)),
    NEXT: (VERIFIED, SUPPLIER, HeldImage(NEXT_HASH, SUPPLIER)),
    OF_THE_OTHER: (VERIFIED, SUPPLIER_2, HeldImage(NEW_HASH, SUPPLIER_2)),
    OF_A_STRANGER: (NOT_VERIFIED, SUPPLIER, None),
    BROKEN: (NOT_VERIFIED, SUPPLIER, None),
}


DEVICE = 0x00DB1234567890A5


class ADevice:
    """The distribution of one device, on a flash of its own; `told` is what was told before."""

    def __init__(self, kind, told):
        self.kind = kind
        self.flash = Flash(slots=(build(kind, OLD_VERSION, 1_000), b""))
        if told is not None:
            self.tell(told, again=False)

    def tell(self, image, *, again):
        """Verify what is now in the slot, and tell of it; the alert, or None where none is due."""
        file = image.file(self.kind)
        if file != self.flash.content(1):
            self.flash.erase(1)
            self.flash.write(1, 0, file)
            self.flash.record(FORGOTTEN)  # as for every new download
        distribution = self.distribution()
        verified = distribution.verify(file)
        assert (verified is not None) == (TOLD[image][2] is not None)
        step = distribution.tell(verified, NOW_MS, again=again)
        self.flash.record(step.values)
        return None if step.message is None else gbcs.decode(step.message)

    def distribution(self):
        make = Make(0x121D, IMAGE_TYPES[self.kind], 0x1111)
        return FirmwareDistribution(
            form=RECEIPT_FORMS[self.kind],
            trust=trust_of(DEVICE, SUPPLIER, SUPPLIER_2),
            originator=Originator(DEVICE, ACB, self.sign, self.flash.records),
            slot=1,
            flash=self.flash,
            verify=lambda data: verify_image(data, make, RELEASED),
        )

    def sign(self, message):
        return protection.sign(message, signing(DEVICE))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
@pytest.mark.parametrize("again", [False, True])
def test_every_pair_of_what_was_told_and_what_is_verified(kind, state, event, again):
    device = ADevice(kind, state)
    alert = device.tell(event, again=again)
    code, target, held = TOLD[event]
    assert device.distribution().held() == held
    if again and state == event:
        assert alert is None  # the power failed after it was told
        return
    said = decode_content(alert)
    assert (said.alert_code, alert.target, alert.originator) == (code, target, DEVICE)
    assert alert.message_code == {DeviceType.GSME: 0x00CF}.get(kind, 0x00CE)
    assert alert.counter == (1 if state is None else 2)
    whole = event.file(kind)
    assert said.manufacturer_image_hash == hashlib.sha256(whole[60:-66]).digest()


# --- 11.2 and 11.3: which command a node carries out ---


NODES = {
    DeviceType.ESME: {CS06, ECS52},
    DeviceType.GSME: {CS06, GCS38},
    DeviceType.HCALCS: {CS06, CS08},
    DeviceType.PPMID: {CS08},
    DeviceType.CHF: {ECS52},
}
# Who may originate which, on a node that trusts the first supplier only.
MAY_ASK = {
    CS06: {SUPPLIER},
    ECS52: {SUPPLIER, ACB},
    GCS38: {SUPPLIER, ACB},
    CS08: {ACB},
}
LAST = 50
COUNTERS = {"below": LAST - 1, "the last": LAST, "above": LAST + 1}


def asked(code, originator, counter, party=None):
    if code == CS06:
        return activate(DEVICE, NEW_HASH, counter, supplier=originator)
    named = {} if party is None else {"supplementary_party": party, "supplementary_counter": 7}
    content = READS[code](counter)
    return maced(GbcsMessage(Cra.COMMAND, counter, originator, DEVICE, code, content, **named))


# Nobody asks for an activation on behalf of another: `test_command_reception` tries it.
FORMS = [(CS06, None), *product((CS08, ECS52, GCS38), (None, SUPPLIER_2))]


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize(("code", "party"), FORMS)
@pytest.mark.parametrize("originator", [ACB, SUPPLIER, SUPPLIER_2, STRANGER])
@pytest.mark.parametrize("counter", COUNTERS)
def test_every_command_at_every_kind_of_node(kind, code, originator, counter, party):
    records = {f"accepted-counter/{originator:016X}": LAST.to_bytes(8, "big")}
    reception = CommandReception(DEVICE, trust_of(DEVICE, SUPPLIER), NODES[kind], records)
    got = reception.receive(asked(code, originator, COUNTERS[counter], party))
    may_ask = originator in MAY_ASK[code] and (party is None or originator == ACB)
    if code not in NODES[kind]:
        assert got is Refusal.USE_CASE
    elif not may_ask:
        assert got is Refusal.ORIGINATOR
    elif counter != "above":
        assert got is Refusal.COUNTER
    else:
        assert isinstance(got, Command)
        # Once: the same command is not carried out a second time.
        assert reception.receive(asked(code, originator, COUNTERS[counter], party)) is (
            Refusal.COUNTER
        )
