"""11.3 Activate Firmware, CV 5: the Pre-Command comes back signed.

It has to be the one that CV 4 gave under the same RequestID, octet by octet but for the
signature, and the signature that of its originator as a supplier. Days may lie between the two,
so the checks of CV 4 are made again. What passes gets the ACB's MAC and goes to the device.

Not here: keys; whether the RequestID was used before (the shell).
"""

from collections.abc import Iterable

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.dcc import transform
from hanota.dcc.commands import CommandState
from hanota.dcc.services import Refusal
from hanota.errors import RemoteError
from hanota.rows import Command, Device
from hanota.smki.protection import signature_valid
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import CANCELLATION_MS, SignedPreCommand
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import GbcsMessage, decode, encode


def examine(
    body: SignedPreCommand,
    given: Command | None,
    device: Device | None,
    supplier_keys: Iterable[ec.EllipticCurvePublicKey],
    now_ms: int,
) -> GbcsMessage | Refusal:
    """The signed command that may go to the device, without its MAC; or why none may.

    `given` is the command under the RequestID of the request, None where there is none, and
    `supplier_keys` are the trusted signature keys that its originator has as a supplier.
    """
    if given is None or given.state != CommandState.TRANSFORMED:
        return Refusal(ResponseCode.E100, "no Pre-Command was given under this RequestID (CV 4)")
    try:
        message = decode(body.gbcs_payload)
    except RemoteError as fault:
        return Refusal(ResponseCode.E48, f"the signed Pre-Command cannot be read: {fault.reason}")
    if encode(msgspec.structs.replace(message, signature=None)) != given.gbcs:
        return Refusal(ResponseCode.E48, "the signed Pre-Command is not the one that was given")
    if not any(signature_valid(message, key) for key in supplier_keys):
        return Refusal(ResponseCode.E48, "the Pre-Command is not signed by its originator")
    execution_ms = _execution_ms(message)
    if body.execution_date_time_ms not in (None, execution_ms):
        return Refusal(ResponseCode.E17, "the execution time is not that of the Pre-Command")
    refusal = transform.objection(given.originator, execution_ms, device, now_ms)
    return message if refusal is None else refusal


def _execution_ms(message: GbcsMessage) -> int | None:
    """The execution time of an activation as DUIS has it."""
    execution_ms = cs06.decode_command(message.content).execution_date_time_ms
    return CANCELLATION_MS if execution_ms == cs06.CANCELLATION_MS else execution_ms
