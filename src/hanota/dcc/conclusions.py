"""What a device's answer to a command says of the update that the DCC tracks.

A receipt may be lost, so what came of an activation counts for the delivery as well, and a read
that names its version. A failure belongs to the last delivery of its device if the user who asked
for that also sent the command, and sent it later: a supplier's "no image held" says nothing of an
image that another supplier brought. A device that says it runs the version is believed over every
other word beside it.

Not here: whether the answer is genuine and what it does to its command (`responses`), and where
the evidence leads (`tracking`).
"""

import msgspec

from hanota.dcc.reception import Finding, event
from hanota.dcc.replies import Reply, version_that_runs
from hanota.dcc.tracking import Evidence, Step, advance
from hanota.model import version_text
from hanota.rows import Command, Delivery, JournalEntry, RequestRow
from hanota.wire.gbcs import cs06


class Tracked(msgspec.Struct, frozen=True):
    """The last delivery of a device, the live one if it has one, and the request that it is of."""

    delivery: Delivery
    request: RequestRow


def conclude(
    reply: Reply, command: Command, tracked: Tracked | None, now_ms: int
) -> JournalEntry | None:
    """The journal's entry for the delivery that a genuine answer to `command` is about.

    None where it is about none, or says nothing that was not known. The octets of the answer stand
    in the entry of its command.
    """
    evidence = None if tracked is None else evidence_of(reply, command, tracked)
    if tracked is None or evidence is None:
        return None
    delivery = tracked.delivery
    advanced = advance(delivery, evidence, now_ms)
    if advanced.step is Step.UNCHANGED:
        return None
    moved = advanced.step is Step.ADVANCED
    return JournalEntry(
        at_ms=now_ms,
        device_id=delivery.device_id,
        request=delivery.request,
        event=evidence if moved else event(Finding.ILLEGAL, evidence),
        delivery=advanced.delivery if moved else None,
        message=b"",
    )


def evidence_of(reply: Reply, command: Command, tracked: Tracked) -> Evidence | None:
    """What an answer to this command says of the delivery; None where it is about another."""
    result = _result(reply)
    if version_that_runs(reply) == version_text(tracked.delivery.version):
        succeeded = result is cs06.ActivateFirmwareResult.SUCCESS
        return Evidence.ACTIVATION_SUCCESS if succeeded else Evidence.RUNS_THE_VERSION
    if result is None or not _is_sent_for(command, tracked):
        return None
    # A success names the version that it led to: this is another one's.
    return _FAILURES.get(result)


_FAILURES = {
    cs06.ActivateFirmwareResult.NO_IMAGE_HELD: Evidence.NO_IMAGE_HELD,
    cs06.ActivateFirmwareResult.HASH_MISMATCH: Evidence.HASH_MISMATCH,
    cs06.ActivateFirmwareResult.ACTIVATION_FAILURE: Evidence.ACTIVATION_FAILURE,
}


def _result(reply: Reply) -> cs06.ActivateFirmwareResult | None:
    match reply.said:
        case (
            cs06.ActivateFirmwareOutcome(result=result)
            | cs06.FutureDatedActivationAlert(outcome=cs06.ActivateFirmwareOutcome(result=result))
        ):
            return result
        case _:
            return None


def _is_sent_for(command: Command, tracked: Tracked) -> bool:
    by_the_same = command.originator == tracked.request.request_id.originator
    return by_the_same and command.request > tracked.request.number
