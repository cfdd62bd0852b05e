"""Strategies for any request and any response that hanota can write, and ways to read one."""

import pytest
from hypothesis import strategies as st

from hanota.errors import RemoteError
from hanota.model import DeviceStatus, DeviceType, RequestID
from hanota.wire.codes import DccAlertCode, ResponseCode
from hanota.wire.duis import values as v
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_request, decode_response, request_header
from hanota.wire.duis.services import SERVICE_OF_BODY, SERVICE_REFERENCE_VARIANTS


def request_of(octets: bytes) -> v.Request:
    return decode_request(open_document(octets))


def response_of(octets: bytes) -> v.Response:
    return decode_response(open_document(octets))


def header_of(octets: bytes) -> v.RequestHeader:
    return request_header(open_document(octets))


def outcome(decode, octets: bytes):
    """What came of it: a message or a RemoteError, never anything else."""
    try:
        return decode(octets)
    except RemoteError as fault:
        return fault


def refused(octets: bytes, decode=request_of) -> RemoteError:
    with pytest.raises(RemoteError) as fault:
        decode(octets)
    return fault.value


def changed(octets: bytes, old: str, new: str) -> bytes:
    assert octets.count(old.encode()) >= 1
    return octets.replace(old.encode(), new.encode(), 1)


_EUI = st.integers(0, 2**64 - 1)
_EUIS = st.lists(_EUI, min_size=1, max_size=4).map(tuple)
_REQUEST_ID = st.builds(RequestID, _EUI, _EUI, st.integers(0, 2**64 - 1))
_INSTANT = st.integers(0, 253_402_300_799_999)
_OCTETS = st.binary(max_size=80)
_ALERT = st.integers(0, 0xFFFF)


def _text(shortest: int, longest: int) -> st.SearchStrategy[str]:
    # Every character that XML can carry: no surrogates, no control characters but three.
    allowed = st.characters(
        exclude_categories=("Cs", "Cc"),
        include_characters="\t\n\r",
        exclude_characters="\ufffe\uffff",
    )
    return st.text(allowed, min_size=shortest, max_size=longest)


def _or_none(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


_VERSION = _text(1, 8)
_IMAGES = (_OCTETS, _VERSION, _EUIS)
_MPAN = _text(13, 13)
_STATUS = st.sampled_from(["Active", "Cancelled", "Expired", "Withdrawn"])

BODIES = st.one_of(
    st.builds(v.UpdateFirmware, *_IMAGES),
    st.builds(v.UpdatePPMIDFirmware, *_IMAGES),
    st.builds(v.ReadFirmwareVersion, _or_none(_INSTANT)),
    st.builds(
        v.ActivateFirmware,
        execution_date_time_ms=_or_none(_INSTANT),
        firmware_hash=st.binary(min_size=32, max_size=32),
    ),
    st.builds(v.SignedPreCommand, execution_date_time_ms=_or_none(_INSTANT), gbcs_payload=_OCTETS),
    st.builds(v.ReadInventory, _EUI),
    st.builds(
        v.ReturnLocalCommandResponse,
        original_request_id=_or_none(_REQUEST_ID),
        device_gbcs_response=_OCTETS,
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> v.Request:
    """Any request whose body is of its service."""
    body = draw(BODIES)
    service = SERVICE_OF_BODY.get(type(body), "11.3")
    return v.Request(draw(_REQUEST_ID), draw(st.integers(1, 9)), service, service, body)


_WARNING = (_or_none(_EUIS),) * 5
_INVENTORY_DEVICE = st.builds(
    v.InventoryDevice,
    device_id=_EUI,
    device_type=st.sampled_from(DeviceType),
    device_status=_or_none(st.sampled_from(DeviceStatus)),
    device_manufacturer=_text(0, 30),
    device_model=_text(0, 30),
    smetschts_version=_or_none(_text(1, 20)),
    device_firmware_version=_or_none(_VERSION),
    device_firmware_version_status=_or_none(_STATUS),
    cpl_status=_or_none(_STATUS),
    date_commissioned=_or_none(st.dates()),
    import_mpxn=_or_none(_text(1, 13)),
    secondary_import_mpan=_or_none(_MPAN),
    export_mpan=_or_none(_MPAN),
    esme_variant=_or_none(st.sampled_from(["A", "ADEG", "BF"])),
    uprn=_or_none(st.integers(1, 10**12 - 1)),
    property_filter=_or_none(st.builds(v.PropertyFilter, _text(6, 8), _text(0, 30))),
    csp_region=_or_none(st.sampled_from(["North", "4G South", "Unknown", "SMETS1"])),
    device_gbcs_version=_or_none(_text(0, 9)),
    han_variant=_or_none(_text(0, 9)),
    s1sp=_or_none(_text(0, 9)),
    connectivity=_or_none(st.sampled_from(["Cellular", "Virtual"])),
)
CONTENTS = st.one_of(
    st.none(),
    st.builds(v.GBCSPayload, _OCTETS),
    st.builds(v.LocalCommand, _OCTETS),
    st.builds(v.PreCommand, _text(0, 9), _OCTETS),
    st.builds(
        v.FutureDatedDeviceAlertMessage,
        st.sampled_from([0x8F66, 0x8F67]),
        _OCTETS,
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
    ),
    st.builds(v.DSPUpdateFirmwareWarning, *_WARNING),
    st.builds(v.DSPUpdatePPMIDFirmwareWarning, *_WARNING),
    st.builds(v.DSPInventory, st.lists(_INVENTORY_DEVICE, min_size=1, max_size=3).map(tuple)),
)
_BREACH = (_REQUEST_ID, st.integers(0, 10**20 - 1))
ALERTS = st.one_of(
    st.builds(
        v.CSPFirmwareDeliveryStatus,
        _REQUEST_ID,
        _EUI,
        _EUI,
        _VERSION,
        _INSTANT,
        st.sampled_from(v.CommsHubTransferStatus),
    ),
    st.builds(
        v.CommsHubAlert,
        comms_hub_device_id=_EUI,
        alert_code=_ALERT,
        time_stamp_ms=_or_none(_INSTANT),
        firmware_transfer_alert=_or_none(
            st.builds(
                v.FirmwareTransferAlert,
                update_firmware_request_id=_or_none(_REQUEST_ID),
                other_device_id=_EUI,
                firmware_version=_VERSION,
                transfer_response_code=st.sampled_from(v.TransferResponseCode),
            )
        ),
    ),
    st.builds(
        v.PPMIDAlert,
        _EUI,
        _ALERT,
        _or_none(_INSTANT),
        _or_none(
            st.builds(
                v.PPMIDFirmwareUpgradeAlert, _VERSION, st.sampled_from(v.ActivateImageResultCode)
            )
        ),
    ),
    st.builds(v.FirmwareDistributionFailure, _REQUEST_ID, _EUIS),
    st.builds(v.FirmwareVersionMismatch, _EUI, st.sampled_from(DeviceType), _VERSION, _VERSION),
    st.builds(v.FirmwareUpgradeRequested, st.sampled_from(DeviceType), _VERSION, _EUIS),
    st.builds(v.CommsHubFirmwareActivation, _EUI, _VERSION),
    st.builds(
        v.CommandFailure,
        command_request_id=_REQUEST_ID,
        dsp_schedule_id=_or_none(st.integers(0, 10**12)),
        device_id=_EUI,
    ),
    st.builds(
        v.QuarantinedRequest,
        st.one_of(
            st.builds(v.ADUserThresholdBreach, *_BREACH),
            st.builds(v.ADDCCThresholdBreach, *_BREACH),
            st.builds(v.ADAttributeLimitsBreach, *_BREACH),
        ),
    ),
)
_REFERENCES = st.sampled_from(["11.1", "8.2", "4.16", "8.14"])


def responses() -> st.SearchStrategy[v.Response]:
    """Any response."""
    message = st.builds(
        v.ResponseMessage,
        _REFERENCES,
        st.sampled_from(sorted(SERVICE_REFERENCE_VARIANTS)),
        CONTENTS,
    )
    return st.builds(
        v.Response,
        request_id=_or_none(_REQUEST_ID),
        response_id=_or_none(_REQUEST_ID),
        response_code=st.sampled_from(ResponseCode),
        response_date_time_ms=_INSTANT,
        body=st.one_of(
            message,
            st.builds(v.DeviceAlertMessage, _ALERT, _OCTETS),
            st.builds(v.DCCAlertMessage, st.sampled_from(DccAlertCode), ALERTS),
        ),
    )
