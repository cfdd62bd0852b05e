"""The key infrastructure of a simulated world, in which keys are replaced and certificates expire.

Two PKIs stand behind it: what every identity has at first, and the keys for digital signature that
an organisation has after it was given new ones. From that instant it signs with the new key; what
it signed before is believed as long as the old certificate is. An organisation whose certificate
has expired goes on signing with it until it gets a new one.

A device keeps its suppliers' certificates in slots; that it gets the new one at the same instant
is an assumption: the messages that do it (update security credentials) are not part of this.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.limits import LATEST_MS
from hanota.model import KeyUsage, Role
from hanota.smki.certificates import Certificate
from hanota.smki.pki import TestPki

# Every world has the same keys: they are made once, however many worlds a process runs.
KEYS = "hanota simulate"
_DIGITAL_SIGNATURE = KeyUsage.DIGITAL_SIGNATURE


class Credentials:
    """Signer and Directory of a world (`smki.directory`); one a world, shared by its parties.

    Worlds with the same `keys` have the same certificates and believe each other's messages.
    """

    def __init__(self, keys: str = KEYS) -> None:
        self._first, self._second = _pki(keys), _pki(f"{keys}, renewed")
        self._renewed: set[int] = set()
        self._expired_ms: dict[int, int] = {}

    def renew(self, eui: int) -> None:
        """Give an organisation a new key and certificate; it has them from now on."""
        self._renewed.add(eui)

    def expire(self, eui: int, at_ms: int) -> None:
        """Let the first certificates of an organisation be valid only until then."""
        self._expired_ms[eui] = min(at_ms, self._expired_ms.get(eui, LATEST_MS))

    def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
        """Sign as `Signer` says."""
        return self._pki(eui, _DIGITAL_SIGNATURE).sign(eui, role, data)

    def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Agree on Z as `Signer` says."""
        return self._first.shared_secret(eui, peer)

    def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
        """Every Z, as `Signer` says."""
        return self._first.shared_secrets(eui, peer)

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """Look up as `Directory` says; what came last is the one to use first."""
        found = self._first.find(eui, usage, role)
        if self._pki(eui, usage) is self._second:
            return (*self._second.find(eui, usage, role), *found)
        return found

    def by_serial(self, serial: int) -> Certificate | None:
        """Look up as `Directory` says."""
        return self._first.by_serial(serial) or self._second.by_serial(serial)

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether the certificate is one of these and has not expired."""
        eui = certificate.eui
        if self._first.trusts(certificate, at_ms):
            own = certificate.usage is _DIGITAL_SIGNATURE
            return not own or at_ms < self._expired_ms.get(eui, LATEST_MS)
        return eui in self._renewed and self._second.trusts(certificate, at_ms)

    def public_key(self, eui: int, role: Role | None = None) -> ec.EllipticCurvePublicKey:
        """The key with which this identity signs now, as it is in the slots of devices."""
        pki = self._pki(eui, _DIGITAL_SIGNATURE)
        return pki.certificate(eui, _DIGITAL_SIGNATURE, role).public_key

    def private_key(self, eui: int) -> ec.EllipticCurvePrivateKey:
        """The key with which a device or hub signs; no renewal changes it."""
        return self._first.private_key(eui, _DIGITAL_SIGNATURE)

    def agreed(self, eui: int, party: int) -> bytes:
        """Z of a device and an organisation, which no renewal changes."""
        return _agreed(self._first, eui, party)

    def _pki(self, eui: int, usage: KeyUsage) -> TestPki:
        renewed = usage is _DIGITAL_SIGNATURE and eui in self._renewed
        return self._second if renewed else self._first


@lru_cache(maxsize=4)
def _pki(keys: str) -> TestPki:
    return TestPki(keys.encode())


@lru_cache(maxsize=4096)
def _agreed(pki: TestPki, eui: int, party: int) -> bytes:
    peer = pki.certificate(party, KeyUsage.KEY_AGREEMENT).public_key
    return pki.shared_secret(eui, peer)
