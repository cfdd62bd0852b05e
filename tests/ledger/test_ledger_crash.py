"""Whatever stops a batch, wherever: all of it is in the ledger, or nothing."""

import hashlib
import shutil
import subprocess
import sys
from itertools import count

from tests.ledger.databases import contents
from tests.ledger.examples import delivery, device, entry, outgoing, request, without_change
from tests.vectors import ROOT

from hanota.errors import LocalError
from hanota.ledger import Ledger
from hanota.model import Milestone, Outcome
from hanota.rows import MessageKey

# What a ledger is (meta) comes first: its id is another each time.
TABLES = ("meta", "device", "image", "request", "journal", "delivery", "delivery_count", "seen")
TABLES += ("outbox", "counter")
IMAGE = b"image"


def begin(ledger):
    with ledger.batch() as batch:
        batch.put_request(request(1))
        batch.record(entry(delivery(one, 1)) for one in (1, 2, 3))
        batch.post([outgoing(b"first"), outgoing(b"second")])
        batch.next_counter("request-id")


def change_everything(batch):
    """One call of every method that writes."""
    batch.unseen(MessageKey(one, 9, 3, 1) for one in (1, 2, 3))
    batch.put_devices(map(device, (1, 2)))
    batch.put_image(hashlib.sha256(IMAGE).digest(), IMAGE)
    number = batch.put_request(request(2)).number
    batch.set_answer(number, b"answer")
    batch.record(
        [
            entry(delivery(1, 1, Outcome.UPDATED)),
            entry(delivery(2, 1, Milestone.DELIVERED)),
            entry(delivery(1, number)),
            without_change(3, 1),
        ]
    )
    batch.settle([1])
    batch.postpone([2], 50)
    batch.post([outgoing(b"third")])
    batch.next_counter("request-id")


class PowerCut(BaseException):
    """What no code of ours catches."""


def interrupt(connection, last: int):
    """Let the database take `last` of its own steps, then interrupt what it does, once."""
    steps = count()
    connection.set_progress_handler(lambda: next(steps) == last, 1)


def changed():
    """What a ledger holds whose batch nobody has cut."""
    with Ledger.open("sqlite://", owner="dcc") as ledger:
        begin(ledger)
        with ledger.batch() as batch:
            change_everything(batch)
        return contents(ledger, TABLES[1:])


def test_a_batch_cut_at_any_step_of_the_database_leaves_nothing():
    with Ledger.open("sqlite://", owner="dcc") as ledger:
        begin(ledger)
        connection = ledger._database._connection
        before = contents(ledger, TABLES)
        for last in range(0, 100_000, 7):
            interrupt(connection, last)
            try:
                with ledger.batch() as batch:
                    change_everything(batch)
                break
            except LocalError as error:
                fault = str(error)
            finally:
                connection.set_progress_handler(None, 0)
            assert fault.endswith("interrupted")
            if contents(ledger, TABLES) != before:
                break  # the interrupt came when COMMIT had done all
        assert last > 1_000
        assert contents(ledger, TABLES[1:]) == changed()
        assert ledger.verify() == []


class Counting:
    """A connection or cursor that fails instead of running one statement more than `last`."""

    def __init__(self, real, last, run):
        self._real, self._last, self.run = real, last, run

    def execute(self, statement, *parameters, **options):
        self._count(statement)
        return self._real.execute(statement, *parameters, **options)

    def executemany(self, statement, rows):
        self._count(statement)
        return self._real.executemany(statement, rows)

    def cursor(self):
        return Counting(self._real.cursor(), self._last, self.run)

    def __getattr__(self, name):
        return getattr(self._real, name)

    def _count(self, statement):
        if len(self.run) == self._last and statement != "ROLLBACK":
            raise PowerCut
        self.run.append(statement)


def test_a_batch_cut_before_any_statement_leaves_nothing(ledger):
    begin(ledger)
    database, connection = ledger._database, ledger._database._connection
    before = contents(ledger, TABLES)
    for last in range(1_000):
        database._connection = Counting(connection, last, run=[])
        try:
            with ledger.batch() as batch:
                change_everything(batch)
            break
        except PowerCut:
            run = database._connection.run
        finally:
            database._connection = connection
        assert contents(ledger, TABLES) == before, f"cut after {run}"
    assert last > 15
    assert contents(ledger, TABLES) != before
    assert ledger.verify() == []


def test_a_file_taken_from_a_batch_under_way_has_nothing_of_it(tmp_path, file_url):
    """As a disk is found after a cut of power: the file and its log, without the process."""
    with Ledger.open(file_url, owner="dcc") as ledger:
        begin(ledger)
        ledger._database._connection.execute("PRAGMA cache_size = 1")  # spill before the commit
        before = contents(ledger, TABLES)
        with ledger.batch() as batch:
            change_everything(batch)
            batch.put_devices(map(device, range(1, 5_000)))
            for name in ("ledger.db", "ledger.db-wal"):
                shutil.copy(tmp_path / name, tmp_path / name.replace("ledger", "found"))
        assert (tmp_path / "found.db-wal").stat().st_size > 100_000
    with Ledger.open(f"sqlite:///{tmp_path}/found.db") as found:
        assert contents(found, TABLES) == before
        assert found.verify() == []


WRITER = """
import sys
from hanota.ledger import Ledger
from hanota.rows import MessageKey
from tests.ledger.databases import contents
from tests.ledger.examples import delivery, entry, request
ledger = Ledger.open(sys.argv[1], owner="dcc")
for number in range(1, 1_000_000):
    with ledger.batch() as batch:
        batch.put_request(request(number))
        batch.record(entry(delivery(device, number, live=False)) for device in range(1, 200))
        batch.unseen(MessageKey(device, 9, 3, number) for device in range(1, 200))
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(lasting):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, lasting.url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with writer:
        for _acknowledged in range(5):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged += len(writer.stdout.read().split())
    with Ledger.open(lasting.url) as ledger:
        with ledger.batch():  # the server has noticed that the writer is gone
            pass
        assert ledger.verify() == []
    ((requests,),) = lasting.ask("SELECT count(*) FROM request")
    ((seen,),) = lasting.ask("SELECT count(*) FROM seen")
    ((deliveries,),) = lasting.ask("SELECT count(*) FROM delivery")
    assert acknowledged <= requests <= acknowledged + 1
    assert seen == deliveries == requests * 199
