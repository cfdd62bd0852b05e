"""Whether an image may run on a device: asked after every download and at every power-on.

How a maker protects its images is not public. It is modelled as the device knowing the
Manufacturer Image Hashes that its maker released, which is what the Central Products List shows.
"""

from collections.abc import Container

import msgspec

from hanota.errors import RemoteError
from hanota.wire.image import (
    DEVICE_TYPES,
    TRAILER_TYPES,
    ImageHeader,
    OtaImage,
    decode_image,
    manufacturer_image_hash,
)


class Make(msgspec.Struct, frozen=True, gc=False):
    """What a device is, as OTA images name it."""

    manufacturer_code: int
    image_type: int
    hardware_version: int


def suits(header: ImageHeader, make: Make) -> bool:
    """Whether the header names this make; an image without hardware versions suits them all."""
    return (
        header.manufacturer_code == make.manufacturer_code
        and header.image_type == make.image_type
        and suits_hardware(header, make.hardware_version)
    )


def suits_hardware(header: ImageHeader, hardware_version: int | None) -> bool:
    """Whether a hardware version is in the header's range; an unknown one (None) is."""
    lowest, highest = header.hardware_min, header.hardware_max
    if lowest is None or highest is None or hardware_version is None:
        return True
    return lowest <= hardware_version <= highest


def verify_image(data: bytes, make: Make, released: Container[bytes]) -> OtaImage | None:
    """The image, if `data` is a whole OTA file for this make that its maker released; else None.

    `released` holds the maker's Manufacturer Image Hashes.
    """
    try:
        image = decode_image(data, signed=DEVICE_TYPES.get(make.image_type) in TRAILER_TYPES)
    except RemoteError:
        return None
    if suits(image.header, make) and manufacturer_image_hash(image) in released:
        return image
    return None
