"""Entries of the journal, and the deliveries and counts that they move: one call writes all three.

The journal numbers its entries as they come. Those that changed one delivery are a chain that
begins at its row (docs/adr/0003).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from hanota.errors import LocalError
from hanota.ledger import columns
from hanota.ledger.campaigns import CampaignBatch, Follower
from hanota.ledger.columns import Row
from hanota.ledger.database import Database
from hanota.ledger.view import View
from hanota.limits import DELIVERIES_KEPT_MAX
from hanota.rows import Delivery, JournalEntry

_Key = tuple[int, int]  # device_id and request of a delivery
_Standing = tuple[Delivery, int]  # a delivery, and the number of its newest entry


class Recording(CampaignBatch, View):
    """The part of a batch that records what happened."""

    def __init__(self, database: Database, follower: Follower | None = None) -> None:
        super().__init__(database)
        self._follower = follower
        # What was read or written here stays true to the end: nobody else writes meanwhile.
        self._standing: dict[_Key, _Standing] = {}

    def record(self, entries: Iterable[JournalEntry]) -> None:
        """Journal what happened; deliveries and counts follow.

        An entry with a delivery says how that delivery stands afterwards; it is of the same
        device and request as the entry (LocalError otherwise). Of several entries about one
        delivery the last one stands.
        """
        entries = list(entries)
        if not entries:
            return
        if len(self._standing) > DELIVERIES_KEPT_MAX:
            self._forget()  # of a large request, each delivery is met once
        after = {_key(entry): entry.delivery for entry in entries if entry.delivery is not None}
        before = self._standing_of(after)
        heads = {key: last_entry for key, (_delivery, last_entry) in before.items()}
        (last,) = self._database.rows("last_entry")[0]
        self._database.change_each("add_entry", _chain(entries, heads, last + 1))
        put, moved = _rows_after(before, after, heads)
        self._database.change_each("put_delivery", put)
        self._database.change_each("move_delivery", moved)
        self._standing |= {key: (row, heads[key]) for key, row in after.items()}
        self._count_deliveries(before, after)
        if self._follower is not None:
            self._follower(
                self,
                [
                    row
                    for key, row in after.items()
                    if key not in before or _place(before[key][0]) != _place(row)
                ],
            )

    def _forget(self) -> None:
        """Read anew what is asked for again."""
        self._standing.clear()

    def _delivery(self, row: Row) -> Delivery:
        delivery = columns.delivery(row)
        self._standing[delivery.device_id, delivery.request] = (delivery, row[-1])
        return delivery

    def _standing_of(self, keys: Iterable[_Key]) -> dict[_Key, _Standing]:
        keys = set(keys)
        self._read_standing(keys - self._standing.keys())
        return {key: self._standing[key] for key in keys & self._standing.keys()}

    def _read_standing(self, unread: set[_Key]) -> None:
        if not unread:
            return
        devices = {columns.signed(device_id) for device_id, _request in unread}
        requests = [request for _device_id, request in unread]
        for row in self._database.rows(
            "standing_deliveries", self._database.each(devices), min(requests), max(requests)
        ):
            self._delivery(row)

    def _count_deliveries(self, before: dict[_Key, _Standing], after: dict[_Key, Delivery]) -> None:
        change = Counter(map(_place, after.values()))
        change.subtract(_place(row) for row, _last_entry in before.values())
        # In order of the primary key.
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


def _place(delivery: Delivery) -> tuple[int, str, str]:
    return delivery.request, str(delivery.state), str(delivery.reason)


def _chain(entries: Sequence[JournalEntry], heads: dict[_Key, int], number: int) -> Iterable[Row]:
    """Number the entries and link those of one delivery; `heads` ends at the newest of each."""
    for this, entry in enumerate(entries, number):
        if entry.delivery is None:
            yield columns.entry_row(entry, this, 0)
            continue
        key = (entry.device_id, entry.request)
        yield columns.entry_row(entry, this, heads.get(key, 0))
        heads[key] = this


def _rows_after(
    before: dict[_Key, _Standing], after: dict[_Key, Delivery], heads: dict[_Key, int]
) -> tuple[list[Row], list[Row]]:
    """The rows to put, and those to move: of these no index changes, and none is written."""
    put: list[Row] = []
    moved: list[Row] = []
    # What ends comes before what begins: a device may go from one live delivery to another. Then
    # in order of the primary key, so that neighbours in the file are written together.
    for key, row in sorted(after.items(), key=lambda item: (item[1].live, item[0])):
        was = before.get(key)
        stays = was is not None and (was[0].live, was[0].due_ms) == (row.live, row.due_ms)
        (moved if stays else put).append(columns.delivery_row(row, heads[key]))
    return put, moved
