"""The DCC's table and the supplier's: the same outcome of the same story, in any order.

Hub and device reach the DCC by different ways and the DCC reaches the supplier by another, so what
is said of one device may arrive in any order. Of each story every order is tried on both tables.
"""

from itertools import permutations

import msgspec
import pytest

from hanota.dcc import tracking as dcc
from hanota.model import Milestone, Outcome
from hanota.rows import Delivery
from hanota.supplier import tracking as supplier

BEGUN = Delivery(5, 1, 3, 7, Milestone.ACCEPTED, "", live=True, due_ms=9, changed_ms=0)

# What hub and device can say of one device of one update, and what that comes to.
STORIES = {
    "delivery-failure": Outcome.NOT_DELIVERED,
    "delivery-success": Milestone.DELIVERED,
    "delivery-success transfer-success": Milestone.TRANSFERRED,
    "delivery-success image-discarded": Outcome.DISCARDED,
    "delivery-success hardware-version-mismatch": Outcome.HARDWARE_MISMATCH,
    "delivery-success transfer-failure": Outcome.TRANSFER_FAILED,
    # 11.1: hub and device both tell that verification failed.
    "delivery-success image-discarded verification-failure": Outcome.VERIFICATION_FAILED,
    "delivery-success transfer-success verification-success": Milestone.DISTRIBUTED,
    # The hub gave up what the device had taken all the same.
    "delivery-success transfer-failure verification-success": Milestone.DISTRIBUTED,
    "delivery-failure verification-success": Milestone.DISTRIBUTED,
    # 11.3, with all that came before it, and with the receipt lost.
    "delivery-success transfer-success verification-success activation-success": Outcome.UPDATED,
    "delivery-success transfer-success activation-success": Outcome.UPDATED,
    "delivery-success transfer-success verification-success activation-failure": (
        Outcome.ACTIVATION_FAILED
    ),
    "delivery-success transfer-success activation-failure": Outcome.ACTIVATION_FAILED,
    "delivery-success transfer-success verification-success hash-mismatch": Outcome.HASH_MISMATCH,
    "delivery-success transfer-success hash-mismatch": Outcome.HASH_MISMATCH,
    "delivery-success transfer-success no-image-held": Outcome.NO_IMAGE,
    # Why there is no image outweighs that there is none.
    "delivery-failure no-image-held": Outcome.NOT_DELIVERED,
    "delivery-success image-discarded no-image-held": Outcome.DISCARDED,
    "delivery-success image-discarded verification-failure no-image-held": (
        Outcome.VERIFICATION_FAILED
    ),
    "delivery-success hardware-version-mismatch no-image-held": Outcome.HARDWARE_MISMATCH,
    "delivery-success transfer-failure no-image-held": Outcome.TRANSFER_FAILED,
    # The answer was lost, and the version read back.
    "delivery-success transfer-success verification-success runs-the-version": Outcome.UPDATED,
    "delivery-success transfer-success runs-the-version": Outcome.UPDATED,
    # 11.4.
    "delivery-success transfer-success activation-success runs-the-version": Outcome.UPDATED,
}
# Proof after a failure that ends an update makes it `updated-late`, and before it `updated`.
LATE = {
    "delivery-failure activation-success",
    "delivery-success transfer-failure activation-success",
    "delivery-success image-discarded runs-the-version",
    "delivery-success image-discarded verification-failure activation-success",
}


def at_the_dcc(words, state=Milestone.ACCEPTED):
    delivery = msgspec.structs.replace(BEGUN, state=state)
    for word in words:
        delivery = dcc.advance(delivery, dcc.Evidence(word), 1).delivery
    return delivery.state


def at_the_supplier(words, state=Milestone.ACCEPTED):
    delivery = msgspec.structs.replace(BEGUN, state=state)
    for word in words:
        delivery = supplier.advance(delivery, supplier.Evidence(word), 1) or delivery
    return delivery.state


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_a_story_comes_to_the_same_on_both_sides(story):
    orders = list(permutations(story.split()))
    assert {at_the_dcc(words) for words in orders} == {STORIES[story]}
    assert {at_the_supplier(words) for words in orders} == {STORIES[story]}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_that_is_told_late_ends_as_it_would_have(story):
    """But that success counts as late, unless the image was known to wait before it."""
    for words in permutations(story.split()):
        end = at_the_dcc(words, Outcome.SILENT)
        assert at_the_supplier(words, Outcome.SILENT) == end
        if STORIES[story] is Outcome.UPDATED:
            assert end in (Outcome.UPDATED, Outcome.UPDATED_LATE)
        else:
            on_its_way = STORIES[story] in (Milestone.DELIVERED, Milestone.TRANSFERRED)
            assert end == (Outcome.SILENT if on_its_way else STORIES[story])


@pytest.mark.parametrize("story", sorted(LATE))
def test_proof_is_never_lost(story):
    for words in permutations(story.split()):
        end = at_the_dcc(words)
        assert end in (Outcome.UPDATED, Outcome.UPDATED_LATE)
        assert at_the_supplier(words) == end


def test_both_sides_agree_when_an_image_has_arrived():
    """Only then is the image gone that waited in the device before it."""
    assert {str(state) for state in dcc.ARRIVED_STATES} == supplier.ARRIVED_STATES
    for tracking in (dcc, supplier):
        assert tracking.TRANSITIONS[Milestone.DISTRIBUTED, tracking.Evidence.REPLACED] == (
            Outcome.SUPERSEDED
        )


def test_where_the_tables_differ():
    """The DCC sees no second command, and has no states of activation: only there they differ."""
    shared = {word.value for word in dcc.Evidence} & {word.value for word in supplier.Evidence}
    ours = {(str(state), str(word)): end for (state, word), end in dcc.TRANSITIONS.items()}
    theirs = {(str(state), str(word)): end for (state, word), end in supplier.TRANSITIONS.items()}
    differ = {
        before
        for before, word in ours.keys() | theirs.keys()
        if word in shared and ours.get((before, word), before) != theirs.get((before, word), before)
    }
    assert differ == {
        "activation-failed",
        "hash-mismatch",
        "requested",
        "activation-requested",
        "activation-accepted",
        "cancelled",
    }
