"""Which pushes belong to a request, which is the last of a device, and which are bad news."""

import msgspec
import pytest
from tests.supplier import device_says as says
from tests.supplier.device_says import ASKED, DEVICE, NOW_MS

from hanota.model import DeviceType, RequestID
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER
from hanota.supplier.correlation import Told, devices_of, execution_ms, told_of
from hanota.supplier.pre_command import command_of
from hanota.supplier.requests import (
    activate_firmware,
    cancel_activation,
    read_firmware_version,
    signed_pre_command,
)
from hanota.wire.duis import values as v
from hanota.wire.gbcs.message import encode

OTHER = DEVICE + 1
UPDATE_ID = RequestID(SUPPLIER, ACB, 5)
UNTIL_MS = NOW_MS + 30_000
READ = read_firmware_version(ASKED)
ACTIVATE = activate_firmware(ASKED, says.HASH, None)


def of_list(body, service):
    return v.Request(UPDATE_ID, 8, service, service, body(b"image", "00020000", (DEVICE, OTHER)))


UPDATE = of_list(v.UpdatePPMIDFirmware, "11.4")
DISTRIBUTE = of_list(v.UpdateFirmware, "11.1")


def at(execution_date_time_ms, *, signed=False):
    """An 11.3 for this time, as CV 4 or as CV 5."""
    asked = activate_firmware(ASKED, says.HASH, execution_date_time_ms)
    return signed_pre_command(asked, encode(command_of(asked))) if signed else asked


def alert(body):
    return v.Response(
        response_code="I0", response_date_time_ms=NOW_MS, body=v.DCCAlertMessage("N1", body)
    )


def delivered(status, request_id=UPDATE_ID, device_id=DEVICE):
    return alert(
        v.CSPFirmwareDeliveryStatus(
            request_id, 1, device_id, "00020000", NOW_MS, v.CommsHubTransferStatus(status)
        )
    )


def transferred(code, request_id=UPDATE_ID, device_id=DEVICE):
    told = v.FirmwareTransferAlert(
        update_firmware_request_id=request_id,
        other_device_id=device_id,
        firmware_version="00020000",
        transfer_response_code=v.TransferResponseCode(code),
    )
    return alert(
        v.CommsHubAlert(comms_hub_device_id=1, alert_code=0x8F8A, firmware_transfer_alert=told)
    )


def activated(code, device_id=DEVICE):
    told = v.PPMIDFirmwareUpgradeAlert("00020000", v.ActivateImageResultCode(code))
    return alert(
        v.PPMIDAlert(
            device_id=device_id, device_alert_code=0x8F8B, ppmid_firmware_upgrade_alert=told
        )
    )


def answer(code, content=None, request_id=ASKED):
    body = v.ResponseMessage("11.2", "11.2", content)
    return v.Response(
        request_id=request_id, response_code=code, response_date_time_ms=NOW_MS, body=body
    )


def command_failure(request_id):
    return alert(v.CommandFailure(command_request_id=request_id, device_id=DEVICE))


def quarantined(request_id):
    return alert(v.QuarantinedRequest(v.ADDCCThresholdBreach(request_id, 1)))


def failed_for(request_id):
    return alert(v.FirmwareDistributionFailure(request_id, (OTHER,)))


ON_THE_WAY, GOOD, BAD = (False, False), (True, False), (True, True)
LATER_MS = UNTIL_MS + 1_000

# The request, the push, whether it is the last word and bad news; None: about something else.
TELL = {
    "version": (READ, says.response_of(says.CS08), GOOD),
    "version of a meter": (READ, says.response_of(says.GCS38), GOOD),
    "answer of another service": (READ, answer("I0", v.OtherElement("Any")), GOOD),
    "acknowledged again": (READ, answer("I99"), ON_THE_WAY),
    "no answer": (READ, answer("E21"), BAD),
    "malformed": (READ, answer("I0", v.GBCSPayload(b"\xdf")), BAD),
    "other answer": (READ, answer("I0", request_id=UPDATE_ID), None),
    "command failure": (READ, command_failure(ASKED), BAD),
    "command failure of another": (READ, command_failure(UPDATE_ID), None),
    "quarantined": (READ, quarantined(ASKED), BAD),
    "another quarantined": (READ, quarantined(UPDATE_ID), None),
    "activated": (ACTIVATE, says.response_of(says.outcome(0)), GOOD),
    "no image": (ACTIVATE, says.response_of(says.outcome(1)), BAD),
    "other hash": (ACTIVATE, says.response_of(says.outcome(2)), BAD),
    "failed": (ACTIVATE, says.response_of(says.outcome(3)), BAD),
    "accepted for soon": (at(UNTIL_MS), says.response_of(says.ACCEPTED), ON_THE_WAY),
    "accepted for later": (at(LATER_MS), says.response_of(says.ACCEPTED), GOOD),
    "accepted, signed": (at(NOW_MS, signed=True), says.response_of(says.ACCEPTED), ON_THE_WAY),
    "cancelled": (cancel_activation(ASKED, says.HASH), says.response_of(says.ACCEPTED), GOOD),
    "8F66": (at(NOW_MS), says.response_of(says.alert_of(0)), GOOD),
    "8F67": (at(NOW_MS), says.response_of(says.alert_of(3)), BAD),
    "8F72": (DISTRIBUTE, says.response_of(says.gsme_receipt(says.VERIFIED)), GOOD),
    "8F1C": (DISTRIBUTE, says.response_of(says.esme_receipt(says.FAILED)), BAD),
    "8F72 during a read": (READ, says.response_of(says.gsme_receipt(says.VERIFIED)), None),
    "update during a read": (READ, activated("ActivationSuccess"), None),
    "delivered": (UPDATE, delivered("Success"), ON_THE_WAY),
    "not delivered": (UPDATE, delivered("Failure"), BAD),
    "delivered for another": (UPDATE, delivered("Success", ASKED), None),
    "delivered elsewhere": (UPDATE, delivered("Success", device_id=1), None),
    "transferred": (UPDATE, transferred("FileTransferSuccess"), ON_THE_WAY),
    "discarded": (UPDATE, transferred("FirmwareImageDiscarded"), BAD),
    "transferred for somebody": (UPDATE, transferred("FileTransferFailure", None), BAD),
    "runs": (UPDATE, activated("ActivationSuccess"), GOOD),
    "does not run": (UPDATE, activated("ActivationFailure"), BAD),
    "runs elsewhere": (UPDATE, activated("ActivationSuccess", 1), None),
    "mismatch": (
        READ,
        alert(v.FirmwareVersionMismatch(DEVICE, DeviceType.PPMID, "1", "2")),
        None,
    ),
    "other element": (
        READ,
        msgspec.structs.replace(answer("I0"), body=v.OtherElement("SMETS1ResponseMessage")),
        None,
    ),
    "malformed alert": (
        DISTRIBUTE,
        v.Response(
            response_code="I0",
            response_date_time_ms=NOW_MS,
            body=v.DeviceAlertMessage(0x8F72, b"\xdf"),
        ),
        None,
    ),
}


@pytest.mark.parametrize(("request_", "push", "expected"), TELL.values(), ids=TELL)
def test_what_a_push_tells(request_, push, expected):
    told = told_of(request_, push, UNTIL_MS)
    if expected is None:
        assert told is None
    else:
        assert told == Told(frozenset({DEVICE}), *expected)


def test_what_tells_of_several_devices():
    both = frozenset({DEVICE, OTHER})
    assert told_of(UPDATE, quarantined(UPDATE_ID), UNTIL_MS) == Told(both, *BAD)
    assert told_of(UPDATE, failed_for(UPDATE_ID), UNTIL_MS) == Told(frozenset({OTHER}), *BAD)
    assert told_of(UPDATE, failed_for(ASKED), UNTIL_MS) is None


def test_a_receipt_of_a_device_that_is_not_listed_is_about_something_else():
    push = says.response_of(says.gsme_receipt(says.VERIFIED), originator=OTHER + 1)
    assert told_of(DISTRIBUTE, push, UNTIL_MS) is None


def test_the_devices_of_a_request():
    assert devices_of(UPDATE) == devices_of(DISTRIBUTE) == {DEVICE, OTHER}
    assert devices_of(READ) == devices_of(ACTIVATE) == {DEVICE}


@pytest.mark.parametrize("signed", [False, True])
def test_the_time_of_an_activation(signed):
    assert execution_ms(at(NOW_MS, signed=signed)) == NOW_MS
    assert execution_ms(at(None, signed=signed)) is None


def test_times_of_other_requests():
    assert execution_ms(read_firmware_version(ASKED, NOW_MS)) == NOW_MS
    assert execution_ms(READ) is None
    assert execution_ms(UPDATE) is None
    assert execution_ms(signed_pre_command(ACTIVATE, b"\xdf")) is None
