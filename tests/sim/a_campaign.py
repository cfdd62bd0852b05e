"""A campaign over a small town: every device moved by real messages, every step in the ledger."""

from collections import Counter

import msgspec
from tests.sim.a_town import ATown

from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, KeyUsage, Role
from hanota.serve.campaign_conduct import Conductor
from hanota.serve.campaigns import Campaigns
from hanota.serve.homes import RadioDepth
from hanota.serve.releases import Releases
from hanota.serve.supplier import SupplierShell
from hanota.sim.town_images import product_entry
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.supplier.campaign.conduct import CampaignState
from hanota.supplier.campaign.plan import Halt, Plan, Promotion, Wave

ENDED = {CampaignState.FINISHED, CampaignState.ABORTED, CampaignState.HALTED}
CANARY = Wave("canary", 30.0, None, Promotion(60.0, 2, HOUR_MS))
PLAN = Plan(
    "spring",
    "ppmid-2",
    "type:PPMID",
    (CANARY, Wave("all", 100.0)),
    halts=(Halt(60.0, 3, 4, DAY_MS),),
    salt="s",
)


class ACampaign:
    """A town, a release for each kind of device, and the campaigns of the town's supplier."""

    def __init__(self, homes=12, **options) -> None:
        self.town = ATown(homes=homes, depth=RadioDepth.FLOW, **options)
        self.world = self.town.world
        self.ledger = self.town.supplier_ledger
        self.steps = []
        pki = self.world.pki
        releases = Releases(
            self.ledger, pki.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
        )
        products = [product_entry(kind, image) for kind, image in self.world.images.items()]
        releases.replace_products(products)
        for kind in (DeviceType.PPMID, DeviceType.HCALCS):
            image_file = self.world.image_file(kind, SUPPLIER)
            name = f"{kind.lower()}-2"
            releases.add(name, image_file, None, by="eve", now_ms=self.now_ms)
        self.releases = releases
        self.campaigns = Campaigns(self.ledger, supplier_id=SUPPLIER)
        self.restart()

    @property
    def now_ms(self):
        return self.world.now_ms

    def restart(self):
        """A new process: nothing but the ledger is left of the old one."""
        pki = self.world.pki
        shell = SupplierShell(self.ledger, pki, pki, user_id=SUPPLIER, dcc_id=ACCESS_CONTROL_BROKER)
        self.conductor = Conductor(self.ledger, shell, supplier_id=SUPPLIER)
        return self

    def begins(self, plan=PLAN, **changes):
        plan = msgspec.structs.replace(plan, **changes)
        self.name = plan.name
        self.campaigns.create(plan, by="ann", now_ms=self.now_ms)
        self.campaigns.approve(plan.name, by="bob", now_ms=self.now_ms)
        self.campaigns.start(plan.name, by="ann", now_ms=self.now_ms)
        return self

    def advance(self):
        while steps := self.conductor.advance(self.now_ms):
            self.steps += steps
            if not any(step.may_go_on for step in steps):
                break

    def runs(self, days=40, *, restarting=False, until=None):
        """Run until the campaign ends, or `until` holds, an hour at a time."""
        limit_ms = self.now_ms + int(days * DAY_MS)
        while self.now_ms < limit_ms:
            self.advance()
            if self.row().state in ENDED or (until is not None and until()):
                break
            for _ in self.world.chain.run(lambda: False, until_ms=self.now_ms + HOUR_MS):
                if restarting:
                    self.restart()
                self.advance()
                if until is not None and until():
                    return self
        return self

    def row(self):
        with self.ledger.view() as view:
            return view.campaign_named(self.name)

    def acts(self):
        number = self.row().number
        with self.ledger.view() as view:
            return [each.act for each in view.campaign_acts(number)]

    def counts(self):
        """Devices by state and reason, over all waves."""
        counts = Counter()
        with self.ledger.view() as view:
            number = view.campaign_named(self.name).number
            for (_, state, reason), devices in view.campaign_counts(number).items():
                counts[state, reason] += devices
        return counts

    def devices(self):
        with self.ledger.view() as view:
            number = view.campaign_named(self.name).number
            return view.campaign_devices_from(number, limit=1_000)

    def requests(self, service):
        """How often each device was asked by this service."""
        campaign = self.row().number
        with self.ledger.view() as view:
            numbers = view.requests_of_campaign(campaign)
            rows = view.requests(numbers)
            return Counter(
                delivery.device_id
                for number in numbers
                if rows[number].service_reference == service
                for delivery in view.deliveries(number, limit=1_000)
            )
