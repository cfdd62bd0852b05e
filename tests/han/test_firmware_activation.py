"""CS06 at the device: every state with every event, what is recorded, and what is owed."""

import itertools

import msgspec
import pytest
from tests.han.a_home import OLD_VERSION, signer
from tests.han.commands import SUPPLIER, SUPPLIER_2
from tests.vectors import gbcs_vector

from hanota.han.firmware_activation import (
    OWED_KEY,
    TRANSITIONS,
    WAITING_KEY,
    Event,
    FirmwareActivation,
    HeldImage,
    State,
    Step,
)
from hanota.han.originator import Originator, counter_record
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs06 import (
    CANCELLATION_MS,
    ActivateFirmwareAccepted,
    ActivateFirmwareCommand,
    ActivateFirmwareOutcome,
    ActivateFirmwareResult,
    FutureDatedActivationAlert,
)
from hanota.wire.gbcs.dlms import date_time_instant_ms

DEVICE = 0x00DB1234567890A5
ACB = 0x90B3D51F30000002
NOW_MS = 1_790_000_000_789
AT_MS = 1_790_000_100_000
HASH = bytes(range(32))
OTHER_HASH = bytes(32)
VERSION = OLD_VERSION.to_bytes(4, "big")
HELD = HeldImage(HASH, SUPPLIER)
COMMANDS = {Event.IMMEDIATE: None, Event.FUTURE_DATED: AT_MS, Event.CANCELLATION: CANCELLATION_MS}


class ADevice:
    """Activation with its records; a restart reads them anew."""

    def __init__(self, held=None, records=None):
        self.held = held
        self.records = records or {}
        self.said = []
        self.restart()

    def restart(self):
        self.activation = FirmwareActivation(
            originator=Originator(DEVICE, ACB, signer(DEVICE), self.records),
            running_version=OLD_VERSION,
            held=lambda: self.held,
            records=self.records,
        )
        return self

    def do(self, step):
        for key, value in step.values.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        if step.message is not None:
            message = gbcs.decode(step.message)
            self.said.append((message.message_code, message.target, decode_content(message)))
        return step

    def command(self, event, counter=5, image_hash=HASH, supplier=SUPPLIER, at_ms=None):
        execution = COMMANDS[event] if at_ms is None else at_ms
        command = ActivateFirmwareCommand(image_hash, counter, execution)
        return self.do(self.activation.receive(supplier, command, NOW_MS))

    def happen(self, event):
        match event:
            case Event.TIME_REACHED:
                return self.do(self.activation.time_reached(AT_MS))
            case Event.POWER_ON:
                return self.do(self.activation.power_on(NOW_MS))
            case Event.TRIAL_OVER:
                return self.do(self.activation.settle(ActivateFirmwareResult.SUCCESS, NOW_MS))
        return self.command(event, counter=6)


def in_state(state, held=HELD):
    """A device in this state; `held` is the image of those that may have one."""
    device = ADevice(None if state is State.NO_IMAGE else held)
    if state is State.WAITING:
        device.command(Event.FUTURE_DATED)
    if state is State.ACTIVATING:
        assert device.command(Event.IMMEDIATE).activates
        device.held = None
    assert device.restart().activation.state is state
    device.said.clear()
    return device


@pytest.mark.parametrize("held", [HELD, HeldImage(OTHER_HASH, SUPPLIER), None])
@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_state_with_every_event(state, event, held):
    if state is State.ACTIVATING or (state is State.IMAGE_HELD and held is None):
        held = HELD
    device = in_state(state, held)
    before = dict(device.records)
    step = device.happen(event)
    assert device.activation.state in TRANSITIONS.get((state, event), {state})
    assert device.restart().activation.state is device.activation.state, "all of it is recorded"
    if (state, event) not in TRANSITIONS:
        assert step == Step()
        assert device.records == before


def test_every_transition_happens():
    """Whatever the table allows is shown by some image that may be held."""
    seen = {}
    for (state, event), held in itertools.product(
        TRANSITIONS, [HELD, HeldImage(OTHER_HASH, SUPPLIER), None]
    ):
        if state is State.IMAGE_HELD and held is None:
            continue
        device = in_state(state, HELD if state is State.ACTIVATING else held)
        device.happen(event)
        seen.setdefault((state, event), set()).add(device.activation.state)
    assert seen == {pair: set(states) for pair, states in TRANSITIONS.items()}


def outcome(result):
    return ActivateFirmwareOutcome(ActivateFirmwareResult(result), VERSION)


@pytest.mark.parametrize(
    ("held", "result"),
    [
        (None, 1),
        (HeldImage(HASH, SUPPLIER_2), 1),
        (HeldImage(OTHER_HASH, SUPPLIER_2), 1),
        (HeldImage(OTHER_HASH, SUPPLIER), 2),
    ],
)
def test_what_is_refused(held, result):
    device = ADevice(held)
    step = device.command(Event.IMMEDIATE)
    assert not step.activates
    assert device.said == [(0x0012, SUPPLIER, outcome(result))]
    assert OWED_KEY not in device.records
    later = ADevice(held)
    assert later.command(Event.FUTURE_DATED).wake_at_ms == AT_MS
    later.restart().happen(Event.TIME_REACHED)
    alert = FutureDatedActivationAlert(AT_MS, 5, outcome(result))
    assert later.said == [
        (0x0012, SUPPLIER, ActivateFirmwareAccepted()),
        (0x00CA, SUPPLIER, alert),
    ]
    assert WAITING_KEY not in later.records


@pytest.mark.parametrize("result", ActivateFirmwareResult)
@pytest.mark.parametrize("event", [Event.IMMEDIATE, Event.FUTURE_DATED])
def test_what_is_owed_is_told_after_the_restart(event, result):
    device = ADevice(HELD)
    step = device.command(event)
    if event is Event.FUTURE_DATED:
        device.said.clear()
        step = device.restart().happen(Event.TIME_REACHED)
    assert (step.activates, step.message) == (True, None)
    assert set(step.values) == {WAITING_KEY, OWED_KEY}
    device.restart()
    device.do(device.activation.settle(result, NOW_MS))
    told = {
        Event.IMMEDIATE: (0x0012, SUPPLIER, outcome(result)),
        Event.FUTURE_DATED: (
            0x00CA,
            SUPPLIER,
            FutureDatedActivationAlert(AT_MS, 5, outcome(result)),
        ),
    }
    assert device.said == [told[event]]
    assert not {OWED_KEY, WAITING_KEY} & set(device.records)


def test_the_latest_command_is_the_one_that_waits():
    device = ADevice(HELD)
    device.command(Event.FUTURE_DATED)
    device.command(Event.FUTURE_DATED, counter=6, image_hash=OTHER_HASH, at_ms=AT_MS + 1_000)
    assert device.restart().happen(Event.POWER_ON) == Step(wake_at_ms=AT_MS + 1_000)
    device.happen(Event.TIME_REACHED)
    assert device.said[-1][2] == FutureDatedActivationAlert(AT_MS + 1_000, 6, outcome(2))


def test_the_time_of_a_cancelled_command_means_nothing():
    device = in_state(State.WAITING)
    device.command(Event.CANCELLATION, counter=6)
    assert device.said == [(0x0012, SUPPLIER, ActivateFirmwareAccepted())]
    assert device.happen(Event.TIME_REACHED) == Step()
    assert device.happen(Event.POWER_ON) == Step()


# The published messages, but for the signature, whose key is not public


def published(name):
    message = gbcs.decode(gbcs_vector(f"CS06_11.3_{name}"))
    return message, decode_content(message)


def through(command, version, counter=0, now_ms=NOW_MS):
    """What a device says to a published command and, where it was future-dated, at its time."""
    message, content = command
    records = counter_record(counter)
    said = []
    for step in ("command", "time", "trial"):
        activation = FirmwareActivation(
            originator=Originator(
                message.target,
                ACB,
                lambda made: msgspec.structs.replace(made, signature=bytes(64)),
                records,
            ),
            running_version=int.from_bytes(version, "big"),
            held=lambda: HeldImage(content.manufacturer_image_hash, message.originator),
            records=records,
        )
        match step:
            case "command":
                done = activation.receive(message.originator, content, now_ms)
            case "time":
                done = activation.time_reached(now_ms)
            case "trial":
                done = activation.settle(ActivateFirmwareResult.SUCCESS, now_ms)
        records |= done.values
        records = {key: value for key, value in records.items() if value is not None}
        said += [done.message] if done.message else []
    return said


def bare(message):
    return gbcs.encode(msgspec.structs.replace(message, signature=bytes(64)))


def test_the_published_response_to_an_immediate_command():
    response, outcome = published("IMMEDIATE_SUCCESS_RESPONSE")
    said = through(
        published("IMMEDIATE_SUCCESS_COMMAND"),
        outcome.firmware_version,
        now_ms=date_time_instant_ms(response.date_time),
    )
    assert said == [bare(response)]


def test_the_published_response_and_alert_of_a_future_dated_command():
    response, _ = published("FUTURE_DATED_SUCCESS_RESPONSE")
    alert, content = published("8F66_FUTURE_DATED_SUCCESS_ALERT")
    said = through(
        published("FUTURE_DATED_SUCCESS_COMMAND"),
        content.outcome.firmware_version,
        counter=alert.counter - 1,
        now_ms=date_time_instant_ms(response.date_time),
    )
    assert said == [bare(response), bare(alert)]
