"""The user's side of the DCC's shell: one DUIS request in, one signed DUIS Response out.

All that a request sets going is recorded in one transaction with its answer: the request, the
image, a delivery a device, a command, and the envelopes for the hubs. A RequestID is used up only
by a request that is proved to be its owner's.

Not here: HTTP, and what becomes of a request that goes to a device (`dcc_broker`).
"""

import logging
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from hanota.dcc.commands import CommandState
from hanota.dcc.distribution import distribute
from hanota.dcc.inventory import inventory_of
from hanota.dcc.products import ProductList
from hanota.dcc.services import Refusal, authorise
from hanota.dcc.tracking import accepted
from hanota.dcc.transform import GBCS_VERSION
from hanota.dcc.update_firmware import (
    UPDATE_SERVICES,
    Case,
    code_of_image_fault,
    decide,
    lists_of,
)
from hanota.dcc.users import Users
from hanota.errors import RemoteError
from hanota.ledger.ledger import Batch, Ledger
from hanota.limits import INVENTORY_DEVICES_MAX
from hanota.model import KeyUsage, Role, version_text
from hanota.rows import Command, Device, JournalEntry, Outgoing, RequestRow
from hanota.serve.dcc_broker import AT_ONCE_MS, AccessControlBroker
from hanota.smki import keys
from hanota.smki.directory import Directory
from hanota.smki.dsig import signer_of_request
from hanota.wire import wan
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.document import Document, open_document
from hanota.wire.duis.messages import decode_request, encode_response, request_header
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
from hanota.wire.image import OtaImage, decode_image

_log = logging.getLogger(__name__)

_COMMAND_VARIANTS = range(1, 10)
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
        directory: Directory,
        signer: DocumentSigner,
        broker: AccessControlBroker,
        *,
        acb_id: int,
        users: Users,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._signer = signer
        self._broker = broker
        self._acb_id = acb_id
        self._users = users

    def answer(self, octets: bytes, products: ProductList, now_ms: int) -> bytes:
        """Answer one request as `DccShell.answer` says."""
        document = open_document(octets)
        header = request_header(document)
        try:
            request = self._authentic_request(document, now_ms)
        except RemoteError as fault:
            return self._refuse(header, fault, now_ms)
        digest = sha256(octets).digest()
        with self._ledger.batch() as batch:
            used = _use_of(request, batch)
            if used is None:
                return self._serve(batch, request, digest, products, now_ms)
            if _is_repeat(used, request, digest) and used.answer is not None:
                return used.answer
            batch.record([_entry_of_request(used.number, "request-id:reused", now_ms)])
        return self._refuse(header, _REUSED, now_ms)

    def _authentic_request(self, document: Document, now_ms: int) -> Request:
        if signer_of_request(document, self._directory, now_ms) is None:
            raise RemoteError(ResponseCode.E48, "the request is not signed")
        return decode_request(document)

    def _refuse(self, header: RequestHeader, fault: RemoteError, now_ms: int) -> bytes:
        """Answer without using the RequestID up; the stored answer, if any, stays.

        Otherwise whoever knows a RequestID could spoil it for the user whose it is.
        """
        match fault.code:
            case ResponseCode() as code:
                _log.info("%s is refused with %s: %s", header.request_id, code, fault.reason)
                return self._response(header, _Answer(code), now_ms)
            case _:
                raise fault

    def _response(self, asked: RequestHeader | Request, answer: "_Answer", now_ms: int) -> bytes:
        body = ResponseMessage(
            asked.service_reference, asked.service_reference_variant, answer.content
        )
        response = Response(
            request_id=asked.request_id,
            response_code=answer.code,
            response_date_time_ms=now_ms,
            body=body,
        )
        return encode_response(response, self._signer)

    def _serve(
        self, batch: Batch, request: Request, digest: bytes, products: ProductList, now_ms: int
    ) -> bytes:
        answer = self._decide(batch, request, products, now_ms)
        _log.info("%s: %s %s", request.request_id, answer.code, answer.sentence)
        octets = self._response(request, answer, now_ms)
        update = answer.update
        row = batch.put_request(
            RequestRow(
                number=0,
                request_id=request.request_id,
                command_variant=request.command_variant,
                service_reference=request.service_reference,
                digest=digest,
                image_hash=None if update is None else update.sha256,
                version=None if update is None else update.version,
                at_ms=now_ms,
                answer=octets,
            )
        )
        batch.record([_entry_of_request(row.number, f"answer:{answer.code}", now_ms)])
        if update is not None:
            _begin(batch, row, update)
        if answer.command is not None:
            command = answer.command
            number = command.request or row.number
            self._broker.begin(batch, msgspec.structs.replace(command, request=number))
        return octets

    def _decide(
        self, batch: Batch, request: Request, products: ProductList, now_ms: int
    ) -> "_Answer":
        refused = authorise(request, self._users, self._acb_id)
        if refused is not None:
            return _Answer(refused.code, refused.sentence)
        match request.body:
            case UpdateFirmware() | UpdatePPMIDFirmware() as body:
                return self._update(batch, request, body, products, now_ms)
            case ReadInventory(device_id=device_id):
                return _read_inventory(batch, device_id, products)
            case ActivateFirmware() | SignedPreCommand() | ReadFirmwareVersion() as body:
                return _of_command(self._broker.decide(batch, request.request_id, body, now_ms))
            case _:
                return _Answer(ResponseCode.E100, "this DCC does not serve it yet")

    def _update(
        self,
        batch: Batch,
        request: Request,
        body: UpdateFirmware | UpdatePPMIDFirmware,
        products: ProductList,
        now_ms: int,
    ) -> "_Answer":
        service = UPDATE_SERVICES[request.service_reference]
        try:
            image = decode_image(body.firmware_image, signed=service.signed)
        except RemoteError as fault:
            return _Answer(code_of_image_fault(service, fault.code), fault.reason)
        user_id = request.request_id.originator
        case = Case(
            service=service,
            user_id=user_id,
            image=image,
            signature_valid=self._is_signed_by(user_id, image, now_ms),
            entries=products.of_image(image),
            devices=_with_their_hubs(batch, body.device_id_list),
            in_progress=frozenset(batch.live_deliveries(body.device_id_list)),
        )
        decision = decide(case, body.device_id_list)
        lists = lists_of(decision.left_out)
        return _Answer(
            decision.code,
            decision.sentence,
            service.warning.of(lists) if lists else None,
            _Update(body, image, decision.accepted),
        )

    def _is_signed_by(self, user_id: int, image: OtaImage, now_ms: int) -> bool:
        """Whether the trailer's signature is of one of the keys that the user has as a supplier."""
        signature = image.signature
        if signature is None:
            return False
        found = self._directory.find(user_id, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
        return any(
            keys.verify(certificate.public_key, image.manufacturer_image, signature)
            for certificate in found
            if self._directory.trusts(certificate, now_ms)
        )


class _Update(msgspec.Struct, frozen=True):
    """An 11.1 or 11.4 whose image could be read; nobody is accepted where it is refused."""

    body: UpdateFirmware | UpdatePPMIDFirmware
    image: OtaImage
    accepted: Mapping[int, tuple[Device, ...]]  # devices by hub

    @property
    def sha256(self) -> bytes:
        """Of the whole OTA file."""
        return sha256(self.body.firmware_image).digest()

    @property
    def version(self) -> int:
        """The file version; where the request's FirmwareVersion differs, the header counts."""
        return self.image.header.file_version


class _Answer(msgspec.Struct, frozen=True):
    """What a request is answered, and the update or command that it asked for."""

    code: ResponseCode
    sentence: str = ""  # why it is refused, for the log
    content: ResponseContent | None = None
    update: _Update | None = None
    command: Command | None = None


def _of_command(decided: Command | Refusal) -> _Answer:
    match decided:
        case Refusal(code, sentence):
            return _Answer(code, sentence)
        case Command(state=CommandState.TRANSFORMED, gbcs=pre_command):
            content = PreCommand(GBCS_VERSION, pre_command)
            return _Answer(ResponseCode.I0, content=content, command=decided)
        case _:
            return _Answer(ResponseCode.I99, command=decided)


def _use_of(request: Request, batch: Batch) -> RequestRow | None:
    """The request that has used this one's RequestID, that of the same command variant first."""
    variant = request.command_variant
    shared = _OF_ONE_COMMAND if variant in _OF_ONE_COMMAND else frozenset()
    others = (other for other in _COMMAND_VARIANTS if other not in shared | {variant})
    rows = (batch.request(request.request_id, other) for other in (variant, *others))
    return next((row for row in rows if row is not None), None)


def _is_repeat(used: RequestRow, request: Request, digest: bytes) -> bool:
    return used.command_variant == request.command_variant and used.digest == digest


def _read_inventory(batch: Batch, device_id: int, products: ProductList) -> _Answer:
    device = batch.devices([device_id]).get(device_id)
    if device is None:
        return _Answer(ResponseCode.E19, "the inventory has no such device")
    home = batch.devices_behind([device.hub_id])[device.hub_id]
    if len(home) > INVENTORY_DEVICES_MAX:
        return _Answer(ResponseCode.E100, f"the home has {len(home)} devices, too many to list")
    return _Answer(ResponseCode.I0, content=inventory_of(home, products))


def _with_their_hubs(batch: Batch, device_ids: Iterable[int]) -> dict[int, Device]:
    devices = batch.devices(device_ids)
    hub_ids = {device.hub_id for device in devices.values()}
    return devices | batch.devices(hub_ids - devices.keys())


def _begin(batch: Batch, row: RequestRow, update: _Update) -> None:
    """Keep the image, begin a delivery a device, and post each hub its envelope."""
    if update.body.firmware_version.upper() != version_text(update.version):
        batch.record([_entry_of_request(row.number, "firmware-version:differs", row.at_ms)])
    if not update.accepted:
        return
    batch.put_image(update.sha256, update.body.firmware_image)
    batch.record(
        _accepted(device, row, update.version)
        for devices in update.accepted.values()
        for device in devices
    )
    batch.post(
        Outgoing(0, hub_id, wan.encode(envelope), AT_ONCE_MS, 0)
        for hub_id, envelope in distribute(row.request_id, update.sha256, update.accepted)
    )


def _accepted(device: Device, row: RequestRow, version: int) -> JournalEntry:
    delivery = accepted(device, row.number, version, row.at_ms)
    return JournalEntry(row.at_ms, delivery.device_id, row.number, delivery.state, delivery, b"")


def _entry_of_request(number: int, event: str, at_ms: int) -> JournalEntry:
    return JournalEntry(at_ms, 0, number, event, None, b"")
