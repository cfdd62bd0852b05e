"""One run of a campaign over an estate: wave by wave, by the rules of `supplier.campaign`.

A wave's devices are a sample, in each region, and every one of them stands for so many real ones
(for one where the wave is small). Their dispatch, tries and ends are arrays.

Assumptions beside those of the profile: a retry of the plan is not paced and takes what the WAN
has left; reading a sample back before a wave is promoted takes no time; nobody resumes a halted
campaign; devices of one home are in their waves independently, so each fetches its own image.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from hanota.impact.attempt import Attempt, attempt
from hanota.impact.dispatch import departures
from hanota.impact.home import CODE, OUTCOMES, Flags, Traits, drawn_traits
from hanota.impact.profile import Profile
from hanota.impact.run import HUB_TOO_OLD, LEFT_OUT, NOT_ASKED, Run, WaveTimes
from hanota.impact.stopping import halt_at_s, promoted_at_s
from hanota.impact.wan import RegionWan, Seconds
from hanota.limits import IMPACT_WAVE_SAMPLE_MIN
from hanota.model import Outcome, Region
from hanota.supplier.campaign.plan import SUCCESSES, Plan, Wave
from hanota.supplier.campaign.retrying import next_try_ms
from hanota.supplier.campaign.waves import RANKS, bounds


class Conditions(msgspec.Struct, frozen=True):
    """What one run is of."""

    profile: Profile
    plan: Plan
    start_ms: int
    sample: int  # devices to follow, where there are more


def simulate(conditions: Conditions, chance: np.random.Generator) -> Run:
    """Run the plan over the estate once."""
    profile, plan = conditions.profile, conditions.plan
    cohort = profile.estate.homes.value * profile.estate.ppmids_per_home.value
    cohort *= 1 - plan.hold_out_percent / 100
    run = Run(cohort)
    wans = {
        name: RegionWan(region.allowance_octets_per_h.value)
        for name, region in profile.regions.items()
    }
    before, begin_s = 0.0, 0.0
    for wave, bound in zip(plan.waves, bounds(plan.waves, max(1, round(cohort))), strict=True):
        devices = cohort * max(0.0, bound / RANKS - before)
        before = bound / RANKS
        played = _play(conditions, wave, devices, begin_s, wans=wans, run=run, chance=chance)
        if played is None:
            run.end(NOT_ASKED, cohort * (1 - before))
            break
        begin_s = played
    run.carried = {name: wan.carried for name, wan in wans.items()}
    return run


class _Part(msgspec.Struct, frozen=True):
    """The devices of a wave in one region, as they were tried: an attempt after the other."""

    tries: list[tuple[Attempt, Flags]]  # and of which devices it was the last
    weight: float


def _play(
    conditions: Conditions,
    wave: Wave,
    devices: float,
    begin_s: float,
    *,
    wans: dict[Region, RegionWan],
    run: Run,
    chance: np.random.Generator,
) -> float | None:
    """Play a wave and count it; when the next may begin, None: never."""
    drawn = _drawn(conditions, devices, chance)
    ways = {name: wan.copy() for name, wan in wans.items()}
    state = chance.bit_generator.state
    parts = _tried(conditions, drawn, begin_s, np.inf, wans=ways, chance=chance)
    next_s = _promoted(conditions, wave, parts, begin_s)
    halt = _halt(conditions, run, parts)
    asked_s = _last_asked_s(parts, begin_s)
    if halt is not None and halt[0] < (asked_s if next_s is None else next_s):
        # Nothing leaves after the halt: the same chance, with what was asked for by then.
        ways = {name: wan.copy() for name, wan in wans.items()}
        chance.bit_generator.state = state
        parts = _tried(conditions, drawn, begin_s, halt[0], wans=ways, chance=chance)
        run.halted, next_s = halt[1], None
    elif next_s is None and wave is not conditions.plan.waves[-1]:
        run.halted = f"wave {wave.name!r} never has the proof that it needs"
    wans.update(ways)
    for each in drawn.values():
        run.end(HUB_TOO_OLD, each.hubs_too_old * each.weight)
        run.end(LEFT_OUT, each.left_out * each.weight)
        run.sampled += each.sampled
    for part in parts:
        for tried, is_last in part.tries:
            run.add(tried, is_last, part.weight)
    run.waves.append(WaveTimes(wave.name, begin_s, _last_asked_s(parts, begin_s), devices))
    return next_s


class _Drawn(msgspec.Struct, frozen=True):
    """A region's sample of a wave: whom the DCC takes, at their places in the order of asking."""

    devices: float  # real ones
    weight: float
    sampled: int
    places: Seconds  # of those that are taken
    traits: Traits
    hubs_too_old: int
    left_out: int


def _drawn(
    conditions: Conditions, devices: float, chance: np.random.Generator
) -> dict[Region, _Drawn]:
    profile = conditions.profile
    estate = profile.estate
    shares = sum(region.share.value for region in profile.regions.values())
    cohort = estate.homes.value * estate.ppmids_per_home.value
    wanted = max(IMPACT_WAVE_SAMPLE_MIN, conditions.sample * devices / cohort)
    found = {}
    for name, region in profile.regions.items():
        here = devices * region.share.value / shares
        sampled = max(1, round(min(here, wanted * region.share.value / shares)))
        weight = here / sampled
        too_old = chance.random(sampled) < region.hubs_not_updated.value
        left_out = ~too_old & (chance.random(sampled) < estate.left_out.value)
        taken = np.flatnonzero(~(too_old | left_out))
        found[name] = _Drawn(
            devices=here,
            weight=weight,
            sampled=sampled,
            places=weight * (taken.astype(np.float64) + 0.5),
            traits=drawn_traits(profile, region, taken.size, chance),
            hubs_too_old=int(np.count_nonzero(too_old)),
            left_out=int(np.count_nonzero(left_out)),
        )
    return found


def _tried(
    conditions: Conditions,
    drawn: Mapping[Region, _Drawn],
    begin_s: float,
    until_s: float,
    *,
    wans: Mapping[Region, RegionWan],
    chance: np.random.Generator,
) -> list[_Part]:
    """Ask for a wave's devices, as often as the plan says, but not after `until_s`."""
    plan = conditions.plan
    real = {name: each.devices for name, each in drawn.items()}
    zone = ZoneInfo(plan.zone)
    leaves = departures(plan, real, zone, conditions.start_ms, begin_s)
    parts = []
    for name, each in drawn.items():
        first_s = leaves[name].of(each.places)
        first_s[first_s > until_s] = np.inf
        parts.append(
            _Part(
                _tries(
                    conditions, name, each, first_s, until_s=until_s, wan=wans[name], chance=chance
                ),
                each.weight,
            )
        )
    return parts


def _tries(
    conditions: Conditions,
    name: Region,
    drawn: _Drawn,
    first_s: Seconds,
    *,
    until_s: float,
    wan: RegionWan,
    chance: np.random.Generator,
) -> list[tuple[Attempt, Flags]]:
    profile, plan = conditions.profile, conditions.plan
    some, asked_s = np.arange(first_s.size), first_s
    tries: list[tuple[Attempt, Flags]] = []
    while some.size:
        tried = attempt(
            profile,
            profile.regions[name],
            drawn.traits.of(some),
            first_asked_s=first_s[some],
            asked_s=asked_s,
            wan=wan,
            weight=drawn.weight,
            chance=chance,
        )
        again_s = _asked_again_s(plan, tried, len(tries) + 1)
        again = np.isfinite(again_s) & (again_s <= until_s)
        tries.append((tried, ~again))
        some, asked_s = some[again], again_s[again]
    return tries


def _asked_again_s(plan: Plan, tried: Attempt, tries: int) -> Seconds:
    """When the plan has each device tried again after so many tries; infinite: never."""
    pauses_ms = [next_try_ms(plan.retries, outcome, tries, 0) for outcome in OUTCOMES]
    pauses_s = np.array([np.inf if pause is None else pause / 1000 for pause in pauses_ms])
    again_s: Seconds = tried.ended_s + pauses_s[tried.code]
    return again_s


def _promoted(
    conditions: Conditions, wave: Wave, parts: list[_Part], begin_s: float
) -> float | None:
    """When the next wave may begin; None: never, or there is none."""
    if wave is conditions.plan.waves[-1]:
        return None
    proven, failed = [np.empty(0)], [np.empty(0)]
    for part in parts:
        for tried, is_last in part.tries:
            success = np.isin(tried.code, _SUCCESS_CODES)
            proven.append(tried.ended_s[is_last & success])
            failed.append(tried.ended_s[is_last & ~success])
    weight = float(np.mean([part.weight for part in parts]))
    proven_s, failed_s = np.concatenate(proven), np.concatenate(failed)
    asked_s = _last_asked_s(parts, begin_s)
    return promoted_at_s(wave.promotion, asked_s, proven_s, failed_s, weight)


def _halt(conditions: Conditions, run: Run, parts: list[_Part]) -> tuple[float, str] | None:
    """When and why the campaign halts, by what has ended before and in this wave."""
    halts = conditions.plan.halts
    if not halts:
        return None
    weight = max(part.weight for part in parts)
    return halt_at_s(halts, _ended(run, parts), conditions.start_ms, weight)


def _last_asked_s(parts: list[_Part], begin_s: float) -> float:
    """When the last device of a wave that is ever asked for is asked for the first time."""
    asked = [tried.asked_s for part in parts for tried, _ in part.tries[:1]]
    instants = np.concatenate([*asked, [begin_s]])
    return float(instants[np.isfinite(instants)].max())


def _ended(run: Run, parts: list[_Part]) -> dict[Outcome, Seconds]:
    """Devices that have ended a bin: those of the run, and those of this wave."""
    trial = Run(run.devices)
    trial.ended = dict(run.ended)
    for part in parts:
        for tried, is_last in part.tries:
            trial.add(tried, is_last, part.weight)
    return trial.ended


_SUCCESS_CODES = np.array([CODE[outcome] for outcome in SUCCESSES])
