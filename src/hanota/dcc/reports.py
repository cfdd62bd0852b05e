"""What comes in from a hub, read: which device it is about, and what it says of its update.

A hub sends its own receipts of images (`wan.ImageStored`) and, in `wan.FromDevice`, the signed
GBCS alerts of itself and of the devices behind it. A report is what one message says of one
device; what answers a command is a `replies.Reply`; what a hub says of its own firmware, in
envelopes of its own, is a `HubReport`.

Not here: whether to believe it (`reception`), and what it does to a delivery (`tracking`).
"""

import msgspec

from hanota.dcc.replies import Reply, reply_of
from hanota.dcc.tracking import Evidence
from hanota.errors import RemoteError
from hanota.rows import MessageKey
from hanota.wire import wan
from hanota.wire.codes import AlertCode, GbcsFault, WanFault
from hanota.wire.gbcs.ccs08 import FirmwareTransferAlert, TransferResult
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs09 import ActivationResult, FirmwareActivationAlert
from hanota.wire.gbcs.firmware_distribution_receipt import (
    EsmeFirmwareDistributionReceipt,
    GsmeFirmwareDistributionReceipt,
)
from hanota.wire.gbcs.message import GbcsMessage, decode

FirmwareDistributionReceipt = EsmeFirmwareDistributionReceipt | GsmeFirmwareDistributionReceipt
Said = (
    wan.ImageStored | FirmwareTransferAlert | FirmwareActivationAlert | FirmwareDistributionReceipt
)


class Report(msgspec.Struct, frozen=True):
    """What one message says of one device."""

    hub_id: int  # the hub that sent it
    device_id: int  # the device that it is about
    evidence: Evidence
    key: MessageKey  # the same when it comes a second time
    said: Said
    message: GbcsMessage | None  # what was signed; None for a hub's own receipt of an image
    octets: bytes  # the GBCS message, or the envelope where there is none


class HubReport(msgspec.Struct, frozen=True):
    """What a hub says of its own firmware; the link vouches for the hub."""

    hub_id: int
    said: wan.HubImageStored | wan.HubRuns
    octets: bytes  # the envelope


def reports_of(hub_id: int, octets: bytes) -> tuple[Report | Reply | HubReport, ...]:
    """Read what the link brought from one hub: reports of an update, or the reply to a command.

    RemoteError (WanFault, GbcsFault) for what is malformed or is neither.
    """
    match wan.decode(octets):
        case wan.ImageStored() as stored:
            return tuple(_receipt(hub_id, one, stored, octets) for one in stored.device_ids)
        case wan.FromDevice(gbcs=alert):
            return (_alert(hub_id, alert),)
        case wan.HubImageStored() | wan.HubRuns() as said:
            return (HubReport(hub_id, said, octets),)
        case _:
            raise RemoteError(WanFault.MALFORMED, "a hub does not send this envelope to the DCC")


_DELIVERY = {
    wan.StoreResult.STORED: Evidence.DELIVERY_SUCCESS,
    wan.StoreResult.NO_SPACE: Evidence.DELIVERY_FAILURE,
    wan.StoreResult.DIGEST_MISMATCH: Evidence.DELIVERY_FAILURE,
}
_TRANSFER = {
    TransferResult.SUCCESS: Evidence.TRANSFER_SUCCESS,
    TransferResult.IMAGE_DISCARDED: Evidence.IMAGE_DISCARDED,
    TransferResult.HARDWARE_MISMATCH: Evidence.HARDWARE_VERSION_MISMATCH,
    TransferResult.TRANSFER_FAILURE: Evidence.TRANSFER_FAILURE,
}
_ACTIVATION = {
    ActivationResult.SUCCESS: Evidence.ACTIVATION_SUCCESS,
    ActivationResult.FAILURE: Evidence.ACTIVATION_FAILURE,
}
_VERIFICATION = {
    AlertCode.FIRMWARE_VERIFIED: Evidence.VERIFICATION_SUCCESS,
    AlertCode.FIRMWARE_VERIFICATION_FAILED: Evidence.VERIFICATION_FAILURE,
}
# No GBCS message has this CRA flag. A hub says once what became of an image for a device.
_NO_CRA = 0


def _receipt(hub_id: int, device_id: int, stored: wan.ImageStored, octets: bytes) -> Report:
    request_id = stored.request_id
    key = MessageKey(device_id, request_id.originator, _NO_CRA, request_id.counter)
    return Report(hub_id, device_id, _DELIVERY[stored.result], key, stored, None, octets)


def _alert(hub_id: int, octets: bytes) -> Report | Reply:
    message = decode(octets)
    content = decode_content(message)
    reply = reply_of(hub_id, message, content, octets)
    if reply is not None:
        return reply
    match content:
        case FirmwareTransferAlert() as said:
            device_id, evidence = said.device_id, _TRANSFER[said.result]
        case FirmwareActivationAlert() as said:
            device_id, evidence = message.originator, _ACTIVATION[said.result]
        case EsmeFirmwareDistributionReceipt() | GsmeFirmwareDistributionReceipt() as said:
            device_id, evidence = message.originator, _VERIFICATION[said.alert_code]
        case _:
            raise RemoteError(
                GbcsFault.UNSUPPORTED,
                "the message neither tells of an update nor answers a command",
            )
    key = MessageKey(message.originator, message.target, message.cra, message.counter)
    return Report(hub_id, device_id, evidence, key, said, message, octets)
