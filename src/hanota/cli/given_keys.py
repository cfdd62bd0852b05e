"""The keys that a user gives to a verb: a folder of certificates, a key store, or both.

Not here: who is believed. A user who names a file believes it.
"""

from functools import cached_property
from pathlib import Path

from hanota.model import KeyUsage, Role
from hanota.smki.certificates import Certificate
from hanota.smki.directory import CertificateSet
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.smki.stores import KeyStoreFile, load_certificates, load_keystore


class GivenKeys:
    """Certificates and private keys out of files, which are read once, when first asked for.

    So octets that are no message are refused without a word about keys. LocalError, from every
    property, when a file cannot be used.
    """

    def __init__(self, certs: Path | None, keystore: Path | None) -> None:
        self._certs = certs
        self._keystore = keystore

    @cached_property
    def private_keys(self) -> KeyStoreFile:
        """The key store; one that holds nothing where none was given."""
        return KeyStoreFile((), {}) if self._keystore is None else load_keystore(self._keystore)

    @cached_property
    def directory(self) -> CertificateSet:
        """Every certificate of both; dates do not count."""
        return CertificateSet(self._certificates)

    @property
    def suppliers(self) -> list[Certificate]:
        """With which suppliers sign images; an image that another signed is not a supplier's."""
        return [
            certificate
            for certificate in self._certificates
            if certificate.usage is KeyUsage.DIGITAL_SIGNATURE and certificate.role is Role.SUPPLIER
        ]

    @property
    def brokers(self) -> set[int]:
        """The EUI-64 of every Access Control Broker, or that of the public test PKI."""
        return {
            certificate.eui
            for certificate in self._certificates
            if certificate.role is Role.ACCESS_CONTROL_BROKER
        } or {ACCESS_CONTROL_BROKER}

    @cached_property
    def _certificates(self) -> tuple[Certificate, ...]:
        listed = () if self._certs is None else load_certificates(self._certs)
        return (*listed, *self.private_keys.certificates)
