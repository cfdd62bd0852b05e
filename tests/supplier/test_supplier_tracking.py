"""Every (state, evidence) pair of the supplier's table: the step it takes, or none."""

from itertools import product

import pytest

from hanota.model import Milestone, Outcome
from hanota.rows import Delivery
from hanota.supplier.tracking import LIVE_STATES, TRANSITIONS, Evidence, advance

NOW_MS = 2_000
STATES = (*Milestone, *Outcome)


def delivery(state):
    live = state in LIVE_STATES
    return Delivery(
        device_id=5,
        request=1,
        hub_id=3,
        version=7,
        state=state,
        reason="",
        live=live,
        due_ms=9_000 if live else None,
        changed_ms=1_000,
    )


@pytest.mark.parametrize(("state", "evidence"), list(product(STATES, Evidence)))
def test_every_pair(state, evidence):
    before = delivery(state)
    after = advance(before, evidence, NOW_MS)
    if (state, evidence) not in TRANSITIONS:
        assert after is None
        return
    assert after.state == TRANSITIONS[state, evidence]
    assert after.changed_ms == NOW_MS
    assert after.live == (after.state in LIVE_STATES)
    assert (after.due_ms is not None) == after.live
    assert (after.device_id, after.request, after.version) == (5, 1, 7)


def test_only_proof_makes_a_device_updated():
    proofs = {
        evidence
        for (_, evidence), state in TRANSITIONS.items()
        if state in (Outcome.UPDATED, Outcome.UPDATED_LATE)
    }
    assert proofs == {Evidence.ACTIVATION_SUCCESS}


def test_an_updated_device_stays_updated():
    assert not [state for state, _ in TRANSITIONS if state in (Outcome.UPDATED, Outcome.LEFT_OUT)]


def test_every_live_state_can_end_by_its_deadline_and_by_proof():
    for state in LIVE_STATES:
        assert TRANSITIONS[state, Evidence.DEADLINE_PASSED] == Outcome.SILENT
        assert TRANSITIONS[state, Evidence.ACTIVATION_SUCCESS] == Outcome.UPDATED
        assert TRANSITIONS[state, Evidence.ACTIVATION_FAILURE] == Outcome.ACTIVATION_FAILED


def test_a_silent_device_whose_proof_comes_is_updated_late():
    after = advance(delivery(Outcome.SILENT), Evidence.ACTIVATION_SUCCESS, NOW_MS)
    assert after.state == Outcome.UPDATED_LATE


def test_the_reason_of_a_refusal_is_kept():
    after = advance(
        delivery(Milestone.REQUESTED), Evidence.REQUEST_REFUSED, NOW_MS, reason="hub-too-old"
    )
    assert (after.state, after.reason, after.live) == (Outcome.LEFT_OUT, "hub-too-old", False)
