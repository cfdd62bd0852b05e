"""Times in DUIS: xs:dateTime as an instant of milliseconds, xs:date as a date.

DUIS times are UTC, so a time without a zone is read as UTC; another zone is converted. Digits
beyond milliseconds are dropped. Instants are those of the years 1970 to 9999, which contains the
execution time 3000-12-31T00:00:00.00Z that cancels a future-dated command.
"""

import re
from datetime import UTC, date, datetime, timedelta

from hanota.model import utc
from hanota.wire.duis.leaves import BLANKS, Leaf

_ZONE = r"(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_INSTANT = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(?:\.([0-9]+))?{_ZONE}"
)
_DATE = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){_ZONE}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INSTANT_MS_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def _parse_instant(text: str) -> int:
    match = _INSTANT.fullmatch(text.strip(BLANKS))
    if match is None:
        raise ValueError("is no xs:dateTime")
    seconds, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(seconds + (zone or "Z"))
    except ValueError as fault:
        raise ValueError("is no time of the calendar") from fault
    milliseconds = int((fraction or "0")[:3].ljust(3, "0"))
    return _checked((moment - _EPOCH) // _MILLISECOND + milliseconds)


def _show_instant(instant_ms: int) -> str:
    return utc(_checked(instant_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checked(instant_ms: int) -> int:
    if not 0 <= instant_ms <= _INSTANT_MS_MAX:
        raise ValueError("is not in the years 1970 to 9999")
    return instant_ms


def _parse_date(text: str) -> date:
    match = _DATE.fullmatch(text.strip(BLANKS))
    if match is None:
        raise ValueError("is no xs:date")
    try:
        return date.fromisoformat(match[1])
    except ValueError as fault:
        raise ValueError("is no day of the calendar") from fault


INSTANT = Leaf(
    _parse_instant, lambda instant_ms: _show_instant(instant_ms).encode("ascii"), _show_instant
)
DATE = Leaf(_parse_date, lambda day: day.isoformat().encode("ascii"), date.isoformat)
