"""Envelopes between DCC and hub: golden octets, any octets, every truncation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import RemoteError
from hanota.model import RequestID
from hanota.wire import wan

REQUEST = RequestID(0x90B3D51F30010000, 0x90B3D51F30000002, 1000)
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
]


@pytest.mark.parametrize(("message", "octets"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_both_ways(message, octets):
    encoded = wan.encode(message)
    if octets is not None:
        assert encoded.hex() == octets
    assert wan.decode(encoded) == message


@pytest.mark.parametrize("message", [message for message, _ in GOLDEN])
def test_every_truncation_and_one_octet_too_many_are_refused(message):
    octets = wan.encode(message)
    for length in range(len(octets)):
        with pytest.raises(RemoteError):
            wan.decode(octets[:length])
    with pytest.raises(RemoteError):
        wan.decode(octets + b"\x00")


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
        wan.FromDevice(bytes(70_000)),
        wan.FromDevice(bytes(140_000)),
    ],
)
def test_out_of_bounds_is_refused(message):
    with pytest.raises(RemoteError):
        wan.decode(wan.encode(message))
