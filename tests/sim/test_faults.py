"""Faults, their rates, and chance that can be repeated."""

import pytest

from hanota.errors import LocalError
from hanota.limits import DAY_MS
from hanota.sim.faults import FAULTS, PROFILES, Countdown, Fault, Luck, Of, parse_rates


def test_every_fault_is_off_by_default():
    assert set(parse_rates("none").values()) == {0.0}
    assert set(parse_rates("none")) == set(Fault)


def test_all_is_every_fault_at_its_rate():
    assert parse_rates("all") == {fault: FAULTS[fault].rate for fault in Fault}
    assert all(FAULTS[fault].rate > 0 for fault in Fault)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_switches_on_its_faults_and_no_others(profile):
    on = {fault for fault, rate in parse_rates(profile).items() if rate}
    assert on == set(PROFILES[profile])


def test_every_fault_but_those_of_all_is_in_a_profile_of_its_kind():
    named = {fault for name, faults in PROFILES.items() if name != "all" for fault in faults}
    assert named == set(Fault)


def test_what_comes_later_counts():
    rates = parse_rates("all,power-cut=0, killed=0.5")
    assert (rates[Fault.POWER_CUT], rates[Fault.KILLED]) == (0, 0.5)
    assert rates[Fault.WAN_LOST] == FAULTS[Fault.WAN_LOST].rate


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rain", "'rain' is no profile of faults: choose among none, wan, radio"),
        ("rain=1", "'rain' is no fault: choose among wan-lost, wan-doubled"),
        ("", "'' is no profile"),
        ("wan-lost=2", "the rate of wan-lost is a number from 0 to 1 \\(chance\\), not '2'"),
        ("wan-lost=-0.1", "not '-0.1'"),
        ("wan-lost=much", "not 'much'"),
        ("wan-lost=nan", "not 'nan'"),
        ("wan-lost=", "not ''"),
        ("link-down=101", "from 0 to 100 \\(a day\\)"),
    ],
)
def test_what_is_no_fault_is_refused_with_those_that_are(text, sentence):
    with pytest.raises(LocalError, match=sentence):
        parse_rates(text)


def luck(faults, seed=1):
    return Luck(seed, parse_rates(faults))


def test_each_fault_has_luck_of_its_own():
    alone = luck("killed=0.5")
    among_others = luck("all,killed=0.5")
    for _ in range(50):
        among_others.strikes(Fault.WAN_LOST)
        assert alone.strikes(Fault.KILLED) == among_others.strikes(Fault.KILLED)


def test_nothing_strikes_when_faults_are_over():
    world = luck("killed=1")
    assert world.strikes(Fault.KILLED)
    world.over = True
    assert not world.strikes(Fault.KILLED)


def test_a_fault_that_is_off_never_strikes():
    world = luck("none")
    assert not any(world.strikes(fault) for fault in Fault for _ in range(100))
    assert world.instants_ms(Fault.DEAF, 0, 1_000 * DAY_MS) == []


def test_faults_of_a_day_come_about_as_often_as_asked():
    instants = luck("deaf=2").instants_ms(Fault.DEAF, DAY_MS, 501 * DAY_MS)
    assert 900 < len(instants) < 1_100
    assert instants == sorted(instants)
    assert DAY_MS <= instants[0] < instants[-1] < 501 * DAY_MS


def passes(countdown, times):
    struck = 0
    for _ in range(times):
        countdown.left -= 1
        if not countdown.left:
            countdown.again()
            struck += 1
    return struck


@pytest.mark.parametrize(("rate", "low", "high"), [("0", 0, 0), ("0.01", 850, 1_150)])
def test_a_countdown_strikes_as_often_as_asked(rate, low, high):
    countdown = Countdown(luck(f"frame-lost={rate}"), Fault.FRAME_LOST)
    assert low <= passes(countdown, 100_000) <= high


def test_a_countdown_at_certainty_strikes_each_time():
    countdown = Countdown(luck("frame-lost=1"), Fault.FRAME_LOST)
    assert passes(countdown, 1_000) == 1_000


def test_every_fault_says_what_its_rate_counts():
    assert {meaning.of for meaning in FAULTS.values()} == set(Of)
    assert all(meaning.text for meaning in FAULTS.values())
