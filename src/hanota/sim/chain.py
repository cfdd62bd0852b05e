"""The whole chain in one process and in virtual time: suppliers, DCC, hubs and devices.

The shells are those of production; only the clock and the links between them are of this world.
Between two exchanges the homes run on their own; an exchange carries what has gathered at each
end, in batches, and a message is forgotten only when its receiver has recorded it. DUIS messages
are handed over on the spot, as over HTTP; the WAN takes its time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from hanota.ledger.ledger import Ledger
from hanota.limits import LATEST_MS, LINK_BATCH_MESSAGES_MAX, LINK_RETRY_MS, WAN_LATENCY_MS
from hanota.link.local import LocalLink, Message
from hanota.rows import Outgoing
from hanota.serve.dcc import DccShell
from hanota.serve.homes import Homes
from hanota.serve.supplier import SupplierShell

# Homes act on their own for this long between two exchanges.
EXCHANGE_PERIOD_MS = 1_000


class Chain:
    """Suppliers, one DCC, and homes, joined by links inside this process.

    `suppliers` are the shells by EUI-64, one for each user of the DCC. `homes` makes the shell of
    the homes, given the function that takes their envelopes; `ledgers` are those of all suppliers
    and of the DCC, to see what still waits in them.
    """

    def __init__(
        self,
        suppliers: Mapping[int, SupplierShell],
        dcc: DccShell,
        homes: Callable[[Callable[[int, int, bytes], None]], Homes],
        *,
        ledgers: Sequence[Ledger],
        dcc_id: int,
        now_ms: int,
    ) -> None:
        self.now_ms = now_ms
        self._suppliers = suppliers
        self._dcc = dcc
        self._dcc_id = dcc_id
        self._ledgers = ledgers
        self._to_hubs = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self._from_hubs = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self._last_to_hubs: Outgoing | None = None
        self.homes = homes(self._take_from_hub)

    def run(self, is_settled: Callable[[], bool], *, until_ms: int) -> Iterator[int]:
        """Run until everything is settled, at most until `until_ms`; gives each exchange's instant.

        What is not settled by then shows in the ledgers.
        """
        while self.now_ms <= until_ms:
            self._exchange()
            yield self.now_ms
            if is_settled():
                return
            self.now_ms = self._next_exchange_ms(until_ms)
            self.homes.run_until(self.now_ms)

    def is_quiet(self) -> bool:
        """Whether nothing is under way on a link or waits in an outbox."""
        links = (self._to_hubs, self._from_hubs)
        return all(link.next_at_ms() is None for link in links) and not any(
            map(_outbox_depth, self._ledgers)
        )

    def _next_exchange_ms(self, until_ms: int) -> int:
        # What may be sent by now has been: a link has it, or it was put off.
        waiting = self._dcc.outgoing_push(LATEST_MS, 1)
        for supplier in self._suppliers.values():
            waiting += supplier.outgoing(LATEST_MS, 1)
        ahead = [
            until_ms + 1,
            self.homes.next_at_ms(),
            self._to_hubs.next_at_ms(),
            self._from_hubs.next_at_ms(),
            *(message.due_ms for message in waiting),
            *map(_next_deadline_ms, self._ledgers),
        ]
        at_ms = min(at for at in ahead if at is not None)
        periods = max(1, -(-(at_ms - self.now_ms) // EXCHANGE_PERIOD_MS))
        return self.now_ms + periods * EXCHANGE_PERIOD_MS

    def _take_from_hub(self, hub_id: int, number: int, body: bytes) -> None:
        self._from_hubs.send(Message(hub_id, self._dcc_id, number, body), self.homes.now_ms)

    def _exchange(self) -> None:
        now_ms = self.now_ms
        for supplier in self._suppliers.values():
            supplier.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
        self._dcc.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
        for supplier in self._suppliers.values():
            for sent in supplier.outgoing(now_ms, LINK_BATCH_MESSAGES_MAX):
                supplier.answered(sent, self._dcc.answer(sent.body, now_ms), now_ms)
        self._carry_from_hubs()
        self._carry_to_hubs()
        self._push()

    def _carry_to_hubs(self) -> None:
        while page := self._dcc.outgoing_wan(LINK_BATCH_MESSAGES_MAX, self._last_to_hubs):
            for sent in page:
                message = Message(self._dcc_id, sent.receiver, sent.number, sent.body)
                self._to_hubs.send(message, self.now_ms)
            self._last_to_hubs = page[-1]
        for message in self._to_hubs.receive(self.now_ms, LINK_BATCH_MESSAGES_MAX):
            if self.homes.receive_wan(message.receiver, message.body):
                self._to_hubs.acknowledge(message)
        self._dcc.taken([number for _, number in self._to_hubs.acknowledged()])

    def _carry_from_hubs(self) -> None:
        while batch := self._from_hubs.receive(self.now_ms, LINK_BATCH_MESSAGES_MAX):
            self._dcc.receive_wan(
                [(message.sender, message.body) for message in batch], self.now_ms
            )
            for message in batch:
                self._from_hubs.acknowledge(message)
        for hub_id, number in self._from_hubs.acknowledged():
            self.homes.wan_acknowledged(hub_id, number)

    def _push(self) -> None:
        while page := self._dcc.outgoing_push(self.now_ms, LINK_BATCH_MESSAGES_MAX):
            for user_id in dict.fromkeys(sent.receiver for sent in page):
                self._push_to(user_id, [sent for sent in page if sent.receiver == user_id])

    def _push_to(self, user_id: int, pushes: Sequence[Outgoing]) -> None:
        faults = self._suppliers[user_id].receive([sent.body for sent in pushes], self.now_ms)
        results = list(zip(pushes, faults, strict=True))
        self._dcc.taken(sent.number for sent, fault in results if fault is None)
        for sent, fault in results:
            if fault is not None:
                self._dcc.not_taken(sent, None, self.now_ms)


def _next_deadline_ms(ledger: Ledger) -> int | None:
    with ledger.view() as view:
        return view.next_deadline_ms()


def _outbox_depth(ledger: Ledger) -> int:
    with ledger.view() as view:
        return view.outbox_depth()
