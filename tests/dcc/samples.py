"""Devices, entries and images of one sound home, for the tests of the DCC's rules."""

import msgspec

from hanota.model import DeviceStatus, DeviceType, Region
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.wire.image import IMAGE_TYPES, OtaImage, build_image, manufacturer_image_hash

ACB = 0x90B3D51F30000002
SUPPLIER, OTHER_SUPPLIER = 0x90B3D51F30010000, 0x90B3D51F30030000
HUB_ID, DEVICE_ID = 0x00DB1234567890A2, 0x00DB1234567890A4
OLD, NEW = 0x00010000, 0x00020000
NOW_MS = 1_800_000_000_000


def device(kind: DeviceType, **changes) -> Device:
    sound = Device(
        device_id=DEVICE_ID,
        type=kind,
        manufacturer="Maker",
        model="Model",
        hardware_version=0x1111,
        firmware_version=f"{OLD:08X}",
        hub_id=HUB_ID,
        status=DeviceStatus.COMMISSIONED,
        suppliers=(SUPPLIER,),
        region=Region.NORTH,
        gbcs_version="4.3",
    )
    return msgspec.structs.replace(sound, **changes)


def hub(**changes) -> Device:
    return device(DeviceType.CHF, **{"device_id": HUB_ID, **changes})


def image(kind: DeviceType, destination: int | None = None, **changes) -> OtaImage:
    built = build_image(
        **{
            "image_type": IMAGE_TYPES[kind],
            "manufacturer_code": 0x121D,
            "file_version": NEW,
            "manufacturer_image": b"firmware",
            "hardware": (0x1000, 0x2000),
            **changes,
        }
    )
    header = msgspec.structs.replace(built.header, destination=destination)
    return msgspec.structs.replace(built, header=header)


def entry(kind: DeviceType, **changes) -> ProductEntry:
    sound = ProductEntry(
        type=kind,
        manufacturer="Maker",
        manufacturer_code=0x121D,
        model="Model",
        hardware_versions=(0x1111, 0x1112, 0x3333),
        firmware_version=f"{NEW:08X}",
        hash=manufacturer_image_hash(image(kind)),
        status=ProductStatus.ACTIVE,
        gbcs_version="4.4",
        follows=(f"{OLD:08X}",),
    )
    return msgspec.structs.replace(sound, **changes)
