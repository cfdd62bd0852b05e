"""Certificates against the published ones, OpenSSL's reading of them, and every odd form."""

import re
import subprocess
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import require_tool, require_vectors

from hanota.errors import RemoteError
from hanota.limits import CERTIFICATE_OCTETS_MAX
from hanota.model import KeyUsage, Role, instant_ms, utc
from hanota.smki import names, profile
from hanota.smki.certificates import decode_authority, decode_certificate
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire.codes import CertificateFault

PKI = TestPki(b"certificates")
DEVICE = PKI.certificate(0x00DB1234567890A4, KeyUsage.KEY_AGREEMENT).der
ORGANISATION = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE).der
ROOT = PKI.authorities[0].der

USAGES = {"ds": KeyUsage.DIGITAL_SIGNATURE, "ka": KeyUsage.KEY_AGREEMENT}
ROLES = {
    0x90B3D51F30000001: Role.RECOVERY,
    0x90B3D51F30000002: Role.ACCESS_CONTROL_BROKER,
    0x90B3D51F30000004: Role.TRANSITIONAL_COS,
    0x90B3D51F30000007: Role.WAN_PROVIDER,
    0x90B3D51F30010000: Role.SUPPLIER,
    0x90B3D51F30020000: Role.NETWORK_OPERATOR,
    0x90B3D51F30030000: Role.SUPPLIER,
}


def published() -> list[Path]:
    return sorted((require_vectors() / "keys").glob("*.pem"))


def der_of(path: Path) -> bytes:
    return PEM_cert_to_DER_cert(path.read_text())


def fault_of(der: bytes) -> CertificateFault | None:
    """The fault of a refused certificate, None of one that decodes; nothing else may happen."""
    try:
        decode_certificate(der)
    except RemoteError as error:
        return CertificateFault(error.code)
    return None


# --- The published certificates ---


def test_every_published_certificate_has_the_identity_that_its_file_is_named_for():
    assert len(published()) == 31
    for path in published():
        eui, usage = path.stem.split("-")
        certificate = decode_certificate(der_of(path))
        assert certificate.eui == int(eui, 16)
        assert certificate.usage is USAGES[usage]
        assert certificate.role is ROLES.get(certificate.eui)


def test_a_published_device_certificate_in_full():
    der = der_of(require_vectors() / "keys/00db1234567890a4-ds.pem")
    certificate = decode_certificate(der)
    assert certificate.serial == 0x3641B2225809FFBBA81B3E8E320AA6CF
    assert (certificate.issuer, certificate.subject_name) == ("CN=E357", "")
    assert utc(certificate.not_before_ms) == datetime(2016, 4, 6, tzinfo=UTC)
    assert utc(certificate.not_after_ms) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    point = "cacfbe7a7ce4af6c9be2ac0e3f849ffea209b997a070661950b517b122ea0d4b"
    assert f"{certificate.public_key.public_numbers().x:064x}" == point
    assert certificate.der == der


def test_a_published_organisation_certificate_in_full():
    certificate = decode_certificate(der_of(require_vectors() / "keys/90b3d51f30010000-ds.pem"))
    assert certificate.serial == 105986833131214866166891566273223584671
    assert certificate.issuer == "CN=Z1,OU=07"
    assert (
        certificate.subject_name
        == "x500UniqueIdentifier=#03090090B3D51F30010000,OU=02,CN=GITTESTSUPPLIER"
    )
    assert utc(certificate.not_after_ms) == datetime(2025, 10, 29, 23, 59, 59, tzinfo=UTC)


def openssl_reading(openssl: str, der: bytes) -> dict[str, str]:
    """serial, issuer, subject, notBefore and notAfter, and keyUsage as OpenSSL prints them."""
    command = [openssl, "x509", "-inform", "DER", "-noout", "-serial", "-issuer", "-subject"]
    command += ["-dates", "-nameopt", "RFC2253", "-dateopt", "iso_8601", "-ext", "keyUsage"]
    printed = subprocess.run(command, input=der, capture_output=True, check=True).stdout.decode()
    reading = dict(re.findall(r"^(\w+)=(.*)$", printed, re.MULTILINE))
    return {**reading, "keyUsage": printed.splitlines()[-1].strip()}


@pytest.mark.oracle
def test_openssl_reads_the_same_from_every_published_and_every_minted_certificate():
    openssl = require_tool("openssl")
    words = {
        KeyUsage.DIGITAL_SIGNATURE: "Digital Signature",
        KeyUsage.KEY_AGREEMENT: "Key Agreement",
    }
    for der in [*map(der_of, published()), DEVICE, ORGANISATION]:
        reading = openssl_reading(openssl, der)
        certificate = decode_certificate(der)
        assert int(reading["serial"], 16) == certificate.serial
        assert reading["issuer"] == certificate.issuer
        assert reading["subject"] == certificate.subject_name
        assert instant_ms(datetime.fromisoformat(reading["notBefore"])) == certificate.not_before_ms
        assert instant_ms(datetime.fromisoformat(reading["notAfter"])) == certificate.not_after_ms
        assert reading["keyUsage"] == words[certificate.usage]


# --- Damaged octets ---


@pytest.mark.parametrize("der", [DEVICE, ORGANISATION], ids=["device", "organisation"])
def test_every_truncation_and_every_octet_too_many_is_refused(der):
    assert fault_of(der) is None
    cut = {fault_of(der[:length]) for length in range(len(der))}
    assert cut == {CertificateFault.MALFORMED}
    assert fault_of(der + b"\x00") is CertificateFault.MALFORMED


@pytest.mark.parametrize("der", [DEVICE, ORGANISATION], ids=["device", "organisation"])
def test_every_single_bit_flip_gives_a_certificate_of_these_octets_or_a_fault(der):
    accepted = 0
    for bit in range(8 * len(der)):
        octets = bytearray(der)
        octets[bit // 8] ^= 1 << bit % 8
        flipped = bytes(octets)
        if fault_of(flipped) is None:
            accepted += 1
            assert asn1.encode_der(asn1.decode_der(profile.SignedCertificate, flipped)) == flipped
    # What a flip may change unnoticed is left to the signature: serial, dates, names, EUI-64.
    assert 0 < accepted < 4 * len(der)


@given(st.binary(max_size=600))
def test_any_octets_are_refused(octets):
    assert fault_of(octets) is not None


@given(st.data())
def test_any_damage_gives_a_certificate_or_a_fault(data):
    octets = bytearray(data.draw(st.sampled_from([DEVICE, ORGANISATION])))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(octets) - 1))
        octets[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    fault_of(bytes(octets))


def test_no_time_is_spent_on_octets_over_the_limit():
    assert fault_of(bytes(CERTIFICATE_OCTETS_MAX)) is CertificateFault.MALFORMED
    assert fault_of(bytes(CERTIFICATE_OCTETS_MAX + 1)) is CertificateFault.TOO_LARGE


# --- Forms that are DER and no SMKI certificate ---


def oid(text: str) -> ObjectIdentifier:
    return ObjectIdentifier(text)


def extension(stated: profile.ToBeSigned, kind: ObjectIdentifier) -> profile.Extension:
    (found,) = (each for each in stated.extensions if each.type == kind)
    return found


def attribute(kind: ObjectIdentifier, value: profile.AttributeValue) -> asn1.SetOf:
    return asn1.SetOf([profile.Attribute(type=kind, value=value)])


def eui_bits(octets: bytes, padding: int = 0) -> asn1.SetOf:
    return attribute(profile.X500_UNIQUE_IDENTIFIER, asn1.BitString(octets, padding))


def device_name(kind: ObjectIdentifier, serial_number: bytes) -> bytes:
    value = profile.HardwareModuleName(hardware_type=oid("1.2.3"), serial_number=serial_number)
    other_name = profile.OtherName(type=kind, value=value)
    return asn1.encode_der(profile.DeviceName(other_name=other_name))


def set_(path: str, value: object):
    """A change that sets one field of the certificate."""

    def change(signed: profile.SignedCertificate) -> None:
        *parents, last = path.split(".")
        target = signed
        for parent in parents:
            target = getattr(target, parent)
        setattr(target, last, value)

    return change


def set_extension(kind: ObjectIdentifier, value: bytes):
    return lambda signed: setattr(extension(signed.to_be_signed, kind), "value", value)


def drop_extension(kind: ObjectIdentifier):
    def change(signed: profile.SignedCertificate) -> None:
        signed.to_be_signed.extensions.remove(extension(signed.to_be_signed, kind))

    return change


def add_extension(kind: ObjectIdentifier, value: bytes, *, critical: bool = True):
    added = profile.Extension(type=kind, critical=critical, value=value)
    return lambda signed: signed.to_be_signed.extensions.append(added)


def add_to_subject(part: asn1.SetOf):
    return lambda signed: signed.to_be_signed.subject.append(part)


def swap_subject(index: int, part: asn1.SetOf):
    return lambda signed: signed.to_be_signed.subject.__setitem__(index, part)


POINT = bytes(
    asn1.decode_der(profile.SignedCertificate, DEVICE).to_be_signed.public_key.key.as_bytes()
)
OFF_CURVE = POINT[:-1] + bytes([POINT[-1] ^ 1])
COMPRESSED = bytes([2 + (POINT[-1] & 1)]) + POINT[1:33]
UNIT = profile.ORGANIZATIONAL_UNIT
USAGE, ALTERNATIVE = profile.KEY_USAGE, profile.SUBJECT_ALTERNATIVE_NAME
Fault = CertificateFault

# (certificate, change, fault, what it is)
ODD_FORMS = [
    (DEVICE, set_("to_be_signed.version", 1), Fault.MALFORMED, "version 2"),
    (DEVICE, set_("to_be_signed.serial", 0), Fault.MALFORMED, "serial 0"),
    (DEVICE, set_("to_be_signed.serial", -1), Fault.MALFORMED, "serial below 0"),
    (DEVICE, set_("to_be_signed.serial", 1 << 160), Fault.MALFORMED, "serial of 21 octets"),
    (DEVICE, set_("algorithm.algorithm", oid("1.2.840.10045.4.3.3")), Fault.ALGORITHM, "SHA-384"),
    (
        DEVICE,
        set_("to_be_signed.algorithm.algorithm", oid("1.2.840.10045.4.3.3")),
        Fault.ALGORITHM,
        "SHA-384 inside only",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.algorithm.curve", oid("1.3.132.0.34")),
        Fault.ALGORITHM,
        "P-384",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.algorithm.algorithm", oid("1.3.132.1.12")),
        Fault.ALGORITHM,
        "a key for ECDH only",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.key", asn1.BitString(OFF_CURVE, 0)),
        Fault.KEY,
        "a point off the curve",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.key", asn1.BitString(COMPRESSED, 0)),
        Fault.KEY,
        "a compressed point",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.key", asn1.BitString(b"\x00", 0)),
        Fault.KEY,
        "infinity",
    ),
    (
        DEVICE,
        set_("to_be_signed.public_key.key", asn1.BitString(POINT[:-1] + b"\x00", 1)),
        Fault.MALFORMED,
        "a point of 519 bits",
    ),
    (DEVICE, drop_extension(USAGE), Fault.USAGE, "no keyUsage"),
    (DEVICE, set_extension(USAGE, b"\x03\x02\x03\x88"), Fault.USAGE, "both usages"),
    (DEVICE, set_extension(USAGE, b"\x03\x02\x06\x40"), Fault.USAGE, "nonRepudiation"),
    (ORGANISATION, set_extension(USAGE, b"\x03\x02\x01\x06"), Fault.USAGE, "keyCertSign"),
    (DEVICE, set_extension(USAGE, b""), Fault.USAGE, "empty keyUsage"),
    (DEVICE, add_extension(USAGE, b"\x03\x02\x07\x80"), Fault.EXTENSION, "keyUsage twice"),
    (DEVICE, add_extension(oid("2.5.29.30"), b"0\x00"), Fault.EXTENSION, "name constraints"),
    (DEVICE, drop_extension(ALTERNATIVE), Fault.IDENTITY, "no name at all"),
    (DEVICE, add_to_subject(eui_bits(bytes(8))), Fault.IDENTITY, "device and organisation"),
    (
        DEVICE,
        set_extension(ALTERNATIVE, device_name(profile.HARDWARE_MODULE_NAME, bytes(7))),
        Fault.IDENTITY,
        "7 octets",
    ),
    (
        DEVICE,
        set_extension(ALTERNATIVE, device_name(oid("1.3.6.1.5.5.7.8.5"), bytes(8))),
        Fault.IDENTITY,
        "another kind of name",
    ),
    (DEVICE, set_extension(ALTERNATIVE, b"0\x03\x82\x01a"), Fault.MALFORMED, "a DNS name"),
    (ORGANISATION, swap_subject(2, eui_bits(bytes(9))), Fault.IDENTITY, "9 octets"),
    (ORGANISATION, swap_subject(2, eui_bits(bytes(8), 1)), Fault.MALFORMED, "63 bits"),
    (
        ORGANISATION,
        swap_subject(2, attribute(profile.X500_UNIQUE_IDENTIFIER, "90B3D51F30010000")),
        Fault.IDENTITY,
        "EUI-64 as text",
    ),
    (ORGANISATION, add_to_subject(eui_bits(bytes(8))), Fault.IDENTITY, "two EUI-64s"),
    (ORGANISATION, swap_subject(1, attribute(UNIT, "0A")), Fault.IDENTITY, "no known role"),
    (ORGANISATION, swap_subject(1, attribute(UNIT, "2")), Fault.IDENTITY, "one digit"),
    (
        ORGANISATION,
        swap_subject(1, attribute(profile.COMMON_NAME, "02")),
        Fault.IDENTITY,
        "no organizational unit",
    ),
    (ORGANISATION, add_to_subject(attribute(UNIT, "02")), Fault.IDENTITY, "two roles"),
    (
        ORGANISATION,
        swap_subject(
            0,
            asn1.SetOf(
                [
                    profile.Attribute(type=profile.COMMON_NAME, value="A"),
                    profile.Attribute(type=profile.COMMON_NAME, value="B"),
                ]
            ),
        ),
        Fault.MALFORMED,
        "two attributes in one place",
    ),
]


def changed(der: bytes, change) -> bytes:
    signed = asn1.decode_der(profile.SignedCertificate, der)
    change(signed)
    return asn1.encode_der(signed)


@pytest.mark.parametrize(
    ("der", "change", "fault"),
    [case[:3] for case in ODD_FORMS],
    ids=[case[3] for case in ODD_FORMS],
)
def test_what_is_no_smki_certificate_is_refused_with_its_fault(der, change, fault):
    assert fault_of(changed(der, change)) is fault


GOOD_FORMS = [
    (add_extension(oid("1.2.3.4"), b"?", critical=False), "an unknown extension, not critical"),
    (add_extension(profile.BASIC_CONSTRAINTS, b"0\x00"), "basicConstraints that deny authority"),
    (set_("to_be_signed.serial", 1), "the shortest serial"),
    (set_("to_be_signed.serial", (1 << 160) - 1), "the longest serial"),
]


@pytest.mark.parametrize("der", [DEVICE, ORGANISATION], ids=["device", "organisation"])
@pytest.mark.parametrize("change", [case[0] for case in GOOD_FORMS], ids=[c[1] for c in GOOD_FORMS])
def test_forms_that_only_look_odd_decode(der, change):
    assert fault_of(changed(der, change)) is None


def test_every_role_of_the_model_is_read_from_its_two_hex_digits():
    for role in Role:
        change = swap_subject(1, attribute(UNIT, asn1.PrintableString(f"{role:02X}")))
        assert decode_certificate(changed(ORGANISATION, change)).role is role


# --- Authorities ---


def test_an_authority_is_no_certificate_and_a_certificate_no_authority():
    assert decode_authority(ROOT).name == "CN=H0,OU=00"
    assert fault_of(ROOT) is CertificateFault.IDENTITY
    for der in (DEVICE, ORGANISATION):
        with pytest.raises(RemoteError, match="keyUsage does not let it sign") as refused:
            decode_authority(der)
        assert refused.value.code is CertificateFault.USAGE


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (set_extension(USAGE, b"\x03\x02\x07\x80"), Fault.USAGE),
        (set_extension(profile.BASIC_CONSTRAINTS, b"0\x00"), Fault.USAGE),
        (set_extension(profile.BASIC_CONSTRAINTS, b"0"), Fault.MALFORMED),
        (drop_extension(profile.BASIC_CONSTRAINTS), Fault.MALFORMED),
    ],
)
def test_who_may_not_issue_is_no_authority(change, fault):
    with pytest.raises(RemoteError) as refused:
        decode_authority(changed(ROOT, change))
    assert refused.value.code is fault


def test_every_damage_to_an_authority_gives_an_authority_or_a_fault():
    for octets in (*(ROOT[:n] for n in range(len(ROOT))), ROOT + b"\x00"):
        with pytest.raises(RemoteError):
            decode_authority(octets)
    for bit in range(8 * len(ROOT)):
        octets = bytearray(ROOT)
        octets[bit // 8] ^= 1 << bit % 8
        try:
            decode_authority(bytes(octets))
        except RemoteError as error:
            CertificateFault(error.code)


# --- Names ---


NAMES = [
    ([], ""),
    ([(UNIT, "07"), (profile.COMMON_NAME, "Z1")], "CN=Z1,OU=07"),
    ([(UNIT, asn1.PrintableString("07"))], "OU=07"),
    ([(oid("2.5.4.10"), "Smart")], "2.5.4.10=Smart"),
    ([(profile.COMMON_NAME, 'a,b+c"d\\e<f>g;h')], r"CN=a\,b\+c\"d\\e\<f\>g\;h"),
    ([(profile.COMMON_NAME, " a ")], r"CN=\ a\ "),
    ([(profile.COMMON_NAME, " ")], r"CN=\ "),
    ([(profile.COMMON_NAME, "#1")], r"CN=\#1"),
    ([(profile.COMMON_NAME, "a\x00b")], r"CN=a\00b"),
    ([(profile.COMMON_NAME, "Z1,OU=07")], r"CN=Z1\,OU=07"),
    (
        [(profile.X500_UNIQUE_IDENTIFIER, asn1.BitString(b"\xa5", 0))],
        "x500UniqueIdentifier=#030200A5",
    ),
]


@pytest.mark.parametrize(("attributes", "text"), NAMES)
def test_names_are_written_as_rfc_4514_says(attributes, text):
    assert names.text([attribute(*each) for each in attributes]) == text


def test_certificates_are_equal_and_hash_by_their_octets():
    again = decode_certificate(deepcopy(DEVICE))
    assert again == decode_certificate(DEVICE)
    assert {again: 1}[decode_certificate(DEVICE)] == 1
    assert again != decode_certificate(changed(DEVICE, set_("to_be_signed.serial", 1)))
