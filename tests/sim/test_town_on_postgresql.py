"""A town whose ledgers are on PostgreSQL keeps the same rows as one with ledgers on SQLite."""

from contextlib import closing

import pytest
from tests.sim.a_town import ATown, table

TABLES = ("journal", "delivery", "delivery_count", "device", "request", "image", "seen")
TABLES += ("command", "counter", "outbox", "product")


def rows(ledger, name):
    return sorted(table(ledger, name), key=repr)


@pytest.mark.parametrize("update", [ATown.run, ATown.run_hcalcs])
def test_a_rollout_on_postgresql_is_that_on_sqlite(postgresql_server, update):
    towns = [ATown(), ATown(new_url=postgresql_server.new_url)]
    kept = []
    for town in towns:
        update(town)
        assert town.is_sound()
        kept.append([rows(ledger, name) for ledger in town.all_ledgers() for name in TABLES])
    assert kept[0] == kept[1]
    assert towns[0].outcomes() == towns[1].outcomes()
    for ledger in towns[1].all_ledgers():
        with closing(ledger):
            assert ledger.verify() == []
