"""The DCC's shell: its rules, its ledger, its keys; one transaction a batch.

No clock, no socket: time comes in as an argument, and whoever joins this to users and hubs
carries the octets. An answer is recorded before it is given, a message is in the outbox before it
is sent, and what comes in is recorded before it is acknowledged. Where another writer of the same
ledger was first, ConflictError leaves a call, nothing of it was kept, and it may be called again.

Not here: how a request is answered (`dcc_gateway`), commands and their answers (`dcc_broker`), the
addresses of users, reading files.
"""

from collections.abc import Iterable

from hanota.dcc import alerts
from hanota.dcc.products import ProductList
from hanota.dcc.pushes import next_try_ms
from hanota.dcc.reception import Finding, Settlement, event, objection, settle
from hanota.dcc.replies import Reply
from hanota.dcc.reports import Report, reports_of
from hanota.dcc.tracking import Evidence, advance
from hanota.dcc.users import Users
from hanota.errors import RemoteError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import PUSH_DELAY_MS
from hanota.model import KeyUsage
from hanota.rows import Delivery, Device, JournalEntry, Outgoing, ProductEntry
from hanota.serve.dcc_broker import AT_ONCE_MS, AccessControlBroker
from hanota.serve.dcc_gateway import Gateway
from hanota.smki.directory import Directory, Signer
from hanota.smki.dsig import response_signer
from hanota.smki.protection import signature_valid
from hanota.wire.duis.messages import encode_response
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.use_cases import protection_carried, protection_due


class DccShell:
    """The DSP and its Access Control Broker, with one ledger.

    Args:
        ledger: the DCC's own.
        directory: the certificates of users, hubs and devices; what it caches is bounded.
        signer: has the key with which the DSP signs answers (role 89 of `acb_id`).
        acb_id: the EUI-64 of the Access Control Broker and the DSP.
        users: the roles of each Service User.
        push_delay_ms: nothing is pushed to a user sooner after the answer to its request.
    """

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        signer: Signer,
        *,
        acb_id: int,
        users: Users,
        push_delay_ms: int = PUSH_DELAY_MS,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._signer = response_signer(acb_id, directory, signer)
        self._acb_id = acb_id
        self._users = users
        self._push_delay_ms = push_delay_ms
        self._products = ProductList(())
        self._broker = AccessControlBroker(
            directory, signer, self._signer, acb_id=acb_id, push_delay_ms=push_delay_ms
        )
        self._gateway = Gateway(
            ledger, directory, self._signer, self._broker, acb_id=acb_id, users=users
        )

    def load_inventory(self, devices: Iterable[Device]) -> None:
        """Put these devices into the inventory, or replace what it says of them."""
        with self._ledger.batch() as batch:
            batch.put_devices(devices)

    def load_products(self, entries: Iterable[ProductEntry]) -> None:
        """Take this as the Central Products List from now on; the ledger does not keep it."""
        self._products = ProductList(entries)

    def answer(self, octets: bytes, now_ms: int) -> bytes:
        """One DUIS request in, one signed DUIS Response out.

        A request that comes again gets the answer that it got before. RemoteError(NOT_DUIS) where
        the octets are nothing that can be answered in DUIS.
        """
        return self._gateway.answer(octets, self._products, now_ms)

    def receive_wan(self, arrivals: Iterable[tuple[int, bytes]], now_ms: int) -> None:
        """Record what hubs have sent, each as (hub, envelope); then it may be acknowledged.

        The link vouches for the hub, a message's own signature for everything else. No octets
        raise: what is malformed, forged or out of place is journalled as such.
        """
        entries: list[JournalEntry] = []
        reports: list[Report] = []
        replies: list[Reply] = []
        for hub_id, octets in arrivals:
            try:
                read = reports_of(hub_id, octets)
            except RemoteError as fault:
                entries.append(_malformed(hub_id, octets, fault, now_ms))
                continue
            for said in read:
                match said:
                    case Reply():
                        replies.append(said)
                    case Report():
                        reports.append(said)
        with self._ledger.batch() as batch:
            devices = batch.devices({report.device_id for report in reports})
            genuine: list[Report] = []
            for report in reports:
                finding = self._objection(report, devices.get(report.device_id), now_ms)
                if finding is None:
                    genuine.append(report)
                else:
                    entries.append(_discounted(report, finding, now_ms))
            entries += self._settle(batch, genuine, devices, now_ms)
            entries += self._broker.take(batch, replies, self._products, now_ms)
            batch.record(entries)

    def scan_due(self, now_ms: int, limit: int) -> int:
        """Do what is due: at most `limit` deliveries, and as many commands; how many it were.

        The tracking of deliveries whose time is over ends; reads that were held until now go; and
        commands that found no answer are reported to their users.
        """
        with self._ledger.batch() as batch:
            due = batch.due(now_ms, limit)
            batch.record(_tracking_ended(delivery, now_ms) for delivery in due)
            return len(due) + self._broker.scan_due(batch, now_ms, limit)

    def outgoing_wan(self, limit: int, after: Outgoing | None = None) -> list[Outgoing]:
        """Envelopes for hubs, oldest first, from behind `after`; each stays until it is `taken`.

        None of them waits for a time, as a push to a user does.
        """
        with self._ledger.view() as view:
            return view.outbox(AT_ONCE_MS, limit, after)

    def outgoing_push(
        self, now_ms: int, limit: int, after: Outgoing | None = None
    ) -> list[Outgoing]:
        """Responses for users, oldest first, from behind `after`; each stays until `taken`."""
        with self._ledger.view() as view:
            found = [
                message
                for user_id in self._users
                for message in view.outbox_for(user_id, now_ms, limit, after)
            ]
        return sorted(found, key=lambda message: (message.due_ms, message.number))[:limit]

    def taken(self, numbers: Iterable[int]) -> None:
        """The receivers of these messages have them: they leave the outbox."""
        with self._ledger.batch() as batch:
            batch.settle(numbers)

    def not_taken(self, push: Outgoing, now_ms: int) -> None:
        """A user did not take this push: it is tried again later, or given up after a time.

        The journal keeps a push that is given up. An envelope for a hub is never given up: it
        stays in the outbox until it is taken.
        """
        next_ms = next_try_ms(push.tries + 1, now_ms)
        with self._ledger.batch() as batch:
            if next_ms is not None:
                batch.postpone([push.number], next_ms)
            else:
                batch.settle([push.number])
                batch.record([JournalEntry(now_ms, 0, 0, "push:given-up", None, push.body)])

    def _objection(self, report: Report, device: Device | None, now_ms: int) -> Finding | None:
        finding = objection(report, device, self._acb_id)
        if finding is None and not self._is_authentic(report.message, now_ms):
            return Finding.BAD_SIGNATURE
        return finding

    def _is_authentic(self, message: GbcsMessage | None, now_ms: int) -> bool:
        if message is None:
            return True  # the link vouches for what a hub says in an envelope of its own
        if protection_carried(message) != protection_due(message):
            return False
        return any(
            signature_valid(message, certificate.public_key)
            for certificate in self._directory.find(message.originator, KeyUsage.DIGITAL_SIGNATURE)
            if self._directory.trusts(certificate, now_ms)
        )

    def _settle(
        self, batch: Batch, genuine: list[Report], devices: dict[int, Device], now_ms: int
    ) -> list[JournalEntry]:
        """Take genuine reports in, in their order; what the journal is to say of them."""
        unseen = batch.unseen(report.key for report in genuine)
        deliveries = batch.last_deliveries({report.device_id for report in genuine})
        requests = batch.requests({delivery.request for delivery in deliveries.values()})
        entries: list[JournalEntry] = []
        learned: dict[int, Device] = {}
        pushes: list[Outgoing] = []
        for report, first in zip(genuine, unseen, strict=True):
            if not first:
                entries.append(_discounted(report, Finding.DOUBLED, now_ms))
                continue
            delivery = deliveries.get(report.device_id)
            tracked = None if delivery is None else (delivery, requests[delivery.request])
            device = learned.get(report.device_id, devices[report.device_id])
            done = settle(report, device, tracked, self._products, now_ms)
            entries.append(_settled(report, done, now_ms))
            pushes += self._pushes(done, now_ms)
            if done.delivery is not None:
                deliveries[report.device_id] = done.delivery
            if done.device is not None:
                learned[report.device_id] = done.device
        batch.put_devices(learned.values())
        batch.post(pushes)
        return entries

    def _pushes(self, done: Settlement, now_ms: int) -> list[Outgoing]:
        """The signed Response for the user whom it concerns, if any.

        A receipt may be for a supplier of the inventory who is no user: nobody would take it.
        """
        if done.alert is None or done.receiver not in self._users:
            return []
        answered_ms = now_ms if done.request is None else done.request.at_ms
        octets = encode_response(alerts.in_response(done.alert, now_ms), self._signer)
        due_ms = max(now_ms, answered_ms + self._push_delay_ms)
        return [Outgoing(0, done.receiver, octets, due_ms, 0)]


def _tracking_ended(delivery: Delivery, now_ms: int) -> JournalEntry:
    ended = advance(delivery, Evidence.TRACKING_ENDED, now_ms).delivery
    return JournalEntry(
        now_ms, delivery.device_id, delivery.request, Evidence.TRACKING_ENDED, ended, b""
    )


def _malformed(hub_id: int, octets: bytes, fault: RemoteError, now_ms: int) -> JournalEntry:
    told = f"{type(fault.code).__name__}:{fault.code.value}"
    return JournalEntry(now_ms, hub_id, 0, told, None, octets)


def _discounted(report: Report, finding: Finding, now_ms: int) -> JournalEntry:
    told = event(finding, report.evidence)
    return JournalEntry(now_ms, report.device_id, 0, told, None, report.octets)


def _settled(report: Report, done: Settlement, now_ms: int) -> JournalEntry:
    number = 0 if done.request is None else done.request.number
    return JournalEntry(now_ms, report.device_id, number, done.event, done.delivery, report.octets)
