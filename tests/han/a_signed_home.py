"""A home with an HCALCS, ESME or GSME behind its hub, to test with."""

import hashlib
from functools import partial

from tests.han import a_home
from tests.han.a_home import HUB, NEW_VERSION, OLD_VERSION, START_MS, AHome, signer
from tests.han.commands import SUPPLIER, SUPPLIER_2, signing, trust_of

from hanota.han import bootloader
from hanota.han.flash import Flash
from hanota.han.hub import HubSetup, as_stored
from hanota.han.ppmid import comes_up, factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make, verify_image
from hanota.limits import HOUR_MS, POWERCUT_IMAGE_OCTETS
from hanota.model import DeviceType
from hanota.serve.homes import Homes
from hanota.smki import keys
from hanota.wire import wan
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image

IDS = {
    DeviceType.ESME: 0x00DB1234567890A0,
    DeviceType.GSME: 0x00DB1234567890A1,
    DeviceType.HCALCS: 0x00DB1234567890A5,
}
KINDS = tuple(IDS)
RECEIPT_CODES = {DeviceType.ESME: 0x00CE, DeviceType.GSME: 0x00CF, DeviceType.HCALCS: 0x00CE}


def body_of(version: int, octets: int) -> bytes:
    return hashlib.shake_128(version.to_bytes(4, "big")).digest(octets - 60 - 66)


def build(
    kind: DeviceType, version: int, octets: int = POWERCUT_IMAGE_OCTETS, signed_by: int = SUPPLIER
) -> bytes:
    """An OTA file of this length with the supplier's trailer."""
    body = body_of(version, octets)
    return encode_image(
        build_image(
            image_type=IMAGE_TYPES[kind],
            manufacturer_code=0x121D,
            file_version=version,
            manufacturer_image=body,
            signature=keys.sign(signing(signed_by), body),
            hardware=(0x1111, 0x1211),
            text="sample",
        )
    )


OLD_OCTETS = 1_000
NEW_HASH = hashlib.sha256(body_of(NEW_VERSION, POWERCUT_IMAGE_OCTETS)).digest()
NEXT_VERSION = NEW_VERSION + 1
NEXT_HASH = hashlib.sha256(body_of(NEXT_VERSION, POWERCUT_IMAGE_OCTETS)).digest()
RELEASED = {hashlib.sha256(body_of(OLD_VERSION, OLD_OCTETS)).digest(), NEW_HASH, NEXT_HASH}


def make_of(kind: DeviceType) -> Make:
    return Make(0x121D, IMAGE_TYPES[kind], 0x1111)


def setup_of(kind, suppliers=(SUPPLIER, SUPPLIER_2), **world) -> SignedImageDeviceSetup:
    device = IDS[kind]
    return SignedImageDeviceSetup(
        device_id=device,
        hub_id=HUB,
        make=make_of(kind),
        sign=signer(device),
        released=RELEASED,
        trust=trust_of(device, *suppliers),
        **world,
    )


class ASignedHome(AHome):
    """One device of the kind behind the hub; otherwise as AHome."""

    def __init__(
        self,
        kind,
        *,
        suppliers=(SUPPLIER, SUPPLIER_2),
        signed_by=SUPPLIER,
        starts=comes_up,
        reads=as_stored,
        watch=None,
        **radio,
    ):
        self.kind = kind
        self.device = IDS[kind]
        self.image = build(kind, NEW_VERSION, signed_by=signed_by)
        self.blobs = {hashlib.sha256(self.image).digest(): self.image}
        self.setup = setup_of(kind, suppliers, starts=starts)
        self.sent, self.steps, self.cuts = [], {}, {}
        self.cut_ms, self.cuts_made, self._watch = 60_000, 0, watch
        self._pending, self._acknowledged = [], 0
        self.homes = Homes(
            now_ms=START_MS,
            wan=lambda *envelope: self.sent.append(envelope),
            power_fails=self._power_fails,
            **radio,
        )
        hub = HubSetup(HUB, frozenset({self.device}), signer(HUB), self.blobs.get, reads)
        self.homes.add_hub(hub, Flash(records={}))
        flash = factory_flash(build(kind, OLD_VERSION, OLD_OCTETS), 41, 1 << 20)
        self.homes.add(self.device, HUB, flash, lambda view: SignedImageDevice(self.setup, view))
        self.started_ms = START_MS
        for node in (HUB, self.device):
            self.homes.power_on(node)

    def deliver(self, *devices, image=None, request=a_home.REQUEST):
        return super().deliver(*(devices or (self.device,)), image=image, request=request)

    def distribute(self, image=None, request=a_home.REQUEST):
        """Deliver an image and run until the device has told of it."""
        told = len(self.said())
        self.run(10_000)
        self.deliver(image=image, request=request)
        return self.run(30 * HOUR_MS, until=lambda home: len(home.said()) > told)

    def command(self, octets: bytes, duration_ms=2 * HOUR_MS):
        """Bring a command and run until the device has said something more."""
        told = len(self.said())
        self.to_device(octets)
        return self.run(duration_ms, until=lambda home: len(home.said()) > told)

    def said(self) -> list[gbcs.GbcsMessage]:
        """What the device has said, each message once; no identity with two forms."""
        said = {}
        for envelope in self.envelopes():
            if isinstance(envelope, wan.FromDevice):
                message = gbcs.decode(envelope.gbcs)
                if message.originator == self.device:
                    identity = (message.cra, message.target, message.counter)
                    first = said.setdefault(identity, message)
                    assert first == message, f"{identity} has two forms"
        return list(said.values())

    def alerts_said(self):
        return [message for message in self.said() if message.cra is Cra.ALERT]

    def responses(self):
        return [message for message in self.said() if message.cra is Cra.RESPONSE]

    def bootable(self) -> bool:
        verify = partial(verify_image, make=make_of(self.kind), released=RELEASED)
        flash = self.homes.flash(self.device)
        return bootloader.boot(flash, verify, comes_up).image is not None
