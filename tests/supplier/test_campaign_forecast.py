"""How long a plan takes at least, by its rates and windows."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import Region
from hanota.supplier.campaign.forecast import last_request_ms, requests_of
from hanota.supplier.campaign.plan import Blackout, Pacing, Plan, Promotion, Wave, Window

NOW_MS = 1_800_000_000_000 - 1_800_000_000_000 % DAY_MS
REGIONS = {Region.NORTH: 600, Region.SOUTH: 600}


def plan(**fields):
    return Plan("p", "r", "", **({"waves": (Wave("all", 100.0),)} | fields))


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({}, 0),
        ({"pacing": Pacing(devices_per_hour=100)}, 12),
        ({"pacing": Pacing(devices_per_region_hour={Region.NORTH: 25})}, 24),
        ({"pacing": Pacing(100, {Region.NORTH: 200})}, 12),
        ({"pacing": Pacing(100), "windows": (Window(tuple(range(7)), 0, 360),)}, 30),
        ({"blackouts": (Blackout(NOW_MS, NOW_MS + DAY_MS),)}, 24),
        ({"waves": (Wave("a", 1.0, None, Promotion(soak_ms=5 * HOUR_MS)), Wave("b", 100.0))}, 5),
    ],
)
def test_the_slowest_rate_decides_and_counts_in_open_hours(fields, hours):
    found = last_request_ms(plan(**fields), REGIONS, UTC, NOW_MS)
    assert found == NOW_MS + hours * HOUR_MS


def test_what_never_ends_within_a_year():
    slow = plan(pacing=Pacing(devices_per_hour=1))
    assert last_request_ms(slow, {Region.NORTH: 10_000}, UTC, NOW_MS) is None
    shut = plan(blackouts=(Blackout(0, NOW_MS + 400 * DAY_MS),))
    assert last_request_ms(shut, REGIONS, ZoneInfo("Europe/London"), NOW_MS) is None


def test_requests_are_of_one_version_each():
    assert requests_of(plan(), {"2": 50_001, "3": 1}) == 3
    assert requests_of(plan(pacing=Pacing(devices_per_request=10)), {"2": 25}) == 3
