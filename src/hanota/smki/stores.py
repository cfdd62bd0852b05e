"""Certificates and keys out of files: a folder of PEM files, or the key store of the npm tools.

What a file says about a certificate (its name, the numbers around it) is not believed: the
identity is the one inside. A certificate that is not of the SMKI form is left out and the log
names it, so that one odd entry does not cost the others; a file that is broken as such is an
error of who gave it.
"""

import binascii
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hanota.errors import FileError, LocalError, RemoteError
from hanota.limits import KEY_FILE_OCTETS_MAX
from hanota.model import KeyUsage, Role, eui_text
from hanota.smki import keys
from hanota.smki.certificates import Certificate, decode_certificate
from hanota.smki.directory import CertificateSet
from hanota.smki.protection import shared_secret

_log = logging.getLogger(__name__)


def load_certificates(directory: Path) -> list[Certificate]:
    """Read every certificate of every `*.pem` file in a folder, in the order of their names.

    FileError when the folder has no such file, or one of them cannot be read or is no PEM.
    """
    paths = sorted(path for path in directory.glob("*.pem"))
    if not paths:
        raise FileError(f"{directory} is no folder with .pem files")
    decoded = [
        _decode_or_leave_out(der, path.name)
        for path in paths
        for der in pem_certificates(read_key_file(path), str(path))
    ]
    return [certificate for certificate in decoded if certificate is not None]


def load_keystore(path: Path) -> "KeyStoreFile":
    """Read `keystore.json` of the npm package @smartdcc/dccboxed-keystore, or one of that form.

    EUI-64, then usage, then serial number, then certificate and private key, both PEM. The first
    key of an identity is the one that the tools of that package use. FileError when the file
    cannot be read, has another form, or a private key is not that of its certificate.
    """
    held: list[tuple[_Entry, Certificate]] = []
    for entry in _entries(path):
        for der in pem_certificates(entry.certificate.encode(), f"{path}, {entry.name}"):
            certificate = _decode_or_leave_out(der, f"{path.name}, {entry.name}")
            if certificate is not None:
                held.append((entry, certificate))
    held.sort(key=_rank)
    private_keys = {
        certificate.serial: read_private_key(
            entry.private_key.encode(), certificate.public_key, f"{path}, {entry.name}"
        )
        for entry, certificate in held
        if entry.private_key
    }
    _log.warning("%s: certificates count whatever their dates, most have expired", path)
    return KeyStoreFile((certificate for _, certificate in held), private_keys)


def read_key_file(path: Path) -> bytes:
    """The octets of a file of certificates or keys; FileError where it cannot be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(KEY_FILE_OCTETS_MAX + 1)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(octets) > KEY_FILE_OCTETS_MAX:
        raise FileError(f"{path} has more than {KEY_FILE_OCTETS_MAX} octets")
    return octets


def pem_certificates(octets: bytes, source: str) -> list[bytes]:
    """The DER of every certificate in PEM; FileError, naming the source, where there is none."""
    blocks = _PEM.findall(octets)
    if not blocks:
        raise FileError(f"{source} holds no certificate in PEM")
    try:
        return [binascii.a2b_base64(b"".join(block.split()), strict_mode=True) for block in blocks]
    except binascii.Error as error:
        raise FileError(f"{source} holds a certificate that is no base64: {error}") from error


def read_private_key(
    pem: bytes, public_key: ec.EllipticCurvePublicKey, source: str, passphrase: bytes | None = None
) -> ec.EllipticCurvePrivateKey:
    """The private key in PEM that belongs to this public key.

    FileError, naming the source, where it is another or cannot be read; LocalError where it is
    encrypted, and under another passphrase or with none given. A key that is not encrypted needs
    no passphrase, even if there is one.
    """
    encrypted = _ENCRYPTED.search(pem) is not None
    if encrypted and passphrase is None:
        raise LocalError(f"{source}: the private key is encrypted, and no passphrase is given")
    try:
        private_key = load_pem_private_key(pem, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        told = f"{source}: the private key cannot be read"
        if encrypted:
            raise LocalError(f"{told}: is the passphrase another?") from error
        raise FileError(told) from error
    match private_key:
        case ec.EllipticCurvePrivateKey() if private_key.public_key() == public_key:
            return private_key
        case _:
            raise FileError(f"{source}: the private key is not that of the certificate")


class KeyStoreFile:
    """A `directory.Signer` and `directory.Directory` out of a file; dates do not count.

    An identity may have several keys (the public test PKI has up to four): the first is used to
    sign and to agree, all of them are candidates when something is verified.
    """

    def __init__(
        self,
        certificates: Iterable[Certificate],
        private_keys: dict[int, ec.EllipticCurvePrivateKey],
    ) -> None:
        self.certificates = tuple(certificates)
        self._set = CertificateSet(self.certificates)
        self._private_keys = private_keys

    def has_private_key(self, certificate: Certificate) -> bool:
        """Whether the private key of this certificate was given too."""
        return certificate.serial in self._private_keys

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """Look up as `directory.Directory` says."""
        return self._set.find(eui, usage, role)

    def by_serial(self, serial: int) -> Certificate | None:
        """Look up as `directory.Directory` says."""
        return self._set.by_serial(serial)

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether the certificate is one of the file."""
        return self._set.trusts(certificate, at_ms)

    def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
        """Sign as `directory.Signer` says."""
        return keys.sign(self._first_key(eui, KeyUsage.DIGITAL_SIGNATURE, role), data)

    def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Agree on Z as `directory.Signer` says."""
        return shared_secret(self._first_key(eui, KeyUsage.KEY_AGREEMENT, None), peer)

    def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
        """Agree on every Z as `directory.Signer` says."""
        held = self._keys(eui, KeyUsage.KEY_AGREEMENT, None)
        return tuple(shared_secret(private_key, peer) for private_key in held)

    def _first_key(
        self, eui: int, usage: KeyUsage, role: Role | None
    ) -> ec.EllipticCurvePrivateKey:
        held = self._keys(eui, usage, role)
        if not held:
            raise LocalError(f"the key store has no private key of {eui_text(eui)} for {usage!r}")
        return held[0]

    def _keys(
        self, eui: int, usage: KeyUsage, role: Role | None
    ) -> list[ec.EllipticCurvePrivateKey]:
        serials = (certificate.serial for certificate in self.find(eui, usage, role))
        return [self._private_keys[serial] for serial in serials if serial in self._private_keys]


class _Entry(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    certificate: str
    private_key: str = ""
    name: str = "without a name"


_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----", re.ASCII
)
# In PKCS #8, and in the older form of OpenSSL.
_ENCRYPTED = re.compile(rb"BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED")
_XML_ROLES = (Role.XML_SIGNING, Role.DSP_XML_SIGNING)
# The tools take `Z1-` and `otherUser-` keys for GBCS, and no pre-payment key (`PP-`).
_PREFERRED = re.compile(r"(Z1|otherUser)-(?!.*PP-)")


def _rank(held: tuple[_Entry, Certificate]) -> tuple[bool, bool, str]:
    entry, certificate = held
    preferred = _PREFERRED.match(entry.name) is not None
    return certificate.role in _XML_ROLES, not preferred, entry.name


def _entries(path: Path) -> list[_Entry]:
    try:
        identities = msgspec.json.decode(
            read_key_file(path), type=dict[str, dict[str, dict[str, _Entry]]]
        )
    except msgspec.DecodeError as error:
        raise FileError(f"{path} is no key store: {error}") from error
    return [
        entry
        for usages in identities.values()
        for serials in usages.values()
        for entry in serials.values()
    ]


def _decode_or_leave_out(der: bytes, source: str) -> Certificate | None:
    try:
        return decode_certificate(der)
    except RemoteError as error:
        _log.warning("%s is left out: %s", source, error.reason)
        return None
