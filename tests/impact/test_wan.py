"""The queue of a region's WAN, against one that carries image after image."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from hanota.impact.wan import BIN_S, BINS_PER_H, EDGES_S, RegionWan  # noqa: E402 -- needs numpy

RATE = 3_600.0  # octets an hour: one a second


def one_by_one(left, ready, octets):
    """Carry images in their order, bin by bin; `left` is changed."""
    done, at_s = [], 0.0
    for instant in ready:
        at_s, still = max(at_s, instant), octets
        while still > 1e-9:
            place = int(at_s / BIN_S + 1e-12)
            end_s = (place + 1) * BIN_S
            rate = left[place] / BIN_S
            if rate <= 0:
                at_s = end_s
                continue
            sent = min(still, rate * (end_s - at_s))
            at_s, still = at_s + sent / rate, still - sent
            at_s = end_s if end_s - at_s < 1e-9 else at_s
        done.append(at_s)
    return done


@settings(max_examples=50)
@given(
    st.lists(st.floats(0, 50_000), min_size=1, max_size=30).map(sorted),
    st.floats(1, 5_000),
)
def test_images_are_carried_in_order_at_the_allowance(ready, octets):
    _begun_s, done_s = RegionWan(RATE).carry(np.array(ready), octets)
    expected = one_by_one([RATE / BINS_PER_H] * 2_000, ready, octets)
    assert done_s == pytest.approx(expected)


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.floats(0, 20_000), max_size=20), min_size=1, max_size=4),
    st.floats(1, 5_000),
)
def test_what_is_carried_is_what_was_sent_and_never_above_the_allowance(batches, octets):
    wan = RegionWan(RATE)
    for batch in batches:
        begun_s, done_s = wan.carry(np.array(batch), octets)
        assert (np.array(batch) <= begun_s).all()
        assert (begun_s < done_s).all()
        assert done_s.tolist() == sorted(done_s.tolist()) or batch != sorted(batch)
    assert wan.carried.sum() == pytest.approx(octets * sum(map(len, batches)))
    assert wan.carried.max() <= RATE / BINS_PER_H * (1 + 1e-9)
    assert wan.carried.min() >= 0


def test_a_later_batch_takes_what_is_left_and_delays_nobody():
    wan = RegionWan(RATE)
    wan.carry(np.array([0.0, 1_000.0]), 500.0)
    _, done_s = wan.carry(np.array([0.0]), 800.0)
    # Of the first 900 s (a bin) 500 octets were spent, evenly; of the second 500 as well.
    assert 900 < done_s[0] <= 1_800
    other = wan.copy()
    assert other.carry(np.array([0.0]), 1.0)[1] == wan.carry(np.array([0.0]), 1.0)[1]


def test_what_comes_beyond_the_horizon_never_comes():
    wan = RegionWan(RATE)
    horizon_s = EDGES_S[-1]
    _, done_s = wan.carry(np.array([np.inf, horizon_s + 1, 0.0, horizon_s - 1]), 10.0)
    assert np.isinf(done_s).tolist() == [True, True, False, True]
    assert [each.size for each in wan.carry(np.array([]), 1.0)] == [0, 0]
