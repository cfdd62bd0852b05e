"""The test PKI: what it makes, that OpenSSL agrees, that it repeats itself, and its chains."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import require_tool

from hanota.errors import LocalError, RemoteError
from hanota.limits import CERTIFICATES_CACHED_MAX
from hanota.model import KeyUsage, Role, instant_ms
from hanota.smki import profile
from hanota.smki.certificates import Authority, decode_authority, decode_certificate
from hanota.smki.chain import verify_chain
from hanota.smki.keys import verify
from hanota.smki.minting import Issuer, authority_name, key_identifier, mint_authority
from hanota.smki.organisations import (
    ACCESS_CONTROL_BROKER,
    NETWORK_OPERATOR,
    ORGANISATIONS,
    OTHER_USER,
    RECOVERY,
    SUPPLIER,
    SUPPLIER_2,
    USAGES_OF_ROLE,
    Organisation,
)
from hanota.smki.pki import TestPki
from hanota.wire.codes import CertificateFault

PKI = TestPki(b"seed")
ROOT, DEVICE_ISSUER, ORGANISATION_ISSUER = PKI.authorities
PPMID = 0x00DB1234567890A4
SIGNATURE, AGREEMENT = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
NOW_MS = instant_ms(datetime(2026, 1, 1, tzinfo=UTC))
BEFORE_MS = instant_ms(datetime(2015, 12, 31, tzinfo=UTC))
AFTER_MS = instant_ms(datetime(2200, 1, 1, tzinfo=UTC))

IDENTITIES = [
    *((PPMID, usage, None) for usage in KeyUsage),
    *((eui, usage, None) for eui in (0, 2**64 - 1) for usage in KeyUsage),
    *(
        (organisation.eui, usage, role)
        for organisation in ORGANISATIONS
        for role in organisation.roles
        for usage in USAGES_OF_ROLE[role]
    ),
]


def fault_of(*args, **kwargs) -> CertificateFault | None:
    try:
        verify_chain(*args, **kwargs)
    except RemoteError as error:
        return CertificateFault(error.code)
    return None


# --- What it makes ---


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_a_certificate_states_the_identity_it_was_asked_for_and_its_key(identity):
    role = identity[2]
    certificate = PKI.certificate(*identity)
    assert (certificate.eui, certificate.usage, certificate.role) == identity
    assert certificate.public_key == PKI.private_key(*identity).public_key()
    assert certificate.issuer == ("CN=H357" if role is None else "CN=H1,OU=07")
    assert len(f"{certificate.serial:x}") == 32
    assert certificate.not_before_ms < NOW_MS < certificate.not_after_ms
    assert verify_chain(certificate, PKI.authorities, NOW_MS) is None


def test_serial_numbers_and_keys_are_unique_over_identities_and_seeds():
    others = TestPki(b"another seed")
    made = [pki.certificate(*identity) for pki in (PKI, others) for identity in IDENTITIES]
    made_authorities = [*PKI.authorities, *others.authorities]
    serials = [each.serial for each in (*made, *made_authorities)]
    assert len(set(serials)) == len(serials)
    points = [each.public_key.public_numbers() for each in (*made, *made_authorities)]
    assert len(set(points)) == len(points)


def test_the_same_seed_gives_the_same_octets_in_any_order():
    again = TestPki(b"seed")
    for identity in reversed(IDENTITIES):
        assert again.certificate(*identity).der == PKI.certificate(*identity).der
    assert again.authorities == PKI.authorities


@given(st.integers(0, 2**64 - 1), st.sampled_from(KeyUsage))
def test_any_device_has_a_certificate_that_its_serial_number_finds(eui, usage):
    certificate = PKI.certificate(eui, usage)
    assert decode_certificate(certificate.der) == certificate
    assert PKI.by_serial(certificate.serial) is certificate
    assert PKI.find(eui, usage) == (certificate,) or eui in {each.eui for each in ORGANISATIONS}


def test_a_certificate_has_the_fields_of_a_public_device_certificate():
    """Field by field as cryptography's own X.509 reader, which minting does not use, sees them."""
    certificate = x509.load_der_x509_certificate(PKI.certificate(PPMID, SIGNATURE).der)
    assert list(certificate.subject) == []
    assert certificate.not_valid_after_utc == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    shape = [(each.oid.dotted_string, each.critical) for each in certificate.extensions]
    assert shape == [
        ("2.5.29.15", True),
        ("2.5.29.14", False),
        ("2.5.29.17", True),
        ("2.5.29.32", True),
        ("2.5.29.35", False),
    ]
    usage, subject_key, alternative, policies, authority_key = (
        each.value for each in certificate.extensions
    )
    assert usage.digital_signature
    assert not usage.key_agreement
    assert len(subject_key.digest) == len(authority_key.key_identifier) == 8
    assert [each.policy_identifier.dotted_string for each in policies] == [
        "1.2.826.0.1.1800000.1.2.1.4"
    ]
    (name,) = alternative
    assert name.type_id.dotted_string == "1.3.6.1.5.5.7.8.4"
    assert name.value.endswith(bytes.fromhex("040800DB1234567890A4"))


def test_an_organisation_has_the_fields_of_a_public_one():
    der = PKI.certificate(SUPPLIER, SIGNATURE, Role.XML_SIGNING).der
    certificate = x509.load_der_x509_certificate(der)
    assert [(each.oid.dotted_string, each.value) for each in certificate.subject] == [
        ("2.5.4.3", "SUPPLIER"),
        ("2.5.4.11", "87"),
        ("2.5.4.45", bytes.fromhex("0090B3D51F30010000")),
    ]
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
    assert policies.critical
    assert [each.policy_identifier.dotted_string for each in policies.value] == [
        "1.2.826.0.1.8641679.1.2.1.4"
    ]


@pytest.mark.oracle
def test_openssl_verifies_every_chain(tmp_path: Path):
    openssl = require_tool("openssl")
    for name, each in zip(("root", "devices", "organisations"), PKI.authorities, strict=True):
        (tmp_path / f"{name}.pem").write_text(DER_cert_to_PEM_cert(each.der))
    leaves = []
    for number, identity in enumerate(IDENTITIES):
        leaf = tmp_path / f"{number}.pem"
        leaf.write_text(DER_cert_to_PEM_cert(PKI.certificate(*identity).der))
        leaves.append(leaf.name)
    command = [openssl, "verify", "-x509_strict", "-CAfile", "root.pem"]
    command += ["-untrusted", "devices.pem", "-untrusted", "organisations.pem", *leaves]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [f"{leaf}: OK" for leaf in leaves]


# --- Who has which certificates ---


def test_an_identity_without_a_role_is_the_first_one_that_fits():
    assert PKI.certificate(ACCESS_CONTROL_BROKER, SIGNATURE).role is Role.ACCESS_CONTROL_BROKER
    assert PKI.certificate(SUPPLIER, AGREEMENT).role is Role.SUPPLIER
    assert PKI.certificate(PPMID, SIGNATURE).role is None


FOUND = [
    ((SUPPLIER, SIGNATURE, None), [Role.SUPPLIER, Role.XML_SIGNING]),
    ((SUPPLIER, SIGNATURE, Role.XML_SIGNING), [Role.XML_SIGNING]),
    ((SUPPLIER, AGREEMENT, None), [Role.SUPPLIER]),
    ((SUPPLIER, AGREEMENT, Role.XML_SIGNING), []),
    ((SUPPLIER_2, SIGNATURE, None), [Role.SUPPLIER]),
    (
        (ACCESS_CONTROL_BROKER, SIGNATURE, None),
        [Role.ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING],
    ),
    ((NETWORK_OPERATOR, AGREEMENT, None), [Role.NETWORK_OPERATOR]),
    ((OTHER_USER, SIGNATURE, Role.XML_SIGNING), [Role.XML_SIGNING]),
    ((RECOVERY, AGREEMENT, None), []),
    ((PPMID, SIGNATURE, None), [None]),
    ((PPMID, SIGNATURE, Role.SUPPLIER), []),
]


@pytest.mark.parametrize(("asked", "roles"), FOUND, ids=str)
def test_find_gives_the_certificates_of_an_identity_in_the_order_of_its_roles(asked, roles):
    assert [certificate.role for certificate in PKI.find(*asked)] == roles


@pytest.mark.parametrize(
    "identity",
    [
        (RECOVERY, AGREEMENT, None),
        (SUPPLIER, AGREEMENT, Role.XML_SIGNING),
        (SUPPLIER, SIGNATURE, Role.NETWORK_OPERATOR),
        (PPMID, SIGNATURE, Role.SUPPLIER),
    ],
)
def test_an_identity_that_does_not_exist_has_no_certificate_and_no_key(identity):
    for ask in (PKI.certificate, PKI.private_key):
        with pytest.raises(LocalError, match=f"has no {identity[1].name} key of"):
            ask(*identity)


def test_the_organisations_can_be_other_ones():
    pki = TestPki(b"seed", [Organisation(PPMID, "ODD", (Role.SUPPLIER,))])
    assert pki.certificate(PPMID, SIGNATURE).role is Role.SUPPLIER
    assert pki.certificate(SUPPLIER, SIGNATURE).role is None


def test_no_organisation_is_an_authority():
    with pytest.raises(LocalError, match="EVIL can be no organisation in the role ROOT"):
        Organisation(1, "EVIL", (Role.SUPPLIER, Role.ROOT))


# --- As directory and signer ---


def test_serial_numbers_of_others_find_nothing():
    certificate = PKI.certificate(PPMID, SIGNATURE)
    flipped = [certificate.serial ^ 1 << bit for bit in range(128)]
    foreign = [TestPki(b"x").certificate(PPMID, SIGNATURE).serial]
    odd = [0, -1, 1, 1 << 128, certificate.serial + (1 << 128)]
    authorities = [authority.serial for authority in PKI.authorities]
    for serial in (*flipped, *foreign, *odd, *authorities):
        assert PKI.by_serial(serial) is None


def test_it_stands_for_its_own_certificates_while_they_are_valid():
    certificate = PKI.certificate(SUPPLIER, SIGNATURE, Role.XML_SIGNING)
    assert PKI.trusts(certificate, NOW_MS)
    assert PKI.trusts(certificate, certificate.not_before_ms)
    assert PKI.trusts(certificate, certificate.not_after_ms)
    assert not PKI.trusts(certificate, certificate.not_before_ms - 1)
    assert not PKI.trusts(certificate, certificate.not_after_ms + 1)
    assert not PKI.trusts(TestPki(b"x").certificate(SUPPLIER, SIGNATURE), NOW_MS)
    assert not PKI.trusts(replace(certificate, eui=SUPPLIER_2), NOW_MS)


def test_signatures_are_those_of_the_certificate_that_is_found_first():
    for eui, role in [
        (PPMID, None),
        (SUPPLIER, None),
        (SUPPLIER, Role.XML_SIGNING),
        (ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING),
    ]:
        (first, *_) = PKI.find(eui, SIGNATURE, role)
        assert verify(first.public_key, b"data", PKI.sign(eui, role, b"data"))


def test_both_sides_agree_on_one_secret():
    device = PKI.certificate(PPMID, AGREEMENT).public_key
    broker = PKI.certificate(ACCESS_CONTROL_BROKER, AGREEMENT).public_key
    secret = PKI.shared_secret(ACCESS_CONTROL_BROKER, device)
    assert len(secret) == 32
    assert PKI.shared_secret(PPMID, broker) == secret
    assert PKI.shared_secrets(PPMID, broker) == (secret,)
    assert PKI.shared_secret(SUPPLIER, device) != secret
    assert PKI.shared_secrets(RECOVERY, device) == ()


def test_what_it_keeps_is_bounded():
    pki = TestPki(b"bounded")
    first = pki.certificate(0, SIGNATURE)
    assert pki.certificate(0, SIGNATURE) is first
    for eui in range(1, CERTIFICATES_CACHED_MAX + 1):
        pki.certificate(eui, SIGNATURE)
    for cache in (pki._certificate, pki._private_key):
        assert cache.cache_info().currsize == CERTIFICATES_CACHED_MAX
    again = pki.by_serial(first.serial)
    assert again is not first
    assert again == first


# --- Chains ---


DEVICE = PKI.certificate(PPMID, SIGNATURE)


def test_a_chain_holds_at_its_dates_and_without_them():
    assert fault_of(DEVICE, PKI.authorities, NOW_MS) is None
    assert fault_of(DEVICE, PKI.authorities, BEFORE_MS) is CertificateFault.DATES
    assert fault_of(DEVICE, PKI.authorities, BEFORE_MS, check_dates=False) is None
    supplier = PKI.certificate(SUPPLIER, SIGNATURE)
    assert fault_of(supplier, PKI.authorities, AFTER_MS) is CertificateFault.DATES
    assert fault_of(DEVICE, PKI.authorities, AFTER_MS) is None


def test_every_link_has_to_be_valid():
    expired = replace(DEVICE_ISSUER, not_after_ms=NOW_MS - 1)
    assert fault_of(DEVICE, (ROOT, expired), NOW_MS) is CertificateFault.DATES
    expired_root = replace(ROOT, not_after_ms=NOW_MS - 1)
    assert fault_of(DEVICE, (expired_root, DEVICE_ISSUER), NOW_MS) is CertificateFault.DATES


@pytest.mark.parametrize(
    "authorities", [(), (ROOT,), (DEVICE_ISSUER,), (ROOT, ORGANISATION_ISSUER)]
)
def test_a_chain_without_its_links_is_refused(authorities):
    assert fault_of(DEVICE, authorities, NOW_MS) is CertificateFault.UNKNOWN_ISSUER


def test_authorities_of_the_same_name_and_other_keys_are_refused():
    others = TestPki(b"x").authorities
    assert fault_of(DEVICE, others, NOW_MS) is CertificateFault.SIGNATURE
    assert fault_of(DEVICE, (others[0], DEVICE_ISSUER), NOW_MS) is CertificateFault.SIGNATURE


def test_an_authority_that_renewed_its_key_is_tried_with_both():
    others = TestPki(b"x").authorities
    assert fault_of(DEVICE, (*others, *PKI.authorities), NOW_MS) is None


def test_every_bit_of_what_is_signed_and_of_the_signature_counts():
    whole, decoded = DEVICE.der, 0
    for bit in range(8 * len(whole)):
        octets = bytearray(whole)
        octets[bit // 8] ^= 1 << bit % 8
        try:
            flipped = decode_certificate(bytes(octets))
        except RemoteError:
            continue
        decoded += 1
        assert fault_of(flipped, PKI.authorities, NOW_MS, check_dates=False) in (
            CertificateFault.SIGNATURE,
            CertificateFault.UNKNOWN_ISSUER,
        )
    assert decoded > 1000


def test_a_signature_that_is_none_is_refused():
    signed = asn1.decode_der(profile.SignedCertificate, DEVICE.der)
    for signature in (b"", b"\x30\x00", b"\x00" * 72):
        signed.signature = asn1.BitString(signature, 0)
        certificate = decode_certificate(asn1.encode_der(signed))
        assert fault_of(certificate, PKI.authorities, NOW_MS) is CertificateFault.SIGNATURE


def test_a_chain_that_reaches_no_root_ends():
    """Two authorities that vouch for each other."""
    left, right = (
        Issuer(authority_name(name), key, key_identifier(key.public_key()))
        for name, key in (
            ("L", PKI.private_key(1, SIGNATURE)),
            ("R", PKI.private_key(2, SIGNATURE)),
        )
    )

    def vouched(issuer: Issuer, holder: Issuer) -> Authority:
        public_key = holder.private_key.public_key()
        return decode_authority(mint_authority(issuer, 1, public_key, name=holder.name))

    ring = (vouched(left, right), vouched(right, left))
    assert fault_of(ring[0], ring, NOW_MS) is CertificateFault.UNKNOWN_ISSUER
