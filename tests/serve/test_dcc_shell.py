"""The DCC's shell: requests answered, reports received, on a real ledger with real signatures."""

from functools import partial
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NEW,
    NOW_MS,
    OLD,
    SUPPLIER,
    device,
    hub,
    image,
)
from tests.serve.a_dcc import (
    HCALCS,
    HUB,
    PKI,
    PPMID,
    ADcc,
    activation,
    enveloped,
    ppmid_file,
    receipt,
    signed,
    signed_image,
    stored,
    transfer,
    update_firmware,
    update_ppmid,
)
from tests.wire.duis_referees import schema_faults, verifies_independently

from hanota.dcc import alerts
from hanota.errors import RemoteError
from hanota.limits import DAY_MS, PUSH_DELAY_MS, PUSH_HOLD_DAYS, TRACKING_DAYS
from hanota.model import DeviceStatus, DeviceType, KeyUsage, Milestone, Outcome, RequestID, Role
from hanota.serve import dcc_gateway, dcc_updates
from hanota.smki.dsig import request_signer
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.smki.pki import TestPki
from hanota.wire import wan
from hanota.wire.codes import AlertCode, DuisFault
from hanota.wire.duis import messages
from hanota.wire.duis.document import open_document
from hanota.wire.duis.values import (
    ActivateFirmware,
    DeviceAlertMessage,
    DSPInventory,
    DSPUpdateFirmwareWarning,
    DSPUpdatePPMIDFirmwareWarning,
    ReadInventory,
    ReturnLocalCommandResponse,
    SignedPreCommand,
)
from hanota.wire.gbcs import ccs08, cs09
from hanota.wire.gbcs.message import decode
from hanota.wire.image import encode_image

LATER_MS = NOW_MS + 10_000
DSP_KEY = PKI.certificate(ACB, KeyUsage.DIGITAL_SIGNATURE, Role.DSP_XML_SIGNING).public_key
OTHER_PKI = TestPki(b"another PKI")
NOT_OURS = hub(device_id=HUB_ID + 0x100, hub_id=HUB_ID + 0x100)


# --- Requests ---


def test_an_accepted_update_is_recorded_whole():
    dcc = ADcc()
    request = update_ppmid()
    octets = signed(request)
    answer = dcc.shell.answer(octets, NOW_MS)
    with dcc.ledger.view() as view:
        row = view.request(request.request_id, 8)
        assert row.answer == answer
        assert (row.service_reference, row.version, row.at_ms) == ("11.4", NEW, NOW_MS)
        assert view.image(row.image_hash) == request.body.firmware_image
    delivery = dcc.delivery()
    assert (delivery.state, delivery.live, delivery.version) == (Milestone.ACCEPTED, True, NEW)
    assert delivery.request == row.number
    (sent,) = dcc.shell.outgoing_wan(10)
    assert sent.receiver == HUB_ID
    assert wan.decode(sent.body) == wan.DeliverImage(
        request.request_id, row.image_hash, (DEVICE_ID,)
    )
    assert dcc.shell.outgoing_push(NOW_MS + DAY_MS, 10) == []
    assert dcc.events(0) == ["answer:I0"]
    assert dcc.ledger.verify() == []


def test_an_11_1_with_a_signed_image_is_accepted():
    dcc = ADcc()
    assert dcc.ask(update_firmware()).response_code == "I0"
    assert dcc.state(HCALCS.device_id) == Milestone.ACCEPTED


def test_a_firmware_version_unlike_the_header_is_taken_with_a_remark():
    dcc = ADcc()
    assert dcc.ask(update_ppmid(firmware_version="00000000")).response_code == "I0"
    assert dcc.events(0) == ["answer:I0", "firmware-version:differs"]
    assert dcc.delivery().version == NEW


def test_some_devices_left_out_are_told_in_lists():
    ihd = device(DeviceType.IHD, device_id=1)
    waiting = device(DeviceType.PPMID, device_id=2, status=DeviceStatus.PENDING)
    other = device(DeviceType.PPMID, device_id=3, model="Another")
    old = device(DeviceType.PPMID, device_id=5, gbcs_version="3.2")
    busy = device(DeviceType.PPMID, device_id=4)
    dcc = ADcc(HUB, PPMID, ihd, waiting, other, old, busy)
    dcc.accept_update(4)
    request = update_ppmid(
        device_ids=(5, 4, 3, 2, 1, DEVICE_ID, 9), request_id=RequestID(SUPPLIER, ACB, 1001)
    )
    answer = dcc.ask(request)
    assert answer.response_code == "W110401"
    assert answer.request_id == request.request_id
    assert answer.body.content == DSPUpdatePPMIDFirmwareWarning((1, 9), (2,), (3,), (4,), (5,))
    assert dcc.state() == Milestone.ACCEPTED


def named(reference, request):
    """The same request for another service."""
    return msgspec.structs.replace(
        request, service_reference=reference, service_reference_variant=reference
    )


BROKEN = b"\x00" + ppmid_file()[1:]
# Each refused request with its code and whether the five lists are in the body.
REFUSED = {
    "role": ("E1", update_ppmid(request_id=RequestID(NETWORK_OPERATOR, ACB, 1)), None),
    "command variant": ("E11", update_ppmid(command_variant=1), None),
    "service": (
        "E12",
        named("6.5", update_ppmid(body=SignedPreCommand(gbcs_payload=b"\xdf"))),
        None,
    ),
    "target": ("E100", update_ppmid(request_id=RequestID(SUPPLIER, DEVICE_ID, 1)), None),
    "local command": (
        "E12",
        named(
            "8.13",
            update_ppmid(body=ReturnLocalCommandResponse(device_gbcs_response=b"\xdf")),
        ),
        None,
    ),
    "11.4 image malformed": ("E110401", update_ppmid(image=BROKEN), None),
    "11.1 image malformed": ("E110101", update_firmware(image=BROKEN), None),
    "11.4 image unlisted": (
        "E110402",
        update_ppmid(image=ppmid_file(manufacturer_image=b"other")),
        None,
    ),
    "11.1 image unlisted": (
        "E110102",
        update_firmware(image=signed_image(manufacturer_image=b"other")),
        None,
    ),
    "11.4 header changed": ("E110402", update_ppmid(image=ppmid_file(file_version=9)), None),
    "11.4 image of a hub": (
        "E110403",
        update_ppmid(image=ppmid_file(image_type=0x0002)),
        None,
    ),
    "11.1 without trailer": (
        "E110103",
        update_firmware(image=encode_image(image(DeviceType.HCALCS))),
        None,
    ),
    "11.1 signed by another": ("E110103", update_firmware(image=signed_image(SUPPLIER_2)), None),
    "11.4 nobody left": (
        "E110405",
        update_ppmid(device_ids=(HCALCS.device_id, 9)),
        DSPUpdatePPMIDFirmwareWarning((HCALCS.device_id, 9)),
    ),
    "11.1 nobody left": (
        "E110105",
        update_firmware(device_ids=(DEVICE_ID,)),
        DSPUpdateFirmwareWarning((DEVICE_ID,)),
    ),
    "another supplier": (
        "E110405",
        update_ppmid(request_id=RequestID(SUPPLIER_2, ACB, 1)),
        DSPUpdatePPMIDFirmwareWarning((DEVICE_ID,)),
    ),
    "unknown device": (
        "E19",
        named("8.2", update_ppmid(body=ReadInventory(9))),
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_requests_set_nothing_going(name):
    code, request, content = REFUSED[name]
    dcc = ADcc()
    answer = dcc.ask(request)
    assert answer.response_code == code
    assert answer.request_id == request.request_id
    assert answer.body.service_reference == request.service_reference
    assert answer.body.content == content
    assert dcc.state(DEVICE_ID) is dcc.state(HCALCS.device_id) is None
    assert dcc.shell.outgoing_wan(10) == []
    assert dcc.events(0)[0] == f"answer:{code}"


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_uses_the_request_id_up(name):
    _, request, _ = REFUSED[name]
    dcc = ADcc()
    octets = signed(request)
    answer = dcc.shell.answer(octets, NOW_MS)
    assert dcc.shell.answer(octets, LATER_MS) == answer


def test_every_answer_is_schema_valid_and_signed():
    dcc = ADcc()
    requests = [request for _, request, _ in REFUSED.values()]
    requests += [
        update_ppmid(request_id=RequestID(SUPPLIER, ACB, 2)),
        update_ppmid(request_id=RequestID(SUPPLIER, ACB, 3), device_ids=(DEVICE_ID, 9)),
        named("8.2", update_ppmid(body=ReadInventory(DEVICE_ID))),
    ]
    for counter, request in enumerate(requests, 5_000):
        originator, target, _ = msgspec.structs.astuple(request.request_id)
        fresh = msgspec.structs.replace(request, request_id=RequestID(originator, target, counter))
        octets = dcc.shell.answer(signed(fresh), NOW_MS)
        assert schema_faults(octets) == []
        assert verifies_independently(octets, DSP_KEY)


def test_8_2_lists_the_devices_of_the_home():
    dcc = ADcc(HUB, PPMID, NOT_OURS)
    answer = dcc.ask(named("8.2", update_ppmid(body=ReadInventory(DEVICE_ID))))
    assert answer.response_code == "I0"
    match answer.body.content:
        case DSPInventory(devices=devices):
            assert [row.device_id for row in devices] == [HUB_ID, DEVICE_ID]
            assert devices[1].device_firmware_version == f"{OLD:08X}"
        case other:
            pytest.fail(f"no inventory: {other}")


def test_a_home_too_large_for_the_schema_is_not_listed_in_part():
    dcc = ADcc(*(device(DeviceType.CAD, device_id=n) for n in range(1, 19)))
    answer = dcc.ask(named("8.2", update_ppmid(body=ReadInventory(5))))
    assert (answer.response_code, answer.body.content) == ("E100", None)


@pytest.mark.parametrize(
    "octets", [b"", b"<a/>", b"GET / HTTP/1.1", signed(update_ppmid())[:-1], b"\xff" * 100]
)
def test_what_is_no_duis_cannot_be_answered(octets):
    dcc = ADcc()
    before = dcc.everything()
    with pytest.raises(RemoteError) as refused:
        dcc.shell.answer(octets, NOW_MS)
    assert refused.value.code is DuisFault.NOT_DUIS
    assert dcc.everything() == before


def unproven():
    """Requests of which nobody has proved that they are the supplier's."""
    request = update_ppmid()
    sound = signed(request)
    by_another = messages.encode_request(request, request_signer(SUPPLIER_2, PKI, PKI))
    return {
        "not signed": messages.encode_request(request),
        "tampered": sound.replace(b"<sr:FirmwareVersion>0", b"<sr:FirmwareVersion>1"),
        "request id changed": sound.replace(b":1000<", b":1001<"),
        "signed by another user": by_another,
        "of another PKI": signed(request, OTHER_PKI),
    }


@pytest.mark.parametrize("name", list(unproven()))
def test_an_unproven_request_is_refused_and_uses_no_request_id(name):
    dcc = ADcc()
    before = dcc.everything()
    octets = dcc.shell.answer(unproven()[name], NOW_MS)
    assert messages.decode_response(open_document(octets)).response_code == "E48"
    assert schema_faults(octets) == []
    assert dcc.everything() == before
    dcc.accept_update()


def test_a_request_that_came_before_gets_the_same_answer_and_does_nothing_twice():
    dcc = ADcc()
    octets = signed(update_ppmid())
    answer = dcc.shell.answer(octets, NOW_MS)
    before = dcc.everything()
    assert dcc.shell.answer(octets, LATER_MS) == answer
    assert dcc.everything() == before


@pytest.mark.parametrize(
    "other",
    [
        update_ppmid(firmware_version="1"),
        update_ppmid(command_variant=1),
        named("8.2", update_ppmid(body=ReadInventory(DEVICE_ID))),
    ],
)
def test_other_octets_under_a_used_request_id_are_refused(other):
    dcc = ADcc()
    octets = signed(update_ppmid())
    answer = dcc.shell.answer(octets, NOW_MS)
    assert dcc.ask(other, LATER_MS).response_code == "E48"
    assert dcc.events(0) == ["answer:I0", "request-id:reused"]
    assert dcc.shell.answer(octets, LATER_MS) == answer
    assert len(dcc.shell.outgoing_wan(10)) == 1


def test_the_two_steps_of_a_critical_command_share_a_request_id():
    dcc = ADcc()
    request = named(
        "11.3",
        update_ppmid(
            body=ActivateFirmware(firmware_hash=bytes(32)),
            command_variant=4,
            request_id=RequestID(SUPPLIER, DEVICE_ID + 1, 1),
        ),
    )
    second = msgspec.structs.replace(
        request, command_variant=5, body=SignedPreCommand(gbcs_payload=b"\xdf")
    )
    assert dcc.ask(request).response_code == "I0"
    assert dcc.events(0) == ["answer:I0"]
    assert dcc.ask(second).response_code == "E48"
    assert dcc.events(0) == ["answer:I0", "answer:E48"]


# --- Reports ---


def test_an_update_from_acceptance_to_proof():
    dcc = ADcc()
    request = dcc.accept_update()
    states = []
    for envelope in (stored(request), transfer(), activation()):
        dcc.receive(envelope)
        states.append(dcc.state())
    assert states == [Milestone.DELIVERED, Milestone.TRANSFERRED, Outcome.UPDATED]
    assert not dcc.delivery().live
    assert dcc.codes() == ["N60", "N62", "N39"]
    assert (dcc.device().firmware_version, dcc.device().gbcs_version) == (f"{NEW:08X}", "4.4")
    assert dcc.events() == [
        "accepted",
        "delivery-success",
        "transfer-success",
        "activation-success",
    ]
    assert dcc.ledger.verify() == []


def test_every_push_is_schema_valid_signed_and_for_the_requester():
    dcc = ADcc()
    request = dcc.accept_update()
    dcc.receive(stored(request), transfer(), activation(), receipt(AlertCode.FIRMWARE_VERIFIED))
    pushes = dcc.waiting(NOW_MS + DAY_MS)
    assert len(pushes) == 4
    for push in pushes:
        assert push.receiver == SUPPLIER
        assert schema_faults(push.body) == []
        assert verifies_independently(push.body, DSP_KEY)


def test_an_alert_names_no_request_in_its_header():
    dcc = ADcc()
    dcc.receive(stored(dcc.accept_update()), at_ms=LATER_MS)
    (push,) = dcc.pushes()
    assert (push.request_id, push.response_id, push.response_code) == (None, None, "I0")
    assert push.response_date_time_ms == LATER_MS


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_doubled_and_reordered_reports_come_to_the_same(order):
    dcc = ADcc()
    request = dcc.accept_update()
    envelopes = (stored(request), transfer(), activation(counter=2))
    sent = [envelopes[place] for place in order]
    dcc.receive(*sent, *sent)
    dcc.receive(*sent)
    assert dcc.state() == Outcome.UPDATED
    assert sorted(dcc.codes()) == ["N39", "N60", "N62"]
    assert dcc.device().firmware_version == f"{NEW:08X}"
    assert len([word for word in dcc.events() if word.startswith("doubled:")]) == 6
    assert dcc.ledger.verify() == []


def test_several_homes_in_one_batch():
    homes = [
        row
        for n in range(5)
        for row in (
            hub(device_id=HUB_ID + 0x100 * n, hub_id=HUB_ID + 0x100 * n),
            device(DeviceType.PPMID, device_id=DEVICE_ID + 0x100 * n, hub_id=HUB_ID + 0x100 * n),
        )
    ]
    dcc = ADcc(*homes)
    ids = [DEVICE_ID + 0x100 * n for n in range(5)]
    request = dcc.accept_update(*ids)
    arrivals = [
        (device_id - 2, octets)
        for device_id in ids
        for octets in (
            stored(request, device_ids=(device_id,)),
            transfer(originator=device_id - 2, device_id=device_id),
            activation(originator=device_id),
        )
    ]
    dcc.shell.receive_wan(arrivals, LATER_MS)
    assert {dcc.state(device_id) for device_id in ids} == {Outcome.UPDATED}
    assert len(dcc.pushes()) == 15


def test_one_receipt_of_a_hub_for_several_devices():
    second = device(DeviceType.PPMID, device_id=DEVICE_ID + 7)
    dcc = ADcc(HUB, PPMID, second)
    ids = (DEVICE_ID, DEVICE_ID + 7)
    request = dcc.accept_update(*ids)
    dcc.receive(stored(request, wan.StoreResult.NO_SPACE, ids))
    assert [dcc.state(device_id) for device_id in ids] == [Outcome.NOT_DELIVERED] * 2
    assert dcc.codes() == ["N61", "N61"]


def test_a_receipt_of_an_image_goes_to_the_supplier_as_it_came():
    dcc = ADcc()
    dcc.ask(update_firmware())
    octets = receipt(AlertCode.FIRMWARE_VERIFICATION_FAILED)
    dcc.receive(octets)
    assert dcc.state(HCALCS.device_id) == Outcome.VERIFICATION_FAILED
    (push,) = dcc.pushes()
    assert push.body == DeviceAlertMessage(0x8F1C, wan.decode(octets).gbcs)


def test_a_receipt_for_a_supplier_who_is_no_user_is_journalled_only():
    stray = msgspec.structs.replace(HCALCS, suppliers=(NETWORK_OPERATOR + 1,))
    dcc = ADcc(HUB, stray)
    dcc.receive(receipt(AlertCode.FIRMWARE_VERIFIED, target=NETWORK_OPERATOR + 1))
    assert dcc.events(HCALCS.device_id) == ["unattributed:verification-success"]
    assert dcc.shell.outgoing_push(LATER_MS, 10) == dcc.shell.outgoing_wan(10) == []


STRIPPED = enveloped(msgspec.structs.replace(decode(wan.decode(activation()).gbcs), signature=None))
MACED = enveloped(msgspec.structs.replace(decode(wan.decode(activation()).gbcs), mac=bytes(12)))

# What somebody else makes, or turns about: the journal's word, and the hub that it came through.
FORGED = {
    "signed by the hub": (activation(signed_by=HUB_ID), "bad-signature:activation-success", HUB_ID),
    "of another PKI": (activation(pki=OTHER_PKI), "bad-signature:activation-success", HUB_ID),
    "a MAC that nobody checks": (MACED, "bad-signature:activation-success", HUB_ID),
    "signature cut off": (STRIPPED, "bad-signature:activation-success", HUB_ID),
    "result turned about": (
        activation(cs09.ActivationResult.FAILURE).replace(b"\x02\x01\x01@", b"\x02\x01\x00@"),
        "bad-signature:activation-success",
        HUB_ID,
    ),
    "through another hub": (activation(), "foreign:activation-success", NOT_OURS.device_id),
    "hub of another home": (
        transfer(ccs08.TransferResult.TRANSFER_FAILURE, originator=NOT_OURS.device_id),
        "foreign:transfer-failure",
        NOT_OURS.device_id,
    ),
    "a device as its hub": (transfer(originator=DEVICE_ID), "foreign:transfer-success", HUB_ID),
    "not for the ACB": (activation(target=SUPPLIER), "misdirected:activation-success", HUB_ID),
    "another version": (transfer(version=9), "unattributed:transfer-success", HUB_ID),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_reports_move_nothing_and_are_journalled(name):
    octets, event, hub_id = FORGED[name]
    dcc = ADcc(HUB, PPMID, HCALCS, NOT_OURS)
    dcc.accept_update()
    before = dcc.delivery()
    dcc.receive(octets, hub_id=hub_id)
    assert dcc.delivery() == before
    assert dcc.device() == PPMID
    assert dcc.pushes() == []
    assert dcc.events()[-1] == event
    assert dcc.timeline()[-1].message == wan.decode(octets).gbcs
    # What was forged does not stand in the way of the genuine message with the same counter.
    dcc.receive(activation())
    assert dcc.state() == Outcome.UPDATED


@pytest.mark.parametrize(
    ("octets", "event"),
    [
        (b"", "WanFault:malformed"),
        (b"\x00" * 200_000, "WanFault:too-large"),
        (wan.encode(wan.ToDevice(b"\xdf")), "WanFault:malformed"),
        (wan.encode(wan.FromDevice(b"\xdf")), "GbcsFault:truncated"),
    ],
)
def test_malformed_octets_are_journalled_under_their_hub(octets, event):
    dcc = ADcc()
    dcc.receive(octets)
    (entry,) = dcc.timeline(HUB_ID)
    assert (entry.event, entry.message, entry.delivery) == (event, octets, None)


class TrustsRequestsOnly:
    """The directory of the tests, in which only the users' XML signing certificates count."""

    find = staticmethod(PKI.find)
    by_serial = staticmethod(PKI.by_serial)

    @staticmethod
    def trusts(certificate, at_ms):
        return certificate.role is Role.XML_SIGNING and PKI.trusts(certificate, at_ms)


def test_a_certificate_that_is_not_trusted_proves_nothing():
    dcc = ADcc(directory=TrustsRequestsOnly())
    assert dcc.ask(update_firmware()).response_code == "E110103"
    dcc.ask(update_ppmid(request_id=RequestID(SUPPLIER, ACB, 1001)))
    dcc.receive(activation())
    assert dcc.state() == Milestone.ACCEPTED
    assert dcc.events()[-1] == "bad-signature:activation-success"


def test_what_one_batch_teaches_stands_in_its_order():
    dcc = ADcc()
    dcc.receive(activation(version=9), activation(version=OLD, counter=2))
    assert dcc.device().firmware_version == f"{OLD:08X}"


@pytest.mark.parametrize("at_ms", [-62_135_596_800_000, -1_000, 0, 253_402_300_799_000])
def test_a_clock_that_is_wrong_does_not_hold_up_the_alert(at_ms):
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(transfer(at_ms=at_ms), activation(at_ms=at_ms))
    assert dcc.state() == Outcome.UPDATED
    assert dcc.codes() == ["N62", "N39"]


def test_every_single_bit_that_is_turned_is_noticed():
    dcc = ADcc()
    dcc.accept_update()
    genuine = activation()
    turned = []
    for place in range(8 * len(genuine)):
        octets = bytearray(genuine)
        octets[place // 8] ^= 1 << place % 8
        turned.append(bytes(octets))
    dcc.receive(*turned)
    assert dcc.state() == Milestone.ACCEPTED
    assert dcc.device() == PPMID
    assert dcc.pushes() == []


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=200)), max_size=5))
def test_any_octets_of_any_hub_are_taken_in(arrivals):
    dcc = ADcc()
    dcc.shell.receive_wan(arrivals, NOW_MS)
    for hub_id, _ in arrivals:
        assert dcc.events(hub_id)


def test_a_report_about_an_unknown_device_is_journalled():
    dcc = ADcc(HUB)
    dcc.receive(activation(), stored(update_ppmid()))
    assert dcc.events() == ["foreign:activation-success", "foreign:delivery-success"]


def test_an_illegal_step_is_journalled_and_changes_nothing():
    dcc = ADcc()
    dcc.accept_update()
    dcc.receive(activation())
    before = dcc.delivery()
    dcc.receive(transfer(ccs08.TransferResult.IMAGE_DISCARDED))
    assert dcc.delivery() == before
    assert dcc.events()[-1] == "illegal:image-discarded"


def test_evidence_of_no_update_still_counts_for_the_inventory():
    dcc = ADcc()
    dcc.receive(activation(version=9))
    assert dcc.device().firmware_version == "00000009"
    assert dcc.events() == ["unattributed:activation-success"]
    assert dcc.pushes() == []


def test_a_device_is_free_again_once_its_update_has_ended():
    dcc = ADcc()
    dcc.accept_update()
    second = update_ppmid(request_id=RequestID(SUPPLIER, ACB, 1001))
    assert dcc.ask(second).response_code == "E110405"
    dcc.receive(transfer(ccs08.TransferResult.TRANSFER_FAILURE))
    third = update_ppmid(request_id=RequestID(SUPPLIER, ACB, 1002))
    assert dcc.ask(third).response_code == "I0"
    dcc.receive(transfer(counter=2))
    assert dcc.state() == Milestone.TRANSFERRED
    assert dcc.ledger.verify() == []


# --- Time ---


def test_tracking_ends_and_proof_that_comes_later_still_counts():
    dcc = ADcc()
    dcc.accept_update()
    end_ms = NOW_MS + TRACKING_DAYS * DAY_MS
    assert dcc.shell.scan_due(end_ms - 1, 10) == 0
    assert dcc.shell.scan_due(end_ms, 10) == 1
    assert dcc.shell.scan_due(end_ms, 10) == 0
    assert dcc.state() == Outcome.SILENT
    dcc.receive(activation(), at_ms=end_ms + 1)
    assert dcc.state() == Outcome.UPDATED_LATE
    assert dcc.events() == ["accepted", "tracking-ended", "activation-success"]
    assert dcc.ledger.verify() == []


def test_nothing_is_pushed_sooner_than_the_delay_after_the_answer():
    dcc = ADcc()
    dcc.receive(stored(dcc.accept_update()))
    dcc.receive(transfer(), at_ms=LATER_MS)
    assert dcc.shell.outgoing_push(NOW_MS + PUSH_DELAY_MS - 1, 10) == []
    assert dcc.codes(NOW_MS + PUSH_DELAY_MS) == ["N60"]
    assert dcc.codes(LATER_MS) == ["N60", "N62"]


# --- The outbox ---


def test_envelopes_and_pushes_go_apart():
    dcc = ADcc()
    dcc.receive(stored(dcc.accept_update()))
    dcc.ask(update_firmware(request_id=RequestID(SUPPLIER, ACB, 1001)), LATER_MS)
    wan_numbers = [sent.number for sent in dcc.shell.outgoing_wan(10)]
    push_numbers = [push.number for push in dcc.shell.outgoing_push(LATER_MS, 10)]
    assert len(wan_numbers) == 2
    assert len(push_numbers) == 1
    assert set(wan_numbers).isdisjoint(push_numbers)
    dcc.shell.taken(wan_numbers)
    assert dcc.shell.outgoing_wan(10) == []
    assert len(dcc.shell.outgoing_push(LATER_MS, 10)) == 1


def test_pages_of_the_outbox_meet():
    rows = [device(DeviceType.PPMID, device_id=n, hub_id=100 + n) for n in range(1, 8)]
    hubs = [hub(device_id=100 + n, hub_id=100 + n) for n in range(1, 8)]
    dcc = ADcc(*rows, *hubs)
    request = dcc.accept_update(*range(1, 8))
    dcc.shell.receive_wan(
        [(100 + n, stored(request, device_ids=(n,))) for n in range(1, 8)], LATER_MS
    )
    for outgoing in (dcc.shell.outgoing_wan, partial(dcc.shell.outgoing_push, LATER_MS)):
        seen, after = [], None
        while page := outgoing(2, after):
            seen += [message.number for message in page]
            after = page[-1]
        assert seen == [message.number for message in outgoing(100)]
        assert len(seen) == 7


def test_a_push_that_is_not_taken_comes_again_later():
    dcc = ADcc()
    dcc.receive(stored(dcc.accept_update()))
    (push,) = dcc.shell.outgoing_push(LATER_MS, 10)
    assert dcc.shell.not_taken(push, 503, LATER_MS) == LATER_MS + 60_000
    assert dcc.shell.outgoing_push(LATER_MS + 59_999, 10) == []
    (again,) = dcc.shell.outgoing_push(LATER_MS + 60_000, 10)
    assert (again.number, again.body, again.tries) == (push.number, push.body, 1)


def test_a_push_that_is_never_taken_leaves_the_queue_for_the_journal():
    dcc = ADcc()
    dcc.receive(stored(dcc.accept_update()))
    now_ms, tries = LATER_MS, 0
    while found := dcc.shell.outgoing_push(now_ms, 10):
        body = found[0].body
        dcc.shell.not_taken(found[0], None, now_ms)
        now_ms, tries = now_ms + 3_600_000, tries + 1
    assert PUSH_HOLD_DAYS * 24 - 8 < tries < PUSH_HOLD_DAYS * 24 + 8
    (given_up,) = (row for row in dcc.timeline() if row.event == "push:given-up")
    assert given_up.message == body


# --- Crashes, and what many devices cost ---


class PowerCutError(Exception):
    """Not one of hanota's errors."""


def cut(*_args, **_kwargs):
    raise PowerCutError


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (dcc_updates, "lists_of"),
        (dcc_gateway, "encode_response"),
        (dcc_updates, "distribute"),
        (dcc_updates, "accepted"),
    ],
)
def test_a_crash_in_the_middle_of_an_answer_leaves_nothing(monkeypatch, module, place):
    dcc = ADcc()
    before = dcc.everything()
    octets = signed(update_ppmid())
    with monkeypatch.context() as patched:
        patched.setattr(module, place, cut)
        with pytest.raises(PowerCutError):
            dcc.shell.answer(octets, NOW_MS)
    assert dcc.everything() == before
    dcc.accept_update()


def test_a_crash_in_the_middle_of_a_batch_leaves_nothing(monkeypatch):
    dcc = ADcc()
    request = dcc.accept_update()
    before = dcc.everything()
    envelopes = [stored(request), b"malformed", transfer(), activation()]
    real, calls = alerts.in_response, []

    def last_one_cut(*arguments):
        calls.append(arguments)
        return cut() if len(calls) == 3 else real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(alerts, "in_response", last_one_cut)
        with pytest.raises(PowerCutError):
            dcc.receive(*envelopes)
    assert dcc.everything() == before
    dcc.receive(*envelopes)
    assert dcc.state() == Outcome.UPDATED
    assert len(dcc.pushes()) == 3


def queries_of(dcc, act, *arguments) -> int:
    """How many queries an act asks of the database."""
    asked = []
    connection = dcc.ledger._database._connection
    connection.set_trace_callback(asked.append)
    try:
        act(*arguments)
    finally:
        connection.set_trace_callback(None)
    return len([text for text in asked if text.lstrip().startswith(("SELECT", "WITH"))])


def queries_for(devices: int) -> tuple[int, int]:
    """How many queries an answer to a request for so many devices takes, and their receipts."""
    ids = range(1, devices + 1)
    hubs = [hub(device_id=100_000 + n, hub_id=100_000 + n) for n in ids]
    ppmids = [device(DeviceType.PPMID, device_id=n, hub_id=100_000 + n) for n in ids]
    dcc = ADcc(*hubs, *ppmids)
    request = update_ppmid(device_ids=tuple(ids))
    answering = queries_of(dcc, dcc.shell.answer, signed(request), NOW_MS)
    arrivals = [(100_000 + n, stored(request, device_ids=(n,))) for n in ids]
    receiving = queries_of(dcc, dcc.shell.receive_wan, arrivals, NOW_MS)
    assert len(dcc.shell.outgoing_push(LATER_MS, devices + 1)) == devices
    return answering, receiving


def test_the_number_of_queries_does_not_grow_with_the_devices():
    assert queries_for(1) == queries_for(500)
