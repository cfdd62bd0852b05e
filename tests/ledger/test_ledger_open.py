"""What opens as a ledger, and what is refused in one sentence and left as it was."""

import sys

import pytest
from tests.ledger.examples import device

import hanota.ledger
from hanota.errors import LocalError
from hanota.ledger import Ledger, texts, upgrade, versions

NOW = len(texts.migrations())
OF_EVERY_LEDGER = ("meta", "journal", "delivery")
NEXT = ("ALTER TABLE device ADD COLUMN colour TEXT", "CREATE TABLE added (number INTEGER)")


@pytest.fixture
def next_version(monkeypatch):
    """Calling it makes the program one version newer; `undo` of what it gives takes that back."""

    def install(statements=NEXT):
        newer = (*texts.migrations(), statements)
        monkeypatch.setattr(versions, "migrations", lambda: newer)
        return monkeypatch

    return install


def made(url):
    with Ledger.open(url, owner="dcc") as opened, opened.batch() as batch:
        batch.put_devices([device(1)])
    return url


def is_whole(url):
    with Ledger.open(url) as opened:
        with opened.view() as view:
            devices = view.devices([1])
        return devices == {1: device(1)} and opened.verify() == []


def test_a_new_file_becomes_a_ledger_and_stays_one(lasting):
    assert is_whole(made(lasting.url))
    with Ledger.open(lasting.url, owner="dcc") as opened, opened.view() as view:
        assert view.device_count() == 1


def test_an_absolute_and_a_relative_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made("sqlite:///here.db")
    assert is_whole(f"sqlite:///{tmp_path}/here.db")


def test_two_ledgers_in_memory_are_apart():
    with Ledger.open("sqlite://", owner="dcc") as one, Ledger.open("sqlite://", owner="a") as other:
        with one.batch() as batch:
            batch.put_devices([device(1)])
        with other.view() as view:
            assert view.device_count() == 0


@pytest.mark.parametrize(
    "url",
    ["", "ledger.db", "mysql://host/base", "sqlite:ledger.db", "sqlite:///", "sqlite:/x"],
)
def test_what_names_no_ledger(url):
    with pytest.raises(LocalError, match="write sqlite:///FILE"):
        Ledger.open(url, owner="dcc")


def test_another_owners_ledger(lasting):
    made(lasting.url)
    with pytest.raises(LocalError, match="of 'dcc', not of 'supplier'"):
        Ledger.open(lasting.url, owner="supplier")


def test_without_an_owner_nothing_is_made(tmp_path, file_url):
    with pytest.raises(LocalError, match="there is no ledger"):
        Ledger.open(file_url)
    with pytest.raises(LocalError, match="there is no ledger"):
        upgrade(file_url)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_ledger_without_an_owner(tmp_path, file_url):
    (tmp_path / "ledger.db").touch()
    for attempt in (Ledger.open, upgrade):
        with pytest.raises(LocalError, match="holds no ledger"):
            attempt(file_url)
    assert (tmp_path / "ledger.db").read_bytes() == b""


def test_an_empty_schema_is_no_ledger_without_an_owner(postgresql_url):
    for attempt in (Ledger.open, upgrade):
        with pytest.raises(LocalError, match="holds no ledger"):
            attempt(postgresql_url)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("127.0.0.1", "127.0.0.1:1"), "refused|invalid"),
        (("/postgres?", "/absent?"), 'database "absent" does not exist'),
        (("search_path", "no_such"), "unrecognized"),
        (("ledger_", "absent_"), "has no schema for a ledger"),
        (("?options", "?option"), "invalid"),
    ],
)
def test_a_server_that_cannot_be_used(postgresql_url, change, told):
    url = postgresql_url.replace(*change)
    assert url != postgresql_url
    with pytest.raises(LocalError, match=told) as caught:
        Ledger.open(url, owner="dcc")
    assert "\n" not in str(caught.value)


def test_a_password_is_not_told(postgresql_url):
    url = postgresql_url.replace("hanota@", "hanota:secret@")
    made(url)
    with pytest.raises(LocalError, match="of 'dcc', not of 'supplier'") as caught:
        Ledger.open(url, owner="supplier")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_without_psycopg_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "hanota.ledger.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LocalError, match=r"pip install 'hanota\[postgresql\]'"):
        Ledger.open("postgresql://host/base", owner="dcc")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(LocalError, match="unable to open"):
        Ledger.open(f"sqlite:///{tmp_path}/absent/ledger.db", owner="dcc")


def test_a_file_that_is_no_database(tmp_path, file_url):
    octets = b"device_id,type\n" * 100
    (tmp_path / "ledger.db").write_bytes(octets)
    for attempt in (lambda url: Ledger.open(url, owner="dcc"), Ledger.open, upgrade):
        with pytest.raises(LocalError, match="not a database"):
            attempt(file_url)
    assert (tmp_path / "ledger.db").read_bytes() == octets


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE notes (number TEXT)",
        "; ".join(f"CREATE TABLE {name} (name TEXT, value TEXT)" for name in OF_EVERY_LEDGER),
    ],
)
def test_somebody_elses_database(lasting, script):
    lasting.execute(script)
    before = lasting.dump()
    for attempt in (lambda url: Ledger.open(url, owner="dcc"), Ledger.open, upgrade):
        with pytest.raises(LocalError, match="no ledger"):
            attempt(lasting.url)
    assert lasting.dump() == before


def test_a_newer_ledger_is_refused(lasting, next_version):
    program = next_version()
    made(lasting.url)
    program.undo()
    for attempt in (lambda url: Ledger.open(url, owner="dcc"), Ledger.open, upgrade):
        with pytest.raises(LocalError, match=f"version {NOW + 1}, newer than this program"):
            attempt(lasting.url)


def test_an_older_ledger_is_refused_until_it_is_upgraded(lasting, next_version):
    made(lasting.url)
    next_version()
    with pytest.raises(LocalError, match="`hanota ledger upgrade`"):
        Ledger.open(lasting.url, owner="dcc")
    assert upgrade(lasting.url) == (NOW, NOW + 1)
    assert upgrade(lasting.url) == (NOW + 1, NOW + 1)
    assert is_whole(lasting.url)


def test_an_upgrade_that_fails_changes_nothing(lasting, next_version):
    made(lasting.url)
    program = next_version((*NEXT, "CREATE TABLE journal (again INTEGER)"))
    with pytest.raises(LocalError, match="already exists"):
        upgrade(lasting.url)
    program.undo()
    assert is_whole(lasting.url)
    assert upgrade(lasting.url) == (NOW, NOW)


def test_readers_do_not_wait_for_a_writer(lasting):
    made(lasting.url)
    with Ledger.open(lasting.url) as writer, Ledger.open(lasting.url) as reader:
        with writer.batch() as batch:
            batch.put_devices([device(2)])
            with reader.view() as view:
                assert view.device_count() == 1
        with reader.view() as view:
            assert view.device_count() == 2


def test_a_second_writer_waits_and_then_gives_up(lasting, monkeypatch):
    made(lasting.url)
    monkeypatch.setattr("hanota.ledger.sqlite.LEDGER_WAIT_MS", 1)
    monkeypatch.setattr("hanota.ledger.postgresql.SETTINGS", ("SET lock_timeout = 1",))
    with (
        Ledger.open(lasting.url) as writer,
        Ledger.open(lasting.url) as other,
        writer.batch(),
        pytest.raises(LocalError, match=r"locked|lock timeout"),
        other.batch(),
    ):
        pass


def test_what_the_package_offers():
    assert hanota.ledger.__all__ == [
        "Batch",
        "ConflictError",
        "Ledger",
        "View",
        "accept_restored",
        "upgrade",
    ]
