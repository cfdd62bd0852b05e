"""The flash of a node: two image slots and small records, with the manners of the hardware.

What hardware refuses is refused here: writing over what is written, leaving a gap, writing past
the end. A party sees a FlashView and cannot write; the shell writes as effects say.
"""

from collections.abc import Mapping
from typing import Protocol

from hanota.errors import LocalError
from hanota.limits import DEVICE_SLOT_OCTETS

SLOTS = 2


class FlashView(Protocol):
    """What a party may do with its flash: read it."""

    @property
    def records(self) -> Mapping[str, bytes]:
        """The small values, by key."""

    @property
    def slot_octets(self) -> int:
        """The size of each slot."""

    def written(self, slot: int) -> int:
        """Octets written since the slot was erased."""

    def content(self, slot: int) -> bytes:
        """All that is written in the slot."""


class Flash:
    """Image slots of `slot_octets` each, and records; `slots` and `records` are the content."""

    def __init__(
        self,
        *,
        slots: tuple[bytes, bytes] = (b"", b""),
        records: Mapping[str, bytes] | None = None,
        slot_octets: int = DEVICE_SLOT_OCTETS,
    ) -> None:
        if max(map(len, slots)) > slot_octets:
            raise LocalError(f"a slot has {slot_octets} octets: no image may be larger")
        self.records: dict[str, bytes] = dict(records or {})
        self.slot_octets = slot_octets
        self._slots: list[bytes | bytearray] = list(slots)

    def written(self, slot: int) -> int:
        """Octets written since the slot was erased."""
        return len(self._slots[slot])

    def content(self, slot: int) -> bytes:
        """All that is written in the slot."""
        return bytes(self._slots[slot])

    def erase(self, slot: int) -> None:
        """Empty a slot."""
        self._slots[slot] = b""

    def write(self, slot: int, offset: int, data: bytes) -> None:
        """Append `data`, whose place `offset` must be the end of what is written.

        LocalError for a place that is already written, for one beyond the end of what is written,
        and for data that the slot has no room for.
        """
        content = self._slots[slot]
        end = len(content)
        if offset != end:
            raise LocalError(
                f"slot {slot} is written up to {end}: erase it before writing at {offset}"
                if offset < end
                else f"slot {slot} is written up to {end}: nothing can be written at {offset} yet"
            )
        if end + len(data) > self.slot_octets:
            raise LocalError(f"slot {slot} has {self.slot_octets} octets, {end} of them written")
        if type(content) is bytearray:
            content += data
        elif end:
            self._slots[slot] = bytearray(content + data)
        else:
            # The first write is kept as it is: nodes that get a whole image at once share it.
            self._slots[slot] = data

    def record(self, values: Mapping[str, bytes | None]) -> None:
        """Keep these values, all at once; None removes a key, which need not be there."""
        for key, value in values.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
