"""CS06 Activate Firmware: command and response (message code 0x0012), and the alert (0x00CA).

Source: GBCS use case CS06, rebuilt octet by octet from the public RTDS messages. A supplier signs
the command for one ESME, GSME or HCALCS and the ACB adds a MAC; the device signs its response,
which always has a date-time in its header, and its alert.

    command  ::= SEQUENCE { manufacturerImageHash OCTET STRING (32), originatorCounter INTEGER,
                            executionDateTime GeneralizedTime OPTIONAL }
    response ::= CHOICE { accepted NULL, outcome }
    outcome  ::= SEQUENCE { result INTEGER, firmwareVersion OCTET STRING }
    alert    ::= SEQUENCE { alertCode INTEGER, executionDateTime GeneralizedTime,
                            originatorCounter INTEGER, outcome }

Not here: when a device activates, and what it does with a second command (`hanota.han`).
"""

from enum import IntEnum

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import HASH_OCTETS
from hanota.wire import der
from hanota.wire.codes import AlertCode, GbcsFault

# The execution time that cancels a command which waits: 99991231235959Z. DUIS says the same with
# 3000-12-31T00:00:00.00Z.
CANCELLATION_MS = 253_402_300_799_000


class ActivateFirmwareResult(IntEnum):
    """What an activation came to; 3 was read in GBCS and has no public message."""

    SUCCESS = 0
    NO_IMAGE_HELD = 1
    HASH_MISMATCH = 2
    ACTIVATION_FAILURE = 3


class ActivateFirmwareCommand(msgspec.Struct, frozen=True, gc=False):
    """Activate the image with this hash: at once, or at an instant; or cancel what waits."""

    manufacturer_image_hash: bytes  # SHA-256 of the Manufacturer Image
    originator_counter: int  # the counter of the header
    execution_date_time_ms: int | None = None  # whole seconds; CANCELLATION_MS cancels


class ActivateFirmwareAccepted(msgspec.Struct, frozen=True, gc=False):
    """The command will be carried out later, or what waited is cancelled."""


class ActivateFirmwareOutcome(msgspec.Struct, frozen=True):
    """What the activation came to, and the version that runs now."""

    result: ActivateFirmwareResult
    firmware_version: bytes  # as many octets as the device gave; 4 in every public message


class FutureDatedActivationAlert(msgspec.Struct, frozen=True):
    """What a future-dated activation came to."""

    execution_date_time_ms: int  # of the command, whole seconds
    originator_counter: int  # of the command
    outcome: ActivateFirmwareOutcome

    @property
    def alert_code(self) -> AlertCode:
        """8F66 after success, 8F67 after anything else."""
        if self.outcome.result is ActivateFirmwareResult.SUCCESS:
            return AlertCode.FUTURE_DATED_ACTIVATION_SUCCESS
        return AlertCode.FUTURE_DATED_ACTIVATION_FAILURE


def decode_command(octets: bytes) -> ActivateFirmwareCommand:
    """Read the content of a command; RemoteError(GbcsFault) when it is none."""
    image_hash, counter, execution = der.decode_sequence(octets, _COMMAND, optional=1)
    if len(image_hash) != HASH_OCTETS:
        raise RemoteError(GbcsFault.MALFORMED, "a Manufacturer Image Hash has 32 octets")
    return ActivateFirmwareCommand(image_hash, counter, execution)


def encode_command(command: ActivateFirmwareCommand) -> bytes:
    """Write the content of a command; LocalError when a field does not fit."""
    if len(command.manufacturer_image_hash) != HASH_OCTETS:
        raise LocalError("a Manufacturer Image Hash has 32 octets")
    return der.encode_sequence(
        (
            command.manufacturer_image_hash,
            command.originator_counter,
            command.execution_date_time_ms,
        ),
        _COMMAND,
    )


def decode_response(octets: bytes) -> ActivateFirmwareAccepted | ActivateFirmwareOutcome:
    """Read the content of a response; RemoteError(GbcsFault) when it is none."""
    if octets == der.NULL:
        return ActivateFirmwareAccepted()
    return _outcome(*der.decode_sequence(octets, _OUTCOME))


def encode_response(response: ActivateFirmwareAccepted | ActivateFirmwareOutcome) -> bytes:
    """Write the content of a response; LocalError when a field does not fit."""
    match response:
        case ActivateFirmwareAccepted():
            return der.NULL
        case ActivateFirmwareOutcome(result, firmware_version):
            return der.encode_sequence((result, firmware_version), _OUTCOME)


def decode_alert(octets: bytes) -> FutureDatedActivationAlert:
    """Read the content of an alert; RemoteError(GbcsFault) when it is none.

    An alert code that contradicts the outcome makes the alert malformed.
    """
    code, execution, counter, outcome = der.decode_sequence(octets, _ALERT)
    alert = FutureDatedActivationAlert(execution, counter, _outcome(*outcome))
    if code != alert.alert_code:
        raise RemoteError(
            GbcsFault.MALFORMED,
            f"alert code {code:04X} contradicts the result {alert.outcome.result}",
        )
    return alert


def encode_alert(alert: FutureDatedActivationAlert) -> bytes:
    """Write the content of an alert; LocalError when a field does not fit."""
    return der.encode_sequence(
        (
            alert.alert_code,
            alert.execution_date_time_ms,
            alert.originator_counter,
            (alert.outcome.result, alert.outcome.firmware_version),
        ),
        _ALERT,
    )


_COMMAND: der.Form = (der.OCTET_STRING, der.INTEGER, der.GENERALIZED_TIME)
_OUTCOME: der.Form = (der.INTEGER, der.OCTET_STRING)
_ALERT: der.Form = (der.INTEGER, der.GENERALIZED_TIME, der.INTEGER, _OUTCOME)

_RESULTS = {int(result): result for result in ActivateFirmwareResult}


def _outcome(number: int, firmware_version: bytes) -> ActivateFirmwareOutcome:
    result = _RESULTS.get(number)
    if result is None:
        raise RemoteError(GbcsFault.MALFORMED, f"an activation cannot have result {number}")
    return ActivateFirmwareOutcome(result, firmware_version)
