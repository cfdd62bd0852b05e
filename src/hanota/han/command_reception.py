"""Which GBCS commands a node carries out: those that somebody it trusts meant for it, once each.

A command must be addressed to the node, belong to a use case that the node has, come from a party
that may ask for it, carry exactly the protection that the use case prescribes, have a counter above
the last one accepted from its originator, and have the MAC of the Access Control Broker and, where
it is critical, the signature of the supplier. GBCS gives whatever fails no answer: it is discarded.

The counter that counts is the originator's own. Where the ACB asks for a party that the node does
not know, that party's supplementary counter is of the time when it asked: a read that was to be
done later comes with a lower one than a read that was done at once, so its order proves nothing.

Not here: what a command does (`firmware_activation`, `firmware_version_read`).
"""

from collections.abc import Callable, Container, Mapping
from enum import StrEnum
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.errors import RemoteError
from hanota.han.outbox import Values
from hanota.model import Role
from hanota.smki import protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs06 import ActivateFirmwareCommand
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import Content, protection_carried, protection_due

ACTIVATE_FIRMWARE = 0x0012  # CS06
READ_ESME_OR_CH_VERSION = 0x0059  # ECS52
READ_GSME_VERSION = 0x0084  # GCS38
READ_PPMID_OR_HCALCS_VERSION = 0x0129  # CS08

# Who may originate the commands of each use case.
_SUPPLIER_OR_ACB = frozenset({Role.SUPPLIER, Role.ACCESS_CONTROL_BROKER})
ORIGINATORS: dict[int, frozenset[Role]] = {
    ACTIVATE_FIRMWARE: frozenset({Role.SUPPLIER}),
    READ_ESME_OR_CH_VERSION: _SUPPLIER_OR_ACB,
    READ_GSME_VERSION: _SUPPLIER_OR_ACB,
    READ_PPMID_OR_HCALCS_VERSION: frozenset({Role.ACCESS_CONTROL_BROKER}),
}


class Trust(msgspec.Struct, frozen=True):
    """Whom a node trusts: what its certificate slots and its own key agreement key make of it.

    Keys are asked for when they are needed and may be kept by the giver: a node that nobody talks
    to costs nothing. Both are asked only about the parties that are named here.
    """

    shared_secret: Callable[[int], bytes]  # Z with the ACB or a supplier, 32 octets, by EUI-64
    public_key: Callable[[int], ec.EllipticCurvePublicKey]  # a supplier's, for its signatures
    suppliers: tuple[int, ...] = ()  # EUI-64s; a real device has one, its responsible supplier
    acb: int = ACCESS_CONTROL_BROKER

    def role(self, party: int) -> Role | None:
        """What a party is to the node; None: nobody."""
        if party == self.acb:
            return Role.ACCESS_CONTROL_BROKER
        return Role.SUPPLIER if party in self.suppliers else None


class Refusal(StrEnum):
    """Why a command is discarded, in the order of the checks."""

    MALFORMED = "malformed"
    OTHER_TARGET = "other-target"
    USE_CASE = "use-case"
    ORIGINATOR = "originator"
    PROTECTION = "protection"
    COUNTER = "counter"
    MAC = "mac"
    SIGNATURE = "signature"


class Command(msgspec.Struct, frozen=True):
    """A command to carry out; `values` are to be recorded together with whatever comes of it."""

    message: GbcsMessage
    content: Content
    values: Values


class CommandReception:
    """Receives the commands of one node.

    Args:
        node_id: EUI-64 of the node.
        trust: whom it trusts.
        message_codes: of the use cases that it has, all of them in ORIGINATORS.
        records: of its flash.
    """

    def __init__(
        self,
        node_id: int,
        trust: Trust,
        message_codes: Container[int],
        records: Mapping[str, bytes],
    ) -> None:
        self._node_id = node_id
        self._trust = trust
        self._message_codes = message_codes
        self._accepted = {
            int(key.removeprefix(_PREFIX), 16): int.from_bytes(counter, "big")
            for key, counter in records.items()
            if key.startswith(_PREFIX)
        }

    def receive(self, octets: bytes) -> Command | Refusal:
        """Take any octets; the same command is accepted once.

        It counts as accepted at once: who does not record the values that come with it loses the
        power to, and receives it again.
        """
        try:
            message = gbcs.decode(octets)
        except RemoteError:
            return Refusal.MALFORMED
        for refusal, passes in self._CHECKS.items():
            if not passes(self, message):
                return refusal
        content = _content(message)
        if content is None:
            return Refusal.MALFORMED
        self._accepted[message.originator] = message.counter
        counter = message.counter.to_bytes(8, "big")
        return Command(message, content, {f"{_PREFIX}{message.originator:016X}": counter})

    def _for_this_node(self, message: GbcsMessage) -> bool:
        return message.target == self._node_id

    def _has_use_case(self, message: GbcsMessage) -> bool:
        return message.cra is Cra.COMMAND and message.message_code in self._message_codes

    def _may_ask(self, message: GbcsMessage) -> bool:
        role = self._trust.role(message.originator)
        for_another = message.supplementary_party is not None
        if for_another and role is not Role.ACCESS_CONTROL_BROKER:
            return False
        return role in ORIGINATORS[message.message_code]

    def _protected(self, message: GbcsMessage) -> bool:
        return protection_carried(message) == protection_due(message)

    def _counter_fresh(self, message: GbcsMessage) -> bool:
        return message.counter > self._accepted.get(message.originator, -1)

    def _mac_valid(self, message: GbcsMessage) -> bool:
        z = self._trust.shared_secret(protection.mac_parties(message, self._trust.acb).organisation)
        return protection.mac_valid(message, z)

    def _signature_valid(self, message: GbcsMessage) -> bool:
        if message.signature is None:
            return True  # and none is due: that has been checked
        return protection.signature_valid(message, self._trust.public_key(message.originator))

    # In this order: what costs nothing first.
    _CHECKS: ClassVar[dict[Refusal, Callable[["CommandReception", GbcsMessage], bool]]] = {
        Refusal.OTHER_TARGET: _for_this_node,
        Refusal.USE_CASE: _has_use_case,
        Refusal.ORIGINATOR: _may_ask,
        Refusal.PROTECTION: _protected,
        Refusal.COUNTER: _counter_fresh,
        Refusal.MAC: _mac_valid,
        Refusal.SIGNATURE: _signature_valid,
    }


_PREFIX = "accepted-counter/"


def _content(message: GbcsMessage) -> Content | None:
    """What the command says; None where it is not what its use case prescribes."""
    try:
        content = decode_content(message)
    except RemoteError:
        return None
    match content:
        case ActivateFirmwareCommand(originator_counter=counter) if counter != message.counter:
            return None
    return content
