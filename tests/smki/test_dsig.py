"""Signed DUIS documents: made and recorded ones, and every signer who may not sign."""

from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from signxml import SignatureConfiguration, XMLVerifier
from signxml.algorithms import CanonicalizationMethod
from tests.vectors import duis_vector, require_keystore

from hanota.errors import LocalError, RemoteError
from hanota.model import KeyUsage, RequestID, Role
from hanota.smki import dsig
from hanota.smki.directory import CertificateSet, JoinedDirectory
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    NETWORK_OPERATOR,
    RECOVERY,
    SUPPLIER,
    SUPPLIER_2,
)
from hanota.smki.pki import TestPki
from hanota.smki.stores import load_keystore
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import encode_request, encode_response
from hanota.wire.duis.signature import DocumentSigner, sign_document
from hanota.wire.duis.values import ReadFirmwareVersion, Request, Response, ResponseMessage

PKI = TestPki(b"dsig")
DCC = ACCESS_CONTROL_BROKER
PPMID = 0x00DB1234567890A4
NOW_MS = 1_790_000_000_000
SIGNATURE = KeyUsage.DIGITAL_SIGNATURE
XML_SIGNING = PKI.certificate(SUPPLIER, SIGNATURE, Role.XML_SIGNING)


def request(originator: int = SUPPLIER) -> Request:
    return Request(
        request_id=RequestID(originator, PPMID, 5),
        command_variant=1,
        service_reference="11.2",
        service_reference_variant="11.2",
        body=ReadFirmwareVersion(),
    )


def response() -> Response:
    return Response(
        request_id=RequestID(SUPPLIER, PPMID, 5),
        response_code="I99",
        response_date_time_ms=NOW_MS,
        body=ResponseMessage("11.2", "11.2"),
    )


def signer_as(eui: int, role: Role | None = None, usage: KeyUsage = SIGNATURE) -> DocumentSigner:
    """One who signs with any certificate whatever the rules say."""
    certificate = PKI.certificate(eui, usage, role)
    private_key = PKI.private_key(eui, usage, role)
    return DocumentSigner(
        certificate.issuer, certificate.serial, lambda octets: dsig.keys.sign(private_key, octets)
    )


def user_of(octets: bytes, directory=PKI, at_ms: int = NOW_MS):
    return dsig.signer_of_request(open_document(octets), directory, at_ms)


def dcc_of(octets: bytes, directory=PKI, at_ms: int = NOW_MS):
    return dsig.signer_of_response(open_document(octets), DCC, directory, at_ms)


def refusal(check, octets: bytes, *args) -> str:
    with pytest.raises(RemoteError) as refused:
        check(octets, *args)
    assert refused.value.code is ResponseCode.E48
    return refused.value.reason


# --- What we sign, we accept ---


@pytest.mark.parametrize(
    ("originator", "role"),
    [
        (SUPPLIER, Role.XML_SIGNING),
        (NETWORK_OPERATOR, Role.XML_SIGNING),
        (SUPPLIER_2, Role.SUPPLIER),
    ],
)
def test_a_request_is_signed_by_its_originator_in_the_role_for_it(originator, role):
    signed = dsig.sign_request(request(originator), PKI, PKI)
    assert user_of(signed) == PKI.certificate(originator, SIGNATURE, role)


def test_an_answer_is_signed_by_the_dsp():
    signed = dsig.sign_response(response(), DCC, PKI, PKI)
    assert dcc_of(signed) == PKI.certificate(DCC, SIGNATURE, Role.DSP_XML_SIGNING)


def test_a_run_can_be_repeated_to_the_octet():
    again = TestPki(b"dsig")
    assert dsig.sign_request(request(), PKI, PKI) == dsig.sign_request(request(), again, again)


def test_what_nobody_signed_has_no_signer():
    assert user_of(encode_request(request())) is None
    assert dcc_of(encode_response(response())) is None


def test_who_has_no_certificate_cannot_sign():
    with pytest.raises(LocalError, match="90-B3-D5-1F-30-01-00-00 has no certificate"):
        dsig.sign_request(request(), CertificateSet([]), PKI)


@pytest.mark.oracle
def test_signxml_verifies_what_we_sign():
    signed = dsig.sign_request(request(), PKI, PKI)
    certificate = PKI.certificate(SUPPLIER, SIGNATURE, Role.XML_SIGNING)
    # XML-DSig implies C14N 1.0 where no transform gives octets; signxml would take 1.1.
    rules = SignatureConfiguration(
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0
    )
    pem = DER_cert_to_PEM_cert(certificate.der)
    assert XMLVerifier().verify(signed, x509_cert=pem, expect_config=rules).signed_data


# --- Who may not sign a request ---


def forged(originator: int, *signer) -> bytes:
    return encode_request(request(originator), signer_as(*signer))


FORGED_REQUESTS = [
    (
        forged(SUPPLIER, SUPPLIER_2),
        "SUPPLIER_2 for SUPPLIER",
        "signed a request of another originator",
    ),
    (forged(SUPPLIER, PPMID), "a device for SUPPLIER", "signed a request of another originator"),
    (forged(PPMID, PPMID), "a device for itself", "is not one for signing requests"),
    (
        forged(SUPPLIER, SUPPLIER, Role.SUPPLIER),
        "the wrong role",
        "is not one for signing requests",
    ),
    (
        forged(SUPPLIER, SUPPLIER, Role.SUPPLIER, KeyUsage.KEY_AGREEMENT),
        "a key agreement key",
        "is not one for signing",
    ),
    (
        encode_request(request(), DocumentSigner("CN=H1,OU=07", 1234567890, lambda _: bytes(64))),
        "nobody",
        "no certificate has the serial number 1234567890",
    ),
    (
        encode_request(
            request(),
            DocumentSigner(
                "CN=H1,OU=07",
                XML_SIGNING.serial,
                lambda octets: PKI.sign(SUPPLIER, Role.SUPPLIER, octets),
            ),
        ),
        "another key of the same user",
        f"the signature is not that of certificate {XML_SIGNING.serial}",
    ),
]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [(octets, reason) for octets, _, reason in FORGED_REQUESTS],
    ids=[name for _, name, _ in FORGED_REQUESTS],
)
def test_a_request_signed_by_who_may_not_is_refused(octets, reason):
    assert refusal(user_of, octets).endswith(reason)


def test_a_request_that_was_changed_is_refused():
    signed = dsig.sign_request(request(), PKI, PKI)
    changed = signed.replace(b":5</sr:RequestID>", b":6</sr:RequestID>")
    assert changed != signed
    assert "digest" in refusal(user_of, changed)


def test_a_request_whose_originator_cannot_be_read_is_refused():
    odd = encode_request(request()).replace(b"90-B3-D5", b"90_B3_D5")
    signed = sign_document(open_document(odd), signer_as(SUPPLIER, Role.XML_SIGNING))
    assert "another originator" in refusal(user_of, signed)


def test_the_case_of_an_originator_does_not_matter():
    lower = encode_request(request()).replace(b"90-B3-D5-1F", b"90-b3-d5-1f")
    signed = sign_document(open_document(lower), dsig.request_signer(SUPPLIER, PKI, PKI))
    assert user_of(signed).eui == SUPPLIER


def test_a_certificate_counts_only_while_it_is_valid():
    signed = dsig.sign_request(request(), PKI, PKI)
    certificate = user_of(signed)
    for at_ms in (certificate.not_before_ms - 1, certificate.not_after_ms + 1):
        assert "is not trusted at this time" in refusal(user_of, signed, PKI, at_ms)


def test_a_certificate_of_another_pki_does_not_count():
    other = TestPki(b"other")
    signed = dsig.sign_request(request(), other, other)
    assert "no certificate has the serial number" in refusal(user_of, signed)
    assert user_of(signed, JoinedDirectory(PKI, other)).eui == SUPPLIER


def test_an_answer_is_no_request():
    signed = encode_response(response(), signer_as(SUPPLIER, Role.XML_SIGNING))
    with pytest.raises(RemoteError) as refused:
        user_of(signed)
    assert refused.value.code is DuisFault.NOT_DUIS


# --- Who may not sign an answer ---


def test_the_broker_itself_may_sign_an_answer():
    signed = encode_response(response(), signer_as(DCC, Role.ACCESS_CONTROL_BROKER))
    assert dcc_of(signed).role is Role.ACCESS_CONTROL_BROKER


@pytest.mark.parametrize(
    ("signer", "reason"),
    [
        ((SUPPLIER, Role.XML_SIGNING), "signed an answer of the DCC"),
        ((RECOVERY,), "signed an answer of the DCC"),
        ((PPMID,), "signed an answer of the DCC"),
    ],
)
def test_an_answer_signed_by_who_is_not_the_dcc_is_refused(signer, reason):
    assert reason in refusal(dcc_of, encode_response(response(), signer_as(*signer)))


def test_the_dcc_signs_answers_with_a_certificate_for_them():
    """Were the EUI-64 of the DCC that of a supplier, its role would still tell."""
    signed = encode_response(response(), signer_as(SUPPLIER, Role.SUPPLIER))
    with pytest.raises(RemoteError, match="is not one for signing answers"):
        dsig.signer_of_response(open_document(signed), SUPPLIER, PKI, NOW_MS)


# --- Recorded documents and the npm keys ---


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ECS52_11.2_SUCCESS_RESPONSE", Role.ACCESS_CONTROL_BROKER),
        ("boxed-read-inventory-response-4g", Role.DSP_XML_SIGNING),
    ],
)
def test_recorded_answers_are_signed_by_the_dcc_of_the_npm_keys(name, role):
    certificate = dcc_of(duis_vector(name), load_keystore(require_keystore()))
    assert (certificate.eui, certificate.role) == (DCC, role)


@pytest.mark.parametrize(
    "name",
    [
        "boxed-read-inventory-response-5.4",
        "boxed-readfw-response.xml",
        "boxed-readfw-response-resigned",
    ],
)
def test_recorded_answers_with_newer_or_older_keys_have_an_unknown_serial_number(name):
    keystore = load_keystore(require_keystore())
    assert "no certificate has the serial number" in refusal(dcc_of, duis_vector(name), keystore)


@pytest.mark.parametrize(
    ("originator", "role"),
    [
        (SUPPLIER, Role.XML_SIGNING),
        (SUPPLIER_2, Role.SUPPLIER),
        (NETWORK_OPERATOR, Role.XML_SIGNING),
    ],
)
def test_the_npm_keys_sign_requests_as_the_npm_tool_does(originator, role):
    keystore = load_keystore(require_keystore())
    signed = dsig.sign_request(request(originator), keystore, keystore)
    assert user_of(signed, keystore).role is role
    assert user_of(signed, keystore).issuer == "CN=Z1,OU=07"


def test_a_signer_in_hardware_needs_no_private_key_here():
    """Any object that signs will do."""

    class Module:
        def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
            return PKI.sign(eui, role, data)

        def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
            return PKI.shared_secret(eui, peer)

        def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
            return PKI.shared_secrets(eui, peer)

    assert user_of(dsig.sign_request(request(), PKI, Module())).eui == SUPPLIER
