"""When the devices of a wave are asked for, by the plan's own rules of pacing and windows.

What a rate allows in a portion of PACING_PORTION_MIN leaves at the portion's beginning. Regions
share a rate over all by how many of their devices still wait. Without a rate everything leaves at
once when the window opens.
"""

from collections.abc import Mapping
from datetime import tzinfo

import msgspec
import numpy as np

from hanota.impact.wan import Seconds
from hanota.limits import IMPACT_HORIZON_DAYS, MINUTE_MS, PACING_PORTION_MIN
from hanota.model import Region
from hanota.supplier.campaign.pacing import allowance
from hanota.supplier.campaign.plan import Plan
from hanota.supplier.campaign.windows import is_open, next_opening_ms


class Departures(msgspec.Struct, frozen=True):
    """Of one region: how many devices have been asked for by each instant, both rising."""

    at_s: Seconds
    asked: Seconds

    def of(self, places: Seconds) -> Seconds:
        """When the devices at these places of the region's order are asked; infinite: never."""
        portion = np.searchsorted(self.asked, places, side="right")
        return np.append(self.at_s, np.inf)[portion]


def departures(
    plan: Plan, devices: Mapping[Region, float], zone: tzinfo, start_ms: int, begin_s: float
) -> dict[Region, Departures]:
    """For a wave with so many devices a region that begins `begin_s` after the campaign."""
    # A portion may take several requests, so what bounds one request does not bound it.
    unbounded = max(1, int(sum(devices.values())) + 1)
    pacing = msgspec.structs.replace(plan.pacing, devices_per_request=unbounded)
    allowed = allowance(pacing, (), start_ms)
    waiting = dict(devices)
    at_s: list[float] = []
    asked: dict[Region, list[float]] = {region: [] for region in devices}
    now_ms = start_ms + round(begin_s * 1000)
    end_ms = start_ms + IMPACT_HORIZON_DAYS * 24 * 60 * MINUTE_MS
    while now_ms < end_ms and max(waiting.values()) > _ROUNDING:
        if not is_open(plan.windows, plan.blackouts, zone, now_ms):
            opening_ms = next_opening_ms(plan.windows, plan.blackouts, zone, now_ms)
            if opening_ms is None:
                break
            now_ms = opening_ms
            continue
        at_s.append((now_ms - start_ms) / 1000)
        for region, leaving in _shared(waiting, allowed.devices, allowed.of_region).items():
            waiting[region] -= leaving
            asked[region].append(devices[region] - waiting[region])
        now_ms += PACING_PORTION_MIN * MINUTE_MS
    times = np.array(at_s)
    return {region: Departures(times, np.array(counts)) for region, counts in asked.items()}


# Of a device: where no more than this waits, nobody does.
_ROUNDING = 1e-6


def _shared(
    waiting: Mapping[Region, float], most: int, of_region: Mapping[Region, int]
) -> dict[Region, float]:
    """What leaves of each region in one portion."""
    wanted = {region: min(count, of_region[region]) for region, count in waiting.items()}
    share = min(1.0, most / max(1.0, sum(wanted.values())))
    return {region: count * share for region, count in wanted.items()}
