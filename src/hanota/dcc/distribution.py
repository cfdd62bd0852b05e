"""The communications provider's part: which image goes to which hub, for which of its devices."""

from collections.abc import Iterator, Mapping

from hanota.limits import DEVICES_PER_HUB_MAX
from hanota.model import RequestID
from hanota.rows import Device
from hanota.wire.wan import DeliverImage


def distribute(
    request_id: RequestID, image_sha256: bytes, accepted: Mapping[int, tuple[Device, ...]]
) -> Iterator[tuple[int, DeliverImage]]:
    """The envelopes of an accepted 11.1 or 11.4, each with the hub that it goes to.

    `accepted` holds the devices by hub, `image_sha256` is the digest of the whole OTA file. A hub
    gets one envelope, or more where it has more devices than one may name.
    """
    for hub_id, devices in accepted.items():
        ids = tuple(device.device_id for device in devices)
        for start in range(0, len(ids), DEVICES_PER_HUB_MAX):
            part = ids[start : start + DEVICES_PER_HUB_MAX]
            yield hub_id, DeliverImage(request_id, image_sha256, part)
