"""The WAN with faults keeps the promise of every link."""

from itertools import pairwise

import pytest

from hanota.limits import DAY_MS, HOUR_MS, LINK_RETRY_MS, WAN_LATENCY_MS
from hanota.link.local import Message
from hanota.sim.faults import Luck, parse_rates
from hanota.sim.faulty_link import FaultyLink

DCC, HUB, OTHER = 1, 2, 3


def link(faults="none", seed=1):
    return FaultyLink(Luck(seed, parse_rates(faults)))


def message(number=1, sender=DCC, receiver=HUB):
    return Message(sender, receiver, number, b"body %d" % number)


def arrivals(wire, until_ms, *, acknowledge=True):
    """(instant, number) of everything that arrives."""
    found = []
    while (at_ms := wire.next_at_ms()) is not None and at_ms <= until_ms:
        for one in wire.receive(at_ms):
            found.append((at_ms, one.number))
            if acknowledge:
                wire.acknowledge(one)
    return found


def test_without_faults_a_message_arrives_once_after_the_latency():
    wire = link()
    wire.send(message(), 0)
    wire.send(message(), 0)
    assert arrivals(wire, DAY_MS) == [(WAN_LATENCY_MS, 1)]
    assert wire.acknowledged() == [(DCC, 1)]
    assert wire.acknowledged() == []
    assert wire.next_at_ms() is None


def test_what_is_not_acknowledged_comes_again_and_less_and_less_often():
    wire = link()
    wire.send(message(), 0)
    instants = [at_ms for at_ms, _ in arrivals(wire, DAY_MS, acknowledge=False)]
    pauses = [later - sooner for sooner, later in pairwise(instants)]
    assert pauses[:3] == [LINK_RETRY_MS, 2 * LINK_RETRY_MS, 4 * LINK_RETRY_MS]
    assert pauses[-1] == HOUR_MS


@pytest.mark.parametrize("seed", range(20))
def test_everything_arrives_whatever_happens(seed):
    wire = link("wan-lost=0.6,wan-doubled=0.3,wan-delayed=0.5", seed)
    for number in range(50):
        wire.send(message(number), number * 1_000)
    found = arrivals(wire, 30 * DAY_MS)
    assert {number for _, number in found} == set(range(50))
    assert sorted(key for _, key in wire.acknowledged()) == list(range(50))


def test_each_fault_does_what_it_says():
    lost = link("wan-lost=0.9")
    lost.send(message(), 0)
    assert arrivals(lost, 30 * DAY_MS)[0][0] > LINK_RETRY_MS
    doubled = link("wan-doubled=1")
    doubled.send(message(), 0)
    assert len(arrivals(doubled, DAY_MS)) == 2
    reordered = link("wan-delayed=0.5")
    for number in range(20):
        reordered.send(message(number), 0)
    numbers = [number for _, number in arrivals(reordered, DAY_MS)]
    assert numbers != sorted(numbers)


def test_a_link_that_is_down_brings_nothing_until_it_is_up():
    wire = link()
    wire.take_down(HUB, HOUR_MS)
    wire.send(message(1), 0)
    wire.send(message(2, receiver=OTHER), 0)
    found = arrivals(wire, DAY_MS)
    assert found[0] == (WAN_LATENCY_MS, 2)
    assert found[1][0] >= HOUR_MS


def test_who_has_lost_power_sends_nothing_again_by_itself():
    wire = link()
    wire.send(message(), 0)
    wire.forget(DCC)
    # What is in the air already arrives; nobody hears of its acknowledgement.
    assert arrivals(wire, DAY_MS) == [(WAN_LATENCY_MS, 1)]
    assert wire.acknowledged() == []
