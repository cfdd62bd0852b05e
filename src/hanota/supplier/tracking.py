"""Where one device of an update is, as its supplier knows it: one table of state and evidence.

Success is proven, never assumed: only a signed alert (or, with 11.2, a read-back) makes a device
`updated`. Delivery and transfer are milestones on the way. What comes late still counts: a device
that was given up as silent, or whose transfer was reported as failed, becomes `updated-late` when
its proof arrives. Evidence that fits no row of the table changes nothing and is journalled.
"""

from enum import StrEnum

import msgspec

from hanota.model import Milestone, Outcome
from hanota.rows import Delivery


class Evidence(StrEnum):
    """What a supplier can learn of one device of one update."""

    REQUEST_ACCEPTED = "request-accepted"  # the answer to 11.4 does not list the device
    REQUEST_REFUSED = "request-refused"  # the answer lists it, or refuses the whole request
    DELIVERY_SUCCESS = "delivery-success"  # CSPFirmwareDeliveryStatus, Success (N60)
    DELIVERY_FAILURE = "delivery-failure"  # CSPFirmwareDeliveryStatus, Failure (N61)
    TRANSFER_SUCCESS = "transfer-success"  # CommsHubAlert, FileTransferSuccess
    IMAGE_DISCARDED = "image-discarded"  # CommsHubAlert, FirmwareImageDiscarded
    HARDWARE_VERSION_MISMATCH = "hardware-version-mismatch"  # CommsHubAlert
    TRANSFER_FAILURE = "transfer-failure"  # CommsHubAlert, FileTransferFailure
    ACTIVATION_SUCCESS = "activation-success"  # PPMIDAlert, ActivationSuccess
    ACTIVATION_FAILURE = "activation-failure"  # PPMIDAlert, ActivationFailure
    DEADLINE_PASSED = "deadline-passed"  # nothing more was heard in time


_REQUESTED, _ACCEPTED = Milestone.REQUESTED, Milestone.ACCEPTED
_DELIVERED, _TRANSFERRED = Milestone.DELIVERED, Milestone.TRANSFERRED

# Evidence may overtake other evidence on its way, so a later milestone may follow any earlier one.
TRANSITIONS: dict[tuple[str, Evidence], str] = {
    (_REQUESTED, Evidence.REQUEST_ACCEPTED): _ACCEPTED,
    (_REQUESTED, Evidence.REQUEST_REFUSED): Outcome.LEFT_OUT,
    (_REQUESTED, Evidence.DEADLINE_PASSED): Outcome.SILENT,
    (_ACCEPTED, Evidence.DEADLINE_PASSED): Outcome.SILENT,
    (_DELIVERED, Evidence.DEADLINE_PASSED): Outcome.SILENT,
    (_TRANSFERRED, Evidence.DEADLINE_PASSED): Outcome.SILENT,
    (_REQUESTED, Evidence.DELIVERY_SUCCESS): _DELIVERED,
    (_ACCEPTED, Evidence.DELIVERY_SUCCESS): _DELIVERED,
    (_REQUESTED, Evidence.DELIVERY_FAILURE): Outcome.NOT_DELIVERED,
    (_ACCEPTED, Evidence.DELIVERY_FAILURE): Outcome.NOT_DELIVERED,
    (_REQUESTED, Evidence.TRANSFER_SUCCESS): _TRANSFERRED,
    (_ACCEPTED, Evidence.TRANSFER_SUCCESS): _TRANSFERRED,
    (_DELIVERED, Evidence.TRANSFER_SUCCESS): _TRANSFERRED,
    **{
        (state, evidence): outcome
        for state in (_REQUESTED, _ACCEPTED, _DELIVERED)
        for evidence, outcome in {
            Evidence.IMAGE_DISCARDED: Outcome.DISCARDED,
            Evidence.HARDWARE_VERSION_MISMATCH: Outcome.HARDWARE_MISMATCH,
            Evidence.TRANSFER_FAILURE: Outcome.TRANSFER_FAILED,
        }.items()
    },
    **{
        (state, evidence): outcome
        for state in (_REQUESTED, _ACCEPTED, _DELIVERED, _TRANSFERRED)
        for evidence, outcome in {
            Evidence.ACTIVATION_SUCCESS: Outcome.UPDATED,
            Evidence.ACTIVATION_FAILURE: Outcome.ACTIVATION_FAILED,
        }.items()
    },
    # Proof that comes after the device was given up.
    (Outcome.SILENT, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
    (Outcome.SILENT, Evidence.ACTIVATION_FAILURE): Outcome.ACTIVATION_FAILED,
    (Outcome.SILENT, Evidence.DELIVERY_FAILURE): Outcome.NOT_DELIVERED,
    (Outcome.SILENT, Evidence.IMAGE_DISCARDED): Outcome.DISCARDED,
    (Outcome.SILENT, Evidence.HARDWARE_VERSION_MISMATCH): Outcome.HARDWARE_MISMATCH,
    (Outcome.SILENT, Evidence.TRANSFER_FAILURE): Outcome.TRANSFER_FAILED,
    (Outcome.NOT_DELIVERED, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
    (Outcome.TRANSFER_FAILED, Evidence.ACTIVATION_SUCCESS): Outcome.UPDATED_LATE,
}

# This evidence says which version the device runs, whatever becomes of the update.
SAYS_WHAT_RUNS = frozenset({Evidence.ACTIVATION_SUCCESS, Evidence.ACTIVATION_FAILURE})

LIVE_STATES = frozenset({_REQUESTED, _ACCEPTED, _DELIVERED, _TRANSFERRED})


def advance(
    delivery: Delivery, evidence: Evidence, now_ms: int, *, reason: str = ""
) -> Delivery | None:
    """The delivery after this evidence, or None where the table has no row for it.

    `reason` goes with REQUEST_REFUSED: a LeftOut word or the DCC's response code. None means that
    the evidence is late, doubled or foreign: the caller journals it, and the inventory may still
    learn from it.
    """
    state = TRANSITIONS.get((delivery.state, evidence))
    if state is None:
        return None
    live = state in LIVE_STATES
    return msgspec.structs.replace(
        delivery,
        state=str(state),
        reason=reason,
        live=live,
        due_ms=delivery.due_ms if live else None,
        changed_ms=now_ms,
    )
