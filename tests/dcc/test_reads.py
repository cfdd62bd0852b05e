"""11.2: which command reads which device, in the forms that were published."""

import msgspec
import pytest
from tests.dcc.a_command import DAY_MS
from tests.dcc.samples import ACB, DEVICE_ID, NOW_MS, SUPPLIER, device
from tests.vectors import gbcs_vector

from hanota.dcc.reads import BROKERED_TYPES, brokered, direct, objection
from hanota.limits import FUTURE_DATE_DAYS_MAX
from hanota.model import DeviceStatus, DeviceType, RequestID
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.values import ReadFirmwareVersion
from hanota.wire.gbcs import cs08, ecs52, gcs38
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.message import decode, encode
from hanota.wire.gbcs.use_cases import USE_CASES

READ = {
    DeviceType.PPMID: "CS08",
    DeviceType.HCALCS: "CS08",
    DeviceType.ESME: "ECS52",
    DeviceType.CHF: "ECS52",
    DeviceType.GSME: "GCS38",
}
REQUEST_ID = RequestID(SUPPLIER, DEVICE_ID, 0x1_0203_0405)


def code(refusal):
    return refusal and refusal.code


@pytest.mark.parametrize("kind", DeviceType)
def test_which_types_have_a_version_to_read(kind):
    refused = None if kind in READ else ResponseCode.E4
    assert code(objection(ReadFirmwareVersion(), device(kind), NOW_MS)) is refused


@pytest.mark.parametrize("status", DeviceStatus)
def test_no_status_keeps_a_device_from_being_read(status):
    row = device(DeviceType.PPMID, status=status, suppliers=())
    assert objection(ReadFirmwareVersion(), row, NOW_MS) is None


def test_an_unknown_device_cannot_be_read():
    assert code(objection(ReadFirmwareVersion(), None, NOW_MS)) is ResponseCode.E19


@pytest.mark.parametrize(
    ("execution_ms", "refused"),
    [
        (NOW_MS, None),
        (NOW_MS + 1, None),
        (NOW_MS + FUTURE_DATE_DAYS_MAX * DAY_MS, None),
        (NOW_MS - 1, ResponseCode.E17),
        (NOW_MS + FUTURE_DATE_DAYS_MAX * DAY_MS + 1, ResponseCode.E17),
    ],
)
def test_when_a_read_may_be_due(execution_ms, refused):
    body = ReadFirmwareVersion(execution_ms)
    assert code(objection(body, device(DeviceType.GSME), NOW_MS)) is refused


@pytest.mark.parametrize(("kind", "use_case"), list(READ.items()))
def test_each_type_in_both_forms(kind, use_case):
    own, of_the_acb = direct(REQUEST_ID, kind), brokered(REQUEST_ID, kind, ACB, 77)
    assert (own.originator, own.counter) == (SUPPLIER, REQUEST_ID.counter)
    assert (of_the_acb.originator, of_the_acb.counter) == (ACB, 77)
    assert of_the_acb.supplementary_party == SUPPLIER
    assert of_the_acb.supplementary_counter == REQUEST_ID.counter
    for message in (own, of_the_acb):
        assert message.target == DEVICE_ID
        assert USE_CASES[message.message_code].name == use_case
        match decode_content(decode(encode(message))):
            case ecs52.ReadFirmwareVersionCommand(invoke_id):
                assert invoke_id == message.counter & 0xFFFFFF
            case said:
                module = {"CS08": cs08, "GCS38": gcs38}[use_case]
                assert said == module.ReadFirmwareVersionCommand()


def published(name):
    """A published command without its MAC, and its header as a RequestID."""
    message = msgspec.structs.replace(decode(gbcs_vector(f"{name}_11.2_SUCCESS_COMMAND")), mac=None)
    return message, RequestID(message.originator, message.target, message.counter)


@pytest.mark.parametrize(("kind", "name"), [(DeviceType.ESME, "ECS52"), (DeviceType.GSME, "GCS38")])
def test_the_published_reads_of_meters_are_made_again(kind, name):
    message, request_id = published(name)
    assert direct(request_id, kind) == message
    assert kind not in BROKERED_TYPES


@pytest.mark.parametrize("kind", [DeviceType.PPMID, DeviceType.HCALCS])
def test_the_published_read_of_the_acb_is_made_again(kind):
    assert kind in BROKERED_TYPES
    message, _ = published("CS08")
    request_id = RequestID(
        message.supplementary_party, message.target, message.supplementary_counter
    )
    assert brokered(request_id, kind, message.originator, message.counter) == message
