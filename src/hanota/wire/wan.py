"""Envelopes between the DCC and a Communications Hub, over the communications provider's WAN.

How the real WAN carries images and GBCS messages is not public: these envelopes are an assumption
of this project. Each is a MessagePack array whose first element names the message. A link carries
them at least once and acknowledges what the receiver has recorded; receivers deduplicate by
content (a GBCS message by originator, target, CRA and counter; a delivery by request and device).

The image itself is not in `DeliverImage`: a link keeps it as a blob named by its SHA-256, because
thousands of hubs receive the same octets. The hub checks the digest of what it fetched.
"""

from enum import StrEnum

import msgspec

from hanota.errors import RemoteError
from hanota.limits import DEVICES_PER_HUB_MAX, GBCS_OCTETS_MAX, WAN_OCTETS_MAX
from hanota.model import RequestID
from hanota.wire.codes import WanFault


class StoreResult(StrEnum):
    """What a hub made of an image that was sent to it."""

    STORED = "stored"
    NO_SPACE = "no-space"  # every slot holds an image that a device still waits for
    DIGEST_MISMATCH = "digest-mismatch"  # the blob is not what the DCC named


class DeliverImage(msgspec.Struct, frozen=True, tag="deliver-image", array_like=True):
    """DCC to hub: keep this image and offer it to these devices (11.1, 11.4)."""

    request_id: RequestID
    image_sha256: bytes  # of the whole OTA file, 32 octets
    device_ids: tuple[int, ...]


class ImageStored(msgspec.Struct, frozen=True, tag="image-stored", array_like=True):
    """Hub to DCC: the image is here, or why not; becomes CSPFirmwareDeliveryStatus N60 / N61."""

    request_id: RequestID
    device_ids: tuple[int, ...]
    result: StoreResult


class ToDevice(msgspec.Struct, frozen=True, tag="to-device", array_like=True):
    """DCC to hub: hand this GBCS message to the device that it names as its target."""

    gbcs: bytes


class FromDevice(msgspec.Struct, frozen=True, tag="from-device", array_like=True):
    """Hub to DCC: a GBCS message of the hub itself or of a device behind it."""

    gbcs: bytes


WanMessage = DeliverImage | ImageStored | ToDevice | FromDevice

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[WanMessage] = msgspec.msgpack.Decoder(WanMessage)


def encode(message: WanMessage) -> bytes:
    """The octets of one envelope."""
    return _encoder.encode(message)


def decode(octets: bytes) -> WanMessage:
    """Read one envelope; RemoteError(WanFault) for anything else, also for bytes left over."""
    if len(octets) > WAN_OCTETS_MAX:
        raise RemoteError(
            WanFault.TOO_LARGE, f"an envelope of {len(octets)} octets exceeds {WAN_OCTETS_MAX}"
        )
    try:
        message = _decoder.decode(octets)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RemoteError(WanFault.MALFORMED, f"not an envelope: {error}") from error
    _check(message)
    return message


def _check(message: WanMessage) -> None:
    match message:
        case DeliverImage(image_sha256=digest, device_ids=ids):
            _require(len(digest) == 32, "an image digest has 32 octets")
            _require_ids(message.request_id, ids)
        case ImageStored(device_ids=ids):
            _require_ids(message.request_id, ids)
        case ToDevice(gbcs=gbcs) | FromDevice(gbcs=gbcs):
            _require(len(gbcs) <= GBCS_OCTETS_MAX, "the GBCS message is too long")


def _require_ids(request_id: RequestID, device_ids: tuple[int, ...]) -> None:
    _require(0 < len(device_ids) <= DEVICES_PER_HUB_MAX, "a hub has 1 to 16 devices")
    numbers = (request_id.originator, request_id.target, request_id.counter, *device_ids)
    _require(all(0 <= number < 1 << 64 for number in numbers), "an id or counter is out of range")


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 -- the one question it asks
    if not holds:
        raise RemoteError(WanFault.MALFORMED, otherwise)
