"""What a radio sniffer in one home would have written: whole 802.15.4 frames in a pcap.

The frames carry the home's real ZCL octets under MAC, NWK and APS headers, unsecured for now.
Addresses and numbers are like those that a sniffer sees in a small network: the hub, which is the
coordinator, has the short address 0, its devices 1, 2, ... in order of their ids, and every node
counts its own frames.
"""

from collections.abc import Callable
from itertools import count

from hanota.sim.town import Home
from hanota.wire.pcap import pcap_header, pcap_record
from hanota.wire.radio import RadioFrame, encode_radio_frame

PAN_ID = 0x1DCC


class Capture:
    """Writes the frames of one home through `write`; `tap` takes those of every home."""

    def __init__(self, home: Home, write: Callable[[bytes], object]) -> None:
        self._write = write
        devices = sorted({device.device_id for device in home.devices} - {home.hub_id})
        self._addresses = {eui: address for address, eui in enumerate((home.hub_id, *devices))}
        self._sent = {eui: count() for eui in self._addresses}
        write(pcap_header())

    def tap(self, now_ms: int, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        """Write a frame if it is one of this home."""
        if source not in self._addresses or target not in self._addresses:
            return
        number = next(self._sent[source]) & 0xFF
        octets = encode_radio_frame(
            RadioFrame(
                pan_id=PAN_ID,
                source=self._addresses[source],
                destination=self._addresses[target],
                mac_sequence=number,
                nwk_sequence=number,
                aps_counter=number,
                cluster_id=cluster_id,
                payload=frame,
            )
        )
        self._write(pcap_record(now_ms, octets))
