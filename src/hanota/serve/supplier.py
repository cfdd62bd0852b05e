"""The supplier's shell: its rules, its ledger and its DUIS messages, one transaction a batch.

No clock, no socket: time comes in as an argument, and whoever joins this to a DCC carries the
octets. What is sent stands in the outbox before it is sent, what is received is recorded before
it is acknowledged, and a message that comes twice is recognised.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import DAY_MS, SILENCE_DEADLINE_DAYS
from hanota.model import Milestone, RequestID, eui_text, version_text
from hanota.rows import Delivery, Device, JournalEntry, MessageKey, Outgoing, RequestRow
from hanota.smki.directory import Directory, Signer
from hanota.smki.dsig import sign_request, signer_of_response
from hanota.supplier import left_out
from hanota.supplier.answers import Observation, may_be_unsigned, observe, read_answer
from hanota.supplier.requests import update_ppmid_firmware
from hanota.supplier.tracking import SAYS_WHAT_RUNS, Evidence, advance
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import decode_request, decode_response, open_document
from hanota.wire.duis.values import Request, Response, UpdatePPMIDFirmware
from hanota.wire.image import decode_image

_REQUEST_COUNTER = "request-id"
# In place of a CRA flag: a DUIS alert has no counter, it is told from others by its digest.
_DUIS = 0
_PAGE = 5_000


class SupplierShell:
    """One Service User with its ledger."""

    def __init__(
        self, ledger: Ledger, directory: Directory, signer: Signer, *, user_id: int, dcc_id: int
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._signer = signer
        self._user_id = user_id
        self._dcc_id = dcc_id

    def load_estate(self, devices: Iterable[Device]) -> None:
        """Take these devices into the estate, or replace what it says of them."""
        with self._ledger.batch() as batch:
            batch.put_devices(list(devices))

    def update_ppmid_firmware(
        self, image_file: bytes, device_ids: Sequence[int], now_ms: int
    ) -> RequestRow:
        """Make, sign and record one 11.4 under the next RequestID; it leaves by `outgoing`.

        RemoteError when the file is no OTA image; LocalError for no device, too many, or one
        that still has an update under way.
        """
        with self._ledger.batch() as batch:
            counter = batch.next_counter(_REQUEST_COUNTER)
            request_id = RequestID(self._user_id, self._dcc_id, counter)
            return self._record(
                batch, update_ppmid_firmware(request_id, image_file, device_ids), now_ms
            )

    def send(self, request: Request, now_ms: int) -> RequestRow:
        """Sign and record an 11.4 that somebody else wrote, under the RequestID that it names.

        LocalError when it is no 11.4, not this user's, or its RequestID is used.
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

        RemoteError when the answer is no DUIS, not signed by the DCC though it accepts, or of
        another request: the message stays in the outbox.
        """
        response = self._open(octets, now_ms)
        asked = decode_request(open_document(sent.body))
        if response.request_id not in (None, asked.request_id):
            raise RemoteError(ResponseCode.E100, "the DCC answered another request than was sent")
        with self._ledger.batch() as batch:
            row = batch.request(asked.request_id, asked.command_variant)
            if row is None:
                raise LocalError(f"the ledger has no request {asked.request_id}")
            batch.set_answer(row.number, octets)
            code = response.response_code
            batch.record([JournalEntry(now_ms, 0, row.number, f"answer:{code}", None, octets)])
            for page in _pages(batch, row.number):
                self._record_answer(batch, page, response, now_ms)
            batch.settle([sent.number])

    def receive(self, pushed: Sequence[bytes], now_ms: int) -> list[RemoteError | None]:
        """Record what the DCC pushed, in one transaction; None for each that was accepted.

        A RemoteError in its place says why one was refused: no DUIS, or not signed by the DCC. A
        message that came before is accepted again and counts once.
        """
        results: list[RemoteError | None] = []
        genuine: list[tuple[bytes, Observation]] = []
        for octets in pushed:
            try:
                observation = observe(self._open(octets, now_ms))
            except RemoteError as fault:
                results.append(fault)
                continue
            results.append(None)
            if observation is not None:
                genuine.append((octets, observation))
        with self._ledger.batch() as batch:
            self._record_observations(batch, genuine, now_ms)
        return results

    def scan_due(self, now_ms: int, limit: int) -> int:
        """Give up what has been silent past its deadline; how many devices that were."""
        with self._ledger.batch() as batch:
            due = batch.due(now_ms, limit)
            batch.record(
                _entry(delivery, Evidence.DEADLINE_PASSED, now_ms=now_ms) for delivery in due
            )
            return len(due)

    def _record(self, batch: Batch, request: Request, now_ms: int) -> RequestRow:
        body = request.body
        if not isinstance(body, UpdatePPMIDFirmware):
            raise LocalError(f"a request for {request.service_reference} is not an 11.4")
        octets = sign_request(request, self._directory, self._signer)
        header = decode_image(body.firmware_image, signed=False).header
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
            JournalEntry(row.at_ms, device_id, row.number, "requested", delivery, b"")
            for device_id in device_ids
            for delivery in (_requested(device_id, estate.get(device_id), row, version),)
        )

    def _open(self, octets: bytes, now_ms: int) -> Response:
        document = open_document(octets)
        certificate = signer_of_response(document, self._dcc_id, self._directory, now_ms)
        response = decode_response(document)
        if certificate is None and not may_be_unsigned(response):
            raise RemoteError(ResponseCode.E48, "the DCC's message is not signed")
        return response

    def _record_answer(
        self, batch: Batch, page: Sequence[Delivery], response: Response, now_ms: int
    ) -> None:
        answer = read_answer(response, [delivery.device_id for delivery in page])
        estate = batch.devices(answer.listed)
        hubs = batch.devices({device.hub_id for device in estate.values()})
        reasons = dict.fromkeys(answer.refused, answer.code) | {
            device_id: left_out.reason_of(listed, estate.get(device_id), hubs, self._user_id)
            for device_id, listed in answer.listed.items()
        }
        batch.record(
            _entry(delivery, Evidence.REQUEST_REFUSED, now_ms=now_ms, reason=reason)
            if (reason := reasons.get(delivery.device_id))
            else _entry(delivery, Evidence.REQUEST_ACCEPTED, now_ms=now_ms)
            for delivery in page
        )

    def _record_observations(
        self, batch: Batch, genuine: Sequence[tuple[bytes, Observation]], now_ms: int
    ) -> None:
        unseen = batch.unseen([self._key(octets, seen) for octets, seen in genuine])
        new = [one for one, first in zip(genuine, unseen, strict=True) if first]
        device_ids = {observation.device_id for _, observation in new}
        deliveries = batch.last_deliveries(device_ids)
        devices = batch.devices(device_ids)
        requests = batch.requests({delivery.request for delivery in deliveries.values()})
        entries = []
        for octets, observation in new:
            delivery = deliveries.get(observation.device_id)
            about = delivery is not None and _is_about(
                observation, delivery, requests[delivery.request]
            )
            entry = _observed(observation, delivery if about else None, octets, now_ms)
            if entry.delivery is not None:
                deliveries[observation.device_id] = entry.delivery
            if observation.evidence in SAYS_WHAT_RUNS and observation.device_id in devices:
                devices[observation.device_id] = msgspec.structs.replace(
                    devices[observation.device_id], firmware_version=observation.firmware_version
                )
            entries.append(entry)
        batch.record(entries)
        batch.put_devices(devices.values())

    def _key(self, octets: bytes, observation: Observation) -> MessageKey:
        digest = hashlib.sha256(octets).digest()
        return MessageKey(
            observation.device_id, self._user_id, _DUIS, int.from_bytes(digest[:8], "big")
        )


def _pages(batch: Batch, request: int) -> Iterator[list[Delivery]]:
    after = 0
    while page := batch.deliveries(request, after=after, limit=_PAGE):
        yield page
        after = page[-1].device_id


def _requested(device_id: int, device: Device | None, row: RequestRow, version: int) -> Delivery:
    return Delivery(
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


def _entry(
    delivery: Delivery, evidence: Evidence, *, now_ms: int, reason: str = "", message: bytes = b""
) -> JournalEntry:
    advanced = advance(delivery, evidence, now_ms, reason=reason)
    event = evidence if advanced is not None else f"late:{evidence}"
    return JournalEntry(now_ms, delivery.device_id, delivery.request, event, advanced, message)


def _observed(
    observation: Observation, delivery: Delivery | None, octets: bytes, now_ms: int
) -> JournalEntry:
    if delivery is None:
        event = f"unattributed:{observation.evidence}"
        return JournalEntry(now_ms, observation.device_id, 0, event, None, octets)
    return _entry(delivery, observation.evidence, now_ms=now_ms, message=octets)


def _is_about(observation: Observation, delivery: Delivery, request: RequestRow) -> bool:
    if observation.request_id is not None:
        return observation.request_id == request.request_id
    # A PPMID that failed to activate names the version that it still runs.
    failed = observation.evidence is Evidence.ACTIVATION_FAILURE
    return failed or observation.firmware_version == version_text(delivery.version)
