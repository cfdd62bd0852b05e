"""Several workers on one ledger: each effect once, whoever is first, hangs or loses its server."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests import postgresql
from tests.ledger.databases import rows, run
from tests.ledger.examples import delivery, device, entry, outgoing, request
from tests.vectors import absent

from hanota.errors import LocalError
from hanota.ledger import ConflictError, Ledger
from hanota.model import Milestone, Outcome
from hanota.rows import MessageKey

WORKERS = 4
DEVICES = range(1, 201)


def at_once(url, work):
    """`work` of several workers at the same time, each with a connection of its own."""

    def worker(number):
        with Ledger.open(url) as ledger:
            return work(ledger, number)

    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(worker, range(WORKERS)))


@pytest.fixture
def url(lasting):
    """Of a ledger with a delivery that is due for each device."""
    with Ledger.open(lasting.url, owner="dcc") as ledger, ledger.batch() as batch:
        number = batch.put_request(request(1)).number
        batch.record(entry(delivery(one, number, due_ms=one)) for one in DEVICES)
    return lasting.url


def test_who_scans_the_same_due_deliveries_acts_on_each_once(url):
    def silence(ledger, _number):
        done = []
        while True:
            with ledger.batch() as batch:
                due = batch.due(1_000, 7)
                batch.record(entry(delivery(one.device_id, 1, Outcome.SILENT)) for one in due)
                batch.post(outgoing(b"read back", device_id=one.device_id) for one in due)
            done += [one.device_id for one in due]
            if not due:
                return done

    done = at_once(url, silence)
    assert sorted(one for each in done for one in each) == list(DEVICES)
    with Ledger.open(url) as ledger:
        with ledger.view() as view:
            assert len(view.outbox(1_000, 1_000)) == len(DEVICES)
            assert view.counts(1) == {("silent", ""): len(DEVICES)}
        assert ledger.verify() == []


def test_a_message_that_reaches_every_worker_is_taken_in_once(url):
    def take_in(ledger, number):
        order = list(DEVICES) if number % 2 else list(reversed(DEVICES))
        taken = 0
        for first in range(0, len(order), 20):
            some = order[first : first + 20]
            with ledger.batch() as batch:
                new = batch.unseen(MessageKey(one, 9, 3, 1) for one in some)
                standing = batch.live_deliveries(some)
                batch.record(
                    entry(delivery(one, 1, Milestone.DELIVERED, changed_ms=1_000 + number))
                    for one, unseen in zip(some, new, strict=True)
                    if unseen and one in standing
                )
                taken += sum(new)
        return taken

    assert sum(at_once(url, take_in)) == len(DEVICES)
    with Ledger.open(url) as ledger:
        with ledger.view() as view:
            assert {len(view.timeline(one, 9)) for one in DEVICES} == {2}
        assert ledger.verify() == []


def test_every_delivery_keeps_one_chain_of_entries(url):
    def move(ledger, number):
        for step in range(10):
            with ledger.batch() as batch:
                batch.record(
                    entry(delivery(one, 1, Milestone.DELIVERED, changed_ms=100 * number + step))
                    for one in (1, 2, 3)
                )

    at_once(url, move)
    with Ledger.open(url) as ledger:
        with ledger.view() as view:
            assert [len(view.timeline(one, 99)) for one in (1, 2, 3)] == [1 + 10 * WORKERS] * 3
        assert ledger.verify() == []


def test_every_value_of_a_counter_goes_to_one_worker(url):
    def take(ledger, number):
        taken = []
        for _draw in range(10):
            with ledger.batch() as batch:
                first = batch.next_counter("request-id", count=1 + number)
            taken += range(first, first + 1 + number)
        return taken

    taken = sorted(one for each in at_once(url, take) for one in each)
    assert taken == list(range(1, 10 * (1 + 2 + 3 + 4) + 1))


def test_of_two_workers_with_one_request_id_one_has_a_conflict(url):
    def ask(ledger, _number):
        try:
            with ledger.batch() as batch:
                batch.put_request(request(2))
        except ConflictError:
            return "conflict"
        return "put"

    assert sorted(at_once(url, ask)) == ["conflict"] * (WORKERS - 1) + ["put"]


def test_workers_that_make_the_ledger_at_once(lasting):
    def count(_number):
        with Ledger.open(lasting.url, owner="dcc") as ledger, ledger.batch() as batch:
            return batch.next_counter("opened")

    with ThreadPoolExecutor(WORKERS) as threads:
        assert sorted(threads.map(count, range(WORKERS))) == [1, 2, 3, 4]


# --- PostgreSQL ---


@pytest.fixture(scope="module")
def fragile():
    """A server for the tests that stop it: a small one stops fast."""
    try:
        with postgresql.started() as server:
            yield server
    except postgresql.CannotStartError as error:
        absent(f"PostgreSQL: {error}")


def test_a_worker_that_hangs_loses_its_batch_to_the_others(postgresql_url, monkeypatch):
    with Ledger.open(postgresql_url, owner="dcc") as ledger:
        monkeypatch.setattr(
            "hanota.ledger.postgresql.SETTINGS", ("SET idle_in_transaction_session_timeout = 50",)
        )
        with Ledger.open(postgresql_url) as hanging:
            with pytest.raises(LocalError, match="idle-in-transaction"), hanging.batch() as batch:
                hang(batch, ledger)
            with hanging.batch() as batch:
                assert batch.devices([1, 2, 3]).keys() == {2}


def hang(batch, ledger):
    batch.put_devices([device(1)])
    with ledger.batch() as other:  # waits until the server has had enough
        other.put_devices([device(2)])
    batch.put_devices([device(3)])


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_started_anew_between_two_batches(fragile, how):
    with Ledger.open(fragile.new_url(), owner="dcc") as ledger:
        with ledger.batch() as batch:
            batch.put_devices([device(1)])
        restart(fragile, how)
        with ledger.view() as view:
            assert view.device_count() == 1
        with ledger.batch() as batch:
            batch.put_devices([device(2)])
        assert ledger.verify() == []


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_started_anew_in_the_middle_of_a_batch(fragile, how):
    with Ledger.open(fragile.new_url(), owner="dcc") as ledger:
        with pytest.raises(LocalError, match="does not answer"), ledger.batch() as batch:
            write_around(batch, lambda: restart(fragile, how))
        with ledger.batch() as batch:
            assert batch.device_count() == 0
            assert batch.next_counter("request-id") == 1


def write_around(batch, happens):
    batch.put_devices([device(1)])
    batch.next_counter("request-id")
    happens()
    batch.put_devices([device(2)])


def restart(server, how):
    server.stop(how)
    server.start()


def test_a_server_that_is_down_is_said_so_until_it_is_back(fragile):
    url = fragile.new_url()
    with Ledger.open(url, owner="dcc") as ledger:
        fragile.stop()
        try:
            for _attempt in range(2):
                with pytest.raises(LocalError, match="does not answer"), ledger.batch():
                    pass
            with pytest.raises(LocalError, match="refused"):
                Ledger.open(url)
        finally:
            fragile.start()
        with ledger.batch() as batch:
            batch.put_devices([device(1)])


@pytest.mark.parametrize(
    "fault", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_what_the_database_gives_up_for_another_writer_is_a_conflict(postgresql_url, fault):
    def fail():
        raise fault

    with Ledger.open(postgresql_url, owner="dcc") as ledger:
        with pytest.raises(ConflictError), ledger.batch() as batch:
            write_around(batch, fail)
        with ledger.view() as view:
            assert view.device_count() == 0


def test_a_failure_that_was_passed_over_is_not_committed(postgresql_url):
    with Ledger.open(postgresql_url, owner="dcc") as ledger:
        with pytest.raises(LocalError, match="nothing of it was written"), ledger.batch() as batch:
            put_after_a_failure(batch)
        with ledger.view() as view:
            assert view.device_count() == 0


def put_after_a_failure(batch):
    batch.put_devices([device(1)])
    with contextlib.suppress(psycopg.IntegrityError):
        batch.put_request(request(1, digest=None))


def test_other_programs_of_the_database_do_not_disturb(postgresql_server):
    """Ledgers in one database have locks of their own."""
    urls = [postgresql_server.new_url() for _ledger in range(2)]
    with (
        Ledger.open(urls[0], owner="dcc") as one,
        Ledger.open(urls[1], owner="supplier") as other,
        one.batch() as batch,
        other.batch() as beside,
    ):
        batch.put_devices([device(1)])
        beside.put_devices([device(1), device(2)])
        assert (batch.device_count(), beside.device_count()) == (1, 2)


def test_a_plan_made_for_a_small_table_serves_a_large_one(postgresql_url):
    with Ledger.open(postgresql_url, owner="dcc") as ledger:
        with ledger.batch() as batch:
            batch.put_devices(map(device, range(1, 20_000)))
        run(ledger, "SELECT pg_stat_force_next_flush()")
        before = rows(ledger, SCANS)
        with ledger.view() as view:
            assert len(view.devices(range(1, 100))) == 99
        run(ledger, "SELECT pg_stat_force_next_flush()")
        assert rows(ledger, SCANS) == before


SCANS = (
    "SELECT seq_scan FROM pg_stat_user_tables"
    " WHERE relname = 'device' AND schemaname = current_schema()"
)
