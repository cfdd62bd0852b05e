"""The SQL files: named, commented, used, and understood by the database."""

import re
from pathlib import Path

import pytest
from tests.ledger.databases import rows, run

import hanota.ledger
from hanota.ledger import Ledger, postgresql, texts
from hanota.ledger.sqlite import WORDS, spell

FOLDER = Path(hanota.ledger.__file__).parent
QUERIES = "".join(path.read_text() for path in sorted(FOLDER.glob("*.sql")))


@pytest.mark.parametrize("name", texts.queries())
def test_every_query_can_be_prepared(name):
    with Ledger.open("sqlite://", owner="dcc") as ledger:
        connection = ledger._database._connection
        statement = spell(texts.queries()[name])
        connection.execute(f"EXPLAIN {statement}", (None,) * statement.count("?"))


@pytest.mark.parametrize("name", texts.queries())
def test_every_query_has_a_purpose_and_is_used(name):
    assert re.search(rf"^-- {name} --\n-- \w", QUERIES, re.MULTILINE)
    assert "--" not in texts.queries()[name]
    code = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    assert f'"{name}"' in code


def test_names_are_used_once():
    names = re.findall(r"^-- (\w+) --$", QUERIES, re.MULTILINE)
    assert len(names) == len(set(names)) == len(texts.queries())


def test_the_same_words_everywhere():
    scripts = QUERIES + "".join(path.read_text() for path in FOLDER.glob("migrations/*.sql"))
    words = set(re.findall(r"\{\w+\}", scripts))
    assert words == set(WORDS)
    assert words == set(re.findall(r"\{\w+\}", " ".join(postgresql.WORDS)))


def test_rows_have_a_letter_for_each_column():
    for name, statement in texts.queries().items():
        if found := texts.ROWS.search(statement):
            columns = statement[statement.index("(") : statement.index(")")]
            assert len(found[1]) == columns.count(",") + 1, name


def test_migrations_are_numbered_without_a_gap():
    names = sorted(path.name for path in FOLDER.glob("migrations/*"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert len(texts.migrations()) == len(names)


# A read on the way of every message must go by a key or an index, never over a whole table.
HOT = (
    "campaign_devices",
    "campaign_devices_in",
    "campaign_devices_resting",
    "campaigns_of_device",
    "campaigns_of_requests",
    "campaign_counts",
    "ended_since",
    "dispatched_since",
    "next_campaign_try",
    "proven_devices",
    "read_backs",
    "requests_of_campaign",
    "devices",
    "devices_behind",
    "devices_from",
    "live_deliveries",
    "commands",
    "live_commands",
    "due_commands",
    "last_deliveries",
    "deliveries_of_request",
    "standing_deliveries",
    "due",
    "timeline",
    "counts",
    "outbox",
    "outbox_for",
    "last_waiting",
    "settle",
    "let_go",
    "postpone",
    "rewrite",
    "untaken",
    "quarantined",
    "quarantined_octets",
    "request",
    "requests_under",
    "requests_since",
    "requests",
    "last_entry",
)
TABLES = (
    "journal|delivery|command|delivery_count|device|seen|outbox|earlier|untaken|quarantine|request"
    "|one|other|its|campaign\\w*"
)


@pytest.mark.parametrize("name", HOT)
def test_no_hot_query_scans_a_table(name):
    with Ledger.open("sqlite://", owner="dcc") as ledger:
        statement = spell(texts.queries()[name])
        plan = ledger._database._connection.execute(
            f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?")
        )
        steps = [step for *_numbers, step in plan]
    assert steps
    assert not [step for step in steps if re.fullmatch(rf"SCAN ({TABLES})( .*)?", step)], steps
    assert not [step for step in steps if "TEMP B-TREE" in step and name == "due"], steps


@pytest.fixture
def plans(postgresql_url):
    """How PostgreSQL would run each statement, whatever its parameters."""
    with Ledger.open(postgresql_url, owner="dcc") as ledger:
        run(ledger, "SET plan_cache_mode = force_generic_plan")
        yield {name: plan(ledger, name) for name in texts.queries()}


def plan(ledger, name):
    statement = postgresql.spell(texts.queries()[name])
    run(ledger, f"PREPARE {name} AS {statement}")
    given = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", statement)))
    execute = f"EXECUTE {name} ({given})" if given else f"EXECUTE {name}"
    return [step for (step,) in rows(ledger, f"EXPLAIN {execute}")]


def test_no_hot_query_scans_a_table_of_postgresql(plans):
    assert plans.keys() == texts.queries().keys()
    for name in HOT:
        scanned = [step for step in plans[name] if "Seq Scan" in step]
        assert not scanned, (name, plans[name])
