"""How a supplier answers silence."""

import msgspec
import pytest

from hanota.limits import HOUR_MS, READ_BACK_PERIOD_H, READ_BACK_TRIES
from hanota.model import Milestone
from hanota.rows import Delivery, JournalEntry
from hanota.supplier.read_back import NextStep, next_step, tried_so_far
from hanota.supplier.tracking import Evidence, advance

NOW_MS = 1_000_000
ROW = Delivery(5, 1, 3, 7, Milestone.TRANSFERRED, "", True, 0, 0)
ASKED, HEARD = Evidence.READ_BACK_REQUESTED, Evidence.TRANSFER_SUCCESS


def entry(event, *, request=1, moves=True):
    row = msgspec.structs.replace(ROW, request=request)
    return JournalEntry(0, 5, request, event, row if moves else None, b"")


@pytest.mark.parametrize("tried", range(READ_BACK_TRIES))
def test_a_silent_device_is_asked(tried):
    due_ms = NOW_MS + READ_BACK_PERIOD_H * HOUR_MS
    assert next_step(tried, NOW_MS) == NextStep(Evidence.READ_BACK_REQUESTED, due_ms)


def test_who_never_answers_is_silent():
    given_up = NextStep(Evidence.DEADLINE_PASSED, None)
    assert next_step(READ_BACK_TRIES, NOW_MS) == given_up
    assert next_step(READ_BACK_TRIES + 1, NOW_MS) == given_up


TIMELINES = [
    ([], 0),
    ([HEARD], 0),
    ([HEARD, ASKED], 1),
    ([HEARD, ASKED, ASKED], 2),
    # The device got further, and then fell silent again.
    ([ASKED, ASKED, HEARD], 0),
    ([ASKED, HEARD, ASKED], 1),
]


@pytest.mark.parametrize(("events", "tried"), TIMELINES)
def test_read_backs_are_counted_from_the_last_step(events, tried):
    assert tried_so_far([entry(event) for event in events], ROW) == tried


def test_what_changed_nothing_and_other_updates_do_not_count():
    timeline = [
        entry(ASKED, request=2),
        entry(ASKED),
        entry(Evidence.RUNS_ANOTHER_VERSION, moves=False),
        entry(ASKED),
        entry(HEARD, request=2),
    ]
    assert tried_so_far(timeline, ROW) == 2


def test_a_device_that_stays_silent_ends_after_as_many_tries_as_there_are():
    row, timeline, now_ms = ROW, [], NOW_MS
    while row.live:
        step = next_step(tried_so_far(timeline, row), now_ms)
        row = advance(row, step.evidence, now_ms, due_ms=step.due_ms)
        timeline.append(JournalEntry(now_ms, 5, 1, step.evidence, row, b""))
        now_ms = row.due_ms or now_ms
    assert [one.event for one in timeline] == [ASKED] * READ_BACK_TRIES + [Evidence.DEADLINE_PASSED]
    assert now_ms == NOW_MS + READ_BACK_TRIES * READ_BACK_PERIOD_H * HOUR_MS
