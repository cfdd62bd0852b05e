"""DUIS messages as values and as text, written by hand from the schema: checked both ways."""

from datetime import date

from hanota.model import DeviceStatus, DeviceType, LeftOutList, RequestID
from hanota.wire.duis import values as v

SUPPLIER = 0x90B3D51F30010000
DCC = 0x90B3D51F30000002
PPMID = 0x00DB1234567890A4
HUB = 0x00DB1234567890C0
NOW_MS = 1_795_361_821_523
NOW = "2026-11-22T15:37:01.523Z"
REQUEST_ID = RequestID(SUPPLIER, DCC, 1000)
DEVICE_REQUEST_ID = RequestID(SUPPLIER, PPMID, 2**64 - 1)
ACTIVATE_HASH = bytes(range(32))

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"


def request_text(request_id: str, variant: int, service: str, body: str) -> bytes:
    """A Request as the specification shows one, but with end tags for empty elements."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        f'<sr:Request xmlns:sr="{SR}" schemaVersion="5.4"><sr:Header>'
        f"<sr:RequestID>{request_id}</sr:RequestID>"
        f"<sr:CommandVariant>{variant}</sr:CommandVariant>"
        f"<sr:ServiceReference>{service}</sr:ServiceReference>"
        f"<sr:ServiceReferenceVariant>{service}</sr:ServiceReferenceVariant></sr:Header>"
        f"<sr:Body>{body}</sr:Body></sr:Request>"
    ).encode()


def response_text(header: str, code: str, body: str) -> bytes:
    """A Response; `header` holds the RequestID and ResponseID elements."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        f'<sr:Response xmlns:sr="{SR}" schemaVersion="5.4"><sr:Header>{header}'
        f"<sr:ResponseCode>{code}</sr:ResponseCode>"
        f"<sr:ResponseDateTime>{NOW}</sr:ResponseDateTime></sr:Header>"
        f"<sr:Body>{body}</sr:Body></sr:Response>"
    ).encode()


TO_DCC = "90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000"
TO_DEVICE = "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A4:18446744073709551615"
FROM_DEVICE = "00-DB-12-34-56-78-90-A4:90-B3-D5-1F-30-01-00-00:18446744073709551615"
DEVICE = "00-DB-12-34-56-78-90-A4"
IDS = f"{DEVICE},00-DB-12-34-56-78-90-C0"
HASH_TEXT = ACTIVATE_HASH.hex().upper()
ANSWERED = f"<sr:RequestID>{TO_DEVICE}</sr:RequestID>"
FROM = f"{ANSWERED}<sr:ResponseID>{FROM_DEVICE}</sr:ResponseID>"
SERVICE_11_2 = (
    "<sr:ServiceReference>11.2</sr:ServiceReference>"
    "<sr:ServiceReferenceVariant>11.2</sr:ServiceReferenceVariant>"
)


def _image(kind: str) -> str:
    return (
        f"<sr:{kind}><sr:FirmwareImage>HvHuCw==</sr:FirmwareImage>"
        f"<sr:FirmwareVersion>01020304</sr:FirmwareVersion>"
        f"<sr:DeviceIDList>{IDS}</sr:DeviceIDList></sr:{kind}>"
    )


# Value and text, written by hand from duis.md: checked both ways.
REQUESTS = [
    (
        v.Request(
            REQUEST_ID,
            8,
            "11.1",
            "11.1",
            v.UpdateFirmware(b"\x1e\xf1\xee\x0b", "01020304", (PPMID, HUB)),
        ),
        request_text(TO_DCC, 8, "11.1", _image("UpdateFirmware")),
    ),
    (
        v.Request(
            REQUEST_ID,
            8,
            "11.4",
            "11.4",
            v.UpdatePPMIDFirmware(b"\x1e\xf1\xee\x0b", "01020304", (PPMID, HUB)),
        ),
        request_text(TO_DCC, 8, "11.4", _image("UpdatePPMIDFirmware")),
    ),
    (
        v.Request(DEVICE_REQUEST_ID, 1, "11.2", "11.2", v.ReadFirmwareVersion()),
        request_text(TO_DEVICE, 1, "11.2", "<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>"),
    ),
    (
        v.Request(DEVICE_REQUEST_ID, 1, "11.2", "11.2", v.ReadFirmwareVersion(NOW_MS)),
        request_text(
            TO_DEVICE,
            1,
            "11.2",
            f"<sr:ReadFirmwareVersion><sr:ExecutionDateTime>{NOW}</sr:ExecutionDateTime>"
            "</sr:ReadFirmwareVersion>",
        ),
    ),
    (
        v.Request(
            DEVICE_REQUEST_ID,
            4,
            "11.3",
            "11.3",
            v.ActivateFirmware(firmware_hash=ACTIVATE_HASH),
        ),
        request_text(
            TO_DEVICE,
            4,
            "11.3",
            f"<sr:ActivateFirmware><sr:FirmwareHash>{HASH_TEXT}</sr:FirmwareHash>"
            "</sr:ActivateFirmware>",
        ),
    ),
    (
        v.Request(
            DEVICE_REQUEST_ID,
            5,
            "11.3",
            "11.3",
            v.SignedPreCommand(execution_date_time_ms=NOW_MS, gbcs_payload=b"\xdf\x09\x01"),
        ),
        request_text(
            TO_DEVICE,
            5,
            "11.3",
            f"<sr:SignedPreCommand><sr:ExecutionDateTime>{NOW}</sr:ExecutionDateTime>"
            "<sr:GBCSPayload>3wkB</sr:GBCSPayload></sr:SignedPreCommand>",
        ),
    ),
    (
        v.Request(REQUEST_ID, 8, "8.2", "8.2", v.ReadInventory(PPMID)),
        request_text(
            TO_DCC,
            8,
            "8.2",
            f"<sr:ReadInventory><sr:DeviceID>{DEVICE}</sr:DeviceID></sr:ReadInventory>",
        ),
    ),
    (
        v.Request(
            REQUEST_ID,
            8,
            "8.13",
            "8.13",
            v.ReturnLocalCommandResponse(
                original_request_id=DEVICE_REQUEST_ID, device_gbcs_response=b"\xdf\x09\x02"
            ),
        ),
        request_text(
            TO_DCC,
            8,
            "8.13",
            "<sr:ReturnLocalCommandResponse>"
            f"<sr:OriginalRequestID>{TO_DEVICE}</sr:OriginalRequestID>"
            "<sr:DeviceGBCSResponse>3wkC</sr:DeviceGBCSResponse></sr:ReturnLocalCommandResponse>",
        ),
    ),
]


def _answer(content: object, text: str, code: str = "I0") -> tuple[v.Response, bytes]:
    return (
        v.Response(
            request_id=DEVICE_REQUEST_ID,
            response_code=code,
            response_date_time_ms=NOW_MS,
            body=v.ResponseMessage("11.2", "11.2", content),
        ),
        response_text(
            ANSWERED, code, f"<sr:ResponseMessage>{SERVICE_11_2}{text}</sr:ResponseMessage>"
        ),
    )


def _alert(code: str, alert: object, text: str) -> tuple[v.Response, bytes]:
    return (
        v.Response(
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=v.DCCAlertMessage(code, alert),
        ),
        response_text(
            "",
            "I0",
            f"<sr:DCCAlertMessage><sr:DCCAlertCode>{code}</sr:DCCAlertCode>"
            f"<sr:DCCAlert>{text}</sr:DCCAlert></sr:DCCAlertMessage>",
        ),
    )


RESPONSES = [
    _answer(None, "", "I99"),
    _answer(None, "", "E65"),
    _answer(
        v.PreCommand("4.3", b"\xdf\x09\x01\x00"),
        "<sr:PreCommand><sr:GBCSVersion>4.3</sr:GBCSVersion>"
        "<sr:GBCSPayload>3wkBAA==</sr:GBCSPayload></sr:PreCommand>",
    ),
    _answer(
        v.LocalCommand(b"\xdf"),
        "<sr:LocalCommand><sr:GBCSPayload>3w==</sr:GBCSPayload></sr:LocalCommand>",
    ),
    _answer(
        v.FutureDatedDeviceAlertMessage(0x8F66, b"\xdf", 1, 2),
        "<sr:FutureDatedDeviceAlertMessage><sr:FutureDatedAlertCode>8F66</sr:FutureDatedAlertCode>"
        "<sr:GBCSPayload>3w==</sr:GBCSPayload><sr:InstructionNumber>1</sr:InstructionNumber>"
        "<sr:TotalCommandInstructions>2</sr:TotalCommandInstructions>"
        "</sr:FutureDatedDeviceAlertMessage>",
    ),
    _answer(
        v.DSPUpdateFirmwareWarning.of({LeftOutList.INVALID_GBCS_VERSION: (PPMID, HUB)}),
        f"<sr:DSPUpdateFirmwareWarning><sr:InvalidGBCSVersionList>{IDS}</sr:InvalidGBCSVersionList>"
        "</sr:DSPUpdateFirmwareWarning>",
        "W110101",
    ),
    _answer(
        v.DSPUpdatePPMIDFirmwareWarning.of(
            {
                LeftOutList.OTHER_REQUEST_IN_PROGRESS: (HUB,),
                LeftOutList.INVALID_DEVICE: (PPMID,),
                LeftOutList.NOT_COMMISSIONED: (),
            }
        ),
        f"<sr:DSPUpdatePPMIDFirmwareWarning><sr:InvalidDeviceIDList>{DEVICE}"
        "</sr:InvalidDeviceIDList><sr:OtherRequestInProgressList>00-DB-12-34-56-78-90-C0"
        "</sr:OtherRequestInProgressList></sr:DSPUpdatePPMIDFirmwareWarning>",
        "W110401",
    ),
    _answer(
        v.DSPInventory(
            (
                v.InventoryDevice(
                    device_id=PPMID,
                    device_type=DeviceType.PPMID,
                    device_status=DeviceStatus.COMMISSIONED,
                    device_manufacturer="GEO & Co",
                    device_model="<9001>\r",
                    date_commissioned=date(2025, 12, 28),
                    uprn=123456789012,
                    property_filter=v.PropertyFilter("SW1A 1AA", "10"),
                ),
                v.InventoryDevice(
                    device_id=HUB,
                    device_type=DeviceType.CHF,
                    device_manufacturer="",
                    device_model="",
                    csp_region="4G Central",
                ),
            )
        ),
        f"<sr:DSPInventory><sr:Device><sr:DeviceID>{DEVICE}</sr:DeviceID>"
        "<sr:DeviceType>PPMID</sr:DeviceType><sr:DeviceStatus>Commissioned</sr:DeviceStatus>"
        "<sr:DeviceManufacturer>GEO &amp; Co</sr:DeviceManufacturer>"
        "<sr:DeviceModel>&lt;9001&gt;&#xD;</sr:DeviceModel>"
        "<sr:DateCommissioned>2025-12-28</sr:DateCommissioned><sr:UPRN>123456789012</sr:UPRN>"
        "<sr:PropertyFilter><sr:PostCode>SW1A 1AA</sr:PostCode>"
        "<sr:AddressIdentifier>10</sr:AddressIdentifier></sr:PropertyFilter></sr:Device>"
        "<sr:Device><sr:DeviceID>00-DB-12-34-56-78-90-C0</sr:DeviceID>"
        "<sr:DeviceType>CHF</sr:DeviceType><sr:DeviceManufacturer></sr:DeviceManufacturer>"
        "<sr:DeviceModel></sr:DeviceModel><sr:CSPRegion>4G Central</sr:CSPRegion></sr:Device>"
        "</sr:DSPInventory>",
    ),
    (
        v.Response(
            request_id=DEVICE_REQUEST_ID,
            response_id=RequestID(PPMID, SUPPLIER, 2**64 - 1),
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=v.ResponseMessage("11.2", "11.2", v.GBCSPayload(b"\xdd\x00")),
        ),
        response_text(
            FROM,
            "I0",
            f"<sr:ResponseMessage>{SERVICE_11_2}<sr:GBCSPayload>3QA=</sr:GBCSPayload>"
            "</sr:ResponseMessage>",
        ),
    ),
    (
        v.Response(
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=v.DeviceAlertMessage(0x8F72, b"\xdf\x09\x03"),
        ),
        response_text(
            "",
            "I0",
            "<sr:DeviceAlertMessage><sr:AlertCode>8F72</sr:AlertCode>"
            "<sr:GBCSPayload>3wkD</sr:GBCSPayload></sr:DeviceAlertMessage>",
        ),
    ),
    _alert(
        "N60",
        v.CSPFirmwareDeliveryStatus(
            REQUEST_ID, HUB, PPMID, "01020304", NOW_MS, v.CommsHubTransferStatus.SUCCESS
        ),
        f"<sr:CSPFirmwareDeliveryStatus><sr:UpdateFirmwareRequestID>{TO_DCC}"
        "</sr:UpdateFirmwareRequestID><sr:CommsHubDeviceID>00-DB-12-34-56-78-90-C0"
        f"</sr:CommsHubDeviceID><sr:TargetDeviceID>{DEVICE}</sr:TargetDeviceID>"
        f"<sr:FirmwareVersion>01020304</sr:FirmwareVersion><sr:TimeStamp>{NOW}</sr:TimeStamp>"
        "<sr:CommsHubTransferStatus>Success</sr:CommsHubTransferStatus>"
        "</sr:CSPFirmwareDeliveryStatus>",
    ),
    _alert(
        "N62",
        v.CommsHubAlert(
            comms_hub_device_id=HUB,
            alert_code=0x8F8A,
            firmware_transfer_alert=v.FirmwareTransferAlert(
                update_firmware_request_id=REQUEST_ID,
                other_device_id=PPMID,
                firmware_version="01020304",
                transfer_response_code=v.TransferResponseCode.HARDWARE_VERSION_MISMATCH,
            ),
        ),
        "<sr:CommsHubAlert><sr:CommsHubDeviceID>00-DB-12-34-56-78-90-C0</sr:CommsHubDeviceID>"
        "<sr:AlertCode>8F8A</sr:AlertCode><sr:FirmwareTransferAlert>"
        f"<sr:UpdateFirmwareRequestID>{TO_DCC}</sr:UpdateFirmwareRequestID>"
        f"<sr:OtherDeviceID>{DEVICE}</sr:OtherDeviceID>"
        "<sr:FirmwareVersion>01020304</sr:FirmwareVersion>"
        "<sr:TransferResponseCode>HardwareVersionMismatch</sr:TransferResponseCode>"
        "</sr:FirmwareTransferAlert></sr:CommsHubAlert>",
    ),
    _alert(
        "N39",
        v.PPMIDAlert(
            PPMID,
            0x8F8B,
            NOW_MS,
            v.PPMIDFirmwareUpgradeAlert("01020304", v.ActivateImageResultCode.ACTIVATION_SUCCESS),
        ),
        f"<sr:PPMIDAlert><sr:DeviceID>{DEVICE}</sr:DeviceID>"
        f"<sr:DeviceAlertCode>8F8B</sr:DeviceAlertCode><sr:Timestamp>{NOW}</sr:Timestamp>"
        "<sr:PPMIDFirmwareUpgradeAlert><sr:FirmwareVersion>01020304</sr:FirmwareVersion>"
        "<sr:ActivateImageResultCode>ActivationSuccess</sr:ActivateImageResultCode>"
        "</sr:PPMIDFirmwareUpgradeAlert></sr:PPMIDAlert>",
    ),
    _alert(
        "N18",
        v.FirmwareDistributionFailure(REQUEST_ID, (PPMID, HUB)),
        f"<sr:FirmwareDistributionFailure><sr:UpdateFirmwareRequestID>{TO_DCC}"
        f"</sr:UpdateFirmwareRequestID><sr:MeterIDs>{IDS}</sr:MeterIDs>"
        "</sr:FirmwareDistributionFailure>",
    ),
    _alert(
        "N49",
        v.FirmwareVersionMismatch(PPMID, DeviceType.PPMID, "01020304", "1"),
        f"<sr:FirmwareVersionMismatch><sr:DeviceID>{DEVICE}</sr:DeviceID>"
        "<sr:DeviceType>PPMID</sr:DeviceType>"
        "<sr:FirmwareVersionSMI>01020304</sr:FirmwareVersionSMI>"
        "<sr:FirmwareVersionDevice>1</sr:FirmwareVersionDevice></sr:FirmwareVersionMismatch>",
    ),
    _alert(
        "N59",
        v.FirmwareUpgradeRequested(DeviceType.CHF, "01020304", (HUB,)),
        "<sr:FirmwareUpgradeRequested><sr:DeviceType>CHF</sr:DeviceType>"
        "<sr:FirmwareVersion>01020304</sr:FirmwareVersion>"
        "<sr:DeviceList>00-DB-12-34-56-78-90-C0</sr:DeviceList></sr:FirmwareUpgradeRequested>",
    ),
    _alert(
        "N64",
        v.CommsHubFirmwareActivation(HUB, "01020304"),
        "<sr:CommsHubFirmwareActivation><sr:DeviceID>00-DB-12-34-56-78-90-C0</sr:DeviceID>"
        "<sr:FirmwareVersion>01020304</sr:FirmwareVersion></sr:CommsHubFirmwareActivation>",
    ),
    _alert(
        "N13",
        v.CommandFailure(command_request_id=DEVICE_REQUEST_ID, dsp_schedule_id=7, device_id=PPMID),
        f"<sr:CommandFailure><sr:CommandRequestID>{TO_DEVICE}</sr:CommandRequestID>"
        f"<sr:DSPScheduleID>7</sr:DSPScheduleID><sr:DeviceID>{DEVICE}</sr:DeviceID>"
        "</sr:CommandFailure>",
    ),
    _alert(
        "N46",
        v.QuarantinedRequest(v.ADUserThresholdBreach(REQUEST_ID, 99)),
        "<sr:QuarantinedRequest><sr:ADUserThresholdBreach>"
        f"<sr:RequestID>{TO_DCC}</sr:RequestID><sr:QuarantineEventRef>99</sr:QuarantineEventRef>"
        "</sr:ADUserThresholdBreach></sr:QuarantinedRequest>",
    ),
]
