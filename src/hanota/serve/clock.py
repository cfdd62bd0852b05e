"""The time of a process: that of the machine, or faster.

Time never goes back, not even over a restart, and never faster than was asked for: where the
homes cannot keep up, it waits for them and does not catch up afterwards.
"""

import time
from collections.abc import Callable

from hanota.limits import CLOCK_LEAD_MS


class Clock:
    """Milliseconds since 1970, `speed` of them for each of real time.

    Args:
        start_ms: what it is now.
        speed: virtual time per real time.
        monotonic_s: the machine's own count of seconds.
    """

    def __init__(
        self, start_ms: int, speed: float = 1.0, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.speed = speed
        self._monotonic_s = monotonic_s
        # Replaced whole, because other threads look at it: an instant, and when it was.
        self._origin = (start_ms, monotonic_s())
        self._limit_ms: int | None = None

    def now_ms(self) -> int:
        """What time it is."""
        return self._limited(self._free_ms())

    def reached(self, at_ms: int) -> bool:
        """The homes have got so far: time goes on to CLOCK_LEAD_MS, in real time, from there.

        Whether it had to wait for them since the last call.
        """
        free_ms = self._free_ms()
        now_ms = self._limited(free_ms)
        waited = now_ms < free_ms
        if waited:
            self._origin = (now_ms, self._monotonic_s())
        self._limit_ms = max(now_ms, at_ms + round(CLOCK_LEAD_MS * self.speed))
        return waited

    def _limited(self, free_ms: int) -> int:
        return free_ms if self._limit_ms is None else min(free_ms, self._limit_ms)

    def _free_ms(self) -> int:
        start_ms, started_s = self._origin
        return start_ms + int((self._monotonic_s() - started_s) * 1000 * self.speed)
