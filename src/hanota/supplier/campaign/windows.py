"""When requests of a campaign may leave: local windows of the week, and blackouts.

Windows are of the local clock, which skips an hour in March and repeats one in October: a window
from 01:00 to 02:00 does not open on the one day, and is two hours long on the other. Both follow
from asking, for an instant, what the local clock shows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from hanota.limits import DAY_MS, MINUTE_MS
from hanota.supplier.campaign.plan import Blackout, Window


def is_open(
    windows: Sequence[Window], blackouts: Sequence[Blackout], zone: tzinfo, now_ms: int
) -> bool:
    """Whether requests may leave now; without windows, whenever there is no blackout."""
    if any(blackout.from_ms <= now_ms < blackout.to_ms for blackout in blackouts):
        return False
    if not windows:
        return True
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    return any(_has(window, local) for window in windows)


def next_opening_ms(
    windows: Sequence[Window], blackouts: Sequence[Blackout], zone: tzinfo, now_ms: int
) -> int | None:
    """The first instant from now on at which requests may leave, to the minute.

    None where that does not come within the year: then it never does.
    """
    at_ms = now_ms
    until_ms = now_ms + _YEAR_MS
    while at_ms < until_ms:
        if is_open(windows, blackouts, zone, at_ms):
            return at_ms
        ends = [some.to_ms for some in blackouts if some.from_ms <= at_ms < some.to_ms]
        at_ms = max(ends) if ends else at_ms - at_ms % MINUTE_MS + MINUTE_MS
    return None


def _has(window: Window, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    if window.from_minute < window.to_minute:
        return today in window.days and window.from_minute <= minute < window.to_minute
    begun = today in window.days and minute >= window.from_minute
    return begun or (yesterday in window.days and minute < window.to_minute)


_YEAR_MS = 366 * DAY_MS
