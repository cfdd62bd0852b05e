"""The rules of campaigns, by enumeration of what can be, and by properties."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS, PACING_PORTION_MIN
from hanota.model import Outcome, Region, instant_ms
from hanota.supplier.campaign.following import UNDER_WAY, DeviceState
from hanota.supplier.campaign.halting import Ended, breach
from hanota.supplier.campaign.pacing import Dispatched, allowance
from hanota.supplier.campaign.pathway import circle, steps
from hanota.supplier.campaign.plan import (
    FAILURES,
    SUCCESSES,
    Activation,
    Blackout,
    Halt,
    Pacing,
    Plan,
    Promotion,
    Retry,
    Wave,
    Window,
    decode_plan,
    encode_plan,
    objections,
    plan_digest,
)
from hanota.supplier.campaign.promotion import Readiness, standing
from hanota.supplier.campaign.retrying import next_try_ms
from hanota.supplier.campaign.tally import Tally, tally
from hanota.supplier.campaign.waves import HELD_OUT, RANKS, bounds, wave_of
from hanota.supplier.campaign.windows import is_open, next_opening_ms

NOW_MS = instant_ms(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))  # a Sunday
LONDON = ZoneInfo("Europe/London")
CANARY = Wave("canary", 1.0, 100, Promotion(95.0, 20, HOUR_MS))
ALL = Wave("all", 100.0)
PLAN = Plan("spring", "ppmid-3", "type:PPMID", (CANARY, ALL))


def changed(**fields):
    return msgspec.structs.replace(PLAN, **fields)


# Plans


def test_a_sound_plan_has_no_objections():
    assert objections(PLAN, NOW_MS) == []


UNSOUND = [
    ({"name": " "}, "name:"),
    ({"release": ""}, "release:"),
    ({"hold_out_percent": 100.0}, "hold_out_percent"),
    ({"waves": ()}, "waves: there are 0"),
    ({"waves": (CANARY,)}, "the last wave takes 100 percent"),
    ({"waves": (Wave("a", 50.0), Wave("b", 50.0), ALL)}, "waves[1] (b): upto_percent 50"),
    ({"waves": (Wave("a", 101.0),)}, "upto_percent 101"),
    ({"waves": (Wave("a", 1.0, 0), ALL)}, "without devices"),
    ({"waves": (Wave("a", 1.0, None, Promotion(0.0)), ALL)}, "success_percent 0"),
    ({"waves": (Wave("a", 1.0, None, Promotion(sample=0)), ALL)}, "proves nothing"),
    ({"waves": (Wave("a", 1.0, None, Promotion(soak_ms=-1)), ALL)}, "negative"),
    ({"halts": (Halt(0.0, 1, 1, HOUR_MS),)}, "percent 0"),
    ({"halts": (Halt(1.0, 0, 1, HOUR_MS),)}, "at least 1"),
    ({"halts": (Halt(1.0, 1, 1, 1),)}, "one minute"),
    ({"halts": (Halt(1.0, 1, 1, HOUR_MS, frozenset({Outcome.UPDATED})),)}, "have to be failures"),
    ({"pacing": Pacing(devices_per_hour=0)}, "devices_per_hour 0"),
    ({"pacing": Pacing(devices_per_region_hour={Region.NORTH: 0})}, "North 0"),
    ({"pacing": Pacing(devices_per_request=50_001)}, "devices_per_request"),
    ({"windows": (Window((), 0, 60),)}, "never opens"),
    ({"windows": (Window((7,), 0, 60),)}, "0 (Monday)"),
    ({"windows": (Window((0,), 0, 1441),)}, "minutes of the day"),
    ({"blackouts": (Blackout(5, 5),)}, "ends before it begins"),
    ({"execution_ms": NOW_MS + 1}, "only with activation at-time"),
    ({"activation": Activation.AT_TIME}, "needs a time"),
    ({"activation": Activation.AT_TIME, "execution_ms": NOW_MS}, "is past"),
    ({"activation": Activation.AT_TIME, "execution_ms": NOW_MS + 1}, "parts of a second"),
    ({"activation": Activation.AT_TIME, "execution_ms": NOW_MS + 31 * DAY_MS}, "30 days"),
    ({"retries": (Retry(frozenset(), 1, HOUR_MS),)}, "have to be failures"),
    ({"retries": (Retry(frozenset({Outcome.SILENT}), 0, HOUR_MS),)}, "at least one try"),
    (
        {"retries": (Retry(frozenset({Outcome.SILENT}), 1, HOUR_MS),) * 2},
        "silent has a retry already",
    ),
]


@pytest.mark.parametrize(("fields", "told"), UNSOUND)
def test_a_plan_that_could_not_succeed_is_named(fields, told):
    found = objections(changed(**fields), NOW_MS)
    assert any(told in sentence for sentence in found), found


def test_a_plan_is_read_as_it_is_written():
    full = changed(
        halts=(Halt(5.0, 10, 50, HOUR_MS),),
        pacing=Pacing(1000, {Region.NORTH: 10}, 1, 500),
        windows=(Window((0, 4), 60, 300),),
        blackouts=(Blackout(1, 2),),
        retries=(Retry(frozenset({Outcome.SILENT}), 2, HOUR_MS),),
        salt="a",
    )
    assert decode_plan(encode_plan(full)) == full
    assert encode_plan(decode_plan(encode_plan(full))) == encode_plan(full)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"{", "cannot be read"),
        (b'{"name":1}', "$.name"),
        (encode_plan(PLAN).replace(b'"salt"', b'"salty"'), "salty"),
        (b" " * 262_145, "at most 262144 octets"),
    ],
)
def test_a_plan_that_cannot_be_read(octets, told):
    with pytest.raises(LocalError) as caught:
        decode_plan(octets)
    assert told in str(caught.value)


def test_any_edit_of_plan_image_or_cohort_makes_another_digest():
    digests = {
        plan_digest(plan, image, cohort)
        for plan in (PLAN, changed(salt="b"), changed(hold_out_percent=1.0))
        for image in (bytes(32), bytes(31) + b"\1")
        for cohort in (bytes(32), bytes(31) + b"\1")
    }
    assert len(digests) == 12


# Counts


def test_every_state_is_counted_once():
    counts = dict.fromkeys([*DeviceState, *Outcome], 1)
    summed = tally(counts)
    parts = msgspec.structs.astuple(summed)
    assert sum(parts) == len(counts) - 1  # the one that is held out
    assert (summed.waiting, summed.under_way) == (1, len(UNDER_WAY))
    assert summed.proven == len(SUCCESSES)
    assert summed.failed == len(FAILURES)


# Promotion


@pytest.mark.parametrize(
    ("wave", "since_ms", "readiness"),
    [
        (Tally(waiting=1, proven=99), None, Readiness.DISPATCHING),
        (Tally(left_out=10), None, Readiness.READY),
        (Tally(under_way=81, proven=19), None, Readiness.SAMPLE),
        (Tally(under_way=1, proven=9), None, Readiness.SAMPLE),
        (Tally(under_way=6, proven=94), None, Readiness.PROOF),
        (Tally(under_way=5, proven=95), None, Readiness.SOAK),
        (Tally(under_way=5, proven=95), NOW_MS - HOUR_MS, Readiness.READY),
        (Tally(under_way=5, proven=95), NOW_MS - HOUR_MS + 1, Readiness.SOAK),
        (Tally(failed=6, proven=94), NOW_MS - HOUR_MS, Readiness.SHORT),
        (Tally(failed=5, under_way=1, proven=94), NOW_MS - HOUR_MS, Readiness.PROOF),
        (Tally(proven=3), NOW_MS - HOUR_MS, Readiness.READY),
    ],
)
def test_a_wave_is_ready_when_its_proof_has_held(wave, since_ms, readiness):
    assert standing(CANARY.promotion, wave, since_ms, NOW_MS).readiness is readiness


def test_proof_that_is_lost_begins_anew():
    promotion = CANARY.promotion
    first = standing(promotion, Tally(under_way=5, proven=95), None, NOW_MS)
    assert first.proven_since_ms == NOW_MS
    lost = standing(promotion, Tally(failed=6, proven=94), NOW_MS, NOW_MS + HOUR_MS)
    assert lost.proven_since_ms is None


@given(st.builds(Tally, *[st.integers(0, 200)] * 6), st.one_of(st.none(), st.just(0)))
def test_turning_a_success_into_a_failure_never_makes_a_wave_ready(wave, since_ms):
    if wave.proven == 0:
        return
    worse = msgspec.structs.replace(wave, proven=wave.proven - 1, failed=wave.failed + 1)
    before = standing(CANARY.promotion, wave, since_ms, NOW_MS).readiness
    after = standing(CANARY.promotion, worse, since_ms, NOW_MS).readiness
    assert not (after is Readiness.READY and before is not Readiness.READY)


# Halts

HALT = Halt(10.0, 3, 10, HOUR_MS)


@pytest.mark.parametrize(("failed", "proven"), list(product(range(6), (0, 5, 7, 17, 27, 40))))
def test_a_halt_bites_when_all_three_are_reached(failed, proven):
    ended = [
        Ended(Outcome.ACTIVATION_FAILED, NOW_MS, failed),
        Ended(Outcome.UPDATED, NOW_MS, proven),
    ]
    total = failed + proven
    bites = failed >= 3 and total >= 10 and failed * 10 >= total
    found = breach([HALT], ended, NOW_MS)
    assert (found is not None) == bites
    if found is not None:
        assert str(found.failed) in str(found)


def test_what_is_older_than_the_window_does_not_count():
    old = [Ended(Outcome.SILENT, NOW_MS - HOUR_MS, 10)]
    assert breach([HALT], old, NOW_MS) is None
    fresh = [Ended(Outcome.SILENT, NOW_MS - HOUR_MS + 1, 10)]
    assert breach([HALT], fresh, NOW_MS) is not None


def test_a_halt_for_one_cause_ignores_the_others():
    halt = msgspec.structs.replace(HALT, causes=frozenset({Outcome.SILENT}))
    ended = [Ended(Outcome.ACTIVATION_FAILED, NOW_MS, 50)]
    assert breach([halt], ended, NOW_MS) is None
    assert breach([halt], [*ended, Ended(Outcome.SILENT, NOW_MS, 6)], NOW_MS) is not None


def test_devices_that_were_left_out_make_no_sample():
    ended = [Ended(Outcome.LEFT_OUT, NOW_MS, 100), Ended(Outcome.SILENT, NOW_MS, 3)]
    assert breach([HALT], ended, NOW_MS) is None


# Pacing


def test_without_rates_a_request_is_as_large_as_it_may_be():
    assert allowance(Pacing(), [], NOW_MS).devices == 50_000


def test_a_rate_is_spent_in_portions():
    pacing = Pacing(devices_per_hour=1200, devices_per_region_hour={Region.NORTH: 120})
    fresh = allowance(pacing, [], NOW_MS)
    assert (fresh.devices, fresh.of_region[Region.NORTH]) == (100, 10)
    spent = [Dispatched(Region.NORTH, NOW_MS - MINUTE_MS, 8)]
    later = allowance(pacing, spent, NOW_MS)
    assert (later.devices, later.of_region[Region.NORTH]) == (92, 2)
    past = NOW_MS + PACING_PORTION_MIN * MINUTE_MS
    assert allowance(pacing, spent, past).devices == 100


@given(
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 20_000)), max_size=40),
)
def test_no_hour_exceeds_the_rate_by_more_than_its_portions(rate, wishes):
    pacing, sent, now_ms = Pacing(devices_per_hour=rate), [], NOW_MS
    for pause, wish in wishes:
        now_ms += pause * MINUTE_MS
        devices = min(wish, allowance(pacing, sent, now_ms).devices)
        sent.append(Dispatched(Region.SOUTH, now_ms - now_ms % MINUTE_MS, devices))
    portions = 60 // PACING_PORTION_MIN
    for last in sent:
        hour = [
            some for some in sent if last.minute_ms - HOUR_MS < some.minute_ms <= last.minute_ms
        ]
        assert sum(some.devices for some in hour) <= (rate // portions + 1) * portions


# Waves


def test_waves_are_drawn_evenly_repeatably_and_each_device_has_one():
    plan = changed(hold_out_percent=10.0, salt="s")
    limits = bounds(plan.waves, 20_000)
    assert limits == (int(RANKS * 0.005), RANKS)
    drawn = [wave_of(plan, limits, device_id) for device_id in range(20_000)]
    assert drawn == [wave_of(plan, limits, device_id) for device_id in range(20_000)]
    assert 1_800 < drawn.count(HELD_OUT) < 2_200
    assert 50 < drawn.count(0) < 150
    other = changed(salt="t")
    assert drawn != [wave_of(other, limits, device_id) for device_id in range(20_000)]


# Windows


def local(*parts):
    return instant_ms(datetime(*parts, tzinfo=LONDON))


NIGHT = Window((4,), 22 * 60, 2 * 60)  # Friday night


@pytest.mark.parametrize(
    ("at_ms", "opens"),
    [
        (local(2026, 11, 27, 21, 59), False),
        (local(2026, 11, 27, 22, 0), True),
        (local(2026, 11, 28, 1, 59), True),
        (local(2026, 11, 28, 2, 0), False),
        (local(2026, 11, 27, 1, 0), False),
        (local(2026, 7, 3, 22, 0), True),  # summer time
        (local(2026, 7, 3, 21, 59), False),
    ],
)
def test_a_window_over_midnight(at_ms, opens):
    assert is_open([NIGHT], [], LONDON, at_ms) is opens


def test_the_next_opening_is_after_the_blackout():
    opening = local(2026, 11, 27, 22, 0)
    assert next_opening_ms([NIGHT], [], LONDON, NOW_MS) == opening
    blackout = Blackout(NOW_MS, opening + HOUR_MS)
    assert next_opening_ms([NIGHT], [blackout], LONDON, NOW_MS) == opening + HOUR_MS
    for_ever = Blackout(0, NOW_MS + 400 * DAY_MS)
    assert next_opening_ms([NIGHT], [for_ever], LONDON, NOW_MS) is None


def test_a_window_in_the_hour_that_spring_skips_does_not_open_that_day():
    window = Window((6,), 60, 120)
    day_ms = instant_ms(datetime(2026, 3, 29, tzinfo=UTC))
    minutes = [day_ms + minute * MINUTE_MS for minute in range(1_380)]
    assert not any(is_open([window], [], LONDON, at_ms) for at_ms in minutes)
    autumn_ms = instant_ms(datetime(2026, 10, 24, 23, tzinfo=UTC))
    hours = [is_open([window], [], LONDON, autumn_ms + n * MINUTE_MS) for n in range(1_500)]
    assert sum(hours) == 120


# Retries


def test_pauses_double_and_end():
    retries = [Retry(frozenset({Outcome.SILENT}), 2, HOUR_MS)]
    assert next_try_ms(retries, Outcome.SILENT, 1, NOW_MS) == NOW_MS + HOUR_MS
    assert next_try_ms(retries, Outcome.SILENT, 2, NOW_MS) == NOW_MS + 2 * HOUR_MS
    assert next_try_ms(retries, Outcome.SILENT, 3, NOW_MS) is None
    assert next_try_ms(retries, Outcome.DISCARDED, 1, NOW_MS) is None


# Pathways

PATHWAY = {"2": ("1",), "3": ("2",), "4": ("3", "2"), "9": ()}


@pytest.mark.parametrize(
    ("runs", "target", "found"),
    [
        ("4", "4", ()),
        ("1", "4", ("2", "4")),
        ("2", "4", ("4",)),
        ("0", "4", None),
        ("0", "9", ("9",)),
        ("1", "5", None),
    ],
)
def test_the_fewest_steps_to_a_version(runs, target, found):
    assert steps(PATHWAY, runs, target) == found


def test_a_circle_is_named():
    assert circle(PATHWAY) == ()
    assert set(circle({"1": ("3",), "2": ("1",), "3": ("2",)})) == {"1", "2", "3"}
    assert steps({"1": ("3",), "2": ("1",), "3": ("2",)}, "7", "1") is None
