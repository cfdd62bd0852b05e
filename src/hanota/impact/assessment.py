"""An assessment: a campaign run again and again, and what can be said of all runs.

Each run draws every uncertain figure from its range and a new sample of devices, so a band holds
both what is not known and what is chance. The sensitivity changes one figure at a time, on a
smaller sample and with the same chance in every run, so that only the figure makes the difference.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from hanota.impact.drawing import drawn, with_values
from hanota.impact.findings import (
    Assumption,
    Band,
    Findings,
    HourLoad,
    Series,
    Swing,
    WaveFinding,
)
from hanota.impact.flow import Conditions, simulate
from hanota.impact.messages import WAN_OCTETS_PER_DELIVERY
from hanota.impact.profile import Profile, figures
from hanota.impact.run import Run
from hanota.impact.wan import BIN_S, BINS_PER_H, Seconds
from hanota.limits import IMPACT_SAMPLE_DEVICES
from hanota.model import utc
from hanota.supplier.campaign.plan import Plan

PERCENT = (50, 95, 99)
_RATE = "campaign.pacing.devices_per_hour"
_SENSITIVITY_SAMPLE = 30_000


class _Played(msgspec.Struct, frozen=True):
    """A run with the profile that was drawn for it, hour by hour."""

    profile: Profile
    run: Run
    completion: Seconds  # share of all, at the end of each hour
    holding: Seconds  # hubs
    dcc: Seconds  # messages a second, the mean of each hour
    supplier: Seconds
    peaks: tuple[float, float, float]  # holding, dcc, supplier, in any quarter of an hour
    carried: dict[str, Seconds]  # octets an hour
    end_h: int  # after the last that happens


def assess(
    profile: Profile,
    plan: Plan,
    *,
    start_ms: int,
    runs: int,
    seed: int,
    sample: int = IMPACT_SAMPLE_DEVICES,
    progress: Callable[[str], None] = lambda _done: None,
) -> Findings:
    """Run the campaign `runs` times; `progress` is told what has been done."""
    conditions = Conditions(profile, plan, start_ms, sample)
    played = []
    for number in range(runs):
        chance = np.random.default_rng([seed, number])
        its_profile = drawn(profile, chance) if runs > 1 else profile
        run = simulate(msgspec.structs.replace(conditions, profile=its_profile), chance)
        played.append(_played(its_profile, run))
        progress(f"run {number + 1} of {runs}")
    smaller = msgspec.structs.replace(conditions, sample=min(sample, _SENSITIVITY_SAMPLE))
    base, swings = _sensitivity(smaller, seed)
    progress("sensitivity")
    return _findings(conditions, seed, played, base, swings)


def _played(profile: Profile, run: Run) -> _Played:
    largest = profile.tracking.largest_supplier.value
    holding = np.cumsum(run.stored)
    dcc, supplier = run.at_dcc / BIN_S, run.at_suppliers * largest / BIN_S
    carried = {str(name): _hours(bins).sum(axis=1) for name, bins in run.carried.items()}
    busy = np.flatnonzero(run.at_suppliers + sum(run.ended.values(), np.zeros_like(run.stored)))
    return _Played(
        profile=profile,
        run=run,
        completion=_hours(run.curve())[:, -1] / run.devices,
        holding=_hours(holding).mean(axis=1),
        dcc=_hours(dcc).mean(axis=1),
        supplier=_hours(supplier).mean(axis=1),
        peaks=(float(holding.max()), float(dcc.max()), float(supplier.max())),
        carried=carried,
        end_h=int(busy[-1]) // BINS_PER_H + 1 if busy.size else 1,
    )


def _hours(bins: Seconds) -> NDArray[np.float64]:
    return bins.reshape(-1, BINS_PER_H)


# All runs together


def _findings(
    conditions: Conditions,
    seed: int,
    played: Sequence[_Played],
    base: Swing,
    swings: list[Swing],
) -> Findings:
    profile = conditions.profile
    all_runs = [each.run for each in played]
    hours = max(each.end_h for each in played)
    per_home = [_octets_per_home(each) for each in played]
    error = [_sampling_error(run) for run in all_runs]
    halts = [run.halted for run in all_runs if run.halted is not None]
    money = [_money(each) for each in played]
    return Findings(
        profile=profile.name,
        about=profile.about,
        campaign=conditions.plan.name,
        start=utc(conditions.start_ms).isoformat(),
        seed=seed,
        runs=len(played),
        sampled=round(float(np.median([run.sampled for run in all_runs]))),
        devices=_band([run.devices for run in all_runs]),
        homes=profile.estate.homes.value,
        hours_to_percent=_times(all_runs, [run.updated for run in all_runs]),
        hours_to_percent_of_all=_times(all_runs, [run.devices for run in all_runs]),
        updated=_band([run.updated / run.devices for run in all_runs]),
        sampling_error=max(error),
        halted={why: halts.count(why) for why in sorted(set(halts))},
        waves=_waves(all_runs),
        completion=_series([each.completion for each in played], hours, [1.0]),
        wan=_wan(played, hours),
        hubs_holding=_series(
            [each.holding / _homes(each) for each in played],
            hours,
            [each.peaks[0] / _homes(each) for each in played],
        ),
        dcc_messages=_series(
            [each.dcc for each in played], hours, [each.peaks[1] for each in played]
        ),
        supplier_alerts=_series(
            [each.supplier for each in played], hours, [each.peaks[2] for each in played]
        ),
        outcomes=_outcomes(all_runs),
        counts_per_device={
            name: _band([run.counts[name] / run.devices for run in all_runs])
            for name in all_runs[0].counts
        },
        octets_per_home=_band(per_home),
        messages_per_home=_band(
            [float(each.run.at_dcc.sum() + each.run.deliveries) / _homes(each) for each in played]
        ),
        money=None if profile.cost is None else _band(money),
        currency=None if profile.cost is None else profile.cost.currency,
        sensitivity=swings,
        base_days=base.days_low,
        base_updated=base.updated_low,
        assumptions=list(_assumptions(profile)),
    )


def _homes(played: _Played) -> float:
    return played.profile.estate.homes.value


def _band(values: Sequence[float]) -> Band:
    """5, 50 and 95 of 100 of the values; an infinite one is None."""
    # The nearest value, not one between two: infinity has no middle.
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95), method="nearest")
    return Band(*(float(each) if np.isfinite(each) else None for each in (low, middle, high)))


def _times(all_runs: Sequence[Run], devices: Sequence[float]) -> dict[str, Band]:
    return {
        str(percent): _band(
            [
                run.time_to_s(count * percent / 100) / 3600
                for run, count in zip(all_runs, devices, strict=True)
            ]
        )
        for percent in PERCENT
    }


def _series(each_run: Sequence[Seconds], hours: int, peaks: Sequence[float]) -> Series:
    rows = np.array([run[:hours] for run in each_run])
    low, middle, high = np.quantile(rows, (0.05, 0.5, 0.95), axis=0)
    return Series(low.tolist(), middle.tolist(), high.tolist(), _band(peaks))


def _wan(played: Sequence[_Played], hours: int) -> dict[str, HourLoad]:
    found = {}
    for name in played[0].run.carried:
        rows = np.array([each.carried[str(name)][:hours] for each in played])
        allowances = [each.profile.regions[name].allowance_octets_per_h.value for each in played]
        middle, high = np.quantile(rows, (0.5, 0.95), axis=0)
        busiest = [float(row.max()) / most for row, most in zip(rows, allowances, strict=True)]
        found[str(name)] = HourLoad(
            _band(allowances), middle.tolist(), high.tolist(), _band(busiest)
        )
    return found


def _outcomes(all_runs: Sequence[Run]) -> dict[str, Band]:
    names = sorted({name for run in all_runs for name in run.outcomes})
    bands = {
        str(name): _band([run.outcomes.get(name, 0.0) / run.devices for run in all_runs])
        for name in names
    }
    return dict(sorted(bands.items(), key=lambda item: -(item[1].middle or 0.0)))


def _waves(all_runs: Sequence[Run]) -> list[WaveFinding]:
    """Of the waves that began in every run."""
    together = zip(*(run.waves for run in all_runs), strict=False)
    return [
        WaveFinding(
            same[0].name,
            float(np.median([wave.devices for wave in same])),
            _band([wave.begin_s / 3600 for wave in same]),
            _band([wave.asked_s / 3600 for wave in same]),
        )
        for same in together
    ]


def _octets_per_home(played: _Played) -> float:
    run = played.run
    images = sum(float(octets.sum()) for octets in run.carried.values())
    return (images + run.deliveries * WAN_OCTETS_PER_DELIVERY) / _homes(played)


def _money(played: _Played) -> float:
    cost = played.profile.cost
    if cost is None:
        return 0.0
    return _octets_per_home(played) * _homes(played) / 1e9 * cost.per_gigaoctet.value


def _sampling_error(run: Run) -> float:
    share = run.updated / run.devices
    return float(1.96 * np.sqrt(share * (1 - share) / max(1, run.sampled)))


def _assumptions(profile: Profile) -> Iterator[Assumption]:
    for path, figure in figures(profile):
        yield Assumption(".".join(path), figure.value, figure.low, figure.high, figure.source)


# One figure at a time


def _sensitivity(conditions: Conditions, seed: int) -> tuple[Swing, list[Swing]]:
    """The run at all the values themselves, and what each figure alone changes, most first.

    The campaign's own rate is among them, where it has one.

    The same figure of several regions goes to its end in all of them together.
    """
    profile = conditions.profile
    base = _measured(conditions, {}, seed)
    together: dict[str, list[tuple[tuple[str, ...], float, float]]] = {}
    for path, figure in figures(profile):
        if figure.is_uncertain:
            name = ".".join(part for part in path if part not in profile.regions)
            together.setdefault(name, []).append((path, *figure.bounds))
    swings = []
    for name, members in together.items():
        days_low, updated_low = _measured(conditions, {path: low for path, low, _ in members}, seed)
        days_high, updated_high = _measured(
            conditions, {path: high for path, _, high in members}, seed
        )
        swings.append(
            Swing(
                name,
                _same([low for _, low, _ in members]),
                _same([high for _, _, high in members]),
                days_low,
                days_high,
                updated_low,
                updated_high,
            )
        )
    rate = conditions.plan.pacing.devices_per_hour
    if rate is not None:
        # No uncertainty but a choice: half of the rate, and twice.
        ends = (max(1, rate // 2), rate * 2)
        (days_low, updated_low), (days_high, updated_high) = (
            _measured(_paced(conditions, each), {}, seed) for each in ends
        )
        swings.append(
            Swing(
                _RATE,
                float(ends[0]),
                float(ends[1]),
                days_low,
                days_high,
                updated_low,
                updated_high,
            )
        )
    swings.sort(key=lambda swing: -_width(swing))
    return Swing("", None, None, base[0], base[0], base[1], base[1]), swings


def _paced(conditions: Conditions, devices_per_hour: int) -> Conditions:
    plan = conditions.plan
    pacing = msgspec.structs.replace(plan.pacing, devices_per_hour=devices_per_hour)
    return msgspec.structs.replace(conditions, plan=msgspec.structs.replace(plan, pacing=pacing))


def _same(values: Sequence[float]) -> float | None:
    return values[0] if len(set(values)) == 1 else None


def _measured(
    conditions: Conditions, values: dict[tuple[str, ...], float], seed: int
) -> tuple[float | None, float]:
    """Days to 95% of what is updated in the end, and that as a share of all."""
    changed = msgspec.structs.replace(conditions, profile=with_values(conditions.profile, values))
    run = simulate(changed, np.random.default_rng(seed))
    seconds = run.time_to_s(0.95 * run.updated) if run.updated else np.inf
    return (seconds / 86_400 if np.isfinite(seconds) else None), run.updated / run.devices


def _width(swing: Swing) -> float:
    """How far the figure moves the time; one that makes it never comes first."""
    if swing.days_low is None or swing.days_high is None:
        return float("inf")
    return abs(swing.days_high - swing.days_low)
