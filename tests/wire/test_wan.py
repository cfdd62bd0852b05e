"""Envelopes between DCC and hub: golden octets, any octets, every truncation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import RemoteError
from hanota.limits import LATEST_MS
from hanota.model import RequestID
from hanota.wire import wan

REQUEST = RequestID(0x90B3D51F30010000, 0x90B3D51F30000002, 1000)
OWN = RequestID(0x90B3D51F30000002, 0x90B3D51F30000002, 1000)
PPMID = 0x00DB1234567890A4

GOLDEN = [
    (
        wan.DeliverImage(REQUEST, bytes(range(32)), (PPMID,)),
        (
            "94ad64656c697665722d696d61676593cf90b3d51f30010000cf90b3d51f30000002cd03e8c420000102"
            "030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f91cf00db1234567890a4"
        ),
    ),
    (wan.FromDevice(b"\xdf\x09"), "92ab66726f6d2d646576696365c402df09"),
    (wan.ToDevice(b"\xdd"), "92a9746f2d646576696365c401dd"),
    (
        wan.ImageStored(REQUEST, (PPMID, PPMID + 1), wan.StoreResult.NO_SPACE),
        None,
    ),
    # The hub's own firmware.
    (
        wan.UpdateHub(OWN, bytes(range(32)), None),
        (
            "94aa7570646174652d68756293cf90b3d51f30000002cf90b3d51f30000002cd03e8c420000102030405"
            "060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fc0"
        ),
    ),
    (
        wan.UpdateHub(OWN, bytes(range(32)), 1_790_000_000_000),
        (
            "94aa7570646174652d68756293cf90b3d51f30000002cf90b3d51f30000002cd03e8c420000102030405"
            "060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fcf000001a0c4506c00"
        ),
    ),
    (
        wan.HubImageStored(OWN, wan.HubImageResult.STORED),
        (
            "93b06875622d696d6167652d73746f72656493cf90b3d51f30000002cf90b3d51f30000002cd03e8a673"
            "746f726564"
        ),
    ),
    (
        wan.HubRuns(OWN, 0x00020000),
        "93a86875622d72756e7393cf90b3d51f30000002cf90b3d51f30000002cd03e8ce00020000",
    ),
]
# Every word that a hub may answer with.
WORDS = [wan.HubImageStored(OWN, result) for result in wan.HubImageResult]


@pytest.mark.parametrize(("message", "octets"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_both_ways(message, octets):
    encoded = wan.encode(message)
    if octets is not None:
        assert encoded.hex() == octets
    assert wan.decode(encoded) == message


@pytest.mark.parametrize("message", [message for message, _ in GOLDEN])
def test_no_bit_flip_passes_for_the_same_message(message):
    octets = wan.encode(message)
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert wan.decode(bytes(flipped)) != message
        except RemoteError:
            continue


@pytest.mark.parametrize("message", [message for message, _ in GOLDEN])
def test_every_truncation_and_one_octet_too_many_are_refused(message):
    octets = wan.encode(message)
    for length in range(len(octets)):
        with pytest.raises(RemoteError):
            wan.decode(octets[:length])
    with pytest.raises(RemoteError):
        wan.decode(octets + b"\x00")


@pytest.mark.parametrize("message", WORDS, ids=lambda message: message.result)
def test_every_answer_of_a_hub_about_its_own_image(message):
    assert wan.decode(wan.encode(message)) == message


def test_an_answer_that_no_hub_gives_is_refused():
    said = wan.encode(wan.HubImageStored(OWN, wan.HubImageResult.STORED))
    with pytest.raises(RemoteError):
        wan.decode(said.replace(b"stored", b"stolen"))


@given(st.binary(max_size=300))
def test_any_octets_give_a_message_or_a_remote_error(octets):
    try:
        message = wan.decode(octets)
    except RemoteError:
        return
    assert wan.decode(wan.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        wan.DeliverImage(REQUEST, b"short", (PPMID,)),
        wan.DeliverImage(REQUEST, bytes(32), ()),
        wan.DeliverImage(REQUEST, bytes(32), tuple(range(17))),
        wan.ImageStored(RequestID(0, 0, -1), (PPMID,), wan.StoreResult.STORED),
        wan.UpdateHub(OWN, bytes(31), None),
        wan.UpdateHub(OWN, bytes(32), -1),
        wan.UpdateHub(OWN, bytes(32), LATEST_MS + 1),
        wan.UpdateHub(RequestID(-1, 0, 0), bytes(32), None),
        wan.HubImageStored(RequestID(0, -1, 0), wan.HubImageResult.STORED),
        wan.HubRuns(RequestID(0, 0, -1), 1),
        wan.HubRuns(OWN, -1),
        wan.HubRuns(OWN, 1 << 32),
        wan.FromDevice(bytes(70_000)),
        wan.FromDevice(bytes(140_000)),
    ],
)
def test_out_of_bounds_is_refused(message):
    with pytest.raises(RemoteError):
        wan.decode(wan.encode(message))
