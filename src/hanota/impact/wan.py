"""The WAN of one region: images wait until the allowance carries them, first come first served.

The allowance is so many octets an hour. It is spent in bins of a quarter of an hour, evenly within
each, so that a queue of any number of images takes a few steps over arrays: with K(t) the octets
that could have been carried by t, an image that is ready at r begins at the level K(r) or where
the one before it ends, whichever is higher.

Images that are sent later (a further wave, a retry) take what earlier ones have left. Within one
batch of images order is kept; a later batch never delays an earlier one.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hanota.limits import HOUR_MS, IMPACT_HORIZON_DAYS

Seconds: TypeAlias = NDArray[np.float64]

BIN_S = 900.0
BINS = round(IMPACT_HORIZON_DAYS * 86_400 / BIN_S)
EDGES_S: Seconds = BIN_S * np.arange(BINS + 1, dtype=np.float64)
BINS_PER_H = round(HOUR_MS / 1000 / BIN_S)


class RegionWan:
    """What is left of one region's allowance, and what has been carried, octets a bin."""

    def __init__(self, allowance_octets_per_h: float) -> None:
        self._left = np.full(BINS, allowance_octets_per_h / BINS_PER_H)
        self.carried = np.zeros(BINS)

    def copy(self) -> "RegionWan":
        """Another with the same history."""
        other = RegionWan(0.0)
        other._left = self._left.copy()
        other.carried = self.carried.copy()
        return other

    def carry(self, ready_s: Seconds, octets: float) -> tuple[Seconds, Seconds]:
        """Carry an image of `octets` for each instant; when each begins and ends.

        Both are infinite where that is beyond the horizon or the image is never ready.
        """
        order = np.argsort(ready_s, kind="stable")
        order = order[: np.count_nonzero(ready_s < EDGES_S[-1])]
        begun_s, done_s = np.full(ready_s.size, np.inf), np.full(ready_s.size, np.inf)
        if not order.size:
            return begun_s, done_s
        could = np.concatenate(([0.0], np.cumsum(self._left)))
        ready = ready_s[order]
        before = octets * np.arange(order.size)
        begin = np.maximum.accumulate(np.interp(ready, EDGES_S, could) - before) + before
        end = begin + octets
        self._spend(could, begin, end, octets)
        begun_s[order] = np.maximum(ready, np.interp(begin, could, EDGES_S, right=np.inf))
        done_s[order] = np.maximum(ready, np.interp(end, could, EDGES_S, right=np.inf))
        return begun_s, done_s

    def _spend(self, could: Seconds, begin: Seconds, end: Seconds, octets: float) -> None:
        """Take from each bin what the images [begin, end] use of it, all in octets of K."""
        levels = np.column_stack((begin, end)).ravel()
        spent = octets * np.repeat(np.arange(begin.size + 1), 2)[1:-1]
        used = np.minimum(np.diff(np.interp(could, levels, spent)), self._left)
        self._left -= used
        self.carried += used
