"""Whether a simulated wave may be followed by the next, and whether the campaign halts.

Both are asked of the rules that run real campaigns; here is only when to ask them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from hanota.impact.wan import BIN_S, Seconds
from hanota.model import Outcome
from hanota.supplier.campaign.halting import Ended, breach
from hanota.supplier.campaign.plan import FAILURES, SUCCESSES, Halt, Promotion
from hanota.supplier.campaign.promotion import standing
from hanota.supplier.campaign.tally import Tally


def promoted_at_s(
    promotion: Promotion, asked_s: float, proven_s: Seconds, failed_s: Seconds, weight: float
) -> float | None:
    """When the wave has proven enough and its soak is over; None: never.

    `asked_s` is when its last device was asked, the arrays when each sampled one that was tried
    was proven or failed (infinite: neither comes), each standing for `weight`.
    """
    proven, failed = np.sort(proven_s), np.sort(failed_s)
    tried = _devices(proven.size + failed.size, weight)
    looks = np.concatenate((proven, failed))
    looks = np.unique(np.maximum(looks[np.isfinite(looks)], asked_s))
    if not tried:
        return asked_s + promotion.soak_ms / 1000

    def is_proven(at_s: float) -> bool:
        successes = _devices(int(np.searchsorted(proven, at_s, side="right")), weight)
        failures = _devices(int(np.searchsorted(failed, at_s, side="right")), weight)
        tally = Tally(under_way=tried - successes - failures, proven=successes, failed=failures)
        return standing(promotion, tally, None, round(at_s * 1000)).proven_since_ms is not None

    # Proof only grows: the first look at which it suffices is found by halving.
    low, high = 0, looks.size
    while low < high:
        middle = (low + high) // 2
        if is_proven(float(looks[middle])):
            high = middle
        else:
            low = middle + 1
    return None if low == looks.size else float(looks[low]) + promotion.soak_ms / 1000


def halt_at_s(
    halts: Sequence[Halt], ended: Mapping[Outcome, Seconds], start_ms: int, weight: float
) -> tuple[float, str] | None:
    """When the first halt bites, and which it is; None: none ever does.

    `ended` are devices a bin, of which a sampled one stands for up to `weight`. Where that is more
    than one device, a halt needs some sampled ones to have ended in its window: three of six are
    no evidence that half of five hundred failed.
    """
    least = _ENDED_SAMPLED_MIN * weight if weight > 1 else 0.0
    found = [_bites(halt, ended, start_ms, least) for halt in halts]
    return min((each for each in found if each is not None), default=None)


def _bites(
    halt: Halt, ended: Mapping[Outcome, Seconds], start_ms: int, least: float
) -> tuple[float, str] | None:
    width = max(1, round(halt.window_ms / 1000 / BIN_S))
    counted = {name: bins for name, bins in ended.items() if name in SUCCESSES | FAILURES}
    if not counted:
        return None
    total = _within(sum(counted.values(), np.zeros(1)), width)
    causes = [bins for name, bins in counted.items() if name in halt.causes]
    failed = _within(sum(causes, np.zeros_like(total)), width)
    enough = (failed >= halt.devices) & (total >= max(least, halt.sample))
    # Few enough to be looked at one by one; rounding to whole devices may decide otherwise.
    for place in np.flatnonzero(enough & (failed * 100 >= halt.percent * total)).tolist():
        now_ms = start_ms + round(place * BIN_S * 1000)
        rows = [
            Ended(name, start_ms + round(each * BIN_S * 1000), round(float(bins[each])))
            for name, bins in counted.items()
            for each in range(max(0, place - width + 1), place + 1)
        ]
        if breach((halt,), rows, now_ms) is not None:
            why = f"the plan halts at {halt.percent:g}% of {halt.sample} devices or more"
            return float((place + 1) * BIN_S), why
    return None


def _within(bins: Seconds, width: int) -> Seconds:
    """The sum over each bin and those before it, `width` in all."""
    summed = np.cumsum(bins)
    summed[width:] -= summed[:-width].copy()
    return summed


# Sampled devices that have to have ended in a halt's window before it may bite.
_ENDED_SAMPLED_MIN = 50


def _devices(sampled: int, weight: float) -> int:
    return round(sampled * weight)
