"""What a campaign is to do, as its planner wrote it and as others approve it: one frozen value.

A plan is data; nothing in it changes while it runs. Percentages are of devices, 0 to 100. A plan
that could never succeed is refused before it is approved: `objections` names every such place.

Not here: what has come of it so far (the ledger), and the rules that read both.
"""

from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256

import msgspec

from hanota.errors import LocalError
from hanota.limits import (
    DEVICES_PER_REQUEST_MAX,
    FUTURE_DATE_DAYS_MAX,
    HOUR_MS,
    MINUTE_MS,
    PLAN_OCTETS_MAX,
    WAVES_MAX,
)
from hanota.model import Outcome, Region

# How a device of a campaign can fail. A device that was left out was not tried.
FAILURES = frozenset(
    {
        Outcome.NOT_DELIVERED,
        Outcome.DISCARDED,
        Outcome.HARDWARE_MISMATCH,
        Outcome.TRANSFER_FAILED,
        Outcome.VERIFICATION_FAILED,
        Outcome.ACTIVATION_FAILED,
        Outcome.NO_IMAGE,
        Outcome.HASH_MISMATCH,
        Outcome.SILENT,
    }
)
SUCCESSES = frozenset({Outcome.UPDATED, Outcome.UPDATED_LATE})


class Activation(StrEnum):
    """When devices of the second method activate; a PPMID always does so as soon as it can."""

    AT_ONCE = "at-once"
    AT_TIME = "at-time"  # the execution time of the plan


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has to be proven of a wave before the next one begins."""

    success_percent: float = 95.0  # of the wave's tried devices, proven; what is under way is not
    sample: int = 20  # tried devices, or all of a smaller wave
    soak_ms: int = HOUR_MS  # for so long it has to have held
    read_back: int = 0  # devices of the wave that are read back before, at random


class Wave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the cohort; the smaller of both bounds counts, each from the beginning on."""

    name: str
    upto_percent: float  # of the cohort; rises from wave to wave, the last one's is 100
    upto_devices: int | None = None
    promotion: Promotion = Promotion()


class Halt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The campaign stops when all three are reached within the window."""

    percent: float  # of the devices that ended in the window
    devices: int  # that failed in the window
    sample: int  # devices that ended in the window
    window_ms: int
    causes: frozenset[Outcome] = FAILURES


class Pacing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many devices are asked for at most; None is no bound."""

    devices_per_hour: int | None = None
    devices_per_region_hour: dict[Region, int] = {}
    devices_per_hub: int | None = None  # under way at the same time
    devices_per_request: int = DEVICES_PER_REQUEST_MAX


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time of the week, local, in which requests may leave; it may end on the next day."""

    days: tuple[int, ...]  # of its beginning; Monday is 0
    from_minute: int  # of the local day
    to_minute: int  # not above from_minute: it ends on the next day


class Blackout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time in which nothing leaves, whatever the windows say."""

    from_ms: int
    to_ms: int


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device that failed for one of these causes is tried again, after pauses that double."""

    causes: frozenset[Outcome]
    tries: int  # beside the first
    pause_ms: int


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign as it is approved."""

    name: str
    release: str  # name of the release to end with
    cohort: str  # a filter, see `hanota.cohort`
    waves: tuple[Wave, ...]
    halts: tuple[Halt, ...] = ()
    pacing: Pacing = Pacing()
    windows: tuple[Window, ...] = ()  # none: at any time
    blackouts: tuple[Blackout, ...] = ()
    zone: str = "Europe/London"  # of the windows
    retries: tuple[Retry, ...] = ()
    activation: Activation = Activation.AT_ONCE
    execution_ms: int | None = None
    late_joiners: bool = False  # devices that come into the cohort after the start
    hold_out_percent: float = 0.0  # of the cohort, never updated: to compare with
    salt: str = ""  # from which waves and hold-out are drawn


def decode_plan(octets: bytes) -> Plan:
    """Read a plan from JSON; LocalError names the place and what is wrong there."""
    if len(octets) > PLAN_OCTETS_MAX:
        raise LocalError(f"a plan has at most {PLAN_OCTETS_MAX} octets, not {len(octets)}")
    try:
        return msgspec.json.decode(octets, type=Plan)
    except msgspec.DecodeError as error:
        raise LocalError(f"the plan cannot be read: {error}") from error


def encode_plan(plan: Plan) -> bytes:
    """The plan as JSON, always the same octets for the same plan."""
    return msgspec.json.encode(plan, order="deterministic")


def plan_digest(plan: Plan, image_hash: bytes, device_ids_digest: bytes) -> bytes:
    """What approvals are bound to: SHA-256 over plan, image and frozen cohort.

    `image_hash` is the SHA-256 of the OTA file, `device_ids_digest` that of the cohort's ids.
    """
    return sha256(sha256(encode_plan(plan)).digest() + image_hash + device_ids_digest).digest()


def objections(plan: Plan, now_ms: int) -> list[str]:
    """Every reason for which the plan could never do what it says, a sentence each."""
    return [
        *_name_objections(plan),
        *_wave_objections(plan.waves),
        *_halt_objections(plan.halts),
        *_pacing_objections(plan.pacing),
        *_window_objections(plan.windows),
        *_time_objections(plan, now_ms),
        *_retry_objections(plan.retries),
    ]


def _name_objections(plan: Plan) -> Iterator[str]:
    if not plan.name.strip():
        yield "name: a campaign needs a name"
    if not plan.release.strip():
        yield "release: name the release that the campaign is to bring"
    if not 0 <= plan.hold_out_percent < 100:
        yield f"hold_out_percent: {plan.hold_out_percent:g} is not from 0 to below 100"


def _wave_objections(waves: tuple[Wave, ...]) -> Iterator[str]:
    if not 1 <= len(waves) <= WAVES_MAX:
        yield f"waves: there are {len(waves)}; give 1 to {WAVES_MAX}"
        return
    before = 0.0
    for number, wave in enumerate(waves):
        place = f"waves[{number}] ({wave.name})"
        if not before < wave.upto_percent <= 100:
            yield f"{place}: upto_percent {wave.upto_percent:g} is not above {before:g}, up to 100"
        if wave.upto_devices is not None and wave.upto_devices < 1:
            yield f"{place}: upto_devices {wave.upto_devices} leaves the wave without devices"
        yield from _promotion_objections(place, wave.promotion)
        before = wave.upto_percent
    last = waves[-1]
    if last.upto_percent != 100 or last.upto_devices is not None:
        yield f"waves[{len(waves) - 1}] ({last.name}): the last wave takes 100 percent, unbounded"


def _promotion_objections(place: str, promotion: Promotion) -> Iterator[str]:
    if not 0 < promotion.success_percent <= 100:
        yield f"{place}: success_percent {promotion.success_percent:g} is not above 0, up to 100"
    if promotion.sample < 1:
        yield f"{place}: a promotion without a sample proves nothing"
    if promotion.soak_ms < 0 or promotion.read_back < 0:
        yield f"{place}: soak_ms and read_back cannot be negative"


def _halt_objections(halts: tuple[Halt, ...]) -> Iterator[str]:
    for number, halt in enumerate(halts):
        place = f"halts[{number}]"
        if not 0 < halt.percent <= 100:
            yield f"{place}: percent {halt.percent:g} is not above 0, up to 100"
        if halt.devices < 1 or halt.sample < 1:
            yield f"{place}: devices and sample have to be at least 1"
        if halt.window_ms < MINUTE_MS:
            yield f"{place}: a window is at least one minute long"
        if not halt.causes or halt.causes - FAILURES:
            yield f"{place}: causes have to be failures: {', '.join(sorted(FAILURES))}"


def _pacing_objections(pacing: Pacing) -> Iterator[str]:
    if not 1 <= pacing.devices_per_request <= DEVICES_PER_REQUEST_MAX:
        yield f"pacing: devices_per_request is from 1 to {DEVICES_PER_REQUEST_MAX}"
    bounds = {
        "devices_per_hour": pacing.devices_per_hour,
        "devices_per_hub": pacing.devices_per_hub,
        **{f"devices_per_region_hour {r}": n for r, n in pacing.devices_per_region_hour.items()},
    }
    for name, bound in bounds.items():
        if bound is not None and bound < 1:
            yield f"pacing: {name} {bound} would let nothing leave"


def _window_objections(windows: tuple[Window, ...]) -> Iterator[str]:
    for number, window in enumerate(windows):
        place = f"windows[{number}]"
        if not window.days or not set(window.days) <= set(range(7)):
            yield f"{place}: days are 0 (Monday) to 6 (Sunday), at least one: it never opens"
        minutes = (window.from_minute, window.to_minute)
        if not all(0 <= minute <= _MINUTES_A_DAY for minute in minutes):
            yield f"{place}: minutes of the day are 0 to {_MINUTES_A_DAY}"


def _time_objections(plan: Plan, now_ms: int) -> Iterator[str]:
    for number, blackout in enumerate(plan.blackouts):
        if blackout.to_ms <= blackout.from_ms:
            yield f"blackouts[{number}]: it ends before it begins"
    if plan.activation is Activation.AT_ONCE:
        if plan.execution_ms is not None:
            yield "execution_ms: has a meaning only with activation at-time"
    elif plan.execution_ms is None:
        yield "execution_ms: activation at-time needs a time"
    elif plan.execution_ms % 1000:
        yield "execution_ms: a device knows no parts of a second"
    elif not now_ms < plan.execution_ms:
        yield "execution_ms: the time is past"
    elif plan.execution_ms > now_ms + FUTURE_DATE_DAYS_MAX * 24 * HOUR_MS:
        yield f"execution_ms: it is more than {FUTURE_DATE_DAYS_MAX} days ahead"


def _retry_objections(retries: tuple[Retry, ...]) -> Iterator[str]:
    seen: set[Outcome] = set()
    for number, retry in enumerate(retries):
        place = f"retries[{number}]"
        if not retry.causes or retry.causes - FAILURES:
            yield f"{place}: causes have to be failures: {', '.join(sorted(FAILURES))}"
        if seen & retry.causes:
            yield f"{place}: {', '.join(sorted(seen & retry.causes))} has a retry already"
        if retry.tries < 1 or retry.pause_ms < MINUTE_MS:
            yield f"{place}: at least one try, after a pause of at least one minute"
        seen |= retry.causes


_MINUTES_A_DAY = 24 * 60
