"""Whether a campaign has to stop: enough devices failed, of enough that ended, in a short time.

Percentage, absolute number and sample have to be reached together: one failure of two devices
stops nothing, nor do fifty of a million, unless the plan says so.
"""

from collections.abc import Iterable

import msgspec

from hanota.model import Outcome
from hanota.supplier.campaign.plan import FAILURES, SUCCESSES, Halt


class Ended(msgspec.Struct, frozen=True, gc=False):
    """So many devices ended in this way, in the minute that begins then."""

    outcome: Outcome
    minute_ms: int
    devices: int


class Breach(msgspec.Struct, frozen=True):
    """A halt that bites: what was counted, for whoever asks why."""

    halt: Halt
    failed: int
    ended: int

    def __str__(self) -> str:
        causes = ", ".join(sorted(self.halt.causes)) if self.halt.causes != FAILURES else "failure"
        share = 100 * self.failed / self.ended
        minutes = self.halt.window_ms // 60_000
        return (
            f"{self.failed} of {self.ended} devices ({share:.1f}%) ended in {causes} within "
            f"{minutes} min; the plan halts at {self.halt.percent:g}%, {self.halt.devices} devices"
        )


def breach(halts: Iterable[Halt], ended: Iterable[Ended], now_ms: int) -> Breach | None:
    """The first halt that bites now, None where none does.

    `ended` are the campaign's devices by minute, at least as far back as the longest window.
    """
    ended = list(ended)
    for halt in halts:
        begin_ms = now_ms - halt.window_ms
        within = [some for some in ended if begin_ms < some.minute_ms <= now_ms]
        failed = sum(some.devices for some in within if some.outcome in halt.causes)
        total = sum(some.devices for some in within if some.outcome in _COUNTED)
        enough = failed >= halt.devices and total >= halt.sample
        if enough and failed * 100 >= halt.percent * total:
            return Breach(halt, failed, total)
    return None


_COUNTED = FAILURES | SUCCESSES
