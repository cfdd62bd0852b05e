"""Signatures and MACs: the published messages verify, and nothing that differs from them does."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import gbcs_vector, require_keystore, require_vectors
from tests.wire.gbcs_messages import messages

from hanota.errors import LocalError, RemoteError
from hanota.model import eui_from_text
from hanota.smki import protection
from hanota.smki.keys import P256_ORDER
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode, mac_input, signed_octets

ACB = eui_from_text("90-B3-D5-1F-30-00-00-02")
SUPPLIER = eui_from_text("90-B3-D5-1F-30-01-00-00")
ESME = eui_from_text("00-DB-12-34-56-78-90-A0")

SIGNED = [
    "CS06_11.3_IMMEDIATE_SUCCESS_COMMAND",
    "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE",
    "CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND",
    "CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE",
    "CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT",
    "CS09_NA_8F8B_ALERT",
    "CCS08_NA_NA_ALERT",
    "FDRA-DLMS_NA_8F72_ALERT",
    "FDRA-ZigBee_NA_8F72_ALERT",
]
COMMANDS = [
    "CS06_11.3_IMMEDIATE_SUCCESS_COMMAND",
    "CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND",
    "CS08_11.2_SUCCESS_COMMAND",
    "ECS52_11.2_SUCCESS_COMMAND",
    "GCS38_11.2_SUCCESS_COMMAND",
]
MACED = [
    *COMMANDS,
    "CS08_11.2_SUCCESS_RESPONSE",
    "ECS52_11.2_SUCCESS_RESPONSE",
    "GCS38_11.2_SUCCESS_RESPONSE",
]
PRE_COMMANDS = [
    "CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND",
    "CS06_11.3_FUTURE_DATED_SUCCESS_PRECOMMAND",
]


def public_key(eui, usage):
    """The key in the published certificate of a party; usage ds or ka."""
    path = require_vectors() / f"keys/{eui:016x}-{usage}.pem"
    return load_pem_x509_certificate(path.read_bytes()).public_key()


def private_key(eui, usage="keyAgreement"):
    """The Z1 key of an organisation: the one that made the published messages."""
    entries = json.loads(require_keystore().read_text())[f"{eui:016x}"][usage].values()
    suffix = {"keyAgreement": "-ka", "digitalSignature": "-ds"}[usage]
    (pem,) = (
        entry["privateKey"]
        for entry in entries
        if entry["name"].startswith("Z1-")
        and entry["name"].endswith(suffix)
        and not entry["name"].endswith("PP" + suffix)
    )
    return load_pem_private_key(pem.encode(), None)


def shared_secret_of(message):
    parties = protection.mac_parties(message, ACB)
    return protection.shared_secret(
        private_key(parties.organisation), public_key(parties.device, "ka")
    )


def valid(octets, z, signer=None):
    """What a receiver does: strict parse, MAC, and the signature where a key is given."""
    try:
        message = decode(octets)
    except RemoteError:
        return False
    return protection.mac_valid(message, z) and (
        signer is None or protection.signature_valid(message, signer)
    )


def test_the_lists_have_every_published_message():
    files = {path.stem for path in require_vectors().glob("gbcs/*.HEX")}
    assert {f"{name}_GBCS" for name in (*SIGNED, *MACED, *PRE_COMMANDS)} == files


@pytest.mark.parametrize("name", SIGNED)
def test_a_published_signature_is_that_of_the_originator_alone(name):
    message = decode(gbcs_vector(name))
    assert protection.signature_valid(message, public_key(message.originator, "ds"))
    assert not protection.signature_valid(message, public_key(message.originator, "ka"))
    assert not protection.signature_valid(message, public_key(ACB, "ds"))


@pytest.mark.parametrize("name", MACED)
def test_a_published_mac_is_valid_and_made_again(name):
    message = decode(gbcs_vector(name))
    z = shared_secret_of(message)
    assert protection.mac_valid(message, z)
    assert protection.add_mac(msgspec.structs.replace(message, mac=None), z) == message


@pytest.mark.parametrize("name", [name for name in SIGNED if name not in MACED])
def test_a_message_without_mac_has_no_valid_one(name):
    message = decode(gbcs_vector(name))
    assert not protection.mac_valid(message, bytes(32))


@pytest.mark.parametrize("name", [name for name in MACED if name not in SIGNED])
def test_a_message_without_signature_has_no_valid_one(name):
    message = decode(gbcs_vector(name))
    assert not protection.signature_valid(message, public_key(ACB, "ds"))


# The supplier's whole way: pre-command from the DCC, signature, MAC by the ACB.
@pytest.mark.parametrize("name", PRE_COMMANDS)
@pytest.mark.parametrize("extra", [b"", b"\0"], ids=["bare", "with 00"])
def test_a_pre_command_is_signed_and_maced_into_a_command_that_verifies(name, extra):
    pre_command = decode(gbcs_vector(name) + extra)
    signed = protection.sign(pre_command, private_key(SUPPLIER, "digitalSignature"))
    assert encode(signed) == gbcs_vector(name) + b"\x40" + signed.signature
    command = protection.add_mac(signed, shared_secret_of(signed))
    assert valid(encode(command), shared_secret_of(command), public_key(SUPPLIER, "ds"))
    published = decode(gbcs_vector(name.replace("PRECOMMAND", "COMMAND")))
    with_its_signature = msgspec.structs.replace(command, signature=published.signature)
    assert protection.mac(with_its_signature, shared_secret_of(command)) == published.mac


@pytest.mark.parametrize("name", COMMANDS)
def test_every_bit_flip_of_a_command_is_refused(name):
    octets = gbcs_vector(name)
    message = decode(octets)
    z = shared_secret_of(message)
    signer = None if message.signature is None else public_key(message.originator, "ds")
    assert valid(octets, z, signer)
    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        assert not valid(bytes(flipped), z, signer), f"bit {bit}"


# Without MAC: the octet before the signature (40) and the tag are outside what is signed, so it is
# the strict parse that refuses them.
@pytest.mark.parametrize("name", ["CS09_NA_8F8B_ALERT", "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE"])
def test_every_bit_flip_of_a_signed_message_is_refused(name):
    octets = gbcs_vector(name)
    signer = public_key(decode(octets).originator, "ds")
    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        try:
            message = decode(bytes(flipped))
        except RemoteError:
            continue
        assert not protection.signature_valid(message, signer), f"bit {bit}"


@pytest.mark.parametrize("name", MACED)
def test_every_truncation_and_octet_too_many_is_refused(name):
    octets = gbcs_vector(name)
    z = shared_secret_of(decode(octets))
    for length in range(len(octets)):
        assert not valid(octets[:length], z)
    assert not valid(octets + b"\0", z)


@pytest.mark.parametrize("octets", [11, 13, 16, 0])
def test_a_mac_of_another_length_is_not_valid(octets):
    message = decode(gbcs_vector("CS08_11.2_SUCCESS_COMMAND"))
    z = shared_secret_of(message)
    longer = (message.mac + bytes(4))[:octets]
    assert not protection.mac_valid(msgspec.structs.replace(message, mac=longer), z)


@pytest.mark.parametrize("octets", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_not_valid(octets):
    message = decode(gbcs_vector("CS09_NA_8F8B_ALERT"))
    longer = (message.signature + bytes(64))[:octets]
    other = msgspec.structs.replace(message, signature=longer)
    assert not protection.signature_valid(other, public_key(message.originator, "ds"))


# ECDSA has it so: therefore a signature must never identify a message.
def test_the_other_form_of_a_signature_is_valid_too():
    message = decode(gbcs_vector("CS09_NA_8F8B_ALERT"))
    s = int.from_bytes(message.signature[32:], "big")
    other = message.signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
    assert protection.signature_valid(
        msgspec.structs.replace(message, signature=other), public_key(message.originator, "ds")
    )


def mac_of_the_standard(
    message,
    z,
    *,
    algorithm="60857406080300",
    length="09",
    originator=None,
    target=None,
    cra=None,
    iv=None,
    header="11 00000000 00",
):
    """The MAC by other parts of the library, each of its inputs free to be wrong."""
    originator = message.originator if originator is None else originator
    target = message.target if target is None else target
    cra = message.cra if cra is None else cra
    information = b"".join(
        (
            bytes.fromhex(algorithm),
            originator.to_bytes(8, "big"),
            bytes.fromhex(length),
            cra.to_bytes(1, "big"),
            message.counter.to_bytes(8, "big"),
            target.to_bytes(8, "big"),
        )
    )
    key = ConcatKDFHash(SHA256(), length=16, otherinfo=information).derive(z)
    vector = (message.originator if iv is None else iv).to_bytes(8, "big") + bytes(4)
    gcm = Cipher(AES(key), GCM(vector)).encryptor()
    gcm.authenticate_additional_data(bytes.fromhex(header) + mac_input(message)[6:])
    gcm.finalize()
    return gcm.tag[:12]


WRONG = {
    "algorithm 05": {"algorithm": "60857405080300"},
    "algorithm of encryption": {"algorithm": "60857406080301"},
    "no 09": {"length": ""},
    "ACB as originator": {"originator": ACB},
    "ACB as target": {"target": ACB},
    "swapped": {"originator": ESME, "target": SUPPLIER},
    "CRA of a response": {"cra": 2},
    "CRA of encryption": {"cra": 4},
    "ACB in the vector": {"iv": ACB},
    "header 11": {"header": "11"},
    "header 11 and four": {"header": "11 00000000"},
    "no header": {"header": ""},
    "header of encryption": {"header": "31 00000000 00"},
}


@pytest.mark.parametrize("name", MACED)
def test_the_mac_is_that_of_the_standard(name):
    message = decode(gbcs_vector(name))
    assert mac_of_the_standard(message, shared_secret_of(message)) == message.mac


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "name", ["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND", "ECS52_11.2_SUCCESS_COMMAND"]
)
def test_no_other_reading_of_the_standard_makes_the_published_mac(name, wrong):
    message = decode(gbcs_vector(name))
    assert mac_of_the_standard(message, shared_secret_of(message), **wrong) != message.mac


def test_no_other_pair_of_keys_makes_the_published_mac():
    message = decode(gbcs_vector("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"))
    for organisation, device in ((SUPPLIER, ESME), (ACB, ESME + 1), (ACB, SUPPLIER)):
        z = protection.shared_secret(private_key(organisation), public_key(device, "ka"))
        assert not protection.mac_valid(message, z)


def message_of(cra):
    return GbcsMessage(cra, counter=1, originator=10, target=20, message_code=0, content=b"")


@pytest.mark.parametrize(
    ("cra", "parties"),
    [(Cra.COMMAND, (99, 20)), (Cra.RESPONSE, (20, 10)), (Cra.ALERT, (20, 10))],
)
def test_whose_keys_make_the_mac(cra, parties):
    assert protection.mac_parties(message_of(cra), acb=99) == parties


DEVICE = ec.derive_private_key(0xD, ec.SECP256R1())
BROKER = ec.derive_private_key(0xB, ec.SECP256R1())
Z = protection.shared_secret(DEVICE, BROKER.public_key())


def test_both_sides_share_one_secret():
    assert protection.shared_secret(BROKER, DEVICE.public_key()) == Z
    assert len(Z) == 32


def test_a_signature_is_the_same_each_time_and_in_range():
    first = protection.sign(message_of(Cra.ALERT), DEVICE)
    assert first == protection.sign(message_of(Cra.ALERT), DEVICE)
    r, s = decode_dss_signature(
        DEVICE.sign(signed_octets(first), ec.ECDSA(SHA256(), deterministic_signing=True))
    )
    assert first.signature == r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_a_message_with_a_mac_is_not_signed():
    with pytest.raises(LocalError):
        protection.sign(protection.add_mac(message_of(Cra.COMMAND), Z), DEVICE)


def test_what_cannot_be_encoded_is_neither_signed_nor_maced():
    message = msgspec.structs.replace(message_of(Cra.COMMAND), originator=1 << 64)
    with pytest.raises(LocalError):
        protection.sign(message, DEVICE)
    with pytest.raises(LocalError):
        protection.mac(message, Z)


@given(messages(), st.booleans())
def test_any_message_protected_verifies_after_the_wire(message, signed):
    bare = msgspec.structs.replace(message, signature=None, mac=None)
    if signed:
        bare = protection.sign(bare, DEVICE)
    received = decode(encode(protection.add_mac(bare, Z)))
    assert protection.mac_valid(received, Z)
    assert not protection.mac_valid(received, bytes(32))
    assert received.mac == mac_of_the_standard(received, Z)
    assert protection.signature_valid(received, DEVICE.public_key()) is signed
    assert not protection.signature_valid(received, BROKER.public_key())
