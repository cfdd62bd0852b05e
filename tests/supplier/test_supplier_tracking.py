"""Every (state, evidence) pair of the supplier's table: the step it takes, or none."""

from itertools import product

import pytest

from hanota.model import Milestone, Outcome
from hanota.rows import Delivery
from hanota.supplier.tracking import LIVE_STATES, TRANSITIONS, Evidence, advance

NOW_MS, DUE_MS, LATER_MS = 2_000, 9_000, 12_000
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
        due_ms=DUE_MS if live else None,
        changed_ms=1_000,
    )


def after(state, *evidence):
    """The state after this evidence, which is all legal."""
    row = delivery(state)
    for one in evidence:
        row = advance(row, one, NOW_MS, due_ms=LATER_MS)
    return row.state


@pytest.mark.parametrize(("state", "evidence"), list(product(STATES, Evidence)))
def test_every_pair(state, evidence):
    before = delivery(state)
    moved = advance(before, evidence, NOW_MS, due_ms=LATER_MS)
    if (state, evidence) not in TRANSITIONS:
        assert moved is None
        return
    assert moved.state == TRANSITIONS[state, evidence]
    assert moved.changed_ms == NOW_MS
    assert moved.live == (moved.state in LIVE_STATES)
    assert moved.due_ms == (LATER_MS if moved.live else None)
    assert (moved.device_id, moved.request, moved.version) == (5, 1, 7)


def test_a_deadline_stays_unless_another_is_set():
    moved = advance(delivery(Milestone.ACCEPTED), Evidence.DELIVERY_SUCCESS, NOW_MS)
    assert moved.due_ms == DUE_MS


PROOF = {Evidence.ACTIVATION_SUCCESS, Evidence.RUNS_THE_VERSION}


def test_only_proof_makes_a_device_updated():
    proofs = {
        evidence
        for (_, evidence), state in TRANSITIONS.items()
        if state in (Outcome.UPDATED, Outcome.UPDATED_LATE)
    }
    assert proofs == PROOF


@pytest.mark.parametrize(
    "state", [Outcome.UPDATED, Outcome.UPDATED_LATE, Outcome.LEFT_OUT, Outcome.SUPERSEDED]
)
def test_these_are_final(state):
    assert not [evidence for before, evidence in TRANSITIONS if before == state]


def test_proof_counts_in_every_state_that_is_not_final():
    final = {Outcome.UPDATED, Outcome.UPDATED_LATE, Outcome.LEFT_OUT, Outcome.SUPERSEDED}
    for state, proof in product(set(STATES) - final, PROOF):
        in_time = state in LIVE_STATES or state == Milestone.DISTRIBUTED
        assert after(state, proof) == (Outcome.UPDATED if in_time else Outcome.UPDATED_LATE)


def test_every_live_state_can_end_by_its_deadline_and_by_what_the_device_says():
    for state in LIVE_STATES:
        assert TRANSITIONS[state, Evidence.READ_BACK_REQUESTED] == state
        assert TRANSITIONS[state, Evidence.DEADLINE_PASSED] == Outcome.SILENT
        assert TRANSITIONS[state, Evidence.ACTIVATION_FAILURE] == Outcome.ACTIVATION_FAILED


def test_only_what_is_live_can_fall_silent():
    silent = {state for (state, evidence) in TRANSITIONS if evidence is Evidence.DEADLINE_PASSED}
    assert silent == LIVE_STATES


def test_a_read_back_that_differs_moves_nothing():
    assert not [state for state, one in TRANSITIONS if one is Evidence.RUNS_ANOTHER_VERSION]


def test_the_reason_of_a_refusal_is_kept_until_the_next_step():
    left_out = advance(
        delivery(Milestone.REQUESTED), Evidence.REQUEST_REFUSED, NOW_MS, reason="hub-too-old"
    )
    assert (left_out.state, left_out.reason, left_out.live) == (
        Outcome.LEFT_OUT,
        "hub-too-old",
        False,
    )
    refused = advance(
        delivery(Milestone.ACTIVATION_REQUESTED), Evidence.ACTIVATION_REFUSED, NOW_MS, reason="E5"
    )
    assert (refused.state, refused.reason, refused.live) == (Milestone.DISTRIBUTED, "E5", False)
    again = advance(refused, Evidence.ACTIVATION_REQUESTED, NOW_MS, due_ms=LATER_MS)
    assert (again.reason, again.live, again.due_ms) == ("", True, LATER_MS)


WAYS = [
    # The second method, as it should go: at once, and future dated.
    (
        (Evidence.VERIFICATION_SUCCESS, Evidence.ACTIVATION_REQUESTED, Evidence.ACTIVATION_SUCCESS),
        Outcome.UPDATED,
    ),
    (
        (
            Evidence.VERIFICATION_SUCCESS,
            Evidence.ACTIVATION_REQUESTED,
            Evidence.ACTIVATION_ACCEPTED,
            Evidence.ACTIVATION_SUCCESS,
        ),
        Outcome.UPDATED,
    ),
    # Each known way to fail.
    ((Evidence.VERIFICATION_FAILURE,), Outcome.VERIFICATION_FAILED),
    ((Evidence.IMAGE_DISCARDED, Evidence.VERIFICATION_FAILURE), Outcome.VERIFICATION_FAILED),
    ((Evidence.NO_IMAGE_HELD,), Outcome.NO_IMAGE),
    (
        (Evidence.VERIFICATION_SUCCESS, Evidence.ACTIVATION_REQUESTED, Evidence.HASH_MISMATCH),
        Outcome.HASH_MISMATCH,
    ),
    (
        (
            Evidence.VERIFICATION_SUCCESS,
            Evidence.ACTIVATION_REQUESTED,
            Evidence.ACTIVATION_ACCEPTED,
            Evidence.ACTIVATION_FAILURE,
        ),
        Outcome.ACTIVATION_FAILED,
    ),
    # Cancelled, and then activated after all.
    ((Evidence.ACTIVATION_ACCEPTED, Evidence.CANCELLATION_ACCEPTED), Outcome.CANCELLED),
    (
        (
            Evidence.ACTIVATION_ACCEPTED,
            Evidence.CANCELLATION_ACCEPTED,
            Evidence.ACTIVATION_REQUESTED,
            Evidence.ACTIVATION_SUCCESS,
        ),
        Outcome.UPDATED,
    ),
    # Replaced: the command by another, the image by another.
    (
        (
            Evidence.ACTIVATION_ACCEPTED,
            Evidence.ACTIVATION_REQUESTED,
            Evidence.ACTIVATION_ACCEPTED,
        ),
        Milestone.ACTIVATION_ACCEPTED,
    ),
    ((Evidence.VERIFICATION_SUCCESS, Evidence.REPLACED), Outcome.SUPERSEDED),
    # A lost answer, found by reading back; and a device that never speaks.
    (
        (
            Evidence.VERIFICATION_SUCCESS,
            Evidence.ACTIVATION_REQUESTED,
            Evidence.READ_BACK_REQUESTED,
            Evidence.RUNS_THE_VERSION,
        ),
        Outcome.UPDATED,
    ),
    ((Evidence.READ_BACK_REQUESTED, Evidence.DEADLINE_PASSED), Outcome.SILENT),
    ((Evidence.DEADLINE_PASSED, Evidence.RUNS_THE_VERSION), Outcome.UPDATED_LATE),
]


@pytest.mark.parametrize(("evidence", "outcome"), WAYS)
def test_ways_of_an_update(evidence, outcome):
    assert after(Milestone.DELIVERED, *evidence) == outcome


def test_a_refused_second_command_leaves_what_the_device_accepted():
    row = delivery(Milestone.ACTIVATION_ACCEPTED)
    requested = advance(row, Evidence.ACTIVATION_REQUESTED, NOW_MS, due_ms=LATER_MS)
    assert requested.state == Milestone.ACTIVATION_ACCEPTED
    assert advance(requested, Evidence.ACTIVATION_REFUSED, NOW_MS, reason="E17") is None
