"""Where one device of an update is, as the DCC knows it: one table of state and evidence.

The DCC tracks a device from the acceptance of its 11.1 or 11.4 until the evidence that ends the
update, or until TRACKING_DAYS have passed. Hub and device reach the DCC by different ways, so
what they say may arrive in any order, twice, or after the end: all of that is expected. Where two
things are said of one failure, the same outcome stands whichever came first: the device's word
about its image outweighs the hub's, and a reason why there is no image outweighs that there is
none. The supplier's table (`supplier.tracking`) holds to the same order.

An image that 11.1 brought comes to rest as `distributed`. What becomes of its activation counts
here as well, because a receipt may be lost and a device must not stay in progress for it; that an
activation is asked for, waits or is cancelled says nothing of the distribution. An image that was
never activated is superseded once a newer one has arrived in the device, and not before: where the
newer one never gets there, the device still holds the older.

Not here: whose word it is (`reception`, `conclusions`), and what it does to the inventory
(`inventory`).
"""

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum

import msgspec

from hanota.limits import DAY_MS, TRACKING_DAYS
from hanota.model import Milestone, Outcome
from hanota.rows import Delivery, Device, JournalEntry


class Evidence(StrEnum):
    """What the DCC can learn of one device of one update."""

    DELIVERY_SUCCESS = "delivery-success"  # the hub has stored the image (N60)
    DELIVERY_FAILURE = "delivery-failure"  # the hub could not (N61)
    TRANSFER_SUCCESS = "transfer-success"  # CCS08 result 0
    IMAGE_DISCARDED = "image-discarded"  # CCS08 result 1
    HARDWARE_VERSION_MISMATCH = "hardware-version-mismatch"  # CCS08 result 2
    TRANSFER_FAILURE = "transfer-failure"  # CCS08 result 3
    VERIFICATION_SUCCESS = "verification-success"  # alert 8F72
    VERIFICATION_FAILURE = "verification-failure"  # alert 8F1C
    ACTIVATION_SUCCESS = "activation-success"  # CS09 result 0; CS06 outcome 0, 8F66
    ACTIVATION_FAILURE = "activation-failure"  # CS09 result 1; CS06 outcome 3
    NO_IMAGE_HELD = "no-image-held"  # CS06 outcome 1
    HASH_MISMATCH = "hash-mismatch"  # CS06 outcome 2
    RUNS_THE_VERSION = "runs-the-version"  # the device named the version as the one that it runs
    REPLACED = "replaced"  # the image of a later request has arrived in the device
    TRACKING_ENDED = "tracking-ended"  # TRACKING_DAYS have passed


LIVE_STATES = (Milestone.ACCEPTED, Milestone.DELIVERED, Milestone.TRANSFERRED)
# The device has the image: hub or device has said so, or the device runs it.
ARRIVED_STATES = frozenset(
    {Milestone.TRANSFERRED, Milestone.DISTRIBUTED, Outcome.UPDATED, Outcome.UPDATED_LATE}
)
_TRANSFER_FAILURES = {
    Evidence.IMAGE_DISCARDED: Outcome.DISCARDED,
    Evidence.HARDWARE_VERSION_MISMATCH: Outcome.HARDWARE_MISMATCH,
    Evidence.TRANSFER_FAILURE: Outcome.TRANSFER_FAILED,
}
_VERIFICATION = {
    Evidence.VERIFICATION_SUCCESS: Milestone.DISTRIBUTED,
    Evidence.VERIFICATION_FAILURE: Outcome.VERIFICATION_FAILED,
}
_ACTIVATION_FAILURES = {
    Evidence.ACTIVATION_FAILURE: Outcome.ACTIVATION_FAILED,
    Evidence.NO_IMAGE_HELD: Outcome.NO_IMAGE,
    Evidence.HASH_MISMATCH: Outcome.HASH_MISMATCH,
}
_PROOF = (Evidence.ACTIVATION_SUCCESS, Evidence.RUNS_THE_VERSION)
_ARRIVED = (Evidence.DELIVERY_SUCCESS, Evidence.TRANSFER_SUCCESS)
# Ended without proof: the device may turn out to run the version all the same.
_UNPROVEN = (
    Outcome.SILENT,
    Outcome.NOT_DELIVERED,
    *_TRANSFER_FAILURES.values(),
    Outcome.VERIFICATION_FAILED,
    *_ACTIVATION_FAILURES.values(),
)
# The image waits in the device after a command that failed: another one activates it in time.
_IMAGE_WAITS = (Outcome.ACTIVATION_FAILED, Outcome.HASH_MISMATCH)

# A pair that leads to its own state is legal and changes nothing: it was overtaken, or said again.
# A pair that is absent is illegal: it contradicts what was said before.
TRANSITIONS: dict[tuple[str, Evidence], str] = {
    # The way of an update. Later evidence may overtake earlier evidence.
    (Milestone.ACCEPTED, Evidence.DELIVERY_SUCCESS): Milestone.DELIVERED,
    (Milestone.ACCEPTED, Evidence.DELIVERY_FAILURE): Outcome.NOT_DELIVERED,
    (Milestone.ACCEPTED, Evidence.TRANSFER_SUCCESS): Milestone.TRANSFERRED,
    (Milestone.DELIVERED, Evidence.TRANSFER_SUCCESS): Milestone.TRANSFERRED,
    **{(Milestone.ACCEPTED, failure): ended for failure, ended in _TRANSFER_FAILURES.items()},
    **{(Milestone.DELIVERED, failure): ended for failure, ended in _TRANSFER_FAILURES.items()},
    **{(state, word): after for state in LIVE_STATES for word, after in _VERIFICATION.items()},
    **{(state, Evidence.TRACKING_ENDED): Outcome.SILENT for state in LIVE_STATES},
    # Of two receipts the one that tells of the failure stands.
    (Milestone.DISTRIBUTED, Evidence.VERIFICATION_FAILURE): Outcome.VERIFICATION_FAILED,
    (Milestone.DISTRIBUTED, Evidence.REPLACED): Outcome.SUPERSEDED,
    # What came of an activation; the receipt before it may be lost, and a command sent again.
    **{
        (state, word): after
        for state in (
            *LIVE_STATES,
            Milestone.DISTRIBUTED,
            *_ACTIVATION_FAILURES.values(),
            Outcome.SILENT,
        )
        for word, after in _ACTIVATION_FAILURES.items()
    },
    **{
        (state, proof): Outcome.UPDATED
        for state in (*LIVE_STATES, Milestone.DISTRIBUTED)
        for proof in _PROOF
    },
    # Proof, or a reason, after the DCC, the hub or the device had given up.
    **{(state, Evidence.RUNS_THE_VERSION): Outcome.UPDATED_LATE for state in _UNPROVEN},
    **{
        (state, Evidence.ACTIVATION_SUCCESS): (
            Outcome.UPDATED if state in _IMAGE_WAITS else Outcome.UPDATED_LATE
        )
        for state in _UNPROVEN
    },
    **{
        (state, failure): ended
        for state in (Outcome.SILENT, Outcome.NO_IMAGE)
        for failure, ended in (
            (Evidence.DELIVERY_FAILURE, Outcome.NOT_DELIVERED),
            *_TRANSFER_FAILURES.items(),
        )
    },
    # The device's own word about its image outweighs that of others, and one command too early.
    **{
        (state, word): after
        for state in (
            Outcome.SILENT,
            Outcome.NOT_DELIVERED,
            Outcome.TRANSFER_FAILED,
            Outcome.NO_IMAGE,
        )
        for word, after in _VERIFICATION.items()
    },
    (Outcome.DISCARDED, Evidence.VERIFICATION_FAILURE): Outcome.VERIFICATION_FAILED,
    # Overtaken, or said again.
    **{
        (state, evidence): state
        for state, legal in {
            Milestone.DELIVERED: (Evidence.DELIVERY_SUCCESS,),
            Milestone.TRANSFERRED: _ARRIVED,
            Milestone.DISTRIBUTED: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS),
            Outcome.UPDATED: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS, *_PROOF),
            Outcome.UPDATED_LATE: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS, *_PROOF),
            Outcome.SILENT: _ARRIVED,
            Outcome.NOT_DELIVERED: (Evidence.DELIVERY_FAILURE, Evidence.NO_IMAGE_HELD),
            # Verification that fails is told by the hub and, by 11.1, by the device as well.
            Outcome.DISCARDED: (
                Evidence.DELIVERY_SUCCESS,
                Evidence.IMAGE_DISCARDED,
                Evidence.NO_IMAGE_HELD,
            ),
            Outcome.VERIFICATION_FAILED: (
                *_ARRIVED,
                Evidence.IMAGE_DISCARDED,
                Evidence.VERIFICATION_FAILURE,
                Evidence.NO_IMAGE_HELD,
            ),
            Outcome.HARDWARE_MISMATCH: (
                Evidence.DELIVERY_SUCCESS,
                Evidence.HARDWARE_VERSION_MISMATCH,
                Evidence.NO_IMAGE_HELD,
            ),
            Outcome.TRANSFER_FAILED: (
                Evidence.DELIVERY_SUCCESS,
                Evidence.TRANSFER_FAILURE,
                Evidence.NO_IMAGE_HELD,
            ),
            Outcome.NO_IMAGE: _ARRIVED,
            Outcome.ACTIVATION_FAILED: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS),
            Outcome.HASH_MISMATCH: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS),
        }.items()
        for evidence in legal
    },
}


class Step(Enum):
    """What a piece of evidence did to a delivery."""

    ADVANCED = "advanced"
    UNCHANGED = "unchanged"  # legal, and nothing new
    ILLEGAL = "illegal"  # contradicts what was said before


class Advance(msgspec.Struct, frozen=True):
    """What became of a delivery; it is the same row unless the step is ADVANCED."""

    step: Step
    delivery: Delivery


def accepted(device: Device, request: int, version: int, now_ms: int) -> Delivery:
    """The delivery with which a device of an accepted 11.1 or 11.4 begins.

    `request` is the number of the RequestRow, `version` the file version of the image.
    """
    return Delivery(
        device_id=device.device_id,
        request=request,
        hub_id=device.hub_id,
        version=version,
        state=Milestone.ACCEPTED,
        reason="",
        live=True,
        due_ms=now_ms + TRACKING_DAYS * DAY_MS,
        changed_ms=now_ms,
    )


def advance(delivery: Delivery, evidence: Evidence, now_ms: int) -> Advance:
    """The delivery after this evidence, and whether that was a step at all."""
    state = TRANSITIONS.get((delivery.state, evidence))
    if state is None:
        return Advance(Step.ILLEGAL, delivery)
    if state == delivery.state:
        return Advance(Step.UNCHANGED, delivery)
    live = state in LIVE_STATES
    moved = msgspec.structs.replace(
        delivery,
        state=state,
        live=live,
        due_ms=delivery.due_ms if live else None,
        changed_ms=now_ms,
    )
    return Advance(Step.ADVANCED, moved)


def replaced(
    waiting: Iterable[Delivery], arrived: Mapping[int, Delivery], now_ms: int
) -> list[JournalEntry]:
    """The journal's entries for images that waited in devices, and that newer ones have replaced.

    `waiting` are deliveries of these devices that are `distributed`, `arrived` by device the ones
    that have come to one of the ARRIVED_STATES.
    """
    return [
        JournalEntry(
            now_ms,
            delivery.device_id,
            delivery.request,
            Evidence.REPLACED,
            advance(delivery, Evidence.REPLACED, now_ms).delivery,
            b"",
        )
        for delivery in waiting
        if delivery.request < arrived[delivery.device_id].request
    ]
