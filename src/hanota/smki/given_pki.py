"""The PKI that a user names for a DCC, homes or a client: their own, a public one, or none.

Organisations come from files and devices are made when they are first asked for, so a DCC can
stand in front of any number of homes with the keys that its users already have. Without a name it
is the project's own test PKI.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.errors import LocalError
from hanota.model import KeyUsage, Role, eui_text
from hanota.smki.certificates import Authority, Certificate
from hanota.smki.directory import Directory, Signer
from hanota.smki.organisations import ORGANISATIONS
from hanota.smki.pki import TestPki
from hanota.smki.pki_folder import load_pki_folder
from hanota.smki.stores import KeyStoreFile, load_keystore


class DevicePki(Directory, Signer, Protocol):
    """Keys and certificates of organisations, and of every device that is asked for."""

    def private_key(self, eui: int, usage: KeyUsage) -> ec.EllipticCurvePrivateKey:
        """The private key of a device, for those who play it.

        LocalError where this PKI makes no devices, or has a key that it lets nobody see.
        """
        ...


def load_pki(path: Path | None, seed: int, passphrase: bytes | None = None) -> DevicePki:
    """The PKI that a user named.

    - None: the test PKI of `seed`, the one of a demo with this seed.
    - A file: organisations out of `keystore.json` of the npm package @smartdcc/dccboxed-keystore,
      whose dates do not count (the log says so), and devices of the test PKI of `seed`.
    - A folder: a PKI as `pki_folder.write_pki` writes it. Dates count. Its devices have keys that
      follow from the private key of their issuer; without that key there are none.

    Args:
        path: of the file or folder.
        seed: decides the keys where no folder does.
        passphrase: of the private keys in a folder, where they are encrypted.

    Raises:
        FileError: the file or folder cannot be read, or is none.
        LocalError: a passphrase is needed.
    """
    if path is None:
        return _test_pki(seed)
    if not path.is_dir():
        return GivenPki(load_keystore(path), _test_pki(seed))
    folder = load_pki_folder(path, passphrase)
    issuer = folder.device_issuer
    devices = None
    if issuer is not None:
        scalar = issuer.private_key.private_numbers().private_value
        devices = TestPki(scalar.to_bytes(_SCALAR_OCTETS, "big"), device_issuer=issuer)
    return GivenPki(folder.organisations, devices, folder.authorities)


class GivenPki:
    """Organisations out of files, and devices out of a test PKI; a `DevicePki`.

    Whoever is an organisation in the files or in the public test PKI is no device.

    Args:
        organisations: with their private keys, as far as they are given.
        devices: None where there are none.
        authorities: of the organisations, whose dates count then; None where none do.
    """

    def __init__(
        self,
        organisations: KeyStoreFile,
        devices: TestPki | None,
        authorities: Collection[Authority] | None = None,
    ) -> None:
        self.organisations = organisations
        self.authorities = authorities
        self._devices = devices
        self._organisation_ids = {organisation.eui for organisation in ORGANISATIONS} | {
            certificate.eui for certificate in organisations.certificates
        }

    def private_key(self, eui: int, usage: KeyUsage) -> ec.EllipticCurvePrivateKey:
        """The private key of a device as `DevicePki` says; an organisation's stays inside."""
        if self._devices is None or eui in self._organisation_ids:
            raise LocalError(f"this PKI has no device {eui_text(eui)}")
        return self._devices.private_key(eui, usage)

    def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
        """Sign as `directory.Signer` says."""
        return self._holder(eui).sign(eui, role, data)

    def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Agree on Z as `directory.Signer` says."""
        return self._holder(eui).shared_secret(eui, peer)

    def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
        """Agree on every Z as `directory.Signer` says."""
        return self._holder(eui).shared_secrets(eui, peer)

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """Look up as `directory.Directory` says; every EUI-64 of no organisation is a device's."""
        return self._holder(eui).find(eui, usage, role)

    def by_serial(self, serial: int) -> Certificate | None:
        """Look up as `directory.Directory` says."""
        found = self.organisations.by_serial(serial)
        if found is not None or self._devices is None:
            return found
        made = self._devices.by_serial(serial)
        return None if made is None or made.eui in self._organisation_ids else made

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether the certificate is one of these, and where dates count, valid at this time."""
        if not self._holder(certificate.eui).trusts(certificate, at_ms):
            return False
        if self.authorities is None:
            return True
        return _is_valid(certificate, at_ms) and all(
            _is_valid(authority, at_ms) for authority in self.authorities
        )

    def _holder(self, eui: int) -> KeyStoreFile | TestPki:
        if self._devices is None or eui in self._organisation_ids:
            return self.organisations
        return self._devices


_SCALAR_OCTETS = 32


def _is_valid(held: Certificate | Authority, at_ms: int) -> bool:
    return held.not_before_ms <= at_ms <= held.not_after_ms


def _test_pki(seed: int) -> TestPki:
    return TestPki(str(seed).encode())
