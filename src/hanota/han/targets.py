"""For which devices a hub has images, and how each of them ended: the hub's durable knowledge.

Nothing here is about transfers under way: a device may ask for any part of its image at any time,
also after the hub has lost power.
"""

from collections.abc import Mapping

import msgspec

from hanota.han.outbox import Values
from hanota.model import RequestID
from hanota.wire.gbcs.ccs08 import TransferResult

_PREFIX = "target/"


class Target(msgspec.Struct, frozen=True, array_like=True):
    """One device that an image is for."""

    device_id: int
    request_id: RequestID
    image_sha256: bytes
    file_version: int
    since_ms: int
    result: TransferResult | None = None  # None while the device waits for the image

    @property
    def waits(self) -> bool:
        """Whether the image is still to be handed over."""
        return self.result is None

    def is_for(self, request_id: RequestID, image_sha256: bytes) -> bool:
        """Whether this is what a delivery asks for: then it is a repetition."""
        return self.request_id == request_id and self.image_sha256 == image_sha256


class Targets:
    """The last target of each device; a newer delivery replaces it."""

    def __init__(self, records: Mapping[str, bytes]) -> None:
        found = (
            _decoder.decode(octets) for key, octets in records.items() if key.startswith(_PREFIX)
        )
        self._targets = {target.device_id: target for target in found}

    def get(self, device_id: int) -> Target | None:
        """The last image for this device, waited for or not."""
        return self._targets.get(device_id)

    def waiting(self) -> list[Target]:
        """Those whose image is still to be handed over."""
        return [target for target in self._targets.values() if target.waits]

    def put(self, target: Target) -> Values:
        """Replace what is known of the device; the values to record."""
        self._targets[target.device_id] = target
        return {f"{_PREFIX}{target.device_id:016X}": _encoder.encode(target)}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Target)
