"""The keys of one home's ZigBee network, derived from a seed, and how Wireshark wants them.

Where they come from in a real home (install codes, key establishment, a key transport by the hub)
is not played: the keys are there from the start and stay.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hanota.limits import RADIO_KEY_OCTETS
from hanota.model import eui_text
from hanota.sim.town import Home


class RadioKeys:
    """The network key of a home and the link key of each device with its hub, 16 octets each."""

    def __init__(self, home: Home, seed: int) -> None:
        self._hub_id = home.hub_id
        self._seed = str(seed).encode()
        self.network_key = self._derive(b"network key", self._hub_id)
        devices = sorted({device.device_id for device in home.devices} - {home.hub_id})
        self._link_keys = {eui: self._derive(b"link key", eui) for eui in devices}

    def link_key(self, source: int, target: int) -> bytes:
        """The key of a hub and a device, whichever of them is the source."""
        return self._link_keys[source if target == self._hub_id else target]

    def wireshark_lines(self) -> Iterator[str]:
        """Every key as a line of Wireshark's file `zigbee_pc_keys`.

        The same text is what `tshark -o 'uat:zigbee_pc_keys:LINE'` takes, once for each line.
        """
        yield _line(self.network_key, f"network of {eui_text(self._hub_id)}")
        for eui, link_key in self._link_keys.items():
            yield _line(link_key, f"link with {eui_text(eui)}")

    def _derive(self, purpose: bytes, eui: int) -> bytes:
        info = purpose + eui.to_bytes(8, "big")
        return HKDF(SHA256(), RADIO_KEY_OCTETS, salt=b"hanota", info=info).derive(self._seed)


def _line(key: bytes, label: str) -> str:
    return f'"{key.hex().upper()}","Normal","{label}"'
