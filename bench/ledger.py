"""How many events a second the ledger takes in, durably, on SQLite and on PostgreSQL.

One event is what an alert of a device costs: the message taken in once, the live delivery of its
device read, an entry in the journal, the delivery and the counts moved, and for one event in five
a message into the outbox. Every event is of another device, in no order, and one in five ends the
delivery.

Compared with the same statements with the same parameters given to the driver bare, on a copy of
the same database: what values and rules cost is the difference. The two take turns. The server of
PostgreSQL runs on the same machine.

`python -m bench.ledger DEVICES FOLDER` measures a SQLite ledger of that many deliveries, and how
long a process needs to open it.
"""

import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import psycopg
from tests import postgresql as postgresql_server

from hanota.ledger import Ledger, postgresql, sqlite
from hanota.ledger.arrays import ARRAYS, register
from hanota.ledger.database import Database
from hanota.ledger.texts import ROWS, queries
from hanota.ledger.urls import connect
from hanota.model import Milestone, Outcome, RequestID
from hanota.rows import Delivery, JournalEntry, MessageKey, Outgoing, RequestRow

DEVICES = 200_000
BATCHES = 40
WARM_UP = 10  # batches that are not counted: caches fill, a server logs pages that it first touches
EVENTS = 1_000
EVENTS_MAX = 600_000
FILL_EVENTS = 5_000
DEVICES_A_REQUEST = 50_000
SUPPLIER, ACB = 0x90B3D51F30010000, 0x90B3D51F30000002
FIRST_DEVICE, STEP = 0x00DB123400000000, 977
ALERT = bytes(142)  # as long as a CCS08 alert
# Of a server that has some memory; all else is as it comes, fsync included.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}

Statement = tuple[str, bool, list[tuple[object, ...]]]  # its name, whether rows were wanted, rows


def figures() -> list[dict[str, object]]:
    """Events per second in batches of 1,000, against the bare statements."""
    found = [_figure("sqlite", "sqlite3", _on_sqlite), _figure("postgresql", "psycopg", _on_server)]
    return [figure for figure in found if figure is not None]


def _figure(name: str, driver: str, place: Callable[[], "_Places"]) -> dict[str, object] | None:
    try:
        with place() as places:
            ours, bare = _Bench(places, DEVICES).events_per_second(BATCHES, EVENTS)
    except postgresql_server.CannotStartError as error:
        print(f"no figure for {name}: {error}")
        return None
    return {
        "name": f"ledger_{name}_events",
        "value": ours,
        "unit": "events/s",
        "reference": f"{driver}: the same statements bare",
        "reference_value": bare,
        "ratio": ours / bare,
    }


class _Places:
    """Where the ledger is that is measured, and how a copy of it takes statements bare."""

    def __init__(self, url: str, copy: Callable[[], Callable[[list[Statement]], None]]) -> None:
        self.url, self.copy = url, copy


@contextmanager
def _on_sqlite() -> Iterator[_Places]:
    with tempfile.TemporaryDirectory() as folder:
        yield _files(Path(folder))


def _files(folder: Path) -> _Places:
    measured, bare = folder / "measured.db", folder / "bare.db"

    def copy() -> Callable[[list[Statement]], None]:
        shutil.copy(measured, bare)
        connection = sqlite3.connect(bare, isolation_level=None)
        for pragma in sqlite.PRAGMAS:
            connection.execute(pragma)
        return lambda statements: _replay_on_sqlite(connection, statements)

    return _Places(f"sqlite:///{measured}", copy)


@contextmanager
def _on_server() -> Iterator[_Places]:
    with postgresql_server.started(SERVER, on_disk=True) as server:
        url = server.new_url()

        def copy() -> Callable[[list[Statement]], None]:
            with psycopg.connect(server.base_url, autocommit=True) as connection:
                connection.execute("CREATE DATABASE bare TEMPLATE postgres")
            connection = psycopg.connect(
                url.replace("/postgres?", "/bare?"),
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
            )
            register(connection)
            connection.prepare_threshold = 0
            for setting in postgresql.SETTINGS:
                connection.execute(setting, prepare=False)
            return lambda statements: _replay_on_server(connection, statements)

        yield _Places(url, copy)


class _Bench:
    """Two copies of a ledger with one live delivery for each of its devices.

    One is measured and keeps the statements that it is given; the other takes them bare.
    """

    def __init__(self, places: _Places, devices: int) -> None:
        with Ledger.open(places.url, owner="dcc") as ledger:
            _fill(ledger, devices)
        self._replay = places.copy()
        self._url = places.url
        self._order = random.Random(1).sample(range(devices), min(devices, EVENTS_MAX))

    def events_per_second(self, batches: int, events: int) -> tuple[float, float]:
        """Of the ledger, and of its statements run bare; each device has an event at most once."""
        ours = bare = 0.0
        with closing(_Recorder(connect(self._url, may_make=False))) as recorder:
            recorder.tune()
            for batch in range(-WARM_UP, batches):
                device_ids = [_device_id(self._order.pop()) for _event in range(events)]
                started = time.perf_counter()
                _take_in(Ledger(recorder), device_ids)
                between = time.perf_counter()
                self._replay(recorder.taken())
                if batch >= 0:
                    ours += between - started
                    bare += time.perf_counter() - between
        return batches * events / ours, batches * events / bare


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


class _Recorder(Database):
    """A database that also keeps what it was asked: statements with all their parameters."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.location = database.location
        self._taken: list[Statement] = []

    def taken(self) -> list[Statement]:
        """What was asked since the last time."""
        taken, self._taken = self._taken, []
        return taken

    def rows(self, name, *parameters):
        self._taken.append((name, True, [parameters]))
        return self._database.rows(name, *parameters)

    def each_row(self, name, *parameters):
        self._taken.append((name, True, [parameters]))
        return self._database.each_row(name, *parameters)

    def change(self, name, *parameters):
        self._taken.append((name, True, [parameters]))
        return self._database.change(name, *parameters)

    def change_each(self, name, rows):
        self._database.change_each(name, self._keep(name, rows))

    def put_new(self, name, rows):
        return self._database.put_new(name, self._keep(name, rows))

    def _keep(self, name, rows):
        rows = list(rows)
        self._taken.append((name, False, rows))
        return rows

    def close(self):
        self._database.close()

    def tables(self):
        return self._database.tables()

    def tune(self):
        self._database.tune()

    def transaction(self, *, writing, whole=False):
        return self._database.transaction(writing=writing, whole=whole)

    def part(self):
        return self._database.part()

    def build(self, statements):
        self._database.build(statements)

    def select(self, statement, parameters):
        return self._database.select(statement, parameters)

    def each(self, ids):
        return self._database.each(ids)

    def damages(self):
        return self._database.damages()


def _replay_on_sqlite(bare: sqlite3.Connection, statements: Iterable[Statement]) -> None:
    bare.execute("BEGIN IMMEDIATE")
    for name, wanted, rows in statements:
        text, _returning, _columns = sqlite.spell(queries()[name]).partition(" RETURNING")
        if wanted:
            bare.execute(sqlite.spell(queries()[name]), rows[0]).fetchall()
        else:
            bare.executemany(text, rows)
    bare.execute("COMMIT")


def _replay_on_server(
    bare: "psycopg.Connection[tuple[object, ...]]", statements: Iterable[Statement]
) -> None:
    bare.execute("BEGIN", prepare=False)
    for name, wanted, rows in statements:
        text = postgresql.spell(queries()[name])
        if not wanted and (kinds := ROWS.search(queries()[name])):
            if rows:
                columns = zip(kinds[1], zip(*rows, strict=True), strict=True)
                bare.execute(text, [ARRAYS[kind](column) for kind, column in columns], binary=True)
        elif wanted:
            cursor = bare.execute(text, rows[0], binary=True)
            if cursor.description:
                cursor.fetchall()
        else:
            bare.cursor().executemany(text, rows)
    bare.execute("COMMIT", prepare=False)


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


# What a process does before its first batch, once its modules are there.
_RESTART = """
import sys, time
from hanota.ledger import Ledger
started = time.perf_counter()
with Ledger.open(sys.argv[1], owner="dcc") as ledger, ledger.batch() as batch:
    batch.next_deadline_ms()
    batch.due(1 << 62, 5_000)
    batch.outbox(1 << 62, 5_000)
print(time.perf_counter() - started)
"""


def _restart_s(url: str) -> float:
    told = subprocess.check_output([sys.executable, "-c", _RESTART, url], text=True)
    return float(told)


def _main(devices: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    places = _files(folder)
    bench = _Bench(places, devices)
    print(f"{devices:,} deliveries, filled and copied in {time.perf_counter() - started:,.0f} s")
    print(f"opened with all of them live in {_restart_s(places.url):.2f} s")
    for events in (1_000, 5_000):
        batches = min(200_000, devices // 3) // events - WARM_UP
        ours, bare = bench.events_per_second(batches, events)
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"batches of {events:,}: {ours:,.0f} events/s, bare {bare:,.0f}, "
            f"ratio {ours / bare:.2f}, at most {resident} MiB resident"
        )


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
