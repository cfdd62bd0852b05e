"""The organisations of the public test PKI and their roles, by EUI-64.

Source: the certificates of RTDS 4.5.0 and of the DCC Boxed key store. Both those stores and this
project's own test PKI know them by these numbers.
"""

from dataclasses import dataclass

from hanota.errors import LocalError
from hanota.model import KeyUsage, Role

RECOVERY = 0x90B3D51F30000001
# The DSP speaks DUIS under the same EUI-64 as its Access Control Broker speaks GBCS.
ACCESS_CONTROL_BROKER = 0x90B3D51F30000002
TRANSITIONAL_COS = 0x90B3D51F30000004
WAN_PROVIDER = 0x90B3D51F30000007
SUPPLIER = 0x90B3D51F30010000
NETWORK_OPERATOR = 0x90B3D51F30020000
SUPPLIER_2 = 0x90B3D51F30030000
OTHER_USER = 0x00DB123456780004

_BOTH = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_SIGNATURE_ONLY = (KeyUsage.DIGITAL_SIGNATURE,)

# What the keys of an organisation in each role are for.
USAGES_OF_ROLE = {
    Role.RECOVERY: _SIGNATURE_ONLY,
    Role.SUPPLIER: _BOTH,
    Role.NETWORK_OPERATOR: _BOTH,
    Role.ACCESS_CONTROL_BROKER: _BOTH,
    Role.TRANSITIONAL_COS: _SIGNATURE_ONLY,
    Role.WAN_PROVIDER: _SIGNATURE_ONLY,
    Role.LOAD_CONTROLLER: _BOTH,
    Role.OTHER_USER: _BOTH,
    Role.XML_SIGNING: _SIGNATURE_ONLY,
    Role.DSP_XML_SIGNING: _SIGNATURE_ONLY,
}

# How the role of an organisation is written on a command line and in the name of a file.
ROLE_WORDS = {role: role.name.lower().replace("_", "-") for role in USAGES_OF_ROLE}


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party with certificates; the first of its roles is the one it has in GBCS."""

    eui: int
    name: str
    roles: tuple[Role, ...]

    def __post_init__(self) -> None:
        """LocalError for a role in which no organisation has keys, such as ROOT."""
        for role in self.roles:
            if role not in USAGES_OF_ROLE:
                raise LocalError(f"{self.name} can be no organisation in the role {role.name}")


# Supplier 2 has no XML signing certificate in the public test PKI either: it signs DUIS requests
# with its ordinary one.
ORGANISATIONS = (
    Organisation(RECOVERY, "RECOVERY", (Role.RECOVERY,)),
    Organisation(ACCESS_CONTROL_BROKER, "DCC", (Role.ACCESS_CONTROL_BROKER, Role.DSP_XML_SIGNING)),
    Organisation(TRANSITIONAL_COS, "TRANSITIONAL-COS", (Role.TRANSITIONAL_COS,)),
    Organisation(WAN_PROVIDER, "WAN-PROVIDER", (Role.WAN_PROVIDER,)),
    Organisation(SUPPLIER, "SUPPLIER", (Role.SUPPLIER, Role.XML_SIGNING)),
    Organisation(NETWORK_OPERATOR, "NETWORK-OPERATOR", (Role.NETWORK_OPERATOR, Role.XML_SIGNING)),
    Organisation(SUPPLIER_2, "SUPPLIER-2", (Role.SUPPLIER,)),
    Organisation(OTHER_USER, "OTHER-USER", (Role.OTHER_USER, Role.XML_SIGNING)),
)
