"""Every pair of state and evidence: where it leads, or that it is illegal."""

from itertools import product

import msgspec
import pytest
from tests.dcc.samples import NOW_MS, device

from hanota.dcc.tracking import (
    LIVE_STATES,
    TRANSITIONS,
    Advance,
    Evidence,
    Step,
    accepted,
    advance,
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
    Evidence.ACTIVATION_SUCCESS,
    Evidence.ACTIVATION_FAILURE,
    Evidence.VERIFICATION_SUCCESS,
    Evidence.VERIFICATION_FAILURE,
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
    "sil": Outcome.SILENT,
}
EXPECTED = {
    Milestone.ACCEPTED: "del not tra rej hwm tfl upd afl dis vfl sil",
    Milestone.DELIVERED: "=   .   tra rej hwm tfl upd afl dis vfl sil",
    Milestone.TRANSFERRED: "=   .   =   .   .   .   upd afl dis vfl sil",
    Milestone.DISTRIBUTED: "=   .   =   .   .   .   .   .   =   .   .",
    Outcome.UPDATED: "=   .   =   .   .   .   =   .   .   .   .",
    Outcome.UPDATED_LATE: "=   .   =   .   .   .   =   .   .   .   .",
    Outcome.NOT_DELIVERED: ".   =   .   .   .   .   lat .   .   .   .",
    Outcome.DISCARDED: "=   .   .   =   .   .   .   .   .   =   .",
    Outcome.HARDWARE_MISMATCH: "=   .   .   .   =   .   .   .   .   .   .",
    Outcome.TRANSFER_FAILED: "=   .   .   .   .   =   lat .   .   .   .",
    Outcome.VERIFICATION_FAILED: "=   .   =   =   .   .   .   .   .   =   .",
    Outcome.ACTIVATION_FAILED: "=   .   =   .   .   .   .   =   .   .   .",
    Outcome.SILENT: "=   not =   rej hwm tfl lat afl dis vfl .",
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


@pytest.mark.parametrize("state", ["requested", "left-out", "cancelled", "no such state"])
def test_a_state_that_the_dcc_does_not_have_takes_no_evidence(state):
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
