"""The OTA image codec against the two public samples, a second decoder and every small damage."""

import hashlib
from collections.abc import Callable
from enum import Enum

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.vectors import require_vectors
from zigpy.ota.image import OTAImageHeader

from hanota.errors import LocalError, RemoteError
from hanota.limits import IMAGE_OCTETS_MAX
from hanota.model import DeviceType
from hanota.wire.codes import ImageFault
from hanota.wire.image import (
    DEVICE_TYPES,
    IMAGE_TYPES,
    SIGNED_TYPES,
    ImageHeader,
    OtaImage,
    build_image,
    decode_header,
    decode_image,
    encode_header,
    encode_image,
    manufacturer_image_hash,
)

BODY = b"CriticalSoftware sample firmware image_" * 6 + b"\n"
SIGNATURE = bytes(range(0x80, 0xC0))

# Written by hand from the field table of the standard, not by our encoder.
PLAIN = bytes.fromhex(
    "1ef1ee0b 0001 3800 0000 1d12 8400 02000000 0200"
    + "50504d494420322e30".ljust(64, "0")
    + "3b000000 aabbcc"
)
HARDWARE = bytes.fromhex(
    "1ef1ee0b 0001 3c00 0400 1d12 8500 78563412 0200" + "20" * 32 + "3f000000 0100 00ff aabbcc"
)
EVERY_FIELD = bytes.fromhex(
    "1ef1ee0b 0001 4500 0700 feff feff feffffff 0300"
    + "ff" * 32
    + "48000000 02 a49078563412db00 0000 ffff aabbcc"
)
SIGNED = (
    bytes.fromhex("1ef1ee0b 0001 3c00 0400 1d12 0000 dcacdcac 0200" + "00" * 32)
    + bytes.fromhex("81000000 1111 1112 aabbcc 0040")
    + SIGNATURE
)

GOLDEN: dict[str, tuple[bytes, OtaImage]] = {
    "no optional field": (
        PLAIN,
        OtaImage(
            ImageHeader(
                manufacturer_code=0x121D,
                image_type=0x0084,
                file_version=2,
                header_string=b"PPMID 2.0".ljust(32, b"\x00"),
                total_size=59,
            ),
            b"\xaa\xbb\xcc",
        ),
    ),
    "hardware versions": (
        HARDWARE,
        OtaImage(
            ImageHeader(
                manufacturer_code=0x121D,
                image_type=0x0085,
                file_version=0x12345678,
                header_string=b" " * 32,
                total_size=63,
                hardware_min=0x0001,
                hardware_max=0xFF00,
            ),
            b"\xaa\xbb\xcc",
        ),
    ),
    "every optional field": (
        EVERY_FIELD,
        OtaImage(
            ImageHeader(
                manufacturer_code=0xFFFE,
                image_type=0xFFFE,
                file_version=0xFFFFFFFE,
                stack_version=3,
                header_string=b"\xff" * 32,
                total_size=72,
                security_credential=2,
                destination=0x00DB1234567890A4,
                hardware_min=0,
                hardware_max=0xFFFF,
            ),
            b"\xaa\xbb\xcc",
        ),
    ),
    "trailer": (
        SIGNED,
        OtaImage(
            ImageHeader(
                manufacturer_code=0x121D,
                image_type=0x0000,
                file_version=0xACDCACDC,
                header_string=bytes(32),
                total_size=129,
                hardware_min=0x1111,
                hardware_max=0x1211,
            ),
            b"\xaa\xbb\xcc",
            SIGNATURE,
        ),
    ),
}
each_golden = pytest.mark.parametrize(("data", "image"), GOLDEN.values(), ids=GOLDEN)


def put(offset: int, octets: str) -> Callable[[bytes], bytes]:
    """A damage: these octets at this offset."""
    new = bytes.fromhex(octets)
    return lambda data: data[:offset] + new + data[offset + len(new) :]


def decoded(data: bytes, signed: bool | None) -> OtaImage | Enum:
    """The image, or the code of the fault."""
    try:
        return decode_image(data, signed=signed)
    except RemoteError as fault:
        return fault.code


@each_golden
def test_golden_bytes_both_ways(data: bytes, image: OtaImage) -> None:
    assert decode_image(data) == image
    assert encode_image(image) == data


@each_golden
def test_the_guess_of_a_trailer_can_be_overruled(data: bytes, image: OtaImage) -> None:
    if image.signature is not None:
        assert decode_image(data, signed=True) == image
        body = image.manufacturer_image + b"\x00\x40" + image.signature
        assert decode_image(data, signed=False) == OtaImage(image.header, body)
    else:
        assert decode_image(data, signed=False) == image
        with pytest.raises(RemoteError, match="does not end with 00 40") as fault:
            decode_image(data, signed=True)
        assert fault.value.code is ImageFault.TRAILER


@each_golden
def test_every_truncation_and_every_surplus_is_refused(data: bytes, image: OtaImage) -> None:
    for length in range(len(data)):
        with pytest.raises(RemoteError) as fault:
            decode_image(data[:length])
        complete = length >= image.header.header_length
        assert fault.value.code is (ImageFault.TOTAL_SIZE if complete else ImageFault.TRUNCATED)
    with pytest.raises(RemoteError, match="octets in all") as fault:
        decode_image(data + b"\x00")
    assert fault.value.code is ImageFault.TOTAL_SIZE


@each_golden
def test_every_flipped_bit_is_refused_or_shows(data: bytes, image: OtaImage) -> None:
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        seen = decoded(bytes(flipped), None)
        assert isinstance(seen, ImageFault) or (seen != image and encode_image(seen) == flipped)


@each_golden
def test_a_header_is_read_from_the_first_blocks(data: bytes, image: OtaImage) -> None:
    length = image.header.header_length
    assert decode_header(data[:length]) == image.header
    assert decode_header(data) == image.header
    assert encode_header(image.header) == data[:length]
    with pytest.raises(RemoteError) as fault:
        decode_header(data[: length - 1])
    assert fault.value.code is ImageFault.TRUNCATED


# Each damage is done to HARDWARE: header 60 octets, body 3.
@pytest.mark.parametrize(
    ("damage", "fault", "says"),
    [
        (put(0, "1ef1ee0c"), ImageFault.MAGIC, "starts with 1ef1ee0c"),
        (put(0, "0beef11e"), ImageFault.MAGIC, "no OTA file"),
        (put(4, "0002"), ImageFault.HEADER_VERSION, "version 0200 is not 0100"),
        (put(4, "0100"), ImageFault.HEADER_VERSION, "version 0001"),
        (put(6, "3800"), ImageFault.HEADER_LENGTH, "has 56 octets; .* makes 60"),
        (put(6, "3d00"), ImageFault.HEADER_LENGTH, "has 61 octets"),
        (put(6, "ffff"), ImageFault.HEADER_LENGTH, "has 65535 octets"),
        (put(8, "0000"), ImageFault.HEADER_LENGTH, "has 60 octets; .* makes 56"),
        (put(8, "0800"), ImageFault.FIELD_CONTROL, "0008 has bits beyond 0007"),
        (put(8, "0480"), ImageFault.FIELD_CONTROL, "8004"),
        (put(6, "45000700"), ImageFault.TRUNCATED, "needs 69 octets, and there are 63"),
        (put(52, "3e000000"), ImageFault.TOTAL_SIZE, "says 62 octets in all, and there are 63"),
        (put(52, "40000000"), ImageFault.TOTAL_SIZE, "says 64"),
        (put(52, "3c000000"), ImageFault.EMPTY_IMAGE, "leaves no image"),
        (put(52, "00000000"), ImageFault.EMPTY_IMAGE, "says 0 octets"),
        (put(52, "01409c00"), ImageFault.TOO_LARGE, "10240001 octets exceeds the 10240000"),
        (put(52, "ffffffff"), ImageFault.TOO_LARGE, "4294967295"),
        (put(10, "ffff"), ImageFault.WILDCARD, "manufacturer code FFFF stands for any"),
        (put(12, "ffff"), ImageFault.WILDCARD, "image type FFFF stands for any"),
        (put(14, "ffffffff"), ImageFault.WILDCARD, "file version FFFFFFFF stands for any"),
        (put(56, "01ff00ff"), ImageFault.HARDWARE_RANGE, "FF01 is above the highest, FF00"),
    ],
)
def test_each_fault_has_its_code_and_sentence(
    damage: Callable[[bytes], bytes], fault: ImageFault, says: str
) -> None:
    with pytest.raises(RemoteError, match=says) as raised:
        decode_image(damage(HARDWARE))
    assert raised.value.code is fault


def test_a_file_at_the_limit_passes_and_one_octet_more_does_not() -> None:
    largest = build_image(
        image_type=0x0084,
        manufacturer_code=0x121D,
        file_version=1,
        manufacturer_image=bytes(IMAGE_OCTETS_MAX - 56),
    )
    data = encode_image(largest)
    assert len(data) == IMAGE_OCTETS_MAX
    assert decode_image(data, signed=False) == largest
    with pytest.raises(RemoteError) as fault:
        decode_image(data + b"\x00")
    assert fault.value.code is ImageFault.TOO_LARGE
    with pytest.raises(LocalError, match="10240001 octets exceeds"):
        build_image(
            image_type=0x0084,
            manufacturer_code=0x121D,
            file_version=1,
            manufacturer_image=bytes(IMAGE_OCTETS_MAX - 55),
        )


def test_a_trailer_without_an_image_is_refused() -> None:
    data = SIGNED[:60] + SIGNED[63:]
    data = data[:52] + len(data).to_bytes(4, "little") + data[56:]
    for signed in (None, True):
        with pytest.raises(RemoteError, match="no image between") as fault:
            decode_image(data, signed=signed)
        assert fault.value.code is ImageFault.EMPTY_IMAGE
    assert len(decode_image(data, signed=False).manufacturer_image) == 66


HEADER = GOLDEN["hardware versions"][1].header


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"header_string": bytes(31)}, "must have 32 octets"),
        ({"header_string": bytes(33)}, "must have 32 octets"),
        ({"manufacturer_code": 1 << 16}, "does not fit"),
        ({"image_type": -1}, "does not fit"),
        ({"file_version": 1 << 32}, "does not fit"),
        ({"hardware_max": 1 << 16}, "does not fit"),
        ({"destination": 1 << 64, "total_size": 71}, "does not fit"),
        ({"hardware_min": 5, "hardware_max": 4}, "0005 is above the highest, 0004"),
        ({"hardware_min": None}, "both of its ends"),
        ({"hardware_max": None}, "both of its ends"),
        ({"total_size": 62}, "says 62 octets in all; its parts have 63"),
        ({"total_size": 60}, "leaves no image"),
        ({"total_size": IMAGE_OCTETS_MAX + 1}, "exceeds"),
    ],
)
def test_a_header_that_contradicts_itself_is_not_encoded(
    changes: dict[str, object], says: str
) -> None:
    image = OtaImage(msgspec.structs.replace(HEADER, **changes), b"\xaa\xbb\xcc")
    with pytest.raises(LocalError, match=says):
        encode_image(image)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"signature": bytes(63)}, "64 octets"),
        ({"signature": b""}, "64 octets"),
        ({"manufacturer_image": b"", "signature": SIGNATURE}, "is empty"),
        ({"manufacturer_image": b""}, "is empty"),
        ({"text": "x" * 33}, "32 ASCII characters"),
        ({"text": "Zähler"}, "32 ASCII characters"),
        ({"hardware": (2, 1)}, "above the highest"),
        ({"image_type": 0x10000}, "does not fit"),
    ],
)
def test_build_refuses_what_no_file_can_hold(changes: dict[str, object], says: str) -> None:
    good = {
        "image_type": 0,
        "manufacturer_code": 0,
        "file_version": 0,
        "manufacturer_image": b"\x00",
        "hardware": (1, 1),
    }
    assert decode_image(encode_image(build_image(**good))).header.total_size == 61
    with pytest.raises(LocalError, match=says):
        build_image(**good | changes)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"PPMID 2.0".ljust(32, b"\x00"), "PPMID 2.0"),
        (b"I am a GFI PPMID firmware image ", "I am a GFI PPMID firmware image"),
        (b"a\x00b\x1b[2J\xff\\".ljust(32, b" "), r"a\x00b\x1b[2J\xff" + "\\"),
        (bytes(32), ""),
    ],
)
def test_the_header_string_is_safe_to_show(octets: bytes, text: str) -> None:
    assert msgspec.structs.replace(HEADER, header_string=octets).text == text


def test_image_types_name_one_device_kind_each() -> None:
    assert IMAGE_TYPES[DeviceType.ESME] == 0x0000
    assert IMAGE_TYPES[DeviceType.PPMID] == 0x0084
    assert {IMAGE_TYPES[device] for device in SIGNED_TYPES} < DEVICE_TYPES.keys()
    assert {DEVICE_TYPES[number]: number for number in DEVICE_TYPES} == IMAGE_TYPES
    assert DeviceType.PPMID not in SIGNED_TYPES


headers = st.builds(
    ImageHeader,
    manufacturer_code=st.integers(0, 0xFFFE),
    image_type=st.integers(0, 0xFFFE),
    file_version=st.integers(0, 0xFFFFFFFE),
    stack_version=st.integers(0, 0xFFFF),
    header_string=st.binary(min_size=32, max_size=32),
    total_size=st.just(0),
    security_credential=st.none() | st.integers(0, 0xFF),
    destination=st.none() | st.integers(0, (1 << 64) - 1),
)
hardware_ranges = st.none() | st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)).map(sorted)


@st.composite
def images(draw: st.DrawFn) -> OtaImage:
    """Any legal image."""
    low, high = draw(hardware_ranges) or (None, None)
    header = msgspec.structs.replace(draw(headers), hardware_min=low, hardware_max=high)
    body = draw(st.binary(min_size=1, max_size=200))
    signature = draw(st.none() | st.binary(min_size=64, max_size=64))
    size = header.header_length + len(body) + (66 if signature is not None else 0)
    return OtaImage(msgspec.structs.replace(header, total_size=size), body, signature)


@given(images())
def test_any_image_survives_the_wire(image: OtaImage) -> None:
    assert decode_image(encode_image(image), signed=image.signature is not None) == image


@given(st.binary(max_size=200) | st.binary(max_size=140).map(HARDWARE[:10].__add__))
@example(b"")
@example(HARDWARE[:10])
def test_any_octets_give_an_image_or_a_remote_error(data: bytes) -> None:
    for signed in (None, True, False):
        seen = decoded(data, signed)
        assert isinstance(seen, ImageFault) or encode_image(seen) == data


def test_sample_of_11_1() -> None:
    data = (require_vectors() / "ota/esme-sample.ota").read_bytes()
    image = decode_image(data)
    assert image.header.text == "I am a GFI ESME[] firmware image"
    assert image.header.image_type == IMAGE_TYPES[DeviceType.ESME]
    assert image.header.total_size == 361
    assert image.manufacturer_image == BODY
    assert image.signature == data[-64:]
    assert encode_image(image) == data


def test_sample_of_11_4_is_what_build_makes() -> None:
    data = (require_vectors() / "ota/ppmid-sample.ota").read_bytes()
    image = decode_image(data)
    assert image == build_image(
        image_type=IMAGE_TYPES[DeviceType.PPMID],
        manufacturer_code=0x121D,
        file_version=0xACDCACDC,
        manufacturer_image=BODY,
        hardware=(0x1111, 0x1211),
        text="I am a GFI PPMID firmware image ",
    )
    assert encode_image(image) == data


def test_the_hash_covers_the_manufacturer_image_alone() -> None:
    esme, ppmid = (
        decode_image((require_vectors() / f"ota/{kind}-sample.ota").read_bytes())
        for kind in ("esme", "ppmid")
    )
    assert manufacturer_image_hash(esme) == hashlib.sha256(BODY).digest()
    assert manufacturer_image_hash(esme).hex() == (
        "7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36"
    )
    assert manufacturer_image_hash(ppmid) == manufacturer_image_hash(esme)


@pytest.mark.oracle
@given(images())
def test_zigpy_reads_the_same_header(image: OtaImage) -> None:
    theirs, rest = OTAImageHeader.deserialize(encode_image(image))
    ours = image.header
    assert theirs.header_length == ours.header_length
    assert theirs.field_control == ours.field_control
    assert theirs.manufacturer_id == ours.manufacturer_code
    assert theirs.image_type == ours.image_type
    assert theirs.file_version == ours.file_version
    assert theirs.stack_version == ours.stack_version
    assert theirs.image_size == ours.total_size
    assert theirs.security_credential_version == ours.security_credential
    assert theirs.minimum_hardware_version == ours.hardware_min
    assert theirs.maximum_hardware_version == ours.hardware_max
    destination = theirs.upgrade_file_destination
    assert (None if destination is None else int(str(destination).replace(":", ""), 16)) == (
        ours.destination
    )
    assert len(rest) == ours.total_size - ours.header_length
    assert theirs.serialize() == encode_header(ours)
