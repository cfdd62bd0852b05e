"""How many devices may be asked for now, over all and in each region.

A rate an hour is spent in portions, so that an hour's devices do not leave in its first second:
in any PACING_PORTION_MIN minutes at most that share of the rate.
"""

from collections.abc import Iterable
from math import ceil

import msgspec

from hanota.limits import MINUTE_MS, PACING_PORTION_MIN
from hanota.model import Region
from hanota.supplier.campaign.plan import Pacing


class Dispatched(msgspec.Struct, frozen=True, gc=False):
    """So many devices of a region were asked for in the minute that begins then."""

    region: Region
    minute_ms: int
    devices: int


class Allowance(msgspec.Struct, frozen=True):
    """How many devices the next request may have; a region's share is a bound of its own."""

    devices: int
    of_region: dict[Region, int]


def allowance(pacing: Pacing, dispatched: Iterable[Dispatched], now_ms: int) -> Allowance:
    """What the rates of the plan leave now; `dispatched` reaches back at least one portion."""
    begin_ms = now_ms - PACING_PORTION_MIN * MINUTE_MS
    recent = dict.fromkeys(Region, 0)
    for some in dispatched:
        if some.minute_ms > begin_ms:
            recent[some.region] += some.devices
    most = pacing.devices_per_request
    whole = _left(pacing.devices_per_hour, sum(recent.values()), most)
    rates = pacing.devices_per_region_hour
    shares = {region: _left(rates.get(region), recent[region], whole) for region in Region}
    return Allowance(min(whole, sum(shares.values())), shares)


def _left(devices_per_hour: int | None, recent: int, most: int) -> int:
    if devices_per_hour is None:
        return most
    return max(0, min(most, ceil(devices_per_hour * PACING_PORTION_MIN / 60) - recent))
