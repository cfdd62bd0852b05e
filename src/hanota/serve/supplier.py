"""The supplier's shell: its rules, its ledger and its DUIS messages, one transaction a batch.

No clock, no socket: time comes in as an argument, and whoever joins this to a DCC carries the
octets. What is sent stands in the outbox before it is sent, what is received is recorded before
it is acknowledged, and a message that comes twice is recognised.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from hanota.errors import LocalError, RemoteError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import DAY_MS, SILENCE_DEADLINE_DAYS
from hanota.model import Milestone, RequestID, eui_text
from hanota.rows import Delivery, Device, JournalEntry, MessageKey, Outgoing, RequestRow
from hanota.serve import supplier_answers, supplier_hubs
from hanota.serve.campaign_following import follow_deliveries
from hanota.serve.supplier_commands import DeviceCommands, Heard
from hanota.smki.directory import Directory, Signer
from hanota.smki.dsig import sign_request, signer_of_response
from hanota.supplier.answers import (
    Observation,
    is_answer_to,
    may_be_unsigned,
    observe,
)
from hanota.supplier.hub_firmware import HubActivation, read_activation, read_inventory
from hanota.supplier.read_back import next_step, tried_so_far
from hanota.supplier.reception import learned, settle, step
from hanota.supplier.requests import (
    NON_DEVICE_COMMAND_VARIANT,
    update_firmware,
    update_ppmid_firmware,
)
from hanota.supplier.tracking import Evidence
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import decode_request, decode_response, open_document
from hanota.wire.duis.document import Document
from hanota.wire.duis.signature import read_signature
from hanota.wire.duis.values import (
    CANCELLATION_MS,
    ReadInventory,
    Request,
    Response,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)
from hanota.wire.image import decode_image

_REQUEST_COUNTER = "request-id"
# In place of a CRA flag: a DUIS alert has no counter, it is told from others by its digest.
_DUIS = 0
# The journal's word for what the DCC said that is about no update.
_NO_EVIDENCE = "no-evidence"
# Entries of a device's journal that are read to count its read-backs.
_TIMELINE = 100


class SupplierShell:
    """One Service User with its ledger.

    What asks for something may be made part of a batch that the caller has open: `within`.
    """

    def __init__(
        self, ledger: Ledger, directory: Directory, signer: Signer, *, user_id: int, dcc_id: int
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._signer = signer
        self._user_id = user_id
        self._dcc_id = dcc_id
        self._commands = DeviceCommands(directory, signer, user_id=user_id, dcc_id=dcc_id)
        ledger.follow(follow_deliveries)

    def load_estate(self, devices: Iterable[Device]) -> None:
        """Take these devices into the estate, or replace what it says of them."""
        with self._ledger.batch() as batch:
            batch.put_devices(list(devices))

    def update_ppmid_firmware(
        self,
        image_file: bytes,
        device_ids: Sequence[int],
        now_ms: int,
        *,
        within: Batch | None = None,
    ) -> RequestRow:
        """Make, sign and record one 11.4 under the next RequestID; it leaves by `outgoing`.

        RemoteError when the file is no OTA image; LocalError for no device, too many, or one
        that still has an update under way.
        """
        with self._batch(within) as batch:
            request = update_ppmid_firmware(self._next_id(batch), image_file, device_ids)
            return self._record(batch, request, now_ms)

    def update_firmware(
        self,
        image_file: bytes,
        device_ids: Sequence[int],
        now_ms: int,
        *,
        within: Batch | None = None,
    ) -> RequestRow:
        """Make, sign and record one 11.1, for ESMEs, GSMEs and HCALCSs, as for 11.4.

        The file ends with this supplier's signature over its Manufacturer Image.
        """
        with self._batch(within) as batch:
            request = update_firmware(self._next_id(batch), image_file, device_ids)
            return self._record(batch, request, now_ms)

    def activate_firmware(
        self,
        device_ids: Sequence[int],
        firmware_hash: bytes,
        execution_date_time_ms: int | None,
        now_ms: int,
        *,
        within: Batch | None = None,
    ) -> list[RequestRow]:
        """Ask for one 11.3 a device: each is signed when its Pre-Command says what was asked.

        `firmware_hash` is that of the Manufacturer Image. Without an execution time the devices
        activate at once. LocalError for a hash or time that is none, or a time that is past.
        """
        if execution_date_time_ms is not None and execution_date_time_ms <= now_ms:
            raise LocalError("the execution time is past: give a later one, or none for at once")
        with self._batch(within) as batch:
            request_ids = self._device_ids(batch, device_ids, now_ms)
            return self._commands.activate(
                batch, request_ids, firmware_hash, execution_date_time_ms, now_ms
            )

    def cancel_activation(
        self,
        device_ids: Sequence[int],
        firmware_hash: bytes,
        now_ms: int,
        *,
        within: Batch | None = None,
    ) -> list[RequestRow]:
        """Cancel what these devices wait to activate: one 11.3 a device, of the year 3000."""
        return self.activate_firmware(
            device_ids, firmware_hash, CANCELLATION_MS, now_ms, within=within
        )

    def read_firmware_version(
        self,
        device_ids: Sequence[int],
        now_ms: int,
        *,
        execution_date_time_ms: int | None = None,
        within: Batch | None = None,
    ) -> list[RequestRow]:
        """Ask each of these devices which version it runs, now or at a time: one 11.2 a device."""
        with self._batch(within) as batch:
            request_ids = self._device_ids(batch, device_ids, now_ms)
            return self._commands.read_versions(batch, request_ids, execution_date_time_ms, now_ms)

    def send(self, request: Request, now_ms: int) -> RequestRow:
        """Sign and record an 11.1 or 11.4 that somebody else wrote, under its own RequestID.

        LocalError when it is neither, not this user's, or its RequestID is used.
        """
        if request.request_id.originator != self._user_id:
            raise LocalError(
                f"the request is of {eui_text(request.request_id.originator)}, and this supplier "
                f"is {eui_text(self._user_id)}"
            )
        with self._ledger.batch() as batch:
            if batch.request(request.request_id, request.command_variant) is not None:
                raise LocalError(f"the RequestID {request.request_id} is used")
            return self._record(batch, request, now_ms)

    def outgoing(self, now_ms: int, limit: int) -> list[Outgoing]:
        """What the DCC is to be sent by now, oldest first."""
        with self._ledger.view() as view:
            return view.outbox(now_ms, limit)

    def answered(self, sent: Outgoing, octets: bytes, now_ms: int) -> None:
        """Record the DCC's answer to a message of the outbox, which then leaves it.

        RemoteError when the answer is no DUIS, not signed by the DCC though it grants something,
        or of another request: the message stays in the outbox. A second answer changes nothing.
        """
        response = self._open(open_document(octets), now_ms, is_answer=True)
        asked = decode_request(open_document(sent.body))
        if not is_answer_to(response, asked):
            raise RemoteError(ResponseCode.E100, "the DCC answered another request than was sent")
        with self._ledger.batch() as batch:
            row = batch.request(asked.request_id, asked.command_variant)
            if row is None:
                raise LocalError(f"the ledger has no request {asked.request_id}")
            if row.answer is None:
                batch.set_answer(row.number, octets)
                supplier_answers.take(batch, row, response, octets, now_ms)
                if row.version is None:
                    self._read_answer(batch, asked, row, response, now_ms)
            batch.settle([sent.number])

    def receive(self, pushed: Sequence[bytes], now_ms: int) -> list[RemoteError | None]:
        """Record what the DCC pushed, in one transaction; None for each that was accepted.

        A RemoteError in its place says why one was refused: no DUIS, or not signed by the DCC. A
        message that came before is accepted again and counts once.
        """
        results: list[RemoteError | None] = []
        pushes: list[_Push] = []
        for octets in pushed:
            try:
                document = open_document(octets)
                response = self._open(document, now_ms, is_answer=False)
            except RemoteError as fault:
                results.append(fault)
            else:
                results.append(None)
                pushes.append(self._read(document, response, octets, now_ms))
        with self._ledger.batch() as batch:
            self._record_pushes(batch, pushes, now_ms)
        return results

    def scan_due(self, now_ms: int, limit: int) -> int:
        """Answer the silence of devices past their deadlines; how many devices that were.

        Each is asked which version it runs (11.2), READ_BACK_TRIES times, and only then given up.
        """
        with self._ledger.batch() as batch:
            due = batch.due(now_ms, limit)
            asked: list[int] = []
            for delivery in due:
                timeline = batch.timeline(delivery.device_id, _TIMELINE)
                after = next_step(tried_so_far(timeline, delivery), now_ms)
                batch.record([step(delivery, after.evidence, now_ms, due_ms=after.due_ms)])
                if after.evidence is Evidence.READ_BACK_REQUESTED:
                    asked.append(delivery.device_id)
            request_ids = self._device_ids(batch, asked, now_ms)
            self._commands.read_versions(batch, request_ids, None, now_ms)
            return len(due)

    @contextmanager
    def _batch(self, within: Batch | None) -> Iterator[Batch]:
        if within is not None:
            yield within
        else:
            with self._ledger.batch() as batch:
                yield batch

    def _record(self, batch: Batch, request: Request, now_ms: int) -> RequestRow:
        body = _update_of(request)
        octets = sign_request(request, self._directory, self._signer)
        header = decode_image(body.firmware_image, signed=_IS_SIGNED[type(body)]).header
        image_hash = hashlib.sha256(body.firmware_image).digest()
        batch.put_image(image_hash, body.firmware_image)
        row = batch.put_request(
            RequestRow(
                number=0,
                request_id=request.request_id,
                command_variant=request.command_variant,
                service_reference=request.service_reference,
                digest=hashlib.sha256(octets).digest(),
                image_hash=image_hash,
                version=header.file_version,
                at_ms=now_ms,
                answer=None,
            )
        )
        self._begin(batch, row, tuple(dict.fromkeys(body.device_id_list)), header.file_version)
        batch.post([Outgoing(0, self._dcc_id, octets, now_ms, 0)])
        return row

    def _begin(
        self, batch: Batch, row: RequestRow, device_ids: tuple[int, ...], version: int
    ) -> None:
        busy = batch.live_deliveries(device_ids)
        if busy:
            raise LocalError(
                f"{len(busy)} of the devices still have an update under way, "
                f"{eui_text(next(iter(busy)))} among them: wait for its outcome"
            )
        estate = batch.devices(device_ids)
        batch.record(
            _requested(device_id, estate.get(device_id), row, version) for device_id in device_ids
        )

    def _next_id(self, batch: Batch) -> RequestID:
        """The next RequestID that no request of somebody else's making has used."""
        while True:
            counter = batch.next_counter(_REQUEST_COUNTER)
            request_id = RequestID(self._user_id, self._dcc_id, counter)
            if batch.request(request_id, NON_DEVICE_COMMAND_VARIANT) is None:
                return request_id

    def _device_ids(self, batch: Batch, device_ids: Sequence[int], now_ms: int) -> list[RequestID]:
        """RequestIDs for these devices; their counters are GBCS counters as well.

        A device takes none below the last, so they begin at the time: a ledger that was lost does
        not silence a supplier.
        """
        unique = tuple(dict.fromkeys(device_ids))
        if not unique:
            return []
        first = batch.next_counter(_REQUEST_COUNTER, at_least=now_ms, count=len(unique))
        return [
            RequestID(self._user_id, device_id, counter)
            for counter, device_id in enumerate(unique, first)
        ]

    def _read(self, document: Document, response: Response, octets: bytes, now_ms: int) -> "_Push":
        """What a push says; a device's message that is malformed is kept as such."""
        said = (response, observe(response), read_activation(response))
        try:
            heard, fault = self._commands.hear(response, octets, now_ms), ""
        except RemoteError as malformed:
            heard, fault = None, f"{type(malformed.code).__name__}:{malformed.code.value}"
        digest = b"" if heard is not None else _digest(document)
        return _Push(octets, digest, *said, heard, fault)

    def _open(self, document: Document, now_ms: int, *, is_answer: bool) -> Response:
        certificate = signer_of_response(document, self._dcc_id, self._directory, now_ms)
        response = decode_response(document)
        if certificate is None and not (is_answer and may_be_unsigned(response)):
            raise RemoteError(ResponseCode.E48, "the DCC's message is not signed")
        return response

    def _read_answer(
        self, batch: Batch, asked: Request, row: RequestRow, response: Response, now_ms: int
    ) -> None:
        """What the answer to a request that distributes no image sets going."""
        match asked.body:
            case ReadInventory() as body:
                supplier_hubs.learn(batch, body, row, response, now_ms)
            case _:
                self._commands.answered(batch, asked, row, response, now_ms)

    def _record_pushes(self, batch: Batch, pushes: Sequence["_Push"], now_ms: int) -> None:
        self._commands.record(
            batch, [push.heard for push in pushes if push.heard is not None], now_ms
        )
        others = [push for push in pushes if push.heard is None]
        unseen = batch.unseen(map(self._key, others))
        new = [push for push, first in zip(others, unseen, strict=True) if first]
        for push in new:
            if push.observation is None and push.activation is None:
                self._record_answer(batch, push, now_ms)
        self._record_activations(batch, new, now_ms)
        alerts = [(push.octets, push.observation) for push in new if push.observation is not None]
        self._record_alerts(batch, alerts, now_ms)

    def _record_answer(self, batch: Batch, push: "_Push", now_ms: int) -> None:
        """Take in a push that is no alert: the answer to a request that was held back, or nothing.

        The RequestID of another user's request is not one of this ledger.
        """
        request_id = push.response.request_id
        row = None
        if request_id is not None and not push.fault:
            row = batch.request(request_id, NON_DEVICE_COMMAND_VARIANT)
        if row is not None and supplier_answers.is_of_update(push.response, row):
            supplier_answers.take(batch, row, push.response, push.octets, now_ms, pushed=True)
        else:
            event = push.fault or _NO_EVIDENCE
            batch.record([JournalEntry(now_ms, 0, 0, event, None, push.octets)])

    def _record_activations(self, batch: Batch, new: Sequence["_Push"], now_ms: int) -> None:
        """Take in which firmware hubs run, and ask the DCC what they can do with it."""
        told = [(push.octets, push.activation) for push in new if push.activation is not None]
        for hub_id in supplier_hubs.take(batch, told, now_ms):
            self._commands.post(batch, read_inventory(self._next_id(batch), hub_id), now_ms)

    def _record_alerts(
        self, batch: Batch, alerts: Sequence[tuple[bytes, Observation]], now_ms: int
    ) -> None:
        device_ids = {observation.device_id for _, observation in alerts}
        deliveries = batch.last_deliveries(device_ids)
        requests = batch.requests({delivery.request for delivery in deliveries.values()})
        known = batch.devices(device_ids)
        estate = dict(known)
        entries = []
        for octets, observation in alerts:
            device_id = observation.device_id
            delivery = deliveries.get(device_id)
            tracked = None if delivery is None else (delivery, requests[delivery.request])
            entry = settle(observation, tracked, octets, now_ms)
            if entry.delivery is not None:
                deliveries[device_id] = entry.delivery
            if device_id in estate:
                estate[device_id] = learned(observation, estate[device_id])
            entries.append(entry)
        batch.record(entries)
        moved = (entry.delivery for entry in entries if entry.delivery is not None)
        supplier_answers.supersede(batch, moved, now_ms)
        batch.put_devices(
            device for device_id, device in estate.items() if device is not known[device_id]
        )

    def _key(self, push: "_Push") -> MessageKey:
        said = push.observation or push.activation
        about = self._dcc_id if said is None else said.device_id
        return MessageKey(about, self._user_id, _DUIS, int.from_bytes(push.digest[:8], "big"))


class _Push(NamedTuple):
    """One message that the DCC pushed and signed."""

    octets: bytes
    digest: bytes  # of what it says; empty where a device speaks, whose message has its own key
    response: Response
    observation: Observation | None  # what the DCC says of an update; None where nothing
    activation: HubActivation | None  # what it says of a hub's own firmware
    heard: Heard | None  # what a device says in it
    fault: str  # the journal's word for a device's message that is malformed


_Update = UpdateFirmware | UpdatePPMIDFirmware
_IS_SIGNED: dict[type[_Update], bool] = {UpdateFirmware: True, UpdatePPMIDFirmware: False}


def _digest(document: Document) -> bytes:
    """The same for a message that comes again, though the DCC has signed it anew meanwhile.

    SignedInfo holds a digest of all that the message says, and nothing of who signed it.
    """
    signature = read_signature(document)
    if signature is None:
        raise LocalError("a push that is not signed was let through")
    return hashlib.sha256(signature.signed_info).digest()


def _update_of(request: Request) -> _Update:
    match request.body:
        case UpdateFirmware() | UpdatePPMIDFirmware() as body:
            return body
        case _:
            raise LocalError(
                f"a request for {request.service_reference} is neither an 11.1 nor an 11.4"
            )


def _requested(
    device_id: int, device: Device | None, row: RequestRow, version: int
) -> JournalEntry:
    delivery = Delivery(
        device_id=device_id,
        request=row.number,
        hub_id=0 if device is None else device.hub_id,
        version=version,
        state=Milestone.REQUESTED,
        reason="",
        live=True,
        due_ms=row.at_ms + SILENCE_DEADLINE_DAYS * DAY_MS,
        changed_ms=row.at_ms,
    )
    return JournalEntry(row.at_ms, device_id, row.number, delivery.state, delivery, b"")
