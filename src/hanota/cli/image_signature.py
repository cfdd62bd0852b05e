"""The suppliers' keys behind the image verbs: who signs an image, and whose signature it bears.

Keys come from a folder of certificates, from the key store of the npm tools, or from the test PKI
of a seed. The trailer of an image does not name its signer, so a check tries all that it is given.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from hanota.model import KeyUsage, Role
from hanota.smki import keys
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Signer
from hanota.smki.organisations import ORGANISATIONS
from hanota.smki.pki import TestPki
from hanota.smki.stores import load_certificates, load_keystore
from hanota.wire.image import OtaImage


class SignatureState(StrEnum):
    """What is known of the signature of an image."""

    VALID = "valid"  # one of the keys fits
    INVALID = "invalid"  # there were keys, and none fits
    UNKNOWN_KEY = "unknown-key"  # there was no key to try
    ABSENT = "absent"  # the image has no trailer


def check_signature(
    image: OtaImage, suppliers: Iterable[Certificate]
) -> tuple[SignatureState, int | None]:
    """Try every key on the signature: what is known of it, and the EUI-64 of who signed."""
    if image.signature is None:
        return SignatureState.ABSENT, None
    state = SignatureState.UNKNOWN_KEY
    for certificate in suppliers:
        if keys.verify(certificate.public_key, image.manufacturer_image, image.signature):
            return SignatureState.VALID, certificate.eui
        state = SignatureState.INVALID
    return state, None


def supplier_certificates(
    directory: Path | None, keystore: Path | None, seed: int | None
) -> list[Certificate]:
    """The suppliers' certificates for digital signature from each of the sources given.

    Certificates of other roles and devices are left out: an image that they signed is not signed
    by a supplier. LocalError when a file cannot be used.
    """
    found: list[Certificate] = []
    if directory is not None:
        found += load_certificates(directory)
    if keystore is not None:
        found += load_keystore(keystore).certificates
    if seed is not None:
        pki = _test_pki(seed)
        for organisation in ORGANISATIONS:
            found += pki.find(organisation.eui, KeyUsage.DIGITAL_SIGNATURE)
    return [
        certificate
        for certificate in found
        if certificate.usage is KeyUsage.DIGITAL_SIGNATURE and certificate.role is Role.SUPPLIER
    ]


def supplier_signer(keystore: Path | None, seed: int) -> Signer:
    """Who signs: the key store where one is given, else the test PKI of this seed."""
    return _test_pki(seed) if keystore is None else load_keystore(keystore)


def _test_pki(seed: int) -> TestPki:
    return TestPki(str(seed).encode())
