"""The DCC's shell: its rules, its ledger, its keys; one transaction a batch.

No clock, no socket: time comes in as an argument, and whoever joins this to users and hubs
carries the octets. An answer is recorded before it is given, a message is in the outbox before it
is sent, and what comes in is recorded before it is acknowledged. Where another writer of the same
ledger was first, ConflictError leaves a call, nothing of it was kept, and it may be called again.

Not here: how a request is answered (`dcc_gateway`), commands and their answers (`dcc_broker`), what
hubs say of updates (`dcc_reception`), the queue of pushes (`dcc_pushes`), the addresses of users,
reading files.
"""

from collections.abc import Iterable, Sequence

from hanota.dcc.products import EveryImage, ProductList
from hanota.dcc.pushes import PushEnd
from hanota.dcc.reads import BROKERED_TYPES
from hanota.dcc.thresholds import Threshold
from hanota.dcc.tracking import Evidence, advance
from hanota.dcc.users import Users
from hanota.errors import RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import PUSH_DELAY_MS
from hanota.model import DeviceType, RequestID
from hanota.rows import (
    Delivery,
    Device,
    JournalEntry,
    Outgoing,
    ProductEntry,
    RequestRow,
    Untaken,
)
from hanota.serve.dcc_broker import AT_ONCE_MS, AccessControlBroker
from hanota.serve.dcc_gateway import Gateway
from hanota.serve.dcc_hubs import HubUpdate, HubUpdates
from hanota.serve.dcc_pushes import Pushes
from hanota.serve.dcc_quarantine import Quarantine
from hanota.serve.dcc_reading import ReadRequest, read_request
from hanota.serve.dcc_reception import Reception, read_arrivals
from hanota.serve.dcc_updates import FirmwareUpdates, supersede
from hanota.smki.directory import Directory, Signer
from hanota.smki.dsig import response_signer
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.services import WebService


class DccShell:
    """The DSP and its Access Control Broker, with one ledger.

    Args:
        ledger: the DCC's own.
        directory: the certificates of users, hubs and devices; what it caches is bounded.
        signer: has the key with which the DSP signs answers (role 89 of `acb_id`).
        acb_id: the EUI-64 of the Access Control Broker and the DSP.
        users: the roles of each Service User.
        signature_check: whether `answer` refuses what its originator has not signed.
        brokered_types: the device types whose 11.2 has the ACB as its originator.
        thresholds: beyond these, anomaly detection holds a request back.
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
        signature_check: bool = True,
        brokered_types: frozenset[DeviceType] = BROKERED_TYPES,
        thresholds: Iterable[Threshold] = (),
        push_delay_ms: int = PUSH_DELAY_MS,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._signature_check = signature_check
        document_signer = response_signer(acb_id, directory, signer)
        with ledger.view() as view:
            self._products = ProductList(view.products())
        self._broker = AccessControlBroker(
            directory,
            signer,
            document_signer,
            acb_id=acb_id,
            push_delay_ms=push_delay_ms,
            brokered_types=brokered_types,
        )
        self._reception = Reception(
            directory, document_signer, acb_id=acb_id, users=users, push_delay_ms=push_delay_ms
        )
        self._pushes = Pushes(ledger, document_signer, users=users)
        self._hubs = HubUpdates(directory, document_signer, acb_id=acb_id, users=users)
        self._gateway = Gateway(
            ledger,
            document_signer,
            self._broker,
            FirmwareUpdates(directory),
            Quarantine(document_signer, thresholds=tuple(thresholds), push_delay_ms=push_delay_ms),
            acb_id=acb_id,
            users=users,
        )

    def load_inventory(self, devices: Iterable[Device]) -> None:
        """Put these devices into the inventory, or replace what it says of them."""
        with self._ledger.batch() as batch:
            batch.put_devices(devices)

    def load_products(self, entries: Iterable[ProductEntry]) -> None:
        """Take this as the Central Products List from now on, after a restart too."""
        entries = list(entries)
        with self._ledger.batch() as batch:
            batch.replace_products(entries)
        self._products = ProductList(entries)

    def take_every_image(self) -> None:
        """For tests of clients only: take every well-formed image, until this shell is closed.

        The Central Products List learns an entry from each, and keeps what it has.
        """
        with self._ledger.view() as view:
            self._products = EveryImage(view.products())

    def answer(self, octets: bytes, now_ms: int, at: WebService | None = None) -> bytes:
        """One DUIS request in, one signed DUIS Response out.

        A request that comes again gets the answer that it got before. `at` is the web service at
        which it came in, None where there is only one way in. RemoteError(NOT_DUIS) where the
        octets are nothing that can be answered in DUIS.
        """
        read = read_request(
            octets, self._directory, now_ms, signature_check=self._signature_check, at=at
        )
        (answer,) = self.answer_read([read], now_ms)
        match answer:
            case RemoteError():
                raise answer
            case bytes():
                return answer

    def answer_read(self, reads: Sequence[ReadRequest], now_ms: int) -> list[bytes | RemoteError]:
        """Answer requests that `read_request` has read, in one transaction.

        They are answered in their order, as if each had come alone: two with one RequestID too,
        and what cannot be served does not keep the others from it. RemoteError(NOT_DUIS) in place
        of an answer that DUIS does not have.
        """
        return self._gateway.answer(reads, self._products, now_ms)

    def quarantined(self, limit: int, after: int = 0) -> list[RequestRow]:
        """At most `limit` requests that are held back, from behind the one of number `after`."""
        with self._ledger.view() as view:
            return view.quarantined(after=after, limit=limit)

    def release(self, request_id: RequestID, now_ms: int) -> ResponseCode:
        """Let a request go that is held back, as if it came now; the code that it is answered.

        The answer is pushed to its user, unless it is that the real one follows (I99). LocalError
        where no such request is held back.
        """
        return self._gateway.release(request_id, self._products, now_ms)

    def update_hubs(
        self,
        image_file: bytes,
        hub_ids: Iterable[int],
        now_ms: int,
        *,
        activate_at_ms: int | None = None,
    ) -> HubUpdate:
        """Begin an update of these hubs' own firmware, at once or at a time; who is left out.

        The envelopes leave by `outgoing_wan`. When a hub says that it runs another version, the
        inventory learns it, and the users with devices behind it are told (N64). RemoteError when
        the file is no OTA image with a trailer; LocalError when it may not be rolled out to hubs,
        for no hub or too many, and for a time that is past or too far ahead.
        """
        with self._ledger.batch() as batch:
            return self._hubs.begin(
                batch,
                image_file,
                hub_ids,
                activate_at_ms=activate_at_ms,
                products=self._products,
                now_ms=now_ms,
            )

    def receive_wan(self, arrivals: Iterable[tuple[int, bytes]], now_ms: int) -> None:
        """Record what hubs have sent, each as (hub, envelope); then it may be acknowledged.

        The link vouches for the hub, a message's own signature for everything else. No octets
        raise: what is malformed, forged or out of place is journalled as such.
        """
        arrived = read_arrivals(arrivals, now_ms)
        with self._ledger.batch() as batch:
            entries = self._reception.take(batch, arrived.reports, self._products, now_ms)
            batch.record(arrived.malformed + entries)
            # After that: an answer is about the deliveries as the reports have left them.
            answers = self._broker.take(batch, arrived.replies, self._products, now_ms)
            batch.record(answers)
            supersede(batch, entries + answers, now_ms)
            self._hubs.take(batch, arrived.of_hubs, self._products, now_ms)

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
        """Responses for users, oldest first, from behind `after`; each stays until `taken`.

        All of them may be sent at once: of what a user is told of one device only the first is
        among them, and the next one follows when that is `taken` or has ended.
        """
        return self._pushes.outgoing(now_ms, limit, after)

    def taken(self, numbers: Iterable[int]) -> None:
        """The receivers of these messages have them: they leave the outbox."""
        self._pushes.taken(numbers)

    def not_taken(self, push: Outgoing, answer: int | None, now_ms: int) -> int | PushEnd:
        """A user did not take this push: when it is tried again, or how it has ended.

        `answer` is the HTTP status with which the user's endpoint answered, None where it did not.
        The ledger keeps a push that has ended (`untaken`). An envelope for a hub never ends: it
        stays in the outbox until it is taken.
        """
        return self._pushes.not_taken(push, answer, now_ms)

    def waiting(self, user_id: int, limit: int, after: int = 0) -> list[Outgoing]:
        """At most `limit` pushes that wait for a user, due or not, from behind number `after`."""
        return self._pushes.waiting(user_id, limit, after)

    def untaken(self, limit: int, after: int = 0) -> list[Untaken]:
        """At most `limit` pushes that ended without being taken, from behind number `after`."""
        return self._pushes.untaken(limit, after)


def _tracking_ended(delivery: Delivery, now_ms: int) -> JournalEntry:
    ended = advance(delivery, Evidence.TRACKING_ENDED, now_ms).delivery
    return JournalEntry(
        now_ms, delivery.device_id, delivery.request, Evidence.TRACKING_ENDED, ended, b""
    )
