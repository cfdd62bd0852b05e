"""Every DUIS message that hanota knows, as tables: element, type, and what may be absent.

Source: DUIS schema 5.4. The order is the schema's. A fault in the image of 11.1 and 11.4, in the
device of 8.2, in the CommandVariant or in the reference and variant has a response code of its own;
every other is E100.
"""

import hashlib
from typing import Any

from hanota.limits import (
    FIRMWARE_VERSION_CHARACTERS_MAX,
    GBCS_OCTETS_MAX,
    HASH_OCTETS,
    IMAGE_OCTETS_MAX,
    INVENTORY_DEVICES_MAX,
)
from hanota.model import DeviceStatus, DeviceType
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.elements import Alternatives, Choice, Field, Ignored, Record, Repeated
from hanota.wire.duis.identifiers import EUI, EUI_LIST, REQUEST_ID
from hanota.wire.duis.leaves import (
    Leaf,
    alert_code,
    base64_binary,
    characters,
    hexadecimal,
    matching,
    one_of,
    whole_number,
)
from hanota.wire.duis.services import SERVICE_REFERENCE_VARIANTS, SERVICE_REFERENCES
from hanota.wire.duis.times import DATE, INSTANT
from hanota.wire.duis.values import (
    ActivateFirmware,
    ActivateImageResultCode,
    ADAttributeLimitsBreach,
    ADDCCThresholdBreach,
    ADUserThresholdBreach,
    CommandFailure,
    CommsHubAlert,
    CommsHubFirmwareActivation,
    CommsHubTransferStatus,
    CSPFirmwareDeliveryStatus,
    DCCAlertMessage,
    DeviceAlertMessage,
    DSPInventory,
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    FirmwareDistributionFailure,
    FirmwareTransferAlert,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    FutureDatedDeviceAlertMessage,
    GBCSPayload,
    InventoryDevice,
    LocalCommand,
    PPMIDAlert,
    PPMIDFirmwareUpgradeAlert,
    PreCommand,
    PropertyFilter,
    QuarantinedRequest,
    ReadFirmwareVersion,
    ReadInventory,
    Request,
    Response,
    ResponseMessage,
    ReturnLocalCommandResponse,
    SignedPreCommand,
    TransferResponseCode,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)


def _show_image(octets: bytes) -> dict[str, Any]:
    return {"octets": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}


_IMAGE = base64_binary(IMAGE_OCTETS_MAX, _show_image)
_GBCS = base64_binary(GBCS_OCTETS_MAX, bytes.hex)
_FIRMWARE_VERSION = characters(1, FIRMWARE_VERSION_CHARACTERS_MAX)
_ALERT_CODE = alert_code()
_TEXT = characters()
_NAME = characters(0, 30)
_MPXN = characters(1, 13)
_MPAN = characters(13, 13)
_SCHEDULE_ID = whole_number(0, 10**12)
_UNSIGNED_SHORT = whole_number(0, 2**16 - 1)
_UNSIGNED_INT = whole_number(0, 2**32 - 1)
_DEVICE_TYPE = one_of(DeviceType)
_PRODUCT_STATUS = one_of(("Active", "Cancelled", "Expired", "Withdrawn"))
_ESME_VARIANT = one_of(
    (
        *("A", "B", "C", "AD", "BD", "CD", "ADE", "BDE", "CDE", "ADF", "BDF", "CDF", "ADEF"),
        *("BDEF", "CDEF", "ADG", "ADEG", "AF", "BF", "CF", "AEF", "BEF", "CEF", "AG", "AEG"),
    )
)
_CSP_REGION = one_of(
    ("North", "Central", "South", "4G North", "4G Central", "4G South", "Unknown", "SMETS1")
)
_SERVICE_REFERENCE = Field(
    "service_reference", "ServiceReference", one_of(SERVICE_REFERENCES), fault=ResponseCode.E12
)
_SERVICE_REFERENCE_VARIANT = Field(
    "service_reference_variant",
    "ServiceReferenceVariant",
    one_of(SERVICE_REFERENCE_VARIANTS),
    fault=ResponseCode.E13,
)
_EXECUTION_DATE_TIME = Field("execution_date_time_ms", "ExecutionDateTime", INSTANT, optional=True)


def _update_firmware(kind: type, image_fault: ResponseCode) -> Record:
    return Record(
        kind,
        Field("firmware_image", "FirmwareImage", _IMAGE, fault=image_fault),
        Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
        Field("device_id_list", "DeviceIDList", EUI_LIST),
    )


def _firmware_warning(kind: type) -> Record:
    return Record(
        kind,
        Field("invalid_device_id_list", "InvalidDeviceIDList", EUI_LIST, optional=True),
        Field(
            "not_commissioned_device_id_list",
            "NotCommissionedDeviceIDList",
            EUI_LIST,
            optional=True,
        ),
        Field(
            "not_applicable_firmware_device_id_list",
            "NotApplicableFirmwareDeviceIDList",
            EUI_LIST,
            optional=True,
        ),
        Field(
            "other_request_in_progress_list", "OtherRequestInProgressList", EUI_LIST, optional=True
        ),
        Field("invalid_gbcs_version_list", "InvalidGBCSVersionList", EUI_LIST, optional=True),
    )


def _breach(kind: type) -> Record:
    return Record(
        kind,
        Field("request_id", "RequestID", REQUEST_ID),
        Field("quarantine_event_ref", "QuarantineEventRef", whole_number(0, 10**20 - 1)),
    )


REQUEST_HEADER = Record(
    Request,
    Field("request_id", "RequestID", REQUEST_ID),
    # The order of requests is the user's affair: hanota runs each when it comes.
    Ignored("FirstInSequence", one_of(("true", "false", "1", "0"))),
    Ignored("PrecedingServiceRequestID", REQUEST_ID),
    Field("command_variant", "CommandVariant", whole_number(1, 9), fault=ResponseCode.E11),
    _SERVICE_REFERENCE,
    _SERVICE_REFERENCE_VARIANT,
)

REQUEST_BODY = Alternatives(
    {
        UpdateFirmware: _update_firmware(UpdateFirmware, ResponseCode.E110101),
        UpdatePPMIDFirmware: _update_firmware(UpdatePPMIDFirmware, ResponseCode.E110401),
        ReadFirmwareVersion: Record(ReadFirmwareVersion, _EXECUTION_DATE_TIME),
        ActivateFirmware: Record(
            ActivateFirmware,
            _EXECUTION_DATE_TIME,
            Field("firmware_hash", "FirmwareHash", hexadecimal(HASH_OCTETS)),
        ),
        SignedPreCommand: Record(
            SignedPreCommand,
            _EXECUTION_DATE_TIME,
            Field("gbcs_payload", "GBCSPayload", _GBCS),
        ),
        # By UPRN, MPxN or address an inventory without premises knows no device.
        ReadInventory: Record(
            ReadInventory, Field("device_id", "DeviceID", EUI, fault=ResponseCode.E19)
        ),
        ReturnLocalCommandResponse: Record(
            ReturnLocalCommandResponse,
            Field("original_request_id", "OriginalRequestID", REQUEST_ID, optional=True),
            Field("device_gbcs_response", "DeviceGBCSResponse", _GBCS),
        ),
    },
    open_=True,
)

_INVENTORY_DEVICE = Record(
    InventoryDevice,
    Field("device_id", "DeviceID", EUI),
    Field("device_type", "DeviceType", _DEVICE_TYPE),
    Field("device_status", "DeviceStatus", one_of(DeviceStatus), optional=True),
    Field("device_manufacturer", "DeviceManufacturer", _NAME),
    Field("device_model", "DeviceModel", _NAME),
    Field("smetschts_version", "SMETSCHTSVersion", characters(1, 20), optional=True),
    Field("device_firmware_version", "DeviceFirmwareVersion", _FIRMWARE_VERSION, optional=True),
    Field(
        "device_firmware_version_status",
        "DeviceFirmwareVersionStatus",
        _PRODUCT_STATUS,
        optional=True,
    ),
    Field("cpl_status", "CPLStatus", _PRODUCT_STATUS, optional=True),
    Field("date_commissioned", "DateCommissioned", DATE, optional=True),
    Field("import_mpxn", "ImportMPxN", _MPXN, optional=True),
    Field("secondary_import_mpan", "SecondaryImportMPAN", _MPAN, optional=True),
    Field("export_mpan", "ExportMPAN", _MPAN, optional=True),
    Field("esme_variant", "ESMEVariant", _ESME_VARIANT, optional=True),
    Field("uprn", "UPRN", whole_number(1, 10**12 - 1), optional=True),
    Field(
        "property_filter",
        "PropertyFilter",
        Record(
            PropertyFilter,
            Field("post_code", "PostCode", characters(6, 8)),
            Field("address_identifier", "AddressIdentifier", _NAME),
        ),
        optional=True,
    ),
    Field("csp_region", "CSPRegion", _CSP_REGION, optional=True),
    Field("device_gbcs_version", "DeviceGBCSVersion", _TEXT, optional=True),
    Field("han_variant", "HANVariant", _TEXT, optional=True),
    Field("s1sp", "S1SP", _TEXT, optional=True),
    Field("connectivity", "Connectivity", one_of(("Cellular", "Virtual")), optional=True),
)

_RESPONSE_CONTENT = Alternatives(
    {
        GBCSPayload: Leaf(
            lambda text: GBCSPayload(_GBCS.parse(text)),
            lambda content: _GBCS.compose(content.payload),
            lambda content: _GBCS.show(content.payload),
        ),
        LocalCommand: Record(LocalCommand, Field("gbcs_payload", "GBCSPayload", _GBCS)),
        PreCommand: Record(
            PreCommand,
            Field("gbcs_version", "GBCSVersion", _TEXT),
            Field("gbcs_payload", "GBCSPayload", _GBCS),
        ),
        FutureDatedDeviceAlertMessage: Record(
            FutureDatedDeviceAlertMessage,
            Field("future_dated_alert_code", "FutureDatedAlertCode", alert_code(0x8F66, 0x8F67)),
            Field("gbcs_payload", "GBCSPayload", _GBCS),
            Field("instruction_number", "InstructionNumber", _UNSIGNED_SHORT),
            Field("total_command_instructions", "TotalCommandInstructions", _UNSIGNED_SHORT),
        ),
        DSPUpdateFirmwareWarning: _firmware_warning(DSPUpdateFirmwareWarning),
        DSPUpdatePPMIDFirmwareWarning: _firmware_warning(DSPUpdatePPMIDFirmwareWarning),
        DSPInventory: Record(
            DSPInventory, Repeated("devices", "Device", _INVENTORY_DEVICE, INVENTORY_DEVICES_MAX)
        ),
    },
    open_=True,
)

_DCC_ALERT = Alternatives(
    {
        CSPFirmwareDeliveryStatus: Record(
            CSPFirmwareDeliveryStatus,
            Field("update_firmware_request_id", "UpdateFirmwareRequestID", REQUEST_ID),
            Field("comms_hub_device_id", "CommsHubDeviceID", EUI),
            Field("target_device_id", "TargetDeviceID", EUI),
            Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
            Field("time_stamp_ms", "TimeStamp", INSTANT),
            Field(
                "comms_hub_transfer_status",
                "CommsHubTransferStatus",
                one_of(CommsHubTransferStatus),
            ),
        ),
        CommsHubAlert: Record(
            CommsHubAlert,
            Field("comms_hub_device_id", "CommsHubDeviceID", EUI),
            Field("alert_code", "AlertCode", _ALERT_CODE),
            Field("time_stamp_ms", "TimeStamp", INSTANT, optional=True),
            Field(
                "firmware_transfer_alert",
                "FirmwareTransferAlert",
                Record(
                    FirmwareTransferAlert,
                    Field(
                        "update_firmware_request_id",
                        "UpdateFirmwareRequestID",
                        REQUEST_ID,
                        optional=True,
                    ),
                    Field("other_device_id", "OtherDeviceID", EUI),
                    Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
                    Field(
                        "transfer_response_code",
                        "TransferResponseCode",
                        one_of(TransferResponseCode),
                    ),
                ),
                optional=True,
            ),
        ),
        PPMIDAlert: Record(
            PPMIDAlert,
            Field("device_id", "DeviceID", EUI),
            Field("device_alert_code", "DeviceAlertCode", _ALERT_CODE),
            Field("timestamp_ms", "Timestamp", INSTANT, optional=True),
            Field(
                "ppmid_firmware_upgrade_alert",
                "PPMIDFirmwareUpgradeAlert",
                Record(
                    PPMIDFirmwareUpgradeAlert,
                    Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
                    Field(
                        "activate_image_result_code",
                        "ActivateImageResultCode",
                        one_of(ActivateImageResultCode),
                    ),
                ),
                optional=True,
            ),
        ),
        FirmwareDistributionFailure: Record(
            FirmwareDistributionFailure,
            Field("update_firmware_request_id", "UpdateFirmwareRequestID", REQUEST_ID),
            Field("meter_ids", "MeterIDs", EUI_LIST),
        ),
        FirmwareVersionMismatch: Record(
            FirmwareVersionMismatch,
            Field("device_id", "DeviceID", EUI),
            Field("device_type", "DeviceType", _DEVICE_TYPE),
            Field("firmware_version_smi", "FirmwareVersionSMI", _FIRMWARE_VERSION),
            Field("firmware_version_device", "FirmwareVersionDevice", _FIRMWARE_VERSION),
        ),
        FirmwareUpgradeRequested: Record(
            FirmwareUpgradeRequested,
            Field("device_type", "DeviceType", _DEVICE_TYPE),
            Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
            Field("device_list", "DeviceList", EUI_LIST),
        ),
        CommsHubFirmwareActivation: Record(
            CommsHubFirmwareActivation,
            Field("device_id", "DeviceID", EUI),
            Field("firmware_version", "FirmwareVersion", _FIRMWARE_VERSION),
        ),
        CommandFailure: Record(
            CommandFailure,
            Field("command_request_id", "CommandRequestID", REQUEST_ID),
            Field("dsp_schedule_id", "DSPScheduleID", _SCHEDULE_ID, optional=True),
            Field("device_id", "DeviceID", EUI),
        ),
        QuarantinedRequest: Record(
            QuarantinedRequest,
            Choice(
                "breach",
                Alternatives(
                    {
                        kind: _breach(kind)
                        for kind in (
                            ADUserThresholdBreach,
                            ADDCCThresholdBreach,
                            ADAttributeLimitsBreach,
                        )
                    }
                ),
            ),
        ),
    },
    open_=True,
)

# The DCC Boxed tools refuse a message that has one of these, so they are read and never written.
_THROTTLED = (
    Ignored("ThrottledAlertSequenceId", _UNSIGNED_INT),
    Ignored("ThrottledAlertCount", _UNSIGNED_INT),
)

RESPONSE_HEADER = Record(
    Response,
    Field("request_id", "RequestID", REQUEST_ID, optional=True),
    Field("response_id", "ResponseID", REQUEST_ID, optional=True),
    Field("response_code", "ResponseCode", matching("[IEW][0-9]{1,6}")),
    Field("response_date_time_ms", "ResponseDateTime", INSTANT),
)

RESPONSE_BODY = Alternatives(
    {
        ResponseMessage: Record(
            ResponseMessage,
            _SERVICE_REFERENCE,
            _SERVICE_REFERENCE_VARIANT,
            Choice("content", _RESPONSE_CONTENT, optional=True),
        ),
        DeviceAlertMessage: Record(
            DeviceAlertMessage,
            Field("alert_code", "AlertCode", _ALERT_CODE),
            *_THROTTLED,
            Field("gbcs_payload", "GBCSPayload", _GBCS),
        ),
        DCCAlertMessage: Record(
            DCCAlertMessage,
            Field("dcc_alert_code", "DCCAlertCode", matching("N[0-9]{1,3}|AD1")),
            *_THROTTLED,
            Field("dcc_alert", "DCCAlert", _DCC_ALERT),
        ),
    },
    open_=True,
)
