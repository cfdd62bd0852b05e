"""The campaign that an assessment is of: a plan of `supplier.campaign`, or a simple rate.

A file holds either the plan as `hanota campaign create` takes it (JSON, or the same in TOML), or
three fields: `name`, `devices_per_hour` and, if wanted, `windows`. The simple form is a plan of one
wave.
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from hanota.errors import FileError
from hanota.impact.profile import read_tables
from hanota.limits import PLAN_OCTETS_MAX
from hanota.supplier.campaign.plan import Pacing, Plan, Wave, Window, objections
from hanota.supplier.campaign.windows import next_opening_ms


class SimpleRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every device, at one rate, whenever a window is open."""

    name: str
    devices_per_hour: int
    windows: tuple[Window, ...] = ()


def decode_campaign(octets: bytes, name: str, start_ms: int) -> Plan:
    """Read a campaign that starts at `start_ms`; `name` is the file's.

    FileError names the field because of which it cannot be read or could never succeed.
    """
    if len(octets) > PLAN_OCTETS_MAX:
        raise FileError(f"{name} has more than {PLAN_OCTETS_MAX} octets")
    try:
        tables = read_tables(octets)
        is_plan = isinstance(tables, dict) and "waves" in tables
        plan = (
            msgspec.convert(tables, Plan) if is_plan else _plan(msgspec.convert(tables, SimpleRate))
        )
    except (ValueError, RecursionError) as error:
        raise FileError(f"the campaign {name} cannot be taken: {error}") from error
    for objection in objections(plan, start_ms):
        raise FileError(f"the campaign {name} can never succeed: {objection}")
    try:
        zone = ZoneInfo(plan.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FileError(f"the campaign {name}: zone: there is no {plan.zone!r}") from error
    if next_opening_ms(plan.windows, plan.blackouts, zone, start_ms) is None:
        raise FileError(f"the campaign {name} can never succeed: windows: none ever opens")
    return plan


def _plan(simple: SimpleRate) -> Plan:
    return Plan(
        name=simple.name,
        release="any",
        cohort="type = PPMID",
        waves=(Wave("all", 100.0),),
        pacing=Pacing(devices_per_hour=simple.devices_per_hour),
        windows=simple.windows,
    )
