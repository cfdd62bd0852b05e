"""What a plan would do to an estate, before anything is sent: for whoever plans or approves it.

A million devices are judged in the groups of which the inventory says the same; device by device
on demand.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from hanota.cohort import Cohort, parse_cohort
from hanota.errors import LocalError
from hanota.ledger.campaigns import Alike
from hanota.ledger.view import View
from hanota.limits import SECMP0007_GBCS_VERSION
from hanota.model import Region
from hanota.rows import Device, Release
from hanota.supplier.campaign.catalogue import Catalogue, Choice, objection
from hanota.supplier.campaign.eligibility import is_able
from hanota.supplier.campaign.forecast import last_request_ms, requests_of
from hanota.supplier.campaign.plan import Plan, objections
from hanota.supplier.campaign.releases import image_objection
from hanota.supplier.campaign.waves import bounds, wave_of
from hanota.supplier.campaign.windows import next_opening_ms
from hanota.wire.image import SIGNED_TYPES


class WaveShare(msgspec.Struct, frozen=True):
    """A wave, and about how many of the devices that can be updated it has."""

    name: str
    devices: int


class Preview(msgspec.Struct, frozen=True):
    """What a plan would do."""

    release: str
    version: str  # that devices end with; empty where there is no such release
    devices: int  # in the cohort
    to_update: int
    left_out: dict[str, int]  # by reason
    held_out: int  # about
    waves: tuple[WaveShare, ...]
    steps: dict[str, int]  # devices that install each version on the way
    requests: int  # that distribute an image, at least
    activations: int  # commands to single devices
    last_request_ms: int | None  # at the earliest; None: not within a year
    objections: tuple[str, ...]  # why it can never succeed, a sentence each


class Prospect(msgspec.Struct, frozen=True, gc=False):
    """What a plan would do with one device."""

    device_id: int
    wave: int  # HELD_OUT: none
    way: tuple[str, ...]  # the versions that it is to install; none where it is left out
    reason: str  # why it is left out


_PAGE = 1_000


def preview(view: View, plan: Plan, supplier_id: int, now_ms: int) -> Preview:
    """What the plan would do if it started now; LocalError where the filter cannot be read."""
    cohort = parse_cohort(plan.cohort)
    target = view.release_named(plan.release)
    if target is None:
        return _without_release(view, plan, cohort, now_ms)
    catalogue = _catalogue(view, target, supplier_id, now_ms)
    left_out: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    regions: Counter[Region] = Counter()
    to_update = 0
    for device, choice, devices in _judged(view, cohort, catalogue):
        if choice.release is None:
            left_out[choice.reason] += devices
            continue
        to_update += devices
        regions[device.region] += devices * len(choice.way)
        steps.update(dict.fromkeys(choice.way, devices))
    total = to_update + left_out.total()
    told = [*_objections(view, plan, target, now_ms), *_circles(catalogue)]
    if not total:
        told.append("cohort: no device of the estate is in it")
    elif not to_update:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in left_out.most_common())
        told.append(f"cohort: none of its {total:,} devices can be updated: {reasons}")
    return Preview(
        release=plan.release,
        version=target.version,
        devices=total,
        to_update=to_update,
        left_out=dict(left_out.most_common()),
        held_out=_held_out(plan, to_update),
        waves=_shares(plan, total, to_update),
        steps=dict(sorted(steps.items())),
        requests=requests_of(plan, steps),
        activations=steps.total() if target.type in SIGNED_TYPES else 0,
        last_request_ms=_last_request_ms(plan, regions, now_ms),
        objections=tuple(told),
    )


def prospects(view: View, plan: Plan, supplier_id: int, now_ms: int) -> Iterator[Prospect]:
    """Device by device, in the order of ids, what the plan would do if it started now.

    LocalError where the filter cannot be read, or there is no such release.
    """
    cohort = parse_cohort(plan.cohort)
    target = view.release_named(plan.release)
    if target is None:
        raise LocalError(_no_release(plan))
    catalogue = _catalogue(view, target, supplier_id, now_ms)
    limits = bounds(plan.waves, view.cohort_count(cohort))
    page: list[Device] = []
    for device in view.cohort_devices(cohort):
        page.append(device)
        if len(page) == _PAGE:
            yield from _prospects(view, plan, catalogue, limits, page)
            page = []
    yield from _prospects(view, plan, catalogue, limits, page)


def zone_of(plan: Plan) -> tzinfo:
    """The zone of the plan's windows; LocalError where there is none of this name."""
    try:
        return ZoneInfo(plan.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LocalError(
            f"zone: there is no zone {plan.zone!r}, as Europe/London is one"
        ) from error


def _judged(
    view: View, cohort: Cohort, catalogue: Catalogue
) -> Iterator[tuple[Device, Choice, int]]:
    """One device of each group, what would be chosen for it, and how many they are."""
    able = [version for version in view.gbcs_versions() if is_able(version)]
    for alike in view.cohort_alike(cohort, able):
        for devices, choice in _choices(alike, catalogue):
            if devices:
                yield alike.device, choice, devices


def _choices(alike: Alike, catalogue: Catalogue) -> Iterator[tuple[int, Choice]]:
    able, device = SECMP0007_GBCS_VERSION, alike.device
    yield alike.in_progress, catalogue.choose(device, able, in_progress=True)
    yield alike.behind_other_hubs, catalogue.choose(device, None, in_progress=False)
    others = alike.devices - alike.in_progress - alike.behind_other_hubs
    yield others, catalogue.choose(device, able, in_progress=False)


def _prospects(
    view: View, plan: Plan, catalogue: Catalogue, limits: tuple[int, ...], page: list[Device]
) -> Iterator[Prospect]:
    hubs = view.devices({device.hub_id for device in page})
    live = view.live_deliveries([device.device_id for device in page])
    for device in page:
        hub = hubs.get(device.hub_id)
        choice = catalogue.choose(
            device,
            None if hub is None else hub.gbcs_version,
            in_progress=device.device_id in live,
        )
        wave = wave_of(plan, limits, device.device_id)
        yield Prospect(device.device_id, wave, choice.way, choice.reason)


def _catalogue(view: View, target: Release, supplier_id: int, now_ms: int) -> Catalogue:
    return Catalogue(supplier_id, target, view.releases(), view.products(), now_ms)


def _objections(view: View, plan: Plan, target: Release, now_ms: int) -> Iterator[str]:
    yield from _timely(plan, now_ms)
    why = objection(target, view.products(), now_ms) or image_objection(
        target, view.image(target.sha256)
    )
    if why is not None:
        yield why


def _timely(plan: Plan, now_ms: int) -> Iterator[str]:
    yield from objections(plan, now_ms)
    try:
        zone = zone_of(plan)
    except LocalError as error:
        yield str(error)
        return
    if next_opening_ms(plan.windows, plan.blackouts, zone, now_ms) is None:
        yield "windows: none of them opens within a year, blackouts considered"


def _circles(catalogue: Catalogue) -> Iterator[str]:
    for circle in catalogue.circles():
        yield f"the pathway of the release goes in a circle: {' follows '.join(reversed(circle))}"


def _without_release(view: View, plan: Plan, cohort: Cohort, now_ms: int) -> Preview:
    return Preview(
        release=plan.release,
        version="",
        devices=view.cohort_count(cohort),
        to_update=0,
        left_out={},
        held_out=0,
        waves=(),
        steps={},
        requests=0,
        activations=0,
        last_request_ms=None,
        objections=(*_timely(plan, now_ms), _no_release(plan)),
    )


def _no_release(plan: Plan) -> str:
    return f"release: there is none named {plan.release!r}"


def _held_out(plan: Plan, devices: int) -> int:
    return round(devices * plan.hold_out_percent / 100)


def _shares(plan: Plan, total: int, to_update: int) -> tuple[WaveShare, ...]:
    tried = to_update - _held_out(plan, to_update)
    before, shares = 0.0, []
    for wave in plan.waves:
        upto = wave.upto_percent / 100
        if wave.upto_devices is not None and total:
            upto = min(upto, wave.upto_devices / total)
        shares.append(WaveShare(wave.name, round(tried * upto) - round(tried * before)))
        before = upto
    return tuple(shares)


def _last_request_ms(plan: Plan, regions: Counter[Region], now_ms: int) -> int | None:
    try:
        zone = zone_of(plan)
    except LocalError:
        return None
    return last_request_ms(plan, regions, zone, now_ms)
