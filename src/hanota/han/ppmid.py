"""A PPMID: the device that 11.4 updates, with nobody but its hub to tell it when.

It takes an image as every OTA client does and activates it on the hub's Upgrade End Response. The
new image runs on trial. It confirms itself as soon as it runs, and tells the Access Control Broker
with the alert CS09; if it never runs, the old image tells of the failure, with its own version
(which version a failure names is an assumption).

It answers 11.2 (CS08) with the version that it runs.

Not here: every other use case of a PPMID; their commands are taken and dropped.
"""

from collections.abc import Callable, Container
from functools import partial

import msgspec

from hanota.han import bootloader, download
from hanota.han.bootloader import Boot, Stage
from hanota.han.command_reception import Trust
from hanota.han.effects import Effects, HanMessage, Record, Restart, Wake
from hanota.han.firmware_version_read import FirmwareVersionRead
from hanota.han.flash import Flash, FlashView
from hanota.han.gbcs_tunnel import GbcsTunnel
from hanota.han.originator import Originator, counter_record
from hanota.han.ota_client import ClientSettings, OtaClient
from hanota.han.outbox import Outbox
from hanota.han.verification import Make, verify_image
from hanota.limits import DEVICE_SLOT_OCTETS
from hanota.model import DeviceType
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire.gbcs import cs09
from hanota.wire.gbcs.cs09 import ActivationResult, FirmwareActivationAlert
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.tunnel import MessageChunk, MessageReceipt
from hanota.wire.zcl import Direction

TUNNEL = "tunnel"  # the outbox of GBCS messages, and the wake that repeats them
BEGIN = "begin"  # the wake after an activation was settled

# What the first start of an image after its activation came to.
RESULTS = {
    Stage.TRIAL: ActivationResult.SUCCESS,
    Stage.ROLLED_BACK: ActivationResult.FAILURE,
}


def comes_up(_image: bytes) -> bool:
    """Every image starts: what a device expects of the world."""
    return True


class DeviceSetup(msgspec.Struct, frozen=True):
    """What makes one device that device, and the world in which it lives."""

    device_id: int  # EUI-64
    hub_id: int  # EUI-64 of the hub that it has joined
    make: Make
    sign: Callable[[GbcsMessage], GbcsMessage]  # with its digital signature key
    released: Container[bytes]  # Manufacturer Image Hashes that its maker released
    starts: Callable[[bytes], bool] = comes_up  # whether an image on trial comes up
    acb: int = ACCESS_CONTROL_BROKER
    client: ClientSettings = ClientSettings()
    trust: Trust | None = None  # for 11.2; None: it answers nobody


def factory_flash(image: bytes, counter: int = 0, slot_octets: int = DEVICE_SLOT_OCTETS) -> Flash:
    """The flash of a new device: the OTA file that it runs, and the last counter it has used."""
    octets = {key: value for key, value in counter_record(counter).items() if value is not None}
    return Flash(slots=(image, b""), records=octets, slot_octets=slot_octets)


class Ppmid:
    """One PPMID while it has power. `flash` is its own, for reading."""

    def __init__(self, setup: DeviceSetup, flash: FlashView) -> None:
        self._setup = setup
        self._flash = flash
        self._verify = partial(verify_image, make=setup.make, released=setup.released)
        self._originator = Originator(setup.device_id, setup.acb, setup.sign, flash.records)
        self._tunnel = GbcsTunnel(
            setup.hub_id, Direction.TO_SERVER, Outbox(TUNNEL, flash.records), TUNNEL
        )
        self._read = FirmwareVersionRead(
            setup.device_id, DeviceType.PPMID, setup.trust, flash.records
        )
        self._slot = 0
        self._client: OtaClient | None = None
        self._running_version: int | None = None

    @property
    def running_version(self) -> int | None:
        """File version of the image that runs; None while none does."""
        return self._running_version

    @property
    def client(self) -> OtaClient | None:
        """Its OTA client; None while no image runs."""
        return self._client

    def power_on(self, now_ms: int) -> Effects:
        """Let the bootloader choose the image, settle an activation, then begin."""
        booted = bootloader.boot(self._flash, self._verify, self._setup.starts)
        if booted.image is None:
            return booted.effects
        self._slot = booted.slot
        self._running_version = booted.image.header.file_version
        result = RESULTS.get(booted.stage)
        if result is None:
            return (*booted.effects, *self._begin(now_ms))
        # The client reads what is being recorded here: it begins in the next step.
        return (*booted.effects, self._settle(result, now_ms), Wake(now_ms, BEGIN))

    def receive(self, source: int, message: HanMessage, now_ms: int) -> Effects:
        """Take a message of the OTA cluster, or of the tunnel to the hub."""
        if self._client is None:
            return ()
        match message:
            case MessageChunk():
                return self._receive_chunk(source, message, now_ms)
            case MessageReceipt():
                if source != self._setup.hub_id:
                    return ()
                return self._tunnel.receive_receipt(message, now_ms)
            case _:
                return self._client.receive(source, message, now_ms)

    def wake(self, token: str, now_ms: int) -> Effects:
        """One of the device's wakes has come."""
        if token == BEGIN:
            return self._begin(now_ms)
        if self._client is None:
            return ()
        if token == TUNNEL:
            return self._tunnel.repeat(now_ms)
        return self._client.wake(token, now_ms)

    def await_span(self, until_ms: int) -> Effects:
        """For depth `flow`: as for the OTA client."""
        return () if self._client is None else self._client.await_span(until_ms)

    def receive_span(self, offset: int, data: bytes, now_ms: int) -> Effects:
        """For depth `flow`: as for the OTA client."""
        return () if self._client is None else self._client.receive_span(offset, data, now_ms)

    def _begin(self, now_ms: int) -> Effects:
        assert self._running_version is not None, "an image runs before anything begins"
        self._client = OtaClient(
            server=self._setup.hub_id,
            make=self._setup.make,
            running_version=self._running_version,
            slot=1 - self._slot,
            flash=self._flash,
            verify=self._verify,
            upgrade=_activate,
            settings=self._setup.client,
        )
        return (*self._tunnel.send(now_ms), *self._client.power_on(now_ms))

    def _receive_chunk(self, source: int, chunk: MessageChunk, now_ms: int) -> Effects:
        if source != self._setup.hub_id or chunk.direction is not Direction.TO_CLIENT:
            return ()
        whole = self._tunnel.receive_chunk(chunk)
        if whole is None:
            return ()
        receipt = self._tunnel.receipt(chunk)
        assert self._running_version is not None, "an image runs before it hears anything"
        answered = self._read.receive(whole, self._running_version)
        if answered is None:
            return (receipt,)
        answer, values = answered
        record = Record({**values, **self._tunnel.add(answer)})
        return (record, receipt, *self._tunnel.send(now_ms))

    def _settle(self, result: ActivationResult, now_ms: int) -> Record:
        """End an activation: what runs is confirmed, and the alert is kept, at one stroke."""
        assert self._running_version is not None, "an image runs before it reports"
        alert = FirmwareActivationAlert(now_ms // 1000 * 1000, self._running_version, result)
        message, counter = self._originator.alert(_CS09, cs09.encode_alert(alert))
        return Record(
            {
                **bootloader.written(Boot(self._slot, Stage.CONFIRMED)),
                **download.FORGOTTEN,
                **counter,
                **self._tunnel.add(message),
            }
        )


_CS09 = 0x012B


def _activate(slot: int, version: int) -> Effects:
    return (Record(bootloader.written(Boot(slot, Stage.TRIAL, 0, version))), Restart())
