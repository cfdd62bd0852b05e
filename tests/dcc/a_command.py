"""Requests for commands, what the rules make of them, and what devices answer."""

import msgspec
from tests.dcc.samples import ACB, DEVICE_ID, HUB_ID, NOW_MS, SUPPLIER, device

from hanota.dcc import commands, reads, transform
from hanota.dcc.replies import reply_of
from hanota.model import DeviceType, RequestID
from hanota.rows import RequestRow
from hanota.wire.duis.values import CANCELLATION_MS, ActivateFirmware
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage, encode

HASH = bytes(range(32))
REQUEST_ID = RequestID(SUPPLIER, DEVICE_ID, 1000)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EXECUTION_MS = NOW_MS + DAY_MS
HCALCS = device(DeviceType.HCALCS)
VERSION = bytes.fromhex("00020000")

# What each kind of command asks for.
EXECUTION_TIMES = {
    commands.CommandKind.ACTIVATION: None,
    commands.CommandKind.FUTURE_DATED_ACTIVATION: EXECUTION_MS,
    commands.CommandKind.CANCELLATION: CANCELLATION_MS,
}


def activate(execution_ms=None) -> ActivateFirmware:
    return ActivateFirmware(execution_date_time_ms=execution_ms, firmware_hash=HASH)


def pre_command(execution_ms=None, counter=1000) -> GbcsMessage:
    request_id = msgspec.structs.replace(REQUEST_ID, counter=counter)
    return transform.pre_command(request_id, activate(execution_ms))


def command(kind, state=commands.CommandState.SENT, counter=1000, **changes):
    """A command of the HCALCS as its row stands."""
    if kind is commands.CommandKind.READ:
        request_id = msgspec.structs.replace(REQUEST_ID, counter=counter)
        message = reads.direct(request_id, DeviceType.ESME)
    else:
        message = pre_command(EXECUTION_TIMES[kind], counter)
    row = commands.sent(message, request=7, now_ms=NOW_MS)
    return msgspec.structs.replace(row, state=state, **changes)


def request_row(service_reference="11.3", command_variant=5) -> RequestRow:
    return RequestRow(
        number=7,
        request_id=REQUEST_ID,
        command_variant=command_variant,
        service_reference=service_reference,
        digest=bytes(32),
        image_hash=None,
        version=None,
        at_ms=NOW_MS,
        answer=b"",
    )


# --- What devices answer, without protection ---


def cs06_response(said, target=SUPPLIER, counter=1000) -> GbcsMessage:
    return GbcsMessage(
        Cra.RESPONSE,
        counter,
        DEVICE_ID,
        target,
        0x0012,
        cs06.encode_response(said),
        date_time=bytes.fromhex("07E8041EFF173B3B008000FF"),
    )


def cs06_alert(result=cs06.ActivateFirmwareResult.SUCCESS, counter=1000) -> GbcsMessage:
    outcome = cs06.ActivateFirmwareOutcome(result, VERSION)
    said = cs06.FutureDatedActivationAlert(EXECUTION_MS, counter, outcome)
    return GbcsMessage(Cra.ALERT, 5, DEVICE_ID, SUPPLIER, 0x00CA, cs06.encode_alert(said))


def outcome(result=cs06.ActivateFirmwareResult.SUCCESS) -> GbcsMessage:
    return cs06_response(cs06.ActivateFirmwareOutcome(result, VERSION))


def accepted(counter=1000) -> GbcsMessage:
    return cs06_response(cs06.ActivateFirmwareAccepted(), counter=counter)


def version_read(module, code, *said, target=ACB, party=SUPPLIER) -> GbcsMessage:
    content = module.encode_response(module.ReadFirmwareVersionResponse(*said))
    named = {} if target != ACB else {"supplementary_party": party, "supplementary_counter": 1000}
    return GbcsMessage(Cra.RESPONSE, 1000, DEVICE_ID, target, code, content, **named)


def reply(message, hub_id=HUB_ID):
    return reply_of(hub_id, message, decode_content(message), encode(message))
