"""What hubs send, in the DCC's shell: sorted, and the reports about updates taken in.

Not here: the rules (`dcc.reception`), the answers to commands (`dcc_broker`), and what a hub says
of its own firmware (`dcc_hubs`).
"""

from collections.abc import Iterable, Sequence

import msgspec

from hanota.dcc import alerts
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding, Settlement, event, objection, settle
from hanota.dcc.replies import Reply
from hanota.dcc.reports import HubReport, Report, reports_of
from hanota.dcc.users import Users
from hanota.errors import RemoteError
from hanota.ledger.ledger import Batch
from hanota.model import KeyUsage
from hanota.rows import Device, JournalEntry, Outgoing
from hanota.smki.directory import Directory
from hanota.smki.protection import signature_valid
from hanota.wire.duis.messages import encode_response
from hanota.wire.duis.signature import DocumentSigner
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.use_cases import protection_carried, protection_due


class Arrived(msgspec.Struct, frozen=True):
    """What came from hubs, read and sorted; each kind in its order."""

    reports: list[Report]
    replies: list[Reply]
    of_hubs: list[HubReport]
    malformed: list[JournalEntry]  # what the journal is to say of everything else


def read_arrivals(arrivals: Iterable[tuple[int, bytes]], now_ms: int) -> Arrived:
    """Read what hubs have sent, each as (hub, envelope); no octets raise."""
    arrived = Arrived([], [], [], [])
    for hub_id, octets in arrivals:
        try:
            read = reports_of(hub_id, octets)
        except RemoteError as fault:
            arrived.malformed.append(_malformed(hub_id, octets, fault, now_ms))
            continue
        for said in read:
            match said:
                case Reply():
                    arrived.replies.append(said)
                case Report():
                    arrived.reports.append(said)
                case HubReport():
                    arrived.of_hubs.append(said)
    return arrived


class Reception:
    """Takes part in the batches of the DCC's shell; the arguments are those of `DccShell`.

    `document_signer` is the DSP's, for what is pushed.
    """

    def __init__(
        self,
        directory: Directory,
        document_signer: DocumentSigner,
        *,
        acb_id: int,
        users: Users,
        push_delay_ms: int,
    ) -> None:
        self._directory = directory
        self._document_signer = document_signer
        self._acb_id = acb_id
        self._users = users
        self._push_delay_ms = push_delay_ms

    def take(
        self, batch: Batch, reports: Sequence[Report], products: ProductList, now_ms: int
    ) -> list[JournalEntry]:
        """Take what is said of updates, in its order; what the journal is to say of it."""
        devices = batch.devices({report.device_id for report in reports})
        entries: list[JournalEntry] = []
        genuine: list[Report] = []
        for report in reports:
            finding = self._objection(report, devices.get(report.device_id), now_ms)
            if finding is None:
                genuine.append(report)
            else:
                entries.append(_discounted(report, finding, now_ms))
        return entries + self._settle(batch, genuine, devices, products, now_ms)

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
        self,
        batch: Batch,
        genuine: list[Report],
        devices: dict[int, Device],
        products: ProductList,
        now_ms: int,
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
            done = settle(report, device, tracked, products, now_ms)
            entries.append(_settled(report, done, now_ms))
            pushes += self._pushes(report.device_id, done, now_ms)
            if done.delivery is not None:
                deliveries[report.device_id] = done.delivery
            if done.device is not None:
                learned[report.device_id] = done.device
        batch.put_devices(learned.values())
        batch.post(pushes)
        return entries

    def _pushes(self, device_id: int, done: Settlement, now_ms: int) -> list[Outgoing]:
        """The signed Response about a device for the user whom it concerns, if any.

        A receipt may be for a supplier of the inventory who is no user: nobody would take it.
        """
        if done.alert is None or done.receiver not in self._users:
            return []
        answered_ms = now_ms if done.request is None else done.request.at_ms
        octets = encode_response(alerts.in_response(done.alert, now_ms), self._document_signer)
        due_ms = max(now_ms, answered_ms + self._push_delay_ms)
        return [Outgoing(0, done.receiver, octets, due_ms, 0, device_id)]


def _malformed(hub_id: int, octets: bytes, fault: RemoteError, now_ms: int) -> JournalEntry:
    told = f"{type(fault.code).__name__}:{fault.code.value}"
    return JournalEntry(now_ms, hub_id, 0, told, None, octets)


def _discounted(report: Report, finding: Finding, now_ms: int) -> JournalEntry:
    told = event(finding, report.evidence)
    return JournalEntry(now_ms, report.device_id, 0, told, None, report.octets)


def _settled(report: Report, done: Settlement, now_ms: int) -> JournalEntry:
    number = 0 if done.request is None else done.request.number
    return JournalEntry(now_ms, report.device_id, number, done.event, done.delivery, report.octets)
