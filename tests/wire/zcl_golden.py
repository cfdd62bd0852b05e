"""Frames of the OTA cluster, written by hand from the tables of ZCL8 chapter 11."""

from hanota.wire import ota
from hanota.wire.codes import ZclStatus
from hanota.wire.zcl import DefaultResponse, Direction

MANUFACTURER = 0x121D
PPMID = 0x0084
OLD = 0xACDCACDC
NEW = 0xACDCACDD
NODE = 0x00DB1234567890A4

_IMAGE = "1d12 8400 ddacdcac"
_NODE = "a49078563412db00"

_WRITTEN = [
    (ota.ImageNotify(0x01, 100), "19 01 00 | 00 64"),
    (
        ota.ImageNotify(0x02, 100, MANUFACTURER, disable_default_response=False),
        "09 02 00 | 01 64 1d12",
    ),
    (ota.ImageNotify(0x03, 50, MANUFACTURER, PPMID), "19 03 00 | 02 32 1d12 8400"),
    (ota.ImageNotify(0x04, 1, MANUFACTURER, PPMID, NEW), f"19 04 00 | 03 01 {_IMAGE}"),
    (
        ota.QueryNextImageRequest(0x05, MANUFACTURER, PPMID, OLD),
        "01 05 01 | 00 1d12 8400 dcacdcac",
    ),
    (
        ota.QueryNextImageRequest(
            0x06, MANUFACTURER, PPMID, OLD, 0x1211, disable_default_response=True
        ),
        "11 06 01 | 01 1d12 8400 dcacdcac 1112",
    ),
    (
        ota.QueryNextImageResponse(0x05, MANUFACTURER, PPMID, NEW, 295),
        f"19 05 02 | 00 {_IMAGE} 27010000",
    ),
    (ota.QueryNextImageRefused(0x06, ZclStatus.NO_IMAGE_AVAILABLE), "19 06 02 | 98"),
    (
        ota.ImageBlockRequest(0x07, MANUFACTURER, PPMID, NEW, 0x00012345, 48),
        f"01 07 03 | 00 {_IMAGE} 45230100 30",
    ),
    (
        ota.ImageBlockRequest(0x08, MANUFACTURER, PPMID, NEW, 0, 255, NODE),
        f"01 08 03 | 01 {_IMAGE} 00000000 ff {_NODE}",
    ),
    (
        ota.ImageBlockRequest(0x09, MANUFACTURER, PPMID, NEW, 48, 48, minimum_block_period_ms=50),
        f"01 09 03 | 02 {_IMAGE} 30000000 30 3200",
    ),
    (
        ota.ImageBlockRequest(
            0x0A, MANUFACTURER, PPMID, NEW, 48, 48, NODE, 50, disable_default_response=True
        ),
        f"11 0a 03 | 03 {_IMAGE} 30000000 30 {_NODE} 3200",
    ),
    (
        ota.ImagePageRequest(0x0B, MANUFACTURER, PPMID, NEW, 96, 48, 480, 250),
        f"01 0b 04 | 00 {_IMAGE} 60000000 30 e001 fa00",
    ),
    (
        ota.ImagePageRequest(0x0C, MANUFACTURER, PPMID, NEW, 96, 48, 480, 250, NODE),
        f"01 0c 04 | 01 {_IMAGE} 60000000 30 e001 fa00 {_NODE}",
    ),
    (
        ota.ImageBlockResponse(0x07, MANUFACTURER, PPMID, NEW, 0x00012345, b"hanota"),
        f"19 07 05 | 00 {_IMAGE} 45230100 06 68616e6f7461",
    ),
    (
        ota.ImageBlockResponse(
            0x08, MANUFACTURER, PPMID, NEW, 0, bytes(range(48)), disable_default_response=False
        ),
        f"09 08 05 | 00 {_IMAGE} 00000000 30 {bytes(range(48)).hex()}",
    ),
    (ota.ImageBlockWait(0x09, 0, 60, 50), "19 09 05 | 97 00000000 3c000000 3200"),
    (ota.ImageBlockWait(0x0A, 0x2C000000, 0x2C00003C, None), "19 0a 05 | 97 0000002c 3c00002c"),
    (ota.ImageBlockRefused(0x0B, ZclStatus.ABORT), "19 0b 05 | 95"),
    (
        ota.UpgradeEndRequest(0x0D, ZclStatus.SUCCESS, MANUFACTURER, PPMID, NEW),
        f"01 0d 06 | 00 {_IMAGE}",
    ),
    (
        ota.UpgradeEndRequest(0x0E, ZclStatus.INVALID_IMAGE, MANUFACTURER, PPMID, NEW),
        f"01 0e 06 | 96 {_IMAGE}",
    ),
    (
        ota.UpgradeEndResponse(0x0D, MANUFACTURER, PPMID, NEW, 0, 3600),
        f"19 0d 07 | {_IMAGE} 00000000 100e0000",
    ),
    (
        ota.UpgradeEndResponse(
            0x0F,
            ota.ANY_MANUFACTURER,
            ota.ANY_IMAGE_TYPE,
            ota.ANY_FILE_VERSION,
            0,
            ota.UPGRADE_TIME_HOLD,
        ),
        "19 0f 07 | ffff ffff ffffffff 00000000 ffffffff",
    ),
    (
        ota.QueryDeviceSpecificFileRequest(
            0x10, NODE, MANUFACTURER, ota.ImageType.CONFIGURATION, OLD, 2
        ),
        f"01 10 08 | {_NODE} 1d12 c1ff dcacdcac 0200",
    ),
    (
        ota.QueryDeviceSpecificFileResponse(0x10, MANUFACTURER, 0xFFC1, NEW, 512),
        "19 10 09 | 00 1d12 c1ff ddacdcac 00020000",
    ),
    (ota.QueryDeviceSpecificFileRefused(0x11, ZclStatus.NOT_AUTHORIZED), "19 11 09 | 7e"),
    (
        DefaultResponse(0x0E, 0x06, ZclStatus.SUCCESS, Direction.TO_CLIENT),
        "18 0e 0b | 06 00",
    ),
    (
        DefaultResponse(0x0F, 0x07, ZclStatus.NOT_AUTHORIZED, Direction.TO_SERVER),
        "10 0f 0b | 07 7e",
    ),
    (
        DefaultResponse(
            0x0B,
            0x04,
            0xC3,  # UNSUPPORTED_CLUSTER, which the OTA cluster itself never sends
            Direction.TO_CLIENT,
            disable_default_response=False,
        ),
        "08 0b 0b | 04 c3",
    ),
]

GOLDEN = [(message, bytes.fromhex(written.replace("|", ""))) for message, written in _WRITTEN]
MESSAGES = [message for message, _ in GOLDEN]
FRAMES = [frame for _, frame in GOLDEN]
IDS = [f"{frame[2]:02X}-{type(message).__name__}" for message, frame in GOLDEN]
