"""The execution time of a future-dated request: which instants a user may ask for.

How far ahead a request may lie is an assumption of this project (FUTURE_DATE_DAYS_MAX).
"""

from hanota.limits import DAY_MS, FUTURE_DATE_DAYS_MAX

_AHEAD_MS_MAX = FUTURE_DATE_DAYS_MAX * DAY_MS


def may_wait_until(execution_ms: int, now_ms: int) -> bool:
    """Whether a request of now may name this execution time: not past, and not too far ahead."""
    return now_ms <= execution_ms <= now_ms + _AHEAD_MS_MAX
