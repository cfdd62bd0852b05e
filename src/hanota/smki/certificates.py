"""Certificates of devices, organisations and authorities: DER in, checked values out.

A decoder here says what a certificate states, never whether to believe it: that is for `chain`
and for the stores. The identity is the one inside the certificate: a device's EUI-64 in the
hardwareModuleName of subjectAltName, an organisation's in the x500UniqueIdentifier of its subject
(00 before it: no unused bits) beside its role, in hex, as organizational unit.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ObjectIdentifier

from hanota.errors import RemoteError
from hanota.limits import CERTIFICATE_OCTETS_MAX, SERIAL_OCTETS_MAX
from hanota.model import KeyUsage, Role, instant_ms
from hanota.smki import names, profile
from hanota.wire.codes import CertificateFault


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a device (`role` None) or of an organisation in one of its roles.

    `issuer` and `subject_name` are in the order of RFC 4514, last attribute first, as DUIS writes
    an X509IssuerName: `CN=Z1,OU=07`. Two certificates are equal when their octets are.
    """

    eui: int
    role: Role | None
    usage: KeyUsage
    serial: int
    issuer: str
    subject_name: str
    not_before_ms: int
    not_after_ms: int
    public_key: ec.EllipticCurvePublicKey = field(compare=False, repr=False)
    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of a root or issuing authority; a root is its own issuer."""

    name: str
    issuer: str
    serial: int
    not_before_ms: int
    not_after_ms: int
    public_key: ec.EllipticCurvePublicKey = field(compare=False, repr=False)
    der: bytes = field(repr=False)


def decode_certificate(der: bytes) -> Certificate:
    """Read the DER of a device's or an organisation's certificate, all of it.

    RemoteError with a `CertificateFault` for anything but the SMKI form: P-256 and SHA-256, one
    use of the key, one identity, no critical extension that SMKI does not know.
    """
    signed = decode_signed(der)
    stated = signed.to_be_signed
    extensions = _extensions(stated.extensions)
    eui, role = _identity(stated.subject, extensions.get(profile.SUBJECT_ALTERNATIVE_NAME))
    return Certificate(
        eui=eui,
        role=role,
        usage=_usage(extensions),
        serial=stated.serial,
        issuer=names.text(stated.issuer),
        subject_name=names.text(stated.subject),
        not_before_ms=instant_ms(stated.validity.not_before.as_datetime()),
        not_after_ms=instant_ms(stated.validity.not_after.as_datetime()),
        public_key=_public_key(stated.public_key),
        der=der,
    )


def decode_authority(der: bytes) -> Authority:
    """Read the DER of an authority's certificate; RemoteError as for `decode_certificate`."""
    stated = decode_signed(der).to_be_signed
    extensions = _extensions(stated.extensions)
    _require_authority(extensions)
    return Authority(
        name=names.text(stated.subject),
        issuer=names.text(stated.issuer),
        serial=stated.serial,
        not_before_ms=instant_ms(stated.validity.not_before.as_datetime()),
        not_after_ms=instant_ms(stated.validity.not_after.as_datetime()),
        public_key=_public_key(stated.public_key),
        der=der,
    )


def decode_signed(der: bytes) -> profile.SignedCertificate:
    """Read any certificate of the SMKI form, checking what all of them have in common."""
    if len(der) > CERTIFICATE_OCTETS_MAX:
        raise RemoteError(CertificateFault.TOO_LARGE, f"a certificate of {len(der)} octets")
    signed = _decode_der(profile.SignedCertificate, der)
    stated = signed.to_be_signed
    if stated.version != profile.VERSION_3:
        raise RemoteError(CertificateFault.MALFORMED, "the certificate is not of X.509 version 3")
    if not 0 < stated.serial < 1 << 8 * SERIAL_OCTETS_MAX:
        raise RemoteError(
            CertificateFault.MALFORMED, "the serial number is not one of 1 to 20 octets"
        )
    algorithms = {signed.algorithm.algorithm, stated.algorithm.algorithm}
    if algorithms != {profile.ECDSA_WITH_SHA256}:
        raise RemoteError(CertificateFault.ALGORITHM, "it is not signed by ECDSA with SHA-256")
    _whole_octets(signed.signature)  # else other octets would carry the same signature
    return signed


_Declared = TypeVar("_Declared")

_ROLES = {f"{role:02X}": role for role in Role}
_UNDERSTOOD = {
    profile.KEY_USAGE,
    profile.SUBJECT_ALTERNATIVE_NAME,
    profile.BASIC_CONSTRAINTS,
    profile.CERTIFICATE_POLICIES,
}
_EUI_OCTETS = 8
_POINT_OCTETS = 65


def _decode_der(form: type[_Declared], octets: bytes) -> _Declared:
    try:
        return asn1.decode_der(form, octets)
    except ValueError as error:
        raise RemoteError(
            CertificateFault.MALFORMED, "the octets are no certificate of the SMKI form"
        ) from error


def _extensions(listed: list[profile.Extension]) -> dict[ObjectIdentifier, bytes]:
    extensions = {extension.type: extension.value for extension in listed}
    if len(extensions) != len(listed):
        raise RemoteError(CertificateFault.EXTENSION, "an extension stands twice")
    for extension in listed:
        if extension.critical and extension.type not in _UNDERSTOOD:
            raise RemoteError(
                CertificateFault.EXTENSION,
                f"the critical extension {extension.type.dotted_string} is unknown",
            )
    return extensions


def _usage(extensions: dict[ObjectIdentifier, bytes]) -> KeyUsage:
    usage = profile.USAGES.get(extensions.get(profile.KEY_USAGE, b""))
    if usage is None:
        raise RemoteError(
            CertificateFault.USAGE, "keyUsage is neither digitalSignature nor keyAgreement alone"
        )
    return usage


def _require_authority(extensions: dict[ObjectIdentifier, bytes]) -> None:
    if extensions.get(profile.KEY_USAGE) not in profile.AUTHORITY_USAGES:
        raise RemoteError(CertificateFault.USAGE, "keyUsage does not let it sign certificates")
    constraints = extensions.get(profile.BASIC_CONSTRAINTS, b"")
    if not _decode_der(profile.BasicConstraints, constraints).authority:
        raise RemoteError(CertificateFault.USAGE, "basicConstraints do not make it an authority")


def _public_key(info: profile.PublicKeyInfo) -> ec.EllipticCurvePublicKey:
    algorithm = (info.algorithm.algorithm, info.algorithm.curve)
    if algorithm != (profile.EC_PUBLIC_KEY, profile.PRIME256V1):
        raise RemoteError(CertificateFault.ALGORITHM, "its key is not one of P-256")
    point = _whole_octets(info.key)
    if len(point) != _POINT_OCTETS:
        raise RemoteError(CertificateFault.KEY, "its key is no uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise RemoteError(CertificateFault.KEY, "its key is no point of P-256") from error


def _identity(subject: profile.Name, alternative: bytes | None) -> tuple[int, Role | None]:
    identifiers = names.values(subject, profile.X500_UNIQUE_IDENTIFIER)
    if alternative is not None and not identifiers:
        return _device(alternative), None
    if alternative is None and len(identifiers) == 1:
        return _organisation(identifiers[0]), _role(subject)
    raise RemoteError(
        CertificateFault.IDENTITY, "it names no device and no organisation, or more than one"
    )


def _device(alternative: bytes) -> int:
    name = _decode_der(profile.DeviceName, alternative).other_name
    if name.type != profile.HARDWARE_MODULE_NAME:
        raise RemoteError(CertificateFault.IDENTITY, "subjectAltName is no hardwareModuleName")
    return _eui(name.value.serial_number)


def _organisation(identifier: profile.AttributeValue) -> int:
    match identifier:
        case asn1.BitString():
            return _eui(_whole_octets(identifier))
        case _:
            raise RemoteError(
                CertificateFault.IDENTITY, "x500UniqueIdentifier is no string of bits"
            )


def _eui(octets: bytes) -> int:
    if len(octets) != _EUI_OCTETS:
        raise RemoteError(CertificateFault.IDENTITY, f"an EUI-64 of {len(octets)} octets")
    return int.from_bytes(octets, "big")


def _role(subject: profile.Name) -> Role:
    units = [
        names.value_text(value) for value in names.values(subject, profile.ORGANIZATIONAL_UNIT)
    ]
    if len(units) != 1 or units[0] not in _ROLES:
        raise RemoteError(CertificateFault.IDENTITY, "its organizational unit is no SMKI role")
    return _ROLES[units[0]]


def _whole_octets(bits: asn1.BitString) -> bytes:
    if bits.padding_bits():
        raise RemoteError(CertificateFault.MALFORMED, "a string of bits is not of whole octets")
    return bits.as_bytes()
