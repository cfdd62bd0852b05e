"""What the verbs say of an OTA image."""

from collections.abc import Iterable

from hanota.limits import IMAGE_OCTETS_WARNING, OTA_TRAILER_OCTETS
from hanota.model import eui_text, version_text
from hanota.smki.certificates import Certificate
from hanota.smki.verdict import judge_image
from hanota.wire.image import (
    DEVICE_TYPES,
    HEADER_VERSION,
    SIGNED_TYPES,
    OtaImage,
    manufacturer_image_hash,
)


def describe(image: OtaImage) -> dict[str, object]:
    """What an image says of itself, ready for JSON: codes and versions in hex, sizes in octets."""
    header = image.header
    destination = header.destination
    return {
        "kind": "ota",
        "device_type": DEVICE_TYPES.get(header.image_type),
        "image_type": f"{header.image_type:04X}",
        "manufacturer_code": f"{header.manufacturer_code:04X}",
        "file_version": version_text(header.file_version),
        "hardware_min": _hex(header.hardware_min),
        "hardware_max": _hex(header.hardware_max),
        "text": header.text,
        "stack_version": f"{header.stack_version:04X}",
        "header_version": f"{HEADER_VERSION:04X}",
        "security_credential": header.security_credential,
        "destination": None if destination is None else eui_text(destination),
        "header_octets": header.header_length,
        "image_octets": len(image.manufacturer_image),
        "trailer_octets": 0 if image.signature is None else OTA_TRAILER_OCTETS,
        "total_octets": header.total_size,
        "hash": manufacturer_image_hash(image).hex(),
        "warnings": [w for w in (trailer_warning(image), size_warning(image)) if w],
    }


def describe_with_signature(image: OtaImage, suppliers: Iterable[Certificate]) -> dict[str, object]:
    """The same, with a `Verdict` as `signature`, and as `signer` which supplier signed."""
    finding = judge_image(image, suppliers)
    signer = None if finding.signer is None else eui_text(finding.signer)
    return describe(image) | {"signature": finding.verdict, "signer": signer}


def trailer_warning(image: OtaImage) -> str | None:
    """One sentence where the device type wants a trailer and there is none, or the reverse."""
    device = DEVICE_TYPES.get(image.header.image_type)
    if device is None or (device in SIGNED_TYPES) == (image.signature is not None):
        return None
    if device in SIGNED_TYPES:
        return f"an image of type {device} must end with its supplier's signature"
    return (
        f"an image of type {device} must end without a signature (`hanota image inspect "
        "--unsigned` reads the octets that look like one as part of the image)"
    )


def size_warning(image: OtaImage) -> str | None:
    """One sentence where an image is larger than hubs and devices are said to take."""
    if image.header.total_size <= IMAGE_OCTETS_WARNING:
        return None
    return f"more than {IMAGE_OCTETS_WARNING} octets: hubs and devices may have no room"


def _hex(code: int | None) -> str | None:
    return None if code is None else f"{code:04X}"
