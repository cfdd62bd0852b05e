"""Commands to single devices in the supplier's shell: 11.3 and 11.2, and what devices answer.

Every call takes part in a batch of the shell. A Pre-Command that says what was asked is signed and
posted in the transaction that records it; one that does not is refused, and nothing is signed.

Not here: what is signed (`supplier.pre_command`), whom to believe (`supplier.device_messages`), and
what it means (`supplier.conclusions`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from hanota.ledger.ledger import Batch
from hanota.limits import DAY_MS, SILENCE_DEADLINE_DAYS
from hanota.model import RequestID
from hanota.rows import Command, Delivery, Device, JournalEntry, Outgoing, RequestRow
from hanota.serve.supplier_answers import supersede
from hanota.smki.directory import Directory, Signer
from hanota.smki.dsig import sign_request
from hanota.smki.shared_secrets import SharedSecrets
from hanota.supplier import commands, pre_command, requests
from hanota.supplier.commands import CommandState
from hanota.supplier.conclusions import Tracked, evidence_of, is_overtaken, version_that_runs
from hanota.supplier.device_messages import (
    DeviceMessage,
    Finding,
    is_authentic,
    objection,
    read_device_message,
)
from hanota.supplier.pre_command import Refused
from hanota.supplier.reception import runs, step
from hanota.supplier.tracking import Evidence
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import (
    CANCELLATION_MS,
    ActivateFirmware,
    PreCommand,
    Request,
    Response,
    ResponseMessage,
)
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import encode
from hanota.wire.image import decode_image, manufacturer_image_hash

# The newest entries of a device's journal: more than happens while a command is answered.
_TIMELINE = 100
_SILENCE_MS = SILENCE_DEADLINE_DAYS * DAY_MS


class Heard(NamedTuple):
    """One message of the DCC that carries a message of a device."""

    octets: bytes  # of the DCC's message
    message: DeviceMessage
    finding: Finding | None  # why it does not count, as far as the ledger is not asked


class DeviceCommands:
    """Takes part in the batches of the supplier's shell; the arguments are those of it."""

    def __init__(self, directory: Directory, signer: Signer, *, user_id: int, dcc_id: int) -> None:
        self._directory = directory
        self._signer = signer
        self._secrets = SharedSecrets(signer)
        self._user_id = user_id
        self._dcc_id = dcc_id

    def activate(
        self,
        batch: Batch,
        request_ids: Sequence[RequestID],
        firmware_hash: bytes,
        execution_date_time_ms: int | None,
        now_ms: int,
    ) -> list[RequestRow]:
        """Ask for the Pre-Command of one 11.3 a device; deliveries that wait for it get under way.

        LocalError as for `requests.activate_firmware`.
        """
        asked = [
            requests.activate_firmware(request_id, firmware_hash, execution_date_time_ms)
            for request_id in request_ids
        ]
        rows = [
            self._ask(batch, request, encode(pre_command.command_of(request)), now_ms)
            for request in asked
        ]
        if execution_date_time_ms != CANCELLATION_MS:
            due_ms = max(now_ms, execution_date_time_ms or now_ms) + _SILENCE_MS
            deliveries = batch.last_deliveries(row.request_id.target for row in rows)
            batch.record(
                step(delivery, Evidence.ACTIVATION_REQUESTED, now_ms, due_ms=due_ms)
                for delivery in deliveries.values()
            )
        return rows

    def read_versions(
        self,
        batch: Batch,
        request_ids: Iterable[RequestID],
        execution_date_time_ms: int | None,
        now_ms: int,
    ) -> list[RequestRow]:
        """Send one 11.2 a device."""
        return [
            self._ask(
                batch,
                requests.read_firmware_version(request_id, execution_date_time_ms),
                b"",
                now_ms,
            )
            for request_id in request_ids
        ]

    def answered(
        self, batch: Batch, asked: Request, row: RequestRow, response: Response, now_ms: int
    ) -> None:
        """What the DCC's synchronous answer to an 11.2 or 11.3 sets going.

        An acknowledgement sets nothing going: the device's own answer is still to come.
        """
        found = batch.commands([commands.key_of(asked.request_id)])
        command = found[commands.key_of(asked.request_id)]
        match asked.body, response.body:
            case ActivateFirmware(), ResponseMessage(content=PreCommand(gbcs_payload=octets)) if (
                response.response_code == ResponseCode.I0
            ):
                self._examine(batch, asked, command, octets, now_ms)
            case _ if response.response_code.startswith("E"):
                self._refuse(batch, row, command, response.response_code, now_ms)

    def post(self, batch: Batch, request: Request, now_ms: int) -> RequestRow:
        """Sign, record and post a request that has no image."""
        octets = sign_request(request, self._directory, self._signer)
        row = batch.put_request(
            RequestRow(
                number=0,
                request_id=request.request_id,
                command_variant=request.command_variant,
                service_reference=request.service_reference,
                digest=hashlib.sha256(octets).digest(),
                image_hash=None,
                version=None,
                at_ms=now_ms,
                answer=None,
            )
        )
        batch.post([Outgoing(0, self._dcc_id, octets, now_ms, 0)])
        return row

    def hear(self, response: Response, octets: bytes, now_ms: int) -> Heard | None:
        """What a device says in a message that the DCC signed; None where none speaks in it.

        RemoteError(GbcsFault) when the device's message is malformed.
        """
        message = read_device_message(response)
        if message is None:
            return None
        finding = objection(response, message, user_id=self._user_id, acb_id=self._dcc_id)
        if finding is None and not is_authentic(
            message.message, self._directory, self._secrets, acb_id=self._dcc_id, at_ms=now_ms
        ):
            finding = Finding.NOT_AUTHENTIC
        return Heard(octets, message, finding)

    def record(self, batch: Batch, heard: Sequence[Heard], now_ms: int) -> None:
        """Take in what devices said, in its order; what came before counts once."""
        asked = _Asked(batch, heard)
        genuine: list[Heard] = []
        for one in heard:
            finding = one.finding or asked.finding(one.message)
            if finding is None:
                genuine.append(one)
            else:
                _discount(batch, one, finding, now_ms)
        unseen = batch.unseen(one.message.key for one in genuine)
        new = [one for one, first in zip(genuine, unseen, strict=True) if first]
        self._settle(batch, new, asked, now_ms)

    def _settle(self, batch: Batch, new: Sequence[Heard], asked: "_Asked", now_ms: int) -> None:
        device_ids = {one.message.device_id for one in new}
        deliveries = batch.last_deliveries(device_ids)
        known = batch.devices(device_ids)
        estate = dict(known)
        image_hashes = _ImageHashes(batch)
        moved: list[Delivery] = []
        for one in new:
            device_id = one.message.device_id
            delivery = deliveries.get(device_id)
            tracked = None
            if delivery is not None:
                tracked = Tracked(delivery, image_hashes.of(delivery))
            command = asked.command(one.message)
            entry = _settled(one, tracked, command, now_ms)
            if _is_overtaken(batch, one.message, command, estate):
                entry = _out_of_date(one, entry)
            else:
                _learn(estate, one.message)
            batch.record([entry])
            if entry.delivery is not None:
                deliveries[device_id] = entry.delivery
                moved.append(entry.delivery)
        supersede(batch, moved, now_ms)
        batch.put_commands(
            commands.moved(command, CommandState.ANSWERED, now_ms)
            for command in asked.answered_by(new)
        )
        batch.put_devices(
            device for device_id, device in estate.items() if device is not known[device_id]
        )

    def _ask(self, batch: Batch, request: Request, gbcs: bytes, now_ms: int) -> RequestRow:
        row = self.post(batch, request, now_ms)
        batch.put_commands([commands.requested(row, gbcs)])
        return row

    def _examine(
        self, batch: Batch, asked: Request, command: Command, octets: bytes, now_ms: int
    ) -> None:
        examined = pre_command.examine(asked, octets)
        match examined:
            case Refused() as refused:
                row = batch.requests([command.request])[command.request]
                self._refuse(batch, row, command, f"pre-command:{refused}", now_ms)
            case _:
                payload = pre_command.sign(examined, self._directory, self._signer)
                self.post(batch, requests.signed_pre_command(asked, payload), now_ms)
                batch.put_commands([commands.moved(command, CommandState.SIGNED, now_ms, payload)])

    def _refuse(
        self, batch: Batch, row: RequestRow, command: Command, reason: str, now_ms: int
    ) -> None:
        batch.put_commands([commands.moved(command, CommandState.REFUSED, now_ms)])
        if row.service_reference != requests.ACTIVATE_FIRMWARE or commands.cancels(command):
            return
        deliveries = batch.last_deliveries([command.device_id])
        batch.record(
            step(delivery, Evidence.ACTIVATION_REFUSED, now_ms, reason=reason)
            for delivery in deliveries.values()
        )


class _Asked:
    """The commands and requests that a batch of device messages answers."""

    def __init__(self, batch: Batch, heard: Sequence[Heard]) -> None:
        answers = {one.message.answers for one in heard} - {None}
        self._commands = batch.commands(commands.key_of(asked) for asked in answers if asked)
        self._requests = batch.requests({command.request for command in self._commands.values()})

    def command(self, message: DeviceMessage) -> Command | None:
        """The command that a message answers; None for a receipt, and where there is none."""
        if message.answers is None:
            return None
        return self._commands.get(commands.key_of(message.answers))

    def finding(self, message: DeviceMessage) -> Finding | None:
        """FOREIGN for an answer to what was never asked."""
        command = self.command(message)
        if command is None:
            return None if message.answers is None else Finding.FOREIGN
        request = self._requests[command.request]
        return None if commands.is_answered_by(request, message) else Finding.FOREIGN

    def answered_by(self, heard: Sequence[Heard]) -> list[Command]:
        """The commands that these messages answer, each once."""
        found = (self.command(one.message) for one in heard)
        return list({command.request: command for command in found if command}.values())


class _ImageHashes:
    """The hash of the Manufacturer Image that a delivery brings; an image is read once a batch."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._found: dict[int, bytes] = {}

    def of(self, delivery: Delivery) -> bytes:
        """32 octets; empty where the ledger has no image of that delivery."""
        if delivery.request not in self._found:
            self._found[delivery.request] = self._read(delivery.request)
        return self._found[delivery.request]

    def _read(self, request: int) -> bytes:
        sha256 = self._batch.requests([request])[request].image_hash
        octets = None if sha256 is None else self._batch.image(sha256)
        return b"" if octets is None else manufacturer_image_hash(decode_image(octets))


def _settled(
    one: Heard, tracked: Tracked | None, command: Command | None, now_ms: int
) -> JournalEntry:
    message = one.message
    evidence = None
    if tracked is not None:
        evidence = evidence_of(
            message.said,
            tracked,
            asked_in=None if command is None else command.request,
            cancels=command is not None and commands.cancels(command),
        )
    if tracked is None or evidence is None:
        event = f"unattributed:{type(message.said).__name__}"
        return JournalEntry(now_ms, message.device_id, 0, event, None, one.octets)
    if evidence is Evidence.RUNS_ANOTHER_VERSION:  # it is no step, and not late either
        request = tracked.delivery.request
        return JournalEntry(now_ms, message.device_id, request, evidence, None, one.octets)
    return step(
        tracked.delivery, evidence, now_ms, due_ms=_due_ms(command, now_ms), message=one.octets
    )


def _is_overtaken(
    batch: Batch, message: DeviceMessage, command: Command | None, estate: dict[int, Device]
) -> bool:
    """Whether a version is older than what is known; the ledger is asked only where it matters."""
    version, device = version_that_runs(message.said), estate.get(message.device_id)
    if version is None or command is None or device is None or version == device.firmware_version:
        return False
    return is_overtaken(message.said, command, batch.timeline(device.device_id, _TIMELINE))


def _out_of_date(one: Heard, entry: JournalEntry) -> JournalEntry:
    """What the journal is to say then; the version is proof for its own update all the same."""
    if entry.delivery is not None:
        return entry
    event = f"{Finding.OVERTAKEN}:{type(one.message.said).__name__}"
    return msgspec.structs.replace(entry, event=event)


def _due_ms(command: Command | None, now_ms: int) -> int | None:
    """The deadline of an activation that the device has accepted."""
    execution_ms = None if command is None else commands.execution_ms(command)
    if execution_ms in (None, cs06.CANCELLATION_MS):
        return None
    return max(now_ms, execution_ms) + _SILENCE_MS


def _learn(estate: dict[int, Device], message: DeviceMessage) -> None:
    version = version_that_runs(message.said)
    if version is not None and message.device_id in estate:
        estate[message.device_id] = runs(estate[message.device_id], version)


def _discount(batch: Batch, one: Heard, finding: Finding, now_ms: int) -> None:
    event = f"{finding}:{type(one.message.said).__name__}"
    batch.record([JournalEntry(now_ms, one.message.device_id, 0, event, None, one.octets)])
