"""DER of the GBCS contents: golden octets, an independent codec, every fault of length and bit."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat import asn1
from hypothesis import example, given
from hypothesis import strategies as st

from hanota.errors import LocalError, RemoteError
from hanota.wire import der
from hanota.wire.codes import GbcsFault

FLAT = (der.INTEGER, der.GENERALIZED_TIME, der.OCTET_STRING)
NESTED = (der.INTEGER, (der.INTEGER, der.OCTET_STRING))

# Form, how many of its last elements may be absent, values, octets.
GOLDEN = [
    ((der.INTEGER,), 0, [0], "30 03 020100"),
    ((der.INTEGER,), 0, [0x7F], "30 03 02017F"),
    ((der.INTEGER,), 0, [0x80], "30 04 02020080"),
    ((der.INTEGER,), 0, [0x8F66], "30 05 0203008F66"),
    ((der.INTEGER,), 0, [(1 << 63) - 1], "30 0A 02087FFFFFFFFFFFFFFF"),
    ((der.INTEGER,), 0, [(1 << 64) - 1], "30 0B 020900FFFFFFFFFFFFFFFF"),
    ((der.OCTET_STRING,), 0, [b""], "30 02 0400"),
    ((der.OCTET_STRING,), 0, [bytes(127)], "30 81 81 04 7F" + "00" * 127),
    ((der.OCTET_STRING,), 0, [bytes(128)], "30 81 83 04 81 80" + "00" * 128),
    ((der.OCTET_STRING,), 0, [bytes(255)], "30 82 0102 04 81 FF" + "00" * 255),
    ((der.OCTET_STRING,), 0, [bytes(256)], "30 82 0104 04 82 0100" + "00" * 256),
    ((der.GENERALIZED_TIME,), 0, [0], "30 11 180F" + b"19700101000000Z".hex()),
    (
        (der.GENERALIZED_TIME,),
        0,
        [253_402_300_799_000],
        "30 11 180F" + b"99991231235959Z".hex(),
    ),
    (
        (der.GENERALIZED_TIME,),
        0,
        [-62_135_596_800_000],
        "30 11 180F" + b"00010101000000Z".hex(),
    ),
    ((der.INTEGER, der.GENERALIZED_TIME), 1, [1, None], "30 03 020101"),
    ((der.INTEGER, der.GENERALIZED_TIME), 2, [None, None], "30 00"),
    (
        (der.INTEGER, der.GENERALIZED_TIME),
        1,
        [1, 951_782_400_000],
        "30 14 020101 180F" + b"20000229000000Z".hex(),
    ),
    (NESTED, 0, [2, [3, b"\x04"]], "30 0B 020102 3006 020103 040104"),
]


@pytest.mark.parametrize(("form", "optional", "values", "octets"), GOLDEN)
def test_golden_both_ways(form, optional, values, octets):
    assert der.encode_sequence(tuple(values), form) == bytes.fromhex(octets)
    assert der.decode_sequence(bytes.fromhex(octets), form, optional) == values


@pytest.mark.parametrize(("form", "optional", "values", "octets"), GOLDEN)
def test_every_truncation_and_octet_too_many_is_refused(form, optional, values, octets):
    whole = bytes.fromhex(octets)
    for length in range(len(whole)):
        with pytest.raises(RemoteError):
            der.decode_sequence(whole[:length], form, optional)
    with pytest.raises(RemoteError) as refusal:
        der.decode_sequence(whole + b"\0", form, optional)
    assert refusal.value.code is GbcsFault.TRAILING


@pytest.mark.parametrize(("form", "optional", "values", "octets"), GOLDEN)
def test_every_bit_flip_is_refused_or_says_something_else(form, optional, values, octets):
    whole = bytes.fromhex(octets)
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        decoded = values_or_none(bytes(flipped), form, optional)
        if decoded is not None:
            assert decoded != values
            assert der.encode_sequence(tuple(decoded), form) == flipped


MALFORMED = [
    ("wrong outer tag", (der.INTEGER,), "31 03 020101", GbcsFault.MALFORMED),
    ("wrong inner tag", (der.INTEGER,), "30 03 0A0101", GbcsFault.MALFORMED),
    ("constructed octet string", (der.OCTET_STRING,), "30 05 24030401AA", GbcsFault.MALFORMED),
    ("indefinite length", (der.INTEGER,), "30 80 020101 0000", GbcsFault.MALFORMED),
    ("length of three octets", (der.OCTET_STRING,), "30 83 000003 020101", GbcsFault.MALFORMED),
    ("outer length not minimal", (der.INTEGER,), "30 8103 020101", GbcsFault.MALFORMED),
    ("length 81 not minimal", (der.OCTET_STRING,), "30 04 048101AA", GbcsFault.MALFORMED),
    ("length 82 not minimal", (der.OCTET_STRING,), "30 05 04820001AA", GbcsFault.MALFORMED),
    (
        "length 82 for 255 octets",
        (der.OCTET_STRING,),
        "30 82 0103 04 8200FF" + "00" * 255,
        GbcsFault.MALFORMED,
    ),
    ("integer without octets", (der.INTEGER,), "30 02 0200", GbcsFault.MALFORMED),
    ("integer with 00 too many", (der.INTEGER,), "30 04 02020001", GbcsFault.MALFORMED),
    ("integer negative", (der.INTEGER,), "30 03 0201FF", GbcsFault.MALFORMED),
    ("integer of 65 bits", (der.INTEGER,), "30 0B 0209010000000000000000", GbcsFault.MALFORMED),
    ("element missing", (der.INTEGER, der.INTEGER), "30 03 020101", GbcsFault.TRUNCATED),
    ("element too many", (der.INTEGER,), "30 06 020101 020101", GbcsFault.TRAILING),
    ("element beyond the sequence", (der.INTEGER,), "30 03 020201", GbcsFault.TRUNCATED),
    ("nested: missing", NESTED, "30 08 020102 3003 020103", GbcsFault.TRUNCATED),
    ("nested: too many", NESTED, "30 0C 020102 3007 020103 0400 0500", GbcsFault.TRAILING),
    ("nested: beyond", NESTED, "30 0B 020102 3007 020103 040104", GbcsFault.TRUNCATED),
    ("nothing", (der.INTEGER,), "", GbcsFault.TRUNCATED),
]


@pytest.mark.parametrize(
    ("form", "octets", "fault"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_malformed_is_refused_by_name(form, octets, fault):
    with pytest.raises(RemoteError) as refusal:
        der.decode_sequence(bytes.fromhex(octets), form)
    assert refusal.value.code is fault


@pytest.mark.parametrize(
    "text",
    [
        b"20150101000000",
        b"20150101000000z",
        b"20150101000000Z0",
        b"2015010100000Z",
        b"20150101000000.0Z",
        b"20150101000000+0000",
        b"2015010100000 Z",
        b"+2015010100000Z",
        b"2_150101000000Z",
        "\N{FULLWIDTH DIGIT TWO}01501010000Z".encode(),
        b"00000101000000Z",
        b"20150001000000Z",
        b"20151301000000Z",
        b"20150100000000Z",
        b"20150229000000Z",
        b"21000229000000Z",
        b"20150101240000Z",
        b"20150101006000Z",
        b"20150101000060Z",
    ],
)
def test_what_is_no_time_is_refused(text):
    octets = bytes((0x30, len(text) + 2, 0x18, len(text))) + text
    with pytest.raises(RemoteError) as refusal:
        der.decode_sequence(octets, (der.GENERALIZED_TIME,))
    assert refusal.value.code is GbcsFault.MALFORMED


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (der.INTEGER, -1),
        (der.INTEGER, 1 << 64),
        (der.GENERALIZED_TIME, 1),
        (der.GENERALIZED_TIME, 253_402_300_800_000),
        (der.GENERALIZED_TIME, -62_135_596_801_000),
        (der.GENERALIZED_TIME, 10**30),
        (der.OCTET_STRING, bytes(0x1_0000)),
    ],
)
def test_what_does_not_fit_is_a_local_error(element, value):
    with pytest.raises(LocalError):
        der.encode_sequence((value,), (element,))


@asn1.sequence
class Flat:
    number: int
    time: asn1.GeneralizedTime
    octets: bytes


@asn1.sequence
class Inner:
    number: int
    octets: bytes


@asn1.sequence
class Nested:
    number: int
    inner: Inner


numbers = st.integers(0, (1 << 64) - 1)
octet_strings = st.binary(max_size=300)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
seconds = st.integers(-62_135_596_800, 253_402_300_799)


@given(numbers, seconds, octet_strings)
@example(0x8F66, 253_402_300_799, b"")
def test_cryptography_writes_and_reads_the_same(number, second, octets):
    ours = der.encode_sequence((number, second * 1000, octets), FLAT)
    time = asn1.GeneralizedTime(EPOCH + timedelta(seconds=second))
    assert ours == asn1.encode_der(Flat(number=number, time=time, octets=octets))
    assert der.decode_sequence(ours, FLAT) == [number, second * 1000, octets]


@given(numbers, numbers, octet_strings)
def test_cryptography_nests_the_same(outer, inner, octets):
    ours = der.encode_sequence((outer, (inner, octets)), NESTED)
    theirs = Nested(number=outer, inner=Inner(number=inner, octets=octets))
    assert ours == asn1.encode_der(theirs)
    assert der.decode_sequence(ours, NESTED) == [outer, [inner, octets]]


@given(st.binary(max_size=40))
@example(bytes.fromhex("300B 020102 3006 020103 040104"))
def test_any_octets_are_refused_or_read_as_cryptography_reads_them(octets):
    ours = values_or_none(octets, NESTED)
    if ours is None:
        return
    theirs = asn1.decode_der(Nested, octets)
    assert ours == [theirs.number, [theirs.inner.number, theirs.inner.octets]]


@given(st.binary(max_size=60), st.sampled_from([FLAT, NESTED, (der.GENERALIZED_TIME,)]))
def test_any_octets_give_values_or_a_remote_error(octets, form):
    # The outer header is made right, so that the search reaches the elements.
    framed = b"\x30" + bytes((len(octets),)) + octets
    values = values_or_none(framed, form)
    if values is not None:
        assert der.encode_sequence(tuple(values), form) == framed


def values_or_none(octets, form, optional=0):
    try:
        return der.decode_sequence(octets, form, optional)
    except RemoteError:
        return None
