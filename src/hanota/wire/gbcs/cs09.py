"""CS09 PPMID Firmware Activation Alert (message code 0x012B), signed by the PPMID for the ACB.

Source: GBCS use case CS09, from the public RTDS message.

    alert ::= SEQUENCE { alertCode INTEGER (8F8B), time GeneralizedTime,
                         firmwareVersion OCTET STRING (4), result INTEGER }
"""

from enum import IntEnum

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.wire import der
from hanota.wire.codes import AlertCode, GbcsFault


class ActivationResult(IntEnum):
    """Whether the PPMID runs the image that it was given."""

    SUCCESS = 0
    FAILURE = 1


class FirmwareActivationAlert(msgspec.Struct, frozen=True, gc=False):
    """What an activation came to, and the version that the PPMID runs."""

    instant_ms: int  # whole seconds
    firmware_version: int
    result: ActivationResult

    @property
    def alert_code(self) -> AlertCode:
        """8F8B, after success and failure alike."""
        return AlertCode.PPMID_FIRMWARE_ACTIVATION


def decode_alert(octets: bytes) -> FirmwareActivationAlert:
    """Read the content of an alert; RemoteError(GbcsFault) when it is none."""
    code, instant, version, number = der.decode_sequence(octets, _ALERT)
    result = _RESULTS.get(number)
    if code != _ALERT_CODE or len(version) != _VERSION_OCTETS or result is None:
        raise RemoteError(
            GbcsFault.MALFORMED, "a CS09 alert has code 8F8B, a version of 4 octets, result 0 or 1"
        )
    return FirmwareActivationAlert(instant, int.from_bytes(version, "big"), result)


def encode_alert(alert: FirmwareActivationAlert) -> bytes:
    """Write the content of an alert; LocalError when a field does not fit."""
    if not 0 <= alert.firmware_version < 1 << 32:
        raise LocalError("a firmware version has 32 bits")
    version = alert.firmware_version.to_bytes(_VERSION_OCTETS, "big")
    return der.encode_sequence((_ALERT_CODE, alert.instant_ms, version, alert.result), _ALERT)


_ALERT: der.Form = (der.INTEGER, der.GENERALIZED_TIME, der.OCTET_STRING, der.INTEGER)
_ALERT_CODE = int(AlertCode.PPMID_FIRMWARE_ACTIVATION)
_VERSION_OCTETS = 4
_RESULTS = {int(result): result for result in ActivationResult}
