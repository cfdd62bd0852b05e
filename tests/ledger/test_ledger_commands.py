"""Commands for single devices: kept, found by what an answer names, and journalled."""

import msgspec
import pytest
from tests.ledger.databases import run
from tests.ledger.examples import EDGE_IDS, SUPPLIER, device, request

from hanota.ledger import ConflictError
from hanota.rows import Command, MessageKey

DEVICE = EDGE_IDS[0]


def command(number=1, counter=1000, **fields):
    given = {
        "device_id": DEVICE,
        "originator": SUPPLIER,
        "state": "sent",
        "live": True,
        "due_ms": 5_000,
        "changed_ms": 1_000,
        "gbcs": b"\xdf",
    }
    return Command(request=number, counter=counter, **(given | fields))


def key(of):
    return MessageKey(of.originator, of.device_id, 1, of.counter)


def filled(batch, *commands):
    for number in range(1, 4):
        batch.put_request(request(number))
    batch.put_commands(commands)


@pytest.mark.parametrize("one", EDGE_IDS)
def test_a_command_comes_back_as_it_was_put(ledger, one):
    rows = [
        command(device_id=one, originator=one, counter=one),
        command(2, state="held", due_ms=None, live=False, gbcs=b""),
    ]
    with ledger.batch() as batch:
        filled(batch, *rows)
    unknown = MessageKey(1, 1, 1, 1)
    with ledger.view() as view:
        found = view.commands([*map(key, rows), unknown])
    assert found == {key(row): row for row in rows}


def test_a_request_has_one_command_whose_header_may_still_change(ledger):
    held, sent = command(state="held", gbcs=b""), command(originator=7, counter=8)
    with ledger.batch() as batch:
        filled(batch, held)
        batch.put_commands([sent])
        assert batch.commands([key(held), key(sent)]) == {key(sent): sent}
    assert ledger.verify() == []


def test_two_requests_cannot_have_one_command(ledger):
    with pytest.raises(ConflictError), ledger.batch() as batch:
        filled(batch, command(1), command(2))
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.put_commands([command(9)])


def test_what_is_live_and_what_is_due(ledger):
    rows = [
        command(1, 1, due_ms=30),
        command(2, 2, due_ms=10),
        command(3, 3, due_ms=1, live=False),
    ]
    with ledger.batch() as batch:
        filled(batch, *rows)
    with ledger.view() as view:
        assert view.live_commands([DEVICE, 5]) == rows[:2]
        assert view.live_commands([5]) == []
        assert view.due_commands(30, 9) == [rows[1], rows[0]]
        assert view.due_commands(29, 9) == view.due_commands(30, 1) == [rows[1]]
        assert view.due_commands(9, 9) == []
        assert view.next_deadline_ms() == 10


def test_each_state_is_in_the_timeline(ledger):
    with ledger.batch() as batch:
        filled(batch, command())
        batch.put_devices([device(DEVICE)])
        batch.put_commands([command(state="answered", live=False, due_ms=None, changed_ms=2_000)])
    with ledger.view() as view:
        told = [(entry.at_ms, entry.event, entry.message) for entry in view.timeline(DEVICE, 9)]
    assert told == [(1_000, "command:sent", b"\xdf"), (2_000, "command:answered", b"\xdf")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE command SET state = 'answered'",
        "UPDATE journal SET event = 'command:held'",
        "DELETE FROM journal",
        "UPDATE command SET request = 2",
    ],
)
def test_a_command_that_the_journal_tells_otherwise_is_found(ledger, change):
    row = command(device_id=1)
    with ledger.batch() as batch:
        filled(batch, row)
    assert ledger.verify() == []
    run(ledger, change)
    (fault,) = ledger.verify()
    assert fault.startswith("the journal tells of the command ")


def test_a_row_is_whole_in_the_batch_that_wrote_it(ledger):
    with ledger.batch() as batch:
        filled(batch, command())
        after = msgspec.structs.replace(command(), state="answered", live=False, due_ms=None)
        batch.put_commands([after])
        assert batch.live_commands([DEVICE]) == []
        assert batch.commands([key(after)]) == {key(after): after}
