"""Whether authorities stand behind a certificate (RFC 5280 6.1, as far as SMKI needs it).

Not here: lists of revoked certificates, which have no public source, and policies, of which SMKI
has one a kind of certificate.
"""

from collections.abc import Collection

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from hanota.errors import RemoteError
from hanota.limits import CHAIN_AUTHORITIES_MAX
from hanota.smki.certificates import Authority, Certificate, decode_signed
from hanota.wire.codes import CertificateFault

_ECDSA = ec.ECDSA(SHA256())


def verify_chain(
    certificate: Certificate,
    authorities: Collection[Authority],
    at_ms: int,
    *,
    check_dates: bool = True,
) -> None:
    """Follow the signatures from a certificate up to a root among `authorities`.

    A root is trusted because the caller names it; the others because of the signatures. Raises
    RemoteError with UNKNOWN_ISSUER, SIGNATURE, or DATES where a link is not valid at `at_ms`.
    Without `check_dates` expired links are good: the public test PKI has expired.
    """
    link: Certificate | Authority = certificate
    for _ in range(1 + CHAIN_AUTHORITIES_MAX):
        if check_dates:
            _require_valid(link, at_ms)
        issuer = _issuer(link, authorities)
        if issuer == link:
            return
        link = issuer
    raise RemoteError(CertificateFault.UNKNOWN_ISSUER, "the chain of issuers reaches no root")


def _require_valid(link: Certificate | Authority, at_ms: int) -> None:
    if not link.not_before_ms <= at_ms <= link.not_after_ms:
        raise RemoteError(
            CertificateFault.DATES, f"certificate {link.serial} is not valid at this time"
        )


def _issuer(link: Certificate | Authority, authorities: Collection[Authority]) -> Authority:
    """The authority that signed; an authority that renewed its key has one name and two keys."""
    named = [authority for authority in authorities if authority.name == link.issuer]
    if not named:
        raise RemoteError(
            CertificateFault.UNKNOWN_ISSUER, f"no authority is known by the name {link.issuer!r}"
        )
    for authority in named:
        if _signed_by(link, authority):
            return authority
    raise RemoteError(
        CertificateFault.SIGNATURE, f"certificate {link.serial} is not signed by its issuer"
    )


def _signed_by(link: Certificate | Authority, authority: Authority) -> bool:
    signed = decode_signed(link.der)
    stated = asn1.encode_der(signed.to_be_signed)
    try:
        authority.public_key.verify(signed.signature.as_bytes(), stated, _ECDSA)
    except InvalidSignature:
        return False
    return True
