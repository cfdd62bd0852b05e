"""A supplier's commands to single devices, as rows: what it asked of whom, and how far that is.

The row of an 11.3 holds the command itself from the start: first as the supplier asked for it, then
as it signed it. That of an 11.2 holds none, because the DCC makes it. A row has no deadline of its
own: the update's delivery has one.
"""

from enum import StrEnum

import msgspec

from hanota.model import RequestID
from hanota.rows import Command, MessageKey, RequestRow
from hanota.supplier.device_messages import DeviceMessage
from hanota.supplier.requests import ACTIVATE_FIRMWARE, READ_FIRMWARE_VERSION
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import Cra, decode


class CommandState(StrEnum):
    """How far a command is."""

    REQUESTED = "requested"  # 11.3, CV 4, or 11.2
    SIGNED = "signed"  # CV 5 is on its way
    REFUSED = "refused"  # by the DCC, or by us: the Pre-Command was altered
    ANSWERED = "answered"  # by the device


def requested(row: RequestRow, gbcs: bytes) -> Command:
    """The row of a command that the request `row` asks for; `gbcs` is empty for an 11.2."""
    request_id = row.request_id
    return Command(
        request=row.number,
        device_id=request_id.target,
        originator=request_id.originator,
        counter=request_id.counter,
        state=CommandState.REQUESTED,
        live=False,
        due_ms=None,
        changed_ms=row.at_ms,
        gbcs=gbcs,
    )


def moved(command: Command, state: CommandState, now_ms: int, gbcs: bytes | None = None) -> Command:
    """The row in another state; with other octets where they are given."""
    octets = command.gbcs if gbcs is None else gbcs
    return msgspec.structs.replace(command, state=state, changed_ms=now_ms, gbcs=octets)


def key_of(request_id: RequestID) -> MessageKey:
    """The header of the command that a request with this RequestID asks for."""
    return MessageKey(request_id.originator, request_id.target, Cra.COMMAND, request_id.counter)


def is_answered_by(request: RequestRow, message: DeviceMessage) -> bool:
    """Whether a device can answer this request so: 11.3 by CS06, 11.2 by a version."""
    match message.said:
        case (
            cs06.ActivateFirmwareAccepted()
            | cs06.ActivateFirmwareOutcome()
            | cs06.FutureDatedActivationAlert()
        ):
            return request.service_reference == ACTIVATE_FIRMWARE
        case _:
            return request.service_reference == READ_FIRMWARE_VERSION


def execution_ms(command: Command) -> int | None:
    """When the device is to activate, None for at once and for a read; CANCELLATION_MS of CS06."""
    if not command.gbcs:
        return None
    return cs06.decode_command(decode(command.gbcs).content).execution_date_time_ms


def cancels(command: Command) -> bool:
    """Whether this is an 11.3 that cancels."""
    return execution_ms(command) == cs06.CANCELLATION_MS
