"""What a device's answer to a command does: to the command, the inventory and the user.

An answer counts when it comes from behind the device's own hub and names a command that went to
that device; what names none is foreign and changes nothing. The user who asked gets the message
whole as it came. The version that a device says it runs goes into the inventory, whether it says
so with the outcome of an activation or in answer to a read; a read that differs from the inventory
is also told as a FirmwareVersionMismatch.

Hub and devices reach the DCC by ways that may overtake each other: a device that was read and then
activated an image may be heard of the activation first. Such a read is of no use to the inventory.

Not here: whether signature or MAC are valid, and whether the message came before: the shell knows
certificates, keys and the ledger. What an answer says of an update is in `conclusions`.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile

import msgspec

from hanota.dcc.commands import Answer, CommandState, advance, stopped
from hanota.dcc.conclusions import Tracked, conclude
from hanota.dcc.inventory import runs
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.replies import Reply, version_that_runs
from hanota.dcc.tracking import Evidence, Step
from hanota.model import RequestID
from hanota.rows import Command, Device, JournalEntry, RequestRow
from hanota.wire.codes import DccAlertCode, ResponseCode
from hanota.wire.duis.values import (
    CommandFailure,
    DCCAlertMessage,
    FirmwareVersionMismatch,
    FutureDatedDeviceAlertMessage,
    GBCSPayload,
    Response,
    ResponseMessage,
)
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode

# A firmware command is one instruction of one.
_INSTRUCTION, _INSTRUCTIONS = 1, 1
_NEVER_SENT = frozenset({CommandState.TRANSFORMED, CommandState.HELD})
_SENT = f"command:{CommandState.SENT}"
# The journal's words for what a device said of an activation, which the inventory has learned.
_TOLD_OF_AN_ACTIVATION = frozenset(
    {
        Answer.OUTCOME,
        Answer.ALERT,
        *(
            word
            for told in (Evidence.ACTIVATION_SUCCESS, Evidence.ACTIVATION_FAILURE)
            for word in (told, f"{Finding.UNATTRIBUTED}:{told}", f"{Finding.ILLEGAL}:{told}")
        ),
    }
)


class Settlement(msgspec.Struct, frozen=True):
    """What one answer came to; a row is None where it stays as it is."""

    event: str  # the journal's word: the answer, after a Finding where it did not count
    commands: tuple[Command, ...]  # the rows that have changed
    device: Device | None
    responses: tuple[Response, ...]  # for the user who asked
    update: JournalEntry | None  # what it says of the delivery under way


def objection(reply: Reply, command: Command | None, device: Device | None) -> Finding | None:
    """Why this reply is not even considered, None where it is.

    `command` is the row that it names and `device` the inventory's row of who sent it, each None
    where there is none.
    """
    if device is None or device.hub_id != reply.hub_id:
        return Finding.FOREIGN
    if command is None or command.state in _NEVER_SENT:
        return Finding.FOREIGN
    if decode(command.gbcs).message_code != reply.command_code:
        return Finding.FOREIGN
    return None


def may_be_overtaken(reply: Reply, device: Device) -> bool:
    """Whether this answer, if it comes too late, would set the inventory back.

    The outcome of an activation that succeeded is a change itself, and always counts.
    """
    match reply.said:
        case (
            cs06.ActivateFirmwareOutcome(result=result)
            | cs06.FutureDatedActivationAlert(outcome=cs06.ActivateFirmwareOutcome(result=result))
        ) if result is cs06.ActivateFirmwareResult.SUCCESS:
            return False
        case _:
            return version_that_runs(reply) not in (None, device.firmware_version)


def is_overtaken(command: Command, timeline: Sequence[JournalEntry]) -> bool:
    """Whether the device was heard of an activation since this command was sent to it.

    `timeline` is the device's journal in the order of recording, to the present. An answer to the
    command that names another version than the inventory is older than that activation, or the
    device has changed once more: then it tells of that too.
    """
    since = takewhile(
        lambda entry: (entry.event, entry.request) != (_SENT, command.request),
        reversed(timeline),
    )
    return any(entry.event in _TOLD_OF_AN_ACTIVATION for entry in since)


def settle(
    reply: Reply,
    *,
    command: Command,
    request: RequestRow,
    waiting: Iterable[Command],
    device: Device,
    tracked: Tracked | None,
    products: ProductList,
    overtaken: bool,
    now_ms: int,
) -> Settlement:
    """What a reply does that is genuine and came for the first time.

    `request` is the one that asked for the command, `waiting` the live commands of the device and
    `tracked` its last delivery, None where it never had one; `overtaken` says that its version is
    out of date. A reply that contradicts what was said before changes nothing, and still goes to
    the user.
    """
    advanced = advance(command, reply.answer, now_ms)
    answer = _response(reply, request, now_ms)
    if advanced.step is Step.ILLEGAL:
        return Settlement(f"{Finding.ILLEGAL}:{reply.answer}", (), None, (answer,), None)
    changed = [advanced.command] if advanced.step is Step.ADVANCED else []
    if reply.answer is Answer.ACCEPTANCE:
        changed += _stopped(waiting, advanced.command, now_ms)
    version = None if overtaken else version_that_runs(reply)
    learned = device if version is None else runs(device, version, products)
    differs = bool(device.firmware_version) and learned.firmware_version != device.firmware_version
    mismatch = differs and reply.answer is Answer.VERSION
    told = (_mismatch(device, learned.firmware_version, now_ms),) if mismatch else ()
    return Settlement(
        event=f"{Finding.OVERTAKEN}:{reply.answer}" if overtaken else reply.answer,
        commands=tuple(changed),
        device=None if learned is device else learned,
        responses=(answer, *told),
        update=conclude(reply, command, tracked, now_ms),
    )


def failure(request_id: RequestID, now_ms: int) -> Response:
    """N13: the command of this request found no answer."""
    body = CommandFailure(command_request_id=request_id, device_id=request_id.target)
    return _alert(DCCAlertMessage(DccAlertCode.N13, body), now_ms)


def _stopped(waiting: Iterable[Command], by: Command, now_ms: int) -> list[Command]:
    rows = ((command, stopped(command, by, now_ms)) for command in waiting)
    return [after for before, after in rows if after is not before]


def _response(reply: Reply, request: RequestRow, now_ms: int) -> Response:
    content: GBCSPayload | FutureDatedDeviceAlertMessage
    match reply.said:
        case cs06.FutureDatedActivationAlert() as alert:
            content = FutureDatedDeviceAlertMessage(
                alert.alert_code, reply.octets, _INSTRUCTION, _INSTRUCTIONS
            )
        case _:
            content = GBCSPayload(reply.octets)
    request_id = request.request_id
    return Response(
        request_id=request_id,
        response_id=RequestID(request_id.target, request_id.originator, request_id.counter),
        response_code=ResponseCode.I0,
        response_date_time_ms=now_ms,
        body=ResponseMessage(request.service_reference, request.service_reference, content),
    )


def _mismatch(device: Device, version: str, now_ms: int) -> Response:
    body = FirmwareVersionMismatch(device.device_id, device.type, device.firmware_version, version)
    return _alert(DCCAlertMessage(DccAlertCode.N49, body), now_ms)


def _alert(body: DCCAlertMessage, now_ms: int) -> Response:
    return Response(response_code=ResponseCode.I0, response_date_time_ms=now_ms, body=body)
