"""What a supplier hears of a device, and what it does not believe."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.supplier.device_says import (
    ACB,
    ACCEPTED,
    ASKED,
    COUNTER,
    CS08,
    DEVICE,
    ECS52,
    FAILED,
    GCS38,
    NOW_MS,
    PKI,
    VERIFIED,
    alert_of,
    carried,
    esme_receipt,
    gsme_receipt,
    outcome,
    protected,
    response_of,
    unprotected,
)
from tests.vectors import duis_vector, gbcs_vector, require_keystore, require_vectors
from tests.wire.gbcs_messages import messages

from hanota.errors import RemoteError
from hanota.model import RequestID
from hanota.smki.directory import CertificateSet, JoinedDirectory
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.smki.shared_secrets import SharedSecrets
from hanota.smki.stores import load_certificates, load_keystore
from hanota.supplier.device_messages import (
    Finding,
    is_authentic,
    objection,
    read_device_message,
)
from hanota.wire.codes import GbcsFault
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis import values as v
from hanota.wire.gbcs.message import decode, encode

RECEIPTS = [
    esme_receipt(VERIFIED),
    esme_receipt(FAILED),
    gsme_receipt(VERIFIED),
    gsme_receipt(FAILED),
]
ANSWERS = [
    ACCEPTED,
    *map(outcome, range(4)),
    *map(alert_of, range(4)),
    CS08,
    ECS52,
    GCS38,
]
SAID = [*RECEIPTS, *ANSWERS]
# All but CS08, whose MAC is for the ACB alone.
FOR_THE_SUPPLIER = [said for said in SAID if said is not CS08]


def judged(response):
    return objection(response, read_device_message(response), user_id=SUPPLIER, acb_id=ACB)


def authentic(message, directory=PKI, signer=PKI):
    return is_authentic(message, directory, SharedSecrets(signer), acb_id=ACB, at_ms=NOW_MS)


@pytest.mark.parametrize("said", SAID)
def test_everything_that_a_device_says_is_heard(said):
    response = response_of(said)
    read = read_device_message(response)
    assert (read.device_id, read.said) == (DEVICE, said)
    assert read.answers == (None if said in RECEIPTS else ASKED)
    assert judged(response) is None
    assert authentic(read.message)


def test_messages_that_differ_in_their_signature_alone_have_one_key():
    message = unprotected(ACCEPTED)
    once, again = (
        read_device_message(carried(ACCEPTED, protected(message, by=by))) for by in (None, ACB)
    )
    assert once.message.signature != again.message.signature
    assert once.key == again.key
    assert once.key != read_device_message(response_of(alert_of(0))).key


@pytest.mark.parametrize("said", FOR_THE_SUPPLIER)
def test_another_signer_or_mac_is_not_believed(said):
    message = unprotected(said)
    assert not authentic(protected(message, by=DEVICE + 1))
    assert not authentic(protected(message, pki=TestPki(b"another")))
    assert not authentic(protected(message), directory=CertificateSet(()))


@pytest.mark.parametrize("said", SAID)
def test_what_is_not_protected_is_not_believed(said):
    assert not authentic(unprotected(said))


def test_a_signature_does_not_replace_a_mac_or_the_reverse():
    maced = protected(unprotected(ECS52))
    signed = protected(unprotected(ACCEPTED))
    assert not authentic(msgspec.structs.replace(maced, signature=signed.signature))
    assert not authentic(msgspec.structs.replace(signed, mac=maced.mac))


@pytest.mark.parametrize("said", [outcome(0), ECS52, GCS38, esme_receipt(VERIFIED)])
def test_every_bit_counts(said):
    octets = encode(protected(unprotected(said)))
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            message = decode(bytes(flipped))
        except RemoteError:
            continue
        assert not authentic(message), bit


def test_only_the_acb_can_check_what_is_for_it():
    forged = msgspec.structs.replace(protected(unprotected(CS08)), mac=bytes(12))
    assert authentic(forged)


MISDIRECTED = [
    *(response_of(said, target=SUPPLIER_2) for said in SAID),
    response_of(CS08, supplementary_party=SUPPLIER_2),
    response_of(CS08, supplementary_party=None, supplementary_counter=None),
    # To the ACB go answers to what the ACB asked, and no receipt.
    response_of(esme_receipt(VERIFIED), target=ACB),
    response_of(
        esme_receipt(VERIFIED), target=ACB, supplementary_party=SUPPLIER, supplementary_counter=1
    ),
]


@pytest.mark.parametrize("response", MISDIRECTED)
def test_what_is_for_another_party_is_misdirected(response):
    assert judged(response) is Finding.MISDIRECTED


def test_the_acb_may_ask_for_the_supplier_for_any_version():
    through = {
        "target": ACB,
        "counter": 77,
        "supplementary_party": SUPPLIER,
        "supplementary_counter": COUNTER,
    }
    assert judged(response_of(ECS52, **through)) is None


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": RequestID(SUPPLIER, DEVICE, COUNTER + 1)},
        {"request_id": RequestID(SUPPLIER, DEVICE + 1, COUNTER)},
        {"response_id": RequestID(DEVICE, SUPPLIER, COUNTER + 1)},
        {"response_id": ASKED},
    ],
)
def test_the_dcc_cannot_make_it_the_answer_to_another_request(said, changes):
    response = msgspec.structs.replace(response_of(said), **changes)
    assert judged(response) is Finding.CONTRADICTORY


@pytest.mark.parametrize("said", ANSWERS)
def test_what_the_device_says_is_enough_to_correlate(said):
    response = msgspec.structs.replace(response_of(said), request_id=None, response_id=None)
    assert judged(response) is None
    assert read_device_message(response).answers == ASKED


@pytest.mark.parametrize("said", [*RECEIPTS, alert_of(0), alert_of(3)])
def test_the_dcc_cannot_give_an_alert_another_code(said):
    other = {0x8F72: 0x8F1C, 0x8F1C: 0x8F72, 0x8F66: 0x8F67, 0x8F67: 0x8F66}[said.alert_code]
    response = response_of(said)
    match response.body:
        case v.DeviceAlertMessage() as body:
            body = msgspec.structs.replace(body, alert_code=other)
        case body:
            content = msgspec.structs.replace(body.content, future_dated_alert_code=other)
            body = msgspec.structs.replace(body, content=content)
    assert judged(msgspec.structs.replace(response, body=body)) is Finding.CONTRADICTORY


def in_payload(octets):
    body = v.ResponseMessage("11.3", "11.3", v.GBCSPayload(octets))
    return msgspec.structs.replace(response_of(ACCEPTED), body=body)


def test_what_is_not_about_firmware_is_left_alone():
    answer = v.ResponseMessage("11.4", "11.4", None)
    assert read_device_message(msgspec.structs.replace(response_of(ACCEPTED), body=answer)) is None
    other = msgspec.structs.replace(protected(unprotected(ACCEPTED)), message_code=0x0018)
    assert read_device_message(in_payload(encode(other))) is None


@pytest.mark.parametrize("said", [*RECEIPTS, *map(alert_of, range(4))])
def test_an_alert_is_no_response(said):
    assert read_device_message(in_payload(encode(protected(unprotected(said))))) is None


@pytest.mark.parametrize("said", SAID)
def test_what_is_malformed_is_the_devices_fault(said):
    octets = encode(protected(unprotected(said)))
    with pytest.raises(RemoteError) as fault:
        read_device_message(in_payload(octets[:-1]))
    assert isinstance(fault.value.code, GbcsFault)


@given(st.one_of(st.binary(max_size=200), messages().map(encode)))
def test_no_octets_are_taken_for_the_devices(octets):
    response = in_payload(octets)
    try:
        read = read_device_message(response)
    except RemoteError:
        return
    if read is not None and judged(response) is None:
        assert read.message.target == ACB or not authentic(read.message)


# --- Published messages: other people's keys and octets ---

PUBLISHED = [
    "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE",
    "CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE",
    "CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT",
    "FDRA-DLMS_NA_8F72_ALERT",
    "FDRA-ZigBee_NA_8F72_ALERT",
    "ECS52_11.2_SUCCESS_RESPONSE",
    "GCS38_11.2_SUCCESS_RESPONSE",
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_message_is_believed_with_published_keys(name):
    keystore = load_keystore(require_keystore())
    devices = CertificateSet(load_certificates(require_vectors() / "keys"))
    message = decode(gbcs_vector(name))
    assert message.target == SUPPLIER
    assert authentic(message, JoinedDirectory(devices, keystore), keystore)
    assert not authentic(message, keystore, keystore)


@pytest.mark.parametrize("name", ["ECS52_11.2_SUCCESS_RESPONSE", "boxed-readfw-response.xml"])
def test_a_recorded_answer_names_its_request(name):
    response = decode_response(open_document(duis_vector(name)))
    read = read_device_message(response)
    assert read.answers == response.request_id
    assert judged(response) is None
