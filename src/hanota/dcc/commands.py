"""Where one command is on its way to a device and back: one table of kind, state and answer.

A command waits at the DCC until it is signed or its time has come, then for the device's answer;
an activation that the device accepted for later waits for its alert. Device and hub may be slow,
so an answer may come after the DCC has reported a failure, twice, or in another order: all of
that is expected.

Not here: whether an answer is genuine and whose it is (`responses`), and what a command says
(`transform`, `reads`).
"""

from enum import Enum, StrEnum

import msgspec

from hanota.dcc.tracking import Step
from hanota.limits import COMMAND_ANSWER_H, HOUR_MS
from hanota.model import RequestID
from hanota.rows import Command
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import GbcsMessage, decode, encode

ACTIVATE_FIRMWARE = 0x0012

_ANSWER_MS = COMMAND_ANSWER_H * HOUR_MS


class CommandState(StrEnum):
    """Where a command is."""

    TRANSFORMED = "transformed"  # its pre-command was given (CV 4) and has not come back
    HELD = "held"  # a read that waits for its execution time
    SENT = "sent"
    ACCEPTED = "accepted"  # the device waits for the execution time
    ANSWERED = "answered"
    UNANSWERED = "unanswered"  # reported as a CommandFailure
    SUPERSEDED = "superseded"  # the device has taken a later command in its place
    CANCELLED = "cancelled"


class CommandKind(Enum):
    """What a command asks for: it decides which answers there are."""

    READ = "read"
    ACTIVATION = "activation"
    FUTURE_DATED_ACTIVATION = "future-dated activation"
    CANCELLATION = "cancellation"


class Answer(StrEnum):
    """What can come of a command."""

    VERSION = "version"  # of a read
    ACCEPTANCE = "acceptance"  # CS06, NULL
    OUTCOME = "outcome"  # CS06, what the activation came to
    ALERT = "future-dated-alert"  # 8F66 or 8F67
    SILENCE = "silence"  # `due_ms` has passed, or the command cannot go


_LIVE = frozenset({CommandState.HELD, CommandState.SENT, CommandState.ACCEPTED})
# By kind, what a device may answer and where that leads. To what waits it should say NULL; one
# that says at once what it came to is believed as well.
_ANSWERS = {
    CommandKind.READ: {Answer.VERSION: CommandState.ANSWERED},
    CommandKind.ACTIVATION: {Answer.OUTCOME: CommandState.ANSWERED},
    CommandKind.FUTURE_DATED_ACTIVATION: {
        Answer.ACCEPTANCE: CommandState.ACCEPTED,
        Answer.OUTCOME: CommandState.ANSWERED,
        Answer.ALERT: CommandState.ANSWERED,
    },
    CommandKind.CANCELLATION: {
        Answer.ACCEPTANCE: CommandState.ANSWERED,
        Answer.OUTCOME: CommandState.ANSWERED,
    },
}
_LATER = CommandKind.FUTURE_DATED_ACTIVATION

# A row that leads to its own state is legal and changes nothing: it was overtaken. A row that is
# absent is illegal: it is no answer to such a command, or contradicts what was said before.
TRANSITIONS: dict[tuple[CommandKind, CommandState, Answer], CommandState] = {
    **{
        (kind, state, answer): after
        for kind, answers in _ANSWERS.items()
        for state in (CommandState.SENT, CommandState.UNANSWERED)
        for answer, after in answers.items()
    },
    **{
        (kind, CommandState.ANSWERED, answer): CommandState.ANSWERED
        for kind, answers in _ANSWERS.items()
        for answer in answers
    },
    **{(kind, CommandState.SENT, Answer.SILENCE): CommandState.UNANSWERED for kind in CommandKind},
    (CommandKind.READ, CommandState.HELD, Answer.SILENCE): CommandState.UNANSWERED,
    (_LATER, CommandState.ACCEPTED, Answer.OUTCOME): CommandState.ANSWERED,
    (_LATER, CommandState.ACCEPTED, Answer.ALERT): CommandState.ANSWERED,
    (_LATER, CommandState.ACCEPTED, Answer.SILENCE): CommandState.UNANSWERED,
    # The device was quicker than the command that was to stop it.
    **{
        (_LATER, stopped, answer): after
        for stopped in (CommandState.SUPERSEDED, CommandState.CANCELLED)
        for answer, after in {
            Answer.ACCEPTANCE: stopped,
            Answer.OUTCOME: CommandState.ANSWERED,
            Answer.ALERT: CommandState.ANSWERED,
        }.items()
    },
}
_STOPPED_BY = {
    CommandKind.FUTURE_DATED_ACTIVATION: CommandState.SUPERSEDED,
    CommandKind.CANCELLATION: CommandState.CANCELLED,
}


class Advance(msgspec.Struct, frozen=True):
    """What became of a command; it is the same row unless the step is ADVANCED."""

    step: Step
    command: Command


def transformed(pre_command: GbcsMessage, now_ms: int) -> Command:
    """The row of a command whose pre-command is given; it has no request number yet."""
    return Command(
        request=0,
        device_id=pre_command.target,
        originator=pre_command.originator,
        counter=pre_command.counter,
        state=CommandState.TRANSFORMED,
        live=False,
        due_ms=None,
        changed_ms=now_ms,
        gbcs=encode(pre_command),
    )


def sent(message: GbcsMessage, request: int, now_ms: int) -> Command:
    """The row of a command that goes to its device now, MAC and all."""
    return Command(
        request=request,
        device_id=message.target,
        originator=message.originator,
        counter=message.counter,
        state=CommandState.SENT,
        live=True,
        due_ms=now_ms + _ANSWER_MS,
        changed_ms=now_ms,
        gbcs=encode(message),
    )


def held(request_id: RequestID, execution_ms: int, now_ms: int) -> Command:
    """The row of a read that waits for its time; it has no request number yet.

    Its command is made when it goes, so that its counter is above those that went before.
    """
    return Command(
        request=0,
        device_id=request_id.target,
        originator=request_id.originator,
        counter=request_id.counter,
        state=CommandState.HELD,
        live=True,
        due_ms=execution_ms,
        changed_ms=now_ms,
        gbcs=b"",
    )


def kind_of(message: GbcsMessage) -> CommandKind:
    """What a command asks for; RemoteError(GbcsFault) for a CS06 command that says nothing."""
    if message.message_code != ACTIVATE_FIRMWARE:
        return CommandKind.READ
    match cs06.decode_command(message.content).execution_date_time_ms:
        case None:
            return CommandKind.ACTIVATION
        case cs06.CANCELLATION_MS:
            return CommandKind.CANCELLATION
        case _:
            return CommandKind.FUTURE_DATED_ACTIVATION


def advance(command: Command, answer: Answer, now_ms: int) -> Advance:
    """The command after this answer, and whether that was a step at all."""
    before = CommandState(command.state)
    state = TRANSITIONS.get((_kind(command), before, answer))
    if state is None:
        return Advance(Step.ILLEGAL, command)
    if state is before:
        return Advance(Step.UNCHANGED, command)
    return Advance(Step.ADVANCED, _moved(command, state, now_ms))


def stopped(command: Command, by: Command, now_ms: int) -> Command:
    """The row of a waiting command once the device has accepted `by`, its own row if it stays."""
    kind = _kind(by)
    waits = command.state == CommandState.ACCEPTED and command.counter < by.counter
    if not waits or command.originator != by.originator or kind not in _STOPPED_BY:
        return command
    return _moved(command, _STOPPED_BY[kind], now_ms)


def _kind(command: Command) -> CommandKind:
    # What waits to be made is a read.
    return kind_of(decode(command.gbcs)) if command.gbcs else CommandKind.READ


def _moved(command: Command, state: CommandState, now_ms: int) -> Command:
    due_ms = None
    if state is CommandState.ACCEPTED:
        message = decode(command.gbcs)
        execution_ms = cs06.decode_command(message.content).execution_date_time_ms
        due_ms = max(now_ms, execution_ms or now_ms) + _ANSWER_MS
    return msgspec.structs.replace(
        command, state=state, live=state in _LIVE, due_ms=due_ms, changed_ms=now_ms
    )
