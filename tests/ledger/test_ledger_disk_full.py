"""A disk that is full: said so, nothing lost, and on it goes when there is room again."""

import subprocess
import sys
from random import Random

import pytest
from tests import postgresql
from tests.ledger.databases import rows, run
from tests.ledger.examples import delivery, entry, request, without_change
from tests.vectors import ROOT, absent

from hanota.errors import LocalError
from hanota.ledger import Ledger
from hanota.rows import JournalEntry

MESSAGE = bytes(range(256)) * 40


def fill(ledger, batches):
    """Batches that are taken before there is no room."""
    for taken in range(batches):
        try:
            with ledger.batch() as batch:
                batch.record(
                    [
                        JournalEntry(taken, 1, 0, "large", None, MESSAGE),
                        entry(delivery(1, 1, changed_ms=taken)),
                    ]
                )
        except LocalError:
            return taken
    raise AssertionError("there was room for all of them")


def is_whole(ledger, taken):
    assert ledger.verify() == []
    with ledger.view() as view:
        entries = view.timeline(1, 1_000_000)
    return len(entries) == 2 * taken


def test_a_file_that_may_not_grow(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", owner="dcc") as ledger:
        with ledger.batch() as batch:
            batch.put_request(request(1))
        ((pages,),) = rows(ledger, "PRAGMA page_count")
        run(ledger, f"PRAGMA max_page_count = {pages + 100}")
        taken = fill(ledger, 1_000)
        assert taken > 3
        assert is_whole(ledger, taken)
        run(ledger, f"PRAGMA max_page_count = {pages + 10_000}")
        with ledger.batch() as batch:
            batch.record([without_change(2)])
        assert is_whole(ledger, taken)


# As much as the system lets a process write into one file: a disk that is full, for it alone.
LIMITED = """
import resource, sys
from hanota.ledger import Ledger
from tests.ledger.test_ledger_disk_full import fill, is_whole
from tests.ledger.examples import request
with Ledger.open(sys.argv[1], owner="dcc") as ledger:
    with ledger.batch() as batch:
        batch.put_request(request(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    taken = fill(ledger, 1_000)
    assert is_whole(ledger, taken)
    print(taken)
"""


def test_a_log_that_may_not_grow(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    told = subprocess.check_output([sys.executable, "-c", LIMITED, url], text=True, cwd=ROOT)
    with Ledger.open(url, owner="dcc") as ledger:
        assert int(told) > 3
        assert is_whole(ledger, int(told))
        with ledger.batch() as batch:
            batch.record([without_change(2)])


@pytest.fixture
def cramped():
    """A server none of whose files may grow beyond 20 MiB; those of its log have 16."""
    try:
        with postgresql.started(file_octets_max=20 << 20) as server:
            yield server
    except postgresql.CannotStartError as error:
        absent(f"PostgreSQL: {error}")


def test_a_server_whose_files_may_not_grow(cramped):
    with Ledger.open(cramped.new_url(), owner="dcc") as ledger:
        with ledger.batch() as batch:
            batch.put_request(request(1))
        taken = put_images(ledger, 100)
        assert taken > 3
        with ledger.batch() as batch:
            assert batch.image(taken.to_bytes(32, "big")) is None
            assert len(batch.timeline(1, 1_000)) == taken
            batch.record([without_change(2)])


def put_images(ledger, images):
    """Images that are taken before there is no room."""
    for taken in range(images):
        octets = Random(taken).randbytes(1 << 20)  # nothing makes them smaller
        try:
            with ledger.batch() as batch:
                batch.record([entry(delivery(1, 1, changed_ms=taken))])
                batch.put_image(taken.to_bytes(32, "big"), octets)
        except LocalError:
            return taken
    raise AssertionError("there was room for all of them")
