"""The first method on a world as campaigns: one that its halt stops, then one that goes through.

The first brings an image that stands on the Central Products List by mistake: no maker has released
it, so every PPMID discards it. Its canary finds out, a halt bites, and nobody else is asked. The
supplier ends it, withdraws the release, and lets the right one go: first to a canary, then to all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from hanota.limits import DAY_MS
from hanota.model import DeviceType, KeyUsage, Milestone, Role
from hanota.rows import Campaign, CampaignDevice, Delivery, RequestRow
from hanota.serve.campaign_conduct import Conductor
from hanota.serve.campaigns import Campaigns
from hanota.serve.releases import Releases
from hanota.sim.rollout import Rollout
from hanota.sim.town import Fate
from hanota.sim.town_images import product_entry, seeded_image
from hanota.sim.world import World
from hanota.smki.organisations import SUPPLIER
from hanota.supplier.campaign.conduct import CampaignState
from hanota.supplier.campaign.following import DeviceState
from hanota.supplier.campaign.plan import Halt, Plan, Promotion, Wave
from hanota.supplier.campaign.waves import bounds, wave_of
from hanota.wire.image import encode_image

MISTAKEN, RIGHT = "mistaken", "right"
_MISTAKEN_VERSION = 0x0001_8000
_MISTAKEN_OCTETS = 8_192
_PLANNER, _APPROVER = "planner", "approver"
_CANARY = Wave("canary", 5.0, None, Promotion(success_percent=1.0, sample=1, soak_ms=0))
_WAVES = (_CANARY, Wave("all", 100.0))
_HALT = Halt(percent=50.0, devices=1, sample=1, window_ms=DAY_MS)
_PAGE = 5_000
_DRAWS_MAX = 50
# How a device of a campaign that has no delivery is told among those that have one.
_NOT_ASKED_YET = frozenset({DeviceState.WAITING, DeviceState.RESTING})


class Halted(msgspec.Struct, frozen=True):
    """What the halt of the first campaign has saved."""

    why: str
    asked: int  # devices that were asked before it
    devices: int  # of its cohort


class PpmidCampaign(Rollout):
    """The PPMIDs of the town's electricity supplier, updated by a campaign.

    `halted` says how the mistaken one ended; None before, and in a town where no draw has a sound
    home in its canary.
    """

    def __init__(self, world: World, seed: int) -> None:
        fates = {home.device(DeviceType.PPMID).device_id: home.ppmid_fate for home in world.town}
        super().__init__(world, DeviceType.PPMID, SUPPLIER, fates)
        self.halted: Halted | None = None
        self._salt = _drawn(self._fates, seed)
        self._seed = seed
        self._campaigns = Campaigns(self._ledger, supplier_id=SUPPLIER)
        self._conductor = Conductor(self._ledger, self._supplier, supplier_id=SUPPLIER)
        its_own = world.pki.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
        self._releases = Releases(self._ledger, its_own)

    def act(self, now_ms: int) -> None:
        """Let the campaign go on; end the one that has halted, and start the right one."""
        self._advance(now_ms)
        stopped = self._campaign(MISTAKEN)
        if stopped is not None and stopped.state == CampaignState.HALTED:
            self.halted = self._what_it_saved(stopped)
            self._campaigns.abort(MISTAKEN, by=_PLANNER, why=stopped.why, now_ms=now_ms)
            self._releases.withdraw(MISTAKEN, now_ms=now_ms)
            self._row = self._start(RIGHT, now_ms)

    @property
    def is_settled(self) -> bool:
        """Whether the right campaign has finished."""
        campaign = self._campaign(RIGHT)
        return campaign is not None and campaign.state == CampaignState.FINISHED

    def counts(self) -> dict[tuple[str, str], int]:
        """How many devices are in each (state, reason); what is to be asked counts as requested."""
        counts: Counter[tuple[str, str]] = Counter()
        with self._ledger.view() as view:
            campaign = view.campaign_named(RIGHT)
            if campaign is None:
                return {(Milestone.REQUESTED, ""): len(self._fates)}
            for (_, state, reason), devices in view.campaign_counts(campaign.number).items():
                if state in _NOT_ASKED_YET:
                    counts[Milestone.REQUESTED, ""] += devices
                elif state != DeviceState.ASKED:
                    counts[state, reason] += devices
            for number in view.requests_of_campaign(campaign.number):
                for (state, reason), devices in view.counts(number).items():
                    if state in _MILESTONES:
                        counts[state, reason] += devices
        return dict(counts)

    def deliveries(self) -> Iterator[Delivery]:
        """The last delivery of each device; one that was not asked stands as its campaign says."""
        campaign = self._campaign(RIGHT)
        after = 0
        with self._ledger.view() as view:
            while campaign is not None and (
                page := view.campaign_devices_from(campaign.number, after=after, limit=_PAGE)
            ):
                for device in page:
                    delivery = None
                    if device.request is not None:
                        delivery = view.delivery(device.device_id, device.request)
                    yield delivery or self._as_delivery(device)
                after = page[-1].device_id

    def _send(self, now_ms: int) -> RequestRow:
        mistaken = seeded_image(_MISTAKEN_OCTETS, self._seed, _MISTAKEN_VERSION)
        images = {MISTAKEN: mistaken, RIGHT: self.image}
        with self.world.dcc_ledger.view() as view:
            products = [*view.products(), product_entry(DeviceType.PPMID, mistaken)]
        self.world.dcc.load_products(products)
        self._releases.replace_products(products)
        for name, image in images.items():
            self._releases.add(name, encode_image(image), None, by=_PLANNER, now_ms=now_ms)
        return self._start(RIGHT if self._salt is None else MISTAKEN, now_ms)

    def _asked_ms(self, _delivery: Delivery) -> int:
        with self._ledger.view() as view:
            request = view.requests([_delivery.request]).get(_delivery.request)
        return _delivery.changed_ms if request is None else request.at_ms

    def _start(self, name: str, now_ms: int) -> RequestRow:
        """Plan, approve and start the campaign that brings this release; its first request."""
        plan = Plan(
            name=name,
            release=name,
            cohort="type:PPMID",
            waves=_WAVES if self._salt is not None else _WAVES[1:],
            halts=(_HALT,) if name == MISTAKEN else (),
            salt=self._salt or "",
        )
        self._campaigns.create(plan, by=_PLANNER, now_ms=now_ms)
        self._campaigns.approve(name, by=_APPROVER, now_ms=now_ms)
        campaign = self._campaigns.start(name, by=_PLANNER, now_ms=now_ms)
        self._advance(now_ms)
        with self._ledger.view() as view:
            first = view.requests_of_campaign(campaign.number)[0]
            return view.requests([first])[first]

    def _advance(self, now_ms: int) -> None:
        while any(step.may_go_on for step in self._conductor.advance(now_ms)):
            pass

    def _campaign(self, name: str) -> Campaign | None:
        with self._ledger.view() as view:
            return view.campaign_named(name)

    def _what_it_saved(self, campaign: Campaign) -> Halted:
        with self._ledger.view() as view:
            counts = view.campaign_counts(campaign.number)
            asked = sum(
                sum(view.counts(number).values())
                for number in view.requests_of_campaign(campaign.number)
            )
        return Halted(campaign.why, asked, sum(counts.values()))

    def _as_delivery(self, device: CampaignDevice) -> Delivery:
        state = Milestone.REQUESTED if device.state in _NOT_ASKED_YET else device.state
        return Delivery(
            device_id=device.device_id,
            request=0,
            hub_id=0,
            version=self.image.header.file_version,
            state=str(state),
            reason=device.reason,
            live=device.state in _NOT_ASKED_YET,
            due_ms=None,
            changed_ms=self._row.at_ms,
        )


_MILESTONES: frozenset[str] = frozenset(Milestone)


def _drawn(fates: Mapping[int, Fate], seed: int) -> str | None:
    """A salt whose canary tells of the mistake, and leaves nobody busy with it for a week.

    None where some draws find none: in a town of a few homes a canary of 5% has none at all.
    """
    for number in range(_DRAWS_MAX):
        plan = Plan("", "", "", _WAVES, salt=f"{seed}-{number}")
        limits = bounds(plan.waves, len(fates))
        canary = {fate for device, fate in fates.items() if wave_of(plan, limits, device) == 0}
        if Fate.SOUND in canary and Fate.PPMID_OFF not in canary:
            return plan.salt
    return None
