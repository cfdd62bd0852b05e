"""Certificates made by a test PKI, in the form of the public ones.

Devices: empty subject, policy of device certificates, no end. Organisations: common name, role
and EUI-64 in the subject, policy of organisation certificates. Every certificate has 8-octet key
identifiers (RFC 5280 4.2.1.2, method 2) and a deterministic signature, so that the same input
gives the same octets. Whose keys these are, and which serial numbers, is in `pki`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ObjectIdentifier

from hanota.model import KeyUsage, Role
from hanota.smki import profile

# One fixed start, before any time that a run may pretend to be.
NOT_BEFORE = datetime(2016, 1, 1, tzinfo=UTC)
# "No well-defined end" (RFC 5280 4.1.2.5), as in the public device certificates.
DEVICE_NOT_AFTER = AUTHORITY_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
# As the XML signing certificates of the public test PKI.
ORGANISATION_NOT_AFTER = datetime(2118, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: its name as it stands in what it issues, its key, and the key's identifier."""

    name: profile.Name
    private_key: ec.EllipticCurvePrivateKey
    key_identifier: bytes


def mint_device(
    issuer: Issuer,
    serial: int,
    public_key: ec.EllipticCurvePublicKey,
    *,
    eui: int,
    usage: KeyUsage,
) -> bytes:
    """The DER of a device's certificate."""
    device_name = profile.DeviceName(
        other_name=profile.OtherName(
            type=profile.HARDWARE_MODULE_NAME,
            value=profile.HardwareModuleName(
                hardware_type=_HARDWARE_TYPE, serial_number=eui.to_bytes(8, "big")
            ),
        )
    )
    extensions = [
        _USAGES[usage],
        _subject_key(key_identifier(public_key)),
        _critical(profile.SUBJECT_ALTERNATIVE_NAME, asn1.encode_der(device_name)),
        _DEVICE_POLICY,
        _authority_key(issuer.key_identifier),
    ]
    return _signed(
        issuer,
        serial,
        public_key,
        subject=[],
        not_after=DEVICE_NOT_AFTER,
        extensions=extensions,
    )


def mint_organisation(
    issuer: Issuer,
    serial: int,
    public_key: ec.EllipticCurvePublicKey,
    *,
    eui: int,
    usage: KeyUsage,
    role: Role,
    common_name: str,
) -> bytes:
    """The DER of an organisation's certificate in one of its roles."""
    subject = _name(
        (profile.COMMON_NAME, common_name),
        (profile.ORGANIZATIONAL_UNIT, f"{role:02X}"),
        (profile.X500_UNIQUE_IDENTIFIER, asn1.BitString(eui.to_bytes(8, "big"), 0)),
    )
    extensions = [
        _USAGES[usage],
        _subject_key(key_identifier(public_key)),
        _ORGANISATION_POLICY,
        _authority_key(issuer.key_identifier),
    ]
    return _signed(
        issuer,
        serial,
        public_key,
        subject=subject,
        not_after=ORGANISATION_NOT_AFTER,
        extensions=extensions,
    )


def mint_authority(
    issuer: Issuer,
    serial: int,
    public_key: ec.EllipticCurvePublicKey,
    *,
    name: profile.Name,
) -> bytes:
    """The DER of an authority's certificate; a root is issued by itself."""
    extensions = [
        _AUTHORITY,
        _AUTHORITY_USAGE,
        _subject_key(key_identifier(public_key)),
        _ORGANISATION_POLICY,
        _authority_key(issuer.key_identifier),
    ]
    return _signed(
        issuer,
        serial,
        public_key,
        subject=name,
        not_after=AUTHORITY_NOT_AFTER,
        extensions=extensions,
    )


def authority_name(common_name: str, role: Role | None = None) -> profile.Name:
    """The name of an authority: organisations' issuers have a role in it, devices' have none."""
    if role is None:
        return _name((profile.COMMON_NAME, asn1.PrintableString(common_name)))
    return _name(
        (profile.ORGANIZATIONAL_UNIT, asn1.PrintableString(f"{role:02X}")),
        (profile.COMMON_NAME, asn1.PrintableString(common_name)),
    )


def key_identifier(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """RFC 5280 4.2.1.2, method 2: 0100 and the last 60 bits of the SHA-1 of the point."""
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = sha1(point, usedforsecurity=False).digest()
    return bytes((0x40 | digest[12] & 0x0F,)) + digest[13:]


_ECDSA = ec.ECDSA(SHA256(), deterministic_signing=True)
# RFC 5280 4.1.2.5: dates through 2049 are UTCTime, later ones GeneralizedTime.
_GENERALIZED_TIME_FROM_YEAR = 2050
# The hardware type in the public device certificates.
_HARDWARE_TYPE = ObjectIdentifier("1.2.826.0.1.8641679.1.2.2.1")


def _signed(
    issuer: Issuer,
    serial: int,
    public_key: ec.EllipticCurvePublicKey,
    *,
    subject: profile.Name,
    not_after: datetime,
    extensions: list[profile.Extension],
) -> bytes:
    algorithm = profile.SignatureAlgorithm(algorithm=profile.ECDSA_WITH_SHA256)
    stated = profile.ToBeSigned(
        version=profile.VERSION_3,
        serial=serial,
        algorithm=algorithm,
        issuer=issuer.name,
        validity=profile.Validity(not_before=_time(NOT_BEFORE), not_after=_time(not_after)),
        subject=subject,
        public_key=_public_key_info(public_key),
        extensions=extensions,
    )
    signature = issuer.private_key.sign(asn1.encode_der(stated), _ECDSA)
    return asn1.encode_der(
        profile.SignedCertificate(
            to_be_signed=stated, algorithm=algorithm, signature=asn1.BitString(signature, 0)
        )
    )


def _public_key_info(public_key: ec.EllipticCurvePublicKey) -> profile.PublicKeyInfo:
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return profile.PublicKeyInfo(
        algorithm=profile.KeyAlgorithm(algorithm=profile.EC_PUBLIC_KEY, curve=profile.PRIME256V1),
        key=asn1.BitString(point, 0),
    )


def _time(moment: datetime) -> asn1.UTCTime | asn1.GeneralizedTime:
    if moment.year < _GENERALIZED_TIME_FROM_YEAR:
        return asn1.UTCTime(moment)
    return asn1.GeneralizedTime(moment)


def _name(*attributes: tuple[ObjectIdentifier, profile.AttributeValue]) -> profile.Name:
    return [asn1.SetOf([profile.Attribute(type=kind, value=value)]) for kind, value in attributes]


def _critical(kind: ObjectIdentifier, value: bytes) -> profile.Extension:
    return profile.Extension(type=kind, critical=True, value=value)


def _policy(identifier: str) -> profile.Extension:
    information = profile.PolicyInformation(identifier=ObjectIdentifier(identifier))
    policies = profile.SinglePolicy(policy=information)
    return _critical(profile.CERTIFICATE_POLICIES, asn1.encode_der(policies))


def _subject_key(identifier: bytes) -> profile.Extension:
    value = asn1.encode_der(identifier)
    return profile.Extension(type=profile.SUBJECT_KEY_IDENTIFIER, critical=False, value=value)


def _authority_key(identifier: bytes) -> profile.Extension:
    value = asn1.encode_der(profile.AuthorityKeyIdentifier(key_identifier=identifier))
    return profile.Extension(type=profile.AUTHORITY_KEY_IDENTIFIER, critical=False, value=value)


_USAGES = {usage: _critical(profile.KEY_USAGE, octets) for octets, usage in profile.USAGES.items()}
_AUTHORITY_USAGE = _critical(profile.KEY_USAGE, profile.AUTHORITY_USAGES[0])
_AUTHORITY = _critical(
    profile.BASIC_CONSTRAINTS,
    asn1.encode_der(profile.BasicConstraints(authority=True, path_length=None)),
)
_DEVICE_POLICY = _policy("1.2.826.0.1.1800000.1.2.1.4")
_ORGANISATION_POLICY = _policy("1.2.826.0.1.8641679.1.2.1.4")
