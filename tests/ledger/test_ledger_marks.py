"""A ledger that was put back to an earlier state is recognised, and refused until accepted."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.ledger.examples import device, request
from tests.vectors import ROOT

from hanota.errors import LocalError
from hanota.ledger import ConflictError, Ledger, accept_restored
from hanota.limits import LEDGER_EPOCH_VALUES

OPEN = Path("/proc/self/fd")
TABLES = ("meta", "counter", "request", "device", "journal", "delivery", "delivery_count")


@pytest.fixture
def marks(tmp_path):
    return tmp_path / "elsewhere" / "marks"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """A place for a ledger that can be backed up and put back."""
    if request.param == "sqlite":
        return File(tmp_path)
    return Schema(request.getfixturevalue("postgresql_server"))


class File:
    def __init__(self, folder):
        self._path, self._backup = folder / "ledger.db", folder / "backup.db"
        self.url = f"sqlite:///{self._path}"

    def back_up(self):
        with (
            closing(sqlite3.connect(self._path)) as source,
            closing(sqlite3.connect(self._backup)) as copy,
        ):
            source.backup(copy)

    def restore(self):
        shutil.copy(self._backup, self._path)


class Schema:
    """A copy of each row, for a backup: what pg_dump and pg_restore would do takes longer."""

    def __init__(self, server):
        self.url = server.new_url()

    def back_up(self):
        self._run("CREATE TABLE backup_{0} AS TABLE {0}")

    def restore(self):
        self._run("DELETE FROM {0}")
        self._run("INSERT INTO {0} TABLE backup_{0}")

    def _run(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for table in TABLES:
                connection.execute(statement.format(table))


def take(url, marks):
    """What a process does each time that it starts."""
    with Ledger.open(url, owner="dcc", marks=marks) as ledger, ledger.batch() as batch:
        return batch.next_counter("request-id")


def test_a_restored_backup_is_refused_until_it_is_accepted(place, marks):
    assert take(place.url, marks) == 1
    place.back_up()
    assert [take(place.url, marks) for _start in range(3)] == [2, 3, 4]
    place.restore()
    for _attempt in range(2):
        with pytest.raises(LocalError, match=r"restored backup.*accept-restored"):
            Ledger.open(place.url, owner="dcc", marks=marks)
    assert accept_restored(place.url, marks) == 2
    given = take(place.url, marks)
    assert given > 4 + 1_000_000
    assert take(place.url, marks) == given + 1
    with Ledger.open(place.url) as ledger:
        assert ledger.verify() == []


def test_a_backup_is_recognised_by_one_batch_of_a_process_that_never_stopped(place, marks):
    with Ledger.open(place.url, owner="dcc", marks=marks) as ledger:
        with ledger.batch() as batch:
            batch.put_request(request(1))
        place.back_up()
        with ledger.batch() as batch:
            batch.put_devices([device(1)])
    place.restore()
    with pytest.raises(LocalError, match="restored backup"):
        Ledger.open(place.url, owner="dcc", marks=marks)


def test_the_same_backup_restored_once_more(place, marks):
    take(place.url, marks)
    place.back_up()
    taken = {take(place.url, marks)}
    for epoch in (2, 3, 4):
        place.restore()
        assert accept_restored(place.url, marks) == epoch
        given = {take(place.url, marks) for _start in range(2)}
        assert taken.isdisjoint(given)
        taken |= given


def test_a_backup_that_is_as_new_as_the_ledger_is_no_fault(place, marks):
    take(place.url, marks)
    place.back_up()
    place.restore()
    assert take(place.url, marks) == 2
    with pytest.raises(LocalError, match="nothing to accept"):
        accept_restored(place.url, marks)


def test_other_ledgers_have_marks_of_their_own(tmp_path, marks):
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in "ab"]
    for _start in range(3):
        take(urls[0], marks)
    assert take(urls[1], marks) == 1
    assert len(list(marks.iterdir())) == 2


def test_a_batch_that_is_undone_leaves_the_mark(place, marks):
    with Ledger.open(place.url, owner="dcc", marks=marks) as ledger:
        (mark,) = marks.iterdir()
        before = mark.read_bytes()
        with pytest.raises(ConflictError), ledger.batch() as batch:
            list(map(batch.put_request, [request(1), request(1)]))
        assert mark.read_bytes() == before
        with ledger.batch():
            pass
        assert mark.read_bytes() != before


@pytest.mark.parametrize("octets", [b"\n", b"1 2\n", b"x" * 42, b"0" * 41 + b"\n", b"1" * 99])
def test_a_mark_that_is_none(place, marks, octets):
    take(place.url, marks)
    (mark,) = marks.iterdir()
    mark.write_bytes(octets)
    with pytest.raises(LocalError, match="is no mark of a ledger"):
        Ledger.open(place.url, owner="dcc", marks=marks)


def test_a_folder_of_marks_that_cannot_be(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot keep the mark"):
        Ledger.open(place.url, owner="dcc", marks=tmp_path / "file")


WRITER = """
import sys
from pathlib import Path
from hanota.ledger import Ledger
with Ledger.open(sys.argv[1], owner="dcc", marks=Path(sys.argv[2])) as ledger:
    while True:
        with ledger.batch() as batch:
            print(batch.next_counter("request-id"), flush=True)
"""


def test_a_kill_at_any_moment_is_no_restored_backup(place, marks):
    for _kill in range(3):
        command = [sys.executable, "-c", WRITER, place.url, str(marks)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
            for _acknowledged in range(20):
                writer.stdout.readline()
            writer.kill()
        take(place.url, marks)


def test_open_files_are_closed(place, marks):
    before = len(list(OPEN.iterdir()))
    take(place.url, marks)
    assert len(list(OPEN.iterdir())) == before


def test_counters_leave_room_for_many_epochs():
    assert (1 << 63) // LEDGER_EPOCH_VALUES > 1_000_000
