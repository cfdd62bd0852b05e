"""What a radio sniffer in one home would have written: whole 802.15.4 frames in a pcap.

The frames carry the home's real ZCL octets under MAC, NWK and APS headers, unsecured for now.
Short addresses and sequence numbers are those that a sniffer would see in a small network: the
hub, which is the coordinator, has address 0, its devices 1, 2, ... in order of their ids.
"""

from collections.abc import Callable
from itertools import count

from hanota.sim.town import Home
from hanota.wire.pcap import pcap_header, pcap_record
from hanota.wire.radio import RadioFrame, encode_radio_frame

PAN_ID = 0x1DCC


class Capture:
    """Writes the frames of one home through `write`; `tap` takes those of every home."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._addresses: dict[int, int] = {}
        self._numbers = count()
        write(pcap_header())

    def watch(self, home: Home) -> None:
        """Write the frames of this home from now on."""
        devices = sorted({device.device_id for device in home.devices} - {home.hub_id})
        self._addresses = {eui: address for address, eui in enumerate((home.hub_id, *devices))}

    def tap(self, now_ms: int, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        """Write a frame if it is of the home that is watched."""
        if source not in self._addresses or target not in self._addresses:
            return
        number = next(self._numbers) & 0xFF
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
