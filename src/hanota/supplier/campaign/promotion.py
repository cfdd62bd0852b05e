"""Whether a wave has proven enough for the next one to begin.

Success is what a device has proven. A device under way is no success, a silent one a failure, so
that failures which come late cannot slip past; and the proof has to hold for a while (the soak).
"""

from enum import Enum

import msgspec

from hanota.supplier.campaign.plan import Promotion
from hanota.supplier.campaign.tally import Tally


class Readiness(Enum):
    """What a wave is still missing; READY: nothing."""

    READY = "ready"
    DISPATCHING = "not all of its devices were asked for"
    SAMPLE = "too few devices were tried"
    PROOF = "too few successes are proven"
    SOAK = "the proof is too fresh"
    SHORT = "it has ended below its share of successes"


class Standing(msgspec.Struct, frozen=True):
    """How a wave stands, and since when its proof holds."""

    readiness: Readiness
    proven_since_ms: int | None  # to be kept, and given at the next look


def standing(
    promotion: Promotion, wave: Tally, proven_since_ms: int | None, now_ms: int
) -> Standing:
    """Look at a wave; `proven_since_ms` is what the last look gave, None at first.

    A wave of which nobody was tried (all were left out) is ready: there is nothing to learn of it.
    """
    if wave.waiting:
        return Standing(Readiness.DISPATCHING, None)
    if not wave.tried:
        return Standing(Readiness.READY, proven_since_ms)
    if wave.ended < min(promotion.sample, wave.tried):
        return Standing(Readiness.SAMPLE, None)
    if wave.proven * 100 < promotion.success_percent * wave.tried:
        ended = Readiness.PROOF if wave.under_way else Readiness.SHORT
        return Standing(ended, None)
    since_ms = now_ms if proven_since_ms is None else proven_since_ms
    soaked = now_ms - since_ms >= promotion.soak_ms
    return Standing(Readiness.READY if soaked else Readiness.SOAK, since_ms)
