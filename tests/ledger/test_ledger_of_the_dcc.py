"""What only the DCC keeps: the products list, the quarantine, what was never taken, parts."""

import msgspec
import pytest
from tests.ledger.examples import HUB, SUPPLIER, device, outgoing, request

from hanota.errors import LocalError
from hanota.ledger import ConflictError, Ledger
from hanota.model import DeviceType
from hanota.rows import ProductEntry, ProductStatus

ENTRY = ProductEntry(
    type=DeviceType.PPMID,
    manufacturer="Maker",
    manufacturer_code=0x121D,
    model="P1",
    hardware_versions=(1, 0xFFFF),
    firmware_version="00000002",
    hash=bytes(range(32)),
    status=ProductStatus.ACTIVE,
    gbcs_version="4.3",
    follows=("00000001", "odd"),
)


def changed(**fields) -> ProductEntry:
    return msgspec.structs.replace(ENTRY, **fields)


# --- Products ---


def test_a_products_list_comes_back_in_its_order(ledger):
    entries = [changed(model=f"P{n}", status=status) for n, status in enumerate(ProductStatus)]
    entries.append(changed(type=DeviceType.ESME, hardware_versions=(), follows=()))
    with ledger.batch() as batch:
        batch.put_products([ENTRY])
        batch.replace_products(reversed(entries))
        assert batch.products() == entries[::-1]
    with ledger.batch() as batch:
        batch.replace_products([])
        assert batch.products() == []


def test_an_entry_that_comes_again_is_changed_in_its_place(ledger):
    with ledger.batch() as batch:
        batch.put_products([ENTRY, changed(model="P2")])
        newer = changed(status=ProductStatus.WITHDRAWN, gbcs_version="4.4", follows=())
        batch.put_products([newer, newer])
        assert batch.products() == [newer, changed(model="P2")]


@pytest.mark.parametrize(
    "field", [{"hash": bytes(32)}, {"hardware_versions": (1,)}, {"manufacturer_code": 1}]
)
def test_entries_that_differ_stand_beside_each_other(ledger, field):
    with ledger.batch() as batch:
        batch.put_products([ENTRY, changed(**field)])
        assert batch.products() == [ENTRY, changed(**field)]


# --- Quarantine ---


def put(batch, counter, **fields):
    return batch.put_request(request(counter, **fields))


def test_a_request_is_held_back_and_let_go(ledger):
    with ledger.batch() as batch:
        one, two = put(batch, 1, at_ms=10), put(batch, 2, at_ms=20)
        batch.quarantine(two.number, b"two")
        batch.quarantine(one.number, b"one")
    with ledger.view() as view:
        assert view.quarantined(limit=9) == [one, two]
        assert view.quarantined(after=one.number, limit=9) == [two]
        assert view.quarantined_octets(one.number) == b"one"
    later = msgspec.structs.replace(one, at_ms=99, image_hash=bytes(32), version=7)
    with ledger.batch() as batch:
        batch.release(later)
        assert batch.quarantined(limit=9) == [two]
        assert batch.quarantined_octets(one.number) is None
        assert batch.requests([one.number]) == {one.number: later}


def test_only_a_request_of_the_ledger_is_held_back_and_only_once(ledger):
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.quarantine(1, b"")
    with ledger.batch() as batch:
        batch.quarantine(put(batch, 1).number, b"")
    with pytest.raises(ConflictError), ledger.batch() as batch:
        batch.quarantine(1, b"")


def test_requests_of_a_kind_are_counted_from_an_instant_on(ledger):
    with ledger.batch() as batch:
        for counter, at_ms in enumerate((10, 20, 30, 40)):
            put(batch, counter, at_ms=at_ms)
        put(batch, 5, at_ms=30, command_variant=1)
        put(batch, 6, at_ms=30, service_reference="8.2")
        held = put(batch, 7, at_ms=30)
        batch.quarantine(held.number, b"")
        assert batch.requests_since(SUPPLIER, "11.4", 8, 20, 99) == 2
        assert batch.requests_since(SUPPLIER, "11.4", 8, 0, 3) == 3
        assert batch.requests_since(SUPPLIER, "11.4", 8, 0, 0) == 0
        assert batch.requests_since(HUB, "11.4", 8, 0, 99) == 0
        batch.release(held)
        assert batch.requests_since(SUPPLIER, "11.4", 8, 20, 99) == 3


def test_the_requests_under_a_request_id(ledger):
    with ledger.batch() as batch:
        rows = [put(batch, 1, command_variant=variant) for variant in (4, 5)]
        put(batch, 2)
        assert batch.requests_under(rows[0].request_id) == rows
        assert batch.requests_under(request(3).request_id) == []


# --- What was never taken ---


def test_a_message_that_is_given_up_leaves_the_outbox_for_the_journal(ledger):
    messages = [outgoing(b"one", device_id=7), outgoing(b"two", 50, SUPPLIER, device_id=7)]
    with ledger.batch() as batch:
        batch.post(messages)
        one, two = batch.outbox(50, 9)
        batch.give_up(one, "push:parked", 413, 60)
        batch.give_up(two, "push:given-up", None, 70)
        assert batch.outbox_depth() == 0
    with ledger.view() as view:
        first, second = view.untaken(limit=9)
        assert (first.at_ms, first.event, first.receiver, first.device_id) == (
            60,
            "push:parked",
            HUB,
            7,
        )
        assert (first.body, first.tries, first.status) == (b"one", 1, 413)
        assert (second.receiver, second.body, second.status) == (SUPPLIER, b"two", None)
        assert view.untaken(after=first.number, limit=9) == [second]
        assert [entry.message for entry in view.timeline(7, 9)] == [b"one", b"two"]
    assert ledger.verify() == []


# --- Parts ---


class OwnError(Exception):
    """The caller's."""


def put_and_fail(batch, device_id, error):
    with batch.part():
        batch.put_devices([device(device_id)])
        raise error


@pytest.mark.parametrize("error", [OwnError, LocalError])
def test_a_part_is_undone_alone(ledger, error):
    with ledger.batch() as batch:
        batch.put_devices([device(1)])
        with pytest.raises(error):
            put_and_fail(batch, 2, error)
        with batch.part():
            batch.put_devices([device(3)])
    with ledger.view() as view:
        assert view.devices([1, 2, 3]).keys() == {1, 3}


def put_both(batch, *counters):
    with batch.part():
        for counter in counters:
            put(batch, counter)


def test_a_broken_constraint_in_a_part_is_a_conflict_and_the_batch_goes_on(ledger):
    with ledger.batch() as batch:
        put(batch, 1)
        with pytest.raises(ConflictError):
            put_both(batch, 2, 1)
        put(batch, 3)
    with ledger.view() as view:
        found = [view.request(request(n).request_id, 8) is not None for n in (1, 2, 3)]
    assert found == [True, False, True]


def put_in_parts_and_fail(ledger):
    with ledger.batch() as batch:
        put_both(batch, 1, 2)
        raise OwnError


def test_parts_go_with_their_batch(ledger):
    with pytest.raises(OwnError):
        put_in_parts_and_fail(ledger)
    with ledger.view() as view:
        assert view.requests([1, 2]) == {}


def test_a_part_outside_a_batch_is_refused():
    with Ledger.open("sqlite://", owner="dcc") as ledger:
        with ledger.batch() as batch:
            pass
        with pytest.raises(LocalError), batch.part():
            pass
