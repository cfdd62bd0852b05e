"""The two DLMS pieces that GBCS firmware messages use: date-time and long-invoke-id.

Source: DLMS/COSEM Blue Book 4.1.6.1 (date-time) and Green Book (long-invoke-id-and-priority), in
the forms that the public RTDS messages have. Not here: other DLMS types and services; a use case
spells its few fixed octets out itself.
"""

import struct
from datetime import UTC, datetime

from hanota.errors import LocalError, RemoteError
from hanota.model import instant_ms, utc
from hanota.wire.codes import GbcsFault

DATE_TIME_OCTETS = 12
LONG_INVOKE_ID_OCTETS = 4
# Clock status "not specified"; the public messages also have 00, 02 (doubtful) and 04.
CLOCK_STATUS_NOT_SPECIFIED = 0xFF

# Year, month, day, day of week, hour, minute, second, hundredths, deviation, clock status.
_DATE_TIME = struct.Struct(">HBBBBBBBHB")
_DAY_OF_WEEK_NOT_SPECIFIED = 0xFF
_HUNDREDTHS_NOT_SPECIFIED = 0xFF
_DEVIATION_NOT_SPECIFIED = 0x8000
# GBCS clocks are UTC, so a deviation is not specified or zero.
_DEVIATIONS = frozenset({_DEVIATION_NOT_SPECIFIED, 0})

_LONG_INVOKE_ID_FLAGS = 0x20000000


def encode_date_time(instant: int, clock_status: int = CLOCK_STATUS_NOT_SPECIFIED) -> bytes:
    """12 octets of an instant (ms since 1970, UTC), cut to hundredths; LocalError out of range."""
    try:
        moment = utc(instant)
        return _DATE_TIME.pack(
            moment.year,
            moment.month,
            moment.day,
            _DAY_OF_WEEK_NOT_SPECIFIED,
            moment.hour,
            moment.minute,
            moment.second,
            moment.microsecond // 10_000,
            _DEVIATION_NOT_SPECIFIED,
            clock_status,
        )
    except (ValueError, OverflowError, OSError, struct.error):
        raise LocalError(f"{instant} ms with status {clock_status} is no DLMS date-time") from None


def date_time_instant_ms(date_time: bytes) -> int | None:
    """The instant that 12 octets of date-time name, in ms since 1970.

    None when they name none: a field is not specified, out of range, or the time is not UTC.
    """
    if len(date_time) != DATE_TIME_OCTETS:
        return None
    year, month, day, _, hour, minute, second, hundredths, deviation, _ = _DATE_TIME.unpack(
        date_time
    )
    if deviation not in _DEVIATIONS:
        return None
    if hundredths == _HUNDREDTHS_NOT_SPECIFIED:
        hundredths = 0
    try:
        moment = datetime(year, month, day, hour, minute, second, hundredths * 10_000, tzinfo=UTC)
    except ValueError:
        return None
    return instant_ms(moment)


def invoke_id(counter: int) -> int:
    """The invoke id of a message: the low 24 bits of its Originator Counter."""
    return counter & 0xFFFFFF


def encode_long_invoke_id(invoke_id: int) -> bytes:
    """4 octets: 20, then the invoke id; LocalError when it has more than 24 bits."""
    if not 0 <= invoke_id <= 0xFFFFFF:
        raise LocalError(f"an invoke id has 24 bits, not {invoke_id}")
    return (_LONG_INVOKE_ID_FLAGS | invoke_id).to_bytes(LONG_INVOKE_ID_OCTETS, "big")


def decode_long_invoke_id(octets: bytes) -> int:
    """The invoke id in 4 octets; RemoteError(GbcsFault) when they do not begin with 20."""
    number = int.from_bytes(octets, "big")
    if len(octets) != LONG_INVOKE_ID_OCTETS or number & 0xFF000000 != _LONG_INVOKE_ID_FLAGS:
        raise RemoteError(GbcsFault.MALFORMED, "a long-invoke-id is not 20 and three octets")
    return number & 0xFFFFFF
