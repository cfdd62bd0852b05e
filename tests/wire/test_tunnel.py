"""GBCS messages in a tunnel: golden octets, every fault, and a radio that loses and reorders."""

import random
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.wire.zcl_messages import U8, U16, U32

from hanota.errors import LocalError, RemoteError
from hanota.limits import TUNNEL_CHUNK_OCTETS, TUNNEL_MESSAGE_OCTETS_MAX
from hanota.wire.codes import ZclStatus
from hanota.wire.tunnel import (
    MessageChunk,
    MessageReceipt,
    Reassembly,
    decode,
    encode,
    receipt,
    split,
)
from hanota.wire.zcl import Direction

# The CRC-32 of "123456789" is the published check value of the algorithm: CBF43926.
CHECK = 0xCBF43926

GOLDEN = [
    (
        MessageChunk(0x21, Direction.TO_SERVER, 3, 0x0107, CHECK, 0, 1, b"123456789"),
        "11 21 02 | 0300 | 81 0701 2639f4cb 00 01 313233343536373839",
    ),
    (
        MessageChunk(0x22, Direction.TO_CLIENT, 0xFFFE, 1, 0x01020304, 0, 35, bytes(range(44))),
        f"19 22 01 | feff | 81 0100 04030201 00 23 {bytes(range(44)).hex()}",
    ),
    (
        MessageReceipt(0x23, Direction.TO_CLIENT, 3, 0x0107, CHECK),
        "19 23 01 | 0300 | 82 0701 2639f4cb",
    ),
    (
        MessageReceipt(0x24, Direction.TO_SERVER, 3, 0x0107, CHECK),
        "11 24 02 | 0300 | 82 0701 2639f4cb",
    ),
]
FRAMES = [bytes.fromhex(written.replace("|", "")) for _, written in GOLDEN]


def cut(message, number=7, **changes):
    fields = {"number": number, "tunnel_id": 3, "direction": Direction.TO_SERVER, "tsn": 0}
    return split(message, **{**fields, **changes})


@pytest.mark.parametrize(("message", "written"), GOLDEN)
def test_golden_both_ways(message, written):
    frame = bytes.fromhex(written.replace("|", ""))
    assert encode(message).hex() == frame.hex()
    assert decode(frame) == message


@pytest.mark.parametrize("frame", FRAMES, ids=["chunk", "full-chunk", "receipt", "receipt-back"])
def test_every_damage_gives_another_message_or_a_fault(frame):
    message = decode(frame)
    damaged = [frame[:length] for length in range(len(frame))] + [frame + b"\x00"]
    for bit in range(len(frame) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    for octets in damaged:
        assert roundtrip_or_fault(octets) != message


@given(st.binary(max_size=80))
def test_any_octets_give_a_message_or_a_fault(octets):
    roundtrip_or_fault(octets)


@given(st.sampled_from([bytes.fromhex("110702"), bytes.fromhex("190701")]), st.binary(max_size=80))
def test_any_payload_of_transfer_data_gives_a_message_or_a_fault(header, payload):
    roundtrip_or_fault(header + payload)
    roundtrip_or_fault(header + b"\x03\x00\x81" + payload)


def roundtrip_or_fault(octets):
    result = decode_or_fault(octets)
    match result:
        case RemoteError(code=code):
            assert isinstance(code, ZclStatus)
        case message:
            assert encode(message) == octets
    return result


def decode_or_fault(octets):
    try:
        return decode(octets)
    except RemoteError as fault:
        return fault


@given(U8, st.sampled_from(Direction), U16, U16, U32)
def test_any_receipt_comes_back(tsn, direction, tunnel_id, number, check):
    message = MessageReceipt(tsn, direction, tunnel_id, number, check)
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("1121", ZclStatus.MALFORMED_COMMAND),
        ("1121020300", ZclStatus.MALFORMED_COMMAND),
        ("112102030081", ZclStatus.MALFORMED_COMMAND),
        ("112102030081070126393cbf0001", ZclStatus.MALFORMED_COMMAND),  # a chunk of no octets
        ("1121020300820701", ZclStatus.MALFORMED_COMMAND),
        ("1121000300", ZclStatus.UNSUP_CLUSTER_COMMAND),  # RequestTunnel
        ("1121010300", ZclStatus.UNSUP_CLUSTER_COMMAND),  # the command id of the other direction
        ("0121020300", ZclStatus.UNSUP_CLUSTER_COMMAND),  # asks for a Default Response
        ("112102030003" + "00" * 8, ZclStatus.INVALID_FIELD),  # PUT of GBCS itself
    ],
)
def test_the_fault_says_what_is_wrong(frame, code):
    with pytest.raises(RemoteError) as refused:
        decode(bytes.fromhex(frame))
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("index", "count", "octets"),
    [
        (0, 0, 1),
        (1, 1, 1),
        (0, 2, 43),  # not the last, and not full
        (35, 36, 4),
        (34, 35, 5),  # 1,501 octets in all
    ],
)
def test_a_chunk_that_has_no_place_in_a_message_is_refused(index, count, octets):
    frame = encode(MessageChunk(1, Direction.TO_SERVER, 3, 1, 2, index, count, bytes(octets)))
    with pytest.raises(RemoteError) as refused:
        decode(frame)
    assert refused.value.code is ZclStatus.INVALID_FIELD


@pytest.mark.parametrize(
    "message",
    [
        MessageChunk(256, Direction.TO_SERVER, 3, 1, 2, 0, 1, b"x"),
        MessageChunk(1, Direction.TO_SERVER, 3, 0x10000, 2, 0, 1, b"x"),
        MessageReceipt(1, Direction.TO_CLIENT, -1, 1, 2),
    ],
)
def test_what_has_no_frame_is_a_local_error(message):
    with pytest.raises(LocalError):
        encode(message)


@pytest.mark.parametrize("length", [0, TUNNEL_MESSAGE_OCTETS_MAX + 1])
def test_a_message_of_another_length_is_not_split(length):
    with pytest.raises(LocalError, match="1 to 1500"):
        cut(bytes(length))


@pytest.mark.parametrize(
    ("length", "chunks"), [(1, 1), (44, 1), (45, 2), (88, 2), (89, 3), (1499, 35), (1500, 35)]
)
def test_chunks_are_full_but_the_last(length, chunks):
    message = bytes(octet % 251 for octet in range(length))
    pieces = cut(message, tsn=250)
    assert [piece.index for piece in pieces] == list(range(chunks))
    assert [piece.tsn for piece in pieces] == [(250 + index) % 256 for index in range(chunks)]
    assert {len(piece.data) for piece in pieces[:-1]} <= {TUNNEL_CHUNK_OCTETS}
    assert b"".join(piece.data for piece in pieces) == message
    assert {piece.identity for piece in pieces} == {(7, crc32(message))}
    assert [decode(encode(piece)) for piece in pieces] == pieces


@given(st.binary(min_size=1, max_size=TUNNEL_MESSAGE_OCTETS_MAX), st.randoms())
def test_a_message_comes_whole_with_its_last_missing_chunk(message, chance):
    chunks = cut(message)
    arrivals = chunks + chance.choices(chunks, k=chance.randrange(10))
    chance.shuffle(arrivals)
    reassembly, missing = Reassembly(), set(range(len(chunks)))
    for chunk in arrivals:
        reassembly, whole = reassembly.receive(chunk)
        missing.discard(chunk.index)
        assert (whole is not None) == (not missing)
        if whole is not None:
            assert whole == message
            assert reassembly == Reassembly()
            missing = set(range(len(chunks)))


@given(
    st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=3),
    st.booleans(),
    st.randoms(),
)
def test_messages_are_never_mixed(messages, one_number, chance):
    # Also where a sender lost its count in a power cut and used a number again.
    chunks = [
        chunk
        for number, message in enumerate(messages)
        for chunk in cut(message, number=0 if one_number else number)
    ]
    reassembly = Reassembly()
    for chunk in chance.choices(chunks, k=60):
        reassembly, whole = reassembly.receive(chunk)
        assert whole is None or whole in messages
        assert len(reassembly.chunks) < chunk.count


def test_a_radio_that_loses_half_is_outlived_by_repetition():
    chance = random.Random(1)
    message = bytes(range(256)) * 2
    chunks = cut(message)
    reassembly, tries = Reassembly(), 0
    whole = None
    while whole is None:
        tries += 1
        for chunk in (chunk for chunk in chunks if chance.random() < 0.5):
            reassembly, done = reassembly.receive(chunk)
            whole = whole or done
    assert whole == message
    assert 1 < tries < 20


def test_a_new_message_replaces_an_unfinished_one():
    old, new = cut(bytes(100), number=1), cut(b"\x01" * 100, number=2)
    reassembly = Reassembly()
    for chunk in (*old[:2], *new[:2]):
        reassembly, whole = reassembly.receive(chunk)
        assert whole is None
    assert reassembly.chunks == tuple(new[:2])
    assert reassembly.receive(new[2]) == (Reassembly(), b"\x01" * 100)


def test_a_message_that_is_not_the_one_announced_is_forgotten():
    first, second = cut(b"announced" * 9)
    forged = replace(first, data=bytes(44))
    reassembly, _ = Reassembly().receive(forged)
    assert reassembly.receive(second) == (Reassembly(), None)
    # The repetition is not hindered by what was forged.
    reassembly, _ = Reassembly().receive(first)
    assert reassembly.receive(second) == (Reassembly(), b"announced" * 9)


def test_chunks_that_contradict_each_other_stay_bounded_and_are_forgotten():
    full = MessageChunk(0, Direction.TO_SERVER, 3, 1, 0xDEADBEEF, 0, 35, bytes(44))
    reassembly = Reassembly()
    for index in range(34):
        reassembly, whole = reassembly.receive(replace(full, index=index))
        assert whole is None
    assert sum(len(chunk.data) for chunk in reassembly.chunks) <= TUNNEL_MESSAGE_OCTETS_MAX
    last = replace(full, index=34, count=35, data=bytes(4))
    assert reassembly.receive(last) == (Reassembly(), None)


def test_the_receipt_names_the_message_and_goes_back():
    for chunk in cut(b"x" * 100, direction=Direction.TO_CLIENT):
        answer = receipt(chunk, tsn=9)
        assert answer == MessageReceipt(9, Direction.TO_SERVER, 3, 7, crc32(b"x" * 100))
        assert answer.identity == chunk.identity
