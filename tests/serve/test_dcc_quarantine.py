"""Anomaly detection through the shell: held back, told, let go, whatever happens in between."""

import msgspec
import pytest
from tests.dcc.samples import ACB, DEVICE_ID, NOW_MS, SUPPLIER, device
from tests.serve.a_dcc import (
    HUB,
    PKI,
    PPMID,
    ADcc,
    opened,
    signed,
    update_firmware,
    update_ppmid,
)
from tests.wire.duis_referees import schema_faults, verifies_independently

from hanota.dcc.thresholds import Threshold
from hanota.errors import LocalError
from hanota.limits import HOUR_MS, PUSH_BODY_OCTETS_MAX, PUSH_DELAY_MS
from hanota.model import DeviceType, KeyUsage, Milestone, RequestID, Role
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.wire.duis.values import (
    ActivateFirmware,
    ADDCCThresholdBreach,
    ADUserThresholdBreach,
    QuarantinedRequest,
    ReadFirmwareVersion,
    ReadInventory,
)

LATER_MS = NOW_MS + 3 * HOUR_MS
DSP_KEY = PKI.certificate(ACB, KeyUsage.DIGITAL_SIGNATURE, Role.DSP_XML_SIGNING).public_key
NONE_OF_11_4 = Threshold("11.4", 0, HOUR_MS)
TWO_8_2 = Threshold("8.2", 2, HOUR_MS)


def inventory(counter=1, user=SUPPLIER):
    return named("8.2", RequestID(user, ACB, counter), ReadInventory(DEVICE_ID))


def read_version(counter=1, **body):
    return named(
        "11.2", RequestID(SUPPLIER, DEVICE_ID, counter), ReadFirmwareVersion(**body), variant=1
    )


def named(reference, request_id, body, variant=8):
    return msgspec.structs.replace(
        update_ppmid(),
        request_id=request_id,
        command_variant=variant,
        service_reference=reference,
        service_reference_variant=reference,
        body=body,
    )


def held(dcc):
    return [row.request_id for row in dcc.shell.quarantined(10)]


def test_there_are_no_thresholds_unless_somebody_sets_them():
    dcc = ADcc()
    assert {dcc.ask(inventory(n)).response_code for n in range(1, 200)} == {"I0"}
    assert held(dcc) == []


def test_a_request_beyond_the_threshold_is_held_back_and_told():
    dcc = ADcc(thresholds=[TWO_8_2])
    assert [dcc.ask(inventory(n)).response_code for n in (1, 2, 3)] == ["I0", "I0", "I99"]
    assert held(dcc) == [RequestID(SUPPLIER, ACB, 3)]
    assert dcc.shell.outgoing_push(NOW_MS + PUSH_DELAY_MS - 1, 10) == []
    (push,) = dcc.shell.outgoing_push(NOW_MS + PUSH_DELAY_MS, 10)
    assert push.receiver == SUPPLIER
    assert schema_faults(push.body) == []
    assert verifies_independently(push.body, DSP_KEY)
    alert = opened(push.body, NOW_MS).body
    (row,) = dcc.shell.quarantined(10)
    breach = ADDCCThresholdBreach(RequestID(SUPPLIER, ACB, 3), row.number)
    assert (alert.dcc_alert_code, alert.dcc_alert) == ("N46", QuarantinedRequest(breach))


def test_what_is_held_back_sets_nothing_going():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    answer = dcc.shell.answer(signed(update_ppmid()), NOW_MS)
    assert schema_faults(answer) == []
    assert opened(answer, NOW_MS).response_code == "I99"
    assert dcc.state() is None
    assert dcc.shell.outgoing_wan(10) == []
    assert dcc.events(0) == ["answer:I99"]


def test_a_repeat_gets_the_same_answer_and_no_second_alert():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    octets = signed(update_ppmid())
    answer = dcc.shell.answer(octets, NOW_MS)
    before = dcc.everything()
    assert dcc.shell.answer(octets, LATER_MS) == answer
    assert dcc.everything() == before


def test_the_period_slides():
    dcc = ADcc(thresholds=[TWO_8_2])
    times = [0, 60_000, 120_000, HOUR_MS + 1, HOUR_MS + 2, HOUR_MS + 60_001]
    codes = [
        dcc.ask(inventory(n), NOW_MS + at_ms).response_code for n, at_ms in enumerate(times, 1)
    ]
    assert codes == ["I0", "I0", "I99", "I0", "I99", "I0"]


def test_users_services_and_command_variants_are_counted_apart():
    one = Threshold("8.2", 1, HOUR_MS)
    dcc = ADcc(thresholds=[one, Threshold("11.3", 0, HOUR_MS)])
    assert dcc.ask(inventory(1)).response_code == "I0"
    assert dcc.ask(inventory(1, user=SUPPLIER_2)).response_code == "I0"
    assert dcc.ask(update_ppmid(request_id=RequestID(SUPPLIER, ACB, 2))).response_code == "I0"
    transform = named(
        "11.3",
        RequestID(SUPPLIER, DEVICE_ID + 1, 3),
        ActivateFirmware(firmware_hash=bytes(32)),
        variant=4,
    )
    assert dcc.ask(transform).response_code == "I0"
    assert dcc.ask(inventory(4)).response_code == "I99"


def test_a_threshold_of_one_user_is_that_users():
    dcc = ADcc(thresholds=[Threshold("8.2", 0, HOUR_MS, SUPPLIER)])
    assert dcc.ask(inventory(1, user=SUPPLIER_2)).response_code == "I0"
    assert dcc.ask(inventory(1)).response_code == "I99"
    (push,) = dcc.pushes()
    assert isinstance(push.body.dcc_alert.breach, ADUserThresholdBreach)


def test_what_may_not_be_asked_is_refused_at_once():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    request = update_ppmid(request_id=RequestID(NETWORK_OPERATOR, ACB, 1))
    assert dcc.ask(request).response_code == "E1"
    assert held(dcc) == []


# --- Let go ---


def test_an_update_that_is_let_go_is_decided_as_if_it_came_now():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    request = update_ppmid(device_ids=(DEVICE_ID, 9))
    dcc.ask(request)
    dcc.shell.taken([push.number for push in dcc.waiting()])
    dcc.restart()
    assert dcc.shell.release(request.request_id, LATER_MS) == "W110401"
    assert dcc.state() == Milestone.ACCEPTED
    assert dcc.delivery().changed_ms == LATER_MS
    assert len(dcc.shell.outgoing_wan(10)) == 1
    assert held(dcc) == []
    assert dcc.shell.outgoing_push(LATER_MS + PUSH_DELAY_MS - 1, 10) == []
    (push,) = dcc.shell.outgoing_push(LATER_MS + PUSH_DELAY_MS, 10)
    assert schema_faults(push.body) == []
    told = opened(push.body, LATER_MS)
    assert (told.request_id, told.response_code) == (request.request_id, "W110401")
    assert told.body.content.invalid_device_id_list == (9,)
    with dcc.ledger.view() as view:
        row = view.request(request.request_id, 8)
        assert (row.at_ms, view.image(row.image_hash)) == (LATER_MS, request.body.firmware_image)
    assert dcc.events(0) == ["answer:I99", "released:W110401"]
    assert dcc.ledger.verify() == []


def test_a_request_that_is_let_go_goes_once():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    request = update_ppmid()
    octets = signed(request)
    answer = dcc.shell.answer(octets, NOW_MS)
    dcc.shell.release(request.request_id, LATER_MS)
    before = dcc.everything()
    with pytest.raises(LocalError, match="is held back"):
        dcc.shell.release(request.request_id, LATER_MS)
    assert dcc.shell.answer(octets, LATER_MS) == answer
    assert dcc.everything() == before


def test_a_command_that_is_let_go_is_answered_by_its_device():
    dcc = ADcc(thresholds=[Threshold("11.2", 0, HOUR_MS)])
    request = read_version()
    assert dcc.ask(request).response_code == "I99"
    dcc.shell.taken([push.number for push in dcc.waiting()])
    assert dcc.shell.outgoing_wan(10) == []
    assert dcc.shell.release(request.request_id, LATER_MS) == "I99"
    assert len(dcc.shell.outgoing_wan(10)) == 1
    assert dcc.waiting(LATER_MS + HOUR_MS) == []


def test_a_command_that_is_let_go_too_late_is_refused_by_push():
    dcc = ADcc(thresholds=[Threshold("11.2", 0, 2 * HOUR_MS)])
    request = read_version(execution_date_time_ms=NOW_MS + HOUR_MS)
    dcc.ask(request)
    dcc.shell.taken([push.number for push in dcc.waiting()])
    assert dcc.shell.release(request.request_id, LATER_MS) == "E17"
    (told,) = dcc.pushes(LATER_MS + HOUR_MS)
    assert (told.request_id, told.response_code) == (request.request_id, "E17")
    assert dcc.shell.outgoing_wan(10) == []


def test_what_is_let_go_counts_from_then_on():
    dcc = ADcc(thresholds=[TWO_8_2])
    for n in (1, 2, 3):
        dcc.ask(inventory(n))
    dcc.shell.release(RequestID(SUPPLIER, ACB, 3), LATER_MS)
    codes = [dcc.ask(inventory(n), LATER_MS).response_code for n in (4, 5)]
    assert codes == ["I0", "I99"]


def test_a_long_warning_is_pushed_in_parts():
    dcc = ADcc(thresholds=[NONE_OF_11_4])
    strangers = tuple(range(1, 4_001))
    request = update_ppmid(device_ids=(DEVICE_ID, *strangers))
    dcc.ask(request)
    dcc.shell.taken([push.number for push in dcc.waiting()])
    dcc.shell.release(request.request_id, LATER_MS)
    pushes = dcc.waiting(LATER_MS + HOUR_MS)
    assert all(len(push.body) <= PUSH_BODY_OCTETS_MAX for push in pushes)
    told = [opened(push.body, LATER_MS) for push in pushes]
    assert len(told) == 2
    listed = [row for part in told for row in part.body.content.invalid_device_id_list]
    assert listed == list(strangers)
    assert {part.request_id for part in told} == {request.request_id}


def test_pages_of_the_quarantine_meet():
    dcc = ADcc(HUB, PPMID, device(DeviceType.IHD, device_id=1), thresholds=[NONE_OF_11_4])
    asked = [update_ppmid(request_id=RequestID(SUPPLIER, ACB, n)) for n in range(1, 6)]
    for request in asked:
        dcc.ask(request)
    seen, after = [], 0
    while page := dcc.shell.quarantined(2, after):
        seen += [row.request_id for row in page]
        after = page[-1].number
    assert seen == [request.request_id for request in asked]


class PowerCutError(Exception):
    """Not one of hanota's errors."""


def cut(*_args, **_kwargs):
    raise PowerCutError


@pytest.mark.parametrize("place", ["begin", "decide"])
def test_a_crash_while_a_request_is_let_go_leaves_it_where_it_was(monkeypatch, place):
    dcc = ADcc(thresholds=[Threshold("11.1", 0, HOUR_MS)])
    request = update_firmware()
    dcc.ask(request)
    before = dcc.everything()
    with monkeypatch.context() as patched:
        patched.setattr(f"hanota.serve.dcc_updates.FirmwareUpdates.{place}", cut)
        with pytest.raises(PowerCutError):
            dcc.shell.release(request.request_id, LATER_MS)
    assert dcc.everything() == before
    assert dcc.shell.release(request.request_id, LATER_MS) == "I0"
