"""Pushes through the shell: in order per device, tried again, parked, given up, none lost."""

import pytest
from tests.dcc.samples import DEVICE_ID, HUB_ID, NOW_MS, SUPPLIER, device, hub
from tests.serve.a_dcc import HUB, PPMID, ADcc, activation, opened, stored, transfer

from hanota.dcc.pushes import PushEnd
from hanota.limits import DAY_MS, HOUR_MS, PUSH_DELAY_MS, PUSH_HOLD_DAYS
from hanota.model import DeviceType

OTHER_ID = DEVICE_ID + 7
OTHER = device(DeviceType.PPMID, device_id=OTHER_ID)
FIRST_MS = NOW_MS + PUSH_DELAY_MS


@pytest.fixture
def dcc():
    """A DCC with three messages about one PPMID and three about another."""
    dcc = ADcc(HUB, PPMID, OTHER)
    request = dcc.accept_update(DEVICE_ID, OTHER_ID)
    dcc.receive(stored(request, device_ids=(DEVICE_ID, OTHER_ID)))
    dcc.receive(transfer(), transfer(device_id=OTHER_ID, counter=2))
    dcc.receive(activation(), activation(originator=OTHER_ID))
    return dcc


def told(dcc, at_ms):
    """What may be sent by then, as (device, code)."""
    return [
        (push.device_id, opened(push.body, at_ms).body.dcc_alert_code)
        for push in dcc.shell.outgoing_push(at_ms, 100)
    ]


def head(dcc, device_id, at_ms):
    (push,) = (one for one in dcc.shell.outgoing_push(at_ms, 100) if one.device_id == device_id)
    return push


def drain(dcc, at_ms):
    """Take all that may be sent, one after the other; the codes of each device."""
    codes = {DEVICE_ID: [], OTHER_ID: []}
    while pushes := dcc.shell.outgoing_push(at_ms, 1):
        codes[pushes[0].device_id].append(opened(pushes[0].body, at_ms).body.dcc_alert_code)
        dcc.shell.taken([pushes[0].number])
    return codes


def test_the_messages_about_a_device_go_in_their_order(dcc):
    assert told(dcc, FIRST_MS) == [(DEVICE_ID, "N60"), (OTHER_ID, "N60")]
    assert drain(dcc, FIRST_MS) == {
        DEVICE_ID: ["N60", "N62", "N39"],
        OTHER_ID: ["N60", "N62", "N39"],
    }


def test_a_message_that_is_tried_again_holds_up_its_device_only(dcc):
    again_ms = dcc.shell.not_taken(head(dcc, DEVICE_ID, FIRST_MS), 503, FIRST_MS)
    assert 0 < again_ms - FIRST_MS <= 300_000
    assert drain(dcc, again_ms - 1) == {DEVICE_ID: [], OTHER_ID: ["N60", "N62", "N39"]}
    assert drain(dcc, again_ms) == {DEVICE_ID: ["N60", "N62", "N39"], OTHER_ID: []}


def test_what_comes_in_while_a_message_is_tried_again_waits_too(dcc):
    again_ms = dcc.shell.not_taken(head(dcc, DEVICE_ID, FIRST_MS), None, FIRST_MS)
    dcc.receive(activation(version=9, counter=5))
    assert [device_id for device_id, _ in told(dcc, again_ms - 1)] == [OTHER_ID]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_message_that_is_refused_for_good_is_parked_and_holds_nobody_up(dcc, status):
    push = head(dcc, DEVICE_ID, FIRST_MS)
    assert dcc.shell.not_taken(push, status, FIRST_MS) is PushEnd.PARKED
    assert drain(dcc, FIRST_MS) == {DEVICE_ID: ["N62", "N39"], OTHER_ID: ["N60", "N62", "N39"]}
    dcc.restart()
    (parked,) = dcc.shell.untaken(10)
    assert (parked.event, parked.status, parked.tries) == ("push:parked", status, 1)
    assert (parked.receiver, parked.device_id) == (SUPPLIER, DEVICE_ID)
    assert (parked.body, parked.at_ms) == (push.body, FIRST_MS)
    assert dcc.events()[-1] == "push:parked"
    assert dcc.ledger.verify() == []


def test_a_push_survives_a_restart(dcc):
    again_ms = dcc.shell.not_taken(head(dcc, DEVICE_ID, FIRST_MS), 500, FIRST_MS)
    dcc.restart()
    assert [one.tries for one in dcc.shell.waiting(SUPPLIER, 10)] == [1, 0, 0, 0, 0, 0]
    assert told(dcc, again_ms - 1) == [(OTHER_ID, "N60")]
    assert drain(dcc, again_ms)[DEVICE_ID] == ["N60", "N62", "N39"]


def test_all_that_waited_two_days_is_given_up_together(dcc):
    end_ms = FIRST_MS + PUSH_HOLD_DAYS * DAY_MS
    now_ms = FIRST_MS
    while now_ms < end_ms:
        push = head(dcc, DEVICE_ID, now_ms)
        match dcc.shell.not_taken(push, None, now_ms):
            case PushEnd():
                pytest.fail("it was given up too early")
            case then_ms:
                now_ms = then_ms
    # Those behind the first are as old as it is, and are not held for two days more.
    for _ in range(3):
        assert dcc.shell.not_taken(head(dcc, DEVICE_ID, end_ms), 504, end_ms) is PushEnd.GIVEN_UP
    assert {one.event for one in dcc.shell.untaken(10)} == {"push:given-up"}
    assert [one.tries for one in dcc.shell.untaken(10)][1:] == [1, 1]
    assert drain(dcc, end_ms + HOUR_MS) == {DEVICE_ID: [], OTHER_ID: ["N60", "N62", "N39"]}


def test_pages_of_what_was_not_taken_meet(dcc):
    while pushes := dcc.shell.outgoing_push(FIRST_MS, 1):
        dcc.shell.not_taken(pushes[0], 400, FIRST_MS)
    seen, after = [], 0
    while page := dcc.shell.untaken(4, after):
        seen += page
        after = page[-1].number
    assert len(seen) == 6
    assert seen == dcc.shell.untaken(100)


def test_pages_of_what_waits_meet(dcc):
    seen, after = [], 0
    while page := dcc.shell.waiting(SUPPLIER, 4, after):
        seen += [push.number for push in page]
        after = page[-1].number
    assert len(seen) == len(set(seen)) == 6
    assert dcc.shell.waiting(HUB_ID + 1, 10) == []


def test_the_number_of_steps_of_the_database_does_not_grow_with_what_waits():
    def steps(devices: int) -> int:
        ids = range(1, devices + 1)
        hubs = [hub(device_id=10_000 + n, hub_id=10_000 + n) for n in ids]
        ppmids = [device(DeviceType.PPMID, device_id=n, hub_id=10_000 + n) for n in ids]
        dcc = ADcc(*hubs, *ppmids)
        request = dcc.accept_update(*ids)
        dcc.shell.receive_wan([(10_000 + n, stored(request, device_ids=(n,))) for n in ids], NOW_MS)
        dcc.shell.receive_wan([(10_000 + n, activation(originator=n)) for n in ids], NOW_MS)
        for push in dcc.shell.outgoing_push(FIRST_MS, devices):
            dcc.shell.not_taken(push, None, FIRST_MS)
        counted = []
        connection = dcc.ledger._database._connection
        connection.set_progress_handler(lambda: counted.append(1), 1)
        try:
            assert dcc.shell.outgoing_push(FIRST_MS, devices) == []
        finally:
            connection.set_progress_handler(None, 0)
        return len(counted)

    # All are behind one that is tried again: none of them is looked at.
    assert steps(10) == steps(40)
