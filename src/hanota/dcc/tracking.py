"""Where one device of an update is, as the DCC knows it: one table of state and evidence.

The DCC tracks a device from the acceptance of its 11.1 or 11.4 until the evidence that ends the
update, or until TRACKING_DAYS have passed. Hub and device reach the DCC by different ways, so
what they say may arrive in any order, twice, or after the end: all of that is expected.

Not here: whose word it is (`evidence`), and what it does to the inventory (`inventory`).
"""

from enum import Enum, StrEnum

import msgspec

from hanota.limits import DAY_MS, TRACKING_DAYS
from hanota.model import Milestone, Outcome
from hanota.rows import Delivery, Device


class Evidence(StrEnum):
    """What the DCC can learn of one device of one update."""

    DELIVERY_SUCCESS = "delivery-success"  # the hub has stored the image (N60)
    DELIVERY_FAILURE = "delivery-failure"  # the hub could not (N61)
    TRANSFER_SUCCESS = "transfer-success"  # CCS08 result 0
    IMAGE_DISCARDED = "image-discarded"  # CCS08 result 1
    HARDWARE_VERSION_MISMATCH = "hardware-version-mismatch"  # CCS08 result 2
    TRANSFER_FAILURE = "transfer-failure"  # CCS08 result 3
    ACTIVATION_SUCCESS = "activation-success"  # CS09 result 0
    ACTIVATION_FAILURE = "activation-failure"  # CS09 result 1
    VERIFICATION_SUCCESS = "verification-success"  # alert 8F72
    VERIFICATION_FAILURE = "verification-failure"  # alert 8F1C
    TRACKING_ENDED = "tracking-ended"  # TRACKING_DAYS have passed


LIVE_STATES = (Milestone.ACCEPTED, Milestone.DELIVERED, Milestone.TRANSFERRED)
_TRANSFER_FAILURES = {
    Evidence.IMAGE_DISCARDED: Outcome.DISCARDED,
    Evidence.HARDWARE_VERSION_MISMATCH: Outcome.HARDWARE_MISMATCH,
    Evidence.TRANSFER_FAILURE: Outcome.TRANSFER_FAILED,
}
_WORD_OF_THE_DEVICE = {
    Evidence.ACTIVATION_SUCCESS: Outcome.UPDATED,
    Evidence.ACTIVATION_FAILURE: Outcome.ACTIVATION_FAILED,
    Evidence.VERIFICATION_SUCCESS: Milestone.DISTRIBUTED,
    Evidence.VERIFICATION_FAILURE: Outcome.VERIFICATION_FAILED,
}
_ARRIVED = (Evidence.DELIVERY_SUCCESS, Evidence.TRANSFER_SUCCESS)

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
    **{(state, word): end for state in LIVE_STATES for word, end in _WORD_OF_THE_DEVICE.items()},
    **{(state, Evidence.TRACKING_ENDED): Outcome.SILENT for state in LIVE_STATES},
    # Proof after the DCC, or the hub, had given up.
    (Outcome.SILENT, Evidence.DELIVERY_FAILURE): Outcome.NOT_DELIVERED,
    **{(Outcome.SILENT, failure): ended for failure, ended in _TRANSFER_FAILURES.items()},
    **{(Outcome.SILENT, word): ended for word, ended in _WORD_OF_THE_DEVICE.items()},
    (Outcome.SILENT, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
    (Outcome.NOT_DELIVERED, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
    (Outcome.TRANSFER_FAILED, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
    # Overtaken, or said again.
    **{
        (state, evidence): state
        for state, legal in {
            Milestone.DELIVERED: (Evidence.DELIVERY_SUCCESS,),
            Milestone.TRANSFERRED: _ARRIVED,
            Milestone.DISTRIBUTED: (*_ARRIVED, Evidence.VERIFICATION_SUCCESS),
            Outcome.UPDATED: (*_ARRIVED, Evidence.ACTIVATION_SUCCESS),
            Outcome.UPDATED_LATE: (*_ARRIVED, Evidence.ACTIVATION_SUCCESS),
            Outcome.SILENT: _ARRIVED,
            Outcome.NOT_DELIVERED: (Evidence.DELIVERY_FAILURE,),
            # Verification that fails is told by the hub and, by 11.1, by the device as well.
            Outcome.DISCARDED: (
                Evidence.DELIVERY_SUCCESS,
                Evidence.IMAGE_DISCARDED,
                Evidence.VERIFICATION_FAILURE,
            ),
            Outcome.VERIFICATION_FAILED: (
                *_ARRIVED,
                Evidence.IMAGE_DISCARDED,
                Evidence.VERIFICATION_FAILURE,
            ),
            Outcome.HARDWARE_MISMATCH: (
                Evidence.DELIVERY_SUCCESS,
                Evidence.HARDWARE_VERSION_MISMATCH,
            ),
            Outcome.TRANSFER_FAILED: (Evidence.DELIVERY_SUCCESS, Evidence.TRANSFER_FAILURE),
            Outcome.ACTIVATION_FAILED: (*_ARRIVED, Evidence.ACTIVATION_FAILURE),
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
