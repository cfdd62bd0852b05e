"""11.3 Activate Firmware, CV 4: the transform service makes a Pre-Command of a request.

The user checks and signs it and sends it back (CV 5, `critical`). Which code stands behind which
check is an assignment of this project; only E5 for a device status is sourced. Whether the hash is
that of an image which the device holds is for the device to say.

Not here: who may use the service at all (`services`).
"""

from collections.abc import Callable

import msgspec

from hanota.dcc.commands import ACTIVATE_FIRMWARE
from hanota.dcc.execution_time import may_wait_until
from hanota.dcc.services import Refusal
from hanota.model import DeviceStatus, RequestID
from hanota.rows import Device
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import CANCELLATION_MS, ActivateFirmware
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.image import SIGNED_TYPES

# Where the inventory does not know the GBCS version of a device: DUIS 5.4 is aligned with this one.
_GBCS_VERSION = "4.3"


def objection(
    user_id: int, execution_ms: int | None, device: Device | None, now_ms: int
) -> Refusal | None:
    """Why this user may not have this device activate at that time, None where it may.

    `device` is the inventory's row of the target, None where it has none. `execution_ms` is that
    of the DUIS request, with CANCELLATION_MS for a cancellation.
    """
    if device is None:
        return Refusal(ResponseCode.E19, "the inventory has no such device")
    asked = _Asked(user_id, execution_ms, device, now_ms)
    for holds, code, sentence in _CHECKS:
        if not holds(asked):
            return Refusal(code, sentence)
    return None


def pre_command(request_id: RequestID, body: ActivateFirmware) -> GbcsMessage:
    """The Pre-Command of a request that has passed its checks; a null signature follows it.

    Its originator, target and counter are those of the RequestID. Clients take the null signature
    (one octet 00) as well as none; the older DCC Boxed gave none.
    """
    execution_ms = body.execution_date_time_ms
    command = cs06.ActivateFirmwareCommand(
        body.firmware_hash,
        request_id.counter,
        cs06.CANCELLATION_MS if execution_ms == CANCELLATION_MS else execution_ms,
    )
    return GbcsMessage(
        Cra.COMMAND,
        request_id.counter,
        request_id.originator,
        request_id.target,
        ACTIVATE_FIRMWARE,
        cs06.encode_command(command),
    )


def gbcs_version(device: Device) -> str:
    """The GBCSVersion that goes with a Pre-Command for this device.

    It is that of the firmware which the device runs, as the Central Products List has it and the
    inventory keeps it; a device whose inventory row has none gets the version with which DUIS 5.4
    is aligned. No public source says more than that the element is there (an assumption); the form
    of CS06 is the same in all of them.
    """
    return device.gbcs_version or _GBCS_VERSION


class _Asked(msgspec.Struct, frozen=True):
    """What one activation is checked against."""

    user_id: int
    execution_ms: int | None
    device: Device
    now_ms: int


def _takes_the_command(asked: _Asked) -> bool:
    return asked.device.type in SIGNED_TYPES


def _is_the_users(asked: _Asked) -> bool:
    return asked.user_id in asked.device.suppliers


def _is_commissioned(asked: _Asked) -> bool:
    return asked.device.status is DeviceStatus.COMMISSIONED


def _has_whole_seconds(asked: _Asked) -> bool:
    return asked.execution_ms is None or asked.execution_ms % 1000 == 0


def _may_wait(asked: _Asked) -> bool:
    if asked.execution_ms is None or asked.execution_ms == CANCELLATION_MS:
        return True
    return may_wait_until(asked.execution_ms, asked.now_ms)


# In the order in which they are made, after E19.
_CHECKS: tuple[tuple[Callable[[_Asked], bool], ResponseCode, str], ...] = (
    (
        _takes_the_command,
        ResponseCode.E4,
        "only an ESME, a GSME or a HCALCS takes an activation command",
    ),
    (_is_the_users, ResponseCode.E5, "the device is not this supplier's"),
    (_is_commissioned, ResponseCode.E5, "the device is not commissioned"),
    (
        _has_whole_seconds,
        ResponseCode.E17,
        "a device knows no parts of a second: the execution time has to be a whole one",
    ),
    (_may_wait, ResponseCode.E17, "the execution time is past, or too far ahead"),
)
