"""The PKI behind `--pki`, as those who describe and judge messages of a DCC want it."""

from collections.abc import Collection
from typing import NamedTuple

from hanota.model import Role
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory, Signer
from hanota.smki.given_pki import DevicePki, GivenPki
from hanota.smki.organisations import ACCESS_CONTROL_BROKER


class PkiKeys(NamedTuple):
    """Describes messages of a DCC with these keys; a `describing.Keys`."""

    directory: Directory
    private_keys: Signer
    brokers: Collection[int]
    suppliers: Collection[Certificate] = ()  # a DCC sends no image

    @classmethod
    def of(cls, pki: DevicePki) -> "PkiKeys":
        """The keys of a PKI."""
        return cls(pki, pki, (dcc_of(pki),))


def dcc_of(pki: DevicePki) -> int:
    """The EUI-64 of the DCC in a PKI: of its Access Control Broker, who is also the DSP."""
    match pki:
        case GivenPki(organisations=organisations):
            role = Role.ACCESS_CONTROL_BROKER
            brokers = [held.eui for held in organisations.certificates if held.role is role]
            return brokers[0] if brokers else ACCESS_CONTROL_BROKER
        case _:
            return ACCESS_CONTROL_BROKER
