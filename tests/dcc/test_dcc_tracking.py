"""Every pair of state and evidence: where it leads, or that it is illegal."""

from itertools import product

import msgspec
import pytest
from tests.dcc.samples import NOW_MS, device

from hanota.dcc.tracking import (
    ARRIVED_STATES,
    LIVE_STATES,
    TRANSITIONS,
    Advance,
    Evidence,
    Step,
    accepted,
    advance,
    replaced,
)
from hanota.limits import DAY_MS, TRACKING_DAYS
from hanota.model import DeviceType, Milestone, Outcome
from hanota.rows import Delivery

PPMID = device(DeviceType.PPMID)
BEGUN = accepted(PPMID, request=7, version=0xACDCACDC, now_ms=NOW_MS)

# One row a state, one column an evidence: the state afterwards, "=" where it stays, "." where the
# evidence contradicts the state. Written down apart from the code's own table.
COLUMNS = (
    Evidence.DELIVERY_SUCCESS,
    Evidence.DELIVERY_FAILURE,
    Evidence.TRANSFER_SUCCESS,
    Evidence.IMAGE_DISCARDED,
    Evidence.HARDWARE_VERSION_MISMATCH,
    Evidence.TRANSFER_FAILURE,
    Evidence.VERIFICATION_SUCCESS,
    Evidence.VERIFICATION_FAILURE,
    Evidence.ACTIVATION_SUCCESS,
    Evidence.RUNS_THE_VERSION,
    Evidence.ACTIVATION_FAILURE,
    Evidence.NO_IMAGE_HELD,
    Evidence.HASH_MISMATCH,
    Evidence.REPLACED,
    Evidence.TRACKING_ENDED,
)
WORDS = {
    "del": Milestone.DELIVERED,
    "tra": Milestone.TRANSFERRED,
    "dis": Milestone.DISTRIBUTED,
    "upd": Outcome.UPDATED,
    "lat": Outcome.UPDATED_LATE,
    "not": Outcome.NOT_DELIVERED,
    "rej": Outcome.DISCARDED,
    "hwm": Outcome.HARDWARE_MISMATCH,
    "tfl": Outcome.TRANSFER_FAILED,
    "vfl": Outcome.VERIFICATION_FAILED,
    "afl": Outcome.ACTIVATION_FAILED,
    "noi": Outcome.NO_IMAGE,
    "hsh": Outcome.HASH_MISMATCH,
    "sup": Outcome.SUPERSEDED,
    "sil": Outcome.SILENT,
}
EXPECTED = {
    # N60 N61 CCS08:0, 1, 2, 3 8F72 8F1C CS06:0 read 3 1 2 replaced, time
    Milestone.ACCEPTED: "del not tra rej hwm tfl dis vfl upd upd afl noi hsh .   sil",
    Milestone.DELIVERED: "=   .   tra rej hwm tfl dis vfl upd upd afl noi hsh .   sil",
    Milestone.TRANSFERRED: "=   .   =   .   .   .   dis vfl upd upd afl noi hsh .   sil",
    Milestone.DISTRIBUTED: "=   .   =   .   .   .   =   vfl upd upd afl noi hsh sup .",
    Outcome.UPDATED: "=   .   =   .   .   .   =   .   =   =   .   .   .   .   .",
    Outcome.UPDATED_LATE: "=   .   =   .   .   .   =   .   =   =   .   .   .   .   .",
    Outcome.NOT_DELIVERED: ".   =   .   .   .   .   dis vfl lat lat .   =   .   .   .",
    Outcome.DISCARDED: "=   .   .   =   .   .   .   vfl lat lat .   =   .   .   .",
    Outcome.HARDWARE_MISMATCH: "=   .   .   .   =   .   .   .   lat lat .   =   .   .   .",
    Outcome.TRANSFER_FAILED: "=   .   .   .   .   =   dis vfl lat lat .   =   .   .   .",
    Outcome.VERIFICATION_FAILED: "=   .   =   =   .   .   .   =   lat lat .   =   .   .   .",
    Outcome.ACTIVATION_FAILED: "=   .   =   .   .   .   =   .   upd lat =   noi hsh .   .",
    Outcome.NO_IMAGE: "=   not =   rej hwm tfl dis vfl lat lat afl =   hsh .   .",
    Outcome.HASH_MISMATCH: "=   .   =   .   .   .   =   .   upd lat afl noi =   .   .",
    Outcome.SILENT: "=   not =   rej hwm tfl dis vfl lat lat afl noi hsh .   .",
}


def in_state(state: str) -> Delivery:
    live = state in LIVE_STATES
    return msgspec.structs.replace(
        BEGUN, state=state, live=live, due_ms=BEGUN.due_ms if live else None
    )


def test_the_table_covers_every_evidence():
    assert set(COLUMNS) == set(Evidence)
    assert {evidence for _, evidence in TRANSITIONS} == set(Evidence)
    assert {state for state, _ in TRANSITIONS} == set(EXPECTED)


@pytest.mark.parametrize(("state", "evidence"), list(product(EXPECTED, COLUMNS)))
def test_every_pair(state, evidence):
    word = EXPECTED[state].split()[COLUMNS.index(evidence)]
    delivery = in_state(state)
    later_ms = NOW_MS + 5_000
    advanced = advance(delivery, evidence, later_ms)
    if word in {"=", "."}:
        step = Step.UNCHANGED if word == "=" else Step.ILLEGAL
        assert advanced == Advance(step, delivery)
        return
    after = advanced.delivery
    assert advanced.step is Step.ADVANCED
    assert after == msgspec.structs.replace(
        delivery,
        state=WORDS[word],
        live=after.live,
        due_ms=BEGUN.due_ms if after.live else None,
        changed_ms=later_ms,
    )
    assert after.live == (WORDS[word] in LIVE_STATES)


@pytest.mark.parametrize("state", [Outcome.SUPERSEDED, "requested", "cancelled", "no such state"])
def test_a_state_that_is_final_or_not_the_dccs_takes_no_evidence(state):
    for evidence in Evidence:
        assert advance(in_state(state), evidence, NOW_MS).step is Step.ILLEGAL


def test_a_delivery_begins_accepted_and_live_until_tracking_ends():
    assert BEGUN.state == Milestone.ACCEPTED
    assert BEGUN.live
    assert BEGUN.due_ms == NOW_MS + TRACKING_DAYS * DAY_MS
    assert (BEGUN.device_id, BEGUN.hub_id, BEGUN.request) == (PPMID.device_id, PPMID.hub_id, 7)
    assert (BEGUN.version, BEGUN.reason, BEGUN.changed_ms) == (0xACDCACDC, "", NOW_MS)


def test_what_has_ended_is_never_live_again():
    for (state, _), after in TRANSITIONS.items():
        assert state in LIVE_STATES or after not in LIVE_STATES


def test_an_image_that_waits_is_replaced_by_a_newer_one_that_has_arrived():
    waiting = in_state(Milestone.DISTRIBUTED)
    newer = msgspec.structs.replace(waiting, request=waiting.request + 1)
    (entry,) = replaced([waiting, newer], {waiting.device_id: newer}, NOW_MS + 5)
    assert (entry.event, entry.at_ms, entry.request) == ("replaced", NOW_MS + 5, waiting.request)
    assert entry.delivery.state == Outcome.SUPERSEDED
    # A receipt of the older one that comes again.
    assert replaced([newer], {waiting.device_id: waiting}, NOW_MS) == []
    assert replaced([], {}, NOW_MS) == []


def test_an_image_has_arrived_when_hub_or_device_says_so():
    """What came to nothing on its way has not, and nor has what is only on its way."""
    ends = {TRANSITIONS[Milestone.ACCEPTED, evidence] for evidence in HAS_ARRIVED}
    assert ends <= ARRIVED_STATES
    others = {after for (_, evidence), after in TRANSITIONS.items() if evidence in NOT_ARRIVED}
    assert not others & ARRIVED_STATES


HAS_ARRIVED = (
    Evidence.TRANSFER_SUCCESS,
    Evidence.VERIFICATION_SUCCESS,
    Evidence.ACTIVATION_SUCCESS,
    Evidence.RUNS_THE_VERSION,
)
NOT_ARRIVED = (
    Evidence.DELIVERY_FAILURE,
    Evidence.IMAGE_DISCARDED,
    Evidence.HARDWARE_VERSION_MISMATCH,
    Evidence.TRANSFER_FAILURE,
)
