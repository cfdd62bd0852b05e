"""What a party asks of the key infrastructure: sign as somebody, find somebody's certificate.

A party takes a `Signer` and a `Directory` and never sees a private key, so that the test PKI, a
file or an HSM can stand behind them. What reads files is in `stores`, what makes keys in `pki`.
"""

from collections.abc import Iterable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.model import KeyUsage, Role
from hanota.smki.certificates import Certificate


class Signer(Protocol):
    """Who holds private keys and uses them for others."""

    def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
        """Sign `data` as that identity: r and s, 64 octets.

        The key is that of the first certificate for digital signature which the same store finds
        for this EUI-64 and role (None: any, as for a device). LocalError when it holds no such key.
        """
        ...

    def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Z of GBCS: 32 octets, x of ECDH between that identity's first agreement key and `peer`.

        LocalError when it holds no such key.
        """
        ...

    def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
        """Z with every agreement key of that identity: who verifies must try them all."""
        ...


class Directory(Protocol):
    """Who knows certificates and says which to believe."""

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """The certificates of that identity, the one to use first; with a role only those of it."""
        ...

    def by_serial(self, serial: int) -> Certificate | None:
        """The certificate with that serial number, as DUIS signatures name one."""
        ...

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether this directory has that certificate and stands for it at this time."""
        ...


class CertificateSet:
    """A `Directory` of given certificates, believed whatever their dates.

    `find` gives them in the order in which they came. Of two with one serial number the first is
    found by it.
    """

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._by_identity: dict[tuple[int, KeyUsage], list[Certificate]] = {}
        self._by_serial: dict[int, Certificate] = {}
        for certificate in certificates:
            held = self._by_identity.setdefault((certificate.eui, certificate.usage), [])
            if certificate not in held:
                held.append(certificate)
            self._by_serial.setdefault(certificate.serial, certificate)

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """Look up as `Directory` says."""
        held = self._by_identity.get((eui, usage), [])
        return tuple(certificate for certificate in held if role in (None, certificate.role))

    def by_serial(self, serial: int) -> Certificate | None:
        """Look up as `Directory` says."""
        return self._by_serial.get(serial)

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:  # noqa: ARG002 - any time
        """Whether the certificate is one of the set."""
        if self._by_serial.get(certificate.serial) is certificate:
            return True
        return certificate in self.find(certificate.eui, certificate.usage)


class JoinedDirectory:
    """Several directories as one, asked in their order."""

    def __init__(self, *directories: Directory) -> None:
        self._directories = directories

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """The certificates of all, each once."""
        found = (
            certificate
            for directory in self._directories
            for certificate in directory.find(eui, usage, role)
        )
        return tuple(dict.fromkeys(found))

    def by_serial(self, serial: int) -> Certificate | None:
        """The certificate in the first directory that has one."""
        found = (directory.by_serial(serial) for directory in self._directories)
        return next((certificate for certificate in found if certificate is not None), None)

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether one of them does."""
        return any(directory.trusts(certificate, at_ms) for directory in self._directories)
