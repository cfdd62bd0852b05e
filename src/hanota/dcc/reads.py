"""11.2 Read Firmware Version: which command reads the version of which device.

The use case follows from the type of the device: ECS52 for an ESME or a Communications Hub, GCS38
for a GSME, CS08 for a PPMID or HCALCS. A device that does not know the user has the ACB as the
originator, with the ACB's own counter; the user and the counter of its request are then the
supplementary ones, and the MAC of the answer is for the ACB. The public messages have CS08 in that
form and the two others in the user's own; a captured ECS52 of a real device had the ACB's, so
which types get it is an argument. That a hub does is an assumption: it has no certificate of a
supplier. Answers are read in either form.

A Suspended device may be read as well: 11.2 is exempt from E5.
"""

from collections.abc import Callable

from hanota.dcc.execution_time import may_wait_until
from hanota.dcc.services import Refusal
from hanota.model import DeviceType, RequestID
from hanota.rows import Device
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import ReadFirmwareVersion
from hanota.wire.gbcs import cs08, ecs52, gcs38
from hanota.wire.gbcs.dlms import invoke_id
from hanota.wire.gbcs.message import Cra, GbcsMessage

# The types whose read has the ACB as its originator.
BROKERED_TYPES = frozenset({DeviceType.PPMID, DeviceType.HCALCS, DeviceType.CHF})


def objection(body: ReadFirmwareVersion, device: Device | None, now_ms: int) -> Refusal | None:
    """Why this device cannot be read at that time, None where it can.

    `device` is the inventory's row of the target, None where it has none.
    """
    if device is None:
        return Refusal(ResponseCode.E19, "the inventory has no such device")
    if device.type not in _READS:
        return Refusal(
            ResponseCode.E4, f"the version of a device of type {device.type} is not read"
        )
    execution_ms = body.execution_date_time_ms
    if execution_ms is not None and not may_wait_until(execution_ms, now_ms):
        return Refusal(ResponseCode.E17, "the execution time is past, or too far ahead")
    return None


def brokered(
    request_id: RequestID, device_type: DeviceType, acb_id: int, counter: int
) -> GbcsMessage:
    """The read that the ACB originates, with a counter of its own, for the user of the request."""
    message_code, content = _READS[device_type]
    return GbcsMessage(
        Cra.COMMAND,
        counter,
        acb_id,
        request_id.target,
        message_code,
        content(counter),
        supplementary_party=request_id.originator,
        supplementary_counter=request_id.counter,
    )


def direct(request_id: RequestID, device_type: DeviceType) -> GbcsMessage:
    """The read whose originator is the user, with the counter of its request."""
    message_code, content = _READS[device_type]
    return GbcsMessage(
        Cra.COMMAND,
        request_id.counter,
        request_id.originator,
        request_id.target,
        message_code,
        content(request_id.counter),
    )


def _cs08(_counter: int) -> bytes:
    return cs08.encode_command(cs08.ReadFirmwareVersionCommand())


def _ecs52(counter: int) -> bytes:
    return ecs52.encode_command(ecs52.ReadFirmwareVersionCommand(invoke_id(counter)))


def _gcs38(_counter: int) -> bytes:
    return gcs38.encode_command(gcs38.ReadFirmwareVersionCommand())


# Message code, and the content for an Originator Counter.
_READS: dict[DeviceType, tuple[int, Callable[[int], bytes]]] = {
    DeviceType.PPMID: (0x0129, _cs08),
    DeviceType.HCALCS: (0x0129, _cs08),
    DeviceType.ESME: (0x0059, _ecs52),
    DeviceType.CHF: (0x0059, _ecs52),
    DeviceType.GSME: (0x0084, _gcs38),
}
