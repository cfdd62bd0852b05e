"""The suppliers' keys behind the image verbs: who signs an image, and who may have signed one.

Keys come from a folder of certificates, from the key store of the npm tools, or from the test PKI
of a seed.
"""

from pathlib import Path

from hanota.cli.given_keys import GivenKeys
from hanota.model import KeyUsage, Role
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Signer
from hanota.smki.organisations import ORGANISATIONS
from hanota.smki.pki import TestPki
from hanota.smki.stores import load_keystore


def supplier_certificates(
    certs: Path | None, keystore: Path | None, seed: int | None
) -> list[Certificate]:
    """The suppliers' certificates for digital signature from each of the sources given.

    LocalError when a file cannot be used.
    """
    found = GivenKeys(certs, keystore).suppliers
    if seed is not None:
        pki = _test_pki(seed)
        for organisation in ORGANISATIONS:
            found += pki.find(organisation.eui, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    return found


def supplier_signer(keystore: Path | None, seed: int) -> Signer:
    """Who signs: the key store where one is given, else the test PKI of this seed."""
    return _test_pki(seed) if keystore is None else load_keystore(keystore)


def _test_pki(seed: int) -> TestPki:
    return TestPki(str(seed).encode())
