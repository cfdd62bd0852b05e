"""The time of a process: faster than real where it is asked for, never back, never faster."""

import pytest

from hanota.limits import CLOCK_LEAD_MS
from hanota.serve.clock import Clock


class Seconds:
    """The machine's own count, which a test turns."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def seconds():
    return Seconds()


@pytest.mark.parametrize("speed", [1.0, 60.0, 0.5])
def test_time_runs_as_fast_as_it_is_asked_to(seconds, speed):
    clock = Clock(1_000, speed, seconds)
    assert clock.now_ms() == 1_000
    seconds.now_s += 2
    assert clock.now_ms() == 1_000 + 2_000 * speed


def test_time_waits_for_homes_that_are_behind_and_does_not_catch_up(seconds):
    clock = Clock(0, 10.0, seconds)
    assert not clock.reached(0)
    seconds.now_s += 60
    assert clock.now_ms() == 10 * CLOCK_LEAD_MS
    assert clock.reached(10 * CLOCK_LEAD_MS)
    assert clock.now_ms() == 10 * CLOCK_LEAD_MS
    seconds.now_s += 1
    assert clock.now_ms() == 10 * CLOCK_LEAD_MS + 10_000
    assert not clock.reached(10 * CLOCK_LEAD_MS + 10_000)


def test_time_never_goes_back_or_too_fast_whatever_the_homes_do(seconds):
    clock = Clock(0, 3.0, seconds)
    before_ms = clock.now_ms()
    for step, reached_ms in enumerate([0, 0, 50_000, 10, 90_000, 90_000, 0, 300_000]):
        seconds.now_s += step
        now_ms = clock.now_ms()
        assert before_ms <= now_ms <= before_ms + step * 3_000
        clock.reached(reached_ms)
        assert clock.now_ms() == now_ms
        before_ms = now_ms
