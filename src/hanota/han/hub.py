"""A Communications Hub: OTA server of its home, and the way between its devices and the DCC.

What comes from the WAN is recorded before the WAN may forget it, and what goes to the WAN is kept
until the DCC has it; the same holds for GBCS messages to and from the devices. The hub's own alert
is CCS08, one for each transfer that ends. It answers 11.2 (ECS52) with the version that it runs.

Its own image it gets from the DCC as well (`hub_firmware`). It restarts to activate it, which
costs the transfers to its devices nothing but time: they are recorded like everything else.

Not here: the hub's other GBCS commands, and the gas proxy.
"""

from collections.abc import Callable

import msgspec

from hanota.errors import RemoteError
from hanota.han.command_reception import Trust
from hanota.han.effects import Effects, HanMessage, Record, Restart, SendWan, Wake
from hanota.han.firmware_version_read import FirmwareVersionRead
from hanota.han.flash import FlashView
from hanota.han.gbcs_tunnel import GbcsTunnel
from hanota.han.hub_firmware import HubFirmware, HubFirmwareSetup, Step
from hanota.han.image_store import ImageStore
from hanota.han.originator import Originator
from hanota.han.ota_server import OtaServer, ServerSettings
from hanota.han.outbox import Outbox, Values
from hanota.han.targets import Target, Targets
from hanota.limits import TUNNEL_MESSAGE_OCTETS_MAX
from hanota.model import DeviceType
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire import ota, wan
from hanota.wire.gbcs import ccs08
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.ccs08 import FirmwareTransferAlert, TransferResult
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.tunnel import MessageChunk, MessageReceipt
from hanota.wire.wan import (
    DeliverImage,
    FromDevice,
    ImageStored,
    StoreResult,
    ToDevice,
    UpdateHub,
    WanMessage,
)
from hanota.wire.zcl import Direction

WAN = "wan"  # the outbox of envelopes for the DCC
# The hub's wakes, beside one for each device's tunnel.
NOTIFY = "notify"
GIVE_UP = "give-up"
ACTIVATE = "activate"


def as_stored(octets: bytes) -> bytes:
    """Flash gives what was written: what a hub expects of the world."""
    return octets


class HubSetup(msgspec.Struct, frozen=True):
    """What makes one hub that hub, and the world in which it lives."""

    hub_id: int  # EUI-64
    device_ids: frozenset[int]  # the hub's device log
    sign: Callable[[GbcsMessage], GbcsMessage]  # with its digital signature key
    blobs: Callable[[bytes], bytes | None]  # the WAN link's, by SHA-256
    reads: Callable[[bytes], bytes] = as_stored  # what the image store gives of what it got
    acb: int = ACCESS_CONTROL_BROKER
    server: ServerSettings = ServerSettings()
    firmware: HubFirmwareSetup | None = None  # None: its own firmware cannot be updated
    running_version: int = 0  # of a firmware that cannot, 4 octets; else the flash says it
    trust: Trust | None = None  # for 11.2; None: it answers nobody


class Hub:
    """One hub while it has power. `flash` is its own, for reading; its slots are for itself."""

    def __init__(self, setup: HubSetup, flash: FlashView) -> None:
        records = flash.records
        self._hub_id = setup.hub_id
        self._firmware = HubFirmware(setup.firmware, setup.running_version, flash, setup.blobs)
        self._read = FirmwareVersionRead(setup.hub_id, DeviceType.CHF, setup.trust, records)
        self._settings = setup.server
        self._wan = Outbox(WAN, records)
        self._originator = Originator(setup.hub_id, setup.acb, setup.sign, records)
        self._tunnels = {
            device_id: _tunnel(device_id, flash) for device_id in sorted(setup.device_ids)
        }
        self._server = OtaServer(
            setup.device_ids,
            Targets(records),
            ImageStore(setup.blobs, setup.reads),
            self._report,
            setup.server,
        )
        self._wakes: dict[str, Callable[[int], Effects]] = {
            NOTIFY: self._notify,
            GIVE_UP: self._give_up,
            ACTIVATE: self._activate,
            **{_token(device_id): end.repeat for device_id, end in self._tunnels.items()},
        }

    @property
    def server(self) -> OtaServer:
        """Its OTA server."""
        return self._server

    @property
    def running_version(self) -> int | None:
        """File version of its own image that runs; None while none does."""
        return self._firmware.running_version

    def power_on(self, now_ms: int) -> Effects:
        """Start its own image, and go on with everything that the flash says is unfinished."""
        waiting = self._wan.pending
        started = self._carry_out(self._firmware.power_on(now_ms), now_ms)
        if self.running_version is None:
            return started
        envelopes = (SendWan(number, wan.decode(body)) for number, body in waiting)
        messages = (effect for end in self._tunnels.values() for effect in end.send(now_ms))
        return (*started, *envelopes, *messages, *self._notify(now_ms), *self._give_up(now_ms))

    def receive(self, source: int, message: HanMessage, now_ms: int) -> Effects:
        """Take a message of the OTA cluster, or of the tunnel from a device."""
        if self.running_version is None:
            return ()
        match message:
            case MessageChunk():
                return self._receive_chunk(source, message)
            case MessageReceipt():
                tunnel = self._tunnels.get(source)
                return () if tunnel is None else tunnel.receive_receipt(message, now_ms)
            case ota.QueryNextImageRequest():
                # A sleepy device hears now, and perhaps not again before its next question.
                tunnel = self._tunnels.get(source)
                waiting = () if tunnel is None else tunnel.send(now_ms)
                return (*self._server.receive(source, message, now_ms), *waiting)
            case _:
                return self._server.receive(source, message, now_ms)

    def wake(self, token: str, now_ms: int) -> Effects:
        """One of the hub's wakes has come."""
        return self._wakes[token](now_ms)

    def receive_wan(self, message: WanMessage, now_ms: int) -> Effects:
        """Take an envelope from the DCC; the WAN may forget it once these effects are done."""
        if self.running_version is None:
            return ()
        match message:
            case DeliverImage():
                return self._deliver(message, now_ms)
            case ToDevice():
                return self._relay_to_device(message.gbcs, now_ms)
            case UpdateHub():
                return self._carry_out(self._firmware.receive(message, now_ms), now_ms)
            case _:
                return ()  # envelopes of hubs

    def wan_acknowledged(self, number: int, _now_ms: int) -> Effects:
        """The DCC has recorded the envelope with this number."""
        values = self._wan.remove(number)
        return (Record(values),) if values else ()

    def _deliver(self, message: DeliverImage, now_ms: int) -> Effects:
        result, values = self._server.deliver(message, now_ms)
        answer, sends = self._to_dcc(ImageStored(message.request_id, message.device_ids, result))
        effects: Effects = (Record({**values, **answer}), *sends)
        if result is StoreResult.STORED and values:
            return (*effects, *self._notify(now_ms), *self._watch_transfers())
        return effects

    def _relay_to_device(self, message: bytes, now_ms: int) -> Effects:
        header = _decode(message)
        if header is not None and header.target == self._hub_id:
            return self._answer(message)
        tunnel = None if header is None else self._tunnels.get(header.target)
        if tunnel is None or len(message) > TUNNEL_MESSAGE_OCTETS_MAX:
            return ()
        values = tunnel.add(message)
        return (Record(values), *tunnel.send(now_ms)) if values else ()

    def _answer(self, message: bytes) -> Effects:
        assert self.running_version is not None, "an image runs before it hears anything"
        answered = self._read.receive(message, self.running_version)
        if answered is None:
            return ()
        answer, accepted = answered
        values, sends = self._to_dcc(FromDevice(answer))
        return (Record({**accepted, **values}), *sends)

    def _receive_chunk(self, source: int, chunk: MessageChunk) -> Effects:
        tunnel = self._tunnels.get(source)
        if tunnel is None or chunk.direction is not Direction.TO_SERVER:
            return ()
        message = tunnel.receive_chunk(chunk)
        if message is None:
            return ()
        receipt = tunnel.receipt(chunk)
        envelope = FromDevice(message)
        header = _decode(message)
        own = header is not None and header.originator == source
        if not own or self._wan.holds(wan.encode(envelope)):
            return (receipt,)
        values, sends = self._to_dcc(envelope)
        return (Record(values), receipt, *sends)

    def _report(
        self, target: Target, result: TransferResult, now_ms: int
    ) -> tuple[Values, Effects]:
        """The CCS08 alert of a transfer that has ended."""
        alert = FirmwareTransferAlert(
            now_ms // 1000 * 1000, target.device_id, target.file_version, result
        )
        message, counter = self._originator.alert(_CCS08, ccs08.encode_alert(alert))
        values, sends = self._to_dcc(FromDevice(message))
        return {**counter, **values}, sends

    def _activate(self, now_ms: int) -> Effects:
        return self._carry_out(self._firmware.time_reached(now_ms), now_ms)

    def _carry_out(self, step: Step, now_ms: int) -> Effects:
        """What becomes of the hub's own image."""
        told: Values = {}
        sends: Effects = ()
        if step.message is not None:
            told, sends = self._to_dcc(step.message)
        values = {**step.values, **told}
        effects: Effects = (*step.writes, Record(values), *sends) if values else step.writes
        if step.activate_at_ms is not None:
            effects += (Wake(max(now_ms, step.activate_at_ms), ACTIVATE),)
        return (*effects, Restart()) if step.restarts else effects

    def _to_dcc(self, message: WanMessage) -> tuple[Values, Effects]:
        number, values = self._wan.add(wan.encode(message))
        return values, (SendWan(number, message),)

    def _notify(self, now_ms: int) -> Effects:
        again = Wake(now_ms + self._settings.notify_interval_ms, NOTIFY)
        return (*self._server.notify(now_ms), again)

    def _give_up(self, now_ms: int) -> Effects:
        return (*self._server.give_up(now_ms), *self._watch_transfers())

    def _watch_transfers(self) -> Effects:
        at_ms = self._server.give_up_at_ms()
        return () if at_ms is None else (Wake(at_ms, GIVE_UP),)


_CCS08 = 0x0128


def _token(device_id: int) -> str:
    return f"tunnel/{device_id:016X}"


def _tunnel(device_id: int, flash: FlashView) -> GbcsTunnel:
    token = _token(device_id)
    return GbcsTunnel(device_id, Direction.TO_CLIENT, Outbox(token, flash.records), token)


def _decode(octets: bytes) -> GbcsMessage | None:
    try:
        return gbcs.decode(octets)
    except RemoteError:
        return None
