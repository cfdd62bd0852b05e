"""An own PKI as a folder of PEM files: written once, read by everybody who needs its keys.

    root.pem                 root.key                  the root
    device-issuer.pem        device-issuer.key         who issues to devices
    organisation-issuer.pem  organisation-issuer.key   who issues to organisations
    organisations/NAME.pem   organisations/NAME.key    one key of an organisation

Every `.pem` is a certificate, every `.key` its private key (PKCS #8, readable by its owner alone,
encrypted where there is a passphrase). Whoever needs a private key less may get the folder without
it: a supplier has no use for the keys of the issuers. Names of files in `organisations` say what
they hold to people; what counts is inside. Devices have no files: who has `device-issuer.key` can
make their keys and certificates (`given_pki`).

Not here: a list of revoked certificates, and renewal, which is another certificate with another
name in `organisations`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from hanota.errors import FileError, LocalError, RemoteError
from hanota.limits import LATEST_MS
from hanota.model import KeyUsage
from hanota.smki.certificates import (
    Authority,
    Certificate,
    decode_authority,
    decode_certificate,
    decode_signed,
)
from hanota.smki.chain import verify_chain
from hanota.smki.minting import Issuer, key_identifier
from hanota.smki.organisations import ROLE_WORDS, USAGES_OF_ROLE, Organisation
from hanota.smki.pki import TestPki
from hanota.smki.stores import KeyStoreFile, pem_certificates, read_key_file, read_private_key

ROOT, DEVICE_ISSUER, ORGANISATION_ISSUER = "root", "device-issuer", "organisation-issuer"
ORGANISATIONS_FOLDER = "organisations"


@dataclass(frozen=True, slots=True)
class PkiFolder:
    """What a folder holds."""

    authorities: tuple[Authority, ...]
    organisations: KeyStoreFile
    device_issuer: Issuer | None  # None where its private key is not in the folder


def write_pki(
    folder: Path, organisations: Iterable[Organisation], seed: bytes, passphrase: bytes | None
) -> None:
    """Make a PKI and write it into a folder that is new or empty, whole or not at all.

    Args:
        folder: where to; its parent exists.
        organisations: who gets certificates, one for each role and usage.
        seed: 32 random octets, which decide every key and are in none of the files.
        passphrase: encrypts every private key; None leaves them as they are.

    Raises:
        LocalError: the folder holds something, or cannot be written.
    """
    organisations = tuple(organisations)
    pki = TestPki(seed, organisations)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise LocalError(f"{folder} is not empty: keys are never overwritten")
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
        try:
            _write_authorities(part, pki, encryption)
            _write_organisations(part / ORGANISATIONS_FOLDER, pki, organisations, encryption)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part)
            raise
    except OSError as error:
        raise LocalError(f"{folder} cannot be written: {error.strerror}") from error


def load_pki_folder(folder: Path, passphrase: bytes | None) -> PkiFolder:
    """Read a folder; every certificate of it is issued by its authorities, whatever the dates.

    Raises:
        FileError: a file is absent, cannot be read or is none of its kind; a key is not that of
            its certificate, or encrypted under another passphrase.
    """
    named = {name: _authority(folder / f"{name}.pem") for name in _AUTHORITIES}
    authorities = tuple(named.values())
    held = [
        (_organisation(path, authorities), path)
        for path in sorted((folder / ORGANISATIONS_FOLDER).glob("*.pem"))
    ]
    held.sort(key=lambda each: each[0].role or 0)  # XML signing keys, 87 and 89, come last
    private_keys = {
        certificate.serial: _private_key(path, certificate.public_key, passphrase)
        for certificate, path in held
        if _has_key(path)
    }
    return PkiFolder(
        authorities,
        KeyStoreFile((certificate for certificate, _ in held), private_keys),
        _device_issuer(folder / f"{DEVICE_ISSUER}.pem", named[DEVICE_ISSUER], passphrase),
    )


_AUTHORITIES = (ROOT, DEVICE_ISSUER, ORGANISATION_ISSUER)
_KEY_SUFFIX = ".key"
_USAGE_NAMES = {KeyUsage.DIGITAL_SIGNATURE: "ds", KeyUsage.KEY_AGREEMENT: "ka"}


def _write_authorities(folder: Path, pki: TestPki, encryption: KeySerializationEncryption) -> None:
    for name, authority, issuer in zip(_AUTHORITIES, pki.authorities, pki.issuers, strict=True):
        _write(folder / f"{name}.pem", authority.der, issuer.private_key, encryption)


def _write_organisations(
    folder: Path,
    pki: TestPki,
    organisations: Iterable[Organisation],
    encryption: KeySerializationEncryption,
) -> None:
    folder.mkdir(mode=0o700)
    for organisation in organisations:
        for role in organisation.roles:
            for usage in USAGES_OF_ROLE[role]:
                identity = (organisation.eui, usage, role)
                name = f"{organisation.eui:016X}-{ROLE_WORDS[role]}-{_USAGE_NAMES[usage]}.pem"
                _write(
                    folder / name,
                    pki.certificate(*identity).der,
                    pki.private_key(*identity),
                    encryption,
                )


def _write(
    path: Path,
    certificate: bytes,
    private_key: ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption,
) -> None:
    path.write_text(DER_cert_to_PEM_cert(certificate), encoding="ascii")
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    # Made for its owner alone: a file that is narrowed afterwards can be read before.
    number = os.open(path.with_suffix(_KEY_SUFFIX), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(pem)


def _certificate_der(path: Path) -> bytes:
    found = pem_certificates(read_key_file(path), str(path))
    if len(found) != 1:
        raise FileError(f"{path} holds {len(found)} certificates: each has a file of its own")
    return found[0]


def _authority(path: Path) -> Authority:
    try:
        return decode_authority(_certificate_der(path))
    except RemoteError as error:
        raise FileError(f"{path} is no authority's certificate: {error.reason}") from error


def _organisation(path: Path, authorities: tuple[Authority, ...]) -> Certificate:
    try:
        certificate = decode_certificate(_certificate_der(path))
        verify_chain(certificate, authorities, LATEST_MS, check_dates=False)
    except RemoteError as error:
        raise FileError(f"{path} is no certificate of this PKI: {error.reason}") from error
    if certificate.role is None:
        raise FileError(f"{path} is the certificate of a device, not of an organisation")
    return certificate


def _has_key(path: Path) -> bool:
    return path.with_suffix(_KEY_SUFFIX).exists()


def _private_key(
    path: Path, public_key: ec.EllipticCurvePublicKey, passphrase: bytes | None
) -> ec.EllipticCurvePrivateKey:
    path = path.with_suffix(_KEY_SUFFIX)
    return read_private_key(read_key_file(path), public_key, str(path), passphrase)


def _device_issuer(path: Path, authority: Authority, passphrase: bytes | None) -> Issuer | None:
    if not _has_key(path):
        return None
    return Issuer(
        decode_signed(authority.der).to_be_signed.subject,
        _private_key(path, authority.public_key, passphrase),
        key_identifier(authority.public_key),
    )
