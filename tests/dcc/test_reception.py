"""Whom the DCC believes, and what a genuine report does."""

import msgspec
import pytest
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NEW,
    NOW_MS,
    OLD,
    OTHER_SUPPLIER,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)

from hanota.dcc.products import ProductList
from hanota.dcc.reception import Finding, objection, settle
from hanota.dcc.reports import reports_of
from hanota.dcc.tracking import Evidence, accepted
from hanota.model import DeviceType, Milestone, Outcome, RequestID
from hanota.rows import RequestRow
from hanota.wire import wan
from hanota.wire.codes import AlertCode
from hanota.wire.duis.values import (
    CommsHubAlert,
    CommsHubTransferStatus,
    CSPFirmwareDeliveryStatus,
    DeviceAlertMessage,
    PPMIDAlert,
)
from hanota.wire.gbcs import ccs08, cs09
from hanota.wire.gbcs import firmware_distribution_receipt as receipts
from hanota.wire.gbcs.message import Cra, GbcsMessage, encode
from hanota.wire.image import manufacturer_image_hash

PPMID = device(DeviceType.PPMID)
PRODUCTS = ProductList([entry(DeviceType.PPMID)])
REQUEST = RequestRow(
    number=7,
    request_id=RequestID(SUPPLIER, ACB, 1000),
    command_variant=8,
    service_reference="11.4",
    digest=bytes(32),
    image_hash=bytes(32),
    version=NEW,
    at_ms=NOW_MS,
    answer=b"",
)
DELIVERY = accepted(PPMID, request=7, version=NEW, now_ms=NOW_MS)
LATER_MS = NOW_MS + 60_000


def alert(code: int, content: bytes, originator: int, target: int = ACB, hub_id: int = HUB_ID):
    message = GbcsMessage(Cra.ALERT, 7, originator, target, code, content, signature=bytes(64))
    (report,) = reports_of(hub_id, wan.encode(wan.FromDevice(encode(message))))
    return report


def transfer(result=ccs08.TransferResult.SUCCESS, version=NEW, originator=HUB_ID, **by):
    said = ccs08.FirmwareTransferAlert(NOW_MS, DEVICE_ID, version, result)
    return alert(0x0128, ccs08.encode_alert(said), originator, **by)


def activation(result=cs09.ActivationResult.SUCCESS, version=NEW, originator=DEVICE_ID, **by):
    said = cs09.FirmwareActivationAlert(NOW_MS, version, result)
    return alert(0x012B, cs09.encode_alert(said), originator, **by)


def receipt(code=AlertCode.FIRMWARE_VERIFIED, image_hash=None, target=SUPPLIER, **by):
    if image_hash is None:
        image_hash = manufacturer_image_hash(image(DeviceType.PPMID))
    said = receipts.GsmeFirmwareDistributionReceipt(code, NOW_MS, image_hash)
    return alert(0x00CF, receipts.encode_gsme_alert(said), DEVICE_ID, target=target, **by)


def stored(result=wan.StoreResult.STORED, request_id=REQUEST.request_id, hub_id=HUB_ID):
    octets = wan.encode(wan.ImageStored(request_id, (DEVICE_ID,), result))
    (report,) = reports_of(hub_id, octets)
    return report


# Forged by somebody with a right signature of his own, or sent to the wrong party.
OBJECTIONS = [
    ("hub, transfer", transfer(), PPMID, None),
    ("PPMID, activation", activation(), PPMID, None),
    ("device, receipt", receipt(), PPMID, None),
    ("hub, stored", stored(), PPMID, None),
    ("unknown device", transfer(), None, Finding.FOREIGN),
    (
        "a hub for a device of another home",
        transfer(originator=HUB_ID + 9, hub_id=HUB_ID + 9),
        PPMID,
        Finding.FOREIGN,
    ),
    ("another hub relays", activation(hub_id=HUB_ID + 9), PPMID, Finding.FOREIGN),
    ("another hub stored", stored(hub_id=HUB_ID + 9), PPMID, Finding.FOREIGN),
    ("a device in the hub's place", transfer(originator=DEVICE_ID), PPMID, Finding.FOREIGN),
    (
        "another hub's word behind this hub",
        transfer(originator=HUB_ID + 9),
        PPMID,
        Finding.FOREIGN,
    ),
    ("transfer for the supplier", transfer(target=SUPPLIER), PPMID, Finding.MISDIRECTED),
    ("activation for the supplier", activation(target=SUPPLIER), PPMID, Finding.MISDIRECTED),
    ("receipt for the ACB", receipt(target=ACB), PPMID, Finding.MISDIRECTED),
    (
        "receipt for another supplier",
        receipt(target=OTHER_SUPPLIER),
        PPMID,
        Finding.MISDIRECTED,
    ),
]


@pytest.mark.parametrize(
    ("report", "row", "finding"),
    [case[1:] for case in OBJECTIONS],
    ids=[case[0] for case in OBJECTIONS],
)
def test_who_may_say_what(report, row, finding):
    assert objection(report, row, ACB) is finding


def test_a_hub_may_speak_of_itself():
    said = ccs08.FirmwareTransferAlert(NOW_MS, HUB_ID, NEW, ccs08.TransferResult.SUCCESS)
    report = alert(0x0128, ccs08.encode_alert(said), HUB_ID)
    assert objection(report, hub(), ACB) is None


def settled(report, tracked=(DELIVERY, REQUEST), row=PPMID):
    return settle(report, row, tracked, PRODUCTS, LATER_MS)


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (stored(), Milestone.DELIVERED),
        (stored(wan.StoreResult.NO_SPACE), Outcome.NOT_DELIVERED),
        (transfer(), Milestone.TRANSFERRED),
        (transfer(ccs08.TransferResult.IMAGE_DISCARDED), Outcome.DISCARDED),
        (activation(), Outcome.UPDATED),
        (activation(cs09.ActivationResult.FAILURE, version=OLD), Outcome.ACTIVATION_FAILED),
        (receipt(), Milestone.DISTRIBUTED),
        (receipt(AlertCode.FIRMWARE_VERIFICATION_FAILED), Outcome.VERIFICATION_FAILED),
    ],
)
def test_evidence_moves_the_delivery_and_is_told_to_the_requester(report, state):
    result = settled(report)
    assert result.event == report.evidence
    assert result.delivery is not None
    assert (result.delivery.state, result.delivery.changed_ms) == (state, LATER_MS)
    assert result.alert is not None
    assert result.receiver == SUPPLIER


@pytest.mark.parametrize(
    ("report", "version"),
    [
        (activation(), f"{NEW:08X}"),
        (activation(version=9), "00000009"),
        (activation(cs09.ActivationResult.FAILURE, version=9), "00000009"),
        (activation(version=OLD), None),
        (transfer(), None),
        (stored(), None),
        (receipt(), None),
    ],
)
@pytest.mark.parametrize("tracked", [None, (DELIVERY, REQUEST)])
def test_only_what_a_device_says_that_it_runs_changes_the_inventory(report, version, tracked):
    result = settled(report, tracked)
    assert (result.device and result.device.firmware_version) == version


UNATTRIBUTED = {
    "stored, other request": stored(request_id=RequestID(SUPPLIER, ACB, 1001)),
    "transfer, other version": transfer(version=9),
    "activation, other version": activation(version=9),
}


@pytest.mark.parametrize("name", UNATTRIBUTED)
def test_what_is_about_another_update_moves_nothing(name):
    report = UNATTRIBUTED[name]
    result = settled(report)
    assert result.event == f"unattributed:{report.evidence}"
    assert (result.delivery, result.alert, result.receiver) == (None, None, 0)


@pytest.mark.parametrize("report", [stored(), transfer(), activation()])
def test_without_a_delivery_there_is_nobody_to_tell(report):
    result = settled(report, None)
    assert result.event == f"unattributed:{report.evidence}"
    assert (result.delivery, result.alert) == (None, None)


@pytest.mark.parametrize("tracked", [None, (DELIVERY, REQUEST)])
def test_a_receipt_of_another_image_still_goes_to_the_supplier_it_is_for(tracked):
    report = receipt(image_hash=bytes(32))
    result = settled(report, tracked)
    assert result.event == "unattributed:verification-success"
    assert result.delivery is None
    assert result.alert == DeviceAlertMessage(0x8F72, report.octets)
    assert result.receiver == SUPPLIER


def test_an_illegal_step_moves_nothing_but_is_told():
    ended = msgspec.structs.replace(DELIVERY, state=Outcome.UPDATED, live=False, due_ms=None)
    result = settled(transfer(ccs08.TransferResult.IMAGE_DISCARDED), (ended, REQUEST))
    assert result.event == "illegal:image-discarded"
    assert result.delivery is None
    assert result.alert is not None


def test_what_was_overtaken_moves_nothing_and_is_told():
    ended = msgspec.structs.replace(DELIVERY, state=Outcome.UPDATED, live=False, due_ms=None)
    result = settled(transfer(), (ended, REQUEST))
    assert result.event == Evidence.TRANSFER_SUCCESS
    assert result.delivery is None
    assert result.alert is not None


@pytest.mark.parametrize(
    ("result", "code", "status"),
    [
        (wan.StoreResult.STORED, "N60", CommsHubTransferStatus.SUCCESS),
        (wan.StoreResult.DIGEST_MISMATCH, "N61", CommsHubTransferStatus.FAILURE),
    ],
)
def test_n60_and_n61(result, code, status):
    told = settled(stored(result)).alert
    assert told.dcc_alert_code == code
    assert told.dcc_alert == CSPFirmwareDeliveryStatus(
        REQUEST.request_id, HUB_ID, DEVICE_ID, f"{NEW:08X}", LATER_MS, status
    )


@pytest.mark.parametrize("result", ccs08.TransferResult)
def test_a_comms_hub_alert_says_what_ccs08_said(result):
    told = settled(transfer(result)).alert
    assert told.dcc_alert_code == "N62"
    match told.dcc_alert:
        case CommsHubAlert(firmware_transfer_alert=said) as body:
            assert (body.comms_hub_device_id, body.time_stamp_ms) == (HUB_ID, NOW_MS)
            assert body.alert_code == (0x8F8A if result == 0 else 0x8F89)
            assert said.update_firmware_request_id == REQUEST.request_id
            assert (said.other_device_id, said.firmware_version) == (DEVICE_ID, f"{NEW:08X}")
            assert list(type(said.transfer_response_code)).index(
                said.transfer_response_code
            ) == int(result)
        case other:
            pytest.fail(f"not a CommsHubAlert: {other}")


@pytest.mark.parametrize("result", cs09.ActivationResult)
def test_a_ppmid_alert_says_what_cs09_said(result):
    told = settled(activation(result)).alert
    assert told.dcc_alert_code == "N39"
    match told.dcc_alert:
        case PPMIDAlert(ppmid_firmware_upgrade_alert=said) as body:
            assert (body.device_id, body.timestamp_ms) == (DEVICE_ID, NOW_MS)
            assert body.device_alert_code == 0x8F8B
            assert said.firmware_version == f"{NEW:08X}"
            expected = "ActivationSuccess" if result == 0 else "ActivationFailure"
            assert said.activate_image_result_code == expected
        case other:
            pytest.fail(f"not a PPMIDAlert: {other}")
