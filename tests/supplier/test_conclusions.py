"""What a device's message means for the update that its supplier tracks."""

from itertools import product

import pytest
from tests.supplier.device_says import (
    ACCEPTED,
    CS08,
    ECS52,
    FAILED,
    GCS38,
    HASH,
    VERIFIED,
    VERSION,
    alert_of,
    esme_receipt,
    gsme_receipt,
    outcome,
)

from hanota.model import Milestone
from hanota.rows import Command, Delivery, JournalEntry
from hanota.supplier.conclusions import (
    Tracked,
    evidence_of,
    is_overtaken,
    version_that_runs,
)
from hanota.supplier.tracking import Evidence
from hanota.wire.gbcs import cs08, ecs52, gcs38

OLD = bytes.fromhex("00010000")
REQUEST = 10
TRACKED = Tracked(
    Delivery(5, REQUEST, 3, 0x0002_0000, Milestone.DISTRIBUTED, "", False, None, 0), HASH
)
OTHER_HASH = bytes(32)
READ_FAILED = [
    cs08.ReadFirmwareVersionResponse(bytes(4), cs08.ReadResult.FAILURE),
    ecs52.ReadFirmwareVersionResponse(1, None, 1),
    gcs38.ReadFirmwareVersionResponse(None, 0xC0),
]
READ_OLD = [
    cs08.ReadFirmwareVersionResponse(OLD, cs08.ReadResult.SUCCESS),
    ecs52.ReadFirmwareVersionResponse(1, OLD),
    gcs38.ReadFirmwareVersionResponse(OLD),
]


def evidence(said, *, asked_in=REQUEST + 1, cancels=False):
    return evidence_of(said, TRACKED, asked_in=asked_in, cancels=cancels)


MEANINGS = [
    *(
        (receipt(VERIFIED), Evidence.VERIFICATION_SUCCESS)
        for receipt in (esme_receipt, gsme_receipt)
    ),
    *((receipt(FAILED), Evidence.VERIFICATION_FAILURE) for receipt in (esme_receipt, gsme_receipt)),
    *((receipt(VERIFIED, OTHER_HASH), None) for receipt in (esme_receipt, gsme_receipt)),
    *(
        (receipt(FAILED, OTHER_HASH), Evidence.VERIFICATION_FAILURE)
        for receipt in (esme_receipt, gsme_receipt)
    ),
    (ACCEPTED, Evidence.ACTIVATION_ACCEPTED),
    *(
        (said(result, version), meaning)
        for said in (outcome, alert_of)
        for result, version, meaning in (
            (0, VERSION, Evidence.ACTIVATION_SUCCESS),
            (1, OLD, Evidence.NO_IMAGE_HELD),
            (2, OLD, Evidence.HASH_MISMATCH),
            (3, OLD, Evidence.ACTIVATION_FAILURE),
            # A success that led to another version is about another update.
            (0, OLD, None),
            # The answer to the command before was lost: what runs is the proof.
            (1, VERSION, Evidence.RUNS_THE_VERSION),
            (2, VERSION, Evidence.RUNS_THE_VERSION),
            (3, VERSION, Evidence.RUNS_THE_VERSION),
        )
    ),
    *((said, Evidence.RUNS_THE_VERSION) for said in (CS08, ECS52, GCS38)),
    *((said, Evidence.RUNS_ANOTHER_VERSION) for said in READ_OLD),
    *((said, None) for said in READ_FAILED),
]


@pytest.mark.parametrize(("said", "meaning"), MEANINGS)
def test_what_each_message_means(said, meaning):
    assert evidence(said) is meaning


def test_acceptance_means_what_was_asked():
    assert evidence(ACCEPTED, cancels=True) is Evidence.CANCELLATION_ACCEPTED


@pytest.mark.parametrize("asked_in", [None, 1, REQUEST])
@pytest.mark.parametrize(
    "said",
    [ACCEPTED, *(said(result, OLD) for said, result in product((outcome, alert_of), (1, 2, 3)))],
)
def test_the_answer_to_a_command_from_before_is_not_about_this_update(said, asked_in):
    assert evidence(said, asked_in=asked_in) is None


@pytest.mark.parametrize("asked_in", [None, 1])
@pytest.mark.parametrize("said", [outcome(0), alert_of(0), CS08, ECS52, GCS38])
def test_what_runs_is_proof_whoever_asked(said, asked_in):
    assert evidence(said, asked_in=asked_in) in {
        Evidence.ACTIVATION_SUCCESS,
        Evidence.RUNS_THE_VERSION,
    }


@pytest.mark.parametrize(
    ("said", "version"),
    [
        *((said, "00020000") for said in (outcome(0), alert_of(0), CS08, ECS52, GCS38)),
        *((said, "00010000") for said in (outcome(3, OLD), alert_of(2, OLD), *READ_OLD)),
        (outcome(0, b"1.2.3"), "312E322E33"),
        *((said, None) for said in (ACCEPTED, esme_receipt(VERIFIED), *READ_FAILED)),
    ],
)
def test_the_version_that_runs(said, version):
    assert version_that_runs(said) == version


# --- What was overtaken ---


ASKED = Command(REQUEST, 5, 1, 1_000, "signed", live=False, due_ms=None, changed_ms=0, gbcs=b"")


@pytest.mark.parametrize(
    ("events", "overtaken"),
    [
        (["command:requested"], False),
        (["activation-success", "command:requested"], False),
        (["command:requested", "activation-success"], True),
        (["command:requested", "activation-success", "command:signed"], False),
        (["command:signed", "late:activation-success", "command:answered"], True),
        (["command:signed", "unattributed:activation-failure"], True),
        (["command:signed", "unattributed:ActivateFirmwareOutcome"], True),
        (["command:signed", "unattributed:FutureDatedActivationAlert"], True),
        (["command:requested", "unattributed:ReadFirmwareVersionResponse"], False),
        (["command:requested", "not-authentic:ActivateFirmwareOutcome"], False),
        # So long ago that the command is not among the newest entries.
        (["activation-success", "transfer-success"], True),
    ],
)
def test_what_overtakes_an_answer(events, overtaken):
    timeline = [JournalEntry(0, 5, REQUEST, event, None, b"") for event in events]
    for said in (*READ_OLD, outcome(1, OLD), alert_of(3, OLD)):
        assert is_overtaken(said, ASKED, timeline) is overtaken
    assert not is_overtaken(outcome(0), ASKED, timeline)
    assert not is_overtaken(alert_of(0), ASKED, timeline)


def test_another_command_does_not_hide_what_came_before_it():
    timeline = [
        JournalEntry(0, 5, REQUEST, "command:requested", None, b""),
        JournalEntry(0, 5, 0, "activation-success", None, b""),
        JournalEntry(0, 5, REQUEST + 1, "command:requested", None, b""),
    ]
    assert is_overtaken(READ_OLD[0], ASKED, timeline)
