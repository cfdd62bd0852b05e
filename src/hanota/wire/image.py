"""The OTA image file of Great Britain's smart metering: header, Manufacturer Image, trailer.

    OTA header (ZCL 11.4.2, little-endian) | Manufacturer Image | 00 40 r s (where there is one)

The image follows the header at once, without the sub-element tags of ordinary ZigBee files. The
trailer is the supplier's ECDSA signature over the Manufacturer Image alone: images for 11.1 carry
one, images for 11.4 do not. Layout and signed range are those of the two public DUIS samples.

Not here: checking the signature (`smki`), and whether an image suits a device (the parties).
"""

import hashlib
import struct
from typing import NamedTuple

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import (
    IMAGE_OCTETS_MAX,
    OTA_HEADER_OCTETS_MIN,
    OTA_HEADER_STRING_OCTETS,
    OTA_TRAILER_OCTETS,
    SIGNATURE_OCTETS,
)
from hanota.model import DeviceType
from hanota.wire.codes import ImageFault
from hanota.wire.ota import ANY_FILE_VERSION, ANY_IMAGE_TYPE, ANY_MANUFACTURER

HEADER_MAGIC = 0x0BEEF11E
HEADER_VERSION = 0x0100
STACK_VERSION_ZIGBEE_PRO = 0x0002

# ESME and PPMID are those of the public samples of 11.1 and 11.4. No sample of the other kinds is
# public: their numbers are an assumption of this project.
IMAGE_TYPES = {
    DeviceType.ESME: 0x0000,
    DeviceType.GSME: 0x0001,
    DeviceType.CHF: 0x0002,
    DeviceType.PPMID: 0x0084,
    DeviceType.HCALCS: 0x0085,
}
DEVICE_TYPES = {image_type: device for device, image_type in IMAGE_TYPES.items()}

# Kinds that 11.1 updates: their image ends with the supplier's signature. Sampled for the ESME;
# that GSME and HCALCS do likewise follows from their sharing its method.
SIGNED_TYPES = frozenset({DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS})

# Kinds whose image has a trailer at all. That a hub's ends with its communications provider's
# signature is an assumption: no image of one is public.
TRAILER_TYPES = SIGNED_TYPES | {DeviceType.CHF}


class ImageHeader(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The OTA header, version 0100 (ZCL 11.4.2).

    Its length and field control follow from which optional fields are there, so they cannot
    contradict it.
    """

    manufacturer_code: int
    image_type: int
    file_version: int  # 4 octets; `hanota.model.version_text` writes it
    stack_version: int = STACK_VERSION_ZIGBEE_PRO
    header_string: bytes  # 32 octets as they stand in the file, padding included
    total_size: int  # octets of the whole file: header, Manufacturer Image and trailer
    security_credential: int | None = None
    destination: int | None = None  # EUI-64 of the one device that the file is for
    hardware_min: int | None = None  # both hardware versions or neither
    hardware_max: int | None = None

    @property
    def field_control(self) -> int:
        """The bits that say which optional fields follow the fixed ones."""
        present = (self.security_credential, self.destination, self.hardware_min)
        return sum(1 << bit for bit, value in enumerate(present) if value is not None)

    @property
    def header_length(self) -> int:
        """Octets of this header: 56 to 69, and 60 in the samples."""
        return _LAYOUTS[self.field_control].header_length

    @property
    def text(self) -> str:
        r"""The header string for people: padding removed, what is not printable ASCII as \xNN."""
        return "".join(
            chr(octet) if 0x20 <= octet < 0x7F else f"\\x{octet:02x}"
            for octet in self.header_string.rstrip(b"\x00 ")
        )


class OtaImage(msgspec.Struct, frozen=True):
    """A whole OTA file; `signature` is r and s of the trailer, 64 octets, None without trailer."""

    header: ImageHeader
    manufacturer_image: bytes
    signature: bytes | None = None


def manufacturer_image_hash(image: OtaImage) -> bytes:
    """The Manufacturer Image Hash of the CPL, of CS06 and of alert 8F72: SHA-256, 32 octets."""
    return hashlib.sha256(image.manufacturer_image).digest()


def decode_header(data: bytes) -> ImageHeader:
    """Read the header at the start of `data`, which may be the first blocks of a longer file.

    The stated header length is read and must be that of the fields: version 0100 defines no
    others, so a longer header would hold fields that nobody here can read.

    Raises:
        RemoteError: with the ImageFault, for a header that is incomplete or contradicts itself.
    """
    if len(data) < OTA_HEADER_OCTETS_MIN:
        raise _incomplete(len(data), OTA_HEADER_OCTETS_MIN)
    magic, version, length, control = _PREFIX.unpack_from(data)
    if magic != HEADER_MAGIC:
        raise RemoteError(
            ImageFault.MAGIC, f"no OTA file: it starts with {data[:4].hex()}, not 1ef1ee0b"
        )
    if version != HEADER_VERSION:
        raise RemoteError(
            ImageFault.HEADER_VERSION, f"OTA header version {version:04X} is not 0100"
        )
    layout = _LAYOUTS.get(control)
    if layout is None:
        raise RemoteError(
            ImageFault.FIELD_CONTROL, f"OTA field control {control:04X} has bits beyond 0007"
        )
    if length != layout.header_length:
        raise RemoteError(
            ImageFault.HEADER_LENGTH,
            f"the OTA header says that it has {length} octets; its field control {control:04X} "
            f"makes {layout.header_length}",
        )
    if len(data) < length:
        raise _incomplete(len(data), length)
    values = layout.octets.unpack_from(data, _PREFIX.size)
    header = ImageHeader(**dict(zip(layout.fields, values, strict=True)))
    if fault := _fault(header):
        raise RemoteError(*fault)
    return header


def decode_image(data: bytes, *, signed: bool | None = None) -> OtaImage:
    """Read a whole OTA file.

    Args:
        data: the file, every octet of it.
        signed: True, it must end with a trailer; False, it has none and the image reaches to the
            end; None, there is one if the octets -66 and -65 are 00 40. A Manufacturer Image may
            have these octets by chance, so who knows the device kind should say.

    Raises:
        RemoteError: with the ImageFault, for anything that is no such file.
    """
    if len(data) > IMAGE_OCTETS_MAX:
        raise RemoteError(ImageFault.TOO_LARGE, _too_large(len(data)))
    header = decode_header(data)
    if header.total_size != len(data):
        raise RemoteError(
            ImageFault.TOTAL_SIZE,
            f"the OTA header says {header.total_size} octets in all, and there are {len(data)}",
        )
    body = data[header.header_length :]
    has_trailer = body[-OTA_TRAILER_OCTETS:-SIGNATURE_OCTETS] == _TRAILER_START
    if signed and not has_trailer:
        raise RemoteError(
            ImageFault.TRAILER, "the image does not end with 00 40 and a signature of 64 octets"
        )
    if not has_trailer or signed is False:
        return OtaImage(header, body)
    if len(body) == OTA_TRAILER_OCTETS:
        raise RemoteError(ImageFault.EMPTY_IMAGE, "there is no image between header and trailer")
    return OtaImage(header, body[:-OTA_TRAILER_OCTETS], body[-SIGNATURE_OCTETS:])


def encode_header(header: ImageHeader) -> bytes:
    """The octets of a header; LocalError when a field is out of range or contradicts another."""
    if len(header.header_string) != OTA_HEADER_STRING_OCTETS:
        raise LocalError("the OTA header string must have 32 octets")
    if fault := _fault(header):
        raise LocalError(fault[1])
    layout = _LAYOUTS[header.field_control]
    prefix = _PREFIX.pack(HEADER_MAGIC, HEADER_VERSION, layout.header_length, header.field_control)
    try:
        return prefix + layout.octets.pack(*(getattr(header, name) for name in layout.fields))
    except struct.error as error:
        raise LocalError(f"a field of the OTA header does not fit its octets: {error}") from error


def encode_image(image: OtaImage) -> bytes:
    """The octets of a whole file; LocalError when its parts contradict the header."""
    trailer = _trailer(image.signature)
    if not image.manufacturer_image:
        raise LocalError("the Manufacturer Image is empty")
    data = encode_header(image.header) + image.manufacturer_image + trailer
    if len(data) != image.header.total_size:
        raise LocalError(
            f"the OTA header says {image.header.total_size} octets in all; its parts have "
            f"{len(data)}"
        )
    return data


def build_image(
    *,
    image_type: int,
    manufacturer_code: int,
    file_version: int,
    manufacturer_image: bytes,
    signature: bytes | None = None,
    hardware: tuple[int, int] | None = None,
    text: str = "",
) -> OtaImage:
    """Make an image whose header agrees with its body, as the samples have it.

    Args:
        image_type: a number of IMAGE_TYPES, or another of the manufacturer.
        manufacturer_code: the maker's ZigBee code.
        file_version: 4 octets.
        manufacturer_image: what the device flashes; not empty.
        signature: the supplier's over `manufacturer_image`, r and s, 64 octets.
        hardware: the lowest and highest hardware version that may run the image.
        text: up to 32 ASCII characters; the header string pads them with 00.

    Raises:
        LocalError: when a field does not fit, or the file would exceed IMAGE_OCTETS_MAX.
    """
    header = ImageHeader(
        manufacturer_code=manufacturer_code,
        image_type=image_type,
        file_version=file_version,
        header_string=_header_string(text),
        total_size=0,
        hardware_min=hardware[0] if hardware else None,
        hardware_max=hardware[1] if hardware else None,
    )
    size = header.header_length + len(manufacturer_image) + len(_trailer(signature))
    image = OtaImage(
        msgspec.structs.replace(header, total_size=size), manufacturer_image, signature
    )
    encode_image(image)  # every rule of the file stands there
    return image


class _Layout(NamedTuple):
    """What follows the first ten octets of a header, for one value of its field control."""

    fields: tuple[str, ...]
    octets: struct.Struct

    @property
    def header_length(self) -> int:
        return _PREFIX.size + self.octets.size


def _layout(control: int) -> _Layout:
    fields = dict(_FIXED_FIELDS)
    for bit, optional in enumerate(_OPTIONAL_FIELDS):
        if control >> bit & 1:
            fields |= optional
    return _Layout(tuple(fields), struct.Struct("<" + "".join(fields.values())))


_PREFIX = struct.Struct("<IHHH")  # magic, header version, header length, field control
_FIXED_FIELDS = {
    "manufacturer_code": "H",
    "image_type": "H",
    "file_version": "I",
    "stack_version": "H",
    "header_string": "32s",
    "total_size": "I",
}
_OPTIONAL_FIELDS: tuple[dict[str, str], ...] = (  # by the bit of field control
    {"security_credential": "B"},
    {"destination": "Q"},
    {"hardware_min": "H", "hardware_max": "H"},
)
_LAYOUTS = {control: _layout(control) for control in range(1 << len(_OPTIONAL_FIELDS))}

_TRAILER_START = bytes((0x00, SIGNATURE_OCTETS))


# In messages of the OTA cluster (ZCL 11.13) these stand for any value, so no image can have them:
# whoever asks for it or answers would mean others as well.
_WILDCARDS = (
    ("manufacturer code", "manufacturer_code", ANY_MANUFACTURER),
    ("image type", "image_type", ANY_IMAGE_TYPE),
    ("file version", "file_version", ANY_FILE_VERSION),
)


def _fault(header: ImageHeader) -> tuple[ImageFault, str] | None:
    for name, field, wildcard in _WILDCARDS:
        if getattr(header, field) == wildcard:
            return (
                ImageFault.WILDCARD,
                f"the {name} {wildcard:X} stands for any, and names no image",
            )
    low, high = header.hardware_min, header.hardware_max
    if (low is None) != (high is None):
        return ImageFault.HARDWARE_RANGE, "a hardware range needs both of its ends"
    if low is not None and high is not None and low > high:
        return (
            ImageFault.HARDWARE_RANGE,
            f"the lowest hardware version {low:04X} is above the highest, {high:04X}",
        )
    if header.total_size <= header.header_length:
        return (
            ImageFault.EMPTY_IMAGE,
            f"the OTA header says {header.total_size} octets in all, which leaves no image",
        )
    if header.total_size > IMAGE_OCTETS_MAX:
        return ImageFault.TOO_LARGE, _too_large(header.total_size)
    return None


def _too_large(octets: int) -> str:
    return f"an image file of {octets} octets exceeds the {IMAGE_OCTETS_MAX} of the DUIS schema"


def _incomplete(octets: int, needed: int) -> RemoteError:
    return RemoteError(
        ImageFault.TRUNCATED, f"the OTA header needs {needed} octets, and there are {octets}"
    )


def _trailer(signature: bytes | None) -> bytes:
    if signature is None:
        return b""
    if len(signature) != SIGNATURE_OCTETS:
        raise LocalError("the signature of an image must have 64 octets, r and s")
    return _TRAILER_START + signature


def _header_string(text: str) -> bytes:
    if not text.isascii() or len(text) > OTA_HEADER_STRING_OCTETS:
        raise LocalError(f"the text {text!r} must be at most 32 ASCII characters")
    return text.encode("ascii").ljust(OTA_HEADER_STRING_OCTETS, b"\x00")
