"""The Access Control Broker in the DCC's shell: commands to devices, and what comes back.

It makes commands of requests, adds their MACs, holds those whose time has not come, and hands each
to the hub of its device. Answers it checks where it has the keys: a device's signature, or a MAC
that is for the ACB itself. The MAC of an answer for a user is between device and user: only the
user can check it, and the DCC takes the word of the hub behind which the device is (an assumption).

Not here: who may ask (`dcc_gateway`), and the rules (`hanota.dcc`).
"""

from collections.abc import Iterable

from hanota.dcc import critical, reads, responses, transform
from hanota.dcc.commands import Answer, CommandState, advance, held, sent, transformed
from hanota.dcc.conclusions import Tracked
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.replies import Reply
from hanota.dcc.services import Refusal
from hanota.ledger.ledger import Batch
from hanota.model import DeviceType, KeyUsage, RequestID, Role
from hanota.rows import Command, Device, JournalEntry, MessageKey, Outgoing, RequestRow
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory, Signer
from hanota.smki.protection import add_mac, mac_valid, signature_valid
from hanota.smki.shared_secrets import SharedSecrets
from hanota.wire import wan
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.messages import encode_response
from hanota.wire.duis.signature import DocumentSigner
from hanota.wire.duis.values import (
    ActivateFirmware,
    ReadFirmwareVersion,
    Response,
    SignedPreCommand,
)
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import Protection, protection_carried, protection_due

# An envelope for a hub may be sent at once and is never put off: its due time is 0, before that
# of any push, so that one outbox holds both and either is read without passing over the other.
AT_ONCE_MS = 0

_COUNTER = "acb"
# The newest entries of a device's journal: more than happens while a command is answered.
_TIMELINE = 100
_UNKNOWN = Refusal(ResponseCode.E19, "the inventory has no such device")
_NO_KEY = Refusal(ResponseCode.E100, "no trusted key agreement certificate of the device is known")


class AccessControlBroker:
    """Takes part in the batches of the DCC's shell; the arguments are those of `DccShell`.

    `document_signer` is the DSP's, for what is pushed; `brokered_types` are the device types whose
    11.2 has the ACB as its originator.
    """

    def __init__(
        self,
        directory: Directory,
        signer: Signer,
        document_signer: DocumentSigner,
        *,
        acb_id: int,
        push_delay_ms: int,
        brokered_types: frozenset[DeviceType] = reads.BROKERED_TYPES,
    ) -> None:
        self._directory = directory
        self._secrets = SharedSecrets(signer)
        self._document_signer = document_signer
        self._acb_id = acb_id
        self._push_delay_ms = push_delay_ms
        self._brokered_types = brokered_types

    def decide(
        self,
        batch: Batch,
        request_id: RequestID,
        body: ActivateFirmware | SignedPreCommand | ReadFirmwareVersion,
        now_ms: int,
    ) -> Command | Refusal:
        """The command that a request for a device comes to, or why it is refused.

        A new command has the request number 0, to be replaced by that of its request. Nothing is
        recorded but the counters that it uses up.
        """
        device = batch.devices([request_id.target]).get(request_id.target)
        match body:
            case ActivateFirmware(execution_date_time_ms=execution_ms):
                refusal = transform.objection(request_id.originator, execution_ms, device, now_ms)
                return refusal or transformed(transform.pre_command(request_id, body), now_ms)
            case SignedPreCommand():
                return self._release(batch, request_id, body, device, now_ms)
            case ReadFirmwareVersion(execution_date_time_ms=execution_ms):
                refusal = reads.objection(body, device, now_ms)
                if refusal is not None or device is None:
                    return refusal or _UNKNOWN
                if execution_ms is not None:
                    return held(request_id, execution_ms, now_ms)
                return self._read(batch, request_id, device, 0, now_ms) or _NO_KEY

    def begin(self, batch: Batch, command: Command) -> None:
        """Record a command that was decided, and post it to its hub if it goes now."""
        batch.put_commands([command])
        if command.state == CommandState.SENT:
            hub_id = batch.devices([command.device_id])[command.device_id].hub_id
            envelope = wan.encode(wan.ToDevice(command.gbcs))
            batch.post([Outgoing(0, hub_id, envelope, AT_ONCE_MS, 0)])

    def take(
        self, batch: Batch, replies: list[Reply], products: ProductList, now_ms: int
    ) -> list[JournalEntry]:
        """Take what devices answer, in its order; what the journal is to say of the messages."""
        known = _Known(batch, replies)
        entries: list[JournalEntry] = []
        genuine: list[Reply] = []
        for reply in replies:
            row, device = known.commands.get(reply.command), known.devices.get(reply.device_id)
            finding = self._objection(reply, row, device, now_ms)
            if finding is None:
                genuine.append(reply)
            else:
                entries.append(_discounted(reply, finding, now_ms))
        unseen = batch.unseen(reply.key for reply in genuine)
        pushes: list[Outgoing] = []
        for reply, first in zip(genuine, unseen, strict=True):
            if not first:
                entries.append(_discounted(reply, Finding.DOUBLED, now_ms))
                continue
            command = known.commands[reply.command]
            overtaken = _is_overtaken(batch, reply, command, known, entries)
            done = self._settle(reply, known, products, now_ms, overtaken=overtaken)
            known.learn(done)
            request = known.requests[command.request]
            pushes += self._pushes(request, command, done.responses, now_ms)
            entries.append(_settled(reply, command, done.event, now_ms))
            entries += [] if done.update is None else [done.update]
        batch.put_devices(known.learned.values())
        batch.put_commands(known.changed)
        batch.post(pushes)
        return entries

    def _settle(
        self,
        reply: Reply,
        known: "_Known",
        products: ProductList,
        now_ms: int,
        *,
        overtaken: bool,
    ) -> responses.Settlement:
        """What one genuine answer comes to, by the rows as they stand."""
        command = known.commands[reply.command]
        return responses.settle(
            reply,
            command=command,
            request=known.requests[command.request],
            waiting=[row for row in known.commands.values() if row.device_id == reply.device_id],
            device=known.devices[reply.device_id],
            tracked=known.tracked(reply.device_id),
            products=products,
            overtaken=overtaken,
            now_ms=now_ms,
        )

    def scan_due(self, batch: Batch, now_ms: int, limit: int) -> int:
        """Send reads whose time has come, and report commands that found no answer (N13).

        At most `limit` of them; how many it were.
        """
        due = batch.due_commands(now_ms, limit)
        requests = batch.requests({command.request for command in due})
        devices = batch.devices({command.device_id for command in due})
        for command in due:
            request = requests[command.request]
            if not self._goes_now(batch, command, request, devices[command.device_id], now_ms):
                batch.put_commands([advance(command, Answer.SILENCE, now_ms).command])
                failure = responses.failure(request.request_id, now_ms)
                batch.post(self._pushes(request, command, [failure], now_ms))
        return len(due)

    def _goes_now(
        self, batch: Batch, command: Command, request: RequestRow, device: Device, now_ms: int
    ) -> bool:
        """Send a read that was held until now, if this is one."""
        if command.state != CommandState.HELD:
            return False
        read = self._read(batch, request.request_id, device, command.request, now_ms)
        if read is not None:
            self.begin(batch, read)
        return read is not None

    def _release(
        self,
        batch: Batch,
        request_id: RequestID,
        body: SignedPreCommand,
        device: Device | None,
        now_ms: int,
    ) -> Command | Refusal:
        key = MessageKey(request_id.originator, request_id.target, Cra.COMMAND, request_id.counter)
        given = batch.commands([key]).get(key)
        found = self._trusted(
            request_id.originator, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER, now_ms
        )
        supplier_keys = [certificate.public_key for certificate in found]
        match critical.examine(body, given, device, supplier_keys, now_ms):
            case GbcsMessage() as message:
                protected = self._with_mac(message, now_ms)
                if protected is None or given is None:
                    return _NO_KEY
                return sent(protected, given.request, now_ms)
            case refusal:
                return refusal

    def _read(
        self, batch: Batch, request_id: RequestID, device: Device, request: int, now_ms: int
    ) -> Command | None:
        """The read of this device as it goes now; None without a key of the device.

        The ACB's counter follows the clock, so that it rises even if a ledger was lost.
        """
        if device.type in self._brokered_types:
            counter = batch.next_counter(_COUNTER, at_least=now_ms)
            message = reads.brokered(request_id, device.type, self._acb_id, counter)
        else:
            message = reads.direct(request_id, device.type)
        protected = self._with_mac(message, now_ms)
        return None if protected is None else sent(protected, request, now_ms)

    def _with_mac(self, message: GbcsMessage, now_ms: int) -> GbcsMessage | None:
        """The message with the ACB's MAC for its target; None without a key of the target."""
        found = self._trusted(message.target, KeyUsage.KEY_AGREEMENT, None, now_ms)
        if not found:
            return None
        return add_mac(message, self._secrets.first(self._acb_id, found[0]))

    def _objection(
        self, reply: Reply, command: Command | None, device: Device | None, now_ms: int
    ) -> Finding | None:
        finding = responses.objection(reply, command, device)
        if finding is None and not self._is_authentic(reply.message, now_ms):
            return Finding.BAD_SIGNATURE
        return finding

    def _is_authentic(self, message: GbcsMessage, now_ms: int) -> bool:
        """Whether a device's protection is what is due and, where the keys are here, valid."""
        due = protection_due(message)
        if protection_carried(message) != due:
            return False
        if due is Protection.SIGNATURE:
            found = self._trusted(message.originator, KeyUsage.DIGITAL_SIGNATURE, None, now_ms)
            return any(signature_valid(message, certificate.public_key) for certificate in found)
        if message.target != self._acb_id:
            return True
        return any(
            mac_valid(message, z)
            for peer in self._trusted(message.originator, KeyUsage.KEY_AGREEMENT, None, now_ms)
            for z in self._secrets.every(self._acb_id, peer)
        )

    def _trusted(
        self, eui: int, usage: KeyUsage, role: Role | None, now_ms: int
    ) -> list[Certificate]:
        return [
            certificate
            for certificate in self._directory.find(eui, usage, role)
            if self._directory.trusts(certificate, now_ms)
        ]

    def _pushes(
        self, request: RequestRow, command: Command, told: Iterable[Response], now_ms: int
    ) -> list[Outgoing]:
        """Signed Responses for the user who asked, not sooner than a pause after its answer.

        `command` is the row as it stood before: it changed last when the user got an answer.
        """
        due_ms = max(now_ms, command.changed_ms + self._push_delay_ms)
        user_id, device_id = request.request_id.originator, command.device_id
        return [
            Outgoing(0, user_id, encode_response(one, self._document_signer), due_ms, 0, device_id)
            for one in told
        ]


class _Known:
    """The rows that a batch of answers is about, as its answers have left them so far.

    `learned` are the devices of which the inventory is to say something new, `changed` the rows of
    commands in the order in which they came about.
    """

    def __init__(self, batch: Batch, replies: list[Reply]) -> None:
        device_ids = {reply.device_id for reply in replies}
        self.devices = batch.devices(device_ids)
        self.commands = batch.commands({reply.command for reply in replies})
        self.commands |= {_header(row): row for row in batch.live_commands(device_ids)}
        self._deliveries = batch.last_deliveries(device_ids)
        asked = {command.request for command in self.commands.values()}
        began = {delivery.request for delivery in self._deliveries.values()}
        self.requests = batch.requests(asked | began)
        self.learned: dict[int, Device] = {}
        self.changed: list[Command] = []

    def tracked(self, device_id: int) -> Tracked | None:
        """The delivery that an answer of this device may be about."""
        delivery = self._deliveries.get(device_id)
        return None if delivery is None else Tracked(delivery, self.requests[delivery.request])

    def learn(self, done: responses.Settlement) -> None:
        """Take over the rows that have changed."""
        self.commands |= {_header(row): row for row in done.commands}
        self.changed += done.commands
        if done.device is not None:
            self.devices[done.device.device_id] = done.device
            self.learned[done.device.device_id] = done.device
        if done.update is not None and done.update.delivery is not None:
            self._deliveries[done.update.device_id] = done.update.delivery


def _is_overtaken(
    batch: Batch, reply: Reply, command: Command, known: _Known, entries: list[JournalEntry]
) -> bool:
    """Whether what this answer says is older than what is known; `entries` are not recorded yet.

    The ledger is asked only where it matters, which is seldom.
    """
    if not responses.may_be_overtaken(reply, known.devices[reply.device_id]):
        return False
    recorded = batch.timeline(reply.device_id, _TIMELINE)
    fresh = [entry for entry in entries if entry.device_id == reply.device_id]
    return responses.is_overtaken(command, recorded + fresh)


def _header(command: Command) -> MessageKey:
    return MessageKey(command.originator, command.device_id, Cra.COMMAND, command.counter)


def _discounted(reply: Reply, finding: Finding, now_ms: int) -> JournalEntry:
    return JournalEntry(now_ms, reply.device_id, 0, f"{finding}:{reply.answer}", None, reply.octets)


def _settled(reply: Reply, command: Command, event: str, now_ms: int) -> JournalEntry:
    return JournalEntry(now_ms, reply.device_id, command.request, event, None, reply.octets)
