"""Whose commands a node carries out, and how often."""

import json
from functools import partial

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from tests.han.commands import (
    ACB,
    CS06,
    CS08,
    ECS52,
    GCS38,
    READS,
    SUPPLIER,
    SUPPLIER_2,
    activate,
    maced,
    read,
    secret,
    signing,
    trust_of,
)
from tests.vectors import gbcs_vector, require_keystore, require_vectors

from hanota.han.command_reception import ORIGINATORS, Command, CommandReception, Refusal, Trust
from hanota.han.firmware_version_read import READ_OF, answer_read
from hanota.smki import protection
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import Cra, GbcsMessage

DEVICE = 0x00DB1234567890A0
OTHER = 0x00DB1234567890A5
NETWORK_OPERATOR = 0x90B3D51F30020000
HASH = bytes(range(32))


def reception(records=None, codes=frozenset(ORIGINATORS), suppliers=(SUPPLIER,)):
    return CommandReception(DEVICE, trust_of(DEVICE, *suppliers), codes, records or {})


def changed(octets: bytes, **fields) -> bytes:
    return gbcs.encode(msgspec.structs.replace(gbcs.decode(octets), **fields))


def unsigned(octets: bytes) -> bytes:
    """The command with a fitting MAC and no signature."""
    return maced(msgspec.structs.replace(gbcs.decode(octets), signature=None, mac=None))


GOOD = activate(DEVICE, HASH, 100)
READ = read(DEVICE, ECS52, 100)

ACCEPTED = {
    "CS06": GOOD,
    "CS06 to come": activate(DEVICE, HASH, 100, 1_790_000_000_000),
    "CS08 for somebody": read(DEVICE, CS08, 100),
    "CS08 of the ACB's own": read(DEVICE, CS08, 100, asker=None),
    "ECS52 for somebody": READ,
    "ECS52": read(DEVICE, ECS52, 100, SUPPLIER),
    "GCS38 for somebody": read(DEVICE, GCS38, 100),
    "GCS38": read(DEVICE, GCS38, 100, SUPPLIER),
    "first counter of all": activate(DEVICE, HASH, 0),
    "last counter of all": activate(DEVICE, HASH, (1 << 64) - 1),
}
REFUSED = {
    "nothing": (b"", Refusal.MALFORMED),
    "an octet too many": (GOOD + b"\0", Refusal.MALFORMED),
    "for another": (activate(OTHER, HASH, 100), Refusal.OTHER_TARGET),
    "a response": (changed(READ, cra=Cra.RESPONSE), Refusal.USE_CASE),
    "an alert": (changed(READ, cra=Cra.ALERT), Refusal.USE_CASE),
    "an unknown use case": (changed(READ, message_code=0x0058), Refusal.USE_CASE),
    "another supplier": (activate(DEVICE, HASH, 100, supplier=SUPPLIER_2), Refusal.ORIGINATOR),
    "activation by the ACB": (activate(DEVICE, HASH, 100, supplier=ACB), Refusal.ORIGINATOR),
    "CS08 by a supplier": (read(DEVICE, CS08, 100, SUPPLIER), Refusal.ORIGINATOR),
    "read by a stranger": (read(DEVICE, ECS52, 100, NETWORK_OPERATOR), Refusal.ORIGINATOR),
    "a supplier for another": (
        activate(DEVICE, HASH, 100, supplementary_party=SUPPLIER_2, supplementary_counter=1),
        Refusal.ORIGINATOR,
    ),
    "no MAC": (changed(GOOD, mac=None), Refusal.PROTECTION),
    "no signature": (unsigned(GOOD), Refusal.PROTECTION),
    "a read with a signature": (
        maced(protection.sign(msgspec.structs.replace(gbcs.decode(READ), mac=None), signing(ACB))),
        Refusal.PROTECTION,
    ),
    "neither": (changed(GOOD, mac=None, signature=None), Refusal.PROTECTION),
    "MAC of the supplier": (
        maced(msgspec.structs.replace(gbcs.decode(GOOD), mac=None), SUPPLIER),
        Refusal.MAC,
    ),
    "signed by another": (activate(DEVICE, HASH, 100, signer=SUPPLIER_2), Refusal.SIGNATURE),
    "another counter within": (
        maced(
            protection.sign(
                GbcsMessage(
                    Cra.COMMAND,
                    100,
                    SUPPLIER,
                    DEVICE,
                    CS06,
                    cs06.encode_command(cs06.ActivateFirmwareCommand(HASH, 101)),
                ),
                signing(SUPPLIER),
            )
        ),
        Refusal.MALFORMED,
    ),
    "another content": (
        maced(GbcsMessage(Cra.COMMAND, 100, SUPPLIER, DEVICE, ECS52, READS[GCS38](1))),
        Refusal.MALFORMED,
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_accepted(case):
    command = reception().receive(ACCEPTED[case])
    assert isinstance(command, Command)
    assert command.message == gbcs.decode(ACCEPTED[case])
    assert command.content == decode_content(command.message)
    counter = command.message.counter.to_bytes(8, "big")
    assert command.values == {f"accepted-counter/{command.message.originator:016X}": counter}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    octets, refusal = REFUSED[case]
    receiver = reception()
    assert receiver.receive(octets) is refusal
    assert isinstance(receiver.receive(GOOD), Command), "a refused command uses up no counter"


def test_every_reason_is_shown():
    assert {reason for _, reason in REFUSED.values()} | {Refusal.COUNTER} == set(Refusal)


@pytest.mark.parametrize("counter", [0, 1, 99, 100])
def test_a_counter_that_is_not_above_the_last_is_refused(counter):
    receiver = reception()
    first = receiver.receive(GOOD)
    old = activate(DEVICE, HASH, counter)
    assert receiver.receive(old) is Refusal.COUNTER
    assert reception(first.values).receive(old) is Refusal.COUNTER, "a power cut changes nothing"
    assert isinstance(reception(first.values).receive(activate(DEVICE, HASH, 101)), Command)


def test_counters_of_originators_are_their_own():
    receiver = reception()
    assert isinstance(receiver.receive(activate(DEVICE, HASH, 1000)), Command)
    assert isinstance(receiver.receive(read(DEVICE, ECS52, 5)), Command)
    assert receiver.receive(read(DEVICE, ECS52, 5)) is Refusal.COUNTER


def test_a_read_of_long_ago_that_the_acb_asks_for_now_is_accepted():
    receiver = reception()
    assert isinstance(receiver.receive(read(DEVICE, CS08, 5, asker=(SUPPLIER, 100))), Command)
    assert isinstance(receiver.receive(read(DEVICE, CS08, 6, asker=(SUPPLIER, 99))), Command)


def test_a_use_case_that_the_device_does_not_have():
    codes = frozenset({CS06, ECS52})
    assert isinstance(reception(codes=codes).receive(GOOD), Command)
    assert reception(codes=codes).receive(read(DEVICE, CS08, 1)) is Refusal.USE_CASE


@pytest.mark.parametrize("octets", [GOOD, READ], ids=["CS06", "ECS52"])
def test_no_bit_may_differ(octets):
    receiver = reception()
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(receiver.receive(bytes(flipped)), Refusal), f"bit {bit}"
    for end in range(len(octets)):
        assert receiver.receive(octets[:end]) is Refusal.MALFORMED
    assert isinstance(receiver.receive(octets), Command)


def test_flipped_signatures_and_macs_are_refused_for_what_they_are():
    """With a MAC that fits, the signature is what refuses; and the other way round."""
    message = gbcs.decode(GOOD)
    flipped = bytes((message.signature[0] ^ 1,)) + message.signature[1:]
    forged = maced(msgspec.structs.replace(message, signature=flipped, mac=None))
    assert reception().receive(forged) is Refusal.SIGNATURE
    mac = message.mac[:-1] + bytes((message.mac[-1] ^ 1,))
    assert reception().receive(changed(GOOD, mac=mac)) is Refusal.MAC


@given(st.binary(max_size=400))
def test_any_octets(octets):
    assert isinstance(reception().receive(octets), Refusal)


# Reads

VERSION = 0xACDC0102
ANSWERS = {
    CS08: cs08.ReadFirmwareVersionResponse(VERSION.to_bytes(4, "big"), cs08.ReadResult.SUCCESS),
    ECS52: ecs52.ReadFirmwareVersionResponse(100, VERSION.to_bytes(4, "big")),
    GCS38: gcs38.ReadFirmwareVersionResponse(VERSION.to_bytes(4, "big")),
}


@pytest.mark.parametrize(
    ("code", "originator"),
    [(CS08, ACB), (ECS52, ACB), (ECS52, SUPPLIER), (GCS38, ACB), (GCS38, SUPPLIER)],
)
def test_a_read_is_answered_to_who_asked(code, originator):
    trust = trust_of(DEVICE, SUPPLIER)
    asked = read(DEVICE, code, 100, originator)
    octets = answer_read(reception().receive(asked), VERSION, trust)
    command, answer = gbcs.decode(asked), gbcs.decode(octets)
    assert (answer.cra, answer.counter, answer.message_code) == (Cra.RESPONSE, 100, code)
    assert (answer.originator, answer.target) == (DEVICE, originator)
    assert (answer.supplementary_party, answer.supplementary_counter) == (
        command.supplementary_party,
        command.supplementary_counter,
    )
    assert (answer.date_time, answer.signature) == (None, None)
    # The other side of the key agreement: the organisation's private key, the device's public one.
    assert protection.mac_valid(answer, secret(originator, DEVICE))
    assert decode_content(answer) == ANSWERS[code]


@pytest.mark.parametrize("name", ["CS08", "ECS52", "GCS38"])
def test_the_published_reads_get_the_published_responses(name):
    octets = gbcs_vector(f"{name}_11.2_SUCCESS_COMMAND")
    published = gbcs_vector(f"{name}_11.2_SUCCESS_RESPONSE")
    device = gbcs.decode(octets).target
    trust = Trust(partial(published_secret, device), published_key, (SUPPLIER,))
    command = CommandReception(device, trust, ORIGINATORS, {}).receive(octets)
    version = decode_content(gbcs.decode(published)).firmware_version
    assert answer_read(command, int.from_bytes(version, "big"), trust) == published


@pytest.mark.parametrize("name", ["IMMEDIATE", "FUTURE_DATED"])
def test_the_published_activations_are_accepted(name):
    octets = gbcs_vector(f"CS06_11.3_{name}_SUCCESS_COMMAND")
    device = gbcs.decode(octets).target
    trust = Trust(partial(published_secret, device), published_key, (SUPPLIER,))
    command = CommandReception(device, trust, ORIGINATORS, {}).receive(octets)
    assert command.message == gbcs.decode(octets)
    others = Trust(trust.shared_secret, published_key, (SUPPLIER_2,))
    assert CommandReception(device, others, ORIGINATORS, {}).receive(octets) is Refusal.ORIGINATOR


def published_key(eui):
    path = require_vectors() / f"keys/{eui:016x}-ds.pem"
    return load_pem_x509_certificate(path.read_bytes()).public_key()


def published_secret(device, organisation):
    """Z as the organisation's side gives it: the devices' private keys are not public."""
    entries = json.loads(require_keystore().read_text())[f"{organisation:016x}"]["keyAgreement"]
    (pem,) = (
        entry["privateKey"]
        for entry in entries.values()
        if entry["name"].startswith("Z1-")
        and entry["name"].endswith("-ka")
        and not entry["name"].endswith("PP-ka")
    )
    certificate = (require_vectors() / f"keys/{device:016x}-ka.pem").read_bytes()
    public = load_pem_x509_certificate(certificate).public_key()
    return protection.shared_secret(load_pem_private_key(pem.encode(), None), public)


def test_every_kind_of_device_that_can_be_updated_has_a_read():
    assert {kind.value: f"{code:04X}" for kind, code in READ_OF.items()} == {
        "ESME": "0059",
        "CHF": "0059",
        "GSME": "0084",
        "PPMID": "0129",
        "HCALCS": "0129",
    }
