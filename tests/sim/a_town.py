"""A small town whose updates are over in a moment, and what can be looked at afterwards."""

from collections import Counter

from hanota.ledger.ledger import Ledger
from hanota.model import DeviceType
from hanota.sim.hcalcs_rollout import HcalcsRollout
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.rollout import carry_out
from hanota.sim.town import build_town
from hanota.sim.town_images import seeded_image
from hanota.sim.world import World
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.wire.image import encode_image

IMAGE_OCTETS = 2_048
KINDS = (DeviceType.PPMID, DeviceType.HCALCS, DeviceType.ESME, DeviceType.GSME)


class ATown:
    """A world with ledgers in memory, and every document that was handed over.

    `new_url` names other places for its ledgers. `rollout` is the last that ran. The second
    supplier has a ledger too, and does nothing by itself.
    """

    def __init__(
        self, homes=8, seed=1, image=None, town=None, new_url=lambda: "sqlite://", **options
    ) -> None:
        images = {kind: seeded_image(IMAGE_OCTETS, seed, kind=kind) for kind in KINDS}
        self.image = image or images[DeviceType.PPMID]
        self.image_file = encode_image(self.image)
        self.ledgers = {
            supplier_id: Ledger.open(new_url(), owner="supplier")
            for supplier_id in (SUPPLIER, SUPPLIER_2)
        }
        self.supplier_ledger = self.ledgers[SUPPLIER]
        self.dcc_ledger = Ledger.open(new_url(), owner="dcc")
        self.world = World(
            town=build_town(homes, seed) if town is None else town,
            seed=seed,
            images=images | {DeviceType.PPMID: self.image},
            supplier_ledgers=self.ledgers,
            dcc_ledger=self.dcc_ledger,
            **options,
        )
        self.rollout = PpmidRollout(self.world)
        self.requests: list[bytes] = []
        self.answers: list[bytes] = []
        self.pushes: list[bytes] = []
        self._listen()

    def run(self, request=None):
        """Update the PPMIDs, with one 11.4."""
        return self._run(PpmidRollout(self.world, request))

    def run_hcalcs(self):
        """Update the HCALCSs, with one 11.1 and an 11.3 each."""
        return self._run(HcalcsRollout(self.world))

    def outcomes(self):
        """How many devices ended how, as (state, reason)."""
        ends = (report.delivery for report in self.rollout.report())
        return Counter((end.state, end.reason) for end in ends)

    def ends(self):
        """How each device ended, and what it runs."""
        return {
            report.delivery.device_id: (report.delivery.state, report.delivery.reason, report.runs)
            for report in self.rollout.report()
        }

    def versions_known(self, device_id):
        """What the inventory and its supplier's estate say that the device runs."""
        with self.dcc_ledger.view() as view:
            inventory = view.devices([device_id])[device_id]
        with self.ledgers[inventory.suppliers[0]].view() as view:
            estate = view.devices([device_id])[device_id]
        return {inventory.firmware_version, estate.firmware_version}

    def documents(self):
        return self.requests + self.answers + self.pushes

    def all_ledgers(self):
        return [*self.ledgers.values(), self.dcc_ledger]

    def is_sound(self):
        """Whether every ledger proves itself and nothing waits in it."""
        return all(
            ledger.verify() == table(ledger, "outbox") == [] for ledger in self.all_ledgers()
        )

    def _run(self, rollout):
        self.rollout = rollout
        for _ in carry_out([rollout]):
            pass
        return self

    def _listen(self):
        dcc = self.world.dcc
        answer = dcc.answer

        def answer_heard(octets, now_ms):
            self.requests.append(octets)
            self.answers.append(answer(octets, now_ms))
            return self.answers[-1]

        dcc.answer = answer_heard
        for supplier in self.world.suppliers.values():
            self._listen_to_pushes(supplier)

    def _listen_to_pushes(self, supplier):
        receive = supplier.receive

        def receive_heard(pushed, now_ms):
            self.pushes += pushed
            return receive(pushed, now_ms)

        supplier.receive = receive_heard


def table(ledger: Ledger, name: str) -> list[tuple]:
    return ledger._database._connection.execute(f"SELECT * FROM {name}").fetchall()


def messages(ledger: Ledger) -> list[bytes]:
    """The original octets that a journal keeps."""
    rows = ledger._database._connection.execute("SELECT message FROM journal ORDER BY number")
    return [message for (message,) in rows if message]
