"""Service request 11.3 at a device: Activate Firmware, CS06, at once or at a time of its own.

Source: GBCS use case CS06. A device that holds a verified image runs it when the supplier that it
came from says so, in a signed command with the image's hash. The answer to an immediate command is
the outcome; a future-dated one is accepted with NULL, and an alert brings the outcome when the time
has come. A command replaces the one that waits; the year 9999 cancels it, which is accepted whether
or not one waits.

What must not be forgotten is recorded: the command that waits, and, from the moment at which the
new image is started, to whom the outcome is owed. It is told when the trial of the image is over.

Not here: whether a command is genuine (`command_reception`), the trial (`bootloader`).
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import ClassVar

import msgspec

from hanota.han.command_reception import ACTIVATE_FIRMWARE
from hanota.han.originator import Originator
from hanota.han.outbox import Values
from hanota.wire.gbcs import cs06, dlms
from hanota.wire.gbcs.cs06 import (
    CANCELLATION_MS,
    ActivateFirmwareAccepted,
    ActivateFirmwareCommand,
    ActivateFirmwareOutcome,
    ActivateFirmwareResult,
    FutureDatedActivationAlert,
)

WAITING_KEY = "activation-waiting"
OWED_KEY = "activation-owed"


class State(Enum):
    """Where activation is."""

    NO_IMAGE = "no-image"
    IMAGE_HELD = "image-held"
    WAITING = "waiting"  # for the time of a command; whether there is an image is asked then
    ACTIVATING = "activating"  # an image is on trial and its outcome owed


class Event(Enum):
    """What happens to it."""

    IMMEDIATE = "immediate"  # commands
    FUTURE_DATED = "future-dated"
    CANCELLATION = "cancellation"
    TIME_REACHED = "time-reached"
    POWER_ON = "power-on"
    TRIAL_OVER = "trial-over"


# What counts in each state, and where it may lead. A pair that is not here changes nothing: the
# time of a command that was replaced, a power-on with nothing to do. While an image is on trial the
# device takes no commands; their sender repeats them.
TRANSITIONS: dict[tuple[State, Event], frozenset[State]] = {
    (State.NO_IMAGE, Event.IMMEDIATE): frozenset({State.NO_IMAGE}),
    (State.NO_IMAGE, Event.FUTURE_DATED): frozenset({State.WAITING}),
    (State.NO_IMAGE, Event.CANCELLATION): frozenset({State.NO_IMAGE}),
    (State.IMAGE_HELD, Event.IMMEDIATE): frozenset({State.IMAGE_HELD, State.ACTIVATING}),
    (State.IMAGE_HELD, Event.FUTURE_DATED): frozenset({State.WAITING}),
    (State.IMAGE_HELD, Event.CANCELLATION): frozenset({State.IMAGE_HELD}),
    (State.WAITING, Event.IMMEDIATE): frozenset(
        {State.NO_IMAGE, State.IMAGE_HELD, State.ACTIVATING}
    ),
    (State.WAITING, Event.FUTURE_DATED): frozenset({State.WAITING}),
    (State.WAITING, Event.CANCELLATION): frozenset({State.NO_IMAGE, State.IMAGE_HELD}),
    (State.WAITING, Event.TIME_REACHED): frozenset(
        {State.NO_IMAGE, State.IMAGE_HELD, State.ACTIVATING}
    ),
    (State.WAITING, Event.POWER_ON): frozenset({State.WAITING}),
    (State.ACTIVATING, Event.TRIAL_OVER): frozenset({State.NO_IMAGE}),
}


class HeldImage(msgspec.Struct, frozen=True, gc=False):
    """The verified image in the free slot."""

    image_hash: bytes  # Manufacturer Image Hash
    supplier: int  # EUI-64 of whom it came from


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a CS06 command asks for, and who asked; as recorded."""

    supplier: int
    counter: int
    image_hash: bytes
    execution_date_time_ms: int | None = None


class Step(msgspec.Struct, frozen=True):
    """What the device does: record the values, and the rest after that."""

    values: Values = {}
    message: bytes | None = None  # to the supplier: a response or an alert
    wake_at_ms: int | None = None  # when the time of a command comes
    activates: bool = False  # start the held image, recorded with the values


class FirmwareActivation:
    """The activation of one device, from its records.

    Args:
        originator: the device as it speaks for itself.
        running_version: file version of the image that runs, 4 octets.
        held: gives the image that it holds, asked each time anew.
        records: of its flash.
    """

    def __init__(
        self,
        *,
        originator: Originator,
        running_version: int,
        held: Callable[[], HeldImage | None],
        records: Mapping[str, bytes],
    ) -> None:
        self._originator = originator
        self._running_version = running_version
        self._held = held
        self._waiting = _read(records, WAITING_KEY)
        self._owed = _read(records, OWED_KEY)

    @property
    def state(self) -> State:
        """Where activation is."""
        if self._owed is not None:
            return State.ACTIVATING
        if self._waiting is not None:
            return State.WAITING
        return State.NO_IMAGE if self._held() is None else State.IMAGE_HELD

    def receive(self, supplier: int, command: ActivateFirmwareCommand, now_ms: int) -> Step:
        """Carry out an authenticated command of this supplier."""
        order = Order(
            supplier,
            command.originator_counter,
            command.manufacturer_image_hash,
            command.execution_date_time_ms,
        )
        return self._happen(_event_of(order), order, now_ms)

    def time_reached(self, now_ms: int) -> Step:
        """The instant of a Step's `wake_at_ms` has come."""
        return self._happen(Event.TIME_REACHED, self._waiting, now_ms)

    def power_on(self, now_ms: int) -> Step:
        """Go on waiting, if a command waits."""
        return self._happen(Event.POWER_ON, self._waiting, now_ms)

    def settle(self, result: ActivateFirmwareResult, now_ms: int) -> Step:
        """The trial is over: tell whom the outcome is owed to. Nothing, where it is to nobody."""
        order, self._owed = self._owed, None
        if order is None:
            return Step()
        step = self._tell(order, result, now_ms)
        return msgspec.structs.replace(step, values={**step.values, OWED_KEY: None})

    def _happen(self, event: Event, order: Order | None, now_ms: int) -> Step:
        if (self.state, event) not in TRANSITIONS or order is None:
            return Step()
        return self._HAPPEN[event](self, order, now_ms)

    def _activate(self, order: Order, now_ms: int) -> Step:
        """Start the image if it is the one that the order names; else say why not."""
        self._waiting = None
        refused = self._refusal(order)
        if refused is not None:
            step = self._tell(order, refused, now_ms)
            return msgspec.structs.replace(step, values={**step.values, WAITING_KEY: None})
        self._owed = order
        values: Values = {WAITING_KEY: None, OWED_KEY: _encoder.encode(order)}
        return Step(values, activates=True)

    def _wait(self, order: Order, now_ms: int) -> Step:
        self._waiting = order
        values: Values = {WAITING_KEY: _encoder.encode(order)}
        return Step(values, self._accepted(order, now_ms), order.execution_date_time_ms)

    def _cancel(self, order: Order, now_ms: int) -> Step:
        self._waiting = None
        return Step({WAITING_KEY: None}, self._accepted(order, now_ms))

    def _wait_on(self, order: Order, _now_ms: int) -> Step:
        return Step(wake_at_ms=order.execution_date_time_ms)

    def _refusal(self, order: Order) -> ActivateFirmwareResult | None:
        held = self._held()
        if held is None or held.supplier != order.supplier:
            return ActivateFirmwareResult.NO_IMAGE_HELD
        if held.image_hash != order.image_hash:
            return ActivateFirmwareResult.HASH_MISMATCH
        return None

    def _accepted(self, order: Order, now_ms: int) -> bytes:
        return self._respond(order, ActivateFirmwareAccepted(), now_ms)

    def _tell(self, order: Order, result: ActivateFirmwareResult, now_ms: int) -> Step:
        """The outcome, with the version that runs now: as a response, or later as an alert."""
        version = self._running_version.to_bytes(4, "big")
        outcome = ActivateFirmwareOutcome(result, version)
        if order.execution_date_time_ms is None:
            return Step(message=self._respond(order, outcome, now_ms))
        alert = FutureDatedActivationAlert(order.execution_date_time_ms, order.counter, outcome)
        message, counter = self._originator.alert(
            _ACTIVATION_ALERT, cs06.encode_alert(alert), order.supplier
        )
        return Step(counter, message)

    def _respond(
        self, order: Order, content: ActivateFirmwareAccepted | ActivateFirmwareOutcome, now_ms: int
    ) -> bytes:
        return self._originator.response(
            order.supplier,
            order.counter,
            ACTIVATE_FIRMWARE,
            cs06.encode_response(content),
            dlms.encode_date_time(now_ms),
        )

    _HAPPEN: ClassVar[dict[Event, Callable[["FirmwareActivation", Order, int], Step]]] = {
        Event.IMMEDIATE: _activate,
        Event.FUTURE_DATED: _wait,
        Event.CANCELLATION: _cancel,
        Event.TIME_REACHED: _activate,
        Event.POWER_ON: _wait_on,
    }


_ACTIVATION_ALERT = 0x00CA

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Order)


def _read(records: Mapping[str, bytes], key: str) -> Order | None:
    octets = records.get(key)
    return None if octets is None else _decoder.decode(octets)


def _event_of(order: Order) -> Event:
    match order.execution_date_time_ms:
        case None:
            return Event.IMMEDIATE
        case instant if instant == CANCELLATION_MS:
            return Event.CANCELLATION
    return Event.FUTURE_DATED
