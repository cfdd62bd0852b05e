"""`hanota ledger`: what each verb does to a ledger, and what it says."""

import csv
import json
import sqlite3

import pytest
from tests.ledger.examples import delivery, device, entry, request
from typer.testing import CliRunner

from hanota.cli.main import app
from hanota.ledger import Ledger
from hanota.limits import EXPORTED_OCTETS_MAX
from hanota.model import Outcome
from hanota.rows import JournalEntry

DAY_MS = 86_400_000
FORMULA = "=cmd|' /C calc'!A0"


def run(*words, code=0):
    result = CliRunner().invoke(app, ["ledger", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def url(tmp_path):
    """A ledger with two deliveries and an entry of each of two days."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url, owner="dcc") as ledger, ledger.batch() as batch:
        batch.put_devices([device(1)])
        batch.put_request(request(1))
        batch.record([entry(delivery(1, 1, changed_ms=0), message=b"\xde\xad")])
        batch.record([entry(delivery(2, 1, Outcome.LEFT_OUT, reason=FORMULA, changed_ms=DAY_MS))])
        batch.record([JournalEntry(DAY_MS, 0, 0, FORMULA, None, bytes(EXPORTED_OCTETS_MAX + 1))])
    return url


def test_every_verb_has_help_with_an_example():
    for verb in ("upgrade", "verify", "export", "drop-journal", "accept-restored"):
        assert f"Example: hanota ledger {verb}" in run(verb, "--help").stdout.replace("\n ", " ")


def test_an_upgrade_of_a_ledger_that_is_as_new_as_the_program(url):
    told = json.loads(run("upgrade", url, "--json").stdout)
    assert told["version_before"] == told["version"] > 0


def test_a_newer_ledger_is_refused(url, tmp_path):
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    connection.close()
    for words in (["upgrade", url], ["verify", url]):
        assert "newer than this program" in run(*words, code=2).stderr


def test_verify(url, tmp_path):
    assert json.loads(run("verify", url, "--json").stdout) == {"sound": True, "faults": []}
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE delivery SET state = 'updated'")
    connection.close()
    told = json.loads(run("verify", url, "--json", code=1).stdout)
    assert not told["sound"]
    assert "the journal tells of" in told["faults"][0]


def test_an_export_of_deliveries(url, tmp_path):
    run("export", url, "deliveries", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "device_id": "00-00-00-00-00-00-00-01",
        "request": "1",
        "hub_id": "00-DB-12-34-56-78-00-01",
        "version": "FFFFFFFF",
        "state": "accepted",
        "reason": "",
        "live": "1",
        "due_ms": "5000",
        "changed_ms": "0",
    }
    assert (second["state"], second["due_ms"]) == ("left-out", "")
    assert second["reason"] == f"'{FORMULA}"


def test_an_export_of_the_journal(url, tmp_path):
    run("export", url, "journal", tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    first, _second, third = map(json.loads, lines)
    assert (first["event"], first["state"], first["message"]) == ("evidence", "accepted", "dead")
    assert (third["event"], third["state"], third["device_id"]) == (FORMULA, None, None)
    assert (int(third["message_octets"]), third["message"]) == (EXPORTED_OCTETS_MAX + 1, None)


def test_an_export_that_cannot_be_written(url, tmp_path):
    assert "form is not known" in run("export", url, "journal", tmp_path / "a.txt", code=2).stderr
    absent = tmp_path / "absent" / "a.csv"
    assert "cannot write" in run("export", url, "journal", absent, code=2).stderr


def test_drop_journal(url):
    told = run("drop-journal", url, "--before", "1970-01-02T00:00:00Z", "--json")
    assert json.loads(told.stdout) == {"entries_dropped": 1}
    run("verify", url)
    assert "write 2026" in run("drop-journal", url, "--before", "yesterday", code=2).stderr


def test_accept_restored(url, tmp_path):
    marks = tmp_path / "marks"
    assert "nothing to accept" in run("accept-restored", url, "--marks", marks, code=2).stderr
    before = (tmp_path / "ledger.db").read_bytes()
    for _batch in range(2):
        with Ledger.open(url, owner="dcc", marks=marks) as ledger, ledger.batch():
            pass
    (tmp_path / "ledger.db").write_bytes(before)
    with pytest.raises(Exception, match="restored backup"):
        Ledger.open(url, owner="dcc", marks=marks)
    assert json.loads(run("accept-restored", url, "--marks", marks, "--json").stdout) == {
        "epoch": 2
    }
    Ledger.open(url, owner="dcc", marks=marks).close()


def test_a_ledger_on_postgresql(postgresql_url, tmp_path):
    with Ledger.open(postgresql_url, owner="dcc") as ledger, ledger.batch() as batch:
        batch.put_request(request(1))
        batch.record([entry(delivery(1, 1))])
    run("upgrade", postgresql_url)
    run("verify", postgresql_url)
    run("export", postgresql_url, "deliveries", tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2
