"""What can be asked of a ledger inside one transaction.

Everything goes by many: ids in, rows out. Where a result comes in pages, `after` is where the
page before ended. Pages of devices follow the ledger's own order of ids.
"""

from collections.abc import Iterable, Iterator

from hanota.ledger import columns
from hanota.ledger.campaigns import CampaignView
from hanota.ledger.columns import Row
from hanota.ledger.database import Database
from hanota.limits import LATEST_MS
from hanota.model import RequestID
from hanota.rows import (
    Command,
    Delivery,
    Device,
    JournalEntry,
    MessageKey,
    Outgoing,
    ProductEntry,
    RequestRow,
    Untaken,
)

_NOTHING_BEFORE = (-1, 0)


class View(CampaignView):
    """A ledger as it stands at one moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def devices(self, device_ids: Iterable[int]) -> dict[int, Device]:
        """The devices that the inventory has of these, by id."""
        found = self._rows_of("devices", device_ids)
        return {device.device_id: device for device in map(columns.device, found)}

    def devices_behind(self, hub_ids: Iterable[int]) -> dict[int, list[Device]]:
        """The devices of the homes of these hubs, hubs included, by hub."""
        homes: dict[int, list[Device]] = {}
        for device in map(columns.device, self._rows_of("devices_behind", hub_ids)):
            homes.setdefault(device.hub_id, []).append(device)
        return homes

    def devices_by_page(self, limit: int) -> Iterator[list[Device]]:
        """The whole inventory in pages of at most `limit` devices."""
        after = 0
        while rows := self._page("devices_from", after=after, limit=limit):
            page = [columns.device(row) for row in rows]
            yield page
            after = page[-1].device_id

    def device_count(self) -> int:
        """How many devices the inventory has; counted, so not for every batch."""
        return self._number("device_count")

    def live_deliveries(self, device_ids: Iterable[int]) -> dict[int, Delivery]:
        """The live delivery of each of these devices that has one, by device."""
        return self._by_device("live_deliveries", device_ids)

    def last_deliveries(self, device_ids: Iterable[int]) -> dict[int, Delivery]:
        """What evidence about these devices belongs to, by device.

        The live delivery; else the one of the newest request that did not leave the device out;
        else the newest of those that did.
        """
        return self._by_device("last_deliveries", device_ids)

    def deliveries_in(self, state: str, device_ids: Iterable[int]) -> list[Delivery]:
        """The deliveries of these devices that are in this state, a device's in order of request.

        A device may have several, and older ones than the one that it has now.
        """
        devices = self._database.each(map(columns.signed, device_ids))
        return list(map(self._delivery, self._database.rows("deliveries_in_state", devices, state)))

    def delivery(self, device_id: int, request: int) -> Delivery | None:
        """The delivery of one device in the request of this number."""
        row = self._database.row("delivery", columns.signed(device_id), request)
        return None if row is None else self._delivery(row)

    def deliveries(self, request: int, *, after: int = 0, limit: int) -> list[Delivery]:
        """At most `limit` deliveries of a request, from behind device `after` (0: the start)."""
        rows = self._page("deliveries_of_request", request, after=after, limit=limit)
        return [self._delivery(row) for row in rows]

    def deliveries_by_page(self, limit: int) -> Iterator[list[Delivery]]:
        """Every delivery, in pages of at most `limit`, by device and request."""
        after = (columns.LOWEST, -1)
        while rows := self._database.rows("deliveries_from", *after, limit):
            yield list(map(self._delivery, rows))
            after = rows[-1][:2]

    def journal_by_page(self, limit: int) -> Iterator[list[tuple[int, JournalEntry]]]:
        """Every journal entry with its number, in pages of at most `limit`."""
        after = 0
        while rows := self._database.rows("journal_from", after, limit):
            yield [(number, columns.entry(row)) for number, *row in rows]
            after = rows[-1][0]

    def due(self, now_ms: int, limit: int) -> list[Delivery]:
        """Live deliveries whose `due_ms` has come, the longest due first, at most `limit`."""
        return [self._delivery(row) for row in self._database.rows("due", now_ms, limit)]

    def commands(self, keys: Iterable[MessageKey]) -> dict[MessageKey, Command]:
        """The commands that have these headers, by header."""
        wanted = {columns.command_key(key): key for key in keys}
        every_field = map(self._database.each, zip(*wanted, strict=True))
        rows = self._database.rows("commands", *every_field) if wanted else []
        return {wanted[row[:3]]: columns.command(row) for row in rows if row[:3] in wanted}

    def live_commands(self, device_ids: Iterable[int]) -> list[Command]:
        """The commands of these devices of which something is still expected."""
        return [columns.command(row) for row in self._rows_of("live_commands", device_ids)]

    def due_commands(self, now_ms: int, limit: int) -> list[Command]:
        """Live commands whose `due_ms` has come, the longest due first, at most `limit`."""
        return [columns.command(row) for row in self._database.rows("due_commands", now_ms, limit)]

    def counts(self, request: int) -> dict[tuple[str, str], int]:
        """How many devices of a request are in each (state, reason) that has any."""
        rows = self._database.rows("counts", request)
        return {(state, reason): devices for state, reason, devices in rows}

    def timeline(self, device_id: int, limit: int) -> list[JournalEntry]:
        """The newest `limit` entries about one device, the oldest of them first."""
        key = columns.signed(device_id)
        rows = self._database.rows("timeline", key, key, limit)
        return [columns.entry(row) for row in reversed(rows)]

    def request(self, request_id: RequestID, command_variant: int) -> RequestRow | None:
        """The request under this RequestID with this command variant."""
        row = self._database.row("request", *columns.request_key(request_id, command_variant))
        return None if row is None else columns.request(row)

    def requests_under(self, request_id: RequestID) -> list[RequestRow]:
        """The requests under this RequestID, one a command variant."""
        key = columns.request_id_key(request_id)
        return [columns.request(row) for row in self._database.rows("requests_under", *key)]

    def requests_since(
        self, user_id: int, service_reference: str, command_variant: int, since_ms: int, most: int
    ) -> int:
        """How many requests of this kind of this user came after `since_ms`, counted up to `most`.

        Those that are held back do not count.
        """
        kind = (columns.signed(user_id), service_reference, command_variant)
        ((number,),) = self._database.rows("requests_since", *kind, since_ms, most)
        return int(number)

    def quarantined(self, *, after: int = 0, limit: int) -> list[RequestRow]:
        """At most `limit` requests that are held back, from behind the one of number `after`."""
        rows = self._database.rows("quarantined", after, limit)
        return [columns.request(row) for row in rows]

    def quarantined_octets(self, number: int) -> bytes | None:
        """What a request asks for that is held back, None where it is not."""
        row = self._database.row("quarantined_octets", number)
        return None if row is None else row[0]

    def products(self) -> list[ProductEntry]:
        """The Central Products List, in order of recording."""
        return [columns.product(row) for row in self._database.rows("products")]

    def requests(self, numbers: Iterable[int]) -> dict[int, RequestRow]:
        """The requests that the ledger has of these, by number."""
        found = self._database.rows("requests", self._database.each(numbers))
        return {request.number: request for request in map(columns.request, found)}

    def image(self, sha256: bytes) -> bytes | None:
        """The OTA file with this SHA-256."""
        row = self._database.row("image", sha256)
        return None if row is None else row[0]

    def outbox(self, now_ms: int, limit: int, after: Outgoing | None = None) -> list[Outgoing]:
        """At most `limit` messages that may be sent by `now_ms`, from behind `after`.

        In order of the instant from which they may be sent, then of recording. One that is about a
        device waits while an earlier one about it waits for the same receiver.
        """
        rows = self._database.rows("outbox", now_ms, *_place(after), limit)
        return [columns.outgoing(row) for row in rows]

    def outbox_for(
        self, receiver: int, now_ms: int, limit: int, after: Outgoing | None = None
    ) -> list[Outgoing]:
        """As `outbox`, for one receiver."""
        rows = self._database.rows(
            "outbox_for", columns.signed(receiver), now_ms, *_place(after), limit
        )
        return [columns.outgoing(row) for row in rows]

    def waiting(self, receiver: int, *, after: int = 0, limit: int) -> list[Outgoing]:
        """At most `limit` messages for one receiver, due or not, from behind number `after`."""
        rows = self._database.rows("outbox_of", columns.signed(receiver), after, limit)
        return [columns.outgoing(row) for row in rows]

    def untaken(self, *, after: int = 0, limit: int) -> list[Untaken]:
        """At most `limit` messages that left the outbox untaken, from behind number `after`."""
        return [columns.untaken(row) for row in self._database.rows("untaken", after, limit)]

    def next_deadline_ms(self) -> int | None:
        """When the next live delivery or live command is due; None for never."""
        waiting = [delivery.due_ms for delivery in self.due(LATEST_MS, 1)]
        waiting += [command.due_ms for command in self.due_commands(LATEST_MS, 1)]
        return min((at_ms for at_ms in waiting if at_ms is not None), default=None)

    def last_ms(self) -> int:
        """When the newest journal entry was made, 0 where there is none."""
        return self._number("last_instant")

    def outbox_depth(self) -> int:
        """How many messages wait, due or not; counted."""
        return self._number("outbox_depth")

    def _delivery(self, row: Row) -> Delivery:
        return columns.delivery(row)

    def _rows_of(self, name: str, device_ids: Iterable[int]) -> Iterator[Row]:
        return self._database.each_row(name, self._database.each(map(columns.signed, device_ids)))

    def _page(self, name: str, *leading: int, after: int, limit: int) -> list[Row]:
        # No device has the id 0, so it stands for the start.
        first = columns.signed(after) + 1 if after else columns.LOWEST
        return self._database.rows(name, *leading, first, limit) if first <= columns.HIGHEST else []

    def _by_device(self, name: str, device_ids: Iterable[int]) -> dict[int, Delivery]:
        found = map(self._delivery, self._rows_of(name, device_ids))
        return {delivery.device_id: delivery for delivery in found}

    def _number(self, name: str) -> int:
        (number,) = self._database.rows(name)[0]
        return int(number)


def _place(after: Outgoing | None) -> tuple[int, int]:
    return _NOTHING_BEFORE if after is None else (after.due_ms, after.number)
