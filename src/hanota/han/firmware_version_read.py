"""Service request 11.2 at a node: which firmware version runs (CS08, ECS52, GCS38).

Every kind of node has one of the three reads; only the form of its content differs. The answer has
a MAC for whom it is addressed to: the supplier, or the ACB where that asked, whose supplementary
fields it repeats.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hanota.han.command_reception import (
    READ_ESME_OR_CH_VERSION,
    READ_GSME_VERSION,
    READ_PPMID_OR_HCALCS_VERSION,
    Command,
    CommandReception,
    Trust,
)
from hanota.han.outbox import Values
from hanota.model import DeviceType
from hanota.smki import protection
from hanota.wire.gbcs import cs08, ecs52, gcs38
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.message import Cra, GbcsMessage

# Message code of the read that each kind of node has.
READ_OF = {
    DeviceType.ESME: READ_ESME_OR_CH_VERSION,
    DeviceType.CHF: READ_ESME_OR_CH_VERSION,
    DeviceType.GSME: READ_GSME_VERSION,
    DeviceType.PPMID: READ_PPMID_OR_HCALCS_VERSION,
    DeviceType.HCALCS: READ_PPMID_OR_HCALCS_VERSION,
}


class FirmwareVersionRead:
    """The reads of a node that carries out no other commands.

    Args:
        node_id: EUI-64 of the node.
        kind: which decides the use case.
        trust: whom it answers; None: nobody.
        records: of its flash.
    """

    def __init__(
        self, node_id: int, kind: DeviceType, trust: Trust | None, records: Mapping[str, bytes]
    ) -> None:
        self._trust = trust
        self._reception = (
            None if trust is None else CommandReception(node_id, trust, {READ_OF[kind]}, records)
        )

    def receive(self, octets: bytes, running_version: int) -> tuple[bytes, Values] | None:
        """The answer and the values to record with it; None for what is no read of this node."""
        if self._trust is None or self._reception is None:
            return None
        match self._reception.receive(octets):
            case Command() as command:
                return answer_read(command, running_version, self._trust), command.values
        return None


def answer_read(command: Command, running_version: int, trust: Trust) -> bytes:
    """The octets of the response to one of the three reads; `running_version` is 4 octets."""
    content = _ANSWERS[command.message.message_code](
        command.content, running_version.to_bytes(4, "big")
    )
    response = _response_to(command.message, content)
    return gbcs.encode(protection.add_mac(response, trust.shared_secret(response.target)))


def _response_to(command: GbcsMessage, content: bytes) -> GbcsMessage:
    """The response to a command, without protection; it repeats the supplementary fields."""
    return GbcsMessage(
        Cra.RESPONSE,
        command.counter,
        command.target,
        command.originator,
        command.message_code,
        content,
        supplementary_party=command.supplementary_party,
        supplementary_counter=command.supplementary_counter,
    )


def _cs08(_command: cs08.ReadFirmwareVersionCommand, version: bytes) -> bytes:
    return cs08.encode_response(cs08.ReadFirmwareVersionResponse(version, cs08.ReadResult.SUCCESS))


def _ecs52(command: ecs52.ReadFirmwareVersionCommand, version: bytes) -> bytes:
    return ecs52.encode_response(ecs52.ReadFirmwareVersionResponse(command.invoke_id, version))


def _gcs38(_command: gcs38.ReadFirmwareVersionCommand, version: bytes) -> bytes:
    return gcs38.encode_response(gcs38.ReadFirmwareVersionResponse(version))


_ANSWERS: dict[int, Callable[[Any, bytes], bytes]] = {
    READ_PPMID_OR_HCALCS_VERSION: _cs08,
    READ_ESME_OR_CH_VERSION: _ecs52,
    READ_GSME_VERSION: _gcs38,
}
