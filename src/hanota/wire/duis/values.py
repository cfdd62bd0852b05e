"""What DUIS messages say, as frozen values (DUIS schema 5.4).

Names are the schema's own, in snake_case; a time is an instant of milliseconds, so its name ends
in `_ms`. Where the schema has a choice of elements there is a union of classes. Elements that
hanota has no use for become an `OtherElement`: a DCC can refuse such a request with a code, and
`hanota decode` shows it, but nobody can write one.

Not here: how the values stand in XML (`schema`), and which service wants which values from whom.
"""

from datetime import date
from enum import StrEnum
from typing import Self

import msgspec

from hanota.model import DeviceStatus, DeviceType, LeftOutList, RequestID


class _Value(msgspec.Struct, frozen=True, gc=False):
    # A frozen value holds only what was there before it, so it is never part of a cycle: the
    # garbage collector has nothing to find here.
    pass


class OtherElement(_Value, frozen=True):
    """An element of the schema that hanota does not model; only its name is kept."""

    name: str


# --- Requests ---


class UpdateFirmware(_Value, frozen=True):
    """11.1: an image with its trailer, for ESMEs, GSMEs and HCALCSs."""

    firmware_image: bytes
    firmware_version: str
    device_id_list: tuple[int, ...]


class UpdatePPMIDFirmware(_Value, frozen=True):
    """11.4: an image for PPMIDs."""

    firmware_image: bytes
    firmware_version: str
    device_id_list: tuple[int, ...]


class ReadFirmwareVersion(_Value, frozen=True):
    """11.2; future-dated by the DSP where it has an execution time."""

    execution_date_time_ms: int | None = None


# The execution time 3000-12-31T00:00:00Z; GBCS says the same with `cs06.CANCELLATION_MS`.
CANCELLATION_MS = 32_535_129_600_000


class ActivateFirmware(_Value, frozen=True, kw_only=True):
    """11.3; future-dated in the device. CANCELLATION_MS cancels a waiting activation."""

    execution_date_time_ms: int | None = None
    firmware_hash: bytes  # of the Manufacturer Image, 32 octets


class SignedPreCommand(_Value, frozen=True, kw_only=True):
    """CV 5: what the user signed of the pre-command that CV 4 gave, under the same RequestID."""

    execution_date_time_ms: int | None = None
    gbcs_payload: bytes


class ReadInventory(_Value, frozen=True):
    """8.2, by device. The schema's other keys (UPRN, MPxN, address) are not taken."""

    device_id: int


class ReturnLocalCommandResponse(_Value, frozen=True, kw_only=True):
    """8.13: a device's answer to a command that went by hand."""

    original_request_id: RequestID | None = None
    device_gbcs_response: bytes


RequestBody = (
    UpdateFirmware
    | UpdatePPMIDFirmware
    | ReadFirmwareVersion
    | ActivateFirmware
    | SignedPreCommand
    | ReadInventory
    | ReturnLocalCommandResponse
    | OtherElement
)


class Request(_Value, frozen=True):
    """A Service Request: header and body."""

    request_id: RequestID
    command_variant: int  # 1 to 9
    service_reference: str
    service_reference_variant: str
    body: RequestBody


class RequestHeader(_Value, frozen=True):
    """What an answer needs of a request that may be malformed otherwise."""

    request_id: RequestID | None  # None where it cannot be read
    service_reference: str
    service_reference_variant: str


# --- Responses: what a ResponseMessage carries ---


class GBCSPayload(_Value, frozen=True):
    """A device's GBCS response."""

    payload: bytes


class LocalCommand(_Value, frozen=True):
    """A command for the user to carry to the device (CV 2, 3, 6, 7)."""

    gbcs_payload: bytes


class PreCommand(_Value, frozen=True):
    """The answer to CV 4: a command for the user to check and sign."""

    gbcs_version: str
    gbcs_payload: bytes


class FutureDatedDeviceAlertMessage(_Value, frozen=True):
    """8F66 or 8F67: what came of one instruction of a future-dated command."""

    future_dated_alert_code: int
    gbcs_payload: bytes
    instruction_number: int
    total_command_instructions: int


class _FirmwareWarning(_Value, frozen=True):
    invalid_device_id_list: tuple[int, ...] | None = None
    not_commissioned_device_id_list: tuple[int, ...] | None = None
    not_applicable_firmware_device_id_list: tuple[int, ...] | None = None
    other_request_in_progress_list: tuple[int, ...] | None = None
    invalid_gbcs_version_list: tuple[int, ...] | None = None

    @classmethod
    def of(cls, lists: dict[LeftOutList, tuple[int, ...]]) -> Self:
        """The warning with these lists; one that is empty or absent is not sent."""
        return cls(*(lists.get(name) or None for name in LeftOutList))

    def lists(self) -> dict[LeftOutList, tuple[int, ...]]:
        """The lists that are there, in the schema's order."""
        named = zip(LeftOutList, msgspec.structs.astuple(self), strict=True)
        return {name: device_ids for name, device_ids in named if device_ids is not None}


class DSPUpdateFirmwareWarning(_FirmwareWarning, frozen=True):
    """Answer to 11.1 (W110101, E110105): who is left out, by reason."""


class DSPUpdatePPMIDFirmwareWarning(_FirmwareWarning, frozen=True):
    """Answer to 11.4 (W110401, E110405): who is left out, by reason."""


class PropertyFilter(_Value, frozen=True):
    """Where a device is."""

    post_code: str
    address_identifier: str


class InventoryDevice(_Value, frozen=True, kw_only=True):
    """One `Device` of the DCC's inventory; what a device does not have is None."""

    device_id: int
    device_type: DeviceType
    device_status: DeviceStatus | None = None
    device_manufacturer: str
    device_model: str
    smetschts_version: str | None = None
    device_firmware_version: str | None = None
    device_firmware_version_status: str | None = None
    cpl_status: str | None = None
    date_commissioned: date | None = None
    import_mpxn: str | None = None
    secondary_import_mpan: str | None = None
    export_mpan: str | None = None
    esme_variant: str | None = None
    uprn: int | None = None
    property_filter: PropertyFilter | None = None
    csp_region: str | None = None
    device_gbcs_version: str | None = None
    han_variant: str | None = None
    s1sp: str | None = None
    connectivity: str | None = None


class DSPInventory(_Value, frozen=True):
    """Answer to 8.2: the devices of a home, 1 to 17."""

    devices: tuple[InventoryDevice, ...]


ResponseContent = (
    GBCSPayload
    | LocalCommand
    | PreCommand
    | FutureDatedDeviceAlertMessage
    | DSPUpdateFirmwareWarning
    | DSPUpdatePPMIDFirmwareWarning
    | DSPInventory
    | OtherElement
)


# --- DCC Alerts: what one carries. The body element says what an alert is, not its N-code ---


class CommsHubTransferStatus(StrEnum):
    """Whether an image reached the Communications Hub."""

    SUCCESS = "Success"
    FAILURE = "Failure"


class TransferResponseCode(StrEnum):
    """How the transfer from the hub to the device ended: 0 to 3 of CCS08, in this order."""

    FILE_TRANSFER_SUCCESS = "FileTransferSuccess"
    FIRMWARE_IMAGE_DISCARDED = "FirmwareImageDiscarded"
    HARDWARE_VERSION_MISMATCH = "HardwareVersionMismatch"
    FILE_TRANSFER_FAILURE = "FileTransferFailure"


class ActivateImageResultCode(StrEnum):
    """How an activation ended, as CS09 says."""

    ACTIVATION_SUCCESS = "ActivationSuccess"
    ACTIVATION_FAILURE = "ActivationFailure"


class CSPFirmwareDeliveryStatus(_Value, frozen=True):
    """The communications provider delivered an image to a hub, or did not (N60, N61)."""

    update_firmware_request_id: RequestID
    comms_hub_device_id: int
    target_device_id: int
    firmware_version: str
    time_stamp_ms: int
    comms_hub_transfer_status: CommsHubTransferStatus


class FirmwareTransferAlert(_Value, frozen=True, kw_only=True):
    """The hub handed an image to a device, or could not; made of a CCS08 alert."""

    update_firmware_request_id: RequestID | None = None
    other_device_id: int
    firmware_version: str
    transfer_response_code: TransferResponseCode


class CommsHubAlert(_Value, frozen=True, kw_only=True):
    """An alert of a Communications Hub that was addressed to the DCC."""

    comms_hub_device_id: int
    alert_code: int
    time_stamp_ms: int | None = None
    firmware_transfer_alert: FirmwareTransferAlert | None = None


class PPMIDFirmwareUpgradeAlert(_Value, frozen=True):
    """A PPMID runs the new image, or failed to; made of a CS09 alert."""

    firmware_version: str
    activate_image_result_code: ActivateImageResultCode


class PPMIDAlert(_Value, frozen=True):
    """An alert of a PPMID that was addressed to the DCC."""

    device_id: int
    device_alert_code: int
    timestamp_ms: int | None = None
    ppmid_firmware_upgrade_alert: PPMIDFirmwareUpgradeAlert | None = None


class FirmwareDistributionFailure(_Value, frozen=True):
    """An 11.1 that did not reach these devices."""

    update_firmware_request_id: RequestID
    meter_ids: tuple[int, ...]


class FirmwareVersionMismatch(_Value, frozen=True):
    """A device says that it runs another version than the DCC's inventory has."""

    device_id: int
    device_type: DeviceType
    firmware_version_smi: str
    firmware_version_device: str


class FirmwareUpgradeRequested(_Value, frozen=True):
    """Somebody asked for an upgrade of these devices."""

    device_type: DeviceType
    firmware_version: str
    device_list: tuple[int, ...]


class CommsHubFirmwareActivation(_Value, frozen=True):
    """A Communications Hub runs this version now."""

    device_id: int
    firmware_version: str


class CommandFailure(_Value, frozen=True, kw_only=True):
    """A command found no answer."""

    command_request_id: RequestID
    dsp_schedule_id: int | None = None
    device_id: int


class ADUserThresholdBreach(_Value, frozen=True):
    """Anomaly detection, a threshold that the user had set."""

    request_id: RequestID
    quarantine_event_ref: int


class ADDCCThresholdBreach(_Value, frozen=True):
    """Anomaly detection, a threshold of the DCC."""

    request_id: RequestID
    quarantine_event_ref: int


class ADAttributeLimitsBreach(_Value, frozen=True):
    """Anomaly detection, a limit for a value in the request."""

    request_id: RequestID
    quarantine_event_ref: int


class QuarantinedRequest(_Value, frozen=True):
    """A request that anomaly detection holds back."""

    breach: ADUserThresholdBreach | ADDCCThresholdBreach | ADAttributeLimitsBreach


DCCAlert = (
    CSPFirmwareDeliveryStatus
    | CommsHubAlert
    | PPMIDAlert
    | FirmwareDistributionFailure
    | FirmwareVersionMismatch
    | FirmwareUpgradeRequested
    | CommsHubFirmwareActivation
    | CommandFailure
    | QuarantinedRequest
    | OtherElement
)


# --- Responses ---


class ResponseMessage(_Value, frozen=True):
    """An answer to a request. Without content it is an acknowledgement (I99) or a refusal."""

    service_reference: str
    service_reference_variant: str
    content: ResponseContent | None = None


class DeviceAlertMessage(_Value, frozen=True):
    """A device's GBCS alert as it came; never 8F66 or 8F67, which answer a request."""

    alert_code: int
    gbcs_payload: bytes


class DCCAlertMessage(_Value, frozen=True):
    """An alert of the DCC itself."""

    dcc_alert_code: str
    dcc_alert: DCCAlert


ResponseBody = ResponseMessage | DeviceAlertMessage | DCCAlertMessage | OtherElement


class Response(_Value, frozen=True, kw_only=True):
    """A Service Response: the answer to a request, or an alert (which has no RequestID).

    `response_id` is device, user and counter of the request; only answers that come from a
    device have it.
    """

    request_id: RequestID | None = None
    response_id: RequestID | None = None
    response_code: str
    response_date_time_ms: int
    body: ResponseBody
