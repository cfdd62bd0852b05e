"""The OTA cluster's frames: golden octets, every fault of length and bit, any octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.zcl_golden import FRAMES, GOLDEN, IDS, MESSAGES
from tests.wire.zcl_messages import messages

from hanota.errors import LocalError, RemoteError
from hanota.wire import ota, zcl
from hanota.wire.codes import ZclStatus
from hanota.wire.ota_codec import decode, encode
from hanota.wire.zcl import DefaultResponse, Direction, default_response_to


@pytest.mark.parametrize(("message", "frame"), GOLDEN, ids=IDS)
def test_golden_both_ways(message, frame):
    assert encode(message).hex() == frame.hex()
    assert decode(frame) == message


def test_golden_has_every_command_and_option():
    assert {type(message) for message in MESSAGES} == {*ota.Command.__args__, DefaultResponse}
    assert {frame[2] for frame in FRAMES} == {*range(10), 0x0B}


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_every_truncation_is_refused(frame):
    for length in range(len(frame)):
        match decode_or_fault(frame[:length]):
            case RemoteError(code=code):
                assert code is ZclStatus.MALFORMED_COMMAND
            case message:
                # WAIT_FOR_DATA without its last two octets is what older servers send.
                assert isinstance(message, ota.ImageBlockWait)
                assert (len(frame), length) == (14, 12)


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_octets_left_over_are_refused(frame):
    for extra in (b"\x00", b"\xff", bytes(200)):
        with pytest.raises(RemoteError) as refused:
            decode(frame + extra)
        assert refused.value.code is ZclStatus.MALFORMED_COMMAND


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_every_flipped_bit_gives_another_message_or_a_fault(frame):
    for bit in range(len(frame) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        match decode_or_fault(bytes(flipped)):
            case RemoteError():
                pass
            case message:
                assert message != decode(frame)
                assert encode(message) == flipped


@given(messages())
def test_any_message_comes_back(message):
    assert decode(encode(message)) == message


@given(st.binary(max_size=300))
def test_any_octets_give_a_message_or_a_fault(octets):
    roundtrip_or_fault(octets)


@given(
    st.sampled_from(sorted({frame[0] for frame in FRAMES})),
    st.integers(0, 0x0B),
    st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x04, 0x97, 0x98]),
    st.binary(max_size=40),
)
def test_any_payload_under_a_known_header_gives_a_message_or_a_fault(
    control, command_id, first, payload
):
    roundtrip_or_fault(bytes((control, 0x2A, command_id, first)) + payload)


def decode_or_fault(frame):
    try:
        return decode(frame)
    except RemoteError as fault:
        return fault


def roundtrip_or_fault(octets):
    match decode_or_fault(octets):
        case RemoteError(code=code):
            assert isinstance(code, ZclStatus)
        case message:
            assert encode(message) == octets


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", ZclStatus.MALFORMED_COMMAND),
        ("010700", ZclStatus.MALFORMED_COMMAND),
        ("01070a00", ZclStatus.UNSUP_CLUSTER_COMMAND),  # no such command
        ("0907030000", ZclStatus.UNSUP_CLUSTER_COMMAND),  # a request from the server
        ("1907060000", ZclStatus.UNSUP_CLUSTER_COMMAND),
        ("0107050000", ZclStatus.UNSUP_CLUSTER_COMMAND),  # a response from the client
        ("051d1207030000", ZclStatus.UNSUP_CLUSTER_COMMAND),  # manufacturer-specific
        ("2107030000", ZclStatus.UNSUP_CLUSTER_COMMAND),  # reserved bit of the frame control
        ("0007000000", ZclStatus.UNSUP_CLUSTER_COMMAND),  # global Read Attributes
        ("1901000464", ZclStatus.INVALID_FIELD),  # payload type 4
        ("010501021d128400dcacdcac", ZclStatus.INVALID_FIELD),  # reserved bits of field controls
        ("010703041d128400ddacdcac4523010030", ZclStatus.INVALID_FIELD),
        ("010b04021d128400ddacdcac6000000030e001fa00", ZclStatus.INVALID_FIELD),
        ("190705001d128400ddacdcac4523010006686f74", ZclStatus.MALFORMED_COMMAND),  # size 6, data 3
        ("190502001d128400", ZclStatus.MALFORMED_COMMAND),  # SUCCESS without an image
        ("190502981d128400ddacdcac27010000", ZclStatus.MALFORMED_COMMAND),  # refused with one
    ],
)
def test_the_fault_says_what_is_wrong(frame, code):
    with pytest.raises(RemoteError) as refused:
        decode(bytes.fromhex(frame))
    assert refused.value.code is code


@pytest.mark.parametrize(
    "message",
    [
        ota.ImageNotify(1, 100, image_type=1),
        ota.ImageNotify(1, 100, 1, new_file_version=1),
        ota.ImageNotify(256, 100),
        ota.UpgradeEndRequest(1, ZclStatus.SUCCESS, 0x10000, 0, 0),
        ota.UpgradeEndResponse(1, 0, 0, 0, None, 0),
        ota.QueryNextImageRefused(1, 256),
        ota.ImageBlockRequest(1, 0, 0, 0, -1, 48),
        ota.ImageBlockRequest(1, 0, 0, 0, 0, 48, request_node=1 << 64),
        ota.ImageBlockRequest(1, 0, 0, 0, 0, 48, minimum_block_period_ms=1 << 16),
        ota.ImageBlockResponse(1, 0, 0, 0, 0, bytes(256)),
        DefaultResponse(1, 0, 0x100, Direction.TO_SERVER),
    ],
)
def test_what_has_no_frame_is_a_local_error(message):
    with pytest.raises(LocalError):
        encode(message)


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (ota.QueryNextImageRefused, ZclStatus.SUCCESS),
        (ota.QueryDeviceSpecificFileRefused, ZclStatus.SUCCESS),
        (ota.ImageBlockRefused, ZclStatus.SUCCESS),
        (ota.ImageBlockRefused, ZclStatus.WAIT_FOR_DATA),
    ],
)
def test_a_refusal_cannot_carry_a_status_that_has_a_message_of_its_own(refusal, status):
    with pytest.raises(LocalError, match=status.name):
        refusal(1, status)


@pytest.mark.parametrize(
    ("frame", "status", "answer"),
    [
        ("010c0400", 0x81, DefaultResponse(0x0C, 0x04, 0x81, Direction.TO_CLIENT)),
        ("190d07", 0x7E, DefaultResponse(0x0D, 0x07, 0x7E, Direction.TO_SERVER)),
        ("090d07", 0x00, DefaultResponse(0x0D, 0x07, 0x00, Direction.TO_SERVER)),
        ("000500", 0x81, DefaultResponse(0x05, 0x00, 0x81, Direction.TO_CLIENT)),
        ("190d07", 0x00, None),  # SUCCESS, and the frame asks for none
        ("180e0b0600", 0x80, None),  # a Default Response is never answered
        ("000e0b", 0x80, None),
        ("051d120c04", 0x81, None),  # manufacturer-specific
        ("020c04", 0x81, None),  # reserved frame type
        ("010c", 0x80, None),
        ("", 0x80, None),
    ],
)
def test_the_default_response_that_is_due(frame, status, answer):
    assert default_response_to(bytes.fromhex(frame), ZclStatus(status)) == answer


def test_the_answer_goes_the_other_way():
    assert Direction.TO_SERVER.opposite is Direction.TO_CLIENT
    assert Direction.TO_CLIENT.opposite is Direction.TO_SERVER
    assert zcl.frame_controls(Direction.TO_SERVER) == (0x01, 0x11)
    assert zcl.frame_controls(Direction.TO_CLIENT) == (0x09, 0x19)
