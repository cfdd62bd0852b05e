"""The free image slot of a device: which image it is for, and how much of it is there.

A record names the image, the slot holds its octets. So a download goes on where it stopped, after
a pause or a power cut, if the same image is offered again.
"""

import msgspec

from hanota.errors import RemoteError
from hanota.han.effects import Effects, EraseSlot, Record, WriteSlot
from hanota.han.flash import FlashView
from hanota.han.outbox import Values
from hanota.han.verification import Make
from hanota.wire.image import decode_header

DOWNLOAD_KEY = "download"
# What the device has told of this download; it goes with it (`firmware_distribution`).
TOLD_KEY = "download-told"
FORGOTTEN: Values = {DOWNLOAD_KEY: None, TOLD_KEY: None}


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An image as a server offers it to a device of a known make."""

    file_version: int
    size_octets: int


class Download:
    """What is downloaded into `slot`; `offer` is None where nothing is."""

    def __init__(self, flash: FlashView, slot: int, make: Make) -> None:
        self._flash = flash
        self._slot = slot
        self._make = make
        octets = flash.records.get(DOWNLOAD_KEY)
        self.offer = None if octets is None else _decoder.decode(octets)
        self.offset = flash.written(slot)

    @property
    def wanted(self) -> Offer:
        """The offer, where there must be one."""
        assert self.offer is not None, "only states with an offer ask for it"
        return self.offer

    @property
    def complete(self) -> bool:
        """Whether every octet is there."""
        return self.offer is not None and self.offset == self.offer.size_octets

    def accept(self, offer: Offer) -> Effects:
        """Go on with this image if it is the one in the slot, else begin it."""
        if offer == self.offer and (self.complete or self._begins_image()):
            return ()
        self.offer = offer
        self.offset = 0
        # Erased first: a record that names an image never stands beside octets of another.
        begun = {**FORGOTTEN, DOWNLOAD_KEY: _encoder.encode(offer)}
        return (EraseSlot(self._slot), Record(begun))

    def append(self, data: bytes) -> WriteSlot:
        """Write the next octets."""
        write = WriteSlot(self._slot, self.offset, data)
        self.offset += len(data)
        return write

    def discard(self) -> Effects:
        """Give the image up, its octets too."""
        self.offer = None
        self.offset = 0
        return (EraseSlot(self._slot), Record(FORGOTTEN))

    def _begins_image(self) -> bool:
        """Whether the octets in the slot are the beginning of the image that the record names."""
        if self.offset == 0:
            return True
        try:
            header = decode_header(self._flash.content(self._slot))
        except RemoteError:
            return False
        return (
            header.manufacturer_code == self._make.manufacturer_code
            and header.image_type == self._make.image_type
            and Offer(header.file_version, header.total_size) == self.offer
            and self.offset < header.total_size
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Offer)
