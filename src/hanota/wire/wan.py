"""Envelopes between the DCC and a Communications Hub, over the communications provider's WAN.

How the real WAN carries images and GBCS messages is not public: these envelopes are an assumption
of this project. Each is a MessagePack array whose first element names the message. A link carries
them at least once and acknowledges what the receiver has recorded; receivers deduplicate by
content (a GBCS message by originator, target, CRA and counter; a delivery by request and device).

The image itself is not in `DeliverImage` or `UpdateHub`: a link keeps it as a blob named by its
SHA-256, because thousands of hubs receive the same octets. The hub checks the digest of what it
fetched.

`UpdateHub`, `HubImageStored` and `HubRuns` are about the hub's own firmware, which the DCC and its
communications providers manage without any supplier. How they do that is not public either; GBCS
has no message for it, so the link vouches for what a hub says here.
"""

from enum import StrEnum

import msgspec

from hanota.errors import RemoteError
from hanota.limits import DEVICES_PER_HUB_MAX, GBCS_OCTETS_MAX, LATEST_MS, WAN_OCTETS_MAX
from hanota.model import RequestID
from hanota.wire.codes import WanFault


class StoreResult(StrEnum):
    """What a hub made of an image that was sent to it."""

    STORED = "stored"
    NO_SPACE = "no-space"  # every slot holds an image that a device still waits for
    DIGEST_MISMATCH = "digest-mismatch"  # the blob is not what the DCC named


class HubImageResult(StrEnum):
    """What a hub made of an image for itself."""

    STORED = "stored"  # verified, and waiting for its activation or already on the way to it
    NO_SPACE = "no-space"  # it is larger than the hub's image slot
    DIGEST_MISMATCH = "digest-mismatch"  # the blob is not what the DCC named
    NOT_VERIFIED = "not-verified"  # not for this hub, or not by its maker and provider
    OVERTAKEN = "overtaken"  # the hub has taken a later update already


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


class UpdateHub(msgspec.Struct, frozen=True, tag="update-hub", array_like=True):
    """DCC to hub: keep this image of your own firmware, and run it from that instant on.

    The counter of its RequestID, which the DCC has made itself, rises from update to update.
    """

    request_id: RequestID
    image_sha256: bytes  # of the whole OTA file, 32 octets
    activate_at_ms: int | None  # None: at once


class HubImageStored(msgspec.Struct, frozen=True, tag="hub-image-stored", array_like=True):
    """Hub to DCC: the image of that update is here, or why not."""

    request_id: RequestID
    result: HubImageResult


class HubRuns(msgspec.Struct, frozen=True, tag="hub-runs", array_like=True):
    """Hub to DCC: the activation of that update is over, and this is the version that runs now.

    Nobody asks for it. Another version than that of the update's image says that the hub fell back.
    """

    request_id: RequestID
    file_version: int  # of the OTA header, 4 octets


WanMessage = (
    DeliverImage | ImageStored | ToDevice | FromDevice | UpdateHub | HubImageStored | HubRuns
)

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
        case DeliverImage(request_id, digest, ids):
            _require_digest(digest)
            _require_ids(request_id, ids)
        case ImageStored(request_id, ids):
            _require_ids(request_id, ids)
        case ToDevice(gbcs=gbcs) | FromDevice(gbcs=gbcs):
            _require(len(gbcs) <= GBCS_OCTETS_MAX, "the GBCS message is too long")
        case UpdateHub(request_id, digest, at_ms):
            _require_digest(digest)
            _require_request(request_id)
            _require(at_ms is None or 0 <= at_ms <= LATEST_MS, "the instant is out of range")
        case HubImageStored(request_id):
            _require_request(request_id)
        case HubRuns(request_id, version):
            _require_request(request_id)
            _require(0 <= version < 1 << 32, "a firmware version has 4 octets")


def _require_digest(digest: bytes) -> None:
    _require(len(digest) == 32, "an image digest has 32 octets")


def _require_ids(request_id: RequestID, device_ids: tuple[int, ...]) -> None:
    _require(0 < len(device_ids) <= DEVICES_PER_HUB_MAX, "a hub has 1 to 16 devices")
    _require_request(request_id)
    _require_unsigned(*device_ids)


def _require_request(request_id: RequestID) -> None:
    _require_unsigned(request_id.originator, request_id.target, request_id.counter)


def _require_unsigned(*numbers: int) -> None:
    _require(all(0 <= number < 1 << 64 for number in numbers), "an id or counter is out of range")


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 -- the one question it asks
    if not holds:
        raise RemoteError(WanFault.MALFORMED, otherwise)
