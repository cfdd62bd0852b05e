"""What people do to campaigns: create, edit, approve, start, pause, resume, abort.

Every act is a row with a name and a time, written in the transaction that it changes the campaign
in. An approval is of one digest: that of the plan, the image and the devices of the cohort; what
starts has to be what was approved. Stopping is possible in every state, at once.

Not here: what a campaign does by itself (`campaign_conduct`).
"""

import hashlib
from itertools import islice

import msgspec

from hanota.cohort import parse_cohort
from hanota.errors import LocalError
from hanota.ledger.ledger import Batch, Ledger
from hanota.ledger.view import View
from hanota.limits import MINUTE_MS
from hanota.rows import Campaign, CampaignAct, CampaignDevice, Release
from hanota.serve.campaign_following import plan_of
from hanota.serve.campaign_preview import preview
from hanota.supplier.campaign.conduct import TRANSITIONS, Act, CampaignState
from hanota.supplier.campaign.following import DeviceState
from hanota.supplier.campaign.plan import Plan, encode_plan, plan_digest
from hanota.supplier.campaign.releases import require_name
from hanota.supplier.campaign.waves import HELD_OUT, bounds, wave_of

_PAGE = 5_000
_ID_OCTETS = 8


class Campaigns:
    """The campaigns in a supplier's ledger."""

    def __init__(self, ledger: Ledger, *, supplier_id: int) -> None:
        self._ledger = ledger
        self._supplier_id = supplier_id

    def create(self, plan: Plan, *, by: str, now_ms: int) -> Campaign:
        """Record a plan as a draft; LocalError where its name is taken or its filter unreadable."""
        require_name(plan.name, "campaign")
        require_name(by, "person")
        parse_cohort(plan.cohort)
        with self._ledger.batch() as batch:
            if batch.campaign_named(plan.name) is not None:
                raise LocalError(f"there is a campaign {plan.name!r} already: give another name")
            campaign = batch.add_campaign(
                Campaign(
                    number=0,
                    name=plan.name,
                    author=by,
                    plan=encode_plan(plan),
                    state=CampaignState.DRAFT,
                    why="",
                    revision=0,
                    digest=None,
                    version="",
                    wave=0,
                    wave_bounds=(),
                    proven_since_ms=None,
                    counted_from_ms=now_ms,
                    look_ms=None,
                    joined_ms=now_ms,
                )
            )
            batch.add_act(CampaignAct(campaign.number, now_ms, by, "create", "", None))
        return campaign

    def edit(self, plan: Plan, *, by: str, now_ms: int) -> Campaign:
        """Let the campaign of the plan's name have this plan; approvals of the old one are void.

        Whoever edits is its author from then on. LocalError once it has started.
        """
        parse_cohort(plan.cohort)
        with self._ledger.batch() as batch:
            campaign = _named(batch, plan.name)
            edited = msgspec.structs.replace(
                campaign, author=by, plan=encode_plan(plan), digest=None
            )
            return _act(batch, edited, Act.EDIT, by=by, now_ms=now_ms)

    def approve(self, name: str, *, by: str, now_ms: int) -> Campaign:
        """Approve what the plan does to the estate as it is now.

        LocalError for the author of the plan, and for a plan that can never succeed.
        """
        require_name(by, "person")
        with self._ledger.batch() as batch:
            campaign = _named(batch, name)
            if by == campaign.author:
                raise LocalError(
                    f"{by} has written the plan of {name!r}: somebody else has to approve it"
                )
            self._require_sound(batch, campaign, now_ms)
            digest = _digest(batch, campaign)
            approved = msgspec.structs.replace(campaign, digest=digest)
            return _act(batch, approved, Act.APPROVE, by=by, now_ms=now_ms)

    def start(self, name: str, *, by: str, now_ms: int) -> Campaign:
        """Freeze the cohort, draw the waves, and let the campaign run.

        LocalError where plan, image or cohort are not what was approved.
        """
        with self._ledger.batch() as batch:
            campaign = _named(batch, name)
            _require(campaign, Act.START)
            self._require_sound(batch, campaign, now_ms)
            if _digest(batch, campaign) != campaign.digest:
                raise LocalError(
                    f"the image or the devices of {name!r} are not those that were approved: "
                    "approve it again"
                )
            plan = plan_of(campaign.plan)
            total = batch.cohort_count(parse_cohort(plan.cohort))
            started = msgspec.structs.replace(
                campaign,
                version=_release(batch, plan).version,
                wave_bounds=bounds(plan.waves, total),
                counted_from_ms=_minute(now_ms),
                joined_ms=now_ms,
            )
            join(batch, started)
            return _act(batch, started, Act.START, by=by, now_ms=now_ms)

    def pause(self, name: str, *, by: str, why: str = "", now_ms: int) -> Campaign:
        """Let nothing more be sent; what is under way goes on by itself."""
        return self._stop(name, Act.PAUSE, by=by, why=why, now_ms=now_ms)

    def resume(self, name: str, *, by: str, why: str, now_ms: int) -> Campaign:
        """Go on after a pause or a halt, for a reason; halts count from the next minute."""
        if not why.strip():
            raise LocalError("say why it goes on: a campaign was stopped for a reason")
        with self._ledger.batch() as batch:
            counted_from_ms = _minute(now_ms) + MINUTE_MS
            campaign = msgspec.structs.replace(_named(batch, name), counted_from_ms=counted_from_ms)
            return _act(batch, campaign, Act.RESUME, by=by, why=why, now_ms=now_ms)

    def abort(self, name: str, *, by: str, why: str = "", now_ms: int) -> Campaign:
        """End it: nothing more is sent, but what cancels activations that are still to come."""
        return self._stop(name, Act.ABORT, by=by, why=why, now_ms=now_ms)

    def _stop(self, name: str, act: Act, *, by: str, why: str, now_ms: int) -> Campaign:
        with self._ledger.batch() as batch:
            return _act(batch, _named(batch, name), act, by=by, why=why, now_ms=now_ms)

    def _require_sound(self, view: View, campaign: Campaign, now_ms: int) -> None:
        found = preview(view, plan_of(campaign.plan), self._supplier_id, now_ms).objections
        if found:
            raise LocalError(f"{campaign.name!r} can never succeed: {'; '.join(found)}")


def join(batch: Batch, campaign: Campaign) -> int:
    """Take the devices of the cohort into a campaign that it has not yet; how many they were."""
    plan = plan_of(campaign.plan)
    newcomers = batch.cohort_ids(parse_cohort(plan.cohort), beside=campaign.number)
    devices = (
        CampaignDevice(
            device_id=device_id,
            campaign=campaign.number,
            wave=max(wave, 0),
            region=region,
            state=DeviceState.HELD_OUT if wave == HELD_OUT else DeviceState.WAITING,
            reason="",
            request=None,
            tries=0,
            next_try_ms=None,
        )
        for device_id, region in newcomers
        for wave in (wave_of(plan, campaign.wave_bounds, device_id),)
    )
    joined = 0
    while page := list(islice(devices, _PAGE)):
        batch.add_campaign_devices(page)
        joined += len(page)
    return joined


def _minute(at_ms: int) -> int:
    return at_ms - at_ms % MINUTE_MS


def _named(view: View, name: str) -> Campaign:
    campaign = view.campaign_named(name)
    if campaign is None:
        raise LocalError(f"there is no campaign {name!r}: `hanota campaign list` names them")
    return campaign


def _release(view: View, plan: Plan) -> Release:
    release = view.release_named(plan.release)
    if release is None:
        raise LocalError(f"there is no release {plan.release!r}")
    return release


def _digest(view: View, campaign: Campaign) -> bytes:
    plan = plan_of(campaign.plan)
    ids = hashlib.sha256()
    for device_id, _region in view.cohort_ids(parse_cohort(plan.cohort)):
        ids.update(device_id.to_bytes(_ID_OCTETS, "big"))
    return plan_digest(plan, _release(view, plan).sha256, ids.digest())


def _require(campaign: Campaign, act: Act) -> CampaignState:
    after = TRANSITIONS.get((CampaignState(campaign.state), act))
    if after is None:
        raise LocalError(f"the campaign {campaign.name!r} is {campaign.state}: {_HINTS[act]}")
    return after


def _act(
    batch: Batch, campaign: Campaign, act: Act, *, by: str, why: str = "", now_ms: int
) -> Campaign:
    """Record the act, and the campaign in the state that it leads to."""
    require_name(by, "person")
    changed = msgspec.structs.replace(
        campaign, state=_require(campaign, act), why=why, look_ms=None, proven_since_ms=None
    )
    digest = campaign.digest if act is Act.APPROVE else None
    batch.add_act(CampaignAct(campaign.number, now_ms, by, act, why, digest))
    return batch.change_campaign(changed)


_HINTS = {
    Act.EDIT: "a plan is edited before it starts; make another campaign of what is left",
    Act.APPROVE: "only a draft is approved",
    Act.START: "it starts once somebody else has approved it",
    Act.PAUSE: "only what runs can be paused",
    Act.RESUME: "only what is paused or halted can be resumed",
    Act.HALT: "only what runs can be halted",
    Act.FINISH: "only what runs can finish",
    Act.ABORT: "it has ended",
}
