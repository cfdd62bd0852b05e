"""Commands through the DCC's shell: 11.3 in two steps, 11.2 now and later, what devices answer."""

from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.a_command import HASH, activate
from tests.dcc.samples import ACB, HUB_ID, NEW, NOW_MS, OLD, SUPPLIER
from tests.serve.a_dcc import (
    PKI,
    ADcc,
    activation,
    enveloped,
    signed,
    signed_image,
    update_firmware,
)
from tests.serve.a_dcc_with_devices import (
    ANSWER_MS,
    ESME_ID,
    EXECUTION_MS,
    GSME_ID,
    HCALCS_ID,
    HOME,
    LATER_MS,
    PPMID_ID,
    SUCCESS,
    accepted,
    activated,
    alerted,
    gbcs_of,
    mac_by_hand,
    outcome,
    pre_command,
    read,
    read_answer,
    request,
    sign_pre_command,
    submit,
    to_devices,
    transform,
    version_of,
)
from tests.wire.duis_referees import ecdsa_verifies, schema_faults

from hanota.limits import PUSH_DELAY_MS
from hanota.model import DeviceStatus, KeyUsage, RequestID, Role
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.wire import wan
from hanota.wire.duis.values import (
    CANCELLATION_MS,
    CommandFailure,
    FirmwareVersionMismatch,
    FutureDatedDeviceAlertMessage,
    GBCSPayload,
    PreCommand,
    ReadFirmwareVersion,
    ReturnLocalCommandResponse,
    SignedPreCommand,
)
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode, encode, signed_octets

NEWEST = 0x0003_0000


@pytest.fixture
def dcc():
    return ADcc(*HOME)


# --- 11.3 ---


def test_an_activation_from_request_to_proof(dcc):
    command = activated(dcc)
    message = decode(command)
    certificate = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    assert ecdsa_verifies(certificate.public_key, message.signature, signed_octets(message))
    assert command[-12:] == mac_by_hand(command, HCALCS_ID, ACB)  # from the device's side
    assert cs06.decode_command(message.content) == cs06.ActivateFirmwareCommand(HASH, 1000)
    answer = outcome()
    dcc.receive(answer, at_ms=LATER_MS)
    (push,) = dcc.pushes(LATER_MS)
    assert push.request_id == RequestID(SUPPLIER, HCALCS_ID, 1000)
    assert push.response_id == RequestID(HCALCS_ID, SUPPLIER, 1000)
    assert push.body.content == GBCSPayload(gbcs_of(answer))
    assert dcc.device(HCALCS_ID).firmware_version == f"{NEW:08X}"
    assert dcc.events(HCALCS_ID) == [
        "command:transformed",
        "command:sent",
        "command:answered",
        "outcome",
    ]
    assert dcc.ledger.verify() == []


@pytest.mark.parametrize("result", cs06.ActivateFirmwareResult)
def test_every_outcome_reaches_the_supplier(dcc, result):
    activated(dcc)
    answer = outcome(result)
    dcc.receive(answer)
    (push,) = dcc.pushes()
    assert push.body.content == GBCSPayload(gbcs_of(answer))
    # Every outcome names the version that runs now.
    assert dcc.device(HCALCS_ID).firmware_version == f"{NEW:08X}"


def test_nothing_is_pushed_before_the_pause_after_the_answer(dcc):
    activated(dcc)
    dcc.receive(outcome())
    assert dcc.pushes(NOW_MS + PUSH_DELAY_MS - 1) == []
    assert len(dcc.pushes(NOW_MS + PUSH_DELAY_MS)) == 1


@pytest.mark.parametrize("result", cs06.ActivateFirmwareResult)
def test_a_future_dated_activation(dcc, result):
    activated(dcc, EXECUTION_MS)
    dcc.receive(accepted())
    alert = alerted(result)
    dcc.receive(alert, at_ms=EXECUTION_MS)
    first, second = dcc.pushes(EXECUTION_MS)
    assert first.body.content == GBCSPayload(gbcs_of(accepted()))
    code = 0x8F66 if result is SUCCESS else 0x8F67
    expected = FutureDatedDeviceAlertMessage(code, gbcs_of(alert), 1, 1)
    assert second.body.content == expected
    assert second.request_id == first.request_id
    assert dcc.shell.scan_due(EXECUTION_MS + 2 * ANSWER_MS, 10) == 0


@pytest.mark.parametrize("execution_ms", [CANCELLATION_MS, EXECUTION_MS])
def test_a_second_command_stops_the_first(dcc, execution_ms):
    activated(dcc, EXECUTION_MS)
    dcc.receive(accepted())
    activated(dcc, execution_ms, counter=1001)
    dcc.receive(accepted(counter=1001))
    state = "cancelled" if execution_ms == CANCELLATION_MS else "superseded"
    assert f"command:{state}" in dcc.events(HCALCS_ID)
    waiting = 0 if execution_ms == CANCELLATION_MS else 1
    assert dcc.shell.scan_due(EXECUTION_MS + ANSWER_MS, 10) == waiting
    assert dcc.ledger.verify() == []


def test_the_same_request_again_gets_the_stored_answer_and_sends_nothing(dcc):
    octets = sign_pre_command(pre_command(dcc))
    for asked in (transform(), submit(octets)):
        first = dcc.shell.answer(signed(asked), NOW_MS)
        assert dcc.shell.answer(signed(asked), LATER_MS) == first
    assert len(to_devices(dcc)) == 1


def test_what_is_refused_at_cv_5(dcc):
    octets = sign_pre_command(pre_command(dcc))
    altered = octets.replace(HASH, HASH[::-1])
    codes = {
        "without CV 4": submit(octets, counter=5),
        "another device's": submit(octets, device_id=ESME_ID),
    }
    assert {name: dcc.ask(asked).response_code for name, asked in codes.items()} == {
        "without CV 4": "E100",
        "another device's": "E100",
    }
    assert dcc.ask(submit(altered)).response_code == "E48"
    assert dcc.ask(submit(octets)).response_code == "E48"  # the RequestID is used up
    assert to_devices(dcc) == []


def test_the_wrong_signer_at_cv_5(dcc):
    given = pre_command(dcc)
    assert dcc.ask(submit(sign_pre_command(given, SUPPLIER_2))).response_code == "E48"
    assert to_devices(dcc) == []


def test_other_octets_in_a_second_cv_5(dcc):
    activated(dcc)
    again = sign_pre_command(pre_command(dcc, counter=1001))
    assert dcc.ask(submit(again)).response_code == "E48"
    assert len(to_devices(dcc)) == 1


def test_a_change_of_supplier_between_the_two_steps(dcc):
    octets = sign_pre_command(pre_command(dcc))
    theirs = msgspec.structs.replace(dcc.device(HCALCS_ID), suppliers=(SUPPLIER_2,))
    dcc.shell.load_inventory([theirs])
    assert dcc.ask(submit(octets)).response_code == "E5"


def test_who_may_not_activate(dcc):
    assert dcc.ask(transform(user=NETWORK_OPERATOR)).response_code == "E1"
    assert dcc.ask(transform(user=SUPPLIER_2)).response_code == "E5"
    assert dcc.ask(transform(device_id=PPMID_ID)).response_code == "E4"
    assert dcc.ask(transform(device_id=9)).response_code == "E19"
    assert dcc.ask(transform(NOW_MS - 1000)).response_code == "E17"


# --- 11.2 ---


@pytest.mark.parametrize("device_id", [HCALCS_ID, ESME_ID, GSME_ID, PPMID_ID])
@pytest.mark.parametrize("status", [DeviceStatus.COMMISSIONED, DeviceStatus.SUSPENDED])
def test_a_read_heals_the_inventory_of_any_device(dcc, device_id, status):
    dcc.shell.load_inventory([msgspec.structs.replace(dcc.device(device_id), status=status)])
    assert dcc.ask(read(device_id)).response_code == "I99"
    (command,) = to_devices(dcc)
    assert command[-12:] == mac_by_hand(command, device_id, ACB)
    answer = read_answer(command, version_of(device_id, command))
    assert gbcs_of(answer)[-12:] == mac_by_hand(
        gbcs_of(answer), decode(command).originator, device_id
    )
    dcc.receive(answer)
    push, mismatch = dcc.pushes()
    assert push.body.content == GBCSPayload(gbcs_of(answer))
    assert push.request_id == RequestID(SUPPLIER, device_id, 1000)
    told = FirmwareVersionMismatch(
        device_id, dcc.device(device_id).type, f"{OLD:08X}", f"{NEW:08X}"
    )
    assert mismatch.body.dcc_alert == told
    assert dcc.device(device_id).firmware_version == f"{NEW:08X}"
    assert dcc.ledger.verify() == []


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("reported", [False, True])
def test_a_read_that_an_activation_has_overtaken_does_not_set_the_inventory_back(
    dcc, together, reported
):
    """The PPMID answers with NEW, then activates NEWEST, and that is heard of first."""
    dcc.ask(read(PPMID_ID))
    (command,) = to_devices(dcc)
    if reported:
        assert dcc.shell.scan_due(LATER_MS + ANSWER_MS, 10) == 1
    told = activation(originator=PPMID_ID, version=NEWEST)
    late = read_answer(command, version_of(PPMID_ID, command))
    for batch in [(told, late)] if together else [(told,), (late,)]:
        dcc.receive(*batch, at_ms=LATER_MS + ANSWER_MS)
    assert dcc.device(PPMID_ID).firmware_version == f"{NEWEST:08X}"
    assert dcc.events(PPMID_ID)[-1] == "overtaken:version"
    # The user gets the answer that it asked for, and no word of a difference.
    *_, answer = dcc.pushes(LATER_MS + 2 * ANSWER_MS)
    assert answer.body.content == GBCSPayload(gbcs_of(late))


def test_a_read_that_was_sent_after_an_activation_counts(dcc):
    dcc.receive(activation(originator=PPMID_ID, version=NEWEST))
    dcc.ask(read(PPMID_ID))
    (command,) = to_devices(dcc)
    dcc.receive(read_answer(command, version_of(PPMID_ID, command)))
    assert dcc.device(PPMID_ID).firmware_version == f"{NEW:08X}"


def test_answers_of_one_batch_overtake_each_other(dcc):
    """An 11.3 goes after an 11.2; its outcome comes before what was read."""
    dcc.ask(read(HCALCS_ID, counter=999))
    (command,) = to_devices(dcc)
    activated(dcc)
    old = version_of(HCALCS_ID, command, OLD.to_bytes(4, "big"))
    dcc.receive(outcome(), read_answer(command, old))
    assert dcc.device(HCALCS_ID).firmware_version == f"{NEW:08X}"


def test_answers_are_recorded_together(dcc):
    """However many come in one batch, commands, inventory and pushes are written once."""

    def changes(device_ids):
        for device_id in device_ids:
            dcc.ask(read(device_id, counter=next(counters)))
        commands = to_devices(dcc)[-len(device_ids) :]
        answers = [
            read_answer(command, version_of(device_id, command))
            for device_id, command in zip(device_ids, commands, strict=True)
        ]
        written = []
        connection = dcc.ledger._database._connection
        connection.set_trace_callback(written.append)
        dcc.receive(*answers)
        connection.set_trace_callback(None)
        return sum("INSERT INTO counter" in statement for statement in written)

    counters = count(2000)
    assert changes([HCALCS_ID]) == changes([ESME_ID, GSME_ID, PPMID_ID])


def test_every_role_may_read(dcc):
    assert dcc.ask(read(PPMID_ID, user=NETWORK_OPERATOR)).response_code == "I99"
    message = decode(to_devices(dcc)[0])
    assert (message.supplementary_party, message.supplementary_counter) == (NETWORK_OPERATOR, 1000)


def test_the_acb_never_uses_a_counter_twice(dcc):
    for counter in range(3):
        dcc.ask(read(PPMID_ID, counter=counter))
    counters = [decode(command).counter for command in to_devices(dcc)]
    assert counters == [NOW_MS, NOW_MS + 1, NOW_MS + 2]


@pytest.mark.parametrize("device_id", [ESME_ID, PPMID_ID])
def test_a_read_is_held_until_its_time(dcc, device_id):
    assert dcc.ask(read(device_id, EXECUTION_MS)).response_code == "I99"
    assert to_devices(dcc) == []
    with dcc.ledger.view() as view:
        assert view.next_deadline_ms() == EXECUTION_MS
    assert dcc.shell.scan_due(EXECUTION_MS - 1, 10) == 0
    assert dcc.shell.scan_due(EXECUTION_MS, 10) == 1
    (command,) = to_devices(dcc)
    dcc.receive(read_answer(command, version_of(device_id, command)), at_ms=EXECUTION_MS)
    assert dcc.device(device_id).firmware_version == f"{NEW:08X}"
    assert dcc.shell.scan_due(EXECUTION_MS + 2 * ANSWER_MS, 10) == 0
    assert dcc.ledger.verify() == []


def test_a_forged_answer_to_the_acb_changes_nothing(dcc):
    dcc.ask(read(PPMID_ID))
    (command,) = to_devices(dcc)
    content = version_of(PPMID_ID, command)
    dcc.receive(read_answer(command, content, mac_for=SUPPLIER))
    assert dcc.pushes() == []
    assert dcc.events(PPMID_ID)[-1] == "bad-signature:version"
    assert dcc.device(PPMID_ID).firmware_version == f"{OLD:08X}"
    dcc.receive(read_answer(command, content))
    assert len(dcc.pushes()) == 2


# --- Silence, and what was never asked ---


@pytest.mark.parametrize("late", [False, True])
def test_a_command_without_an_answer_is_reported(dcc, late):
    activated(dcc)
    due_ms = NOW_MS + ANSWER_MS
    assert dcc.shell.scan_due(due_ms - 1, 10) == 0
    assert dcc.shell.scan_due(due_ms, 10) == 1
    (push,) = dcc.pushes(due_ms)
    request_id = RequestID(SUPPLIER, HCALCS_ID, 1000)
    failure = CommandFailure(command_request_id=request_id, device_id=HCALCS_ID)
    assert (push.body.dcc_alert_code, push.body.dcc_alert) == ("N13", failure)
    assert dcc.shell.scan_due(due_ms, 10) == 0
    if late:
        dcc.receive(outcome(), at_ms=due_ms + PUSH_DELAY_MS)
        assert len(dcc.pushes(due_ms + PUSH_DELAY_MS)) == 2
        assert dcc.device(HCALCS_ID).firmware_version == f"{NEW:08X}"


@pytest.mark.parametrize(
    ("envelope", "told"),
    [
        (outcome(counter=999), "foreign:outcome"),
        (outcome(target=SUPPLIER_2), "foreign:outcome"),
        (outcome(device_id=ESME_ID), "foreign:outcome"),
        (alerted(counter=999), "foreign:future-dated-alert"),
        (outcome(signer=ESME_ID), "bad-signature:outcome"),
        (outcome(signer=HUB_ID), "bad-signature:outcome"),
        (accepted(), "illegal:acceptance"),
        (alerted(), "illegal:future-dated-alert"),
    ],
)
def test_what_does_not_count_changes_nothing(dcc, envelope, told):
    activated(dcc)
    before = dcc.device(HCALCS_ID)
    dcc.receive(envelope)
    assert dcc.device(HCALCS_ID) == before
    events = [event for device in (HCALCS_ID, ESME_ID) for event in dcc.events(device)]
    assert told in events
    assert "command:answered" not in events
    assert len(dcc.pushes()) == told.startswith("illegal")


def test_an_answer_before_the_command_was_signed_is_foreign(dcc):
    pre_command(dcc)
    dcc.receive(outcome())
    assert dcc.events(HCALCS_ID)[-1] == "foreign:outcome"
    assert dcc.pushes() == []


def test_an_answer_from_behind_another_hub_is_foreign(dcc):
    activated(dcc)
    dcc.receive(outcome(), hub_id=HUB_ID + 9)
    assert dcc.events(HCALCS_ID)[-1] == "foreign:outcome"


def test_an_answer_that_comes_twice_counts_once(dcc):
    activated(dcc)
    dcc.receive(outcome(), outcome())
    dcc.receive(outcome())
    assert len(dcc.pushes()) == 1
    assert dcc.events(HCALCS_ID).count("doubled:outcome") == 2


def test_a_signature_may_not_be_cut_off(dcc):
    activated(dcc)
    bare = msgspec.structs.replace(decode(gbcs_of(outcome())), signature=None)
    dcc.receive(enveloped(bare))
    assert dcc.events(HCALCS_ID)[-1] == "bad-signature:outcome"


@given(st.integers(0, 8 * len(gbcs_of(outcome())) - 1))
def test_no_flipped_bit_gets_through(bit):
    dcc = ADcc(*HOME)
    activated(dcc)
    flipped = bytearray(gbcs_of(outcome()))
    flipped[bit // 8] ^= 1 << bit % 8
    dcc.receive(wan.encode(wan.FromDevice(bytes(flipped))))
    assert dcc.pushes() == []
    assert dcc.device(HCALCS_ID).firmware_version == f"{OLD:08X}"


# --- Local delivery ---


@pytest.mark.parametrize("command_variant", [2, 3, 6, 7])
@pytest.mark.parametrize(
    ("reference", "body"),
    [
        ("11.2", ReadFirmwareVersion()),
        ("11.3", activate()),
        ("11.3", SignedPreCommand(gbcs_payload=b"\xdf")),
    ],
)
def test_local_delivery_is_refused(dcc, reference, body, command_variant):
    assert dcc.ask(request(reference, command_variant, body)).response_code == "E11"
    assert to_devices(dcc) == []


def test_the_return_of_a_local_command_is_refused(dcc):
    body = ReturnLocalCommandResponse(device_gbcs_response=b"\xdf")
    assert dcc.ask(request("8.13", 8, body, device_id=ACB)).response_code == "E12"


# --- All of it ---


def test_every_answer_and_push_is_valid_by_the_official_schema(dcc):
    octets = sign_pre_command(pre_command(dcc, counter=1))
    asked = [transform(counter=2), submit(octets, counter=1), submit(octets, counter=3)]
    asked += [transform(NOW_MS - 1000, counter=4), read(PPMID_ID, counter=5)]
    for one in asked:
        assert schema_faults(dcc.shell.answer(signed(one), NOW_MS)) == []
    command = to_devices(dcc)[-1]
    dcc.receive(outcome(counter=1), read_answer(command, version_of(PPMID_ID, command)))
    activated(dcc, EXECUTION_MS, counter=6)
    dcc.receive(accepted(counter=6), alerted(counter=6))
    dcc.ask(read(ESME_ID))
    dcc.shell.scan_due(NOW_MS + ANSWER_MS, 10)
    pushes = dcc.waiting(NOW_MS + ANSWER_MS)
    assert len(pushes) == 6
    assert [schema_faults(push.body) for push in pushes] == [[]] * 6


@pytest.mark.parametrize(("known", "told"), [("4.1", "4.1"), ("5.0", "5.0"), ("", "4.3")])
def test_the_pre_command_in_its_answer(dcc, known, told):
    row = msgspec.structs.replace(dcc.device(HCALCS_ID), gbcs_version=known)
    dcc.shell.load_inventory([row])
    content = dcc.ask(transform()).body.content
    assert content == PreCommand(told, content.gbcs_payload)
    message = decode(content.gbcs_payload)
    assert message.signature is None
    assert message.signature_octet
    assert encode(message) == content.gbcs_payload


def test_an_11_1_needs_its_own_suppliers_signature(dcc):
    sound = update_firmware(image=signed_image(), device_ids=(HCALCS_ID,))
    forged = msgspec.structs.replace(
        update_firmware(image=signed_image(SUPPLIER_2), device_ids=(HCALCS_ID,)),
        request_id=RequestID(SUPPLIER, ACB, 2),
    )
    assert dcc.ask(sound).response_code == "I0"
    assert dcc.ask(forged).response_code == "E110103"
