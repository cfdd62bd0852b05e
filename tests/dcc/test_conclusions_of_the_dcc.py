"""What a device's answer to a command says of the delivery that the DCC tracks."""

from itertools import product

import msgspec
import pytest
from tests.dcc.a_command import (
    HCALCS,
    VERSION,
    accepted,
    command,
    cs06_alert,
    cs06_response,
    reply,
    request_row,
    version_read,
)
from tests.dcc.samples import ACB, NEW, NOW_MS, OTHER_SUPPLIER, SUPPLIER

from hanota.dcc import tracking
from hanota.dcc.commands import CommandKind
from hanota.dcc.conclusions import Tracked, conclude, evidence_of
from hanota.dcc.tracking import Evidence
from hanota.model import Milestone, Outcome, RequestID
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38

OLD = bytes.fromhex("00010000")
UPDATE = msgspec.structs.replace(
    request_row("11.1", 8), number=3, request_id=RequestID(SUPPLIER, ACB, 10)
)
DELIVERY = tracking.accepted(HCALCS, UPDATE.number, NEW, NOW_MS)
TRACKED = Tracked(DELIVERY, UPDATE)
COMMAND = command(CommandKind.FUTURE_DATED_ACTIVATION)


def said_by(result, version):
    """The outcome as a response, and as the alert of a future-dated command."""
    outcome = cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult(result), version)
    alert = cs06_alert(outcome.result)
    content = cs06.decode_alert(alert.content)
    told = cs06.encode_alert(msgspec.structs.replace(content, outcome=outcome))
    return cs06_response(outcome), msgspec.structs.replace(alert, content=told)


OUTCOMES = {
    cs06.ActivateFirmwareResult.NO_IMAGE_HELD: Evidence.NO_IMAGE_HELD,
    cs06.ActivateFirmwareResult.HASH_MISMATCH: Evidence.HASH_MISMATCH,
    cs06.ActivateFirmwareResult.ACTIVATION_FAILURE: Evidence.ACTIVATION_FAILURE,
}
READS = [
    version_read(cs08, 0x0129, VERSION, cs08.ReadResult.SUCCESS),
    version_read(ecs52, 0x0059, 1000, VERSION, target=SUPPLIER),
    version_read(gcs38, 0x0084, VERSION, target=SUPPLIER),
]
MEANINGS = [
    *(
        (message, evidence)
        for result, evidence in OUTCOMES.items()
        for message in said_by(result, OLD)
    ),
    *((message, Evidence.ACTIVATION_SUCCESS) for message in said_by(0, VERSION)),
    # A success that led to another version is about another update.
    *((message, None) for message in said_by(0, OLD)),
    # The answer to the command before was lost: what runs is the proof.
    *(
        (message, Evidence.RUNS_THE_VERSION)
        for result in OUTCOMES
        for message in said_by(result, VERSION)
    ),
    *((message, Evidence.RUNS_THE_VERSION) for message in READS),
    (version_read(gcs38, 0x0084, OLD, target=SUPPLIER), None),
    (version_read(gcs38, 0x0084, None, 0xC0, target=SUPPLIER), None),
    (accepted(), None),
]


@pytest.mark.parametrize(("message", "evidence"), MEANINGS)
def test_what_each_answer_says_of_the_delivery(message, evidence):
    assert evidence_of(reply(message), COMMAND, TRACKED) is evidence


@pytest.mark.parametrize(("result", "alert"), list(product(OUTCOMES, [False, True])))
def test_a_failure_is_only_about_what_the_same_supplier_began_before(result, alert):
    message = reply(said_by(result, OLD)[alert])
    theirs = msgspec.structs.replace(
        UPDATE, request_id=msgspec.structs.replace(UPDATE.request_id, originator=OTHER_SUPPLIER)
    )
    assert evidence_of(message, COMMAND, Tracked(DELIVERY, theirs)) is None
    later = msgspec.structs.replace(UPDATE, number=COMMAND.request + 1)
    assert evidence_of(message, COMMAND, Tracked(DELIVERY, later)) is None


def test_proof_counts_whoever_asked():
    theirs = msgspec.structs.replace(
        UPDATE, request_id=msgspec.structs.replace(UPDATE.request_id, originator=OTHER_SUPPLIER)
    )
    message = reply(said_by(0, VERSION)[0])
    assert evidence_of(message, COMMAND, Tracked(DELIVERY, theirs)) is Evidence.ACTIVATION_SUCCESS


@pytest.mark.parametrize(
    "state", [*tracking.LIVE_STATES, Milestone.DISTRIBUTED, Outcome.SILENT, Outcome.UPDATED]
)
@pytest.mark.parametrize("message", [message for message, evidence in MEANINGS if evidence])
def test_the_journal_has_what_moved_the_delivery_and_what_contradicts_it(state, message):
    live = state in tracking.LIVE_STATES
    delivery = msgspec.structs.replace(DELIVERY, state=state, live=live)
    evidence = evidence_of(reply(message), COMMAND, TRACKED)
    entry = conclude(reply(message), COMMAND, Tracked(delivery, UPDATE), NOW_MS + 9)
    after = tracking.TRANSITIONS.get((state, evidence))
    if after == state:
        assert entry is None
        return
    assert (entry.device_id, entry.request, entry.at_ms) == (
        DELIVERY.device_id,
        UPDATE.number,
        NOW_MS + 9,
    )
    if after is None:
        assert (entry.event, entry.delivery) == (f"illegal:{evidence}", None)
    else:
        assert entry.event == evidence
        assert (entry.delivery.state, entry.delivery.live) == (after, False)


def test_without_a_delivery_nothing_is_concluded():
    assert conclude(reply(said_by(0, VERSION)[0]), COMMAND, None, NOW_MS) is None
