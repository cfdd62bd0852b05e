"""Silence is answered: what a supplier does when the deadline of a device has passed.

It asks the device which version it runs (11.2), a few times, because the one alert that would have
told may be lost; only when all of that stays without an answer does the device count as silent.
This holds for both methods: a PPMID answers 11.2 as well.

Not here: what an answer means (`conclusions`).
"""

from collections.abc import Sequence
from itertools import takewhile

import msgspec

from hanota.limits import HOUR_MS, READ_BACK_PERIOD_H, READ_BACK_TRIES
from hanota.rows import Delivery, JournalEntry
from hanota.supplier.tracking import Evidence

_PERIOD_MS = READ_BACK_PERIOD_H * HOUR_MS


class NextStep(msgspec.Struct, frozen=True):
    """What to record of a delivery past its deadline; READ_BACK_REQUESTED: and to send 11.2."""

    evidence: Evidence
    due_ms: int | None  # the next deadline, None where there is none


def next_step(tried: int, now_ms: int) -> NextStep:
    """Ask once more, or give the device up; `tried` counts the read-backs since it last spoke."""
    if tried < READ_BACK_TRIES:
        return NextStep(Evidence.READ_BACK_REQUESTED, now_ms + _PERIOD_MS)
    return NextStep(Evidence.DEADLINE_PASSED, None)


def tried_so_far(timeline: Sequence[JournalEntry], delivery: Delivery) -> int:
    """How many read-backs of this delivery its journal has after the last other step.

    `timeline` is in the order of time. What changed nothing, or another delivery, is no step: a
    device that answers a read-back with its old version has not got any further.
    """
    steps = [
        entry.event
        for entry in timeline
        if entry.request == delivery.request and entry.delivery is not None
    ]
    requested = Evidence.READ_BACK_REQUESTED
    return sum(1 for _ in takewhile(lambda event: event == requested, reversed(steps)))
