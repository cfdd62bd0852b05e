"""11.3 CV 4: who gets a Pre-Command for what, and what it says, octet by octet."""

import pytest
from tests.dcc.a_command import DAY_MS, HASH, HCALCS, REQUEST_ID, activate
from tests.dcc.samples import DEVICE_ID, NOW_MS, OTHER_SUPPLIER, SUPPLIER, device
from tests.vectors import gbcs_vector

from hanota.dcc.transform import objection, pre_command
from hanota.limits import FUTURE_DATE_DAYS_MAX
from hanota.model import DeviceStatus, DeviceType, RequestID
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import CANCELLATION_MS, ActivateFirmware
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode, encode

LAST_MS = NOW_MS + FUTURE_DATE_DAYS_MAX * DAY_MS
TAKES_THE_COMMAND = {DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS}


@pytest.mark.parametrize("kind", DeviceType)
def test_only_meters_and_load_switches_take_an_activation(kind):
    refusal = objection(SUPPLIER, None, device(kind), NOW_MS)
    assert refusal is None if kind in TAKES_THE_COMMAND else refusal.code is ResponseCode.E4


@pytest.mark.parametrize("status", DeviceStatus)
def test_only_a_commissioned_device_activates(status):
    refusal = objection(SUPPLIER, None, device(DeviceType.ESME, status=status), NOW_MS)
    sound = status is DeviceStatus.COMMISSIONED
    assert refusal is None if sound else refusal.code is ResponseCode.E5


def test_an_unknown_device_and_one_of_another_supplier():
    assert objection(SUPPLIER, None, None, NOW_MS).code is ResponseCode.E19
    assert objection(OTHER_SUPPLIER, None, HCALCS, NOW_MS).code is ResponseCode.E5


@pytest.mark.parametrize(
    ("execution_ms", "code"),
    [
        (None, None),
        (CANCELLATION_MS, None),
        (NOW_MS, None),
        (LAST_MS, None),
        (NOW_MS - 1000, ResponseCode.E17),
        (NOW_MS + 500, ResponseCode.E17),
        (LAST_MS + 1000, ResponseCode.E17),
        (CANCELLATION_MS - 1000, ResponseCode.E17),
        (CANCELLATION_MS + 1000, ResponseCode.E17),
        (0, ResponseCode.E17),
    ],
)
def test_which_execution_times_are_taken(execution_ms, code):
    refusal = objection(SUPPLIER, execution_ms, HCALCS, NOW_MS)
    assert (refusal and refusal.code) is code


def test_the_octets_of_a_pre_command():
    # Written from the layout of the standard.
    header = "DF 09 01 00000000000003E8 08 90B3D51F30010000 08 00DB1234567890A4 00 02 0012"
    content = f"28 3026 0420 {HASH.hex()} 0202 03E8"
    octets = bytes.fromhex(f"{header} {content} 00")
    assert encode(pre_command(REQUEST_ID, activate())) == octets


def test_a_cancellation_says_so_in_the_words_of_gbcs():
    octets = encode(pre_command(REQUEST_ID, activate(CANCELLATION_MS)))
    assert octets.endswith(b"\x18\x0f99991231235959Z\x00")


@pytest.mark.parametrize("name", ["IMMEDIATE_SUCCESS", "FUTURE_DATED_SUCCESS"])
def test_the_published_pre_commands_are_made_again(name):
    octets = gbcs_vector(f"CS06_11.3_{name}_PRECOMMAND")
    message = decode(octets)
    said = cs06.decode_command(message.content)
    request_id = RequestID(message.originator, message.target, message.counter)
    made = pre_command(
        request_id,
        ActivateFirmware(
            execution_date_time_ms=said.execution_date_time_ms,
            firmware_hash=said.manufacturer_image_hash,
        ),
    )
    assert encode(made) == octets + b"\0"


def test_the_request_id_is_the_header():
    request_id = RequestID(SUPPLIER, DEVICE_ID, (1 << 64) - 1)
    message = pre_command(request_id, activate())
    assert (message.originator, message.target, message.counter) == (
        SUPPLIER,
        DEVICE_ID,
        (1 << 64) - 1,
    )
    assert cs06.decode_command(message.content).originator_counter == request_id.counter
