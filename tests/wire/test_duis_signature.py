"""XML signatures: recorded, made, made by others, and every way to make a wrong one."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLSigner, XMLVerifier
from signxml.algorithms import CanonicalizationMethod
from tests.vectors import duis_vector, require_keystore
from tests.wire.duis_golden import REQUESTS, RESPONSES, SR, TO_DCC, request_text
from tests.wire.duis_messages import outcome, refused, requests, response_of, responses
from tests.wire.duis_referees import (
    DS,
    PRIVATE_KEY,
    PUBLIC_KEY,
    SERIAL,
    SIGNER,
    certificate_pem,
    ecdsa_verifies,
    schema_faults,
    verifies_independently,
)

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import values as v
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import (
    decode_request,
    encode_request,
    encode_response,
    with_signature_of,
)
from hanota.wire.duis.signature import (
    DocumentSigner,
    Signature,
    is_signed_by,
    read_signature,
    sign_document,
)

REQUEST = REQUESTS[2][0]
UNSIGNED = REQUESTS[2][1]
SIGNED = encode_request(REQUEST, SIGNER)
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


def signature_in(octets: bytes) -> Signature | None:
    return read_signature(open_document(octets))


def verified_request(octets: bytes) -> v.Request | None:
    """What a receiver does: the request if the signature is that of the key, else None."""
    document = open_document(octets)
    signature = read_signature(document)
    if signature is None or signature.serial != SERIAL:
        return None
    if not ecdsa_verifies(PUBLIC_KEY, signature.value, signature.signed_info):
        return None
    return decode_request(document)


def e48(octets: bytes) -> str:
    fault = refused(octets, signature_in)
    assert fault.code is ResponseCode.E48
    return fault.reason


def changed(old: str, new: str, octets: bytes = SIGNED) -> bytes:
    assert octets.count(old.encode()) >= 1
    return octets.replace(old.encode(), new.encode(), 1)


# --- Recorded ---

RECORDED = {
    "ECS52_11.2_SUCCESS_RESPONSE": 117636141832862931915946451229571981153,
    "boxed-read-inventory-response-4g": SERIAL,
    "boxed-read-inventory-response-5.4": 20315062944123339095836004026371736578,
    "boxed-readfw-response-resigned": 20315062944123339095836004026371736578,
    "boxed-readfw-response.xml": 50669612984035780968362471400449834504,
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_signature_has_the_digest_of_its_document(name):
    signature = signature_in(duis_vector(name))
    assert (signature.issuer, signature.serial) == ("CN=Z1,OU=07", RECORDED[name])
    assert len(signature.value) == 64


@pytest.mark.oracle
@pytest.mark.parametrize(
    "name", ["ECS52_11.2_SUCCESS_RESPONSE", "boxed-read-inventory-response-4g"]
)
def test_a_recorded_signature_is_that_of_the_published_certificate(name):
    keystore = json.loads(require_keystore().read_text())
    entry = keystore["90b3d51f30000002"]["digitalSignature"][str(RECORDED[name])]
    key = load_pem_x509_certificate(entry["certificate"].encode()).public_key()
    signature = signature_in(duis_vector(name))
    assert ecdsa_verifies(key, signature.value, signature.signed_info)
    assert verifies_independently(duis_vector(name), key)


@pytest.mark.parametrize("name", ["11.1", "11.4", "8.2", "8.13", "CS06_11.3_IMM", "GCS38"])
def test_the_placeholders_of_the_samples_are_no_signatures(name):
    assert "has 7 octets" in e48(duis_vector(name))


def test_a_recorded_answer_that_was_changed_is_refused():
    octets = duis_vector("boxed-readfw-response-resigned")
    assert "digest" in e48(octets.replace(b"11.2", b"11.3", 1))


def test_what_has_no_signature_says_so():
    assert signature_in(UNSIGNED) is None
    assert signature_in(duis_vector("boxed-acknowledgement-error")) is None


# --- Made here: verified by others ---

CONFIGURATION = SignatureConfiguration(
    default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0
)


def signxml_verifies(octets: bytes) -> bool:
    verified = XMLVerifier().verify(
        octets, x509_cert=certificate_pem(), expect_config=CONFIGURATION
    )
    return verified.signed_data is not None


MESSAGES = [(encode_request, value) for value, _ in REQUESTS] + [
    (encode_response, value) for value, _ in RESPONSES
]


@pytest.mark.oracle
@pytest.mark.parametrize(("encode", "message"), MESSAGES)
def test_what_is_signed_here_is_verified_by_others(encode, message):
    octets = encode(message, SIGNER)
    assert signxml_verifies(octets)
    assert verifies_independently(octets, PUBLIC_KEY)
    assert schema_faults(octets) == []


@given(requests() | responses())
def test_any_signed_message_is_verified_another_way_and_here(message):
    encode = encode_request if isinstance(message, v.Request) else encode_response
    octets = encode(message, SIGNER)
    assert verifies_independently(octets, PUBLIC_KEY)
    signature = signature_in(octets)
    assert ecdsa_verifies(PUBLIC_KEY, signature.value, signature.signed_info)
    assert (signature.issuer, signature.serial) == (SIGNER.issuer, SIGNER.serial)


@given(responses())
def test_a_response_under_another_certificate_says_the_same(message):
    other = DocumentSigner("CN=<another>", SIGNER.serial, SIGNER.sign)
    octets = encode_response(message, SIGNER)
    renewed = with_signature_of(other, octets)
    assert renewed == encode_response(message, other)
    assert [is_signed_by(one, other) for one in (octets, renewed)] == [False, True]
    assert with_signature_of(SIGNER, octets) is octets


def test_a_signature_says_what_its_signer_signed():
    seen = []
    spy = DocumentSigner("CN=<&>", 7, lambda octets: seen.append(octets) or bytes(64))
    signature = signature_in(encode_request(REQUEST, spy))
    assert signature == Signature("CN=<&>", 7, seen[0], bytes(64))


@pytest.mark.parametrize(
    "signer",
    [
        DocumentSigner("CN=Z1", 1, lambda _: bytes(63)),
        DocumentSigner("CN=Z1", 1, lambda _: bytes(70)),
        DocumentSigner("CN=Z1", -1, lambda _: bytes(64)),
        DocumentSigner("CN=Z1", 256**20, lambda _: bytes(64)),
        DocumentSigner("", 1, lambda _: bytes(64)),
        DocumentSigner("\x00", 1, lambda _: bytes(64)),
    ],
)
def test_a_signer_that_breaks_a_rule_signs_nothing(signer):
    with pytest.raises(LocalError):
        encode_request(REQUEST, signer)


# --- The traps of the DCC Boxed tools (duis.md, B4), on what is written here ---


@pytest.mark.parametrize(("encode", "message"), MESSAGES)
def test_what_is_signed_here_falls_into_no_trap_of_the_tools(encode, message):
    octets = encode(message, SIGNER)
    root = re.search(rb"<sr:Re(?:quest|sponse)[^>]*>", octets)[0]
    assert re.findall(rb"xmlns[:\w]*", root) == [b"xmlns:sr"]
    assert octets.count(b"xmlns:ds=") == 1
    assert b"\n" not in octets
    assert not re.search(rb">\s+<", octets)
    base64 = rb"(?:FirmwareImage|GBCSPayload|DigestValue|SignatureValue|DeviceGBCSResponse)"
    for text in re.findall(rb"<\w+:" + base64 + rb">([^<]*)<", octets):
        assert re.fullmatch(rb"[A-Za-z0-9+/]*={0,2}", text)
    assert re.search(rb"<ds:X509SerialNumber>%d</ds:X509SerialNumber>" % SERIAL, octets)
    assert octets.endswith((b"</ds:Signature></sr:Request>", b"</ds:Signature></sr:Response>"))


# --- Made by others: every form that is taken ---

STANDARD = (
    f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
    f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    "<ds:SignatureValue>{value}</ds:SignatureValue>"
    "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
    "<ds:X509IssuerName>CN=Z1,OU=07</ds:X509IssuerName>"
    f"<ds:X509SerialNumber>{SERIAL}</ds:X509SerialNumber>"
    "</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo></ds:Signature>"
)
ONE_TRANSFORM = f'<ds:Transform Algorithm="{ENVELOPED}"/>'
TWO_TRANSFORMS = ONE_TRANSFORM + f'<ds:Transform Algorithm="{EXCLUSIVE}"/>'


def signed_by_hand(template: str, unsigned: bytes = UNSIGNED, *, exclusive: bool = False) -> bytes:
    """The document with a signature of this form and a right digest and value, by lxml alone."""
    end = unsigned.rindex(b"</")
    blanks = template.replace(template.strip(), "").encode()
    root = etree.fromstring(unsigned[:end] + blanks + unsigned[end:])
    canonical = etree.tostring(root, method="c14n", exclusive=exclusive)
    digest = b64encode(sha256(canonical).digest()).decode()

    def filled(value: str) -> bytes:
        signature = template.replace("{digest}", digest).replace("{value}", value)
        return unsigned[:end] + signature.encode() + unsigned[end:]

    parsed = etree.fromstring(filled(""), etree.XMLParser(remove_comments=True))
    signed_info = parsed.find(f"{{{DS}}}Signature/{{{DS}}}SignedInfo")
    octets = etree.tostring(signed_info, method="c14n", exclusive=True)
    value = b64encode(SIGNER.sign(octets)).decode()
    return filled(value[:76] + "&#13;\n" + value[76:])


PRETTY = re.sub(r">\s*<", ">\n    <", STANDARD)

TAKEN = [
    (STANDARD, UNSIGNED, False),
    (PRETTY, UNSIGNED, False),
    (f"\n  {STANDARD}\n", UNSIGNED, False),
    (STANDARD.replace("ds:", "").replace(":ds", ""), UNSIGNED, False),
    (STANDARD.replace("ds:", "dsig:").replace(":ds", ":dsig"), UNSIGNED, False),
    (STANDARD.replace(ONE_TRANSFORM, TWO_TRANSFORMS), UNSIGNED, True),
    (PRETTY.replace("<ds:SignedInfo>", "<!-- c --><ds:SignedInfo><!-- c -->"), UNSIGNED, False),
    (STANDARD, UNSIGNED.replace(b"<sr:Body>", b"\n  <sr:Body>"), False),
    (STANDARD, UNSIGNED.replace(b" schema", b' xmlns:ns3="%b" schema' % DS.encode()), False),
    (STANDARD, UNSIGNED.replace(b" schema", b' xmlns:ds="%b" schema' % DS.encode()), False),
    (STANDARD.replace(f' xmlns:ds="{DS}"', f' xmlns="{DS}"'),
     UNSIGNED.replace(b" schema", b' xmlns:ds="%b" schema' % DS.encode()), False),
    (STANDARD, UNSIGNED.replace(b"xmlns:sr", b"xmlns").replace(b"sr:", b""), False),
    (STANDARD, UNSIGNED.replace(b"<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>",
                                b"<sr:ReadFirmwareVersion/>"), False),
    (STANDARD, b"\xef\xbb\xbf" + UNSIGNED[UNSIGNED.index(b"<sr:Request"):], False),
]  # fmt: skip


@pytest.mark.parametrize(("template", "unsigned", "exclusive"), TAKEN)
def test_every_form_of_the_profile_is_taken(template, unsigned, exclusive):
    octets = signed_by_hand(template, unsigned, exclusive=exclusive)
    assert verified_request(octets) == REQUEST
    assert verifies_independently(octets, PUBLIC_KEY)


@pytest.mark.oracle
def test_what_signxml_signs_is_taken():
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = signer.sign(etree.fromstring(UNSIGNED), key=PRIVATE_KEY, cert=certificate_pem().decode())
    octets = etree.tostring(root)
    # It names the certificate by itself; DUIS names it by serial number, outside what is signed.
    key_info = re.search(r"<ds:KeyInfo>.*</ds:KeyInfo>", STANDARD)[0].encode()
    octets = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", key_info, octets, flags=re.DOTALL)
    assert octets.count(b"Transform Algorithm") == 2
    assert verified_request(octets) == REQUEST


def test_a_comment_in_signed_text_hides_nothing():
    commented = changed("90-B3-D5", "90-B3<!-- x -->-D5")
    assert verified_request(commented) == REQUEST


# --- Every other form is refused ---

X509 = "<ds:X509IssuerSerial>"
PREFIXES = f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="sr"/>'
SHAPES = [
    ('URI=""', 'URI="#x"'),
    ('URI=""', 'URI="file:///etc/passwd"'),
    ('URI=""', 'URI="http://127.0.0.1:9/"'),
    (' URI=""', ""),
    ('URI=""', 'URI="" Id="x"'),
    ('URI=""', 'URI="" Type="http://www.w3.org/2000/09/xmldsig#Object"'),
    (ONE_TRANSFORM, ""),
    (ONE_TRANSFORM, ONE_TRANSFORM * 2),
    (ONE_TRANSFORM, f'<ds:Transform Algorithm="{EXCLUSIVE}"/>' + ONE_TRANSFORM),
    (ONE_TRANSFORM, TWO_TRANSFORMS + f'<ds:Transform Algorithm="{EXCLUSIVE}"/>'),
    (ONE_TRANSFORM, ONE_TRANSFORM.replace(ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116")),
    (ONE_TRANSFORM, ONE_TRANSFORM.replace(ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64")),
    (ONE_TRANSFORM, ONE_TRANSFORM.replace("/>", "><ds:XPath>true()</ds:XPath></ds:Transform>")),
    (f"<ds:Transforms>{ONE_TRANSFORM}</ds:Transforms>", ""),
    (f'Method Algorithm="{EXCLUSIVE}"',
     'Method Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
    (f'Method Algorithm="{EXCLUSIVE}"', f'Method Algorithm="{EXCLUSIVE}WithComments"'),
    (f'Method Algorithm="{EXCLUSIVE}"/>',
     f'Method Algorithm="{EXCLUSIVE}">{PREFIXES}</ds:CanonicalizationMethod>'),
    ("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"),
    ("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"),
    ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha1"),
    ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"),
    ("<ds:SignedInfo>", '<ds:SignedInfo Id="x">'),
    ("</ds:Reference>", '</ds:Reference><ds:Reference URI="#x"></ds:Reference>'),
    ("<ds:Reference ", "text<ds:Reference "),
    ("<ds:SignedInfo>", '<ds:SignedInfo xmlns:e="urn:e"><e:x/>'),
    ("{digest}", "<!---->{digest}="),
    ("{digest}", "{digest}{digest}"),
    ("{digest}", ""),
    ("{digest}", "\u00e9"),
    ("{value}", "{value}{value}"),
    ("{value}", ""),
    ("{value}", "<ds:x/>"),
    ("<ds:SignatureValue>", '<ds:SignatureValue Id="x">'),
    (f'<ds:Signature xmlns:ds="{DS}">', f'<ds:Signature xmlns:ds="{DS}" Id="x">'),
    (f'<ds:Signature xmlns:ds="{DS}">', f'<ds:Signature xmlns:ds="{DS}">text'),
    ("</ds:Signature>", "<ds:Object/></ds:Signature>"),
    ("</ds:Signature>", f'<ds:Object><ds:Signature xmlns:ds="{DS}"/></ds:Object></ds:Signature>'),
    ("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>"),
    (X509, "<ds:X509SKI>AA==</ds:X509SKI>" + X509),
    (X509, "<ds:X509IssuerSerial><ds:x/>"),
    ("<ds:X509IssuerName>CN=Z1,OU=07</ds:X509IssuerName>", ""),
    (f"<ds:X509SerialNumber>{SERIAL}</ds:X509SerialNumber>", ""),
    (f">{SERIAL}<", "><"),
    (f">{SERIAL}<", f">{SERIAL:x}g<"),
    (f">{SERIAL}<", f">-{SERIAL}<"),
    (f">{SERIAL}<", f">0{SERIAL}<"),
    (f">{SERIAL}<", f">{256**20}<"),
    (f">{SERIAL}<", f">{'9' * 10_000}<"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SHAPES)
def test_any_other_shape_is_refused_although_its_value_is_right(old, new):
    assert STANDARD.count(old)
    e48(signed_by_hand(STANDARD.replace(old, new, 1)))


def test_a_signature_without_key_info_is_refused():
    e48(signed_by_hand(re.sub("<ds:KeyInfo>.*</ds:KeyInfo>", "", STANDARD)))


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 1, 1, 2), (0, 0, 1, 2)])
def test_the_parts_of_a_signature_have_their_order(order):
    parts = re.findall(r"<ds:(SignedInfo|SignatureValue|KeyInfo)>.*?</ds:\1>", STANDARD)
    assert len(parts) == 3
    texts = [re.search(f"<ds:{part}>.*</ds:{part}>", STANDARD)[0] for part in parts]
    mixed = f'<ds:Signature xmlns:ds="{DS}">{"".join(texts[n] for n in order)}</ds:Signature>'
    e48(signed_by_hand(mixed))


def test_an_inclusive_digest_is_not_taken_for_an_exclusive_one_or_the_other_way_round():
    unsigned = UNSIGNED.replace(b" schema", b' xmlns:unused="urn:unused" schema')
    assert "digest" in e48(signed_by_hand(STANDARD, unsigned, exclusive=True))
    two = STANDARD.replace(ONE_TRANSFORM, TWO_TRANSFORMS)
    assert "digest" in e48(signed_by_hand(two, unsigned, exclusive=False))


def test_a_namespace_that_canonical_xml_cannot_have_is_refused():
    e48(changed("<sr:ReadFirmwareVersion>", '<sr:ReadFirmwareVersion xmlns:r="relative">'))


# --- Signatures that were moved, wrapped or doubled ---

SIGNATURE = re.search(rb"<ds:Signature .*</ds:Signature>", SIGNED)[0].decode()
BARE = SIGNED.replace(SIGNATURE.encode(), b"")
EVIL = request_text(TO_DCC, 8, "8.2", "<sr:ReadInventory><sr:DeviceID>00-00-00-00-00-00-00-00"
                    "</sr:DeviceID></sr:ReadInventory>")  # fmt: skip
INNER = SIGNED[SIGNED.index(b"<sr:Request") :].decode()

MOVED = [
    changed("<sr:Header>", SIGNATURE + "<sr:Header>", BARE),
    changed("<sr:Body>", SIGNATURE + "<sr:Body>", BARE),
    changed("</sr:Request>", SIGNATURE * 2 + "</sr:Request>", BARE),
    changed("<sr:Header>", SIGNATURE + "<sr:Header>", SIGNED),
    changed("</sr:Request>", SIGNATURE + "<sr:Body/></sr:Request>", BARE),
    changed("</sr:Request>", SIGNATURE + "</sr:Request>", EVIL),
    changed("</sr:Request>", f"<sr:Wrapped>{INNER}</sr:Wrapped>{SIGNATURE}</sr:Request>", EVIL),
    changed("<sr:Body>", f"<sr:Body>{INNER}</sr:Body>{SIGNATURE}<sr:Body>", EVIL),
    changed("</sr:Body>", f"{INNER}</sr:Body>{SIGNATURE}", EVIL),
]


@pytest.mark.parametrize("octets", MOVED)
def test_a_signature_in_the_wrong_place_is_refused(octets):
    e48(octets)


@pytest.mark.parametrize(
    "octets",
    [
        changed("</sr:Header>", SIGNATURE + "</sr:Header>", BARE),
        changed("</sr:Body>", SIGNATURE + "</sr:Body>", BARE),
        changed("</sr:ReadFirmwareVersion>", SIGNATURE + "</sr:ReadFirmwareVersion>", BARE),
        changed("<sr:Body>", f"<sr:Body>{INNER}", EVIL),
        changed("</sr:ReadInventory>", f"{INNER}</sr:ReadInventory>", EVIL),
    ],
)
def test_a_signature_below_the_root_signs_nothing_and_its_document_is_refused(octets):
    document = open_document(octets)
    assert read_signature(document) is None
    with pytest.raises(RemoteError):
        decode_request(document)


def test_a_document_of_two_bodies_is_refused_however_it_is_signed():
    two = UNSIGNED.replace(b"</sr:Body>", b"</sr:Body><sr:Body><sr:ReadFirmwareVersion/></sr:Body>")
    e48(signed_by_hand(STANDARD, two))


# --- Every length and every bit ---


def test_every_truncation_is_refused():
    for length in range(len(SIGNED)):
        refused(SIGNED[:length], verified_request)


@pytest.mark.parametrize("more", [b"x", b"\x00", b"<x/>", b"<", SIGNATURE.encode()])
def test_one_octet_too_many_is_refused(more):
    refused(SIGNED + more, verified_request)


def test_every_flipped_bit_is_refused_or_changes_nothing():
    """What is not signed (the declaration, the issuer's name) says nothing about the request."""
    flipped = bytearray(SIGNED)
    for at in range(len(SIGNED)):
        for bit in range(8):
            flipped[at] ^= 1 << bit
            match outcome(verified_request, bytes(flipped)):
                case RemoteError() | None:
                    pass
                case request:
                    assert request == REQUEST
            flipped[at] ^= 1 << bit


def test_every_changed_octet_of_what_is_signed_is_refused():
    start, end = SIGNED.index(b"<sr:Request"), SIGNED.index(b"<ds:KeyInfo>")
    for at in range(start, end):
        octets = SIGNED[:at] + bytes((SIGNED[at] ^ 1,)) + SIGNED[at + 1 :]
        assert isinstance(outcome(verified_request, octets), RemoteError | None)


# --- Documents that were made elsewhere ---


@pytest.mark.parametrize("name", ["11.1", "11.4", "8.13", "8.2", "CS06_11.3_F", "GCS38"])
def test_a_published_sample_can_be_signed(name):
    before = open_document(duis_vector(name))
    octets = sign_document(before, SIGNER)
    assert verified_request(octets) == decode_request(before)
    assert signxml_verifies(octets)
    assert verifies_independently(octets, PUBLIC_KEY)
    assert schema_faults(octets) == []
    assert not re.search(rb">\s+<", octets)
    assert octets.count(b"<ds:Signature ") == 1


def test_a_signature_takes_the_place_of_another():
    octets = duis_vector("boxed-readfw-response-resigned")
    signed = sign_document(open_document(octets), SIGNER)
    assert signature_in(signed).serial == SERIAL
    assert response_of(signed) == response_of(octets)
    assert verifies_independently(signed, PUBLIC_KEY)


def test_a_document_of_a_service_that_is_not_modelled_can_be_signed():
    octets = request_text(
        TO_DCC, 1, "4.16", "\n <sr:ReadActivePowerImport>\n </sr:ReadActivePowerImport>"
    )
    signed = sign_document(open_document(octets), SIGNER)
    assert verified_request(signed).body == v.OtherElement("ReadActivePowerImport")
    assert verifies_independently(signed, PUBLIC_KEY)


def test_signing_drops_blanks_and_nothing_else():
    octets = request_text(TO_DCC, 1, "4.16", "<sr:Odd>\n text <sr:A> </sr:A>\n more </sr:Odd>")
    signed = sign_document(open_document(octets), SIGNER)
    assert b"<sr:Odd>\n text <sr:A> </sr:A>\n more </sr:Odd>" in signed


def test_a_document_without_canonical_form_cannot_be_signed():
    octets = request_text(TO_DCC, 1, "4.16", '<sr:Odd xmlns:r="relative"/>')
    with pytest.raises(LocalError):
        sign_document(open_document(octets), SIGNER)


def test_signing_leaves_the_document_as_it_is():
    document = open_document(SIGNED)
    sign_document(document, SIGNER)
    read_signature(document)
    assert read_signature(document) == signature_in(SIGNED)
    assert SR in document.root.tag
