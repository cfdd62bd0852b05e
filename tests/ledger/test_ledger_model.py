"""A ledger against plain dictionaries: any batches, in any order, committed or undone."""

import contextlib
from collections import Counter

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.ledger.examples import HUB, SUPPLIER, delivery, entry, outgoing, request, without_change

from hanota.ledger import ConflictError, Ledger
from hanota.model import Milestone, Outcome
from hanota.rows import JournalEntry, MessageKey

REQUESTS = (1, 2, 3)
devices = st.sampled_from([1, 2, 3, (1 << 63) + 1])
states = st.sampled_from([Milestone.ACCEPTED, Milestone.DELIVERED, Outcome.UPDATED, Outcome.SILENT])
deliveries = st.builds(
    delivery, devices, st.sampled_from(REQUESTS), states, reason=st.sampled_from(["", "why"])
)
entries = st.one_of(
    st.builds(entry, deliveries, st.sampled_from(["N60", "8F72"]), st.binary(max_size=3)),
    st.builds(without_change, devices, st.sampled_from((0, *REQUESTS))),
)
keys = st.builds(MessageKey, devices, devices, st.integers(1, 3), st.integers(0, 2))
instants = st.integers(0, 50)
RECEIVERS = (HUB, SUPPLIER)
messages = st.builds(
    outgoing,
    st.binary(max_size=2),
    instants,
    st.sampled_from(RECEIVERS),
    device_id=st.sampled_from([0, 1, (1 << 63) + 1]),
)


def waiting(view, receiver):
    """All that waits for a receiver, in order of recording, read in pages of two."""
    after, found = 0, []
    while page := view.waiting(receiver, after=after, limit=2):
        found += page
        after = page[-1].number
    return found


class LedgerAndModel(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ledger = Ledger.open(self.new_url(), owner="dcc")
        self.state, self.journal, self.seen = {}, [], set()
        self.outbox, self.counters = {}, Counter()

    def new_url(self) -> str:
        return "sqlite://"

    def teardown(self):
        assert self.ledger.verify() == []
        self.ledger.close()

    @initialize()
    def requests(self):
        with self.ledger.batch() as batch:
            numbers = [batch.put_request(request(counter)).number for counter in REQUESTS]
        assert tuple(numbers) == REQUESTS

    @rule(new=st.lists(entries, max_size=6))
    def record(self, new: list[JournalEntry]):
        after = {(one.device_id, one.request): one.delivery for one in new if one.delivery}
        state = self.state | after
        live = Counter(device for (device, _request), row in state.items() if row.live)
        try:
            with self.ledger.batch() as batch:
                batch.record(new)
        except ConflictError:
            assert max(live.values()) > 1
        else:
            assert max(live.values(), default=0) <= 1
            self.state = state
            self.journal += new

    @rule(some=st.lists(keys, max_size=6))
    def unseen(self, some):
        expected = []
        for key in some:
            expected.append(key not in self.seen)
            self.seen.add(key)
        with self.ledger.batch() as batch:
            assert batch.unseen(some) == expected

    @rule(some=st.lists(messages, max_size=4))
    def post(self, some):
        with self.ledger.batch() as batch:
            batch.post(some)
            found = {one.number for receiver in RECEIVERS for one in waiting(batch, receiver)}
        numbers = sorted(found - self.outbox.keys())
        assert not numbers or numbers[0] > max(self.outbox, default=0)
        self.outbox |= {
            number: msgspec.structs.replace(one, number=number, since_ms=one.due_ms)
            for number, one in zip(numbers, some, strict=True)
        }

    @rule(choice=st.randoms(use_true_random=False), due_ms=instants)
    def settle_and_postpone(self, choice, due_ms):
        some = choice.sample(sorted(self.outbox), len(self.outbox) // 2)
        gone, later = some[::2], some[1::2]
        with self.ledger.batch() as batch:
            batch.settle(gone)
            batch.postpone(later, due_ms)
        for number in gone:
            del self.outbox[number]
        for number in later:
            before = self.outbox[number]
            self.outbox[number] = msgspec.structs.replace(
                before, due_ms=due_ms, tries=before.tries + 1
            )

    @rule(name=st.sampled_from("ab"), at_least=st.integers(1, 30), count=st.integers(1, 3))
    def next_counter(self, name, at_least, count):
        expected = max(self.counters[name] + 1, at_least)
        self.counters[name] = expected + count - 1
        with self.ledger.batch() as batch:
            assert batch.next_counter(name, at_least, count) == expected

    @rule(new=st.lists(entries, max_size=3), some=st.lists(messages, max_size=2))
    def undone(self, new, some):
        with (
            contextlib.suppress(ZeroDivisionError, ConflictError),
            self.ledger.batch() as batch,
        ):
            batch.post(some)
            batch.unseen([MessageKey(1, 1, 1, 99)])
            batch.next_counter("a")
            batch.record(new)
            assert 1 / len(batch.outbox(-1, 1))

    @invariant()
    def state_is_the_models(self):
        live = {device: row for (device, _), row in self.state.items() if row.live}
        with self.ledger.view() as view:
            assert view.live_deliveries([1, 2, 3, (1 << 63) + 1]) == live
            for state in {row.state for row in self.state.values()}:
                ours = {key: row for key, row in self.state.items() if row.state == state}
                theirs = view.deliveries_in(state, [1, 2, 3, (1 << 63) + 1])
                assert {(row.device_id, row.request): row for row in theirs} == ours
            for number in REQUESTS:
                ours = {device: row for (device, of), row in self.state.items() if of == number}
                theirs = {row.device_id: row for row in view.deliveries(number, limit=99)}
                assert theirs == ours
                assert view.counts(number) == Counter(
                    (row.state, row.reason) for row in ours.values()
                )

    @invariant()
    def timelines_are_the_models(self):
        with self.ledger.view() as view:
            for device in {one.device_id for one in self.journal}:
                ours = [one for one in self.journal if one.device_id == device]
                assert view.timeline(device, 1_000) == ours
                assert view.timeline(device, 3) == ours[-3:]

    @invariant()
    def outbox_is_the_models(self):
        with self.ledger.view() as view:
            for now_ms in (25, 50):
                ours = self.may_be_sent(now_ms)
                theirs, page = [], view.outbox(now_ms, 2)
                while page:
                    theirs += page
                    page = view.outbox(now_ms, 2, page[-1])
                assert theirs == ours
                for receiver in RECEIVERS:
                    assert view.outbox_for(receiver, now_ms, 99) == [
                        one for one in ours if one.receiver == receiver
                    ]
            for receiver in RECEIVERS:
                assert waiting(view, receiver) == [
                    one for _, one in sorted(self.outbox.items()) if one.receiver == receiver
                ]

    def may_be_sent(self, now_ms):
        """The first message of each receiver about each device, and all that are about none."""
        first = {}
        for number, one in sorted(self.outbox.items()):
            first.setdefault((one.receiver, one.device_id or -number), one)
        due = [one for one in first.values() if one.due_ms <= now_ms]
        return sorted(due, key=lambda one: (one.due_ms, one.number))


TestLedgerAndModel = LedgerAndModel.TestCase


def test_ledger_and_model_on_postgresql(postgresql_server):
    class OnPostgreSQL(LedgerAndModel):
        def new_url(self):
            return postgresql_server.new_url()

    run_state_machine_as_test(OnPostgreSQL, settings=settings(max_examples=8))
