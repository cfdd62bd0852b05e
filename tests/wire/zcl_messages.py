"""Hypothesis strategies for every message of the OTA cluster."""

from hypothesis import strategies as st

from hanota.wire import ota
from hanota.wire.zcl import DefaultResponse, Direction

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
U64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
REFUSAL = U8.filter(lambda status: status not in {0x00, 0x97})

_IMAGE = {"manufacturer_code": U16, "image_type": U16, "file_version": U32}
_OFFER = {**_IMAGE, "image_size_octets": U32}
_BLOCK = {**_IMAGE, "file_offset": U32, "maximum_data_size": U8, "request_node": st.none() | U64}

_NOTIFY_OPTIONS = {"manufacturer_code": U16, "image_type": U16, "new_file_version": U32}

FIELDS = [
    *(
        (ota.ImageNotify, {"query_jitter": U8, **dict(list(_NOTIFY_OPTIONS.items())[:present])})
        for present in range(4)
    ),
    (
        ota.QueryNextImageRequest,
        {
            "manufacturer_code": U16,
            "image_type": U16,
            "current_file_version": U32,
            "hardware_version": st.none() | U16,
        },
    ),
    (ota.QueryNextImageResponse, _OFFER),
    (ota.QueryNextImageRefused, {"status": REFUSAL}),
    (ota.ImageBlockRequest, {**_BLOCK, "minimum_block_period_ms": st.none() | U16}),
    (ota.ImagePageRequest, {**_BLOCK, "page_size_octets": U16, "response_spacing_ms": U16}),
    (
        ota.ImageBlockResponse,
        {**_IMAGE, "file_offset": U32, "data": st.binary(max_size=255)},
    ),
    (
        ota.ImageBlockWait,
        {
            "current_time_s": U32,
            "request_time_s": U32,
            "minimum_block_period_ms": st.none() | U16,
        },
    ),
    (ota.ImageBlockRefused, {"status": REFUSAL}),
    (ota.UpgradeEndRequest, {"status": U8, **_IMAGE}),
    (ota.UpgradeEndResponse, {**_IMAGE, "current_time_s": U32, "upgrade_time_s": U32}),
    (
        ota.QueryDeviceSpecificFileRequest,
        {"request_node": U64, **_IMAGE, "current_zigbee_stack_version": U16},
    ),
    (ota.QueryDeviceSpecificFileResponse, _OFFER),
    (ota.QueryDeviceSpecificFileRefused, {"status": REFUSAL}),
    (
        DefaultResponse,
        {"command_id": U8, "status": U8, "direction": st.sampled_from(Direction)},
    ),
]


def messages():
    """Any message, each command as likely as any other."""
    return st.one_of(
        st.builds(message, tsn=U8, disable_default_response=st.booleans(), **fields)
        for message, fields in FIELDS
    )
