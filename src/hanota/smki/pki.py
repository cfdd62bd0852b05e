"""A whole PKI out of one seed: a root, two issuing authorities, devices and organisations.

Every key is derived from the seed and every certificate is made when it is first asked for, so a
million devices cost nothing until they speak, and the same seed gives the same octets in every
process. For tests and demonstrations only: who knows the seed has every private key.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.errors import LocalError
from hanota.limits import CERTIFICATES_CACHED_MAX
from hanota.model import KeyUsage, Role, eui_text
from hanota.smki import keys
from hanota.smki.certificates import Authority, Certificate, decode_authority, decode_certificate
from hanota.smki.minting import (
    Issuer,
    authority_name,
    key_identifier,
    mint_authority,
    mint_device,
    mint_organisation,
)
from hanota.smki.organisations import ORGANISATIONS, USAGES_OF_ROLE, Organisation
from hanota.smki.protection import shared_secret


class TestPki:
    """The project's own PKI; it satisfies `directory.Signer` and `directory.Directory`.

    Any EUI-64 that is no organisation's is a device's, with one certificate a usage and no role.
    Where no role is given, an organisation's first one that has such a key is meant. LocalError
    where an organisation has no such key.

    Args:
        seed: decides every key.
        organisations: who is an organisation, and in which roles.
        device_issuer: issues the devices' certificates; one made from the seed where none is given.
    """

    __test__ = False  # it is no test, whatever pytest makes of its name

    def __init__(
        self,
        seed: bytes,
        organisations: Iterable[Organisation] = ORGANISATIONS,
        *,
        device_issuer: Issuer | None = None,
    ) -> None:
        self._seed = seed
        self._organisations = {organisation.eui: organisation for organisation in organisations}
        self._private_key = lru_cache(CERTIFICATES_CACHED_MAX)(self._derive)
        self._certificate = lru_cache(CERTIFICATES_CACHED_MAX)(self._mint)
        root = self._issuer(_ROOT, "H0", Role.ROOT)
        self._device_issuer = device_issuer or self._issuer(_DEVICE_ISSUER, "H357")
        self._organisation_issuer = self._issuer(_ORGANISATION_ISSUER, "H1", Role.ISSUING_AUTHORITY)
        self._tag_key = root.key_identifier
        # The root, who issues to devices, and who issues to organisations; their certificates.
        self.issuers = (root, self._device_issuer, self._organisation_issuer)
        self.authorities: tuple[Authority, ...] = tuple(
            self._authority(number, root, issuer)
            for number, issuer in zip(
                (_ROOT, _DEVICE_ISSUER, _ORGANISATION_ISSUER), self.issuers, strict=True
            )
        )

    def certificate(self, eui: int, usage: KeyUsage, role: Role | None = None) -> Certificate:
        """The certificate of that identity, made now or kept from before."""
        return self._certificate(eui, usage, self._meant(eui, usage, role))

    def private_key(
        self, eui: int, usage: KeyUsage, role: Role | None = None
    ) -> ec.EllipticCurvePrivateKey:
        """The private key of that identity."""
        return self._private_key(eui, usage, self._meant(eui, usage, role))

    def sign(self, eui: int, role: Role | None, data: bytes) -> bytes:
        """Sign as `directory.Signer` says."""
        return keys.sign(self.private_key(eui, KeyUsage.DIGITAL_SIGNATURE, role), data)

    def shared_secret(self, eui: int, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Agree on Z as `directory.Signer` says."""
        return shared_secret(self.private_key(eui, KeyUsage.KEY_AGREEMENT), peer)

    def shared_secrets(self, eui: int, peer: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
        """Every Z, as `directory.Signer` says: an identity here has one key to agree with."""
        return tuple(
            shared_secret(self._private_key(eui, KeyUsage.KEY_AGREEMENT, role), peer)
            for role in self._roles(eui, KeyUsage.KEY_AGREEMENT)
        )

    def find(self, eui: int, usage: KeyUsage, role: Role | None = None) -> tuple[Certificate, ...]:
        """Look up as `directory.Directory` says; every EUI-64 has certificates here."""
        return tuple(
            self._certificate(eui, usage, held)
            for held in self._roles(eui, usage)
            if role in (None, held)
        )

    def by_serial(self, serial: int) -> Certificate | None:
        """Look up as `directory.Directory` says; the serial number itself names the identity."""
        identity = _identity_of(serial)
        if identity is None:
            return None
        eui, usage, role = identity
        if role not in self._roles(eui, usage) or self._serial(eui, usage, role) != serial:
            return None
        return self._certificate(eui, usage, role)

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Whether this PKI made the certificate and it is valid at this time.

        One that it made has a good chain; `chain.verify_chain` is for those of other makers.
        """
        return (
            self.by_serial(certificate.serial) == certificate
            and certificate.not_before_ms <= at_ms <= certificate.not_after_ms
        )

    def _roles(self, eui: int, usage: KeyUsage) -> tuple[Role | None, ...]:
        organisation = self._organisations.get(eui)
        if organisation is None:
            return (None,)
        return tuple(role for role in organisation.roles if usage in USAGES_OF_ROLE[role])

    def _meant(self, eui: int, usage: KeyUsage, role: Role | None) -> Role | None:
        roles = self._roles(eui, usage)
        if role is None and roles:
            return roles[0]
        if role not in roles:
            held = "any role" if role is None else f"the role {role.name}"
            raise LocalError(f"the test PKI has no {usage.name} key of {eui_text(eui)} in {held}")
        return role

    def _derive(self, eui: int, usage: KeyUsage, role: Role | None) -> ec.EllipticCurvePrivateKey:
        return keys.derive_private_key(self._seed, eui, usage, role)

    def _mint(self, eui: int, usage: KeyUsage, role: Role | None) -> Certificate:
        serial = self._serial(eui, usage, role)
        public_key = self._private_key(eui, usage, role).public_key()
        if role is None:
            der = mint_device(self._device_issuer, serial, public_key, eui=eui, usage=usage)
        else:
            der = mint_organisation(
                self._organisation_issuer,
                serial,
                public_key,
                eui=eui,
                usage=usage,
                role=role,
                common_name=self._organisations[eui].name,
            )
        return decode_certificate(der)

    def _issuer(self, number: int, common_name: str, role: Role | None = None) -> Issuer:
        private_key = self._derive(number, KeyUsage.DIGITAL_SIGNATURE, Role.ISSUING_AUTHORITY)
        name = authority_name(common_name, role)
        return Issuer(name, private_key, key_identifier(private_key.public_key()))

    def _authority(self, number: int, root: Issuer, holder: Issuer) -> Authority:
        serial = self._serial(number, KeyUsage.DIGITAL_SIGNATURE, Role.ISSUING_AUTHORITY)
        public_key = holder.private_key.public_key()
        return decode_authority(mint_authority(root, serial, public_key, name=holder.name))

    def _serial(self, eui: int, usage: KeyUsage, role: Role | None) -> int:
        """16 octets: 40 or 41 by usage, the role or FF, the EUI-64, and a tag of 6.

        So a certificate is found by its serial number without a table of a million. The tag
        keeps the serial numbers of PKIs of different seeds apart.
        """
        held = _NO_ROLE if role is None else role
        identity = bytes((_SERIAL_START | usage, held)) + eui.to_bytes(8, "big")
        tag = sha256(self._tag_key + identity).digest()[:6]
        return int.from_bytes(identity + tag, "big")


_ROOT, _DEVICE_ISSUER, _ORGANISATION_ISSUER = range(3)
_SERIAL_START = 0x40
_SERIAL_OCTETS = 16
_NO_ROLE = 0xFF
_USAGE_OF_START = {_SERIAL_START | usage: usage for usage in KeyUsage}
_ROLE_OF_OCTET: dict[int, Role | None] = {**{role.value: role for role in Role}, _NO_ROLE: None}


def _identity_of(serial: int) -> tuple[int, KeyUsage, Role | None] | None:
    if not 0 < serial < 1 << 8 * _SERIAL_OCTETS:
        return None
    octets = serial.to_bytes(_SERIAL_OCTETS, "big")
    usage = _USAGE_OF_START.get(octets[0])
    if usage is None or octets[1] not in _ROLE_OF_OCTET:
        return None
    return int.from_bytes(octets[2:10], "big"), usage, _ROLE_OF_OCTET[octets[1]]
