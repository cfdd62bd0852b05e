"""What goes into a ledger comes out of it, batch by batch."""

import hashlib

import msgspec
import pytest
from tests.ledger.examples import (
    EDGE_IDS,
    HUB,
    SUPPLIER,
    delivery,
    device,
    entry,
    outgoing,
    request,
    without_change,
)

from hanota.errors import LocalError
from hanota.ledger import ConflictError
from hanota.model import Milestone, Outcome
from hanota.rows import JournalEntry, MessageKey

A, B, C = 11, 12, (1 << 63) + 13


def key(counter: int, originator: int = A) -> MessageKey:
    return MessageKey(originator, SUPPLIER, 3, counter)


@pytest.fixture
def requests(ledger):
    """Two requests, numbers 1 and 2."""
    with ledger.batch() as batch:
        return [batch.put_request(request(counter)).number for counter in (1, 2)]


# --- messages that were seen ---


def test_a_message_is_unseen_once(ledger):
    with ledger.batch() as batch:
        assert batch.unseen([key(1), key(2), key(1)]) == [True, True, False]
    with ledger.batch() as batch:
        assert batch.unseen([key(2), key(3), key(2)]) == [False, True, False]
        assert batch.unseen([]) == []


@pytest.mark.parametrize("field", MessageKey.__struct_fields__)
def test_every_field_tells_messages_apart(ledger, field):
    numbers = dict.fromkeys(MessageKey.__struct_fields__, 1 << 63) | {"cra": 1}
    other = numbers | {field: 2}
    with ledger.batch() as batch:
        assert batch.unseen([MessageKey(**numbers), MessageKey(**other)]) == [True, True]


# --- devices ---


def test_devices_come_back_as_they_were_put(ledger):
    known = [device(one, hardware_version=index or None) for index, one in enumerate(EDGE_IDS)]
    with ledger.batch() as batch:
        batch.put_devices(known)
        assert batch.devices([*EDGE_IDS, 77]) == {one.device_id: one for one in known}
        assert batch.device_count() == len(known)
        assert batch.devices([]) == {}


def test_a_device_is_replaced(ledger):
    newer = device(A, firmware_version="odd length", suppliers=())
    with ledger.batch() as batch:
        batch.put_devices([device(A), newer])
        assert batch.devices([A]) == {A: newer}


def test_devices_behind_their_hubs(ledger):
    homes = {C: [device(C, C), device(A, C)], HUB: [device(HUB), device(B)]}
    with ledger.batch() as batch:
        batch.put_devices(one for home in homes.values() for one in home)
        found = batch.devices_behind([C, HUB, 99])
    assert {hub: {one.device_id for one in home} for hub, home in found.items()} == {
        C: {A, C},
        HUB: {HUB, B},
    }


@pytest.mark.parametrize("limit", [1, 2, 6, 100])
def test_the_whole_inventory_by_page(ledger, limit):
    with ledger.batch() as batch:
        batch.put_devices(map(device, EDGE_IDS))
        pages = list(batch.devices_by_page(limit))
    assert sorted(one.device_id for page in pages for one in page) == sorted(EDGE_IDS)
    assert max(map(len, pages)) <= limit


def test_many_ids_in_one_call(ledger):
    many = range(1, 20_001)
    with ledger.batch() as batch:
        batch.put_devices(map(device, many))
        assert batch.devices(many).keys() == set(many)


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_no_unsigned_number_of_64_bits(ledger, number):
    with pytest.raises(LocalError, match="64 bits"), ledger.batch() as batch:
        batch.devices([number])


# --- requests and images ---


def test_a_request_gets_its_number_and_its_answer(ledger):
    wanted = request((1 << 64) - 1, image_hash=bytes(32), command_variant=8)
    with ledger.batch() as batch:
        put = batch.put_request(wanted)
        other = batch.put_request(request(7, version=None))
        assert put == request((1 << 64) - 1, image_hash=bytes(32), number=1)
        assert batch.request(wanted.request_id, 8) == put
        assert batch.request(wanted.request_id, 1) is None
        assert batch.requests([1, 2, 3]) == {1: put, 2: other}
        batch.set_answer(2, b"<answer/>")
        assert batch.requests([2])[2].answer == b"<answer/>"


def test_a_request_id_is_used_once_a_command_variant(ledger):
    with ledger.batch() as batch:
        batch.put_request(request(1, command_variant=4))
        batch.put_request(request(1, command_variant=5))
    again = [request(2), request(1, command_variant=5, digest=b"\1" * 32)]
    with pytest.raises(ConflictError), ledger.batch() as batch:
        list(map(batch.put_request, again))
    with ledger.view() as view:
        assert view.requests([1, 2, 3]).keys() == {1, 2}


def test_no_answer_to_an_unknown_request(ledger):
    with pytest.raises(LocalError, match="no request 9"), ledger.batch() as batch:
        batch.set_answer(9, b"")


def test_an_image_is_kept_once(ledger):
    octets = b"image" * 1_000
    name = hashlib.sha256(octets).digest()
    with ledger.batch() as batch:
        batch.put_image(name, octets)
        batch.put_image(name, octets)
        assert batch.image(name) == octets
        assert batch.image(bytes(32)) is None


# --- journal, deliveries and counts ---


def test_a_record_moves_delivery_journal_and_counts(ledger, requests):
    accepted, moved = delivery(A, 1), delivery(A, 1, Milestone.DELIVERED, changed_ms=2_000)
    with ledger.batch() as batch:
        batch.record([entry(accepted), entry(delivery(C, 1))])
        assert batch.counts(1) == {("accepted", ""): 2}
        batch.record([entry(moved, "N60", b"alert")])
    with ledger.view() as view:
        assert view.delivery(A, 1) == moved
        assert view.delivery(A, 2) is None
        assert view.live_deliveries([A, B, C]) == {A: moved, C: delivery(C, 1)}
        assert view.counts(1) == {("accepted", ""): 1, ("delivered", ""): 1}
        assert view.counts(2) == {}
        assert view.timeline(A, 9) == [entry(accepted), entry(moved, "N60", b"alert")]
        assert view.timeline(C, 9) == [entry(delivery(C, 1))]
    assert ledger.verify() == []


def test_several_entries_about_one_delivery_in_one_call(ledger, requests):
    steps = [delivery(A, 1, state) for state in (*Milestone, Outcome.UPDATED)]
    with ledger.batch() as batch:
        batch.record(map(entry, steps))
        assert batch.delivery(A, 1) == steps[-1]
        assert batch.counts(1) == {("updated", ""): 1}
        assert batch.timeline(A, 99) == [entry(step) for step in steps]
        assert batch.timeline(A, 2) == [entry(step) for step in steps[-2:]]
        assert batch.timeline(B, 99) == []
    assert ledger.verify() == []


def test_what_changes_nothing_is_journalled_and_moves_nothing(ledger, requests):
    with ledger.batch() as batch:
        batch.record([entry(delivery(A, 1))])
        batch.record([without_change(A, 1), without_change(A), without_change(0, 1)])
        assert batch.delivery(A, 1) == delivery(A, 1)
        assert batch.counts(1) == {("accepted", ""): 1}
        assert batch.timeline(A, 9) == [
            entry(delivery(A, 1)),
            without_change(A, 1),
            without_change(A),
        ]
        assert batch.timeline(0, 9) == [without_change(0, 1)]
    assert ledger.verify() == []


def test_a_timeline_joins_the_requests_of_a_device_in_order(ledger, requests):
    entries = [
        entry(delivery(A, 1)),
        entry(delivery(A, 1, Outcome.SILENT)),
        entry(delivery(A, 2)),
        entry(delivery(A, 1, Outcome.UPDATED_LATE)),
        without_change(A, 2),
        entry(delivery(A, 2, Milestone.DELIVERED)),
    ]
    for one in entries:
        with ledger.batch() as batch:
            batch.record([one, without_change(B)])
    with ledger.view() as view:
        assert view.timeline(A, 99) == entries
    assert ledger.verify() == []


def test_counts_tell_reasons_apart(ledger, requests):
    left_out = [
        delivery(A, 1, Outcome.LEFT_OUT, reason="wrong-type"),
        delivery(B, 1, Outcome.LEFT_OUT, reason="hub-too-old"),
        delivery(C, 2, Outcome.LEFT_OUT, reason="hub-too-old"),
    ]
    with ledger.batch() as batch:
        batch.record(map(entry, left_out))
        assert batch.counts(1) == {("left-out", "wrong-type"): 1, ("left-out", "hub-too-old"): 1}
        assert batch.counts(2) == {("left-out", "hub-too-old"): 1}


def test_a_second_live_delivery_of_a_device_is_a_conflict(ledger, requests):
    with ledger.batch() as batch:
        batch.record([entry(delivery(A, 1))])
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.record([entry(delivery(B, 1)), entry(delivery(A, 2))])
    with ledger.batch() as batch:
        assert batch.live_deliveries([A, B]) == {A: delivery(A, 1)}
        assert batch.timeline(B, 9) == []


@pytest.mark.parametrize("newest_first", [False, True])
def test_one_call_ends_a_live_delivery_and_begins_another(ledger, requests, newest_first):
    ended, begun = delivery(A, 1, Outcome.SUPERSEDED), delivery(A, 2)
    with ledger.batch() as batch:
        batch.record([entry(delivery(A, 1))])
        batch.record(map(entry, [begun, ended] if newest_first else [ended, begun]))
        assert batch.live_deliveries([A]) == {A: begun}
    assert ledger.verify() == []


def test_a_delivery_of_an_unknown_request_is_a_conflict(ledger):
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.record([entry(delivery(A, 1))])


@pytest.mark.parametrize("other", [delivery(B, 1), delivery(A, 2)])
def test_an_entry_carries_its_own_delivery(ledger, requests, other):
    with pytest.raises(LocalError, match="another entry"), ledger.batch() as batch:
        batch.record([JournalEntry(1, A, 1, "odd", other, b"")])


def test_evidence_belongs_to_the_live_else_to_the_newest_delivery(ledger, requests):
    def last(*deliveries):
        with ledger.batch() as batch:
            batch.record(map(entry, deliveries))
            return batch.last_deliveries([A, B]).get(A)

    refused = delivery(A, 1, Outcome.LEFT_OUT)
    silent = delivery(A, 1, Outcome.SILENT)
    assert last() is None
    assert last(refused) == refused
    assert last(delivery(A, 1), delivery(A, 2, Outcome.LEFT_OUT)) == delivery(A, 1)
    assert last(silent) == silent
    assert last(delivery(A, 2)) == delivery(A, 2)
    assert last(delivery(A, 2, Outcome.UPDATED)) == delivery(A, 2, Outcome.UPDATED)


def test_deliveries_in_a_state_whether_or_not_they_are_the_last(ledger, requests):
    first, second = requests
    waiting = [
        delivery(A, first, Milestone.DISTRIBUTED, live=False),
        delivery(A, second, Milestone.DISTRIBUTED, live=False),
        delivery(C, first, Milestone.DISTRIBUTED, live=False),
    ]
    others = [delivery(B, first), delivery(C, second)]
    with ledger.batch() as batch:
        batch.record(map(entry, waiting + others))
        found = batch.deliveries_in(Milestone.DISTRIBUTED, [A, B, C, 99])
        assert [one for one in found if one.device_id == A] == waiting[:2]
        assert [one for one in found if one.device_id != A] == waiting[2:]
        assert batch.deliveries_in(Milestone.ACCEPTED, [B]) == others[:1]
        assert batch.deliveries_in(Milestone.DISTRIBUTED, []) == []


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_the_deliveries_of_a_request_by_page(ledger, requests, limit):
    with ledger.batch() as batch:
        batch.record(entry(delivery(one, 1)) for one in EDGE_IDS)
        batch.record([entry(delivery(A, 2))])
        found, after = [], 0
        while page := batch.deliveries(1, after=after, limit=limit):
            assert len(page) <= limit
            found += page
            after = page[-1].device_id
    assert sorted(one.device_id for one in found) == sorted(EDGE_IDS)


def test_due_are_the_live_ones_whose_instant_has_come(ledger, requests):
    rows = {one: delivery(one, 1, due_ms=due) for one, due in ((A, 300), (B, 100), (C, 200))}
    never = delivery(14, 1, due_ms=None)
    ended = delivery(15, 1, Outcome.SILENT, due_ms=50)
    with ledger.batch() as batch:
        batch.record(map(entry, [*rows.values(), never, ended]))
        assert batch.due(99, 10) == []
        assert batch.due(200, 10) == [rows[B], rows[C]]
        assert batch.due(999, 2) == [rows[B], rows[C]]
        batch.record([entry(delivery(B, 1, due_ms=400))])
        assert batch.due(999, 1) == [rows[C]]


# --- outbox ---


def test_the_outbox_in_the_order_of_sending(ledger):
    bodies = [outgoing(b"a", 20), outgoing(b"b", 10), outgoing(b"c", 10, SUPPLIER)]
    with ledger.batch() as batch:
        batch.post(bodies)
        assert [one.body for one in batch.outbox(20, 9)] == [b"b", b"c", b"a"]
        assert [one.body for one in batch.outbox(10, 9)] == [b"b", b"c"]
        first = batch.outbox(20, 1)
        assert [one.body for one in batch.outbox(20, 9, first[-1])] == [b"c", b"a"]
        assert [one.body for one in batch.outbox_for(SUPPLIER, 20, 9)] == [b"c"]
        assert [one.body for one in batch.outbox_for(HUB, 20, 9, first[0])] == [b"a"]
        assert batch.outbox_depth() == 3
        assert batch.outbox(20, 9)[1].receiver == SUPPLIER


def test_settled_is_gone_and_postponed_comes_back(ledger):
    with ledger.batch() as batch:
        batch.post(outgoing(body) for body in (b"1", b"2", b"3"))
        one, two, three = (row.number for row in batch.outbox(0, 9))
        batch.settle([two])
        batch.postpone([one], 50)
        assert [(row.number, row.tries) for row in batch.outbox(49, 9)] == [(three, 0)]
        assert [(row.number, row.tries) for row in batch.outbox(50, 9)] == [(three, 0), (one, 1)]


def test_what_waits_can_be_rewritten_where_it_stands(ledger):
    with ledger.batch() as batch:
        batch.post(outgoing(body) for body in (b"1", b"2"))
        one, two = batch.outbox(0, 9)
        batch.rewrite([msgspec.structs.replace(one, body=b"anew", due_ms=7, tries=7)])
        assert batch.outbox(0, 9) == [msgspec.structs.replace(one, body=b"anew"), two]


def test_a_number_of_the_outbox_is_never_used_twice(ledger):
    with ledger.batch() as batch:
        batch.post([outgoing(b"1"), outgoing(b"2")])
        numbers = [row.number for row in batch.outbox(0, 9)]
        batch.settle(numbers)
    with ledger.batch() as batch:
        batch.post([])
        batch.post([outgoing(b"3")])
        (row,) = batch.outbox(0, 9)
        assert row.number > max(numbers)


# --- counters ---


def test_a_counter_gives_each_value_once(ledger):
    with ledger.batch() as batch:
        assert [batch.next_counter("request-id") for _ in range(3)] == [1, 2, 3]
        assert batch.next_counter("request-id", count=10) == 4
        assert batch.next_counter("request-id", at_least=5) == 14
        assert batch.next_counter("request-id", at_least=100, count=2) == 100
        assert batch.next_counter("request-id", at_least=101) == 102
        assert batch.next_counter("other", at_least=7) == 7


def test_a_counter_ends_where_the_tables_numbers_end(ledger):
    last = (1 << 63) - 1
    with ledger.batch() as batch:
        assert batch.next_counter("a", at_least=last) == last
    for step in ({}, {"at_least": last, "count": 2}):
        with pytest.raises(LocalError), ledger.batch() as batch:
            batch.next_counter("a", **step)


# --- transactions ---


def test_the_callers_exception_undoes_the_batch(ledger):
    with pytest.raises(ZeroDivisionError), ledger.batch() as batch:
        assert 1 / batch.unseen([key(1)]).count(False)
    with ledger.batch() as batch:
        assert batch.unseen([key(1)]) == [True]


def test_one_batch_at_a_time(ledger):
    with ledger.batch() as batch:
        batch.unseen([key(1)])
        with pytest.raises(LocalError, match="open already"), ledger.batch():
            pass
        assert batch.unseen([key(1)]) == [False]


def test_a_batch_that_is_over_writes_nothing(ledger):
    with ledger.batch() as batch:
        pass
    for write in (lambda: batch.unseen([key(1)]), lambda: batch.settle([1]), batch.device_count):
        with pytest.raises(LocalError, match="is over"):
            write()
