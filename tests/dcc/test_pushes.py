"""Pauses between the tries of one push, and their end."""

from hanota.dcc.pushes import next_try_ms
from hanota.limits import DAY_MS, PUSH_HOLD_DAYS

NOW_MS = 1_800_000_000_000


def pauses_s() -> list[int]:
    found, tries = [], 1
    while (at_ms := next_try_ms(tries, NOW_MS)) is not None:
        found.append((at_ms - NOW_MS) // 1000)
        tries += 1
    return found


def test_pauses_double_up_to_an_hour():
    assert pauses_s()[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert set(pauses_s()[6:]) == {3600}


def test_a_push_is_held_for_two_days_and_not_much_less():
    held_ms = sum(pauses_s()) * 1000
    assert PUSH_HOLD_DAYS * DAY_MS - 3_600_000 < held_ms <= PUSH_HOLD_DAYS * DAY_MS


def test_any_number_of_tries_is_answered():
    assert next_try_ms(1_000, NOW_MS) is None
