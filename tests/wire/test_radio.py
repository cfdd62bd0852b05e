"""802.15.4 frames: one by hand, every damage, the published check value of the CRC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.wire.zcl_messages import U8, U16

from hanota.errors import LocalError, RemoteError
from hanota.limits import BLOCK_SIZE_OCTETS, TUNNEL_CHUNK_OCTETS
from hanota.wire import ota, ota_codec, tunnel
from hanota.wire.codes import RadioFault
from hanota.wire.radio import (
    RadioFrame,
    decode_radio_frame,
    encode_radio_frame,
    frame_check_sequence,
)

REFUSED = bytes.fromhex("19110998")
FRAME = RadioFrame(0x1A2B, 0x0000, 0x5A5A, 0x10, 0x20, 0x30, 0x0019, REFUSED)
UNCHECKED = (
    "6188 10 2b1a 5a5a 0000"  # MAC: control, sequence, PAN, destination, source
    "0800 5a5a 0000 1e 20"  # NWK: control, destination, source, radius, sequence
    "00 01 1900 0901 01 30"  # APS: control, endpoint, cluster, profile, endpoint, counter
    "19110998"
)
ADDRESS = st.integers(0, 0xFFF7)


def bitwise_check(octets):
    """The CRC of IEEE 802.15.4-2006 7.2.1.9, one bit at a time, the low bit first."""
    remainder = 0
    for octet in octets:
        for bit in range(8):
            feedback = (remainder ^ octet >> bit) & 1
            remainder = remainder >> 1 ^ (0x8408 if feedback else 0)
    return remainder.to_bytes(2, "little")


def test_the_check_sequence_is_crc_16_kermit():
    # The published check value of the algorithm over "123456789" is 2189.
    assert frame_check_sequence(b"123456789").hex() == "8921"


@given(st.binary(max_size=125))
def test_the_check_sequence_is_that_of_the_standard(octets):
    assert frame_check_sequence(octets) == bitwise_check(octets)


def test_golden_both_ways():
    unchecked = bytes.fromhex(UNCHECKED)
    octets = unchecked + bitwise_check(unchecked)
    assert encode_radio_frame(FRAME).hex() == octets.hex()
    assert decode_radio_frame(octets) == FRAME
    assert len(octets) == 27 + len(REFUSED)


@given(
    st.builds(
        RadioFrame,
        pan_id=U16,
        source=ADDRESS,
        destination=ADDRESS,
        mac_sequence=U8,
        nwk_sequence=U8,
        aps_counter=U8,
        cluster_id=U16,
        payload=st.binary(max_size=100),
        source_endpoint=U8,
        destination_endpoint=U8,
        radius=U8,
    )
)
def test_any_frame_comes_back(frame):
    assert decode_radio_frame(encode_radio_frame(frame)) == frame


@given(st.binary(max_size=200))
def test_any_octets_give_a_frame_or_a_fault(octets):
    roundtrip_or_fault(octets)
    roundtrip_or_fault(octets + frame_check_sequence(octets))


@given(st.binary(max_size=25), st.binary(max_size=102))
def test_any_headers_with_a_right_check_sequence_give_a_frame_or_a_fault(start, payload):
    octets = start + bytes.fromhex(UNCHECKED)[len(start) : 25] + payload
    roundtrip_or_fault(octets + frame_check_sequence(octets))


def roundtrip_or_fault(octets):
    match decode_or_fault(octets):
        case RemoteError(code=code):
            assert isinstance(code, RadioFault)
        case frame:
            assert encode_radio_frame(frame) == octets


def decode_or_fault(octets):
    try:
        return decode_radio_frame(octets)
    except RemoteError as fault:
        return fault


def test_every_damage_is_seen():
    octets = encode_radio_frame(FRAME)
    for length in range(len(octets)):
        with pytest.raises(RemoteError):
            decode_radio_frame(octets[:length])
    # A CRC without final inversion cannot see a zero behind the frame; the PHY counts the octets.
    for extra in range(1, 256):
        with pytest.raises(RemoteError):
            decode_radio_frame(octets + bytes([extra]))
    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RemoteError) as refused:
            decode_radio_frame(bytes(flipped))
        assert refused.value.code is RadioFault.CHECK_SEQUENCE


@pytest.mark.parametrize(
    ("at", "octet", "fault"),
    [
        (0, 0x41, RadioFault.UNSUPPORTED),  # without acknowledgement
        (0, 0x69, RadioFault.UNSUPPORTED),  # MAC security
        (1, 0x8C, RadioFault.UNSUPPORTED),  # long destination address
        (10, 0x02, RadioFault.UNSUPPORTED),  # NWK security
        (17, 0x20, RadioFault.UNSUPPORTED),  # APS security
        (21, 0x04, RadioFault.UNSUPPORTED),  # profile 0104
        (5, 0x5B, RadioFault.ADDRESS),  # MAC destination is another than NWK destination
        (7, 0x01, RadioFault.ADDRESS),  # MAC source is another than NWK source
    ],
)
def test_what_this_radio_does_not_speak_is_refused(at, octet, fault):
    octets = bytearray(bytes.fromhex(UNCHECKED))
    octets[at] = octet
    with pytest.raises(RemoteError) as refused:
        decode_radio_frame(octets + frame_check_sequence(octets))
    assert refused.value.code is fault


def test_broadcast_is_refused_both_ways():
    octets = bytes.fromhex(UNCHECKED.replace("5a5a", "ffff"))
    with pytest.raises(RemoteError) as refused:
        decode_radio_frame(octets + frame_check_sequence(octets))
    assert refused.value.code is RadioFault.ADDRESS
    with pytest.raises(LocalError, match="FFF8"):
        encode_radio_frame(replace(FRAME, destination=0xFFF8))


@pytest.mark.parametrize(
    "change",
    [
        {"payload": bytes(101)},
        {"pan_id": 0x10000},
        {"source": 0xFFFF},
        {"destination": -1},
        {"mac_sequence": 256},
        {"radius": -1},
    ],
)
def test_what_has_no_frame_is_a_local_error(change):
    with pytest.raises(LocalError):
        encode_radio_frame(replace(FRAME, **change))


def test_the_longest_frame_has_127_octets():
    octets = encode_radio_frame(replace(FRAME, payload=bytes(100)))
    assert len(octets) == 127
    assert decode_radio_frame(octets).payload == bytes(100)
    with pytest.raises(RemoteError) as refused:
        decode_radio_frame(octets + bytes(1))
    assert refused.value.code is RadioFault.LENGTH


def test_blocks_and_chunks_leave_room_for_security():
    # NWK and APS security with extended nonce leave 65 octets of ZCL.
    block = ota.ImageBlockResponse(0, 0, 0, 0, 0, bytes(BLOCK_SIZE_OCTETS))
    chunk = tunnel.MessageChunk(
        0, tunnel.Direction.TO_CLIENT, 0, 0, 0, 0, 1, bytes(TUNNEL_CHUNK_OCTETS)
    )
    assert len(ota_codec.encode(block)) == 65
    assert len(tunnel.encode(chunk)) <= 65
