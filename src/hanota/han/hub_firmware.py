"""A hub's own firmware: an image of its own stored, verified, activated at its time, told of.

The DCC and its communications providers update hubs without any supplier. How is not public, so
this is an assumption throughout: an envelope of the WAN (`wire.wan.UpdateHub`) names an image and
says when to run it. The hub keeps it in its free image slot, apart from the images that it has for
devices. It takes an image that its maker released for it, and whose trailer is the signature of
its WAN provider, the organisation of that role in SMKI, over the Manufacturer Image.

It is activated as a device's is: on trial, and if it does not come up the old one runs again. When
that is over the hub tells which version it runs. The last order is recorded with how far it is, so
that power may fail between any two effects: an envelope that comes again is answered again, and an
order that was overtaken by a later one changes nothing.

Not here: which image runs after power-on (`bootloader`), the WAN (`hub`).
"""

import hashlib
from collections.abc import Callable, Container, Mapping
from enum import StrEnum
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.han import bootloader
from hanota.han.bootloader import Boot, Stage
from hanota.han.effects import Effects, EraseSlot, Record, WriteSlot
from hanota.han.flash import FlashView
from hanota.han.outbox import Values
from hanota.han.ppmid import comes_up
from hanota.han.verification import Make, verify_image
from hanota.model import RequestID
from hanota.smki import keys
from hanota.wire.image import OtaImage
from hanota.wire.wan import HubImageResult, HubImageStored, HubRuns, UpdateHub

ORDER_KEY = "hub-update"


class HubFirmwareSetup(msgspec.Struct, frozen=True):
    """What decides which images a hub runs; its flash holds the first one in slot 0."""

    make: Make  # its image type is that of a CHF
    released: Container[bytes]  # Manufacturer Image Hashes that its maker released
    provider_key: Callable[[], ec.EllipticCurvePublicKey]  # its WAN provider's, for signatures
    starts: Callable[[bytes], bool] = comes_up  # whether an image on trial comes up


class State(StrEnum):
    """Where the hub is with its last order."""

    IDLE = "idle"  # it had none, or the last one has ended
    WAITING = "waiting"  # the image is stored, its time has not come
    ACTIVATING = "activating"  # the image is on trial


class Event(StrEnum):
    """What happens to it."""

    ORDERED = "ordered"  # envelopes
    REPEATED = "repeated"
    OVERTAKEN = "overtaken"
    TIME_REACHED = "time-reached"
    POWER_ON = "power-on"
    TRIAL_OVER = "trial-over"


# What counts in each state, and where it may lead. A pair that is not here changes nothing: a time
# that was replaced, a power-on with nothing to do. While an image is on trial a hub hears nothing.
TRANSITIONS: dict[tuple[State, Event], frozenset[State]] = {
    (State.IDLE, Event.ORDERED): frozenset({State.IDLE, State.WAITING, State.ACTIVATING}),
    (State.IDLE, Event.REPEATED): frozenset({State.IDLE}),
    (State.IDLE, Event.OVERTAKEN): frozenset({State.IDLE}),
    (State.WAITING, Event.ORDERED): frozenset({State.WAITING, State.ACTIVATING}),
    (State.WAITING, Event.REPEATED): frozenset({State.WAITING}),
    (State.WAITING, Event.OVERTAKEN): frozenset({State.WAITING}),
    (State.WAITING, Event.TIME_REACHED): frozenset({State.ACTIVATING}),
    (State.WAITING, Event.POWER_ON): frozenset({State.WAITING}),
    (State.ACTIVATING, Event.TRIAL_OVER): frozenset({State.IDLE}),
}


class Order(msgspec.Struct, frozen=True, array_like=True):
    """One order of the DCC, as recorded."""

    request_id: RequestID
    image_sha256: bytes
    activate_at_ms: int | None
    state: State


class Step(msgspec.Struct, frozen=True):
    """What the hub does: the writes, then values and message recorded at one stroke, then the rest.

    A Step of `power_on` while no image runs has `writes` only, which end with any Restart.
    """

    writes: Effects = ()
    values: Values = {}
    message: HubImageStored | HubRuns | None = None
    activate_at_ms: int | None = None  # call `time_reached` then
    restarts: bool = False


class HubFirmware:
    """The firmware of one hub.

    Args:
        setup: which images it runs; None: its firmware is in no slot and cannot be updated.
        fixed_version: file version of such a firmware.
        flash: the hub's own.
        blobs: the WAN link's, by SHA-256.
    """

    def __init__(
        self,
        setup: HubFirmwareSetup | None,
        fixed_version: int,
        flash: FlashView,
        blobs: Callable[[bytes], bytes | None],
    ) -> None:
        self._setup = setup
        self._flash = flash
        self._blobs = blobs
        self._slot = 0
        self._order = _read(flash.records)
        self._running_version = fixed_version if setup is None else None

    @property
    def running_version(self) -> int | None:
        """File version of the image that runs; None while none does."""
        return self._running_version

    @property
    def state(self) -> State:
        """Where the hub is with its last order."""
        return State.IDLE if self._order is None else self._order.state

    def power_on(self, now_ms: int) -> Step:
        """Let the bootloader choose the image, and go on with the last order."""
        if self._setup is None:
            return Step()
        booted = bootloader.boot(self._flash, self._released, self._setup.starts)
        if booted.image is None:
            return Step(booted.effects)
        self._slot = booted.slot
        self._running_version = booted.image.header.file_version
        event = Event.POWER_ON if booted.stage is Stage.CONFIRMED else Event.TRIAL_OVER
        step = self._happen(event, self._order, now_ms)
        return msgspec.structs.replace(step, writes=booted.effects)

    def receive(self, message: UpdateHub, now_ms: int) -> Step:
        """Take an order of the DCC."""
        order = Order(
            message.request_id, message.image_sha256, message.activate_at_ms, State.WAITING
        )
        return self._happen(self._event_of(order), order, now_ms)

    def time_reached(self, now_ms: int) -> Step:
        """The instant of a Step's `activate_at_ms` has come."""
        return self._happen(Event.TIME_REACHED, self._order, now_ms)

    def _event_of(self, order: Order) -> Event:
        last = self._order
        if last is None or last.request_id < order.request_id:
            return Event.ORDERED
        return Event.REPEATED if last.request_id == order.request_id else Event.OVERTAKEN

    def _happen(self, event: Event, order: Order | None, now_ms: int) -> Step:
        if (self.state, event) not in TRANSITIONS or order is None:
            return Step()
        return self._HAPPEN[event](self, order, now_ms)

    def _take(self, order: Order, now_ms: int) -> Step:
        """Store the image, or say why not; what was stored before stays until there is another."""
        match self._fetch(order.image_sha256):
            case HubImageResult() as refused:
                return Step(message=HubImageStored(order.request_id, refused))
            case octets:
                return self._store(order, octets, now_ms)

    def _store(self, order: Order, octets: bytes, now_ms: int) -> Step:
        slot = 1 - self._slot
        # Forgotten first: an order that waits never stands beside octets of another image.
        waited = self.state is State.WAITING
        forgotten: Effects = (Record({ORDER_KEY: None}),) if waited else ()
        at_ms = order.activate_at_ms
        waits = at_ms is not None and at_ms > now_ms
        step = self._wait(order, now_ms) if waits else self._activate(order, now_ms)
        return msgspec.structs.replace(
            step,
            writes=(*forgotten, EraseSlot(slot), WriteSlot(slot, 0, octets)),
            message=HubImageStored(order.request_id, HubImageResult.STORED),
        )

    def _repeat(self, order: Order, _now_ms: int) -> Step:
        """Say again what was said last about this order."""
        if self.state is State.IDLE:
            return Step(message=self._runs(order))
        return Step(message=HubImageStored(order.request_id, HubImageResult.STORED))

    def _pass_over(self, order: Order, _now_ms: int) -> Step:
        return Step(message=HubImageStored(order.request_id, HubImageResult.OVERTAKEN))

    def _wait(self, order: Order, _now_ms: int) -> Step:
        return Step(values=self._now(order, State.WAITING), activate_at_ms=order.activate_at_ms)

    def _wait_on(self, order: Order, _now_ms: int) -> Step:
        return Step(activate_at_ms=order.activate_at_ms)

    def _activate(self, order: Order, _now_ms: int) -> Step:
        """Start the stored image; whether it is still sound the bootloader asks."""
        trial = bootloader.written(Boot(1 - self._slot, Stage.TRIAL))
        return Step(values={**self._now(order, State.ACTIVATING), **trial}, restarts=True)

    def _settle(self, order: Order, _now_ms: int) -> Step:
        """What runs is confirmed, and told, at one stroke."""
        confirmed = bootloader.written(Boot(self._slot, Stage.CONFIRMED))
        values = {**self._now(order, State.IDLE), **confirmed}
        return Step(values=values, message=self._runs(order))

    def _now(self, order: Order, state: State) -> Values:
        """The order is the last one, and this far; the value to record."""
        self._order = msgspec.structs.replace(order, state=state)
        return {ORDER_KEY: _encoder.encode(self._order)}

    def _runs(self, order: Order) -> HubRuns:
        assert self._running_version is not None, "an image runs before it tells of itself"
        return HubRuns(order.request_id, self._running_version)

    def _fetch(self, digest: bytes) -> bytes | HubImageResult:
        """The OTA file with this SHA-256, if this hub may run it and has room for it."""
        octets = self._blobs(digest)
        if octets is None or hashlib.sha256(octets).digest() != digest:
            return HubImageResult.DIGEST_MISMATCH
        if len(octets) > self._flash.slot_octets:
            return HubImageResult.NO_SPACE
        return octets if self._is_verified(octets) else HubImageResult.NOT_VERIFIED

    def _released(self, octets: bytes) -> OtaImage | None:
        """The image, if its maker released it for this hub: asked at every power-on as well."""
        if self._setup is None:
            return None
        return verify_image(octets, self._setup.make, self._setup.released)

    def _is_verified(self, octets: bytes) -> bool:
        image = self._released(octets)
        if self._setup is None or image is None or image.signature is None:
            return False
        return keys.verify(self._setup.provider_key(), image.manufacturer_image, image.signature)

    _HAPPEN: ClassVar[dict[Event, Callable[["HubFirmware", Order, int], Step]]] = {
        Event.ORDERED: _take,
        Event.REPEATED: _repeat,
        Event.OVERTAKEN: _pass_over,
        Event.TIME_REACHED: _activate,
        Event.POWER_ON: _wait_on,
        Event.TRIAL_OVER: _settle,
    }


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Order)


def _read(records: Mapping[str, bytes]) -> Order | None:
    octets = records.get(ORDER_KEY)
    return None if octets is None else _decoder.decode(octets)
