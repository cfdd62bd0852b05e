"""What a supplier makes of a DCC's list with what its own estate knows."""

import msgspec
import pytest

from hanota.model import DeviceStatus, DeviceType, LeftOutList, Region
from hanota.rows import Device
from hanota.supplier.left_out import reason_of
from hanota.supplier.requests import (
    DEVICE_TYPES_OF_SERVICE,
    UPDATE_FIRMWARE,
    UPDATE_PPMID_FIRMWARE,
)

ME, OTHER, HUB_ID = 1, 2, 30
PPMIDS = DEVICE_TYPES_OF_SERVICE[UPDATE_PPMID_FIRMWARE]

PPMID = Device(
    device_id=34,
    type=DeviceType.PPMID,
    manufacturer="m",
    model="p",
    hardware_version=0x1111,
    firmware_version="00010000",
    hub_id=HUB_ID,
    status=DeviceStatus.COMMISSIONED,
    suppliers=(ME,),
    region=Region.NORTH,
    gbcs_version="4.3",
)


def changed(**fields):
    return msgspec.structs.replace(PPMID, **fields)


def hubs(gbcs_version):
    hub = changed(device_id=HUB_ID, type=DeviceType.CHF, gbcs_version=gbcs_version)
    return {HUB_ID: hub}


NEW, OLD, ODD = hubs("4.3"), hubs("2.1"), hubs("unknown")

CASES = [
    (LeftOutList.INVALID_DEVICE, None, {}, "unknown-device"),
    (LeftOutList.INVALID_DEVICE, changed(suppliers=(OTHER,)), NEW, "not-your-device"),
    (LeftOutList.INVALID_DEVICE, changed(type=DeviceType.IHD), NEW, "wrong-type"),
    (LeftOutList.INVALID_DEVICE, PPMID, NEW, "InvalidDeviceIDList"),
    (LeftOutList.NOT_COMMISSIONED, PPMID, NEW, "not-commissioned"),
    (LeftOutList.NOT_COMMISSIONED, None, {}, "not-commissioned"),
    (LeftOutList.OTHER_REQUEST_IN_PROGRESS, PPMID, NEW, "in-progress"),
    (LeftOutList.NOT_APPLICABLE_FIRMWARE, PPMID, NEW, "NotApplicableFirmwareDeviceIDList"),
    (LeftOutList.INVALID_GBCS_VERSION, PPMID, OLD, "hub-too-old"),
    (LeftOutList.INVALID_GBCS_VERSION, PPMID, ODD, "hub-too-old"),
    (LeftOutList.INVALID_GBCS_VERSION, PPMID, NEW, "gbcs-too-old"),
    (LeftOutList.INVALID_GBCS_VERSION, PPMID, {}, "InvalidGBCSVersionList"),
    (LeftOutList.INVALID_GBCS_VERSION, None, {}, "InvalidGBCSVersionList"),
]


@pytest.mark.parametrize(("listed", "device", "known_hubs", "reason"), CASES)
def test_reason(listed, device, known_hubs, reason):
    assert reason_of(listed, device, known_hubs, ME, PPMIDS) == reason


def test_a_ppmid_is_the_wrong_type_for_11_1():
    signed = DEVICE_TYPES_OF_SERVICE[UPDATE_FIRMWARE]
    assert reason_of(LeftOutList.INVALID_DEVICE, PPMID, NEW, ME, signed) == "wrong-type"
