"""What a supplier makes of the DCC's messages: the answer to an update, and the alerts after it.

The body element says what an alert is, never its N-code. Whether the message is the DCC's at all
(`smki.dsig`) is settled before it comes here.
"""

import re
from collections.abc import Iterable

import msgspec

from hanota.model import LeftOutList, RequestID
from hanota.supplier.tracking import Evidence
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import (
    ActivateImageResultCode,
    CommsHubAlert,
    CommsHubTransferStatus,
    CSPFirmwareDeliveryStatus,
    DCCAlertMessage,
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    FirmwareTransferAlert,
    PPMIDAlert,
    PPMIDFirmwareUpgradeAlert,
    Request,
    Response,
    ResponseMessage,
    TransferResponseCode,
)

ACCEPTED = frozenset({ResponseCode.I0, ResponseCode.W110101, ResponseCode.W110401})

_DELIVERY = {
    CommsHubTransferStatus.SUCCESS: Evidence.DELIVERY_SUCCESS,
    CommsHubTransferStatus.FAILURE: Evidence.DELIVERY_FAILURE,
}
_TRANSFER = {
    TransferResponseCode.FILE_TRANSFER_SUCCESS: Evidence.TRANSFER_SUCCESS,
    TransferResponseCode.FIRMWARE_IMAGE_DISCARDED: Evidence.IMAGE_DISCARDED,
    TransferResponseCode.HARDWARE_VERSION_MISMATCH: Evidence.HARDWARE_VERSION_MISMATCH,
    TransferResponseCode.FILE_TRANSFER_FAILURE: Evidence.TRANSFER_FAILURE,
}
_ACTIVATION = {
    ActivateImageResultCode.ACTIVATION_SUCCESS: Evidence.ACTIVATION_SUCCESS,
    ActivateImageResultCode.ACTIVATION_FAILURE: Evidence.ACTIVATION_FAILURE,
}


class Answer(msgspec.Struct, frozen=True):
    """The synchronous answer to 11.1 or 11.4, device by device."""

    accepted: tuple[int, ...]
    listed: dict[int, LeftOutList]
    refused: tuple[int, ...]  # in no list, and the request refused: the code says why
    code: str


class Observation(msgspec.Struct, frozen=True):
    """What one alert says of one device."""

    device_id: int
    evidence: Evidence
    request_id: RequestID | None  # where the alert names its request
    firmware_version: str  # 8 upper-case hex digits, or as it was said where it is no 4 octets


def is_answer_to(response: Response, request: Request) -> bool:
    """Whether a response answers this request; an alert, which has no RequestID, answers none."""
    match response.body:
        case ResponseMessage(service_reference=reference):
            asked = (request.request_id, request.service_reference)
            return (response.request_id, reference) == asked
        case _:
            return False


def read_answer(response: Response, device_ids: Iterable[int], *, pushed: bool = False) -> Answer:
    """Sort the devices of a request by what the DCC answered.

    An acknowledgement says nothing of any device: the answer itself is still to come. A warning
    that is pushed may be one part of a long one. It says nothing of whom it does not list: another
    part may list them, and the others show that they were accepted when the image reaches them.
    """
    listed = {device_id: name for name, ids in _lists(response).items() for device_id in ids}
    code = response.response_code
    is_part = pushed and bool(listed)
    unlisted = (
        () if is_part else tuple(device_id for device_id in device_ids if device_id not in listed)
    )
    return Answer(
        accepted=unlisted if code in ACCEPTED else (),
        listed=listed,
        refused=() if code in (*ACCEPTED, ResponseCode.I99) else unlisted,
        code=code,
    )


def may_be_unsigned(response: Response) -> bool:
    """Whether this answer counts without a signature: one that grants nothing.

    Acknowledgements and refusals of the DCC Boxed come unsigned. What the DCC pushes never counts
    so: anybody could have sent it.
    """
    code = response.response_code
    return response.request_id is not None and (code == ResponseCode.I99 or code.startswith("E"))


def observe(response: Response) -> Observation | None:
    """What an alert says of a device; None where it is nothing about a firmware update."""
    match response.body:
        case DCCAlertMessage(dcc_alert=CSPFirmwareDeliveryStatus() as status):
            return Observation(
                status.target_device_id,
                _DELIVERY[status.comms_hub_transfer_status],
                status.update_firmware_request_id,
                version_as_kept(status.firmware_version),
            )
        case DCCAlertMessage(
            dcc_alert=CommsHubAlert(firmware_transfer_alert=FirmwareTransferAlert() as transfer)
        ):
            return Observation(
                transfer.other_device_id,
                _TRANSFER[transfer.transfer_response_code],
                transfer.update_firmware_request_id,
                version_as_kept(transfer.firmware_version),
            )
        case DCCAlertMessage(
            dcc_alert=PPMIDAlert(
                device_id=device_id,
                ppmid_firmware_upgrade_alert=PPMIDFirmwareUpgradeAlert() as upgrade,
            )
        ):
            evidence = _ACTIVATION[upgrade.activate_image_result_code]
            return Observation(device_id, evidence, None, version_as_kept(upgrade.firmware_version))
        case _:
            return None


def version_as_kept(text: str) -> str:
    """A version that the DCC names as the estate keeps it: four octets in upper-case digits."""
    return text.upper() if _FOUR_OCTETS.fullmatch(text) else text


def _lists(response: Response) -> dict[LeftOutList, tuple[int, ...]]:
    match response.body:
        case ResponseMessage(
            content=DSPUpdateFirmwareWarning() | DSPUpdatePPMIDFirmwareWarning() as warning
        ):
            return warning.lists()
        case _:
            return {}


_FOUR_OCTETS = re.compile(r"[0-9A-Fa-f]{8}")
