"""When a push that the user's endpoint did not take is tried again, and when no more.

The DCC repeats a failed alert and holds it for PUSH_HOLD_DAYS; then it leaves the queue and only
the journal has it.
"""

from hanota.limits import DAY_MS, PUSH_HOLD_DAYS, PUSH_RETRY_S, PUSH_RETRY_S_MAX

_HOLD_MS = PUSH_HOLD_DAYS * DAY_MS


def next_try_ms(tries: int, now_ms: int) -> int | None:
    """When a push is tried again that has failed `tries` times, the last time now.

    None when its pauses together would exceed PUSH_HOLD_DAYS.
    """
    if sum(_pause_ms(failed) for failed in range(1, tries + 1)) > _HOLD_MS:
        return None
    return now_ms + _pause_ms(tries)


def _pause_ms(tries: int) -> int:
    """The pause after the first failure is PUSH_RETRY_S; each doubles up to PUSH_RETRY_S_MAX."""
    # A pause that has doubled 16 times is longer than any maximum, and the shift stays small.
    doublings = min(tries - 1, 16)
    return min(PUSH_RETRY_S << doublings, PUSH_RETRY_S_MAX) * 1000
