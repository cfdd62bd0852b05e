"""A home to test with: a hub, PPMIDs behind it, and a WAN that notes what it carries."""

import hashlib
from functools import partial

from hanota.han import bootloader
from hanota.han.effects import Effect
from hanota.han.flash import Flash
from hanota.han.hub import HubSetup, as_stored
from hanota.han.ota_client import ClientSettings
from hanota.han.ota_server import ServerSettings
from hanota.han.ppmid import DeviceSetup, comes_up, factory_flash
from hanota.han.verification import Make, verify_image
from hanota.limits import HOUR_MS, POWERCUT_IMAGE_OCTETS
from hanota.model import DeviceType, KeyUsage, RequestID
from hanota.serve.homes import Homes
from hanota.smki import keys, protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.wire import wan
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.image import (
    IMAGE_TYPES,
    build_image,
    decode_image,
    encode_image,
    manufacturer_image_hash,
)

START_MS = 1_790_000_000_000
HUB = 0x00DB1234567890A2
PPMID = 0x00DB1234567890A4
STRANGER = 0x00DB1234567890FF
MAKE = Make(0x121D, IMAGE_TYPES[DeviceType.PPMID], 0x1111)
OLD_VERSION = 0x0001_0000
NEW_VERSION = 0x0002_0000
REQUEST = RequestID(SUPPLIER, ACCESS_CONTROL_BROKER, 1000)


def build(
    version: int, octets: int = POWERCUT_IMAGE_OCTETS, hardware=(0x1111, 0x1211), make=MAKE
) -> bytes:
    """An OTA file of this length."""
    body = hashlib.shake_128(version.to_bytes(4, "big")).digest(octets - 60)
    return encode_image(
        build_image(
            image_type=make.image_type,
            manufacturer_code=make.manufacturer_code,
            file_version=version,
            manufacturer_image=body,
            hardware=hardware,
            text="sample",
        )
    )


OLD = build(OLD_VERSION, 1_000)
NEW = build(NEW_VERSION)
RELEASED = {manufacturer_image_hash(decode_image(image, signed=False)) for image in (OLD, NEW)}


def release(image: bytes) -> bytes:
    """Let the maker release a further image."""
    RELEASED.add(manufacturer_image_hash(decode_image(image, signed=False)))
    return image


def signer(eui: int):
    return partial(
        protection.sign,
        private_key=keys.derive_private_key(b"a home", eui, KeyUsage.DIGITAL_SIGNATURE),
    )


def verify(image: bytes):
    return verify_image(image, MAKE, RELEASED)


def bootable(flash: Flash) -> bool:
    """Whether power-on would find an image, if every image comes up."""
    return bootloader.boot(flash, verify, comes_up).image is not None


def damaged(octets: bytes) -> bytes:
    """What a store with a flipped bit gives."""
    return octets[:-1] + bytes((octets[-1] ^ 1,))


class AHome:
    """A home whose WAN brings and takes everything at once, and again until it is acknowledged."""

    def __init__(
        self,
        *,
        devices=(PPMID,),
        image=NEW,
        old=OLD,
        free=b"",
        make=MAKE,
        slot_octets=1 << 20,
        counter=41,
        client=None,
        server=None,
        sign=signer,
        starts=comes_up,
        reads=as_stored,
        watch=None,
        without_power=(),
        hub_firmware=None,
        hub_flash=None,
        **radio,
    ):
        self.image = image
        self.blobs = {hashlib.sha256(image).digest(): image}
        self.sent = []  # (hub, number, octets)
        self.steps = {}  # effects of each node
        self.cuts = {}  # node: {step: octets of a torn write or 0}
        self.cut_ms = 60_000
        self.cuts_made = 0
        self._watch = watch
        self.homes = Homes(
            now_ms=START_MS,
            wan=lambda *envelope: self.sent.append(envelope),
            power_fails=self._power_fails,
            **radio,
        )
        hub = HubSetup(
            hub_id=HUB,
            device_ids=frozenset(devices),
            sign=sign(HUB),
            blobs=self.blobs.get,
            server=server or ServerSettings(),
            reads=reads,
            firmware=hub_firmware,
        )
        self.homes.add_hub(hub, hub_flash or Flash(records={}))
        for device in devices:
            setup = DeviceSetup(
                device_id=device,
                hub_id=HUB,
                make=make,
                sign=sign(device),
                released=RELEASED,
                starts=starts,
                client=client or ClientSettings(),
            )
            flash = factory_flash(old, counter, slot_octets)
            flash.write(1, 0, free)
            self.homes.add_ppmid(setup, flash)
        for node in (HUB, *devices):
            if node not in without_power:
                self.homes.power_on(node)
        self.started_ms = self.homes.now_ms
        self._pending = []
        self._acknowledged = 0

    # Running

    def deliver(self, *devices, image=None, request=REQUEST):
        image = self.image if image is None else image
        digest = hashlib.sha256(image).digest()
        self.blobs[digest] = image
        envelope = wan.DeliverImage(request, digest, devices or (PPMID,))
        self._pending.append(wan.encode(envelope))
        return self

    def to_device(self, message: bytes):
        self._pending.append(wan.encode(wan.ToDevice(message)))
        return self

    def run(self, duration_ms: int, until=None):
        """Run; a minute at a time while the WAN has something to bring."""
        end_ms = self.homes.now_ms + duration_ms
        self._carry()
        while self.homes.now_ms < end_ms and not (until and until(self)):
            next_ms = self.homes.next_at_ms()
            step_ms = self.homes.now_ms + 60_000 if self._pending else end_ms
            if next_ms is not None:
                step_ms = min(step_ms, next_ms)
            self.homes.run_until(min(step_ms, end_ms))
            self._carry()
        return self

    def run_update(self, duration_ms: int = 30 * HOUR_MS):
        """Deliver the image and run until the PPMID has told of it."""
        self.run(10_000)
        self.deliver()
        return self.run(duration_ms, until=lambda home: home.activations() or home.failures())

    def _carry(self):
        self._pending = [one for one in self._pending if not self.homes.receive_wan(HUB, one)]
        while self._acknowledged < len(self.sent):
            hub, number, _ = self.sent[self._acknowledged]
            self._acknowledged += 1
            self.homes.wan_acknowledged(hub, number)

    def _power_fails(self, node: int, effect: Effect):
        step = self.steps[node] = self.steps.get(node, 0) + 1
        if self._watch is not None:
            self._watch(self, node, effect)
        torn = self.cuts.get(node, {}).get(step)
        if torn is None:
            return None
        self.cuts_made += 1
        if torn:
            self.homes.flash(node).write(effect.slot, effect.offset, effect.data[:torn])
        return self.cut_ms

    # What came of it

    def envelopes(self):
        return [wan.decode(octets) for _, _, octets in self.sent]

    def stored(self):
        return [one.result for one in self.envelopes() if isinstance(one, wan.ImageStored)]

    def alerts(self, originator: int):
        """Contents of the alerts by counter; the same counter must never have other octets."""
        octets = {}
        for envelope in self.envelopes():
            if not isinstance(envelope, wan.FromDevice):
                continue
            message = gbcs.decode(envelope.gbcs)
            if message.originator == originator:
                first = octets.setdefault(message.counter, envelope.gbcs)
                assert first == envelope.gbcs, f"counter {message.counter} was used twice"
        return {
            counter: decode_content(gbcs.decode(message)) for counter, message in octets.items()
        }

    def transfers(self):
        return [alert.result.name for alert in self.alerts(HUB).values()]

    def activations(self, device: int = PPMID):
        return [(a.result.name, a.firmware_version) for a in self.alerts(device).values()]

    def failures(self):
        return [name for name in self.transfers() if name != "SUCCESS"]

    def version(self, device: int = PPMID):
        party = self.homes.party(device)
        return None if party is None else party.running_version
