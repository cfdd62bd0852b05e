"""What one piece of evidence does: to the delivery it belongs to, and to the estate.

An alert that names its request belongs to that one, any other to the one that delivers its
version. What belongs to none, or comes too late to change anything, is journalled as such; what a
device proves that it runs counts for the estate all the same.

Not here: whether the DCC said it, and whether it came before.
"""

import msgspec

from hanota.model import version_text
from hanota.rows import Delivery, Device, JournalEntry, RequestRow
from hanota.supplier.answers import Observation
from hanota.supplier.tracking import SAYS_WHAT_RUNS, Evidence, advance


def step(
    delivery: Delivery,
    evidence: Evidence,
    now_ms: int,
    *,
    reason: str = "",
    due_ms: int | None = None,
    message: bytes = b"",
) -> JournalEntry:
    """The journal's entry for evidence about this delivery, which it may have moved.

    `reason` and `due_ms` are those of `tracking.advance`, `message` the octets that said so.
    """
    advanced = advance(delivery, evidence, now_ms, reason=reason, due_ms=due_ms)
    event = evidence if advanced is not None else f"late:{evidence}"
    return JournalEntry(now_ms, delivery.device_id, delivery.request, event, advanced, message)


def settle(
    observation: Observation,
    tracked: tuple[Delivery, RequestRow] | None,
    message: bytes,
    now_ms: int,
) -> JournalEntry:
    """The journal's entry for an alert, `message`, that came for the first time.

    `tracked` is the live delivery of its device, or else the last one, with the request that it
    belongs to; None where the device never had one.
    """
    if tracked is not None and _is_about(observation, *tracked):
        return step(tracked[0], observation.evidence, now_ms, message=message)
    event = f"unattributed:{observation.evidence}"
    return JournalEntry(now_ms, observation.device_id, 0, event, None, message)


def learned(observation: Observation, device: Device) -> Device:
    """What the estate says of a device after this alert: the same row where it is no news."""
    if observation.evidence not in SAYS_WHAT_RUNS:
        return device
    return runs(device, observation.firmware_version)


def runs(device: Device, version: str) -> Device:
    """The estate's row of a device that says it runs this version; the same row if it did so."""
    if version == device.firmware_version:
        return device
    return msgspec.structs.replace(device, firmware_version=version)


def _is_about(observation: Observation, delivery: Delivery, request: RequestRow) -> bool:
    if observation.request_id is not None:
        return observation.request_id == request.request_id
    # A PPMID that failed to activate names the version that it still runs.
    failed = observation.evidence is Evidence.ACTIVATION_FAILURE
    return failed or observation.firmware_version == version_text(delivery.version)
