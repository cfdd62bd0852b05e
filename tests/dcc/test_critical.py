"""11.3 CV 5: only the Pre-Command that was given, signed by its originator, goes to the device."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.dcc.a_command import (
    DAY_MS,
    EXECUTION_MS,
    EXECUTION_TIMES,
    HCALCS,
    pre_command,
)
from tests.dcc.samples import ACB, NOW_MS, OTHER_SUPPLIER, SUPPLIER, device
from tests.vectors import VECTORS, gbcs_vector, require_keystore, require_vectors

from hanota.dcc.commands import CommandState, sent, transformed
from hanota.dcc.critical import examine
from hanota.dcc.services import Refusal
from hanota.model import DeviceStatus, DeviceType, KeyUsage, Role
from hanota.smki import keys
from hanota.smki.directory import CertificateSet
from hanota.smki.protection import add_mac, sign
from hanota.smki.stores import load_certificates, load_keystore
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import CANCELLATION_MS, SignedPreCommand
from hanota.wire.gbcs.message import decode, encode

KEY, OTHER_KEY = (ec.derive_private_key(scalar, ec.SECP256R1()) for scalar in (0xD5, 0xD6))
PUBLIC_KEY = KEY.public_key()
LATER_MS = NOW_MS + 60_000


def signed(message, key=KEY) -> bytes:
    return encode(sign(message, key))


def asked(
    octets, execution_ms=None, *, given=None, row=HCALCS, keys=(PUBLIC_KEY,), now_ms=LATER_MS
):
    """What comes of a CV 5 with these octets; the Pre-Command was given for the time."""
    given = given or transformed(pre_command(execution_ms), NOW_MS)
    return examine(SignedPreCommand(gbcs_payload=octets), given, row, keys, now_ms)


def code(answer) -> ResponseCode:
    match answer:
        case Refusal(code):
            return code
        case _:
            raise AssertionError(f"{answer} is no refusal")


@pytest.mark.parametrize("kind", EXECUTION_TIMES)
def test_what_was_given_and_is_signed_may_go(kind):
    octets = signed(pre_command(EXECUTION_TIMES[kind]))
    message = asked(octets, EXECUTION_TIMES[kind])
    assert encode(message) == octets


def test_it_may_be_signed_with_any_key_of_its_originator():
    octets = signed(pre_command())
    assert encode(asked(octets, keys=(OTHER_KEY.public_key(), PUBLIC_KEY))) == octets
    assert code(asked(octets, keys=())) is ResponseCode.E48


def test_without_a_pre_command_nothing_goes():
    body = SignedPreCommand(gbcs_payload=signed(pre_command()))
    refusal = examine(body, None, HCALCS, (PUBLIC_KEY,), LATER_MS)
    assert code(refusal) is ResponseCode.E100


@pytest.mark.parametrize("state", sorted(set(CommandState) - {CommandState.TRANSFORMED}))
def test_a_pre_command_is_used_once(state):
    gone = msgspec.structs.replace(sent(pre_command(), 7, NOW_MS), state=state)
    assert code(asked(signed(pre_command()), given=gone)) is ResponseCode.E100


ALTERED = {
    "hash": {"content": pre_command().content.replace(b"\0\1\2", b"\0\1\3", 1)},
    "execution time": {"content": pre_command(EXECUTION_MS).content},
    "counter": {"counter": 1001},
    "target": {"target": HCALCS.device_id + 1},
    "originator": {"originator": OTHER_SUPPLIER},
    "message code": {"message_code": 0x0013},
    "supplementary party": {"supplementary_party": ACB},
    "not a command": {"content": b"\x05\x00"},
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED.keys())
def test_an_altered_pre_command_is_refused_however_well_it_is_signed(change):
    altered = msgspec.structs.replace(pre_command(), **change)
    assert code(asked(signed(altered))) is ResponseCode.E48


def test_a_pre_command_without_a_signature_or_with_a_mac_is_refused():
    unsigned = pre_command()
    bare = msgspec.structs.replace(unsigned, signature_octet=False)
    with_mac = add_mac(sign(unsigned, KEY), bytes(32))
    for message in (unsigned, bare, with_mac):
        assert code(asked(encode(message))) is ResponseCode.E48


def test_the_signature_of_somebody_else_is_refused():
    assert code(asked(signed(pre_command(), OTHER_KEY))) is ResponseCode.E48


def test_every_bit_counts():
    octets = signed(pre_command())
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert code(asked(bytes(flipped))) is ResponseCode.E48


def test_every_octet_is_needed_and_no_other():
    octets = signed(pre_command())
    for length in range(len(octets)):
        assert code(asked(octets[:length])) is ResponseCode.E48
    assert code(asked(octets + b"\0")) is ResponseCode.E48


@pytest.mark.parametrize(
    ("row", "execution_ms", "now_ms", "expected"),
    [
        (None, None, LATER_MS, ResponseCode.E19),
        (device(DeviceType.PPMID), None, LATER_MS, ResponseCode.E4),
        (
            device(DeviceType.HCALCS, suppliers=(OTHER_SUPPLIER,)),
            None,
            LATER_MS,
            ResponseCode.E5,
        ),
        (
            device(DeviceType.HCALCS, status=DeviceStatus.SUSPENDED),
            None,
            LATER_MS,
            ResponseCode.E5,
        ),
        (HCALCS, EXECUTION_MS, EXECUTION_MS + DAY_MS, ResponseCode.E17),
    ],
)
def test_what_has_changed_since_the_pre_command_is_seen(row, execution_ms, now_ms, expected):
    octets = signed(pre_command(execution_ms))
    assert code(asked(octets, execution_ms, row=row, now_ms=now_ms)) is expected


@pytest.mark.parametrize("execution_ms", [None, EXECUTION_MS, CANCELLATION_MS])
@pytest.mark.parametrize("said_ms", [None, EXECUTION_MS, CANCELLATION_MS])
def test_a_second_execution_time_may_only_repeat_the_first(execution_ms, said_ms):
    octets = signed(pre_command(execution_ms))
    body = SignedPreCommand(execution_date_time_ms=said_ms, gbcs_payload=octets)
    given = transformed(pre_command(execution_ms), NOW_MS)
    answer = examine(body, given, HCALCS, (PUBLIC_KEY,), LATER_MS)
    if said_ms in (None, execution_ms):
        assert encode(answer) == octets
    else:
        assert code(answer) is ResponseCode.E17


@pytest.mark.parametrize("name", ["IMMEDIATE_SUCCESS", "FUTURE_DATED_SUCCESS"])
def test_the_published_commands_come_out(name):
    """Pre-Command, the supplier's published signature, the ACB's MAC: the published command."""
    require_vectors()
    store = load_keystore(require_keystore())
    devices = CertificateSet(load_certificates(VECTORS / "keys"))
    published = gbcs_vector(f"CS06_11.3_{name}_COMMAND")
    given = decode(gbcs_vector(f"CS06_11.3_{name}_PRECOMMAND") + b"\0")
    octets = encode(msgspec.structs.replace(decode(published), mac=None))
    row = device(DeviceType.ESME, device_id=given.target)
    supplier_keys = [
        certificate.public_key
        for certificate in store.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    ]
    at_ms = 1_894_698_000_000 - DAY_MS
    message = asked(
        octets, given=transformed(given, at_ms), row=row, keys=supplier_keys, now_ms=at_ms
    )
    (certificate,) = devices.find(given.target, KeyUsage.KEY_AGREEMENT)
    z = store.shared_secret(ACB, certificate.public_key)
    assert encode(add_mac(message, z)) == published


def test_the_second_valid_form_of_a_signature_is_another_message():
    """(r, n-s) verifies as well; the shell tells the two by their octets."""
    octets = signed(pre_command())
    s = keys.P256_ORDER - int.from_bytes(octets[-32:], "big")
    other = octets[:-32] + s.to_bytes(32, "big")
    assert encode(asked(other)) == other != octets
