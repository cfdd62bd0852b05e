"""Where one device of an update is, as its supplier knows it: one table of state and evidence.

Success is proven, never assumed: only a device's own word (an alert or response, or a read-back)
makes it `updated`. Delivery and transfer are milestones on the way. An update by 11.1 comes to rest
as `distributed`, until the supplier activates it by 11.3, cancels that, or a newer image has
arrived in the device: one that never gets there replaces nothing. What comes late still counts: a
device that was given up as silent, or of which a hub had reported failure, becomes `updated-late`
when its proof arrives. Evidence that fits no row of the table changes nothing and is journalled.

Not here: whose word it is (`device_messages`, `answers`) and which delivery it is about
(`reception`, `conclusions`).
"""

from enum import StrEnum

import msgspec

from hanota.model import Milestone, Outcome
from hanota.rows import Delivery


class Evidence(StrEnum):
    """What a supplier can learn of one device of one update."""

    REQUEST_ACCEPTED = "request-accepted"  # the answer to 11.1 or 11.4 does not list the device
    REQUEST_REFUSED = "request-refused"  # the answer lists it, or refuses the whole request
    DELIVERY_SUCCESS = "delivery-success"  # CSPFirmwareDeliveryStatus, Success (N60)
    DELIVERY_FAILURE = "delivery-failure"  # CSPFirmwareDeliveryStatus, Failure (N61)
    TRANSFER_SUCCESS = "transfer-success"  # CommsHubAlert, FileTransferSuccess
    IMAGE_DISCARDED = "image-discarded"  # CommsHubAlert, FirmwareImageDiscarded
    HARDWARE_VERSION_MISMATCH = "hardware-version-mismatch"  # CommsHubAlert
    TRANSFER_FAILURE = "transfer-failure"  # CommsHubAlert, FileTransferFailure
    VERIFICATION_SUCCESS = "verification-success"  # alert 8F72 with the hash of the image
    VERIFICATION_FAILURE = "verification-failure"  # alert 8F1C
    ACTIVATION_REQUESTED = "activation-requested"  # the supplier sends an 11.3
    ACTIVATION_REFUSED = "activation-refused"  # by the DCC, or by us: the Pre-Command was altered
    ACTIVATION_ACCEPTED = "activation-accepted"  # CS06, NULL: it waits for its execution time
    CANCELLATION_ACCEPTED = "cancellation-accepted"  # CS06, NULL, to an 11.3 that cancels
    ACTIVATION_SUCCESS = "activation-success"  # PPMIDAlert; CS06 outcome 0, 8F66
    ACTIVATION_FAILURE = "activation-failure"  # PPMIDAlert; CS06 outcome 3, 8F67
    NO_IMAGE_HELD = "no-image-held"  # CS06 outcome 1
    HASH_MISMATCH = "hash-mismatch"  # CS06 outcome 2
    REPLACED = "replaced"  # the image of a later request has arrived in the device
    RUNS_THE_VERSION = "runs-the-version"  # the device named the version of the update as its own
    RUNS_ANOTHER_VERSION = "runs-another-version"  # a read-back, and no more than that
    DEADLINE_PASSED = "deadline-passed"  # nothing more was heard in time, and reading back is over
    READ_BACK_REQUESTED = "read-back-requested"  # the deadline has passed, the supplier sends 11.2


_REQUESTED, _ACCEPTED = Milestone.REQUESTED, Milestone.ACCEPTED
_DELIVERED, _TRANSFERRED = Milestone.DELIVERED, Milestone.TRANSFERRED
_DISTRIBUTED = Milestone.DISTRIBUTED
_ACTIVATION_REQUESTED = Milestone.ACTIVATION_REQUESTED
_ACTIVATION_ACCEPTED = Milestone.ACTIVATION_ACCEPTED

# An update that is distributed is not among them: nothing is expected until the supplier acts.
LIVE_STATES: frozenset[str] = frozenset(
    {
        _REQUESTED,
        _ACCEPTED,
        _DELIVERED,
        _TRANSFERRED,
        _ACTIVATION_REQUESTED,
        _ACTIVATION_ACCEPTED,
    }
)

# The device has the image: hub or device has said so, or the device runs it.
ARRIVED_STATES: frozenset[str] = frozenset(
    {_TRANSFERRED, _DISTRIBUTED, Outcome.UPDATED, Outcome.UPDATED_LATE}
)

_TRANSFER_FAILURES = {
    Evidence.IMAGE_DISCARDED: Outcome.DISCARDED,
    Evidence.HARDWARE_VERSION_MISMATCH: Outcome.HARDWARE_MISMATCH,
    Evidence.TRANSFER_FAILURE: Outcome.TRANSFER_FAILED,
}
_ACTIVATION_FAILURES = {
    Evidence.ACTIVATION_FAILURE: Outcome.ACTIVATION_FAILED,
    Evidence.NO_IMAGE_HELD: Outcome.NO_IMAGE,
    Evidence.HASH_MISMATCH: Outcome.HASH_MISMATCH,
}
_VERIFICATION = {
    Evidence.VERIFICATION_SUCCESS: _DISTRIBUTED,
    Evidence.VERIFICATION_FAILURE: Outcome.VERIFICATION_FAILED,
}
_PROOF = (Evidence.ACTIVATION_SUCCESS, Evidence.RUNS_THE_VERSION)
_ON_ITS_WAY = (_REQUESTED, _ACCEPTED, _DELIVERED, _TRANSFERRED)
_BEING_ACTIVATED = (_ACTIVATION_REQUESTED, _ACTIVATION_ACCEPTED)
# The image waits in the device, and an 11.3 may activate it.
_IMAGE_WAITS = (
    _DISTRIBUTED,
    Outcome.CANCELLED,
    Outcome.ACTIVATION_FAILED,
    Outcome.HASH_MISMATCH,
)
# Not proven, whatever was said: the device may turn out to run the version all the same.
_UNPROVEN = (
    Outcome.SILENT,
    Outcome.NOT_DELIVERED,
    Outcome.DISCARDED,
    Outcome.HARDWARE_MISMATCH,
    Outcome.TRANSFER_FAILED,
    Outcome.VERIFICATION_FAILED,
    Outcome.ACTIVATION_FAILED,
    Outcome.NO_IMAGE,
    Outcome.HASH_MISMATCH,
    Outcome.CANCELLED,
)

# Evidence may overtake other evidence on its way, so a later milestone may follow any earlier one.
TRANSITIONS: dict[tuple[str, Evidence], str] = {
    # What the DCC says of the request, and its hub of the image.
    (_REQUESTED, Evidence.REQUEST_ACCEPTED): _ACCEPTED,
    (_REQUESTED, Evidence.REQUEST_REFUSED): Outcome.LEFT_OUT,
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
        for evidence, outcome in _TRANSFER_FAILURES.items()
    },
    # What the device says of the image that 11.1 brought.
    **{(state, word): after for state in _ON_ITS_WAY for word, after in _VERIFICATION.items()},
    **{
        (state, Evidence.VERIFICATION_FAILURE): Outcome.VERIFICATION_FAILED
        for state in (_DISTRIBUTED, *_BEING_ACTIVATED)
    },
    # The supplier acts. What a device has accepted waits on, whatever becomes of a later 11.3.
    **{(state, Evidence.ACTIVATION_REQUESTED): _ACTIVATION_REQUESTED for state in _IMAGE_WAITS},
    **{
        (state, Evidence.ACTIVATION_REQUESTED): state
        for state in (_ACTIVATION_REQUESTED, _ACTIVATION_ACCEPTED)
    },
    (_ACTIVATION_REQUESTED, Evidence.ACTIVATION_REFUSED): _DISTRIBUTED,
    (_DISTRIBUTED, Evidence.REPLACED): Outcome.SUPERSEDED,
    # What the device says of the activation. An 11.3 may be sent before its 8F72 has come.
    **{
        (state, Evidence.ACTIVATION_ACCEPTED): _ACTIVATION_ACCEPTED
        for state in (*_ON_ITS_WAY, _DISTRIBUTED, *_BEING_ACTIVATED)
    },
    **{(state, Evidence.CANCELLATION_ACCEPTED): Outcome.CANCELLED for state in _BEING_ACTIVATED},
    **{
        (state, evidence): outcome
        for state in (*_ON_ITS_WAY, _DISTRIBUTED, *_BEING_ACTIVATED)
        for evidence, outcome in (
            *_ACTIVATION_FAILURES.items(),
            *((proof, Outcome.UPDATED) for proof in _PROOF),
        )
    },
    # Silence: it is answered by reading back, and only then believed.
    **{(state, Evidence.READ_BACK_REQUESTED): state for state in LIVE_STATES},
    **{(state, Evidence.DEADLINE_PASSED): Outcome.SILENT for state in LIVE_STATES},
    # Evidence that comes after the device was given up, or says why it held no image.
    **{
        (state, word): outcome
        for state in (Outcome.SILENT, Outcome.NO_IMAGE)
        for word, outcome in (
            (Evidence.DELIVERY_FAILURE, Outcome.NOT_DELIVERED),
            *_TRANSFER_FAILURES.items(),
            *_ACTIVATION_FAILURES.items(),
        )
        if state != outcome
    },
    (Outcome.SILENT, Evidence.ACTIVATION_ACCEPTED): _ACTIVATION_ACCEPTED,
    (Outcome.SILENT, Evidence.CANCELLATION_ACCEPTED): Outcome.CANCELLED,
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
    **{(state, proof): Outcome.UPDATED_LATE for state in _UNPROVEN for proof in _PROOF},
}

# This evidence says which version the device runs, whatever becomes of the update.
SAYS_WHAT_RUNS = frozenset({Evidence.ACTIVATION_SUCCESS, Evidence.ACTIVATION_FAILURE})


def advance(
    delivery: Delivery,
    evidence: Evidence,
    now_ms: int,
    *,
    reason: str = "",
    due_ms: int | None = None,
) -> Delivery | None:
    """The delivery after this evidence, or None where the table has no row for it.

    `reason` goes with a refusal: a LeftOut word, the DCC's response code, or what of a Pre-Command
    was altered. `due_ms` is the new deadline, where the evidence sets one: a delivery that comes
    to life again needs it. None means that the evidence is late, doubled or foreign: the caller
    journals it, and the inventory may still learn from it.
    """
    state = TRANSITIONS.get((delivery.state, evidence))
    if state is None:
        return None
    live = state in LIVE_STATES
    deadline_ms = delivery.due_ms if due_ms is None else due_ms
    return msgspec.structs.replace(
        delivery,
        state=str(state),
        reason=reason,
        live=live,
        due_ms=deadline_ms if live else None,
        changed_ms=now_ms,
    )
