"""How many events a second the ledger takes in, durably, on SQLite.

One event is what an alert of a device costs: the message taken in once, the live delivery of its
device read, an entry in the journal, the delivery and the counts moved, and for one event in five
a message into the outbox. Every event is of another device, in no order, and one in five ends the
delivery.

Compared with the same statements with the same parameters given to `sqlite3` bare, on a copy of
the same file: what values and rules cost is the difference. The two take turns.

`python -m bench.ledger DEVICES FOLDER` measures a ledger of that many deliveries.
"""

import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from hanota.ledger import Ledger
from hanota.ledger.sqlite import PRAGMAS, SQLite, spell
from hanota.ledger.texts import queries
from hanota.model import Milestone, Outcome, RequestID
from hanota.rows import Delivery, JournalEntry, MessageKey, Outgoing, RequestRow

DEVICES = 200_000
BATCHES = 40
EVENTS = 1_000
EVENTS_MAX = 600_000
FILL_EVENTS = 5_000
DEVICES_A_REQUEST = 50_000
SUPPLIER, ACB = 0x90B3D51F30010000, 0x90B3D51F30000002
FIRST_DEVICE, STEP = 0x00DB123400000000, 977
ALERT = bytes(142)  # as long as a CCS08 alert


def figures() -> list[dict[str, object]]:
    """Events per second in batches of 1,000, against the bare statements."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), DEVICES)
        ours, bare = bench.events_per_second(BATCHES, EVENTS)
    return [
        {
            "name": "ledger_sqlite_events",
            "value": ours,
            "unit": "events/s",
            "reference": "sqlite3: the same statements bare",
            "reference_value": bare,
            "ratio": ours / bare,
        }
    ]


class _Bench:
    """Two copies of a ledger with one live delivery for each of its devices.

    One is measured and keeps the statements that it is given; the other takes them bare.
    """

    def __init__(self, folder: Path, devices: int) -> None:
        self._measured, self._bare = folder / "measured.db", folder / "bare.db"
        with Ledger.open(f"sqlite:///{self._measured}", owner="dcc") as ledger:
            _fill(ledger, devices)
        shutil.copy(self._measured, self._bare)
        self._order = random.Random(1).sample(range(devices), min(devices, EVENTS_MAX))

    def events_per_second(self, batches: int, events: int) -> tuple[float, float]:
        """Of the ledger, and of its statements run bare; each device has an event at most once."""
        ours = bare = 0.0
        with (
            closing(_Recorder(str(self._measured))) as recorder,
            closing(sqlite3.connect(self._bare, isolation_level=None)) as connection,
        ):
            recorder.tune()
            for pragma in PRAGMAS:
                connection.execute(pragma)
            for _batch in range(batches):
                device_ids = [_device_id(self._order.pop()) for _event in range(events)]
                started = time.perf_counter()
                _take_in(Ledger(recorder), device_ids)
                between = time.perf_counter()
                _replay(connection, recorder.taken())
                ours += between - started
                bare += time.perf_counter() - between
        return batches * events / ours, batches * events / bare

    def warm(self) -> None:
        """Read both files, so that they lie in memory as those of a running ledger do."""
        for path in (self._measured, self._bare):
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass


def _take_in(ledger: Ledger, device_ids: list[int]) -> None:
    with ledger.batch() as batch:
        unseen = batch.unseen(MessageKey(one, ACB, 3, 2) for one in device_ids)
        live = batch.live_deliveries(device_ids)
        batch.record(
            JournalEntry(1, one, live[one].request, "alert", _moved(live[one]), ALERT)
            for one, new in zip(device_ids, unseen, strict=True)
            if new
        )
        batch.post(Outgoing(0, SUPPLIER, ALERT, 1, 0) for _one in device_ids[::5])


def _moved(delivery: Delivery) -> Delivery:
    if delivery.device_id % 5:
        return msgspec.structs.replace(delivery, state=Milestone.TRANSFERRED, changed_ms=1)
    return msgspec.structs.replace(delivery, state=Outcome.UPDATED, live=False, changed_ms=1)


class _Recorder(SQLite):
    """A database that also keeps what it was asked: statements with all their parameters."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self._taken: list[tuple[str, bool, list[tuple[object, ...]]]] = []

    def taken(self) -> list[tuple[str, bool, list[tuple[object, ...]]]]:
        """(statement, whether its rows were wanted, parameters) since the last time."""
        taken, self._taken = self._taken, []
        return taken

    def rows(self, name, *parameters):
        self._keep(name, [parameters], wanted=True)
        return super().rows(name, *parameters)

    def change_each(self, name, rows):
        super().change_each(name, self._keep(name, list(rows), wanted=False))

    def ask_each(self, name, rows):
        return super().ask_each(name, self._keep(name, list(rows), wanted=False))

    def _keep(self, name, rows, *, wanted):
        statement, _returning, _columns = spell(queries()[name]).partition(" RETURNING")
        self._taken.append((statement, wanted, rows))
        return rows


def _replay(
    bare: sqlite3.Connection, statements: Iterable[tuple[str, bool, list[tuple[object, ...]]]]
) -> None:
    bare.execute("BEGIN IMMEDIATE")
    for statement, wanted, rows in statements:
        if wanted:
            bare.execute(statement, rows[0]).fetchall()
        else:
            bare.executemany(statement, rows)
    bare.execute("COMMIT")


def _fill(ledger: Ledger, devices: int) -> None:
    for first in range(0, devices, FILL_EVENTS):
        few = [_device_id(index) for index in range(first, min(first + FILL_EVENTS, devices))]
        number = first // DEVICES_A_REQUEST + 1
        with ledger.batch() as batch:
            if first % DEVICES_A_REQUEST == 0:
                batch.put_request(_request(number))
            batch.unseen(MessageKey(one, ACB, 3, 1) for one in few)
            batch.record(_accepted(one, number) for one in few)


def _device_id(index: int) -> int:
    return FIRST_DEVICE + STEP * index


def _request(counter: int) -> RequestRow:
    return RequestRow(
        0, RequestID(SUPPLIER, ACB, counter), 8, "11.4", bytes(32), bytes(32), 2, 0, None
    )


def _accepted(device_id: int, request: int) -> JournalEntry:
    state, due_ms = Milestone.ACCEPTED, 9_000_000 + request
    after = Delivery(
        device_id=device_id,
        request=request,
        hub_id=device_id + 1,
        version=2,
        state=state,
        reason="",
        live=True,
        due_ms=due_ms,
        changed_ms=0,
    )
    return JournalEntry(0, device_id, request, "accepted", after, ALERT)


def _main(devices: int, folder: Path) -> None:
    started = time.perf_counter()
    bench = _Bench(folder, devices)
    print(f"{devices:,} deliveries, filled and copied in {time.perf_counter() - started:,.0f} s")
    for events in (1_000, 5_000):
        bench.warm()
        ours, bare = bench.events_per_second(300_000 // events, events)
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"batches of {events:,}: {ours:,.0f} events/s, bare {bare:,.0f}, "
            f"ratio {ours / bare:.2f}, at most {resident} MiB resident"
        )


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
