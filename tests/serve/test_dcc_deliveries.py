"""The DCC's deliveries of 11.1: what ends them, with receipts lost, late and odd; what replaces."""

from itertools import count, permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    NEW,
    NOW_MS,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)
from tests.serve.a_dcc import ADcc, alert, receipt, signed_image, stored, transfer
from tests.serve.a_dcc import update_firmware as an_11_1
from tests.serve.a_dcc_with_devices import (
    EXECUTION_MS,
    FAILED,
    HASH_MISMATCH,
    HCALCS_ID,
    HOME,
    NO_IMAGE,
    PPMID_ID,
    SUCCESS,
    accepted,
    activated,
    alerted,
    outcome,
    pre_command,
    read,
    read_answer,
    sign_pre_command,
    submit,
    to_devices,
    version_of,
)

from hanota.dcc.tracking import ARRIVED_STATES
from hanota.limits import DAY_MS, TRACKING_DAYS
from hanota.model import DeviceType, LeftOutList, Milestone, Outcome, RequestID
from hanota.smki.organisations import SUPPLIER_2
from hanota.wire import wan
from hanota.wire.codes import AlertCode
from hanota.wire.gbcs import ccs08
from hanota.wire.gbcs import firmware_distribution_receipt as receipts
from hanota.wire.image import manufacturer_image_hash

OLD = bytes.fromhex("00010000")
NEWER = 0x0003_0000
OUTCOMES = {
    SUCCESS: Outcome.UPDATED,
    NO_IMAGE: Outcome.NO_IMAGE,
    HASH_MISMATCH: Outcome.HASH_MISMATCH,
    FAILED: Outcome.ACTIVATION_FAILED,
}
# Of a RequestID each.
_COUNTERS = count(2)
VERIFIED, NOT_VERIFIED = AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED


def update(counter, version=NEW, device_id=HCALCS_ID):
    body = f"firmware {version}".encode() if version != NEW else b"firmware"
    file = signed_image(file_version=version, manufacturer_image=body)
    return an_11_1(
        request_id=RequestID(SUPPLIER, ACB, counter),
        image=file,
        firmware_version=f"{version:08X}",
        device_ids=(device_id,),
    )


def newer_entry():
    built = image(
        DeviceType.HCALCS, file_version=NEWER, manufacturer_image=f"firmware {NEWER}".encode()
    )
    return entry(
        DeviceType.HCALCS,
        firmware_version=f"{NEWER:08X}",
        hash=manufacturer_image_hash(built),
        follows=(),
    )


@pytest.fixture
def dcc():
    """An HCALCS for which an 11.1 is under way, and whose hub has the image."""
    begun = ADcc(*HOME)
    begun.shell.load_products([entry(DeviceType.HCALCS), newer_entry()])
    asked = update(1)
    assert begun.ask(asked).response_code == "I0"
    begun.receive(stored(asked, device_ids=(HCALCS_ID,)))
    yield begun
    assert begun.ledger.verify() == []


def state(dcc):
    return dcc.state(HCALCS_ID)


def ends(dcc, request=1):
    with dcc.ledger.view() as view:
        return view.delivery(HCALCS_ID, request).state


def is_free(dcc):
    """Whether a further 11.1 for the device is accepted."""
    answer = dcc.ask(update(next(_COUNTERS), NEWER))
    if answer.response_code == "I0":
        return True
    assert answer.response_code == "E110105"
    assert answer.body.content.lists() == {LeftOutList.OTHER_REQUEST_IN_PROGRESS: (HCALCS_ID,)}
    return False


def an_8f72(**by):
    return receipt(VERIFIED, originator=HCALCS_ID, **by)


def an_8f1c(image_hash=bytes(32), target=SUPPLIER, counter=2):
    """What the device calculated of the image that it discards is no hash of any list."""
    said = receipts.GsmeFirmwareDistributionReceipt(NOT_VERIFIED, NOW_MS, image_hash)
    content = receipts.encode_gsme_alert(said)
    return alert(0x00CF, content, originator=HCALCS_ID, target=target, counter=counter)


def a_ccs08(result):
    return transfer(result, device_id=HCALCS_ID)


# --- A receipt is lost, and the answer to the command tells ---


@pytest.mark.parametrize("result", OUTCOMES)
def test_what_came_of_an_activation_ends_the_delivery(dcc, result):
    activated(dcc)
    assert not is_free(dcc)
    version = {} if result is SUCCESS else {"version": OLD}
    dcc.receive(outcome(result, **version))
    assert state(dcc) == OUTCOMES[result]
    assert is_free(dcc)


@pytest.mark.parametrize("result", OUTCOMES)
def test_so_does_the_alert_of_a_future_dated_one(dcc, result):
    activated(dcc, EXECUTION_MS)
    dcc.receive(accepted())
    assert state(dcc) == Milestone.DELIVERED  # whether there is an image it asks at the time
    assert not is_free(dcc)
    version = {} if result is SUCCESS else {"version": OLD}
    dcc.receive(alerted(result, **version), at_ms=EXECUTION_MS)
    assert state(dcc) == OUTCOMES[result]
    assert is_free(dcc)


@pytest.mark.parametrize("result", OUTCOMES)
def test_with_the_receipt_it_comes_to_the_same(dcc, result):
    dcc.receive(a_ccs08(ccs08.TransferResult.SUCCESS), an_8f72())
    assert state(dcc) == Milestone.DISTRIBUTED
    activated(dcc)
    version = {} if result is SUCCESS else {"version": OLD}
    dcc.receive(outcome(result, **version))
    assert state(dcc) == OUTCOMES[result]
    assert dcc.shell.scan_due(NOW_MS + TRACKING_DAYS * DAY_MS, 10) == 0


def test_the_receipt_and_the_answer_in_one_batch(dcc):
    activated(dcc)
    dcc.receive(outcome(), an_8f72())
    assert state(dcc) == Outcome.UPDATED
    assert dcc.events(HCALCS_ID)[-2:] == ["outcome", "activation-success"]


def test_a_version_that_is_read_back_ends_the_delivery(dcc):
    dcc.ask(read(HCALCS_ID))
    (command,) = to_devices(dcc)
    dcc.receive(read_answer(command, version_of(HCALCS_ID, command)))
    assert state(dcc) == Outcome.UPDATED
    assert is_free(dcc)


def test_a_read_back_that_differs_moves_nothing(dcc):
    dcc.ask(read(HCALCS_ID))
    (command,) = to_devices(dcc)
    dcc.receive(read_answer(command, version_of(HCALCS_ID, command, OLD)))
    assert state(dcc) == Milestone.DELIVERED


def test_a_second_command_after_one_that_failed(dcc):
    dcc.receive(an_8f72())
    activated(dcc)
    dcc.receive(outcome(HASH_MISMATCH, version=OLD))
    activated(dcc, counter=1001)
    dcc.receive(outcome(counter=1001))
    assert state(dcc) == Outcome.UPDATED


def test_the_failure_of_another_suppliers_command_says_nothing_of_this_image(dcc):
    theirs = msgspec.structs.replace(dcc.device(HCALCS_ID), suppliers=(SUPPLIER_2,))
    dcc.shell.load_inventory([theirs])
    octets = sign_pre_command(pre_command(dcc, user=SUPPLIER_2), SUPPLIER_2)
    assert dcc.ask(submit(octets, user=SUPPLIER_2)).response_code == "I99"
    dcc.receive(outcome(NO_IMAGE, version=OLD, target=SUPPLIER_2))
    assert state(dcc) == Milestone.DELIVERED
    assert dcc.events(HCALCS_ID)[-1] == "outcome"


# --- Receipts of images that fail verification ---


HASH_OF_THE_IMAGE = manufacturer_image_hash(image(DeviceType.HCALCS))
DISCARD = ccs08.TransferResult.IMAGE_DISCARDED
DISCARDED = a_ccs08(DISCARD)


@pytest.mark.parametrize(
    "image_hash", [bytes(32), manufacturer_image_hash(image(DeviceType.HCALCS))]
)
@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("together", [False, True])
def test_a_discarded_image_in_any_order_and_with_any_hash(dcc, image_hash, order, together):
    said = [DISCARDED, an_8f1c(image_hash)]
    envelopes = [said[place] for place in order]
    for batch in [envelopes] if together else [[one] for one in envelopes]:
        dcc.receive(*batch)
    assert state(dcc) == Outcome.VERIFICATION_FAILED
    assert is_free(dcc)


def test_a_receipt_of_failure_for_another_supplier_is_about_another_image(dcc):
    both = msgspec.structs.replace(dcc.device(HCALCS_ID), suppliers=(SUPPLIER, SUPPLIER_2))
    dcc.shell.load_inventory([both])
    dcc.receive(an_8f1c(target=SUPPLIER_2))
    assert state(dcc) == Milestone.DELIVERED
    assert dcc.events(HCALCS_ID)[-1] == "unattributed:verification-failure"


def test_a_receipt_of_success_needs_the_hash_of_the_version(dcc):
    said = receipts.GsmeFirmwareDistributionReceipt(VERIFIED, NOW_MS, bytes(32))
    dcc.receive(
        alert(0x00CF, receipts.encode_gsme_alert(said), originator=HCALCS_ID, target=SUPPLIER)
    )
    assert state(dcc) == Milestone.DELIVERED
    assert dcc.events(HCALCS_ID)[-1] == "unattributed:verification-success"


# --- A new image replaces the one that waits ---


@pytest.mark.parametrize("result", ccs08.TransferResult)
def test_an_image_that_waits_is_superseded_once_a_new_one_has_arrived(dcc, result):
    """Where the new one never arrives, the device still holds the one before."""
    dcc.receive(an_8f72())
    assert is_free(dcc)
    assert (ends(dcc), state(dcc)) == (Milestone.DISTRIBUTED, Milestone.ACCEPTED)
    dcc.receive(transfer(result, NEWER, HCALCS_ID, counter=9))
    arrived = result is ccs08.TransferResult.SUCCESS
    end = Outcome.SUPERSEDED if arrived else Milestone.DISTRIBUTED
    assert ends(dcc) == end
    with dcc.ledger.view() as view:
        assert view.counts(1) == {(end, ""): 1}


def test_an_image_that_its_hub_could_not_store_replaces_nothing(dcc):
    dcc.receive(an_8f72())
    asked = update(2, NEWER)
    assert dcc.ask(asked).response_code == "I0"
    dcc.receive(stored(asked, wan.StoreResult.NO_SPACE, device_ids=(HCALCS_ID,)))
    assert (ends(dcc), state(dcc)) == (Milestone.DISTRIBUTED, Outcome.NOT_DELIVERED)


def test_a_read_that_finds_the_new_version_supersedes_the_image_before_it(dcc):
    """The hub's word and the receipt are lost."""
    dcc.receive(an_8f72())
    assert is_free(dcc)
    activated(dcc, counter=50)
    dcc.receive(outcome(SUCCESS, version=NEWER.to_bytes(4, "big"), counter=50))
    assert (ends(dcc), state(dcc)) == (Outcome.SUPERSEDED, Outcome.UPDATED)


@pytest.mark.parametrize("result", OUTCOMES)
def test_one_that_was_tried_keeps_its_outcome(dcc, result):
    dcc.receive(an_8f72())
    activated(dcc)
    version = {} if result is SUCCESS else {"version": OLD}
    dcc.receive(outcome(result, **version))
    assert is_free(dcc)
    assert ends(dcc) == OUTCOMES[result]


def test_a_refused_update_replaces_nothing(dcc):
    dcc.receive(an_8f72())
    foreign = update(2, NEWER, device_id=PPMID_ID)
    assert dcc.ask(foreign).response_code == "E110105"
    assert ends(dcc) == Milestone.DISTRIBUTED


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(["11.1", "8F72", "8F1C", "CCS08 0", "CCS08 1", "CS06"]), max_size=8)
)
def test_of_one_device_at_most_one_image_waits(happens):
    """Whatever happens, an older delivery has ended, as `distributed` only if no other arrived."""
    dcc = ADcc(*HOME)
    dcc.shell.load_products([entry(DeviceType.HCALCS), newer_entry()])
    for own, what in enumerate(happens, 10):
        match what:
            case "11.1":
                answer = dcc.ask(update(own))
                assert answer.response_code in ("I0", "E110105")
            case "8F72":
                dcc.receive(an_8f72(counter=own))
            case "8F1C":
                dcc.receive(an_8f1c(counter=own))
            case "CCS08 0":
                dcc.receive(transfer(device_id=HCALCS_ID, counter=own))
            case "CCS08 1":
                dcc.receive(transfer(DISCARD, device_id=HCALCS_ID, counter=own))
            case "CS06":
                activated(dcc, counter=own)
                dcc.receive(outcome(NO_IMAGE, version=OLD, counter=own))
    with dcc.ledger.view() as view:
        found = [view.delivery(HCALCS_ID, number) for number in range(1, 40)]
    deliveries = [delivery for delivery in found if delivery is not None]
    assert not [one for one in deliveries[:-1] if one.live]
    arrived = [one.state for one in deliveries if one.state in ARRIVED_STATES]
    assert Milestone.DISTRIBUTED not in arrived[:-1]
    assert dcc.ledger.verify() == []


def test_the_number_of_queries_does_not_grow_with_the_devices_replaced():
    """One query finds what waits in all the devices of a batch."""

    def asked(devices):
        ids = [DEVICE_ID + 16 * number for number in range(devices)]
        dcc = ADcc(hub(), *(device(DeviceType.HCALCS, device_id=one) for one in ids))
        dcc.shell.load_products([entry(DeviceType.HCALCS), newer_entry()])
        first = msgspec.structs.replace(update(1), body=_of(update(1), ids))
        assert dcc.ask(first).response_code == "I0"
        dcc.receive(*(_receipt_of(one) for one in ids))
        second = msgspec.structs.replace(update(2, NEWER), body=_of(update(2, NEWER), ids))
        assert dcc.ask(second).response_code == "I0"
        queries = []
        connection = dcc.ledger._database._connection
        connection.set_trace_callback(queries.append)
        arrived = [
            transfer(version=NEWER, device_id=one, counter=own) for own, one in enumerate(ids, 9)
        ]
        dcc.receive(*arrived)
        connection.set_trace_callback(None)
        with dcc.ledger.view() as view:
            assert view.counts(1) == {("superseded", ""): devices}
        return sum(query.lstrip().startswith("SELECT") for query in queries)

    assert asked(1) == asked(20)


def _of(request, device_ids):
    return msgspec.structs.replace(request.body, device_id_list=tuple(device_ids))


def _receipt_of(device_id):
    return receipt(VERIFIED, originator=device_id)
