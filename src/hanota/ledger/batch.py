"""What can be changed in a ledger, all of it in one transaction.

Not here: what a message means for a delivery: a rule decides that on the rows; and how it is
recorded (`recording`).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from hanota.errors import LocalError
from hanota.ledger import columns
from hanota.ledger.columns import Row
from hanota.ledger.recording import Recording
from hanota.rows import (
    Command,
    Device,
    JournalEntry,
    MessageKey,
    Outgoing,
    ProductEntry,
    RequestRow,
)

_Queue = tuple[int, int]  # receiver and device_id of messages that go in order

# The counter that numbers messages: none has the number of one that is gone.
_OUTBOX = "outbox"


class Batch(Recording):
    """A ledger inside one writing transaction: what it is asked includes what was just written.

    Where a call would break a constraint, ConflictError leaves the `with` of the batch and nothing
    of the batch was written.
    """

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the batch that is kept or undone as a whole.

        Nothing of it is kept when an exception leaves the `with`, which is ConflictError or
        LocalError as for a batch; what else is in the batch stays, and the batch goes on.
        """
        try:
            with self._database.part():
                yield
        except BaseException:
            self._forget()
            raise

    def unseen(self, keys: Iterable[MessageKey]) -> list[bool]:
        """Take these messages in: True for each that comes for the first time.

        Of two equal keys in one call the second is not unseen.
        """
        return self._database.put_new("remember_message", map(columns.key_row, keys))

    def put_devices(self, devices: Iterable[Device]) -> None:
        """Put these devices into the inventory, or what it now says of them."""
        last = {device.device_id: device for device in devices}
        self._database.change_each("put_device", map(columns.device_row, last.values()))

    def put_commands(self, commands: Iterable[Command]) -> None:
        """Put these commands as they now stand, and journal each as `command:` and its state.

        A request has one command. ConflictError when another request's has the same originator,
        device and counter, or there is no such request.
        """
        commands = list(commands)
        self._database.change_each("put_command", map(columns.command_row, commands))
        self.record(
            JournalEntry(
                command.changed_ms,
                command.device_id,
                command.request,
                f"command:{command.state}",
                None,
                command.gbcs,
            )
            for command in commands
        )

    def put_request(self, request: RequestRow) -> RequestRow:
        """Record a request; it comes back with the number that the ledger gave it.

        ConflictError when its RequestID is used with this command variant.
        """
        ((number,),) = self._database.rows("put_request", *columns.request_row(request))
        return msgspec.structs.replace(request, number=number)

    def set_answer(self, number: int, answer: bytes) -> None:
        """Keep the synchronous answer to a request; LocalError when there is no such request."""
        if not self._database.change("set_answer", answer, number):
            raise LocalError(f"the ledger has no request {number}")

    def quarantine(self, number: int, octets: bytes) -> None:
        """Hold a request back; `octets` are what it asks for."""
        self._database.change("quarantine", number, octets)

    def release(self, request: RequestRow) -> None:
        """Let a request go that was held back: it counts from its `at_ms`, for its image."""
        self._database.change("release", request.number)
        self._database.change(
            "date_request", request.at_ms, request.image_hash, request.version, request.number
        )

    def put_products(self, entries: Iterable[ProductEntry]) -> None:
        """Put these entries on the Central Products List, or what they now say."""
        self._database.change_each("put_product", map(columns.product_row, entries))

    def replace_products(self, entries: Iterable[ProductEntry]) -> None:
        """Make these entries the whole Central Products List."""
        self._database.change("clear_products")
        self.put_products(entries)

    def put_image(self, sha256: bytes, octets: bytes) -> None:
        """Keep an OTA file under its SHA-256; one that is kept already stays as it is."""
        self._database.change("put_image", sha256, octets)

    def next_counter(self, name: str, at_least: int = 1, count: int = 1) -> int:
        """Take the next `count` values of a counter; the first of them, never below `at_least`.

        A value is given out once, however often the ledger was closed in between. Values stay
        below 2^63; LocalError beyond.
        """
        floor = at_least + count - 1
        if floor > columns.HIGHEST:
            raise LocalError(f"the counter {name!r} cannot go beyond 2^63 - 1")
        ((last,),) = self._database.rows("next_counter", name, floor, count, count)
        return int(last) - count + 1

    def post(self, messages: Iterable[Outgoing]) -> None:
        """Put messages into the outbox, numbered in this order."""
        messages = list(messages)
        if messages:
            first = self.next_counter(_OUTBOX, count=len(messages))
            queued = _queued(messages, first, self._last_waiting(messages))
            self._database.change_each("post", queued)

    def settle(self, numbers: Iterable[int]) -> None:
        """Take messages out of the outbox because their receivers have them."""
        gone = self._database.each(numbers)
        self._database.change("settle", gone)
        self._database.change("let_go", gone)

    def postpone(self, numbers: Iterable[int], due_ms: int) -> None:
        """Try these messages again at `due_ms`, and count that they were tried."""
        self._database.change("postpone", due_ms, self._database.each(numbers))

    def rewrite(self, messages: Iterable[Outgoing]) -> None:
        """Let these messages of the outbox have the octets that they have here."""
        rows = [(message.body, message.number) for message in messages]
        self._database.change_each("rewrite", rows)

    def give_up(self, message: Outgoing, event: str, status: int | None, now_ms: int) -> None:
        """Take a message out of the outbox untaken; the journal keeps its octets under `event`.

        `status` is the HTTP status of the last answer, None where there was none.
        """
        self.settle([message.number])
        self.record([JournalEntry(now_ms, message.device_id, 0, event, None, message.body)])
        receiver = columns.signed(message.receiver)
        self._database.change("give_up", receiver, message.tries + 1, status)

    def _last_waiting(self, messages: Iterable[Outgoing]) -> dict[_Queue, int]:
        about = [message for message in messages if message.device_id]
        rows = self._database.rows(
            "last_waiting",
            self._database.each({columns.signed(message.receiver) for message in about}),
            self._database.each({columns.signed(message.device_id) for message in about}),
        )
        return {
            (columns.unsigned(receiver), columns.unsigned(device_id)): number
            for receiver, device_id, number in rows
        }


def _queued(messages: Iterable[Outgoing], number: int, last: dict[_Queue, int]) -> Iterable[Row]:
    """Number the messages and put each behind the one before it about its device, if any."""
    for this, message in enumerate(messages, number):
        if not message.device_id:
            yield columns.outgoing_row(message, this, 0)
            continue
        queue = (message.receiver, message.device_id)
        yield columns.outgoing_row(message, this, last.get(queue, 0))
        last[queue] = this
