"""Firmware Distribution Receipt Alert of an ESME (0x00CE) and of a GSME (0x00CF).

Source: GBCS, from the public RTDS messages with alert code 8F72. That 8F1C (verification failed)
has the same form is an assumption: no public message has it. The device signs it for the supplier
when it has verified an image; the hash is the one it calculated itself.

    ESME  0F long-invoke-id 00 | 02 03 | 12 alert-code | 09 0C date-time | 09 20 hash     (DLMS)
    GSME  0109 01 | alert-code | seconds since 2000-01-01T00:00Z | 09 20 hash             (GBZ)

Which of the two an HCALCS sends is not public.
"""

import struct

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import HASH_OCTETS
from hanota.wire.codes import AlertCode, GbcsFault
from hanota.wire.gbcs.dlms import (
    DATE_TIME_OCTETS,
    date_time_instant_ms,
    decode_long_invoke_id,
    encode_long_invoke_id,
)


class EsmeFirmwareDistributionReceipt(msgspec.Struct, frozen=True, gc=False):
    """An image was verified, or failed verification and was discarded."""

    alert_code: AlertCode  # FIRMWARE_VERIFIED or FIRMWARE_VERIFICATION_FAILED
    invoke_id: int  # low 24 bits of the Originator Counter (`dlms.invoke_id`)
    date_time: bytes  # DLMS date-time, 12 octets, kept as sent: the clock status counts
    manufacturer_image_hash: bytes

    @property
    def instant_ms(self) -> int | None:
        """When; None where the date-time names no instant."""
        return date_time_instant_ms(self.date_time)


class GsmeFirmwareDistributionReceipt(msgspec.Struct, frozen=True, gc=False):
    """An image was verified, or failed verification and was discarded."""

    alert_code: AlertCode  # FIRMWARE_VERIFIED or FIRMWARE_VERIFICATION_FAILED
    instant_ms: int  # whole seconds, 2000-01-01 to 2136-02-07
    manufacturer_image_hash: bytes


def decode_esme_alert(octets: bytes) -> EsmeFirmwareDistributionReceipt:
    """Read the content of 0x00CE; RemoteError(GbcsFault) when it is none."""
    if len(octets) != _ESME.size:
        raise _malformed()
    tag, invoke_id, structure, code, date_tag, date_time, hash_tag, image_hash = _ESME.unpack(
        octets
    )
    if (tag, structure, date_tag, hash_tag) != _ESME_FIXED:
        raise _malformed()
    return EsmeFirmwareDistributionReceipt(
        _decode_code(code), decode_long_invoke_id(invoke_id), date_time, image_hash
    )


def encode_esme_alert(receipt: EsmeFirmwareDistributionReceipt) -> bytes:
    """Write the content of 0x00CE; LocalError when a field does not fit."""
    _require_sendable(receipt.alert_code, receipt.manufacturer_image_hash)
    if len(receipt.date_time) != DATE_TIME_OCTETS:
        raise LocalError("a date-time has 12 octets")
    tag, structure, date_tag, hash_tag = _ESME_FIXED
    return _ESME.pack(
        tag,
        encode_long_invoke_id(receipt.invoke_id),
        structure,
        receipt.alert_code,
        date_tag,
        receipt.date_time,
        hash_tag,
        receipt.manufacturer_image_hash,
    )


def decode_gsme_alert(octets: bytes) -> GsmeFirmwareDistributionReceipt:
    """Read the content of 0x00CF; RemoteError(GbcsFault) when it is none."""
    if len(octets) != _GSME.size:
        raise _malformed()
    component, code, seconds, hash_tag, image_hash = _GSME.unpack(octets)
    if (component, hash_tag) != _GSME_FIXED:
        raise _malformed()
    return GsmeFirmwareDistributionReceipt(
        _decode_code(code), _YEAR_2000_MS + seconds * 1000, image_hash
    )


def encode_gsme_alert(receipt: GsmeFirmwareDistributionReceipt) -> bytes:
    """Write the content of 0x00CF; LocalError when a field does not fit."""
    _require_sendable(receipt.alert_code, receipt.manufacturer_image_hash)
    seconds, rest_ms = divmod(receipt.instant_ms - _YEAR_2000_MS, 1000)
    if rest_ms or not 0 <= seconds < 1 << 32:
        raise LocalError("the time of a GSME has whole seconds, from 2000 to 2136")
    component, hash_tag = _GSME_FIXED
    return _GSME.pack(
        component, receipt.alert_code, seconds, hash_tag, receipt.manufacturer_image_hash
    )


_ALERT_CODES = {
    int(code): code
    for code in (AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED)
}
_OCTET_STRING_OF_32 = bytes.fromhex("0920")

# Tag, long-invoke-id, no date-time and a structure of three whose first is a long-unsigned,
# alert code, octet string of 12, date-time, octet string of 32, hash.
_ESME = struct.Struct(">1s4s4sH2s12s2s32s")
_ESME_FIXED = (b"\x0f", bytes.fromhex("00020312"), bytes.fromhex("090C"), _OCTET_STRING_OF_32)

# Profile and count, alert code, time, octet string of 32, hash.
_GSME = struct.Struct(">3sHI2s32s")
_GSME_FIXED = (bytes.fromhex("010901"), _OCTET_STRING_OF_32)
_YEAR_2000_MS = 946_684_800_000


def _malformed() -> RemoteError:
    return RemoteError(
        GbcsFault.MALFORMED, "the content is not that of a Firmware Distribution Receipt Alert"
    )


def _decode_code(code: int) -> AlertCode:
    try:
        return _ALERT_CODES[code]
    except KeyError:
        raise RemoteError(
            GbcsFault.UNSUPPORTED,
            f"a Firmware Distribution Receipt Alert has code 8F72 or 8F1C, not {code:04X}",
        ) from None


def _require_sendable(code: AlertCode, image_hash: bytes) -> None:
    if code not in _ALERT_CODES or len(image_hash) != HASH_OCTETS:
        raise LocalError("a receipt has alert code 8F72 or 8F1C and a hash of 32 octets")
