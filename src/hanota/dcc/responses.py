"""What a device's answer to a command does: to the command, the inventory and the user.

An answer counts when it comes from behind the device's own hub and names a command that went to
that device; what names none is foreign and changes nothing. The user who asked gets the message
whole as it came. The version that a device proves goes into the inventory: by an activation that
succeeded, or by a read; a read that differs from the inventory is also told as a
FirmwareVersionMismatch.

Not here: whether signature or MAC are valid, and whether the message came before: the shell knows
certificates, keys and the ledger.
"""

from collections.abc import Iterable

import msgspec

from hanota.dcc.commands import Answer, CommandState, advance, stopped
from hanota.dcc.inventory import runs
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.replies import Reply
from hanota.dcc.tracking import Step
from hanota.limits import FIRMWARE_VERSION_CHARACTERS_MAX
from hanota.model import RequestID
from hanota.rows import Command, Device, RequestRow
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
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.message import decode

# A firmware command is one instruction of one.
_INSTRUCTION, _INSTRUCTIONS = 1, 1
_NEVER_SENT = frozenset({CommandState.TRANSFORMED, CommandState.HELD})


class Settlement(msgspec.Struct, frozen=True):
    """What one answer came to; a device is None where its row stays as it is."""

    event: str  # the journal's word: the answer, after a Finding where it did not count
    commands: tuple[Command, ...]  # the rows that have changed
    device: Device | None
    responses: tuple[Response, ...]  # for the user who asked


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


def settle(
    reply: Reply,
    *,
    command: Command,
    request: RequestRow,
    waiting: Iterable[Command],
    device: Device,
    products: ProductList,
    now_ms: int,
) -> Settlement:
    """What a reply does that is genuine and came for the first time.

    `request` is the one that asked for the command, `waiting` the live commands of the device. A
    reply that contradicts what was said before changes nothing, and still goes to the user.
    """
    advanced = advance(command, reply.answer, now_ms)
    answer = _response(reply, request, now_ms)
    if advanced.step is Step.ILLEGAL:
        return Settlement(f"{Finding.ILLEGAL}:{reply.answer}", (), None, (answer,))
    changed = [advanced.command] if advanced.step is Step.ADVANCED else []
    if reply.answer is Answer.ACCEPTANCE:
        changed += _stopped(waiting, advanced.command, now_ms)
    version = version_proved(reply)
    learned = device if version is None else runs(device, version, products)
    differs = learned is not device and bool(device.firmware_version)
    mismatch = differs and reply.answer is Answer.VERSION
    told = (_mismatch(device, learned.firmware_version, now_ms),) if mismatch else ()
    return Settlement(
        reply.answer, tuple(changed), None if learned is device else learned, (answer, *told)
    )


def failure(request_id: RequestID, now_ms: int) -> Response:
    """N13: the command of this request found no answer."""
    body = CommandFailure(command_request_id=request_id, device_id=request_id.target)
    return _alert(DCCAlertMessage(DccAlertCode.N13, body), now_ms)


def version_proved(reply: Reply) -> str | None:
    """The version that the device proves to run, as the inventory writes it; None for none.

    A version of more octets than a DUIS FirmwareVersion has room for stays out of the inventory.
    """
    match reply.said:
        case cs06.ActivateFirmwareOutcome() as outcome:
            octets = _activated(outcome)
        case cs06.FutureDatedActivationAlert(outcome=outcome):
            octets = _activated(outcome)
        case cs06.ActivateFirmwareAccepted():
            octets = None
        case cs08.ReadFirmwareVersionResponse(version, result):
            octets = version if result is cs08.ReadResult.SUCCESS else None
        case (
            ecs52.ReadFirmwareVersionResponse(firmware_version=version)
            | gcs38.ReadFirmwareVersionResponse(firmware_version=version)
        ):
            octets = version
    if not octets or 2 * len(octets) > FIRMWARE_VERSION_CHARACTERS_MAX:
        return None
    return octets.hex().upper()


def _activated(outcome: cs06.ActivateFirmwareOutcome) -> bytes | None:
    succeeded = outcome.result is cs06.ActivateFirmwareResult.SUCCESS
    return outcome.firmware_version if succeeded else None


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
