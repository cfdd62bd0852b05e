"""CCS08 Firmware Transfer Alert (message code 0x0128), signed by a Communications Hub for the ACB.

Source: GBCS use case CCS08, from the public RTDS message.

    alert ::= SEQUENCE { alertCode INTEGER, time GeneralizedTime, deviceID OCTET STRING (8),
                         firmwareVersion OCTET STRING (4), result INTEGER }
"""

from enum import IntEnum

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.wire import der
from hanota.wire.codes import AlertCode, GbcsFault


class TransferResult(IntEnum):
    """What the transfer of an image from the hub to a device came to."""

    SUCCESS = 0
    IMAGE_DISCARDED = 1
    HARDWARE_MISMATCH = 2
    TRANSFER_FAILURE = 3


class FirmwareTransferAlert(msgspec.Struct, frozen=True, gc=False):
    """What the transfer of one image to one device came to."""

    instant_ms: int  # whole seconds
    device_id: int  # EUI-64 of the device behind the hub
    firmware_version: int  # of the image that was transferred
    result: TransferResult

    @property
    def alert_code(self) -> AlertCode:
        """8F8A after success, 8F89 after anything else."""
        if self.result is TransferResult.SUCCESS:
            return AlertCode.FIRMWARE_TRANSFER_SUCCESS
        return AlertCode.FIRMWARE_TRANSFER_FAILURE


def decode_alert(octets: bytes) -> FirmwareTransferAlert:
    """Read the content of an alert; RemoteError(GbcsFault) when it is none.

    An alert code that contradicts the result makes the alert malformed.
    """
    code, instant, device, version, number = der.decode_sequence(octets, _ALERT)
    result = _RESULTS.get(number)
    if len(device) != _EUI_OCTETS or len(version) != _VERSION_OCTETS or result is None:
        raise RemoteError(
            GbcsFault.MALFORMED,
            "a CCS08 alert has a device id of 8 octets, a version of 4 octets, result 0 to 3",
        )
    alert = FirmwareTransferAlert(
        instant, int.from_bytes(device, "big"), int.from_bytes(version, "big"), result
    )
    if code != alert.alert_code:
        raise RemoteError(
            GbcsFault.MALFORMED, f"alert code {code:04X} contradicts the result {result}"
        )
    return alert


def encode_alert(alert: FirmwareTransferAlert) -> bytes:
    """Write the content of an alert; LocalError when a field does not fit."""
    if not 0 <= alert.device_id < 1 << 64 or not 0 <= alert.firmware_version < 1 << 32:
        raise LocalError("a device id has 64 bits and a firmware version has 32")
    return der.encode_sequence(
        (
            alert.alert_code,
            alert.instant_ms,
            alert.device_id.to_bytes(_EUI_OCTETS, "big"),
            alert.firmware_version.to_bytes(_VERSION_OCTETS, "big"),
            alert.result,
        ),
        _ALERT,
    )


_ALERT: der.Form = (
    der.INTEGER,
    der.GENERALIZED_TIME,
    der.OCTET_STRING,
    der.OCTET_STRING,
    der.INTEGER,
)
_EUI_OCTETS = 8
_VERSION_OCTETS = 4
_RESULTS = {int(result): result for result in TransferResult}
