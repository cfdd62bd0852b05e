"""A supplier signs what it asked for, and nothing else."""

import json
from functools import partial

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import duis_vector, gbcs_vector, require_keystore
from tests.wire.gbcs_messages import messages

from hanota.errors import LocalError
from hanota.model import KeyUsage, RequestID, Role
from hanota.smki import keys
from hanota.smki.directory import CertificateSet
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, OTHER_USER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.smki.protection import sign, sign_as, signature_valid
from hanota.supplier import pre_command
from hanota.supplier.pre_command import Refused, examine
from hanota.supplier.requests import (
    activate_firmware,
    cancel_activation,
    read_firmware_version,
)
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.values import CANCELLATION_MS
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode

PKI = TestPki(b"the PKI of the tests")
DEVICE = 0x00DB1234567890A4
REQUEST_ID = RequestID(SUPPLIER, DEVICE, 1_000)
HASH = bytes(range(32))
TIME_MS = 1_800_000_000_000
CONTENT = cs06.ActivateFirmwareCommand(HASH, 1_000, TIME_MS)
ASKED = activate_firmware(REQUEST_ID, HASH, TIME_MS)

# Written out, so that a mistake of the encoder is not made on both sides.
HEADER = "DF 09 01 00000000000003E8 08 90B3D51F30010000 08 00DB1234567890A4 00 02 0012"
HASH_HEX = "0420" + HASH.hex()
GOLDEN = [
    (activate_firmware(REQUEST_ID, HASH, None), f"{HEADER} 28 3026 {HASH_HEX} 020203E8"),
    (
        ASKED,
        f"{HEADER} 39 3037 {HASH_HEX} 020203E8 180F" + b"20270115080000Z".hex(),
    ),
    (
        cancel_activation(REQUEST_ID, HASH),
        f"{HEADER} 39 3037 {HASH_HEX} 020203E8 180F" + b"99991231235959Z".hex(),
    ),
]


def command(**changes):
    sound = GbcsMessage(Cra.COMMAND, 1_000, SUPPLIER, DEVICE, 0x0012, content())
    return msgspec.structs.replace(sound, **changes)


def content(**changes):
    return cs06.encode_command(msgspec.structs.replace(CONTENT, **changes))


@pytest.mark.parametrize("null_signature", ["", "00"])
@pytest.mark.parametrize(("asked", "octets"), GOLDEN)
def test_what_was_asked_for_is_signed_as_the_supplier(asked, octets, null_signature):
    octets = bytes.fromhex(octets)
    examined = examine(asked, octets + bytes.fromhex(null_signature))
    assert isinstance(examined, GbcsMessage)
    payload = pre_command.sign(examined, PKI, PKI)
    assert payload[: len(octets) + 1] == octets + b"\x40"
    assert len(payload) == len(octets) + 65
    key = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key
    assert signature_valid(decode(payload), key)


ALTERED = [
    ({"counter": 1_001}, Refused.COUNTER),
    ({"counter": 999}, Refused.COUNTER),
    ({"originator": ACCESS_CONTROL_BROKER}, Refused.ORIGINATOR),
    ({"target": DEVICE + 1}, Refused.TARGET),
    ({"message_code": 0x0013}, Refused.MESSAGE_CODE),
    ({"cra": Cra.RESPONSE}, Refused.CRA),
    ({"cra": Cra.ALERT}, Refused.CRA),
    ({"date_time": bytes(12)}, Refused.DATE_TIME),
    ({"supplementary_party": SUPPLIER}, Refused.SUPPLEMENTARY),
    ({"supplementary_party": 0}, Refused.SUPPLEMENTARY),
    ({"supplementary_party": SUPPLIER, "supplementary_counter": 1}, Refused.SUPPLEMENTARY),
    ({"signature": bytes(64)}, Refused.SIGNATURE),
    ({"mac": bytes(12)}, Refused.MAC),
    ({"content": b""}, Refused.CONTENT),
    ({"content": content() + b"\0"}, Refused.CONTENT),
    ({"content": bytes.fromhex("0500")}, Refused.CONTENT),
    ({"content": content(manufacturer_image_hash=bytes(32))}, Refused.FIRMWARE_HASH),
    ({"content": content(originator_counter=1_001)}, Refused.ORIGINATOR_COUNTER),
    ({"content": content(execution_date_time_ms=None)}, Refused.EXECUTION_DATE_TIME),
    ({"content": content(execution_date_time_ms=TIME_MS + 1_000)}, Refused.EXECUTION_DATE_TIME),
    (
        {"content": content(execution_date_time_ms=cs06.CANCELLATION_MS)},
        Refused.EXECUTION_DATE_TIME,
    ),
]


@pytest.mark.parametrize(("altered", "refused"), ALTERED)
def test_an_altered_pre_command_is_refused_by_its_field(altered, refused):
    assert examine(ASKED, encode(command(**altered))) is refused


def test_every_field_has_its_alteration():
    assert {refused for _, refused in ALTERED} == set(Refused) - {Refused.MESSAGE}
    compared = {name for name, _ in pre_command._HEADER}
    assert compared == set(GbcsMessage.__struct_fields__) - {"content", "signature_octet"}
    assert {name for name, _ in pre_command._CONTENT} == set(CONTENT.__struct_fields__)


@pytest.mark.parametrize(
    ("asked_ms", "given_ms"),
    [
        (None, TIME_MS),
        (None, cs06.CANCELLATION_MS),
        (CANCELLATION_MS, None),
        (CANCELLATION_MS, CANCELLATION_MS),
        (TIME_MS, cs06.CANCELLATION_MS),
    ],
)
def test_no_time_takes_the_place_of_another(asked_ms, given_ms):
    asked = activate_firmware(REQUEST_ID, HASH, asked_ms)
    given_octets = encode(command(content=content(execution_date_time_ms=given_ms)))
    assert examine(asked, given_octets) is Refused.EXECUTION_DATE_TIME


def test_every_bit_counts():
    octets = encode(command())
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(examine(ASKED, bytes(flipped)), Refused), bit


def test_every_length_but_the_right_one_is_no_message():
    octets = encode(command(signature_octet=False))
    for end in range(len(octets)):
        assert examine(ASKED, octets[:end]) is Refused.MESSAGE
    assert examine(ASKED, octets + b"\0\0") is Refused.MESSAGE


@given(st.one_of(st.binary(max_size=300), messages().map(encode)))
def test_any_octets_give_a_verdict(octets):
    assert isinstance(examine(ASKED, octets), Refused)


@given(messages())
def test_only_what_was_asked_passes_whatever_its_content(message):
    disguised = msgspec.structs.replace(command(), content=message.content)
    assert isinstance(examine(ASKED, encode(disguised)), Refused)


def test_there_is_no_pre_command_of_another_request():
    with pytest.raises(LocalError, match=r"11\.2"):
        examine(read_firmware_version(REQUEST_ID), encode(command()))


def test_a_party_that_is_no_supplier_signs_nothing():
    with pytest.raises(LocalError, match="no certificate"):
        pre_command.sign(command(originator=OTHER_USER), PKI, PKI)
    with pytest.raises(LocalError, match="no certificate"):
        pre_command.sign(command(), CertificateSet(()), PKI)


def test_a_signer_elsewhere_makes_the_same_signature():
    key = PKI.private_key(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
    assert sign_as(command(), partial(keys.sign, key)) == sign(command(), key)
    with pytest.raises(LocalError, match="before it gets a MAC"):
        sign_as(command(mac=bytes(12)), bytes)


# --- The published Pre-Commands, for the published requests ---

PUBLISHED = ["CS06_11.3_IMMEDIATE_SUCCESS", "CS06_11.3_FUTURE_DATED_SUCCESS"]


def published(name):
    """The request that a published Pre-Command answers, and the Pre-Command."""
    octets = gbcs_vector(f"{name}_PRECOMMAND")
    asked = decode_request(open_document(duis_vector(f"{name}_REQUEST")))
    return asked, octets


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_pre_command_is_what_its_request_asked_for(name):
    asked, octets = published(name)
    assert examine(asked, octets) == decode(octets)


@pytest.mark.parametrize("name", PUBLISHED)
def test_signing_gives_the_published_command_but_for_the_nonce(name):
    asked, octets = published(name)
    entries = json.loads(require_keystore().read_text())
    (pem,) = (
        entry["privateKey"]
        for entry in entries[f"{asked.request_id.originator:016x}"]["digitalSignature"].values()
        if entry["name"] == "Z1-supplier-ds"
    )
    key = load_pem_private_key(pem.encode(), None)
    signed = sign_as(examine(asked, octets), partial(keys.sign, key))
    reference = decode(gbcs_vector(f"{name}_COMMAND"))
    assert signature_valid(signed, key.public_key())
    assert signature_valid(reference, key.public_key())
    assert msgspec.structs.replace(signed, signature=None) == msgspec.structs.replace(
        reference, signature=None, mac=None
    )
