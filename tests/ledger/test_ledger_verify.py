"""`verify` finds whatever was changed behind the ledger's back."""

import hashlib

import pytest
from tests.ledger.databases import SQLiteFile, run
from tests.ledger.examples import delivery, device, entry, outgoing, request, without_change

from hanota.ledger import Ledger
from hanota.model import Milestone, Outcome

IMAGE = b"image"


def fill(ledger):
    with ledger.batch() as batch:
        batch.put_devices([device(1)])
        batch.put_image(hashlib.sha256(IMAGE).digest(), IMAGE)
        for counter in (1, 2):
            batch.put_request(request(counter))
        batch.record(entry(delivery(one, 1)) for one in (1, 2, 3))
        batch.record([entry(delivery(1, 1, Milestone.DELIVERED)), without_change(1)])
        batch.record([entry(delivery(1, 1, Outcome.SILENT)), entry(delivery(1, 2))])
        batch.record([entry(delivery(4, 2, Outcome.LEFT_OUT, reason="wrong-type"))])
        batch.post([outgoing(b"body")])


FIRST, OTHER = "00-00-00-00-00-00-00-01", "00-00-00-00-00-00-00-02"
# What somebody does to the file, and a sentence that has to be among the faults.
CORRUPTIONS = {
    "UPDATE delivery SET state = 'updated' WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET reason = 'x' WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET hub_id = 0 WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET version = 0 WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET live = 0 WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET due_ms = NULL WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET changed_ms = 0 WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET last_entry = 1 WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE delivery SET request = 2 WHERE device_id = 2": "journalled and has no delivery",
    "DELETE FROM delivery WHERE device_id = 2": f"{OTHER} in request 1 is journalled",
    "INSERT INTO delivery SELECT 99, request, hub_id, version, state, reason, live, due_ms,"
    " changed_ms, last_entry FROM delivery WHERE device_id = 2": "the journal tells of 00-00",
    "UPDATE delivery_count SET devices = devices + 1 WHERE request = 2": "the count of accepted in",
    "UPDATE delivery_count SET reason = '' WHERE reason <> ''": "the count of left-out wrong-type",
    "DELETE FROM delivery_count WHERE state = 'silent'": "silent in request 1 is missing",
    "UPDATE journal SET state = 'silent' WHERE device_id = 2": f"the journal tells of {OTHER}",
    "UPDATE journal SET previous = 0 WHERE device_id = 1 AND previous > 0": f"of {FIRST} does not",
    "DELETE FROM journal WHERE device_id = 1 AND state = 'delivered'": f"of {FIRST} does not lead",
    "DELETE FROM journal WHERE device_id = 2": f"the journal tells of {OTHER}",
    "DELETE FROM journal": "the journal tells of",
    "DELETE FROM request WHERE number = 2": "in request 2, which does not exist",
    "UPDATE image SET octets = sha256": "has other octets than its name says",
}
# What only a file can suffer.
DAMAGES = {
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'type TEXT NOT NULL',"
    " 'type INTEGER NOT NULL') WHERE name = 'device'": "the file is damaged",
}


def test_a_ledger_that_was_left_alone_is_sound(ledger):
    fill(ledger)
    assert ledger.verify() == []


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_what_was_corrupted_is_found(lasting, corruption):
    faults = faults_after(corruption, lasting)
    assert any(CORRUPTIONS[corruption] in fault for fault in faults), faults


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_found(tmp_path, damage):
    faults = faults_after(damage, SQLiteFile(tmp_path / "ledger.db"))
    assert any(DAMAGES[damage] in fault for fault in faults), faults


def faults_after(corruption, place):
    with Ledger.open(place.url, owner="dcc") as ledger:
        fill(ledger)
    place.execute(corruption)
    with Ledger.open(place.url) as ledger:
        return ledger.verify()


def test_of_many_faults_the_first_ten_are_told(ledger):
    with ledger.batch() as batch:
        batch.put_request(request(1))
        batch.record(entry(delivery(one, 1)) for one in range(1, 100))
    run(ledger, "UPDATE delivery SET version = 0")
    assert len(ledger.verify()) == 10
