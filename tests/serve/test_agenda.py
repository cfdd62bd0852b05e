"""The order of events, and what replaces what."""

import random

from hypothesis import given
from hypothesis import strategies as st

from hanota.serve.agenda import Agenda


def drain(agenda, until_ms=1_000_000):
    events = []
    while (due := agenda.pop(until_ms)) is not None:
        events.append(due)
    return events


def test_events_of_one_instant_come_in_the_order_of_their_adding():
    agenda = Agenda()
    for at_ms, event in [(5, "a"), (3, "b"), (5, "c"), (3, "d")]:
        agenda.add(at_ms, event)
    agenda.replace(3, "e", 1, "x")
    assert drain(agenda) == [(3, "b"), (3, "d"), (3, "e"), (5, "a"), (5, "c")]


def test_nothing_comes_before_its_time():
    agenda = Agenda()
    agenda.add(10, "a")
    assert agenda.pop(9) is None
    assert agenda.next_at_ms() == 10
    assert agenda.pop(10) == (10, "a")
    assert agenda.next_at_ms() is None


def test_replacing_concerns_one_name_of_one_owner():
    agenda = Agenda()
    agenda.replace(5, "old", 1, "x")
    agenda.replace(6, "other name", 1, "y")
    agenda.replace(7, "other owner", 2, "x")
    agenda.replace(9, "later", 1, "x")
    assert agenda.next_at_ms() == 6
    assert drain(agenda) == [(6, "other name"), (7, "other owner"), (9, "later")]
    agenda.replace(2, "sooner", 1, "x")
    assert drain(agenda) == [(2, "sooner")]


def test_cancelling_forgets_what_has_a_name():
    agenda = Agenda()
    agenda.replace(5, "x", 1, "x")
    agenda.replace(6, "y", 1, "y")
    agenda.replace(7, "z", 2, "x")
    agenda.add(8, "frame")
    agenda.cancel(1)
    agenda.cancel(3)
    assert agenda.next_at_ms() == 7
    agenda.replace(6, "anew", 1, "x")
    assert drain(agenda) == [(6, "anew"), (7, "z"), (8, "frame")]


def test_shifting_moves_what_an_owner_has_under_other_names():
    agenda = Agenda()
    agenda.replace(5, "old", 1, "x")
    agenda.replace(6, "x", 1, "x")
    agenda.replace(4, "y", 1, "y")
    agenda.replace(5, "kept", 1, "z")
    agenda.replace(5, "other owner", 2, "x")
    agenda.add(6, "frame")
    agenda.shift(1, 3, but="z")
    assert drain(agenda, 6) == [(5, "kept"), (5, "other owner"), (6, "frame")]
    agenda.shift(1, -9, but="z")
    assert drain(agenda, 0) == [(-2, "y"), (0, "x")]


@given(st.integers(0, 1 << 32))
def test_as_a_model_does(seed):
    chance = random.Random(seed)
    agenda, named, added = Agenda(), {}, []
    for number in range(60):
        at_ms = chance.randrange(100)
        match chance.randrange(6):
            case 0:
                owner = chance.randrange(3)
                agenda.cancel(owner)
                named = {key: entry for key, entry in named.items() if key[0] != owner}
            case 1:
                agenda.add(at_ms, number)
                added.append((at_ms, number))
            case _:
                key = (chance.randrange(3), chance.choice("xy"))
                agenda.replace(at_ms, number, *key)
                named[key] = (at_ms, number)
    expected = sorted(added + list(named.values()))
    assert agenda.next_at_ms() == (expected[0][0] if expected else None)
    assert drain(agenda) == expected
