"""What can be changed in a ledger, all of it in one transaction.

Not here: what a message means for a delivery. A rule decides that on the rows; a batch records
it, and keeps journal, state and counts in step because one call writes all three.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from hanota.errors import LocalError
from hanota.ledger import columns
from hanota.ledger.columns import Row
from hanota.ledger.view import View
from hanota.rows import (
    Command,
    Delivery,
    Device,
    JournalEntry,
    MessageKey,
    Outgoing,
    RequestRow,
)

_Key = tuple[int, int]  # device_id and request of a delivery
_Standing = tuple[str, str, int]  # its state and reason, and the number of its newest entry


class Batch(View):
    """A ledger inside one writing transaction: what it is asked includes what was just written.

    Where a call would break a constraint, ConflictError leaves the `with` of the batch and nothing
    of the batch was written.
    """

    def unseen(self, keys: Iterable[MessageKey]) -> list[bool]:
        """Take these messages in: True for each that comes for the first time.

        Of two equal keys in one call the second is not unseen.
        """
        rows = map(columns.key_row, keys)
        return [new is not None for new in self._database.ask_each("remember_message", rows)]

    def put_devices(self, devices: Iterable[Device]) -> None:
        """Put these devices into the inventory, or what it now says of them."""
        self._database.change_each("put_device", map(columns.device_row, devices))

    def record(self, entries: Iterable[JournalEntry]) -> None:
        """Journal what happened; deliveries and counts follow.

        An entry with a delivery says how that delivery stands afterwards; it is of the same
        device and request as the entry (LocalError otherwise). Of several entries about one
        delivery the last one stands.
        """
        entries = list(entries)
        after = {_key(entry): entry.delivery for entry in entries if entry.delivery is not None}
        before = self._standing(after)
        heads = {key: last_entry for key, (_state, _reason, last_entry) in before.items()}
        (last,) = self._database.rows("last_entry")[0]
        self._database.change_each("add_entry", _chain(entries, heads, last + 1))
        self._database.change_each("put_delivery", _rows_after(after, heads))
        self._count(before, after)

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

    def post(self, messages: Iterable[Outgoing]) -> list[int]:
        """Put messages into the outbox; their numbers, which rise in order of recording."""
        rows = self._database.ask_each("post", map(columns.outgoing_row, messages))
        return [number for (number,) in filter(None, rows)]

    def settle(self, numbers: Iterable[int]) -> None:
        """Take messages out of the outbox because their receivers have them."""
        self._database.change("settle", self._database.each(numbers))

    def postpone(self, numbers: Iterable[int], due_ms: int) -> None:
        """Try these messages again at `due_ms`, and count that they were tried."""
        self._database.change("postpone", due_ms, self._database.each(numbers))

    def _standing(self, keys: Iterable[_Key]) -> dict[_Key, _Standing]:
        wanted = set(keys)
        if not wanted:
            return {}
        requests = [request for _device_id, request in wanted]
        rows = self._database.rows(
            "standing_deliveries",
            self._database.each({columns.signed(device_id) for device_id, _request in wanted}),
            min(requests),
            max(requests),
        )
        found = {
            (columns.unsigned(device_id), request): (state, reason, last_entry)
            for device_id, request, state, reason, last_entry in rows
        }
        return {key: found[key] for key in wanted & found.keys()}

    def _count(self, before: dict[_Key, _Standing], after: dict[_Key, Delivery]) -> None:
        change = Counter((row.request, row.state, row.reason) for row in after.values())
        change.subtract(
            (request, state, reason)
            for (_device_id, request), (state, reason, _last) in before.items()
        )
        # In one order everywhere, so that two writers never wait for each other's counts.
        changes = sorted(change.items())
        more = [(*place, devices) for place, devices in changes if devices > 0]
        fewer = [(-devices, *place) for place, devices in changes if devices < 0]
        self._database.change_each("count_more", more)
        self._database.change_each("count_fewer", fewer)


def _key(entry: JournalEntry) -> _Key:
    key = (entry.device_id, entry.request)
    if entry.delivery is not None and (entry.delivery.device_id, entry.delivery.request) != key:
        raise LocalError(f"the entry {entry.event!r} carries the delivery of another entry")
    return key


def _chain(entries: Sequence[JournalEntry], heads: dict[_Key, int], number: int) -> Iterable[Row]:
    """Number the entries and link those of one delivery; `heads` ends at the newest of each."""
    for this, entry in enumerate(entries, number):
        if entry.delivery is None:
            yield columns.entry_row(entry, this, 0)
            continue
        key = (entry.device_id, entry.request)
        yield columns.entry_row(entry, this, heads.get(key, 0))
        heads[key] = this


def _rows_after(after: dict[_Key, Delivery], heads: dict[_Key, int]) -> list[Row]:
    # What ends comes before what begins: a device may go from one live delivery to another. Then
    # in order of the primary key, so that neighbours in the file are written together.
    ordered = sorted(after.items(), key=lambda item: (item[1].live, item[0]))
    return [columns.delivery_row(row, heads[key]) for key, row in ordered]
