"""Which devices a hub is serving at this moment, and how fast each is told to ask."""

import msgspec

from hanota.han.image_store import StoredImage
from hanota.limits import HUB_TRANSFER_IDLE_S


class Transfer(msgspec.Struct, gc=False):
    """One transfer under way; changes with every block, so it is no frozen value."""

    image: StoredImage
    until_ms: int  # it counts as under way until then
    told_period: bool = False  # since the device last asked at another pace


class Transfers:
    """At most `transfers_max` under way; they go with the power, which costs no device anything."""

    def __init__(self, transfers_max: int) -> None:
        self._transfers_max = transfers_max
        self._transfers: dict[int, Transfer] = {}

    def get(self, device_id: int) -> Transfer | None:
        """The transfer to this device."""
        return self._transfers.get(device_id)

    def under_way(self, device_id: int, now_ms: int) -> bool:
        """Whether the device has asked for a block lately."""
        transfer = self._transfers.get(device_id)
        return transfer is not None and transfer.until_ms > now_ms

    def begin(self, device_id: int, image: StoredImage, now_ms: int) -> Transfer | None:
        """Begin one, None when too many others are under way."""
        self._transfers = {
            key: value for key, value in self._transfers.items() if value.until_ms > now_ms
        }
        if len(self._transfers) >= self._transfers_max:
            return None
        transfer = Transfer(image, now_ms + IDLE_MS)
        self._transfers[device_id] = transfer
        return transfer

    def end(self, device_id: int) -> None:
        """The device needs no further block."""
        self._transfers.pop(device_id, None)


IDLE_MS = HUB_TRANSFER_IDLE_S * 1000
