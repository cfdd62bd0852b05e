"""NWK and APS security: CCM* by its definition, published vectors, every damage, tshark."""

import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.vectors import require_tool
from tests.wire.zcl_messages import U8, U16

from hanota.errors import LocalError, RemoteError
from hanota.limits import BLOCK_SIZE_OCTETS, TUNNEL_CHUNK_OCTETS
from hanota.wire import ota, ota_codec, tunnel
from hanota.wire.codes import RadioFault
from hanota.wire.pcap import pcap_header, pcap_record
from hanota.wire.radio import (
    RadioFrame,
    decode_radio_frame,
    encode_radio_frame,
    frame_check_sequence,
)
from hanota.wire.radio_security import (
    SecuredFrame,
    decode_secured_frame,
    encode_secured_frame,
)

NETWORK_KEY = bytes(range(0x10, 0x20))
LINK_KEY = bytes(range(0xC0, 0xD0))
SENDER = 0x00DB1234567890A2
ZCL = bytes.fromhex("19110998")
FRAME = RadioFrame(0x1A2B, 0x0000, 0x5A5A, 0x10, 0x20, 0x30, 0x0019, ZCL)
SECURED = SecuredFrame(FRAME, SENDER, 0x01020304, 0x0A0B0C0D, 7)
OVERHEAD = 62

ADDRESS = st.integers(0, 0xFFF7)
COUNTER = st.integers(0, 0xFFFF_FFFE)
SECURED_FRAMES = st.builds(
    SecuredFrame,
    frame=st.builds(
        RadioFrame,
        pan_id=U16,
        source=ADDRESS,
        destination=ADDRESS,
        mac_sequence=U8,
        nwk_sequence=U8,
        aps_counter=U8,
        cluster_id=U16,
        payload=st.binary(max_size=65),
        source_endpoint=U8,
        destination_endpoint=U8,
        radius=U8,
    ),
    source_eui=st.integers(0, 2**64 - 1),
    nwk_counter=COUNTER,
    aps_counter=COUNTER,
    network_key_number=U8,
)


def with_sender(eui):
    return LINK_KEY if eui == SENDER else None


def encode(secured=SECURED):
    return encode_secured_frame(secured, NETWORK_KEY, LINK_KEY)


def decode(octets, network_key=NETWORK_KEY, link_key_of=with_sender):
    return decode_secured_frame(octets, network_key, link_key_of)


def fault_of(octets, **keys):
    with pytest.raises(RemoteError) as refused:
        decode(octets, **keys)
    return refused.value.code


# --- CCM* by its definition: ZigBee specification annex A ---


def ccm_star(key, nonce, additional, message, mic_octets):
    """CBC-MAC over length, additional data and message, then counter mode over both."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update

    def padded(octets):
        return octets + bytes(-len(octets) % 16)

    flags = 0x40 * bool(additional) | (mic_octets - 2) // 2 << 3 | 1
    mic = block(bytes([flags]) + nonce + len(message).to_bytes(2, "big"))
    stated = padded(len(additional).to_bytes(2, "big") + additional) + padded(message)
    for start in range(0, len(stated), 16):
        mic = block(bytes(a ^ b for a, b in zip(mic, stated[start : start + 16], strict=True)))
    counters = range(len(message) // 16 + 2)
    first, *stream = (block(b"\x01" + nonce + number.to_bytes(2, "big")) for number in counters)
    sealed = bytes(a ^ b for a, b in zip(message, b"".join(stream), strict=False))
    return sealed + bytes(a ^ b for a, b in zip(mic, first, strict=True))[:mic_octets]


# IEEE 802.15.4-2006 annex C.2.1 and C.2.3, and ZigBee specification annex C: all under one key.
PUBLISHED = [
    (
        "ACDE480000000001 00000005 02",
        "08D0 84 2143 0100000000 48DEAC 02 05000000 55CF 0000 51525354",
        "",
        "223BC1EC841AB553",
    ),
    (
        "ACDE480000000001 00000005 06",
        "2BDC 84 2143 0200000000 48DEAC FFFF 0100000000 48DEAC 06 05000000 01",
        "CE",
        "D84FDE529061F9C6F1",
    ),
    (
        "A0A1A2A3A4A5A6A7 03020100 06",
        "0001020304050607",
        "08090A0B0C0D0E0F101112131415161718191A1B1C1D1E",
        "1A55A36ABB6C610D066B3375649CEF10D4664ECAD854A80A895CC1D8FF9469",
    ),
]


@pytest.mark.parametrize(("nonce", "additional", "message", "sealed"), PUBLISHED)
def test_the_definition_gives_the_published_vectors(nonce, additional, message, sealed):
    nonce, additional, message = map(bytes.fromhex, (nonce, additional, message))
    assert ccm_star(LINK_KEY, nonce, additional, message, 8) == bytes.fromhex(sealed)


def by_hand(secured):
    """A secured frame, written down layer by layer."""
    frame = secured.frame
    sender = secured.source_eui.to_bytes(8, "little")
    nwk_counter = secured.nwk_counter.to_bytes(4, "little")
    aps_counter = secured.aps_counter.to_bytes(4, "little")
    plain = encode_radio_frame(replace(frame, payload=b""))
    mac, nwk, aps = plain[:9], bytearray(plain[9:17]), bytearray(plain[17:25])
    nwk[1] |= 0x02  # the security bits of the two frame controls
    aps[0] |= 0x20
    header = bytes(aps) + b"\x25" + aps_counter + sender
    sealed = ccm_star(LINK_KEY, sender + aps_counter + b"\x25", header, frame.payload, 4)
    inner = bytes(aps) + b"\x20" + aps_counter + sender + sealed
    number = bytes([secured.network_key_number])
    header = bytes(nwk) + b"\x2d" + nwk_counter + sender + number
    sealed = ccm_star(NETWORK_KEY, sender + nwk_counter + b"\x2d", header, inner, 4)
    octets = mac + bytes(nwk) + b"\x28" + nwk_counter + sender + number + sealed
    return octets + frame_check_sequence(octets)


def test_golden_both_ways():
    octets = by_hand(SECURED)
    assert octets[:31].hex(" ", -1) == (
        "61 88 10 2b 1a 5a 5a 00 00 "  # MAC
        "08 02 5a 5a 00 00 1e 20 "  # NWK
        "28 04 03 02 01 a2 90 78 56 34 12 db 00 07"  # level 0 on air, network key, extended nonce
    )
    assert encode() == octets
    assert decode(octets) == SECURED


@given(SECURED_FRAMES)
def test_any_frame_is_the_one_written_by_hand_and_comes_back(secured):
    octets = encode(secured)
    assert octets == by_hand(secured)
    assert decode(octets, link_key_of=lambda _eui: LINK_KEY) == secured


# --- Room ---


def test_blocks_and_chunks_fit():
    block = ota.ImageBlockResponse(0, 0, 0, 0, 0, bytes(BLOCK_SIZE_OCTETS))
    chunk = tunnel.MessageChunk(
        0, tunnel.Direction.TO_CLIENT, 0, 0, 0, 0, 1, bytes(TUNNEL_CHUNK_OCTETS)
    )
    for payload in (ota_codec.encode(block), tunnel.encode(chunk)):
        octets = encode(replace(SECURED, frame=replace(FRAME, payload=payload)))
        assert len(octets) == OVERHEAD + len(payload) <= 127
    with pytest.raises(LocalError, match="a radio frame of 128 octets exceeds 127"):
        encode(replace(SECURED, frame=replace(FRAME, payload=bytes(66))))


# --- Damage ---


def rechecked(octets):
    return octets[:-2] + frame_check_sequence(octets[:-2])


def test_every_damage_is_seen():
    octets = encode()
    for length in range(len(octets)):
        assert isinstance(fault_of(octets[:length]), RadioFault)
        if length > 2:
            assert isinstance(fault_of(rechecked(octets[:length])), RadioFault)
    for extra in range(256):
        assert isinstance(fault_of(rechecked(octets + bytes([extra]))), RadioFault)


def test_every_bit_counts_but_those_of_the_mac():
    octets = encode()
    for bit in range((len(octets) - 2) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert fault_of(bytes(flipped)) is RadioFault.CHECK_SEQUENCE
        flipped = rechecked(bytes(flipped))
        if bit // 8 in (2, 3, 4):  # MAC sequence number and PAN
            assert decode(flipped) != SECURED
        else:
            assert isinstance(fault_of(flipped), RadioFault)


def test_keys_of_others_do_not_open_it():
    octets = encode()
    assert fault_of(octets, network_key=LINK_KEY) is RadioFault.SECURITY
    assert fault_of(octets, link_key_of=lambda _eui: NETWORK_KEY) is RadioFault.SECURITY
    assert fault_of(octets, link_key_of=lambda _eui: None) is RadioFault.SECURITY


def test_plain_and_secured_frames_are_told_apart():
    plain = encode_radio_frame(replace(FRAME, payload=bytes(60)))
    assert fault_of(plain) is RadioFault.UNSUPPORTED
    with pytest.raises(RemoteError) as refused:
        decode_radio_frame(encode())
    assert refused.value.code is RadioFault.UNSUPPORTED


@pytest.mark.parametrize("control", [0x08, 0x20, 0x2D, 0x68])
def test_another_security_header_is_refused(control):
    octets = bytearray(encode())
    octets[17] = control
    assert fault_of(rechecked(bytes(octets))) is RadioFault.UNSUPPORTED


def sealed_by_hand(inner):
    """A frame under the right network key around any octets."""
    sender, counter = SENDER.to_bytes(8, "little"), bytes(4)
    plain = encode_radio_frame(replace(FRAME, payload=b""))
    nwk = bytearray(plain[9:17])
    nwk[1] |= 0x02
    header = bytes(nwk) + b"\x2d" + counter + sender + b"\x00"
    sealed = ccm_star(NETWORK_KEY, sender + counter + b"\x2d", header, inner, 4)
    octets = plain[:9] + bytes(nwk) + b"\x28" + counter + sender + b"\x00" + sealed
    return octets + frame_check_sequence(octets)


@given(st.binary(min_size=25, max_size=90))
def test_any_octets_under_the_network_key_give_a_fault(inner):
    assert isinstance(fault_of(sealed_by_hand(inner)), RadioFault)


@pytest.mark.parametrize(
    ("start", "sender", "fault"),
    [
        ("20", SENDER ^ 1, RadioFault.ADDRESS),  # another sender in the APS layer
        ("28", SENDER, RadioFault.UNSUPPORTED),  # secured with the network key alone
        ("00", SENDER, RadioFault.UNSUPPORTED),  # short nonce
        ("20", SENDER, RadioFault.SECURITY),  # no MIC of ours
    ],
)
def test_what_the_aps_layer_does_not_speak_is_refused(start, sender, fault):
    aps = bytes.fromhex("20 01 1900 0901 01 30") + bytes.fromhex(start)
    inner = aps + bytes(4) + sender.to_bytes(8, "little") + bytes(8)
    assert fault_of(sealed_by_hand(inner)) is fault


def test_the_last_frame_counter_is_never_sent_nor_taken():
    for change in ({"nwk_counter": 0xFFFF_FFFF}, {"aps_counter": 0xFFFF_FFFF}):
        secured = replace(SECURED, **change)
        with pytest.raises(LocalError, match="frame counter of a key is used up"):
            encode(secured)
        assert fault_of(by_hand(secured)) is RadioFault.SECURITY


@given(st.binary(max_size=140))
def test_any_octets_give_a_fault(octets):
    assert isinstance(fault_of(octets), RadioFault)
    assert isinstance(fault_of(octets + frame_check_sequence(octets)), RadioFault)


@pytest.mark.parametrize(
    "change",
    [
        {"source_eui": 2**64},
        {"source_eui": -1},
        {"nwk_counter": 2**32},
        {"aps_counter": -1},
        {"network_key_number": 256},
        {"frame": replace(FRAME, source=0xFFFF)},
        {"frame": replace(FRAME, pan_id=0x10000)},
    ],
)
def test_what_has_no_frame_is_a_local_error(change):
    with pytest.raises(LocalError):
        encode(replace(SECURED, **change))


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_key_has_16_octets(length):
    with pytest.raises(LocalError, match=f"has 16 octets, not {length}"):
        encode_secured_frame(SECURED, bytes(length), LINK_KEY)
    with pytest.raises(LocalError, match=f"has 16 octets, not {length}"):
        encode_secured_frame(SECURED, NETWORK_KEY, bytes(length))
    with pytest.raises(LocalError, match=f"has 16 octets, not {length}"):
        decode(encode(), link_key_of=lambda _eui: bytes(length))


# --- tshark ---

FIELDS = (
    "_ws.malformed", "_ws.expert.message", "zbee.sec.counter", "zbee.sec.src64", "zbee.sec.key",
    "zbee.sec.key_seqno", "zbee_zcl.cmd.tsn", "zbee_zcl_general.ota.status",
)  # fmt: skip


def told_by_tshark(tmp_path, *keys):
    path = tmp_path / "frame.pcap"
    # Query Next Image Response: NO_IMAGE_AVAILABLE.
    secured = replace(SECURED, frame=replace(FRAME, payload=bytes.fromhex("19110298")))
    path.write_bytes(pcap_header() + pcap_record(0, encode(secured)))
    options = [f'uat:zigbee_pc_keys:"{key.hex()}","Normal",""' for key in keys]
    command = [require_tool("tshark"), "-r", path, "-T", "fields", "-E", "separator=;"]
    command += [word for option in options for word in ("-o", option)]
    command += [word for field in FIELDS for word in ("-e", field)]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip("\n")
    return dict(zip(FIELDS, line.split(";"), strict=True))


@pytest.mark.oracle
def test_tshark_opens_it_with_both_keys(tmp_path):
    sender = "00:db:12:34:56:78:90:a2"
    assert told_by_tshark(tmp_path, NETWORK_KEY, LINK_KEY) == {
        "_ws.malformed": "",
        "_ws.expert.message": "",
        "zbee.sec.counter": f"{0x01020304},{0x0A0B0C0D}",
        "zbee.sec.src64": f"{sender},{sender}",
        "zbee.sec.key": ",".join(key.hex() for key in (NETWORK_KEY, LINK_KEY)),
        "zbee.sec.key_seqno": "7",
        "zbee_zcl.cmd.tsn": "17",
        "zbee_zcl_general.ota.status": "0x98",
    }


@pytest.mark.oracle
def test_tshark_does_not_open_it_without_the_link_key(tmp_path):
    told = told_by_tshark(tmp_path, NETWORK_KEY)
    assert told["zbee.sec.key"] == NETWORK_KEY.hex()
    assert told["zbee_zcl_general.ota.status"] == ""
