"""Whole IEEE 802.15.4 frames: a ZCL frame on its way between two neighbours of a HAN.

    MAC header (9) | NWK header (8) | APS header (8) | ZCL frame | frame check sequence (2)

One hop, unicast, 16-bit addresses, acknowledged by the MAC, no security: 27 octets around a ZCL
frame, of 127 in all. With NWK and APS security they are 62 at most, which is what the sizes of
blocks and chunks leave room for, so that secured frames can come in here without changing any.
The layouts are those of IEEE 802.15.4-2006 7.2 and the ZigBee specification (05-3474), 2.2.5 and
3.3.1; tshark reads them.

Not here: broadcast, source routes, beacons, acknowledgements; when a frame is sent (`sim`).
"""

import struct
from binascii import crc_hqx

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
    octets = _OVERHEAD_OCTETS + len(frame.payload)
    if octets > RADIO_FRAME_OCTETS_MAX:
        raise LocalError(
            f"a radio frame of {octets} octets exceeds {RADIO_FRAME_OCTETS_MAX}: send at most "
            f"{RADIO_FRAME_OCTETS_MAX - _OVERHEAD_OCTETS} octets of ZCL"
        )
    if frame.source not in UNICAST_ADDRESSES or frame.destination not in UNICAST_ADDRESSES:
        raise LocalError(
            f"{frame.source:04X} to {frame.destination:04X}: both must be addresses of devices"
        )
    try:
        checked = _pack_headers(frame) + frame.payload
    except struct.error as error:
        raise LocalError(f"a radio frame has a field out of range: {error}") from error
    return checked + frame_check_sequence(checked)


def decode_radio_frame(octets: bytes) -> RadioFrame:
    """Read one frame as `encode_radio_frame` writes it; the ZCL frame inside is not looked at.

    Raises:
        RemoteError: with the RadioFault, for any other frame. A receiver drops it in silence.
    """
    if not _OVERHEAD_OCTETS <= len(octets) <= RADIO_FRAME_OCTETS_MAX:
        raise RemoteError(RadioFault.LENGTH, f"no data frame of ours has {len(octets)} octets")
    checked, stated = octets[:-_CHECK_OCTETS], octets[-_CHECK_OCTETS:]
    if frame_check_sequence(checked) != stated:
        raise RemoteError(
            RadioFault.CHECK_SEQUENCE, "the frame check sequence is not that of the frame"
        )
    return _read_headers(checked)


def frame_check_sequence(octets: bytes) -> bytes:
    """The two octets of the FCS (802.15.4 7.2.1.9): ITU-T CRC-16, also called KERMIT.

    The standard library has this CRC with the bits of every octet in the other order.
    """
    return crc_hqx(octets.translate(_REVERSED), 0).to_bytes(2, "big").translate(_REVERSED)


_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))

_MAC = struct.Struct("<HBHHH")  # frame control, sequence, PAN, destination, source
_NWK = struct.Struct("<HHHBB")  # frame control, destination, source, radius, sequence
_APS = struct.Struct("<BBHHBB")  # frame control, endpoint, cluster, profile, endpoint, counter
_CHECK_OCTETS = 2
_OVERHEAD_OCTETS = _MAC.size + _NWK.size + _APS.size + _CHECK_OCTETS

# Data, acknowledgement wanted, one PAN, both addresses short.
_MAC_CONTROL = 0x8861
# Data, protocol version 2, no route discovery.
_NWK_CONTROL = 0x0008
# Data, unicast, no APS acknowledgement.
_APS_CONTROL = 0x00


def _pack_headers(frame: RadioFrame) -> bytes:
    return (
        _MAC.pack(_MAC_CONTROL, frame.mac_sequence, frame.pan_id, frame.destination, frame.source)
        + _NWK.pack(_NWK_CONTROL, frame.destination, frame.source, frame.radius, frame.nwk_sequence)
        + _APS.pack(
            _APS_CONTROL,
            frame.destination_endpoint,
            frame.cluster_id,
            PROFILE_SMART_ENERGY,
            frame.source_endpoint,
            frame.aps_counter,
        )
    )


def _read_headers(octets: bytes) -> RadioFrame:
    mac_control, mac_sequence, pan_id, *hop = _MAC.unpack_from(octets)
    nwk_control, destination, source, radius, nwk_sequence = _NWK.unpack_from(octets, _MAC.size)
    aps_control, destination_endpoint, cluster_id, profile, source_endpoint, aps_counter = (
        _APS.unpack_from(octets, _MAC.size + _NWK.size)
    )
    kinds = (mac_control, nwk_control, aps_control, profile)
    if kinds != (_MAC_CONTROL, _NWK_CONTROL, _APS_CONTROL, PROFILE_SMART_ENERGY):
        raise RemoteError(
            RadioFault.UNSUPPORTED,
            "not an unsecured unicast data frame of the Smart Energy profile",
        )
    both_devices = source in UNICAST_ADDRESSES and destination in UNICAST_ADDRESSES
    if hop != [destination, source] or not both_devices:
        raise RemoteError(
            RadioFault.ADDRESS, f"{source:04X} to {destination:04X} is not one hop of two devices"
        )
    return RadioFrame(
        pan_id,
        source,
        destination,
        mac_sequence,
        nwk_sequence,
        aps_counter,
        cluster_id,
        octets[_MAC.size + _NWK.size + _APS.size :],
        source_endpoint,
        destination_endpoint,
        radius,
    )
