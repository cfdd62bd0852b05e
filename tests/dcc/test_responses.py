"""What devices answer to commands: whom it concerns, what it changes, what the user gets."""

import msgspec
import pytest
from tests.dcc.a_command import (
    EXECUTION_MS,
    HCALCS,
    REQUEST_ID,
    VERSION,
    accepted,
    command,
    cs06_alert,
    cs06_response,
    outcome,
    reply,
    request_row,
    version_read,
)
from tests.dcc.samples import ACB, DEVICE_ID, HUB_ID, NEW, NOW_MS, OLD, SUPPLIER, device, entry
from tests.vectors import gbcs_vector
from tests.wire.duis_referees import SIGNER, schema_faults

from hanota.dcc.commands import Answer, CommandKind, CommandState
from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding
from hanota.dcc.replies import version_that_runs
from hanota.dcc.responses import failure, is_overtaken, may_be_overtaken, objection, settle
from hanota.model import DeviceType, RequestID
from hanota.rows import JournalEntry, MessageKey
from hanota.wire.duis.messages import encode_response
from hanota.wire.duis.values import (
    CommandFailure,
    DCCAlertMessage,
    FirmwareVersionMismatch,
    FutureDatedDeviceAlertMessage,
    GBCSPayload,
)
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode

READ, NOW, LATER, CANCEL = CommandKind
PRODUCTS = ProductList([entry(DeviceType.HCALCS)])
LATER_MS = NOW_MS + 1
SUCCESS, NO_IMAGE, MISMATCH, FAILED = cs06.ActivateFirmwareResult

READS = [
    version_read(cs08, 0x0129, VERSION, cs08.ReadResult.SUCCESS),
    version_read(ecs52, 0x0059, 1000, VERSION, target=SUPPLIER),
    version_read(gcs38, 0x0084, VERSION, target=SUPPLIER),
]
FAILED_READS = [
    version_read(cs08, 0x0129, bytes(4), cs08.ReadResult.FAILURE),
    version_read(ecs52, 0x0059, 1000, None, 1, target=SUPPLIER),
    version_read(gcs38, 0x0084, None, 0xC0, target=SUPPLIER),
]
ANSWERS = {
    Answer.ACCEPTANCE: [accepted()],
    Answer.OUTCOME: [outcome(result) for result in cs06.ActivateFirmwareResult],
    Answer.ALERT: [cs06_alert(result) for result in cs06.ActivateFirmwareResult],
    Answer.VERSION: READS + FAILED_READS,
}


def settled(message, row, waiting=(), device=HCALCS, request=None, *, overtaken=False):
    return settle(
        reply(message),
        command=row,
        request=request or request_row(),
        waiting=waiting,
        device=device,
        tracked=None,
        products=PRODUCTS,
        overtaken=overtaken,
        now_ms=LATER_MS,
    )


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_each_message_answers_and_which_command_it_names(answer):
    for message in ANSWERS[answer]:
        read = reply(message)
        assert read.answer is answer
        assert (read.hub_id, read.device_id) == (HUB_ID, DEVICE_ID)
        assert read.command == MessageKey(message.target, DEVICE_ID, Cra.COMMAND, 1000)
        assert read.key == MessageKey(DEVICE_ID, message.target, message.cra, message.counter)
        assert read.octets == encode(message)


@pytest.mark.parametrize(
    ("name", "answer", "code", "counter"),
    [
        ("CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE", Answer.OUTCOME, 0x0012, 1000),
        ("CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE", Answer.ACCEPTANCE, 0x0012, 1001),
        ("CS06_11.3_8F66", Answer.ALERT, 0x0012, 1001),
        ("CS08_11.2_SUCCESS_RESPONSE", Answer.VERSION, 0x0129, 1300),
        ("ECS52_11.2_SUCCESS_RESPONSE", Answer.VERSION, 0x0059, 1000),
        ("GCS38_11.2_SUCCESS_RESPONSE", Answer.VERSION, 0x0084, 1000),
    ],
)
def test_the_published_answers_name_their_commands(name, answer, code, counter):
    read = reply(decode(gbcs_vector(name)))
    assert (read.answer, read.command_code, read.command.counter) == (answer, code, counter)


def test_what_answers_no_command_is_no_reply():
    unknown = GbcsMessage(Cra.RESPONSE, 1, DEVICE_ID, SUPPLIER, 0x7777, b"\x05\x00")
    assert reply(unknown) is None
    assert reply(msgspec.structs.replace(accepted(), cra=Cra.COMMAND, content=pre())) is None


def pre():
    return cs06.encode_command(cs06.ActivateFirmwareCommand(bytes(32), 1))


@pytest.mark.parametrize(
    ("message", "row", "inventory", "hub_id", "finding"),
    [
        (outcome(), command(NOW), HCALCS, HUB_ID, None),
        (cs06_alert(), command(LATER), HCALCS, HUB_ID, None),
        (outcome(), command(NOW), None, HUB_ID, Finding.FOREIGN),
        (outcome(), command(NOW), HCALCS, HUB_ID + 1, Finding.FOREIGN),
        (outcome(), None, HCALCS, HUB_ID, Finding.FOREIGN),
        (outcome(), command(NOW, CommandState.TRANSFORMED), HCALCS, HUB_ID, Finding.FOREIGN),
        (
            READS[1],
            command(READ, CommandState.HELD, gbcs=b""),
            HCALCS,
            HUB_ID,
            Finding.FOREIGN,
        ),
        (READS[1], command(NOW), HCALCS, HUB_ID, Finding.FOREIGN),
        (outcome(), command(READ), HCALCS, HUB_ID, Finding.FOREIGN),
        (READS[2], command(READ), HCALCS, HUB_ID, Finding.FOREIGN),
    ],
)
def test_which_replies_are_considered(message, row, inventory, hub_id, finding):
    assert objection(reply(message, hub_id), row, inventory) is finding


@pytest.mark.parametrize("result", cs06.ActivateFirmwareResult)
def test_an_outcome_goes_to_the_user_and_its_version_into_the_inventory(result):
    message = outcome(result)
    done = settled(message, command(NOW))
    (row,) = done.commands
    assert row.state is CommandState.ANSWERED
    (response,) = done.responses
    assert response.body.content == GBCSPayload(encode(message))
    assert done.device.firmware_version == f"{NEW:08X}"
    assert done.device.gbcs_version == "4.4"  # of the version's CPL entry


@pytest.mark.parametrize("result", cs06.ActivateFirmwareResult)
def test_an_alert_goes_to_the_user_as_what_it_is(result):
    message = cs06_alert(result)
    done = settled(message, command(LATER, CommandState.ACCEPTED))
    assert [row.state for row in done.commands] == [CommandState.ANSWERED]
    (response,) = done.responses
    code = 0x8F66 if result is SUCCESS else 0x8F67
    assert response.body.content == FutureDatedDeviceAlertMessage(code, encode(message), 1, 1)
    assert done.device.firmware_version == f"{NEW:08X}"


def test_acceptance_is_passed_on_and_the_alert_awaited():
    done = settled(accepted(), command(LATER))
    (row,) = done.commands
    assert row.state is CommandState.ACCEPTED
    assert row.due_ms > EXECUTION_MS
    assert done.device is None
    assert len(done.responses) == 1


@pytest.mark.parametrize(
    ("kind", "state"), [(LATER, CommandState.SUPERSEDED), (CANCEL, CommandState.CANCELLED)]
)
def test_what_the_device_accepts_stops_what_waited(kind, state):
    waiting = command(LATER, CommandState.ACCEPTED, counter=999)
    asleep = command(LATER, CommandState.SENT, counter=998)
    done = settled(accepted(), command(kind), waiting=[waiting, asleep, command(kind)])
    assert [(row.counter, row.state) for row in done.commands if row.counter == 999] == [
        (999, state)
    ]
    assert {row.counter for row in done.commands} == {999, 1000}


@pytest.mark.parametrize("message", READS)
def test_a_read_that_differs_heals_the_inventory_and_says_so(message):
    done = settled(message, command(READ))
    answer, told = done.responses
    assert answer.body.content == GBCSPayload(encode(message))
    mismatch = FirmwareVersionMismatch(DEVICE_ID, HCALCS.type, f"{OLD:08X}", f"{NEW:08X}")
    assert told.body == DCCAlertMessage("N49", mismatch)
    assert told.request_id is None
    assert done.device.firmware_version == f"{NEW:08X}"


@pytest.mark.parametrize("known", [f"{NEW:08X}", ""])
def test_a_read_without_a_difference_tells_nothing_more(known):
    row = device(DeviceType.HCALCS, firmware_version=known)
    done = settled(READS[0], command(READ), device=row)
    assert len(done.responses) == 1
    assert (done.device is None) == bool(known)


@pytest.mark.parametrize("message", READS)
def test_a_read_that_was_overtaken_is_passed_on_and_no_more(message):
    done = settled(message, command(READ), overtaken=True)
    assert (done.event, done.device) == ("overtaken:version", None)
    assert [one.body.content for one in done.responses] == [GBCSPayload(encode(message))]
    assert [row.state for row in done.commands] == [CommandState.ANSWERED]


def test_what_may_be_overtaken():
    """What names another version than the inventory, but for the outcome that made it so."""
    old = msgspec.structs.replace(HCALCS, firmware_version=f"{OLD:08X}")
    new = msgspec.structs.replace(HCALCS, firmware_version=f"{NEW:08X}")
    assert [may_be_overtaken(reply(message), old) for message in READS] == [True] * 3
    assert [may_be_overtaken(reply(message), new) for message in READS] == [False] * 3
    assert [may_be_overtaken(reply(message), old) for message in FAILED_READS] == [False] * 3
    for made in (outcome, cs06_alert):
        told = {result: may_be_overtaken(reply(made(result)), old) for result in MAY_FAIL}
        assert told == MAY_FAIL
    assert not may_be_overtaken(reply(accepted()), old)


MAY_FAIL = {SUCCESS: False, NO_IMAGE: True, MISMATCH: True, FAILED: True}


@pytest.mark.parametrize(
    ("events", "overtaken"),
    [
        (["command:sent"], False),
        (["activation-success", "command:sent"], False),
        (["command:sent", "activation-success"], True),
        (["command:sent", "unattributed:activation-success", "version"], True),
        (["command:sent", "illegal:activation-failure", "command:unanswered"], True),
        (["command:sent", "outcome"], True),
        (["command:sent", "future-dated-alert"], True),
        (["command:sent", "bad-signature:activation-success"], False),
        (["command:sent", "doubled:activation-success"], False),
        (["command:sent", "illegal:outcome", "version", "transfer-success"], False),
        # So long ago that the command is not among the newest entries.
        (["outcome", "version"], True),
    ],
)
def test_what_overtakes_a_command(events, overtaken):
    asked = command(READ)
    timeline = [JournalEntry(0, DEVICE_ID, asked.request, event, None, b"") for event in events]
    assert is_overtaken(asked, timeline) is overtaken


def test_the_sending_of_another_command_does_not_count():
    asked = command(READ)
    timeline = [
        JournalEntry(0, DEVICE_ID, asked.request, "command:sent", None, b""),
        JournalEntry(0, DEVICE_ID, 0, "activation-success", None, b""),
        JournalEntry(0, DEVICE_ID, asked.request + 1, "command:sent", None, b""),
    ]
    assert is_overtaken(asked, timeline)


@pytest.mark.parametrize("message", FAILED_READS)
def test_a_read_that_failed_is_passed_on(message):
    done = settled(message, command(READ))
    assert len(done.responses) == 1
    assert done.device is None
    assert [row.state for row in done.commands] == [CommandState.ANSWERED]


@pytest.mark.parametrize(
    ("version", "text"),
    [(b"", None), (b"\1", "01"), (VERSION, "00020000"), (b"\1\2\3\4\5", None), (bytes(100), None)],
)
def test_versions_of_other_lengths(version, text):
    message = version_read(gcs38, 0x0084, version, target=SUPPLIER)
    assert version_that_runs(reply(message)) == text


@pytest.mark.parametrize(
    ("message", "row"),
    [
        (accepted(), command(NOW)),
        (cs06_alert(), command(NOW)),
        (cs06_alert(), command(CANCEL)),
        (accepted(), command(LATER, CommandState.ACCEPTED)),
    ],
)
def test_a_contradiction_changes_nothing_and_is_passed_on(message, row):
    done = settled(message, row, waiting=[command(LATER, CommandState.ACCEPTED, counter=1)])
    assert done.event.startswith("illegal:")
    assert done.commands == ()
    assert done.device is None
    assert len(done.responses) == 1


@pytest.mark.parametrize("kind", [NOW, LATER, READ])
def test_an_answer_after_the_failure_was_told_still_counts(kind):
    message = {NOW: outcome(), LATER: cs06_alert(), READ: READS[1]}[kind]
    done = settled(message, command(kind, CommandState.UNANSWERED))
    assert [row.state for row in done.commands] == [CommandState.ANSWERED]
    assert done.device is not None


def test_the_header_of_a_response():
    (response,) = settled(outcome(), command(NOW)).responses
    assert response.request_id == REQUEST_ID
    assert response.response_id == RequestID(DEVICE_ID, SUPPLIER, 1000)
    assert response.response_code == "I0"
    assert response.body.service_reference == response.body.service_reference_variant == "11.3"


def test_the_failure_of_a_command():
    response = failure(REQUEST_ID, LATER_MS)
    body = CommandFailure(command_request_id=REQUEST_ID, device_id=DEVICE_ID)
    assert response.body == DCCAlertMessage("N13", body)
    assert response.request_id is None
    assert schema_faults(encode_response(response, SIGNER)) == []


@pytest.mark.parametrize(
    ("message", "row", "reference"),
    [
        *((outcome(result), command(NOW), "11.3") for result in cs06.ActivateFirmwareResult),
        (accepted(), command(LATER), "11.3"),
        *((cs06_alert(result), command(LATER), "11.3") for result in cs06.ActivateFirmwareResult),
        *((message, command(READ), "11.2") for message in READS + FAILED_READS),
    ],
)
def test_every_response_is_valid_by_the_official_schema(message, row, reference):
    done = settled(message, row, request=request_row(reference))
    for response in done.responses:
        assert schema_faults(encode_response(response, SIGNER)) == []


def test_a_message_for_another_party_names_another_command():
    for_acb = cs06_response(cs06.ActivateFirmwareAccepted(), target=ACB)
    assert reply(for_acb).command.originator == ACB
