"""Each kind of command in each state meets each answer."""

from itertools import product

import msgspec
import pytest
from tests.dcc.a_command import (
    EXECUTION_MS,
    EXECUTION_TIMES,
    HOUR_MS,
    REQUEST_ID,
    command,
    pre_command,
)
from tests.dcc.samples import ACB, DEVICE_ID, NOW_MS, SUPPLIER

from hanota.dcc.commands import (
    Answer,
    CommandKind,
    CommandState,
    advance,
    held,
    kind_of,
    sent,
    stopped,
    transformed,
)
from hanota.dcc.tracking import Step
from hanota.limits import COMMAND_ANSWER_H
from hanota.wire.gbcs.message import decode, encode

READ, NOW, LATER, CANCEL = CommandKind
TRANSFORMED, HELD, SENT, ACCEPTED, ANSWERED, UNANSWERED, SUPERSEDED, CANCELLED = CommandState
VERSION, ACCEPTANCE, OUTCOME, ALERT, SILENCE = Answer
WAIT_MS = COMMAND_ANSWER_H * HOUR_MS
LIVE = {HELD, SENT, ACCEPTED}

# Written apart from the table under test: every pair that is legal, a line a kind and state.
LEGAL = {
    (READ, HELD): {SILENCE: UNANSWERED},
    (READ, SENT): {VERSION: ANSWERED, SILENCE: UNANSWERED},
    (READ, UNANSWERED): {VERSION: ANSWERED},
    (READ, ANSWERED): {VERSION: ANSWERED},
    (NOW, SENT): {OUTCOME: ANSWERED, SILENCE: UNANSWERED},
    (NOW, UNANSWERED): {OUTCOME: ANSWERED},
    (NOW, ANSWERED): {OUTCOME: ANSWERED},
    (LATER, SENT): {
        ACCEPTANCE: ACCEPTED,
        OUTCOME: ANSWERED,
        ALERT: ANSWERED,
        SILENCE: UNANSWERED,
    },
    (LATER, ACCEPTED): {OUTCOME: ANSWERED, ALERT: ANSWERED, SILENCE: UNANSWERED},
    (LATER, UNANSWERED): {ACCEPTANCE: ACCEPTED, OUTCOME: ANSWERED, ALERT: ANSWERED},
    (LATER, ANSWERED): {ACCEPTANCE: ANSWERED, OUTCOME: ANSWERED, ALERT: ANSWERED},
    (LATER, SUPERSEDED): {ACCEPTANCE: SUPERSEDED, OUTCOME: ANSWERED, ALERT: ANSWERED},
    (LATER, CANCELLED): {ACCEPTANCE: CANCELLED, OUTCOME: ANSWERED, ALERT: ANSWERED},
    (CANCEL, SENT): {ACCEPTANCE: ANSWERED, OUTCOME: ANSWERED, SILENCE: UNANSWERED},
    (CANCEL, UNANSWERED): {ACCEPTANCE: ANSWERED, OUTCOME: ANSWERED},
    (CANCEL, ANSWERED): {ACCEPTANCE: ANSWERED, OUTCOME: ANSWERED},
}


@pytest.mark.parametrize(
    ("kind", "state", "answer"), list(product(CommandKind, CommandState, Answer)), ids=str
)
def test_every_kind_state_and_answer(kind, state, answer):
    row = command(kind, state)
    after = advance(row, answer, NOW_MS + 1)
    expected = LEGAL.get((kind, state), {}).get(answer)
    if expected is None or expected is state:
        assert after.step is (Step.ILLEGAL if expected is None else Step.UNCHANGED)
        assert after.command is row
        return
    assert after.step is Step.ADVANCED
    assert after.command.state is expected
    assert after.command.live == (expected in LIVE)
    assert (after.command.due_ms is None) == (expected is not ACCEPTED)
    assert after.command.changed_ms == NOW_MS + 1
    assert after.command.gbcs == row.gbcs


@pytest.mark.parametrize("answer", Answer)
def test_what_never_went_can_only_fail(answer):
    row = held(REQUEST_ID, EXECUTION_MS, NOW_MS)
    step = Step.ADVANCED if answer is SILENCE else Step.ILLEGAL
    assert advance(row, answer, NOW_MS).step is step


def test_the_rows_with_which_a_command_begins():
    message = pre_command()
    given = transformed(message, NOW_MS)
    assert (given.state, given.live, given.due_ms) == (TRANSFORMED, False, None)
    assert given.gbcs == encode(message)
    waiting = held(REQUEST_ID, EXECUTION_MS, NOW_MS)
    assert (waiting.state, waiting.live, waiting.due_ms) == (HELD, True, EXECUTION_MS)
    gone = sent(message, 7, NOW_MS)
    assert (gone.state, gone.live, gone.due_ms) == (SENT, True, NOW_MS + WAIT_MS)
    for row in (given, waiting, gone):
        assert (row.originator, row.device_id, row.counter) == (SUPPLIER, DEVICE_ID, 1000)
    assert decode(gone.gbcs) == message


@pytest.mark.parametrize("late_ms", [0, 1])
def test_the_alert_is_awaited_from_the_execution_time_or_from_now(late_ms):
    now_ms = EXECUTION_MS + late_ms
    after = advance(command(LATER), ACCEPTANCE, now_ms)
    assert after.command.due_ms == now_ms + WAIT_MS
    early = advance(command(LATER), ACCEPTANCE, NOW_MS)
    assert early.command.due_ms == EXECUTION_MS + WAIT_MS


@pytest.mark.parametrize("kind", EXECUTION_TIMES)
def test_the_execution_time_says_what_a_command_asks(kind):
    assert kind_of(pre_command(EXECUTION_TIMES[kind])) is kind


@pytest.mark.parametrize(
    ("kind", "state"), [(NOW, None), (READ, None), (LATER, SUPERSEDED), (CANCEL, CANCELLED)]
)
def test_what_stops_a_waiting_activation(kind, state):
    waiting = command(LATER, ACCEPTED, counter=999)
    after = stopped(waiting, command(kind), NOW_MS + 1)
    if state is None:
        assert after is waiting
        return
    assert (after.state, after.live, after.due_ms) == (state, False, None)


@pytest.mark.parametrize(
    "waiting",
    [
        command(LATER, ACCEPTED, counter=1001),  # it went after what stops
        command(LATER, SENT, counter=999),
        command(LATER, ANSWERED, counter=999),
        msgspec.structs.replace(command(LATER, ACCEPTED, counter=999), originator=ACB),
    ],
)
def test_what_is_not_stopped(waiting):
    assert stopped(waiting, command(CANCEL), NOW_MS) is waiting
