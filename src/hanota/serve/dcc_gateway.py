"""The user's side of the DCC's shell: read requests in, signed DUIS Responses out.

Many requests are decided in one transaction, one after the other. All that a request sets going is
recorded with its answer: the request, the image, a delivery a device, a command, and the envelopes
for the hubs. A RequestID is used up only by a request that is proved to be its owner's.

Not here: HTTP, reading (`dcc_reading`), what becomes of an image (`dcc_updates`) or of a request
that goes to a device (`dcc_broker`), and what anomaly detection holds back (`dcc_quarantine`).
"""

import logging
from collections.abc import Sequence

import msgspec

from hanota.dcc.commands import CommandState
from hanota.dcc.inventory import inventory_of
from hanota.dcc.products import ProductList
from hanota.dcc.services import Refusal, authorise
from hanota.dcc.thresholds import Threshold
from hanota.dcc.transform import gbcs_version
from hanota.dcc.users import Users
from hanota.errors import LocalError, RemoteError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import INVENTORY_DEVICES_MAX
from hanota.model import RequestID
from hanota.rows import Command, JournalEntry, RequestRow
from hanota.serve.dcc_broker import AccessControlBroker
from hanota.serve.dcc_quarantine import Quarantine
from hanota.serve.dcc_reading import ReadRequest
from hanota.serve.dcc_updates import FirmwareUpdates, Update
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.messages import encode_response, with_signature_of
from hanota.wire.duis.signature import DocumentSigner
from hanota.wire.duis.values import (
    ActivateFirmware,
    PreCommand,
    ReadFirmwareVersion,
    ReadInventory,
    Request,
    RequestHeader,
    Response,
    ResponseContent,
    ResponseMessage,
    SignedPreCommand,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)

_log = logging.getLogger(__name__)

# Those of one critical command, which share its RequestID.
_OF_ONE_COMMAND = frozenset({4, 5})
_REUSED = RemoteError(ResponseCode.E48, "the RequestID was used for another request")


class Gateway:
    """Answers requests on a ledger; the arguments are those of `serve.dcc.DccShell`.

    `signer` is the DSP's, for answers.
    """

    def __init__(
        self,
        ledger: Ledger,
        signer: DocumentSigner,
        broker: AccessControlBroker,
        updates: FirmwareUpdates,
        quarantine: Quarantine,
        *,
        acb_id: int,
        users: Users,
    ) -> None:
        self._ledger = ledger
        self._signer = signer
        self._broker = broker
        self._updates = updates
        self._quarantine = quarantine
        self._acb_id = acb_id
        self._users = users

    def answer(
        self, reads: Sequence[ReadRequest], products: ProductList, now_ms: int
    ) -> list[bytes | RemoteError]:
        """Answer requests in one transaction as `DccShell.answer_read` says."""
        with self._ledger.batch() as batch:
            return [self._answer(batch, read, products, now_ms) for read in reads]

    def release(self, request_id: RequestID, products: ProductList, now_ms: int) -> ResponseCode:
        """Let a request go that is held back, as `DccShell.release` says."""
        with self._ledger.batch() as batch:
            row, request = self._quarantine.held(batch, request_id)
            answer = self._decide(batch, request, products, now_ms)
            dated = _dated(row, answer, now_ms)
            self._quarantine.let_go(batch, dated)
            batch.record([_entry_of_request(row.number, f"released:{answer.code}", now_ms)])
            self._set_going(batch, dated, answer)
            # I99 says that the real answer follows, and the user has had one of those.
            if answer.code is not ResponseCode.I99:
                self._quarantine.tell(batch, _response(request, answer, now_ms), request, now_ms)
        _log.info("%s is let go: %s %s", request_id, answer.code, answer.sentence)
        return answer.code

    def _answer(
        self, batch: Batch, read: ReadRequest, products: ProductList, now_ms: int
    ) -> bytes | RemoteError:
        match read.request:
            case Request() as request:
                try:
                    with batch.part():
                        return self._serve(batch, request, read.digest, products, now_ms)
                except LocalError as error:
                    # The others of the batch must not suffer, nor the user wait for nothing.
                    _log.exception("%s could not be served", request.request_id)
                    return self._refuse(request, RemoteError(ResponseCode.E100, str(error)), now_ms)
            case RemoteError() as fault if read.header is not None:
                said = self._said_before(batch, read.header, read.digest, fault)
                return said or self._refuse(read.header, fault, now_ms)
            case fault:
                return fault

    def _said_before(
        self, batch: Batch, header: RequestHeader, digest: bytes, fault: RemoteError
    ) -> bytes | None:
        """The answer to the very octets that are no longer believed, if they once were.

        Whoever repeats a request until it hears the answer may outlive the certificate that signed
        it; a refusal would then contradict what the request has set going.
        """
        if fault.code is not ResponseCode.E48 or header.request_id is None:
            return None
        for row in batch.requests_under(header.request_id):
            if row.digest == digest and row.answer is not None:
                return self._given_again(batch, row.number, row.answer)
        return None

    def _refuse(
        self, asked: RequestHeader | Request, fault: RemoteError, now_ms: int
    ) -> bytes | RemoteError:
        """Answer without using the RequestID up; the stored answer, if any, stays.

        Otherwise whoever knows a RequestID could spoil it for the user whose it is.
        """
        match fault.code:
            case ResponseCode() as code:
                _log.info("%s is refused with %s: %s", asked.request_id, code, fault.reason)
                return self._signed(_response(asked, _Answer(code), now_ms))
            case _:
                return fault

    def _signed(self, response: Response) -> bytes:
        return encode_response(response, self._signer)

    def _serve(
        self, batch: Batch, request: Request, digest: bytes, products: ProductList, now_ms: int
    ) -> bytes | RemoteError:
        used = _use_of(request, batch)
        if used is not None:
            if _is_repeat(used, request, digest) and used.answer is not None:
                return self._given_again(batch, used.number, used.answer)
            batch.record([_entry_of_request(used.number, "request-id:reused", now_ms)])
            return self._refuse(request, _REUSED, now_ms)
        breached = self._breached(batch, request, now_ms)
        answer = _HELD if breached else self._decide(batch, request, products, now_ms)
        _log.info("%s: %s %s", request.request_id, answer.code, answer.sentence)
        octets = self._signed(_response(request, answer, now_ms))
        new = RequestRow(
            number=0,
            request_id=request.request_id,
            command_variant=request.command_variant,
            service_reference=request.service_reference,
            digest=digest,
            image_hash=None,
            version=None,
            at_ms=now_ms,
            answer=octets,
        )
        row = batch.put_request(_dated(new, answer, now_ms))
        batch.record([_entry_of_request(row.number, f"answer:{answer.code}", now_ms)])
        self._set_going(batch, row, answer)
        if breached is not None:
            self._quarantine.hold(batch, row, request, breached)
        return octets

    def _given_again(self, batch: Batch, number: int, answer: bytes) -> bytes:
        """The stored answer of a request, which says what it said.

        Where the DCC has had a new certificate since, it is signed anew and stored so: the old one
        may have expired, and its owner would be believed no more.
        """
        renewed = with_signature_of(self._signer, answer)
        if renewed is not answer:
            batch.set_answer(number, renewed)
        return renewed

    def _set_going(self, batch: Batch, row: RequestRow, answer: "_Answer") -> None:
        if answer.update is not None:
            self._updates.begin(batch, row, answer.update)
        if answer.command is not None:
            number = answer.command.request or row.number
            self._broker.begin(batch, msgspec.structs.replace(answer.command, request=number))

    def _refusal(self, request: Request) -> Refusal | None:
        return authorise(request, self._users, self._acb_id)

    def _breached(self, batch: Batch, request: Request, now_ms: int) -> Threshold | None:
        if self._refusal(request) is not None:
            return None
        return self._quarantine.breached(batch, request, now_ms)

    def _decide(
        self, batch: Batch, request: Request, products: ProductList, now_ms: int
    ) -> "_Answer":
        refused = self._refusal(request)
        if refused is not None:
            return _Answer(refused.code, refused.sentence)
        match request.body:
            case UpdateFirmware() | UpdatePPMIDFirmware() as body:
                return _of_update(self._updates.decide(batch, request, body, products, now_ms))
            case ReadInventory(device_id=device_id):
                return _read_inventory(batch, device_id, products)
            case ActivateFirmware() | SignedPreCommand() | ReadFirmwareVersion() as body:
                decided = self._broker.decide(batch, request.request_id, body, now_ms)
                return _of_command(batch, decided)
            case _:
                return _Answer(ResponseCode.E12, "the body is not that of the service")


class _Answer(msgspec.Struct, frozen=True):
    """What a request is answered, and the update or command that it asked for."""

    code: ResponseCode
    sentence: str = ""  # why it is refused, for the log
    content: ResponseContent | None = None
    update: Update | None = None
    command: Command | None = None


_HELD = _Answer(ResponseCode.I99, "held back, because it breaches a threshold")


def _of_update(decided: Update | Refusal) -> _Answer:
    match decided:
        case Refusal(code, sentence):
            return _Answer(code, sentence)
        case Update(code, sentence, warning):
            return _Answer(code, sentence, warning, update=decided)


def _of_command(batch: Batch, decided: Command | Refusal) -> _Answer:
    match decided:
        case Refusal(code, sentence):
            return _Answer(code, sentence)
        case Command(state=CommandState.TRANSFORMED, device_id=device_id, gbcs=pre_command):
            device = batch.devices([device_id])[device_id]
            content = PreCommand(gbcs_version(device), pre_command)
            return _Answer(ResponseCode.I0, content=content, command=decided)
        case _:
            return _Answer(ResponseCode.I99, command=decided)


def _read_inventory(batch: Batch, device_id: int, products: ProductList) -> _Answer:
    device = batch.devices([device_id]).get(device_id)
    if device is None:
        return _Answer(ResponseCode.E19, "the inventory has no such device")
    home = batch.devices_behind([device.hub_id])[device.hub_id]
    if len(home) > INVENTORY_DEVICES_MAX:
        return _Answer(ResponseCode.E100, f"the home has {len(home)} devices, too many to list")
    return _Answer(ResponseCode.I0, content=inventory_of(home, products))


def _response(asked: RequestHeader | Request, answer: _Answer, now_ms: int) -> Response:
    return Response(
        request_id=asked.request_id,
        response_code=answer.code,
        response_date_time_ms=now_ms,
        body=ResponseMessage(
            asked.service_reference, asked.service_reference_variant, answer.content
        ),
    )


def _dated(row: RequestRow, answer: _Answer, now_ms: int) -> RequestRow:
    """The request as it is decided now, with the image that it is about."""
    update = answer.update
    if update is None:
        return msgspec.structs.replace(row, at_ms=now_ms)
    return msgspec.structs.replace(
        row, at_ms=now_ms, image_hash=update.sha256, version=update.version
    )


def _use_of(request: Request, batch: Batch) -> RequestRow | None:
    """The request that has used this one's RequestID, that of the same command variant first."""
    variant = request.command_variant
    shared = _OF_ONE_COMMAND if variant in _OF_ONE_COMMAND else frozenset()
    used = {row.command_variant: row for row in batch.requests_under(request.request_id)}
    others = (row for other, row in used.items() if other not in shared)
    return used.get(variant) or next(others, None)


def _is_repeat(used: RequestRow, request: Request, digest: bytes) -> bool:
    return used.command_variant == request.command_variant and used.digest == digest


def _entry_of_request(number: int, event: str, at_ms: int) -> JournalEntry:
    return JournalEntry(at_ms, 0, number, event, None, b"")
