"""GBCS messages as octets: golden ones, every nesting, every fault, any octets, any message."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.wire.gbcs_messages import DATE_TIME, messages

from hanota.errors import LocalError, RemoteError
from hanota.limits import GBCS_OCTETS_MAX
from hanota.wire.codes import GbcsFault
from hanota.wire.gbcs.message import (
    Cra,
    GbcsMessage,
    decode,
    encode,
    mac_input,
    signed_octets,
)

COUNTER = "0102030405060708"
ORIGINATOR = "1112131415161718"
TARGET = "2122232425262728"
SIGNATURE = bytes(range(0x80, 0xC0))
MAC = bytes(range(0xD0, 0xDC))
CERTIFICATE = bytes(range(256)) + bytes(150)

COMMAND = GbcsMessage(
    cra=Cra.COMMAND,
    counter=int(COUNTER, 16),
    originator=int(ORIGINATOR, 16),
    target=int(TARGET, 16),
    message_code=0x0012,
    content=b"\x05\x00",
    signature_octet=False,
)
HEAD = f"09 01 {COUNTER} 08 {ORIGINATOR} 08 {TARGET}"
PLAIN = f"{HEAD} 00 02 0012 02 0500"


def changed(**fields):
    return msgspec.structs.replace(COMMAND, **fields)


def supplementary(count, **fields):
    names = (
        "supplementary_party",
        "supplementary_counter",
        "supplementary_originator_counter",
    )
    numbers = {name: 0xA1 + index for index, name in enumerate(names[:count])}
    return changed(signature_octet=True, **numbers, **fields)


PARTY, PARTY_COUNTER, ORIGINATOR_COUNTER = (f"00000000000000{n}" for n in ("A1", "A2", "A3"))

GOLDEN = {
    "pre-command": (COMMAND, f"DF {PLAIN}"),
    "pre-command with 00": (changed(signature_octet=True), f"DF {PLAIN} 00"),
    "signed": (
        changed(signature=SIGNATURE, signature_octet=True),
        f"DF {PLAIN} 40 {SIGNATURE.hex()}",
    ),
    "MACed": (
        changed(signature_octet=True, mac=MAC),
        f"DD 000000000000 36 11 00000000 DF {PLAIN} 00 {MAC.hex()}",
    ),
    "signed and MACed": (
        changed(signature_octet=True, signature=SIGNATURE, mac=MAC),
        f"DD 000000000000 76 11 00000000 DF {PLAIN} 40 {SIGNATURE.hex()} {MAC.hex()}",
    ),
    "date-time": (
        changed(date_time=DATE_TIME),
        f"DF {HEAD} 0C {DATE_TIME.hex()} 02 0012 02 0500",
    ),
    "supplementary party": (
        supplementary(1),
        f"DF {HEAD} 00 0A 0012 {PARTY} 02 0500 00",
    ),
    "supplementary counter": (
        supplementary(2),
        f"DF {HEAD} 00 12 0012 {PARTY} {PARTY_COUNTER} 02 0500 00",
    ),
    "supplementary originator counter": (
        supplementary(3),
        f"DF {HEAD} 00 1A 0012 {PARTY} {PARTY_COUNTER} {ORIGINATOR_COUNTER} 02 0500 00",
    ),
    "supplementary certificate": (
        supplementary(2, supplementary_certificate=CERTIFICATE),
        f"DF {HEAD} 00 82 01A8 0012 {PARTY} {PARTY_COUNTER} {CERTIFICATE.hex()} 02 0500 00",
    ),
    "shortest certificate": (
        supplementary(2, supplementary_certificate=bytes(9)),
        f"DF {HEAD} 00 1B 0012 {PARTY} {PARTY_COUNTER} {'00' * 9} 02 0500 00",
    ),
    "no content": (changed(content=b""), f"DF {HEAD} 00 02 0012 00"),
    "content of 127": (changed(content=bytes(127)), f"DF {HEAD} 00 02 0012 7F {'00' * 127}"),
    "content of 128": (changed(content=bytes(128)), f"DF {HEAD} 00 02 0012 8180 {'00' * 128}"),
    "content of 255": (changed(content=bytes(255)), f"DF {HEAD} 00 02 0012 81FF {'00' * 255}"),
    "content of 256": (changed(content=bytes(256)), f"DF {HEAD} 00 02 0012 820100 {'00' * 256}"),
    "response": (
        changed(cra=Cra.RESPONSE, signature_octet=True),
        f"DF {PLAIN.replace('09 01', '09 02')} 00",
    ),
    "alert": (
        changed(cra=Cra.ALERT, signature_octet=True),
        f"DF {PLAIN.replace('09 01', '09 03')} 00",
    ),
}
golden = pytest.mark.parametrize(("message", "octets"), GOLDEN.values(), ids=GOLDEN)


@golden
def test_golden_both_ways(message, octets):
    assert encode(message).hex() == bytes.fromhex(octets).hex()
    assert decode(bytes.fromhex(octets)) == message


# A command cut right after its content is a pre-command, and cut after 00 a pre-command with 00:
# nothing in the octets says otherwise. What was due is for `use_cases.protection_due`.
@golden
def test_every_truncation_is_refused_or_a_pre_command(message, octets):
    whole = bytes.fromhex(octets)
    for length in range(len(whole)):
        cut = decode_or_none(whole[:length])
        if cut is not None:
            assert message.cra is Cra.COMMAND
            assert message.mac is None
            assert cut == msgspec.structs.replace(message, signature=None, signature_octet=False)


@golden
def test_an_octet_too_many_is_refused(message, octets):
    if message.signature_octet:
        for extra in (b"\0", b"\x40", b"\xff"):
            with pytest.raises(RemoteError) as refusal:
                decode(bytes.fromhex(octets) + extra)
            assert refusal.value.code is GbcsFault.TRAILING


@golden
def test_every_bit_flip_is_refused_or_another_message(message, octets):
    whole = bytes.fromhex(octets)
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        decoded = decode_or_none(bytes(flipped))
        if decoded is not None:
            assert decoded != message
            assert encode(decoded) == flipped


@golden
def test_what_is_signed_and_what_is_maced(message, octets):
    whole = bytes.fromhex(octets)
    if message.mac is not None:
        whole = whole[whole.index(0xDF) : -12]
    tail = bytes.fromhex("00")
    end = len(whole)
    if message.signature is not None:
        tail, end = b"\x40" + message.signature, end - 65
    elif message.signature_octet:
        end -= 1
    assert signed_octets(message) == whole[1:end]
    assert mac_input(message) == bytes.fromhex("11 00000000 00") + whole[:end] + tail


INNER = f"DF {PLAIN} 00"
MALFORMED = {
    "nothing": ("", GbcsFault.TRUNCATED),
    "another tag": ("DE" + PLAIN, GbcsFault.MALFORMED),
    "a segment": ("DD 01 0000000000 00", GbcsFault.UNSUPPORTED),
    "an originator title": ("DD 0001 00000000 00", GbcsFault.MALFORMED),
    "key-info": ("DD 000000000001 00", GbcsFault.MALFORMED),
    "MACed, nothing in it": ("DD 000000000000 00", GbcsFault.MALFORMED),
    "MACed, MAC alone": ("DD 000000000000 11 11 00000000" + "00" * 12, GbcsFault.TRUNCATED),
    "security control of encryption": (
        f"DD 000000000000 36 31 00000000 {INNER} {MAC.hex()}",
        GbcsFault.MALFORMED,
    ),
    "invocation counter": (
        f"DD 000000000000 36 11 00000001 {INNER} {MAC.hex()}",
        GbcsFault.MALFORMED,
    ),
    "MACed without signature length": (
        f"DD 000000000000 35 11 00000000 DF {PLAIN} {MAC.hex()}",
        GbcsFault.TRUNCATED,
    ),
    "MAC header twice": (
        f"DD 000000000000 36 11 00000000 {INNER.replace('DF', 'DD')} {MAC.hex()}",
        GbcsFault.MALFORMED,
    ),
    "MAC length not minimal": (
        f"DD 000000000000 8136 11 00000000 {INNER} {MAC.hex()}",
        GbcsFault.MALFORMED,
    ),
    "transaction id of 8": (f"DF {PLAIN}".replace("09 01", "08 01"), GbcsFault.MALFORMED),
    "CRA 0": (f"DF {PLAIN}".replace("09 01", "09 00"), GbcsFault.MALFORMED),
    "CRA 4": (f"DF {PLAIN}".replace("09 01", "09 04"), GbcsFault.MALFORMED),
    "originator of 7": (f"DF {PLAIN}".replace("08 11", "07 11"), GbcsFault.MALFORMED),
    "target of 9": (f"DF {PLAIN}".replace("08 21", "09 21"), GbcsFault.MALFORMED),
    "date-time of 11": (f"DF {HEAD} 0B {'00' * 11} 02 0012 00", GbcsFault.MALFORMED),
    "other-information not minimal": (f"DF {HEAD} 00 8102 0012 00", GbcsFault.MALFORMED),
    "content length not minimal": (f"DF {HEAD} 00 02 0012 8102 0500", GbcsFault.MALFORMED),
    "content length 82 not minimal": (
        f"DF {HEAD} 00 02 0012 8200FF {'00' * 255}",
        GbcsFault.MALFORMED,
    ),
    "content length of 83": (f"DF {HEAD} 00 02 0012 83000001 00", GbcsFault.MALFORMED),
    "content length of 80": (f"DF {HEAD} 00 02 0012 80 0000", GbcsFault.MALFORMED),
    "response without signature length": (
        f"DF {PLAIN}".replace("09 01", "09 02"),
        GbcsFault.TRUNCATED,
    ),
    "alert without signature length": (
        f"DF {PLAIN}".replace("09 01", "09 03"),
        GbcsFault.TRUNCATED,
    ),
    "signature of 63": (f"DF {PLAIN} 3F {'00' * 63}", GbcsFault.MALFORMED),
    "signature of 65": (f"DF {PLAIN} 41 {'00' * 65}", GbcsFault.MALFORMED),
    **{
        f"other-information of {length}": (
            f"DF {HEAD} 00 {length:02X} {'00' * length} 00",
            GbcsFault.MALFORMED,
        )
        for length in range(27)
        if length not in {2, 10, 18, 26}
    },
}


@pytest.mark.parametrize(("octets", "fault"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_is_refused_by_name(octets, fault):
    with pytest.raises(RemoteError) as refusal:
        decode(bytes.fromhex(octets))
    assert refusal.value.code is fault


def test_the_largest_message_and_one_octet_more():
    around = len(encode(changed(content=bytes(0x1000)))) - 0x1000
    largest = changed(content=bytes(GBCS_OCTETS_MAX - around))
    octets = encode(largest)
    assert decode(octets) == largest
    with pytest.raises(LocalError):
        encode(changed(content=bytes(GBCS_OCTETS_MAX - around + 1)))
    with pytest.raises(RemoteError) as refusal:
        decode(octets + b"\0")
    assert refusal.value.code is GbcsFault.TOO_LARGE


LOCAL_FAULTS = {
    "counter": {"counter": 1 << 64},
    "negative counter": {"counter": -1},
    "originator": {"originator": 1 << 64},
    "target": {"target": -1},
    "message code": {"message_code": 0x1_0000},
    "date-time": {"date_time": bytes(11)},
    "empty date-time": {"date_time": b""},
    "signature of 63": {"signature": bytes(63), "signature_octet": True},
    "signature without its length": {"signature": SIGNATURE},
    "MAC of 11": {"mac": bytes(11), "signature_octet": True},
    "MAC without signature length": {"mac": MAC},
    "response without signature length": {"cra": Cra.RESPONSE},
    "supplementary counter alone": {"supplementary_counter": 1},
    "supplementary originator counter without counter": {
        "supplementary_party": 1,
        "supplementary_originator_counter": 1,
    },
    "supplementary party": {"supplementary_party": 1 << 64},
    "certificate alone": {"supplementary_certificate": CERTIFICATE},
    "certificate without counter": {
        "supplementary_party": 1,
        "supplementary_certificate": CERTIFICATE,
    },
    "certificate beside originator counter": {
        "supplementary_party": 1,
        "supplementary_counter": 1,
        "supplementary_originator_counter": 1,
        "supplementary_certificate": CERTIFICATE,
    },
    "certificate of 8": {
        "supplementary_party": 1,
        "supplementary_counter": 1,
        "supplementary_certificate": bytes(8),
    },
    "certificate beyond a message": {
        "supplementary_party": 1,
        "supplementary_counter": 1,
        "supplementary_certificate": bytes(0x1_0000),
    },
    "whole message": {
        "content": bytes(0xFFFF),
        "supplementary_party": 1,
        "supplementary_counter": 1,
        "supplementary_certificate": bytes(500),
    },
}


@pytest.mark.parametrize("fields", LOCAL_FAULTS.values(), ids=LOCAL_FAULTS)
def test_what_does_not_fit_is_a_local_error(fields):
    with pytest.raises(LocalError):
        encode(changed(**fields))


@given(messages())
def test_any_message_survives_the_wire(message):
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
@example(bytes.fromhex("DD"))
@example(bytes.fromhex("DF"))
def test_any_octets_give_a_message_or_a_remote_error(octets):
    decoded = decode_or_none(octets)
    if decoded is not None:
        assert encode(decoded) == octets


@given(messages(), st.data())
def test_a_damaged_message_gives_a_message_or_a_remote_error(message, data):
    octets = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(octets)))
    octets[at:at] = data.draw(st.binary(max_size=3))
    decoded = decode_or_none(bytes(octets))
    if decoded is not None:
        assert encode(decoded) == octets


def decode_or_none(octets):
    try:
        return decode(octets)
    except RemoteError:
        return None
