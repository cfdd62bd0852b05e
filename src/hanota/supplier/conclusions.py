"""What a device's message means for the update that its supplier tracks, and for the estate.

A response to 11.3 belongs to the last delivery of its device, if that was under way when the
command was sent; a receipt only if it names the hash of that delivery's image; a version that was
read to whatever delivery there is. A device that says which version it runs is believed over every
other word: an 11.3 that came too late, or twice, is answered with "no image held", and by the
version beside it that is proof.

A version that was read may be told after the device has activated another one and said so: then it
is of no use to the estate.

Not here: whether the device said it, and to whom (`device_messages`).
"""

from collections.abc import Sequence
from itertools import takewhile

import msgspec

from hanota.model import version_text
from hanota.rows import Command, Delivery, JournalEntry
from hanota.supplier.commands import CommandState
from hanota.supplier.tracking import Evidence
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.firmware_distribution_receipt import (
    EsmeFirmwareDistributionReceipt,
    GsmeFirmwareDistributionReceipt,
)
from hanota.wire.gbcs.use_cases import Content


class Tracked(msgspec.Struct, frozen=True):
    """The delivery that a message of its device may be about, and what is known of it."""

    delivery: Delivery
    image_hash: bytes  # of the Manufacturer Image that it delivers


def evidence_of(
    said: Content, tracked: Tracked, *, asked_in: int | None, cancels: bool
) -> Evidence | None:
    """What this says of the delivery; None where it is about another one, or says nothing.

    `asked_in` is the number of the RequestRow that a response answers, None for a receipt;
    `cancels` says whether that was an 11.3 that cancels.
    """
    if version_that_runs(said) == version_text(tracked.delivery.version):
        return _SUCCESS if _is_success(said) else Evidence.RUNS_THE_VERSION
    match said:
        case (
            EsmeFirmwareDistributionReceipt(alert_code=code, manufacturer_image_hash=told)
            | GsmeFirmwareDistributionReceipt(alert_code=code, manufacturer_image_hash=told)
        ):
            return _receipt(code, is_hash=told == tracked.image_hash)
        case cs06.ActivateFirmwareAccepted():
            evidence: Evidence | None = _ACCEPTANCE[cancels]
        case (
            cs06.ActivateFirmwareOutcome(result=result)
            | cs06.FutureDatedActivationAlert(outcome=cs06.ActivateFirmwareOutcome(result=result))
        ):
            # A success names the version that it led to: this is another one's.
            evidence = _FAILURES.get(result)
        case _:
            return None if version_that_runs(said) is None else Evidence.RUNS_ANOTHER_VERSION
    sent_for_this = asked_in is not None and asked_in > tracked.delivery.request
    return evidence if sent_for_this else None


def is_overtaken(said: Content, command: Command, timeline: Sequence[JournalEntry]) -> bool:
    """Whether the device told of an activation after this command was asked for, and before this.

    `timeline` is the device's journal in the order of recording, to the present. The outcome of an
    activation that succeeded is never overtaken: it is such a word itself.
    """
    since = takewhile(
        lambda entry: entry.request != command.request or entry.event not in _GOES,
        reversed(timeline),
    )
    return not _is_success(said) and any(entry.event in _TOLD_OF_AN_ACTIVATION for entry in since)


def version_that_runs(said: Content) -> str | None:
    """The version that the device says it runs now, as hex digits; None where it names none."""
    match said:
        case (
            cs06.ActivateFirmwareOutcome(firmware_version=version)
            | cs06.FutureDatedActivationAlert(
                outcome=cs06.ActivateFirmwareOutcome(firmware_version=version)
            )
            | cs08.ReadFirmwareVersionResponse(
                firmware_version=version, result=cs08.ReadResult.SUCCESS
            )
        ):
            return version.hex().upper()
        case (
            ecs52.ReadFirmwareVersionResponse(firmware_version=read)
            | gcs38.ReadFirmwareVersionResponse(firmware_version=read)
        ):
            return None if read is None else read.hex().upper()
        case _:
            return None


# The journal's words for a command that goes to its device, and for what a device said of an
# activation, whatever update that belongs to.
_GOES = frozenset({f"command:{CommandState.REQUESTED}", f"command:{CommandState.SIGNED}"})
_TOLD_OF_AN_ACTIVATION = frozenset(
    {
        *(
            f"{finding}{told}"
            for finding in ("", "late:", "unattributed:")
            for told in (Evidence.ACTIVATION_SUCCESS, Evidence.ACTIVATION_FAILURE)
        ),
        f"unattributed:{cs06.ActivateFirmwareOutcome.__name__}",
        f"unattributed:{cs06.FutureDatedActivationAlert.__name__}",
    }
)
_SUCCESS = Evidence.ACTIVATION_SUCCESS
_ACCEPTANCE = {
    False: Evidence.ACTIVATION_ACCEPTED,
    True: Evidence.CANCELLATION_ACCEPTED,
}
_FAILURES = {
    cs06.ActivateFirmwareResult.NO_IMAGE_HELD: Evidence.NO_IMAGE_HELD,
    cs06.ActivateFirmwareResult.HASH_MISMATCH: Evidence.HASH_MISMATCH,
    cs06.ActivateFirmwareResult.ACTIVATION_FAILURE: Evidence.ACTIVATION_FAILURE,
}


def _receipt(code: AlertCode, *, is_hash: bool) -> Evidence | None:
    if code is AlertCode.FIRMWARE_VERIFIED:
        return Evidence.VERIFICATION_SUCCESS if is_hash else None
    # What fails verification often has another hash than the image that was sent.
    return Evidence.VERIFICATION_FAILURE


def _is_success(said: Content) -> bool:
    match said:
        case (
            cs06.ActivateFirmwareOutcome(result=result)
            | cs06.FutureDatedActivationAlert(outcome=cs06.ActivateFirmwareOutcome(result=result))
        ):
            return result is cs06.ActivateFirmwareResult.SUCCESS
        case _:
            return False
