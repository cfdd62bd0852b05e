"""Capture files: octets by hand. That tshark reads them is in test_zcl_oracles."""

import pytest

from hanota.errors import LocalError
from hanota.wire.pcap import pcap_header, pcap_record


def test_the_header_names_the_link_type_195():
    assert pcap_header() == bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 7f000000 c3000000")


def test_a_record_has_the_instant_in_seconds_and_microseconds():
    assert pcap_record(1_790_000_000_045, b"\x01\x02\x03") == bytes.fromhex(
        "803bb16a c8af0000 03000000 03000000 010203"
    )


@pytest.mark.parametrize(
    ("instant_ms", "frame"), [(0, bytes(128)), (-1, b"x"), ((1 << 32) * 1000, b"x")]
)
def test_what_a_capture_cannot_hold_is_a_local_error(instant_ms, frame):
    with pytest.raises(LocalError):
        pcap_record(instant_ms, frame)


def test_the_last_instant_and_the_longest_frame_fit():
    assert len(pcap_record(((1 << 32) - 1) * 1000 + 999, bytes(127))) == 16 + 127
