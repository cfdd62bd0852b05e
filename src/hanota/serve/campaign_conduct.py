"""What campaigns do by themselves: step by step, each step one transaction.

A step reads the counts, takes one decision (`supplier.campaign.conduct`) and carries it out, all in
one batch of the supplier's ledger: requests are recorded before they are sent, a device that was
asked is marked so in the transaction that asks it, and a halt or pause is effective before the
next step. So a process may end between any two steps, and the next one goes on where it was.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

import msgspec

from hanota.errors import LocalError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import (
    ACTIVATIONS_PER_STEP,
    HOUR_MS,
    LATE_JOINERS_PERIOD_H,
    MINUTE_MS,
    PACING_PORTION_MIN,
)
from hanota.model import DeviceType, LeftOut, Outcome, Region
from hanota.rows import Campaign, CampaignAct, CampaignDevice, Device, Release, RequestRow
from hanota.serve.campaign_following import ITSELF, halt, plan_of
from hanota.serve.campaign_preview import zone_of
from hanota.serve.campaigns import join
from hanota.serve.supplier import SupplierShell
from hanota.supplier.campaign.catalogue import Catalogue, objection
from hanota.supplier.campaign.conduct import (
    Act,
    Activate,
    AskFor,
    AskWhatRuns,
    CampaignState,
    Cancel,
    Finish,
    HaltNow,
    Move,
    NextWave,
    Progress,
    ReadBack,
    Wait,
    next_move,
)
from hanota.supplier.campaign.following import DeviceState, in_progress, rested
from hanota.supplier.campaign.halting import Ended
from hanota.supplier.campaign.pacing import Allowance, Dispatched
from hanota.supplier.campaign.plan import SUCCESSES, Activation, Plan
from hanota.supplier.campaign.releases import image_objection
from hanota.supplier.campaign.tally import tally
from hanota.supplier.commands import CommandState

_PAGE = 5_000
_Moves = list[tuple[CampaignDevice, CampaignDevice]]


class Step(msgspec.Struct, frozen=True):
    """What one campaign did in one step."""

    campaign: str
    move: Move
    devices: int  # that it was about

    @property
    def may_go_on(self) -> bool:
        """Whether there may be more to do at once."""
        return not isinstance(self.move, Wait | Finish | HaltNow)


class Conductor:
    """Lets the campaigns of one supplier go on."""

    def __init__(self, ledger: Ledger, supplier: SupplierShell, *, supplier_id: int) -> None:
        self._ledger = ledger
        self._supplier = supplier
        self._supplier_id = supplier_id
        self._send: dict[DeviceType, Callable[..., RequestRow]] = {
            DeviceType.PPMID: supplier.update_ppmid_firmware
        }

    def advance(self, now_ms: int) -> list[Step]:
        """Let every campaign take one step, each in a transaction of its own."""
        with self._ledger.view() as view:
            numbers = [each.number for each in view.campaigns() if each.state in _CONDUCTED]
        steps = (self._step(number, now_ms) for number in numbers)
        return [step for step in steps if step is not None]

    def _step(self, number: int, now_ms: int) -> Step | None:
        with self._ledger.batch() as batch:
            campaign = batch.campaign_numbered(number)
            if campaign is None or campaign.state not in _CONDUCTED:
                return None  # somebody stopped it meanwhile
            plan = plan_of(campaign.plan)
            if campaign.state == CampaignState.ABORTED:
                return self._cancel(batch, campaign, plan, now_ms)
            campaign = _with_newcomers(batch, campaign, plan, now_ms)
            resting = batch.campaign_devices_resting(number, now_ms, _PAGE)
            batch.move_campaign_devices((device, rested(device)) for device in resting)
            why = _objection(batch, plan, now_ms)
            move = (
                HaltNow(why, None)
                if why is not None
                else next_move(
                    plan, _progress(batch, campaign, plan, now_ms), zone_of(plan), now_ms
                )
            )
            return Step(campaign.name, move, self._make(batch, campaign, plan, move, now_ms))

    def _make(self, batch: Batch, campaign: Campaign, plan: Plan, move: Move, now_ms: int) -> int:
        """Carry a move out; how many devices it was about."""
        devices = 0
        match move:
            case AskFor(allowance=allowed):
                devices = self._ask(batch, campaign, plan, allowed, now_ms)
            case Activate():
                devices = self._activate(batch, campaign, plan, now_ms)
            case AskWhatRuns(wave=wave, devices=wanted):
                devices = self._read_back(batch, campaign, wave, wanted, now_ms)
            case NextWave(wave=wave):
                begun = msgspec.structs.replace(
                    campaign, wave=wave, proven_since_ms=None, why="", look_ms=None
                )
                _record(batch, begun, "wave", plan.waves[wave].name, now_ms)
            case HaltNow(why=why):
                halt(batch, campaign, why, now_ms)
            case Finish():
                finished = msgspec.structs.replace(
                    campaign, state=CampaignState.FINISHED, why="", look_ms=None
                )
                _record(batch, finished, Act.FINISH, "", now_ms)
            case Wait(why=why, until_ms=until_ms, proven_since_ms=since_ms):
                _wait(batch, campaign, why, until_ms, since_ms)
        return devices

    def _ask(
        self, batch: Batch, campaign: Campaign, plan: Plan, allowed: Allowance, now_ms: int
    ) -> int:
        candidates = _candidates(batch, campaign, allowed)
        chosen, moves = self._choose(batch, plan, candidates, now_ms)
        images = {name: batch.image(release.sha256) for name, (release, _) in chosen.items()}
        for name, (release, _devices) in chosen.items():
            why = image_objection(release, images[name])
            if why is not None:
                halt(batch, campaign, why, now_ms)
                return 0
        regions: Counter[Region] = Counter()
        for name, (release, devices) in chosen.items():
            send = self._send.get(release.type, self._supplier.update_firmware)
            device_ids = [device.device_id for device in devices]
            request = send(images[name] or b"", device_ids, now_ms, within=batch)
            batch.add_campaign_request(campaign.number, request.number)
            moves += [(device, _asked(device, request.number)) for device in devices]
            regions.update(device.region for device in devices)
        batch.move_campaign_devices(moves)
        batch.count_dispatched(campaign.number, regions, now_ms)
        return regions.total()

    def _choose(
        self,
        batch: Batch,
        plan: Plan,
        candidates: Sequence[CampaignDevice],
        now_ms: int,
    ) -> tuple[dict[str, tuple[Release, list[CampaignDevice]]], _Moves]:
        """Which release each candidate gets; and those that get none now, as they are afterwards.

        What a device was when the campaign started does not count: it is judged as it is now.
        """
        estate = batch.devices([device.device_id for device in candidates])
        hubs = batch.devices({device.hub_id for device in estate.values()})
        live = batch.live_deliveries(list(estate))
        catalogue = _catalogue(batch, plan, self._supplier_id, now_ms)
        busy = _Hubs(batch, plan.pacing.devices_per_hub, estate.values())
        chosen: dict[str, tuple[Release, list[CampaignDevice]]] = {}
        moves: _Moves = []
        for candidate in candidates:
            device = estate.get(candidate.device_id)
            if device is None:
                moves.append((candidate, _left_out(candidate, LeftOut.UNKNOWN_DEVICE)))
                continue
            hub = hubs.get(device.hub_id)
            choice = catalogue.choose(
                device,
                None if hub is None else hub.gbcs_version,
                in_progress=device.device_id in live,
            )
            if choice.reason == LeftOut.IN_PROGRESS or (
                choice.release is not None and not busy.take(device.hub_id)
            ):
                moves.append((candidate, in_progress(candidate, now_ms)))
            elif choice.release is None:
                moves.append((candidate, _left_out(candidate, choice.reason)))
            else:
                release = choice.release
                chosen.setdefault(release.name, (release, []))[1].append(candidate)
        return chosen, moves

    def _activate(self, batch: Batch, campaign: Campaign, plan: Plan, now_ms: int) -> int:
        devices = _some(batch, campaign, DeviceState.DISTRIBUTED, ACTIVATIONS_PER_STEP)
        execution_ms = plan.execution_ms if _is_ahead(plan, now_ms) else None
        for image_hash, alike in _by_image(batch, devices):
            ids = [device.device_id for device in alike]
            self._supplier.activate_firmware(ids, image_hash, execution_ms, now_ms, within=batch)
        batch.move_campaign_devices(
            (device, _in_state(device, DeviceState.ACTIVATING)) for device in devices
        )
        return len(devices)

    def _cancel(self, batch: Batch, campaign: Campaign, plan: Plan, now_ms: int) -> Step | None:
        """Cancel some of the activations whose time is still to come."""
        if not _is_ahead(plan, now_ms):
            return None
        devices = _some(batch, campaign, DeviceState.ACTIVATING, ACTIVATIONS_PER_STEP)
        for image_hash, alike in _by_image(batch, devices):
            ids = [device.device_id for device in alike]
            self._supplier.cancel_activation(ids, image_hash, now_ms, within=batch)
        # Its delivery says what comes of it; once is enough.
        batch.move_campaign_devices(
            (device, _in_state(device, DeviceState.ASKED, "cancelling")) for device in devices
        )
        return Step(campaign.name, Cancel(), len(devices)) if devices else None

    def _read_back(
        self, batch: Batch, campaign: Campaign, wave: int, wanted: int, now_ms: int
    ) -> int:
        device_ids: list[int] = []
        for state, region in product(sorted(SUCCESSES), Region):
            missing = wanted - len(device_ids)
            device_ids += batch.unread_devices(campaign.number, wave, state, region, missing)
        rows = self._supplier.read_firmware_version(device_ids, now_ms, within=batch)
        for row in rows:
            batch.add_read_back(campaign.number, wave, row.request_id.target, row.number)
        return len(rows)


class _Hubs:
    """How many devices of each home may still be asked; without a bound, all of them."""

    def __init__(self, batch: Batch, bound: int | None, devices: Iterable[Device]) -> None:
        self._bound = bound
        self._taken: Counter[int] = Counter()
        if bound is None:
            return
        homes = batch.devices_behind({device.hub_id for device in devices})
        hub_of = {device.device_id: hub_id for hub_id, home in homes.items() for device in home}
        self._taken.update(hub_of[device_id] for device_id in batch.live_deliveries(list(hub_of)))

    def take(self, hub_id: int) -> bool:
        """Whether one more device of this home may be asked; then it counts."""
        if self._bound is not None and self._taken[hub_id] >= self._bound:
            return False
        self._taken[hub_id] += 1
        return True


_CONDUCTED = frozenset({CampaignState.RUNNING, CampaignState.ABORTED})


def _progress(batch: Batch, campaign: Campaign, plan: Plan, now_ms: int) -> Progress:
    of_wave: Counter[str] = Counter()
    of_all: Counter[str] = Counter()
    for (wave, state, _reason), devices in batch.campaign_counts(campaign.number).items():
        if wave <= campaign.wave:
            of_all[state] += devices
        if wave == campaign.wave:
            of_wave[state] += devices
    whole = tally(of_all)
    windows_ms = [halt_rule.window_ms for halt_rule in plan.halts]
    ended_since_ms = max(campaign.counted_from_ms, now_ms - max(windows_ms, default=0))
    dispatched_since_ms = now_ms - PACING_PORTION_MIN * MINUTE_MS
    return Progress(
        wave=campaign.wave,
        wave_tally=tally(of_wave),
        waiting=whole.waiting,
        distributed=of_all[DeviceState.DISTRIBUTED],
        under_way=whole.under_way,
        proven_since_ms=campaign.proven_since_ms,
        ended=tuple(
            Ended(Outcome(outcome), minute_ms, devices)
            for outcome, minute_ms, devices in batch.campaign_ended(campaign.number, ended_since_ms)
        ),
        dispatched=tuple(
            Dispatched(*row)
            for row in batch.campaign_dispatched(campaign.number, dispatched_since_ms)
        ),
        read_backs=tuple(_read_backs(batch, campaign, plan)),
    )


def _read_backs(batch: Batch, campaign: Campaign, plan: Plan) -> Iterator[ReadBack]:
    if not plan.waves[campaign.wave].promotion.read_back:
        return
    for asked_ms, state, runs in batch.read_backs(campaign.number, campaign.wave):
        yield ReadBack(asked_ms, state == CommandState.ANSWERED, runs == campaign.version)


def _objection(batch: Batch, plan: Plan, now_ms: int) -> str | None:
    """Why nothing of the campaign's release may be sent any more."""
    release = batch.release_named(plan.release)
    if release is None:
        return f"there is no release {plan.release!r}"
    return objection(release, batch.products(), now_ms)


def _catalogue(batch: Batch, plan: Plan, supplier_id: int, now_ms: int) -> Catalogue:
    target = batch.release_named(plan.release)
    if target is None:
        raise LocalError(f"there is no release {plan.release!r}")
    return Catalogue(supplier_id, target, batch.releases(), batch.products(), now_ms)


def _with_newcomers(batch: Batch, campaign: Campaign, plan: Plan, now_ms: int) -> Campaign:
    period_ms = LATE_JOINERS_PERIOD_H * HOUR_MS
    if not plan.late_joiners or now_ms < campaign.joined_ms + period_ms:
        return campaign
    joined = join(batch, campaign)
    if joined:
        batch.add_act(
            CampaignAct(campaign.number, now_ms, ITSELF, "join", f"{joined:,} devices", None)
        )
    return batch.change_campaign(msgspec.structs.replace(campaign, joined_ms=now_ms))


def _candidates(batch: Batch, campaign: Campaign, allowed: Allowance) -> list[CampaignDevice]:
    """Devices that wait, about as many of each region as of the others."""
    found: list[CampaignDevice] = []
    regions = sorted(Region, key=lambda region: allowed.of_region.get(region, 0))
    for behind, region in enumerate(regions):
        share = -(-(allowed.devices - len(found)) // (len(regions) - behind))
        limit = min(share, allowed.of_region.get(region, 0))
        found += batch.campaign_devices_in(
            campaign.number, DeviceState.WAITING, region, campaign.wave, limit
        )
    return found


def _some(batch: Batch, campaign: Campaign, state: DeviceState, limit: int) -> list[CampaignDevice]:
    found: list[CampaignDevice] = []
    for region in Region:
        found += batch.campaign_devices_in(
            campaign.number, state, region, campaign.wave, limit - len(found)
        )
    return found


def _by_image(
    batch: Batch, devices: Iterable[CampaignDevice]
) -> Iterator[tuple[bytes, list[CampaignDevice]]]:
    """Devices by the Manufacturer Image Hash of what they were last asked to take."""
    of_request: dict[int, list[CampaignDevice]] = {}
    for device in devices:
        of_request.setdefault(device.request or 0, []).append(device)
    hashes = {release.sha256: release.hash for release in batch.releases()}
    rows = batch.requests(of_request)
    for number, alike in of_request.items():
        sha256 = rows[number].image_hash
        if sha256 is not None:
            yield hashes[sha256], alike


def _is_ahead(plan: Plan, now_ms: int) -> bool:
    at_time = plan.activation is Activation.AT_TIME
    return at_time and plan.execution_ms is not None and plan.execution_ms > now_ms


def _asked(device: CampaignDevice, request: int) -> CampaignDevice:
    return msgspec.structs.replace(
        device, state=DeviceState.ASKED, reason="", request=request, tries=device.tries + 1
    )


def _left_out(device: CampaignDevice, reason: str) -> CampaignDevice:
    return _in_state(device, Outcome.LEFT_OUT, reason)


def _in_state(device: CampaignDevice, state: str, reason: str = "") -> CampaignDevice:
    return msgspec.structs.replace(device, state=state, reason=str(reason), next_try_ms=None)


def _wait(
    batch: Batch, campaign: Campaign, why: str, until_ms: int | None, since_ms: int | None
) -> None:
    waiting = msgspec.structs.replace(campaign, why=why, look_ms=until_ms, proven_since_ms=since_ms)
    if waiting != campaign:
        batch.change_campaign(waiting)


def _record(batch: Batch, campaign: Campaign, act: str, why: str, now_ms: int) -> None:
    batch.add_act(CampaignAct(campaign.number, now_ms, ITSELF, str(act), why, None))
    batch.change_campaign(campaign)
