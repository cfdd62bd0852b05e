"""What a radio sniffer in one home would have written: whole 802.15.4 frames in a pcap.

The frames carry the home's real ZCL octets under MAC, NWK and APS headers, with keys also under NWK
and APS security. Addresses and numbers are like those that a sniffer sees in a small network: the
hub, which is the coordinator, has the short address 0, its devices 1, 2, ... in order of their ids,
and every node counts its own frames.
"""

from collections import Counter
from collections.abc import Callable

from hanota.sim.radio_keys import RadioKeys
from hanota.sim.town import Home
from hanota.wire.pcap import pcap_header, pcap_record
from hanota.wire.radio import RadioFrame, encode_radio_frame
from hanota.wire.radio_security import SecuredFrame, encode_secured_frame

PAN_ID = 0x1DCC


class Capture:
    """Writes the frames of one home through `write`; `tap` takes those of every home.

    With the keys of the home its frames are secured: who reads them needs
    `RadioKeys.wireshark_lines`. Without keys they are plain.
    """

    def __init__(
        self, home: Home, write: Callable[[bytes], object], keys: RadioKeys | None = None
    ) -> None:
        self._write = write
        self._keys = keys
        devices = sorted({device.device_id for device in home.devices} - {home.hub_id})
        self._addresses = {eui: address for address, eui in enumerate((home.hub_id, *devices))}
        self._sent: Counter[int] = Counter()
        self._sent_to: Counter[tuple[int, int]] = Counter()
        write(pcap_header())

    def tap(self, now_ms: int, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        """Write a frame if it is one of this home."""
        if source not in self._addresses or target not in self._addresses:
            return
        number = self._sent[source] & 0xFF
        radio_frame = RadioFrame(
            pan_id=PAN_ID,
            source=self._addresses[source],
            destination=self._addresses[target],
            mac_sequence=number,
            nwk_sequence=number,
            aps_counter=number,
            cluster_id=cluster_id,
            payload=frame,
        )
        self._write(pcap_record(now_ms, self._encode(radio_frame, source, target)))
        self._sent[source] += 1
        self._sent_to[source, target] += 1

    def _encode(self, radio_frame: RadioFrame, source: int, target: int) -> bytes:
        if self._keys is None:
            return encode_radio_frame(radio_frame)
        secured = SecuredFrame(
            radio_frame, source, self._sent[source], self._sent_to[source, target]
        )
        link_key = self._keys.link_key(source, target)
        return encode_secured_frame(secured, self._keys.network_key, link_key)
