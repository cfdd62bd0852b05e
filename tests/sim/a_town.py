"""A small town whose update is over in a moment, and what can be looked at afterwards."""

from collections import Counter

from hanota.ledger.ledger import Ledger
from hanota.sim.rollout import Rollout, seeded_image
from hanota.sim.town import build_town
from hanota.wire.image import encode_image

IMAGE_OCTETS = 2_048


class ATown:
    """A rollout with two ledgers in memory, and every document that was handed over."""

    def __init__(self, homes=8, seed=1, image=None, **options) -> None:
        self.image = image or seeded_image(IMAGE_OCTETS, seed)
        self.image_file = encode_image(self.image)
        self.supplier_ledger = Ledger.open("sqlite://", owner="supplier")
        self.dcc_ledger = Ledger.open("sqlite://", owner="dcc")
        self.rollout = Rollout(
            town=build_town(homes, seed),
            seed=seed,
            image=self.image,
            supplier_ledger=self.supplier_ledger,
            dcc_ledger=self.dcc_ledger,
            **options,
        )
        self.requests: list[bytes] = []
        self.answers: list[bytes] = []
        self.pushes: list[bytes] = []
        self._listen()

    def run(self, request=None):
        for _ in self.rollout.run(request):
            pass
        return self

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

    def documents(self):
        return self.requests + self.answers + self.pushes

    def _listen(self):
        supplier, dcc = self.rollout._supplier, self.rollout._dcc
        answer, receive = dcc.answer, supplier.receive

        def answer_heard(octets, now_ms):
            self.requests.append(octets)
            self.answers.append(answer(octets, now_ms))
            return self.answers[-1]

        def receive_heard(pushed, now_ms):
            self.pushes += pushed
            return receive(pushed, now_ms)

        dcc.answer, supplier.receive = answer_heard, receive_heard


def table(ledger: Ledger, name: str) -> list[tuple]:
    return ledger._database._connection.execute(f"SELECT * FROM {name}").fetchall()


def messages(ledger: Ledger) -> list[bytes]:
    """The original octets that a journal keeps."""
    rows = ledger._database._connection.execute("SELECT message FROM journal ORDER BY number")
    return [message for (message,) in rows if message]
