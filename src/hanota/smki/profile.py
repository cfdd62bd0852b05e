"""The form of SMKI certificates as ASN.1, one declaration for reading and for writing.

Source: RFC 5280 4.1, narrowed to what SMKI certificates have: version 3, ECDSA with SHA-256 on
P-256 whose algorithm has no parameters, names of single attributes, a hardwareModuleName
(RFC 4108 5) as the only alternative name. Seen in the certificates of RTDS 4.5.0 and of the DCC
Boxed test PKI; of those, two with NULL parameters (`mdr-ds`, `mdr-ka`) do not fit and are refused.
What the values mean is in `certificates`.
"""

from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from hanota.model import KeyUsage

COMMON_NAME = ObjectIdentifier("2.5.4.3")
ORGANIZATIONAL_UNIT = ObjectIdentifier("2.5.4.11")
X500_UNIQUE_IDENTIFIER = ObjectIdentifier("2.5.4.45")

SUBJECT_KEY_IDENTIFIER = ObjectIdentifier("2.5.29.14")
KEY_USAGE = ObjectIdentifier("2.5.29.15")
SUBJECT_ALTERNATIVE_NAME = ObjectIdentifier("2.5.29.17")
BASIC_CONSTRAINTS = ObjectIdentifier("2.5.29.19")
CERTIFICATE_POLICIES = ObjectIdentifier("2.5.29.32")
AUTHORITY_KEY_IDENTIFIER = ObjectIdentifier("2.5.29.35")

ECDSA_WITH_SHA256 = ObjectIdentifier("1.2.840.10045.4.3.2")
EC_PUBLIC_KEY = ObjectIdentifier("1.2.840.10045.2.1")
PRIME256V1 = ObjectIdentifier("1.2.840.10045.3.1.7")
HARDWARE_MODULE_NAME = ObjectIdentifier("1.3.6.1.5.5.7.8.4")
VERSION_3 = 2

# KeyUsage (RFC 5280 4.2.1.3) as octets: one bit, so digitalSignature is 80 and keyAgreement 08.
USAGES = {
    b"\x03\x02\x07\x80": KeyUsage.DIGITAL_SIGNATURE,
    b"\x03\x02\x03\x08": KeyUsage.KEY_AGREEMENT,
}
# keyCertSign with cRLSign, or alone.
AUTHORITY_USAGES = (b"\x03\x02\x01\x06", b"\x03\x02\x02\x04")


@asn1.sequence
class SignatureAlgorithm:
    """AlgorithmIdentifier without parameters, as RFC 5758 3.2 wants it for ECDSA."""

    algorithm: ObjectIdentifier


# The types of value that names in SMKI certificates have; `str` is a UTF8String.
AttributeValue = asn1.PrintableString | str | asn1.BitString


@asn1.sequence
class Attribute:
    """AttributeTypeAndValue."""

    type: ObjectIdentifier
    value: AttributeValue


Name = list[asn1.SetOf[Attribute]]


@asn1.sequence
class Validity:
    """The first and the last instant at which the certificate is valid."""

    not_before: asn1.UTCTime | asn1.GeneralizedTime
    not_after: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class KeyAlgorithm:
    """AlgorithmIdentifier of an elliptic curve key: its parameters are the curve's name."""

    algorithm: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class PublicKeyInfo:
    """SubjectPublicKeyInfo; the key is an uncompressed point."""

    algorithm: KeyAlgorithm
    key: asn1.BitString


@asn1.sequence
class Extension:
    """One extension; what `value` holds depends on `type`."""

    type: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class ToBeSigned:
    """TBSCertificate."""

    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: SignatureAlgorithm
    issuer: Name
    validity: Validity
    subject: Name
    public_key: PublicKeyInfo
    extensions: Annotated[list[Extension], asn1.Explicit(3)]


@asn1.sequence
class SignedCertificate:
    """Certificate."""

    to_be_signed: ToBeSigned
    algorithm: SignatureAlgorithm
    signature: asn1.BitString


@asn1.sequence
class HardwareModuleName:
    """RFC 4108 5: the kind of a module and its serial number, here a device's EUI-64."""

    hardware_type: ObjectIdentifier
    serial_number: bytes


@asn1.sequence
class OtherName:
    """The form of a name that a type of its own describes."""

    type: ObjectIdentifier
    value: Annotated[HardwareModuleName, asn1.Explicit(0)]


@asn1.sequence
class DeviceName:
    """GeneralNames with one hardwareModuleName."""

    other_name: Annotated[OtherName, asn1.Implicit(0)]


@asn1.sequence
class PolicyInformation:
    """One policy, without qualifiers."""

    identifier: ObjectIdentifier


@asn1.sequence
class SinglePolicy:
    """CertificatePolicies with one policy."""

    policy: PolicyInformation


@asn1.sequence
class AuthorityKeyIdentifier:
    """The key with which the certificate is signed."""

    key_identifier: Annotated[bytes, asn1.Implicit(0)]


@asn1.sequence
class BasicConstraints:
    """Whether the holder may issue certificates, and how many authorities may follow."""

    authority: Annotated[bool, asn1.Default(value=False)]
    path_length: int | None
