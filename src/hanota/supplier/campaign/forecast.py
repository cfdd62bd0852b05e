"""How long a campaign takes to ask all its devices, by its pacing, windows and soak times.

A lower bound: what devices need to answer comes on top.
"""

from collections.abc import Mapping
from datetime import tzinfo
from math import ceil

from hanota.limits import HOUR_MS, MINUTE_MS
from hanota.model import Region
from hanota.supplier.campaign.plan import Plan
from hanota.supplier.campaign.windows import is_open, next_opening_ms


def requests_of(plan: Plan, devices_of_version: Mapping[str, int]) -> int:
    """How many requests to distribute images the plan takes at least, one version a request."""
    most = plan.pacing.devices_per_request
    return sum(ceil(devices / most) for devices in devices_of_version.values())


def last_request_ms(
    plan: Plan, devices_of_region: Mapping[Region, int], zone: tzinfo, now_ms: int
) -> int | None:
    """When the last request leaves at the earliest, if the campaign starts now.

    Devices count once for each step that they take. None: later than within a year, or never.
    """
    opening_ms = next_opening_ms(plan.windows, plan.blackouts, zone, now_ms)
    if opening_ms is None:
        return None
    soak_ms = sum(wave.promotion.soak_ms for wave in plan.waves[:-1])
    at_ms, left_ms = opening_ms + soak_ms, _sending_ms(plan, devices_of_region)
    end_ms = now_ms + _YEAR_MS
    while left_ms > 0 and at_ms < end_ms:
        if is_open(plan.windows, plan.blackouts, zone, at_ms):
            left_ms -= _STEP_MS
        at_ms += _STEP_MS
    return at_ms if at_ms < end_ms else None


_STEP_MS = 15 * MINUTE_MS
_YEAR_MS = 366 * 24 * HOUR_MS


def _sending_ms(plan: Plan, devices_of_region: Mapping[Region, int]) -> int:
    """Open time that the rates take: of them all, the slowest decides."""
    pacing = plan.pacing
    hours = [
        devices_of_region.get(region, 0) / rate
        for region, rate in pacing.devices_per_region_hour.items()
    ]
    if pacing.devices_per_hour is not None:
        hours.append(sum(devices_of_region.values()) / pacing.devices_per_hour)
    return int(max(hours, default=0) * HOUR_MS)
