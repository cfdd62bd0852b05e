"""The journal loses its older part, and the ledger still proves itself."""

import pytest
from tests.ledger.databases import run
from tests.ledger.examples import SUPPLIER, delivery, entry, outgoing, request, without_change

from hanota.ledger import Ledger, retention
from hanota.model import Milestone, Outcome
from hanota.rows import Command

DEVICES = (1, 2, (1 << 63) + 3)
STATES = (Milestone.ACCEPTED, Milestone.DELIVERED, Milestone.TRANSFERRED, Outcome.UPDATED)
HOUR_MS = 3_600_000


def command(state, at_ms):
    return Command(1, 1, SUPPLIER, 1_000, state, state != "answered", None, at_ms, b"\xdf")


def fill(ledger):
    """Four hours: in each of them every device goes a step, and a command too."""
    with ledger.batch() as batch:
        for counter in (1, 2):
            batch.put_request(request(counter))
        batch.record([entry(delivery(8, 2, Outcome.SILENT, changed_ms=0))])
    for hour, state in enumerate(STATES):
        at_ms = hour * HOUR_MS
        with ledger.batch() as batch:
            batch.record(entry(delivery(one, 1, state, changed_ms=at_ms)) for one in DEVICES)
            batch.record([without_change(1)])
            batch.put_commands([command("answered" if hour == 3 else "sent", at_ms)])
    with ledger.batch() as batch:
        batch.record([entry(delivery(9, 2, Outcome.SILENT, changed_ms=0))])


@pytest.mark.parametrize("hour", range(6))
@pytest.mark.parametrize("at_once", [1, 4, 20_000])
def test_a_cut_ledger_is_sound_and_has_lost_nothing_but_entries(ledger, monkeypatch, hour, at_once):
    monkeypatch.setattr(retention, "LEDGER_DROPPED_AT_ONCE", at_once)
    fill(ledger)
    with ledger.view() as view:
        before = [list(view.deliveries_by_page(2)), view.counts(1), view.counts(2)]
        entries = [one for page in view.journal_by_page(3) for one in page]
    assert len(entries) == 1 + 4 * (len(DEVICES) + 2) + 1
    dropped = ledger.drop_journal(hour * HOUR_MS)
    kept = entries[dropped:]
    assert all(one.at_ms < hour * HOUR_MS for _number, one in entries[:dropped])
    assert len(kept) == 1 or kept[0][1].at_ms >= hour * HOUR_MS
    assert ledger.verify() == []
    with ledger.view() as view:
        assert [list(view.deliveries_by_page(2)), view.counts(1), view.counts(2)] == before
        assert [one for page in view.journal_by_page(3) for one in page] == kept
        for device in DEVICES:
            ours = [one for _number, one in kept if one.device_id == device]
            assert view.timeline(device, 99) == ours


def test_a_ledger_goes_on_behind_the_cut_and_is_cut_again(ledger):
    fill(ledger)
    for cut in range(1, 5):
        ledger.drop_journal(cut * HOUR_MS)
        with ledger.batch() as batch:
            batch.record(
                entry(delivery(one, 2, STATES[cut - 1], changed_ms=9 * HOUR_MS + cut))
                for one in DEVICES
            )
            batch.record([entry(delivery(1, 1, Outcome.UPDATED_LATE, changed_ms=9 * HOUR_MS))])
        assert ledger.verify() == []
    with ledger.view() as view:
        assert view.counts(1) == {("updated", ""): 2, ("updated-late", ""): 1}


def test_an_empty_journal_has_nothing_to_drop(ledger):
    assert ledger.drop_journal(1 << 60) == 0


def test_messages_that_nobody_took_go_with_their_entries(ledger):
    with ledger.batch() as batch:
        batch.post([outgoing(b"old"), outgoing(b"new")])
        for number, message in enumerate(batch.outbox(0, 9)):
            batch.give_up(message, "untaken", None, number * HOUR_MS)
    ledger.drop_journal(HOUR_MS)
    with ledger.view() as view:
        assert [one.body for one in view.untaken(limit=9)] == [b"new"]
    assert ledger.verify() == []


CORRUPTIONS = {
    "UPDATE checkpoint_delivery SET state = 'updated'": "the journal tells of",
    "DELETE FROM checkpoint_delivery": "the journal tells of",
    "UPDATE checkpoint_delivery SET last_entry = 1 WHERE request = 1": "does not lead",
    "DELETE FROM checkpoint_command": "the journal tells of the command",
    "UPDATE delivery SET state = 'silent' WHERE request = 1": "the journal tells of",
    "UPDATE delivery_count SET devices = 9": "the count of",
    "DELETE FROM journal WHERE state = 'updated'": "the journal tells of",
    "DELETE FROM delivery WHERE request = 2": "is journalled and has no delivery",
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_what_was_corrupted_is_found_behind_the_cut(ledger, corruption):
    fill(ledger)
    with ledger.batch() as batch:
        batch.record([without_change(1)])
    # The command's last entry is before the cut, the last of each delivery behind it.
    run(ledger, "UPDATE command SET state = 'sent'")
    run(ledger, "DELETE FROM journal WHERE event = 'command:answered'")
    ledger.drop_journal(3 * HOUR_MS)
    assert ledger.verify() == []
    run(ledger, corruption)
    faults = ledger.verify()
    assert any(CORRUPTIONS[corruption] in fault for fault in faults), faults


def test_others_write_while_the_journal_is_cut(lasting, monkeypatch):
    monkeypatch.setattr(retention, "LEDGER_DROPPED_AT_ONCE", 5)
    with Ledger.open(lasting.url, owner="dcc") as ledger, Ledger.open(lasting.url) as other:
        fill(ledger)
        dropping = retention._drop_portion

        def drop_beside_a_writer(database, cut):
            with other.batch() as batch:
                batch.record([entry(delivery(1, 1, Outcome.UPDATED_LATE, changed_ms=0))])
            return dropping(database, cut)

        monkeypatch.setattr(retention, "_drop_portion", drop_beside_a_writer)
        assert ledger.drop_journal(9 * HOUR_MS) == 21
        assert ledger.verify() == []
