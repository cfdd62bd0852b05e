"""What keys say of signatures and MACs: which are tried, and what it means that none fits."""

import msgspec
import pytest

from hanota.model import KeyUsage, RequestID, Role
from hanota.smki import dsig, protection
from hanota.smki.directory import CertificateSet
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    NETWORK_OPERATOR,
    SUPPLIER,
    SUPPLIER_2,
)
from hanota.smki.pki import TestPki
from hanota.smki.stores import KeyStoreFile
from hanota.smki.verdict import (
    SignatureFinding,
    Verdict,
    judge_document,
    judge_image,
    judge_mac,
    judge_signature,
)
from hanota.wire.duis import open_document
from hanota.wire.duis import values as v
from hanota.wire.duis.messages import encode_request, encode_response
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.image import build_image

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
PKI = TestPki(b"verdict")
OLD_PKI = TestPki(b"old")
DEVICE = 0x00DB1234567890A0
OTHER_DEVICE = DEVICE + 1
BROKERS = (ACCESS_CONTROL_BROKER,)
NOTHING = CertificateSet(())
NO_KEYS = KeyStoreFile((), {})


def certificates(*identities, pki=PKI):
    return CertificateSet(pki.certificate(*identity) for identity in identities)


def key_store(*identities, pki=PKI):
    held = [pki.certificate(*identity) for identity in identities]
    return KeyStoreFile(
        held,
        {
            certificate.serial: pki.private_key(*identity)
            for certificate, identity in zip(held, identities, strict=True)
        },
    )


def message(cra, originator, target, party=None):
    return GbcsMessage(
        cra,
        counter=1,
        originator=originator,
        target=target,
        message_code=0x0062,
        content=b"",
        supplementary_party=party,
    )


def with_mac(bare, holder, peer, pki=PKI):
    return protection.add_mac(bare, pki.shared_secret(holder, pki.certificate(peer, KA).public_key))


# --- Signatures of GBCS messages ---


def test_a_signature_is_the_originators():
    bare = message(Cra.COMMAND, SUPPLIER, DEVICE)
    signed = protection.sign(bare, PKI.private_key(SUPPLIER, DS, Role.SUPPLIER))
    assert judge_signature(bare, PKI) is Verdict.ABSENT
    assert judge_signature(signed, PKI) is Verdict.VALID
    assert judge_signature(signed, NOTHING) is Verdict.UNKNOWN_KEY
    assert judge_signature(signed, certificates((SUPPLIER, KA))) is Verdict.UNKNOWN_KEY
    assert judge_signature(signed, certificates((SUPPLIER_2, DS))) is Verdict.UNKNOWN_KEY
    assert judge_signature(signed, certificates((SUPPLIER, DS), pki=OLD_PKI)) is Verdict.INVALID


def test_any_key_of_the_originator_may_fit():
    signed = protection.sign(message(Cra.ALERT, DEVICE, SUPPLIER), PKI.private_key(DEVICE, DS))
    both = CertificateSet((OLD_PKI.certificate(DEVICE, DS), PKI.certificate(DEVICE, DS)))
    assert judge_signature(signed, both) is Verdict.VALID


def test_the_supplementary_party_signs_nothing():
    bare = message(Cra.COMMAND, ACCESS_CONTROL_BROKER, DEVICE, party=SUPPLIER)
    signed = protection.sign(bare, PKI.private_key(SUPPLIER, DS, Role.SUPPLIER))
    assert judge_signature(signed, PKI) is Verdict.INVALID


# --- MACs ---

# Who has made the MAC, and whose certificate and whose private key tell.
MACED = {
    "command": (
        message(Cra.COMMAND, SUPPLIER, DEVICE),
        ACCESS_CONTROL_BROKER,
        DEVICE,
    ),
    "response": (message(Cra.RESPONSE, DEVICE, SUPPLIER), SUPPLIER, DEVICE),
    "alert": (message(Cra.ALERT, DEVICE, NETWORK_OPERATOR), NETWORK_OPERATOR, DEVICE),
}


@pytest.mark.parametrize(("bare", "organisation", "device"), MACED.values(), ids=MACED)
def test_a_mac_takes_a_private_key_of_one_side_and_a_certificate_of_the_other(
    bare, organisation, device
):
    maced = with_mac(bare, organisation, device)
    ours, theirs = (organisation, KA), (device, KA)
    assert judge_mac(bare, PKI, PKI, BROKERS) is Verdict.ABSENT
    assert judge_mac(maced, certificates(theirs), key_store(ours), BROKERS) is Verdict.VALID
    assert judge_mac(maced, certificates(ours), key_store(theirs), BROKERS) is Verdict.VALID
    for directory, signer in (
        (NOTHING, key_store(ours)),
        (certificates(theirs), NO_KEYS),
        (certificates(ours), key_store(ours)),
        (certificates((OTHER_DEVICE, KA)), key_store(ours)),
        (certificates(theirs), key_store((SUPPLIER_2, KA))),
    ):
        assert judge_mac(maced, directory, signer, BROKERS) is Verdict.UNKNOWN_KEY
    wrong = key_store(ours, pki=OLD_PKI)
    assert judge_mac(maced, certificates(theirs), wrong, BROKERS) is Verdict.INVALID


def test_any_pair_of_keys_may_fit():
    maced = with_mac(message(Cra.RESPONSE, DEVICE, SUPPLIER), SUPPLIER, DEVICE)
    devices = CertificateSet((OLD_PKI.certificate(DEVICE, KA), PKI.certificate(DEVICE, KA)))
    held = [pki.certificate(SUPPLIER, KA) for pki in (OLD_PKI, PKI)]
    keys = {
        certificate.serial: pki.private_key(SUPPLIER, KA)
        for certificate, pki in zip(held, (OLD_PKI, PKI), strict=True)
    }
    assert judge_mac(maced, devices, KeyStoreFile(held, keys), BROKERS) is Verdict.VALID


def test_any_broker_may_have_made_the_mac_of_a_command():
    maced = with_mac(message(Cra.COMMAND, SUPPLIER, DEVICE), ACCESS_CONTROL_BROKER, DEVICE)
    assert judge_mac(maced, PKI, PKI, (NETWORK_OPERATOR,)) is Verdict.INVALID
    assert judge_mac(maced, PKI, PKI, (NETWORK_OPERATOR, *BROKERS)) is Verdict.VALID


# --- Images ---


def test_the_signature_of_an_image_tells_its_signer():
    image = build_image(
        image_type=0,
        manufacturer_code=0,
        file_version=1,
        manufacturer_image=b"image",
        signature=PKI.sign(SUPPLIER, Role.SUPPLIER, b"image"),
    )
    one, two = (PKI.certificate(eui, DS, Role.SUPPLIER) for eui in (SUPPLIER, SUPPLIER_2))
    assert judge_image(image, (two, one)) == SignatureFinding(Verdict.VALID, SUPPLIER)
    assert judge_image(image, (two,)) == SignatureFinding(Verdict.INVALID)
    assert judge_image(image, ()) == SignatureFinding(Verdict.UNKNOWN_KEY)
    unsigned = msgspec.structs.replace(image, signature=None)
    assert judge_image(unsigned, (one,)) == SignatureFinding(Verdict.ABSENT)


# --- Documents ---

REQUEST = v.Request(RequestID(SUPPLIER, DEVICE, 1), 1, "11.2", "11.2", v.ReadFirmwareVersion())
RESPONSE = v.Response(
    response_code="I99", response_date_time_ms=0, body=v.ResponseMessage("11.2", "11.2")
)
XML = certificates(
    (SUPPLIER, DS, Role.XML_SIGNING),
    (SUPPLIER_2, DS, Role.SUPPLIER),
    (ACCESS_CONTROL_BROKER, DS, Role.DSP_XML_SIGNING),
)


def test_the_signature_of_a_request():
    signed = dsig.sign_request(REQUEST, PKI, PKI)
    document = open_document(signed)
    assert judge_document(document, XML) == SignatureFinding(Verdict.VALID, SUPPLIER)
    assert judge_document(document, NOTHING) == SignatureFinding(Verdict.UNKNOWN_KEY)
    unsigned = open_document(encode_request(REQUEST))
    assert judge_document(unsigned, XML) == SignatureFinding(Verdict.ABSENT)
    changed = open_document(signed.replace(b":1<", b":2<"))
    assert judge_document(changed, NOTHING).verdict is Verdict.INVALID
    foreign = open_document(encode_request(REQUEST, dsig.request_signer(SUPPLIER_2, PKI, PKI)))
    verdict, signer, fault = judge_document(foreign, XML)
    assert (verdict, signer) == (Verdict.INVALID, None)
    assert "another originator" in fault


def test_the_signature_of_an_answer_is_that_of_a_dcc():
    signed = dsig.sign_response(RESPONSE, ACCESS_CONTROL_BROKER, PKI, PKI)
    assert judge_document(open_document(signed), XML) == SignatureFinding(
        Verdict.VALID, ACCESS_CONTROL_BROKER
    )
    by_user = encode_response(RESPONSE, dsig.request_signer(SUPPLIER, PKI, PKI))
    finding = judge_document(open_document(by_user), XML)
    assert finding.verdict is Verdict.INVALID
    assert "is not one for signing answers" in finding.fault
