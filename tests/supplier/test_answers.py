"""What a supplier reads in the DCC's answers and alerts."""

import pytest

from hanota.model import LeftOutList, RequestID
from hanota.supplier.answers import may_be_unsigned, observe, read_answer
from hanota.supplier.tracking import Evidence
from hanota.wire.duis import values as v

REQUEST_ID = RequestID(1, 2, 3)


def answer(code, content=None, request_id=REQUEST_ID):
    return v.Response(
        request_id=request_id,
        response_code=code,
        response_date_time_ms=0,
        body=v.ResponseMessage("11.4", "11.4", content),
    )


def alert(dcc_alert):
    return v.Response(
        response_code="I0", response_date_time_ms=0, body=v.DCCAlertMessage("N39", dcc_alert)
    )


WARNING = v.DSPUpdatePPMIDFirmwareWarning.of(
    {LeftOutList.INVALID_DEVICE: (11,), LeftOutList.OTHER_REQUEST_IN_PROGRESS: (12, 13)}
)


def test_accepted_whole():
    read = read_answer(answer("I0"), [10, 11])
    assert (read.accepted, read.listed, read.refused) == ((10, 11), {}, ())


def test_accepted_in_part():
    read = read_answer(answer("W110401", WARNING), [10, 11, 12, 13])
    assert read.accepted == (10,)
    assert read.listed == {
        11: LeftOutList.INVALID_DEVICE,
        12: LeftOutList.OTHER_REQUEST_IN_PROGRESS,
        13: LeftOutList.OTHER_REQUEST_IN_PROGRESS,
    }
    assert read.refused == ()


def test_refused_with_lists_and_without():
    read = read_answer(answer("E110405", WARNING), [11, 12])
    assert (read.accepted, read.refused, set(read.listed)) == ((), (), {11, 12, 13})
    read = read_answer(answer("E110402"), [11, 12])
    assert (read.accepted, read.refused, read.code) == ((), (11, 12), "E110402")


@pytest.mark.parametrize("code", ["W110401", "E110405"])
def test_a_pushed_warning_says_only_whom_it_lists(code):
    read = read_answer(answer(code, WARNING), [10, 11, 12, 13, 14], pushed=True)
    assert (read.accepted, read.refused, set(read.listed)) == ((), (), {11, 12, 13})


def test_a_pushed_answer_without_lists_is_about_all():
    assert read_answer(answer("I0"), [10, 11], pushed=True).accepted == (10, 11)
    assert read_answer(answer("E110402"), [10, 11], pushed=True).refused == (10, 11)


@pytest.mark.parametrize(
    ("code", "request_id", "may"),
    [
        ("I99", REQUEST_ID, True),
        ("E5", REQUEST_ID, True),
        ("E110405", REQUEST_ID, True),
        ("I0", REQUEST_ID, False),
        ("W110401", REQUEST_ID, False),
        ("E5", None, False),
    ],
)
def test_only_what_grants_nothing_may_be_unsigned(code, request_id, may):
    assert may_be_unsigned(answer(code, request_id=request_id)) is may


def delivery_status(status):
    return v.CSPFirmwareDeliveryStatus(REQUEST_ID, 30, 34, "00020000", 0, status)


def transfer(code):
    return v.CommsHubAlert(
        comms_hub_device_id=30,
        alert_code=0x8F8A,
        firmware_transfer_alert=v.FirmwareTransferAlert(
            update_firmware_request_id=REQUEST_ID,
            other_device_id=34,
            firmware_version="00020000",
            transfer_response_code=code,
        ),
    )


def activation(code):
    return v.PPMIDAlert(
        device_id=34,
        device_alert_code=0x8F8B,
        ppmid_firmware_upgrade_alert=v.PPMIDFirmwareUpgradeAlert("00020000", code),
    )


OBSERVATIONS = [
    (delivery_status(v.CommsHubTransferStatus.SUCCESS), Evidence.DELIVERY_SUCCESS),
    (delivery_status(v.CommsHubTransferStatus.FAILURE), Evidence.DELIVERY_FAILURE),
    (transfer(v.TransferResponseCode.FILE_TRANSFER_SUCCESS), Evidence.TRANSFER_SUCCESS),
    (transfer(v.TransferResponseCode.FIRMWARE_IMAGE_DISCARDED), Evidence.IMAGE_DISCARDED),
    (
        transfer(v.TransferResponseCode.HARDWARE_VERSION_MISMATCH),
        Evidence.HARDWARE_VERSION_MISMATCH,
    ),
    (transfer(v.TransferResponseCode.FILE_TRANSFER_FAILURE), Evidence.TRANSFER_FAILURE),
    (activation(v.ActivateImageResultCode.ACTIVATION_SUCCESS), Evidence.ACTIVATION_SUCCESS),
    (activation(v.ActivateImageResultCode.ACTIVATION_FAILURE), Evidence.ACTIVATION_FAILURE),
]


@pytest.mark.parametrize(("dcc_alert", "evidence"), OBSERVATIONS)
def test_every_alert_of_an_update(dcc_alert, evidence):
    seen = observe(alert(dcc_alert))
    assert (seen.device_id, seen.evidence, seen.firmware_version) == (34, evidence, "00020000")


@pytest.mark.parametrize(
    "response",
    [
        answer("I0"),
        alert(v.CommsHubAlert(comms_hub_device_id=30, alert_code=0x8F8A)),
        alert(v.PPMIDAlert(device_id=34, device_alert_code=0x8F8B)),
        alert(v.CommsHubFirmwareActivation(30, "00020000")),
        alert(v.OtherElement("SomethingElse")),
    ],
)
def test_what_says_nothing_of_an_update(response):
    assert observe(response) is None
