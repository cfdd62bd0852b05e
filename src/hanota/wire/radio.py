"""Whole IEEE 802.15.4 frames: a ZCL frame on its way between two neighbours of a HAN.

    MAC header (9) | NWK header (8) | APS header (8) | ZCL frame | frame check sequence (2)

One hop, unicast, 16-bit addresses, acknowledged by the MAC, no security: 27 octets around a ZCL
frame, of 127 in all. With security (`radio_security`) they are 62, which is what the sizes of
blocks and chunks leave room for. The layouts are those of IEEE 802.15.4-2006 7.2 and the ZigBee
specification (05-3474), 2.2.5 and 3.3.1; tshark reads them.

Not here: broadcast, source routes, beacons, acknowledgements; when a frame is sent (`sim`).
"""

import struct
from binascii import crc_hqx
from typing import NamedTuple

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import RADIO_FRAME_OCTETS_MAX
from hanota.wire.codes import RadioFault

PROFILE_SMART_ENERGY = 0x0109

# Short addresses from here on are broadcast or reserved (ZigBee 3.6.5); the hub is coordinator.
UNICAST_ADDRESSES = range(0xFFF8)
COORDINATOR_ADDRESS = 0x0000


class RadioFrame(msgspec.Struct, frozen=True, gc=False):
    """One ZCL frame with all that the layers below it say."""

    pan_id: int
    source: int  # short address
    destination: int  # short address
    mac_sequence: int
    nwk_sequence: int
    aps_counter: int
    cluster_id: int
    payload: bytes  # the ZCL frame
    source_endpoint: int = 1
    destination_endpoint: int = 1
    radius: int = 30  # hops that the network layer still allows


def encode_radio_frame(frame: RadioFrame) -> bytes:
    """The octets on air, check sequence included.

    Raises:
        LocalError: the frame would exceed 127 octets, an address is not a device's, or a field
            is out of range.
    """
    headers = pack_headers(frame, secured=False)
    return close_frame(b"".join((headers.mac, headers.nwk, headers.aps, frame.payload)))


def decode_radio_frame(octets: bytes) -> RadioFrame:
    """Read one frame as `encode_radio_frame` writes it; the ZCL frame inside is not looked at.

    Raises:
        RemoteError: with the RadioFault, for any other frame. A receiver drops it in silence.
    """
    checked = open_frame(octets)
    hop = read_hop(checked, secured=False)
    return read_frame(hop, checked[HOP_OCTETS:], secured=False)


# --- The parts of a frame, which secured ones have too ---


class Headers(NamedTuple):
    """The headers of the three layers, outermost first."""

    mac: bytes
    nwk: bytes
    aps: bytes


class Hop(NamedTuple):
    """What the MAC and NWK headers of a frame say."""

    pan_id: int
    source: int
    destination: int
    mac_sequence: int
    nwk_sequence: int
    radius: int


def pack_headers(frame: RadioFrame, *, secured: bool) -> Headers:
    """The headers of a frame; LocalError where an address or another field is none."""
    if frame.source not in UNICAST_ADDRESSES or frame.destination not in UNICAST_ADDRESSES:
        raise LocalError(
            f"{frame.source:04X} to {frame.destination:04X}: both must be addresses of devices"
        )
    try:
        return _pack_headers(frame, *_CONTROLS[secured])
    except struct.error as error:
        raise LocalError(f"a radio frame has a field out of range: {error}") from error


def close_frame(octets: bytes) -> bytes:
    """A frame with its check sequence; LocalError where it would exceed 127 octets."""
    length = len(octets) + _CHECK_OCTETS
    if length > RADIO_FRAME_OCTETS_MAX:
        raise LocalError(
            f"a radio frame of {length} octets exceeds {RADIO_FRAME_OCTETS_MAX}: send "
            f"{length - RADIO_FRAME_OCTETS_MAX} octets of ZCL less"
        )
    return octets + frame_check_sequence(octets)


def open_frame(octets: bytes) -> bytes:
    """A frame without its check sequence; RemoteError unless length and check sequence fit."""
    if not _OVERHEAD_OCTETS <= len(octets) <= RADIO_FRAME_OCTETS_MAX:
        raise RemoteError(RadioFault.LENGTH, f"no data frame of ours has {len(octets)} octets")
    checked, stated = octets[:-_CHECK_OCTETS], octets[-_CHECK_OCTETS:]
    if frame_check_sequence(checked) != stated:
        raise RemoteError(
            RadioFault.CHECK_SEQUENCE, "the frame check sequence is not that of the frame"
        )
    return checked


def read_hop(octets: bytes, *, secured: bool) -> Hop:
    """The MAC and NWK headers at the start of a frame; RemoteError where they are not ours."""
    mac_control, mac_sequence, pan_id, *addresses = _MAC.unpack_from(octets)
    nwk_control, destination, source, radius, nwk_sequence = _NWK.unpack_from(octets, _MAC.size)
    if (mac_control, nwk_control) != (_MAC_CONTROL, _CONTROLS[secured][0]):
        raise _unsupported(secured=secured)
    both_devices = source in UNICAST_ADDRESSES and destination in UNICAST_ADDRESSES
    if addresses != [destination, source] or not both_devices:
        raise RemoteError(
            RadioFault.ADDRESS, f"{source:04X} to {destination:04X} is not one hop of two devices"
        )
    return Hop(pan_id, source, destination, mac_sequence, nwk_sequence, radius)


def read_frame(hop: Hop, octets: bytes, *, secured: bool) -> RadioFrame:
    """The frame of an APS header and the ZCL frame that follows it; RemoteError as `read_hop`."""
    aps_control, destination_endpoint, cluster_id, profile, source_endpoint, aps_counter = (
        _APS.unpack_from(octets)
    )
    if (aps_control, profile) != (_CONTROLS[secured][1], PROFILE_SMART_ENERGY):
        raise _unsupported(secured=secured)
    return RadioFrame(
        hop.pan_id,
        hop.source,
        hop.destination,
        hop.mac_sequence,
        hop.nwk_sequence,
        aps_counter,
        cluster_id,
        octets[_APS.size :],
        source_endpoint,
        destination_endpoint,
        hop.radius,
    )


def frame_check_sequence(octets: bytes) -> bytes:
    """The two octets of the FCS (802.15.4 7.2.1.9): ITU-T CRC-16, also called KERMIT.

    The standard library has this CRC with the bits of every octet in the other order.
    """
    return crc_hqx(octets.translate(_REVERSED), 0).to_bytes(2, "big").translate(_REVERSED)


_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))

_MAC = struct.Struct("<HBHHH")  # frame control, sequence, PAN, destination, source
_NWK = struct.Struct("<HHHBB")  # frame control, destination, source, radius, sequence
_APS = struct.Struct("<BBHHBB")  # frame control, endpoint, cluster, profile, endpoint, counter
MAC_HEADER_OCTETS, HOP_OCTETS, APS_HEADER_OCTETS = _MAC.size, _MAC.size + _NWK.size, _APS.size
_CHECK_OCTETS = 2
_OVERHEAD_OCTETS = HOP_OCTETS + APS_HEADER_OCTETS + _CHECK_OCTETS

# Data, acknowledgement wanted, one PAN, both addresses short.
_MAC_CONTROL = 0x8861
# By whether they are secured, the frame controls of NWK (data, protocol version 2, no route
# discovery) and of APS (data, unicast, no APS acknowledgement).
_CONTROLS = {False: (0x0008, 0x00), True: (0x0208, 0x20)}


def _pack_headers(frame: RadioFrame, nwk_control: int, aps_control: int) -> Headers:
    return Headers(
        _MAC.pack(_MAC_CONTROL, frame.mac_sequence, frame.pan_id, frame.destination, frame.source),
        _NWK.pack(nwk_control, frame.destination, frame.source, frame.radius, frame.nwk_sequence),
        _APS.pack(
            aps_control,
            frame.destination_endpoint,
            frame.cluster_id,
            PROFILE_SMART_ENERGY,
            frame.source_endpoint,
            frame.aps_counter,
        ),
    )


def _unsupported(*, secured: bool) -> RemoteError:
    how = "a secured" if secured else "an unsecured"
    return RemoteError(
        RadioFault.UNSUPPORTED, f"not {how} unicast data frame of the Smart Energy profile"
    )
