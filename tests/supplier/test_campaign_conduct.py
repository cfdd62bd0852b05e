"""Every state with every act, and every move of a running campaign."""

from itertools import product
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hanota.limits import DAY_MS, HOUR_MS, MINUTE_MS
from hanota.model import Outcome, Region
from hanota.supplier.campaign.conduct import (
    TRANSITIONS,
    Act,
    Activate,
    AskFor,
    AskWhatRuns,
    CampaignState,
    Finish,
    HaltNow,
    NextWave,
    Progress,
    ReadBack,
    Wait,
    next_move,
)
from hanota.supplier.campaign.halting import Ended
from hanota.supplier.campaign.pacing import Dispatched
from hanota.supplier.campaign.plan import Blackout, Halt, Pacing, Plan, Promotion, Wave
from hanota.supplier.campaign.tally import Tally

LONDON = ZoneInfo("Europe/London")
NOW_MS = 1_795_348_800_000
PLAN = Plan(
    "spring",
    "ppmid-3",
    "",
    (Wave("canary", 1.0, None, Promotion(90.0, 5, HOUR_MS)), Wave("all", 100.0)),
    halts=(Halt(20.0, 2, 5, DAY_MS),),
    pacing=Pacing(devices_per_hour=120),
)
START = Progress(0, Tally(waiting=10), 10, 0, 0, None, (), ())
ENDED = {CampaignState.FINISHED, CampaignState.ABORTED}


def moved(plan=PLAN, **fields):
    return next_move(plan, msgspec.structs.replace(START, **fields), LONDON, NOW_MS)


def test_it_can_be_stopped_from_every_state_that_is_not_its_end():
    for state in set(CampaignState) - ENDED:
        assert TRANSITIONS[state, Act.ABORT] is CampaignState.ABORTED
    assert TRANSITIONS[CampaignState.RUNNING, Act.PAUSE] is CampaignState.PAUSED


@pytest.mark.parametrize(("state", "act"), list(product(CampaignState, Act)))
def test_only_an_approved_campaign_comes_to_run_and_what_ended_stays_so(state, act):
    after = TRANSITIONS.get((state, act))
    if after is CampaignState.RUNNING:
        before = {CampaignState.APPROVED, CampaignState.PAUSED, CampaignState.HALTED}
        assert state in before
    if state in ENDED:
        assert after in (None, state)
    if act is Act.EDIT:
        assert after in (None, CampaignState.DRAFT)


def test_it_asks_for_what_its_pacing_allows():
    match moved():
        case AskFor(wave=0, allowance=allowed):
            assert allowed.devices == 10
        case other:
            pytest.fail(f"{other}")


def test_a_halt_comes_before_everything_else():
    failed = Ended(Outcome.ACTIVATION_FAILED, NOW_MS, 5)
    match moved(ended=(failed,)):
        case HaltNow(why=why, breach=bites):
            assert "5 of 5" in why
            assert bites is not None
        case other:
            pytest.fail(f"{other}")


def test_used_up_pacing_and_closed_windows_wait_until():
    spent = (Dispatched(Region.NORTH, NOW_MS, 10),)
    assert moved(dispatched=spent) == Wait("its pacing is used up", NOW_MS + MINUTE_MS)
    plan = msgspec.structs.replace(PLAN, blackouts=(Blackout(0, NOW_MS + DAY_MS),))
    assert moved(plan) == Wait("outside its windows", NOW_MS + DAY_MS)


@pytest.mark.parametrize(
    ("wave", "since_ms", "expected"),
    [
        (Tally(proven=10), NOW_MS - HOUR_MS, NextWave(1)),
        (Tally(proven=10), None, Wait("the proof is too fresh", NOW_MS + HOUR_MS, NOW_MS)),
        (Tally(under_way=5, proven=5), None, Wait("too few successes are proven", None)),
        (Tally(under_way=9, proven=1), None, Wait("too few devices were tried", None)),
    ],
)
def test_a_wave_that_was_asked_for(wave, since_ms, expected):
    assert moved(wave_tally=wave, waiting=0, proven_since_ms=since_ms) == expected


def test_a_wave_that_falls_short_halts_without_any_halt_in_the_plan():
    plan = msgspec.structs.replace(PLAN, halts=())
    match moved(plan, wave_tally=Tally(proven=8, failed=2), waiting=0):
        case HaltNow(why=why, breach=None):
            assert "8 of 10" in why
        case other:
            pytest.fail(f"{other}")


def test_what_is_distributed_is_activated_before_others_are_asked_but_in_a_window():
    assert moved(distributed=3) == Activate()
    plan = msgspec.structs.replace(PLAN, blackouts=(Blackout(0, NOW_MS + DAY_MS),))
    assert moved(plan, distributed=3, waiting=0) == Wait("outside its windows", NOW_MS + DAY_MS)


def test_devices_of_earlier_waves_that_wait_again_come_before_the_next_wave():
    proven = {"wave_tally": Tally(proven=10), "proven_since_ms": NOW_MS - HOUR_MS}
    assert moved(**proven, waiting=0) == NextWave(1)
    assert isinstance(moved(**proven, waiting=1), AskFor)


RIGHT, WRONG = ReadBack(NOW_MS, True, True), ReadBack(NOW_MS, True, False)
OPEN = ReadBack(NOW_MS - HOUR_MS, False, True)
SILENT = ReadBack(NOW_MS - DAY_MS, False, True)


@pytest.mark.parametrize(
    ("read_backs", "expected"),
    [
        ((), AskWhatRuns(0, 2)),
        ((RIGHT,), AskWhatRuns(0, 1)),
        ((RIGHT, RIGHT), NextWave(1)),
        (
            (RIGHT, OPEN),
            Wait("proven devices are read back", NOW_MS + 23 * HOUR_MS, NOW_MS - HOUR_MS),
        ),
        (
            (RIGHT, WRONG),
            HaltNow("a device that had proven its update runs another version", None),
        ),
        ((OPEN, SILENT), HaltNow("2 of 2 devices did not answer when read back", None)),
    ],
)
def test_a_sample_is_read_back_before_the_next_wave(read_backs, expected):
    promotion = Promotion(90.0, 5, HOUR_MS, read_back=2)
    plan = msgspec.structs.replace(
        PLAN, waves=(Wave("canary", 1.0, None, promotion), Wave("all", 100.0))
    )
    found = moved(
        plan,
        wave_tally=Tally(proven=10),
        waiting=0,
        proven_since_ms=NOW_MS - HOUR_MS,
        read_backs=read_backs,
    )
    assert found == expected


def test_the_last_wave_ends_the_campaign():
    last = {"wave": 1, "wave_tally": Tally(proven=3, failed=7), "waiting": 0}
    assert moved(**last) == Finish()
    joined = msgspec.structs.replace(PLAN, late_joiners=True)
    assert moved(joined, **last) == Wait("devices may still join", None)
    assert moved(**last, under_way=1) == Wait("devices of the last wave are under way", None)
