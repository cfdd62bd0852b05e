"""Capture files that Wireshark opens: radio frames with the moment at which they were sent.

The classic format (magic A1B2C3D4, version 2.4, little-endian, microseconds), link type 195,
IEEE 802.15.4 with its frame check sequence. Not here: opening and writing the file.
"""

import struct

from hanota.errors import LocalError
from hanota.limits import RADIO_FRAME_OCTETS_MAX

LINK_TYPE_IEEE802_15_4_WITH_FCS = 195


def pcap_header() -> bytes:
    """The 24 octets at the start of a capture file."""
    return _HEADER.pack(
        0xA1B2C3D4, 2, 4, 0, 0, RADIO_FRAME_OCTETS_MAX, LINK_TYPE_IEEE802_15_4_WITH_FCS
    )


def pcap_record(instant_ms: int, frame: bytes) -> bytes:
    """One frame, sent at `instant_ms`, as the file has it: 16 octets and the frame itself.

    Raises:
        LocalError: the frame exceeds 127 octets, or the instant is outside 1970 to 2106.
    """
    if len(frame) > RADIO_FRAME_OCTETS_MAX:
        raise LocalError(f"a radio frame of {len(frame)} octets exceeds {RADIO_FRAME_OCTETS_MAX}")
    seconds, milliseconds = divmod(instant_ms, 1000)
    try:
        head = _RECORD.pack(seconds, milliseconds * 1000, len(frame), len(frame))
    except struct.error as error:
        raise LocalError(f"a capture cannot hold the instant {instant_ms} ms") from error
    return head + frame


# Magic, major and minor version, time zone, accuracy, longest record, link type.
_HEADER = struct.Struct("<IHHiIII")
# Seconds, microseconds, octets here, octets on air.
_RECORD = struct.Struct("<IIII")
