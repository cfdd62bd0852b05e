"""The shell of the Home Area Network: it runs hubs and devices, one home or thousands.

The parties decide, this carries out: it writes their flash, brings their messages to each other as
ZCL frames, wakes them, and takes their power away. Time is an argument: `run_until` does whatever
is due, so that the same shell serves a simulation and a real clock. One thread runs it all.

The radio has two depths here. At `frames` every ZCL frame is an event. At `flow` the rest of a
download is one event, once the hub has granted its first block; everything else is as before, but
such a download never loses a frame, and one that is interrupted has brought nothing.

Not here: the link of the WAN (`wan` gets the octets, `receive_wan` takes them), the layers of the
radio below ZCL (`tap` gets the frames), and chance: whatever fails is told to fail.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, TypeAlias

from hanota.errors import LocalError, RemoteError
from hanota.han.effects import (
    Effect,
    Effects,
    EraseSlot,
    HanMessage,
    Record,
    Restart,
    Send,
    SendWan,
    Wake,
    WriteSlot,
)
from hanota.han.flash import Flash, FlashView
from hanota.han.hub import Hub, HubSetup
from hanota.han.party import Party
from hanota.han.ppmid import DeviceSetup, Ppmid
from hanota.han.signed_image_device import SignedImageDevice
from hanota.limits import BOOT_MS, FRAME_LATENCY_MS
from hanota.model import eui_text
from hanota.serve.agenda import Agenda
from hanota.serve.node import Arrival, Event, Node, PowerOn, Span, WakeUp
from hanota.wire import ota, ota_codec, tunnel, wan, zcl
from hanota.wire.codes import ZclStatus


class RadioDepth(StrEnum):
    """How much of the radio is an event of its own."""

    FRAMES = "frames"
    FLOW = "flow"


# Number of an envelope and its octets, from the hub named first.
Wan: TypeAlias = Callable[[int, int, bytes], None]
# When, from whom, to whom, on which cluster, and the ZCL frame.
Tap: TypeAlias = Callable[[int, int, int, int, bytes], None]
# From whom, to whom, and the ZCL frame: after how many milliseconds it arrives; () is never, two
# numbers are twice.
Air: TypeAlias = Callable[[int, int, bytes], Sequence[int]]
# A node and what it is about to do: for how many milliseconds its power fails before that; None:
# it does not.
PowerFails: TypeAlias = Callable[[int, Effect], int | None]


def clear_air(_source: int, _target: int, _frame: bytes) -> Sequence[int]:
    """Every frame arrives once, FRAME_LATENCY_MS after it was sent."""
    return _ONCE


class Homes:
    """Nodes of any number of homes; a hub and the devices that have joined it are one home.

    Args:
        now_ms: the instant at which it all begins.
        wan: takes every envelope from a hub. It may keep it or hand it on, but must not call back
            into this shell, but for `stop_at`, and may get the same envelope again after a power
            cut.
        depth: of the radio.
        air: what becomes of each frame.
        tap: is shown every frame when it is sent, also those that get lost.
        power_fails: is asked before every effect; without it power fails only by `cut_power`.
            It may write a part of a WriteSlot into the node's flash itself: a torn write.
    """

    def __init__(
        self,
        *,
        now_ms: int,
        wan: Wan,
        depth: RadioDepth = RadioDepth.FRAMES,
        air: Air = clear_air,
        tap: Tap | None = None,
        power_fails: PowerFails | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.events = 0  # that have happened
        self._wan = wan
        self._depth = depth
        self._air = air
        self._tap = tap
        self._power_fails = power_fails
        self._agenda: Agenda[Event] = Agenda()
        self._nodes: dict[int, Node] = {}
        self._busy = False
        self._until_ms = now_ms

    # Nodes

    def add_hub(self, setup: HubSetup, flash: Flash) -> None:
        """Install a hub, without power."""
        self.add(setup.hub_id, setup.hub_id, flash, partial(Hub, setup))

    def add_ppmid(self, setup: DeviceSetup, flash: Flash) -> None:
        """Install a PPMID, without power."""
        self.add(setup.device_id, setup.hub_id, flash, partial(Ppmid, setup))

    def add(
        self, node_id: int, hub_id: int, flash: Flash, start: Callable[[FlashView], Party]
    ) -> None:
        """Install any node in the home of a hub; `start` makes its party anew at each power-on."""
        if node_id in self._nodes:
            raise LocalError(f"there is a node {eui_text(node_id)} already")
        self._nodes[node_id] = Node(node_id, hub_id, flash, start)

    def party(self, node_id: int) -> Party | None:
        """The party that runs on a node, to look at; None while it has no power."""
        return self._node(node_id).party

    def flash(self, node_id: int) -> Flash:
        """The flash of a node, which outlives its party."""
        return self._node(node_id).flash

    def power_on(self, node_id: int) -> None:
        """Give a node power; its party begins BOOT_MS later. One that has power restarts."""
        self._power_on_after(node_id, 0)

    def cut_power(self, node_id: int) -> None:
        """Take a node's power: everything that is not in its flash is gone."""
        self._node(node_id).party = None
        self._agenda.cancel(node_id)

    def remove(self, node_id: int) -> None:
        """Take a node away for good, with its flash; what is under way to it goes nowhere."""
        self.cut_power(node_id)
        del self._nodes[node_id]

    def rejoin(self, node_id: int, hub_id: int) -> None:
        """Let a device join another hub; it restarts if it has power. Its `start` has to know."""
        node = self._node(node_id)
        node.hub_id = hub_id
        if node.party is not None:
            self.power_on(node_id)

    def set_clock(self, node_id: int, off_ms: int) -> None:
        """Set a node's clock to so much after this shell's, also where the node has no power.

        What its party wants to be woken for is an instant of the node's own clock: if that has
        passed now, it is due at once, and if the clock goes back, it comes so much later.
        """
        node = self._node(node_id)
        by_ms, node.clock_off_ms = off_ms - node.clock_off_ms, off_ms
        if node.party is not None:
            self._agenda.shift(node_id, -by_ms, but=_SPAN)

    def clock_ms(self, node_id: int) -> int:
        """What a node's clock says now."""
        return self.now_ms + self._node(node_id).clock_off_ms

    # The WAN

    def receive_wan(self, hub_id: int, octets: bytes) -> bool:
        """Bring an envelope to a hub, now; whether the WAN may forget it.

        It may when the hub has done everything that it does about it, and when the octets are no
        envelope. It must bring it again when the hub has no power or lost it meanwhile.
        """
        try:
            message = wan.decode(octets)
        except RemoteError:
            return True
        node = self._node(hub_id)
        match node.party:
            case Hub() as hub:
                return self._undisturbed(node, partial(hub.receive_wan, message))
        return False

    def wan_acknowledged(self, hub_id: int, number: int) -> None:
        """The DCC has the envelope that `wan` got under this number."""
        node = self._node(hub_id)
        match node.party:
            case Hub() as hub:
                self._undisturbed(node, partial(hub.wan_acknowledged, number))

    # The radio

    def transmit(self, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        """Send a ZCL frame, now; nobody asks whether the source is who it says it is."""
        if self._tap is not None:
            self._tap(self.now_ms, source, target, cluster_id, frame)
        for delay_ms in self._air(source, target, frame):
            self._agenda.add(self.now_ms + delay_ms, Arrival(source, target, cluster_id, frame))

    # Time

    def next_at_ms(self) -> int | None:
        """When the next thing happens, None when nothing will."""
        return self._agenda.next_at_ms()

    def run_until(self, until_ms: int) -> None:
        """Do everything that is due up to this instant, in order; then it is now."""
        self._enter()
        self._until_ms = until_ms
        try:
            while (due := self._agenda.pop(self._until_ms)) is not None:
                at_ms, event = due
                # A party may ask to be woken at an instant that has passed.
                self.now_ms = max(self.now_ms, at_ms)
                self.events += 1
                self._HAPPEN[type(event)](self, event)
        finally:
            self._busy = False
        self.now_ms = max(self.now_ms, self._until_ms)

    def stop_at(self, at_ms: int) -> None:
        """Let the `run_until` that is under way go no further than this, which is not past."""
        self._until_ms = min(self._until_ms, at_ms)

    # What happens

    def _boot(self, event: PowerOn) -> None:
        node = self._nodes[event.node_id]
        node.party = node.start(node.flash)
        self._carry_out(node, node.party.power_on(self.now_ms + node.clock_off_ms))

    def _wake(self, event: WakeUp) -> None:
        node = self._nodes[event.node_id]
        if node.party is not None:
            now_ms = self.now_ms + node.clock_off_ms
            self._carry_out(node, node.party.wake(event.token, now_ms))

    def _arrive(self, event: Arrival) -> None:
        node = self._nodes.get(event.target)
        decode = _DECODERS.get(event.cluster_id)
        if node is None or node.party is None or decode is None:
            return
        try:
            message = decode(event.frame)
        except RemoteError as fault:
            self._refuse(event, fault)
        else:
            now_ms = self.now_ms + node.clock_off_ms
            self._carry_out(node, node.party.receive(event.source, message, now_ms))

    def _refuse(self, event: Arrival, fault: RemoteError) -> None:
        """Answer a frame that is none, where ZCL8 2.5.12.2 lets it be answered."""
        match fault.code:
            case ZclStatus() as status:
                answer = zcl.default_response_to(event.frame, status)
                if answer is not None:
                    frame = zcl.encode_default_response(answer)
                    self.transmit(event.target, event.source, event.cluster_id, frame)

    def _bring_span(self, event: Span) -> None:
        node = self._nodes[event.target]
        hub = self._nodes.get(event.source)
        match node.party:
            case (Ppmid() | SignedImageDevice()) as device if hub is not None and hub.party:
                now_ms = self.now_ms + node.clock_off_ms
                effects = device.receive_span(event.offset, event.data, now_ms)
                self._carry_out(node, effects)

    # Effects

    def _carry_out(self, node: Node, effects: Effects) -> bool:
        """Carry effects out in their order; False if power failed before the last was done."""
        fails = self._power_fails
        for effect in effects:
            if fails is not None and (off_ms := fails(node.node_id, effect)) is not None:
                self._power_on_after(node.node_id, off_ms)
                return False
            self._CARRY_OUT[type(effect)](self, node, effect)
        return True

    def _power_on_after(self, node_id: int, off_ms: int) -> None:
        self.cut_power(node_id)
        at_ms = self.now_ms + off_ms + BOOT_MS
        self._agenda.replace(at_ms, PowerOn(node_id), node_id, _BOOT)

    def _send(self, node: Node, effect: Send) -> None:
        message = effect.message
        kind = type(message)
        if kind is ota.ImageBlockResponse and self._depth is RadioDepth.FLOW:
            self._send_span(node, effect.to, message)
            return
        target = self._nodes.get(effect.to)
        if target is not None and target.hub_id != node.hub_id:
            return  # out of reach: another home
        cluster_id, encode = _ENCODERS.get(kind, _OTA_ENCODER)
        self.transmit(node.node_id, effect.to, cluster_id, encode(message))

    def _send_span(self, node: Node, to: int, message: Any) -> None:
        target = self._nodes[to]
        match node.party, target.party:
            case Hub() as hub, (Ppmid() | SignedImageDevice()) as device:
                off_ms = node.clock_off_ms
                data, until_ms = hub.server.span(to, message.file_offset, self.now_ms + off_ms)
                span = Span(node.node_id, to, message.file_offset, data)
                self._agenda.replace(until_ms - off_ms, span, to, _SPAN)
                effects = device.await_span(until_ms - off_ms + target.clock_off_ms)
                self._carry_out(target, effects)

    def _send_wan(self, node: Node, effect: SendWan) -> None:
        self._wan(node.node_id, effect.number, wan.encode(effect.message))

    def _record(self, node: Node, effect: Record) -> None:
        node.flash.record(effect.values)

    def _erase_slot(self, node: Node, effect: EraseSlot) -> None:
        node.flash.erase(effect.slot)

    def _write_slot(self, node: Node, effect: WriteSlot) -> None:
        node.flash.write(effect.slot, effect.offset, effect.data)

    def _set_wake(self, node: Node, effect: Wake) -> None:
        wake = WakeUp(node.node_id, effect.token)
        at_ms = effect.at_ms - node.clock_off_ms
        self._agenda.replace(at_ms, wake, node.node_id, effect.token)

    def _restart(self, node: Node, _effect: Restart) -> None:
        self.power_on(node.node_id)

    def _undisturbed(self, node: Node, take: Callable[[int], Effects]) -> bool:
        self._enter()
        try:
            return self._carry_out(node, take(self.now_ms + node.clock_off_ms))
        finally:
            self._busy = False

    def _enter(self) -> None:
        if self._busy:
            raise LocalError("the homes are busy: keep what comes from `wan` until they return")
        self._busy = True

    def _node(self, node_id: int) -> Node:
        node = self._nodes.get(node_id)
        if node is None:
            raise LocalError(f"there is no node {eui_text(node_id)} in these homes")
        return node

    _HAPPEN: ClassVar[dict[type, Callable[["Homes", Any], None]]] = {
        PowerOn: _boot,
        WakeUp: _wake,
        Arrival: _arrive,
        Span: _bring_span,
    }

    _CARRY_OUT: ClassVar[dict[type, Callable[["Homes", Node, Any], None]]] = {
        Send: _send,
        SendWan: _send_wan,
        Record: _record,
        EraseSlot: _erase_slot,
        WriteSlot: _write_slot,
        Wake: _set_wake,
        Restart: _restart,
    }


# Names of a node's events beside its wakes; they go with its power like those.
_BOOT = "boot"
_SPAN = "span"

_ONCE = (FRAME_LATENCY_MS,)


_DECODERS: dict[int, Callable[[bytes], HanMessage]] = {
    ota.CLUSTER_ID: ota_codec.decode,
    tunnel.CLUSTER_ID: tunnel.decode,
}
_OTA_ENCODER: tuple[int, Callable[[Any], bytes]] = (ota.CLUSTER_ID, ota_codec.encode)
_ENCODERS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    tunnel.MessageChunk: (tunnel.CLUSTER_ID, tunnel.encode),
    tunnel.MessageReceipt: (tunnel.CLUSTER_ID, tunnel.encode),
}
