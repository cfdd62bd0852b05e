"""One run: who is asked when, how it ends, when the campaign goes on and when it stops."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.impact.a_profile import START_MS, profile, said

from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import Outcome, Region
from hanota.supplier.campaign.plan import (
    Blackout,
    Halt,
    Pacing,
    Plan,
    Promotion,
    Retry,
    Wave,
    Window,
)

np = pytest.importorskip("numpy")

from hanota.impact.dispatch import departures  # noqa: E402 -- needs numpy
from hanota.impact.flow import Conditions, simulate  # noqa: E402
from hanota.impact.run import HUB_TOO_OLD, NOT_ASKED, READ_BACKS  # noqa: E402

ALL = (Wave("all", 100.0),)
LONDON = ZoneInfo("Europe/London")


def a_plan(waves=ALL, **fields):
    return Plan("p", "r", "type = PPMID", waves, **fields)


def run(plan=None, sample=5_000, seed=1, **changes):
    conditions = Conditions(profile(**changes), plan or a_plan(), START_MS, sample)
    return simulate(conditions, np.random.default_rng(seed))


def shares(run):
    return {name: count / run.devices for name, count in run.outcomes.items()}


# --- Dispatch ---


def test_a_rate_is_spent_in_portions_and_regions_share_it():
    plan = a_plan(pacing=Pacing(devices_per_hour=1_200))
    devices = {Region.NORTH: 300.0, Region.SOUTH: 900.0}
    leaves = departures(plan, devices, LONDON, START_MS, 0.0)
    assert leaves[Region.NORTH].at_s.tolist() == [300.0 * portion for portion in range(12)]
    assert leaves[Region.NORTH].asked[0] == pytest.approx(50)
    total = leaves[Region.NORTH].asked + leaves[Region.SOUTH].asked
    assert np.diff(total, prepend=0.0) == pytest.approx(100)
    assert leaves[Region.SOUTH].of(np.array([0.5, 899.5, 900.5]))[2] == np.inf


def test_a_region_has_a_bound_of_its_own():
    plan = a_plan(pacing=Pacing(devices_per_region_hour={Region.NORTH: 120}))
    devices = {Region.NORTH: 100.0, Region.SOUTH: 900.0}
    leaves = departures(plan, devices, LONDON, START_MS, 0.0)
    assert leaves[Region.SOUTH].of(np.array([899.5])) == [0.0]
    assert leaves[Region.NORTH].of(np.array([9.5, 10.5, 99.5])).tolist() == [0.0, 300.0, 2_700.0]


def test_nothing_leaves_outside_windows_or_in_a_blackout():
    plan = a_plan(
        pacing=Pacing(devices_per_hour=12),
        windows=(Window(tuple(range(7)), 22 * 60, 6 * 60),),
        blackouts=(Blackout(START_MS + DAY_MS, START_MS + 2 * DAY_MS),),
    )
    leaves = departures(plan, {Region.NORTH: 240.0}, LONDON, START_MS, 0.0)[Region.NORTH]
    assert leaves.asked[-1] == pytest.approx(240)
    for at_s in leaves.at_s.tolist():
        local = datetime.fromtimestamp(START_MS / 1000 + at_s, UTC).astimezone(LONDON)
        assert local.hour >= 22 or local.hour < 6
        assert not DAY_MS / 1000 <= at_s < 2 * DAY_MS / 1000


# --- Ends ---


def test_a_calm_estate_is_updated_whole():
    calm = run(homes=1_000)
    assert calm.outcomes == {Outcome.UPDATED: pytest.approx(1_000)}
    assert calm.deliveries == pytest.approx(1_000)
    # Image stored, transferred, activated.
    assert calm.at_dcc.sum() == calm.at_suppliers.sum() == pytest.approx(3_000)
    assert calm.stored.sum() == pytest.approx(0)
    assert calm.sampled == 1_000


WHOLE = {
    "hubs that are too old": ({"region": {"hubs_not_updated": said(1)}}, HUB_TOO_OLD),
    "hubs that are never back": (
        {"region": {"hubs_off": said(1)}, "hubs": {"off_h": said(1e9)}},
        Outcome.NOT_DELIVERED,
    ),
    "hubs that are full": ({"hubs": {"other_images": said(100)}}, Outcome.NOT_DELIVERED),
    "devices that are never on": (
        {"devices": {"off": said(1), "off_days": said(1e9)}},
        Outcome.TRANSFER_FAILED,
    ),
    "other hardware": ({"devices": {"other_hardware": said(1)}}, Outcome.HARDWARE_MISMATCH),
    "damaged images": ({"devices": {"images_damaged": said(1)}}, Outcome.DISCARDED),
    "images that do not start": ({"devices": {"does_not_start": said(1)}}, "activation-failed"),
    "alerts and read-backs lost": (
        {"devices": {"alerts_lost": said(1)}, "tracking": {"read_backs_answered": said(0)}},
        Outcome.SILENT,
    ),
    "an allowance that carries next to nothing": (
        {"region": {"allowance_octets_per_h": said(0.001)}},
        Outcome.SILENT,
    ),
}


@pytest.mark.parametrize(("changes", "end"), WHOLE.values(), ids=WHOLE)
def test_what_goes_wrong_everywhere_ends_as_it_should(changes, end):
    assert shares(run(homes=50, **changes)) == {end: pytest.approx(1)}


def test_a_lost_alert_is_read_back_after_the_deadline():
    lost = run(devices={"alerts_lost": said(1)}, tracking={"read_backs_answered": said(0.5)})
    found = shares(lost)
    assert found[Outcome.SILENT] == pytest.approx(1 / 8, abs=0.08)
    assert found[Outcome.UPDATED] == pytest.approx(7 / 8, abs=0.08)
    days = np.sort(np.concatenate(lost.updated_s)) / 86_400
    assert days[0] == pytest.approx(14)
    assert days[-1] == pytest.approx(16)
    assert lost.counts[READ_BACKS] == pytest.approx(100 * (1 + 1 / 2 + 1 / 4), rel=0.2)


def test_a_proof_that_comes_after_the_supplier_gave_up_is_late():
    # The WAN carries one image a day: most come after 14 days and three read-backs.
    daily = 2_048 / 24
    late = run(homes=60, region={"allowance_octets_per_h": said(daily)})
    found = {name: round(count) for name, count in late.outcomes.items()}
    assert found.keys() == {Outcome.UPDATED, Outcome.UPDATED_LATE}
    assert 16 <= found[Outcome.UPDATED] <= 17


def test_the_wan_is_never_above_its_allowance():
    hour = 1_000_000.0
    busy = run(homes=3_000, region={"allowance_octets_per_h": said(hour)})
    carried = busy.carried[Region.CENTRAL].reshape(-1, 4).sum(axis=1)
    assert carried.max() == pytest.approx(hour)
    assert carried.sum() == pytest.approx(3_000 * 2_048)
    assert busy.time_to_s(3_000) / 3_600 == pytest.approx(3_000 * 2_048 / hour, rel=0.01)


def test_multicast_takes_the_allowance_once_for_a_group():
    alone, grouped = (
        run(region={"hubs_per_transmission": said(hubs)}).carried[Region.CENTRAL].sum()
        for hubs in (1, 10)
    )
    assert alone == pytest.approx(10 * grouped)


def test_a_device_asleep_asks_at_its_own_interval():
    asleep = run(homes=2_000, devices={"asleep": said(1)})
    hours = np.concatenate(asleep.updated_s) / 3_600
    assert hours.max() < 24.5
    assert np.mean(hours) == pytest.approx(12, abs=0.5)


# --- A sample, and all ---


def test_a_sample_says_what_all_say():
    changes = {"devices": {"off": said(0.2), "off_days": said(5)}, "homes": 40_000}
    whole, sampled = (run(sample=size, **changes) for size in (40_000, 4_000))
    assert (whole.sampled, sampled.sampled) == (40_000, 4_000)
    for name, share in shares(whole).items():
        assert shares(sampled)[name] == pytest.approx(share, abs=0.02)
    assert sum(sampled.outcomes.values()) == pytest.approx(sampled.devices)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    changes = {"transfer": {"frames_lost": said(0.05)}}
    first, again, other = (run(seed=seed, **changes) for seed in (1, 1, 2))
    assert np.array_equal(first.updated_s[0], again.updated_s[0])
    assert not np.array_equal(first.updated_s[0], other.updated_s[0])


# --- Waves, halts, retries ---

TWO = (Wave("first", 10.0, promotion=Promotion(95.0, 10, soak_ms=2 * HOUR_MS)), Wave("all", 100.0))


def test_the_next_wave_begins_after_proof_and_soak():
    waves = run(a_plan(TWO), homes=1_000).waves
    assert [wave.name for wave in waves] == ["first", "all"]
    assert 7_200 < waves[1].begin_s < 7_200 + 60
    assert [wave.devices for wave in waves] == pytest.approx([100, 900])


def test_a_wave_without_its_proof_is_the_last():
    stuck = run(a_plan(TWO), homes=1_000, devices={"does_not_start": said(0.5)})
    assert stuck.halted == "wave 'first' never has the proof that it needs"
    assert stuck.outcomes[NOT_ASKED] == pytest.approx(900)
    assert sum(stuck.outcomes.values()) == pytest.approx(1_000)


def test_a_halt_of_the_plan_stops_what_has_not_left():
    halt = Halt(percent=20.0, devices=50, sample=100, window_ms=4 * HOUR_MS)
    plan = a_plan(halts=(halt,), pacing=Pacing(devices_per_hour=1_000))
    halted = run(plan, homes=10_000, devices={"does_not_start": said(0.5)})
    assert "the plan halts at 20%" in halted.halted
    assert 9_000 < halted.outcomes[NOT_ASKED] < 9_950
    assert sum(halted.outcomes.values()) == pytest.approx(10_000)
    fine = run(plan, homes=10_000, devices={"does_not_start": said(0.01)})
    assert fine.halted is None
    assert NOT_ASKED not in fine.outcomes


def test_a_halt_looks_only_at_its_causes():
    halt = Halt(20.0, 50, 100, 4 * HOUR_MS, causes=frozenset({Outcome.DISCARDED}))
    halted = run(a_plan(halts=(halt,)), homes=1_000, devices={"does_not_start": said(0.5)})
    assert halted.halted is None


def test_a_retry_finds_devices_that_have_come_back():
    retry = Retry(frozenset({Outcome.TRANSFER_FAILED}), tries=2, pause_ms=DAY_MS)
    changes = {"homes": 2_000, "devices": {"off": said(1), "off_days": said(10)}}
    once, thrice = (run(plan, **changes) for plan in (a_plan(), a_plan(retries=(retry,))))
    back = [each.updated / each.devices for each in (once, thrice)]
    # Back within 7 days; or within 7, 15 (7 + 1 + 7) and 24 (15 + 2 + 7) days.
    assert back == pytest.approx([1 - np.exp(-0.7), 1 - np.exp(-2.4)], abs=0.04)
    assert sum(thrice.outcomes.values()) == pytest.approx(2_000)


def test_whoever_is_held_out_is_not_of_the_campaign():
    assert run(a_plan(hold_out_percent=10.0), homes=1_000).devices == pytest.approx(900)
