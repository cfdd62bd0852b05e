"""The images that a hub holds.

The octets lie where the WAN link keeps them, one blob for the thousands of hubs that get the same
image; a hub holds the digest. What it fetched it has checked once; what its own flash makes of it
afterwards only the devices can tell.
"""

import hashlib
from collections.abc import Callable, Container

import msgspec

from hanota.errors import RemoteError
from hanota.wire.image import ImageHeader, decode_header


class StoredImage(msgspec.Struct, frozen=True):
    """A whole OTA file with its header."""

    octets: bytes
    header: ImageHeader


class ImageStore:
    """Images by their digest.

    Args:
        blobs: gives the blob that has a SHA-256, None where there is none.
        reads: what reading gives of the octets that were stored: the world's part.
    """

    def __init__(
        self, blobs: Callable[[bytes], bytes | None], reads: Callable[[bytes], bytes]
    ) -> None:
        self._blobs = blobs
        self._reads = reads
        self._images: dict[bytes, StoredImage] = {}

    def fetch(self, digest: bytes) -> StoredImage | None:
        """Fetch an image; None if there is no such blob, or it has another digest, or no header."""
        octets = self._blobs(digest)
        if octets is None or hashlib.sha256(octets).digest() != digest:
            return None
        return _image(octets)

    def image(self, digest: bytes) -> StoredImage | None:
        """A stored image as the flash gives it; None where it is lost beyond its header."""
        image = self._images.get(digest)
        if image is None:
            octets = self._blobs(digest)
            image = None if octets is None else _image(self._reads(octets))
            if image is not None:
                self._images[digest] = image
        return image

    def keep(self, digests: Container[bytes]) -> None:
        """Let go of every other image."""
        self._images = {key: image for key, image in self._images.items() if key in digests}


def _image(octets: bytes) -> StoredImage | None:
    try:
        return StoredImage(octets, decode_header(octets))
    except RemoteError:
        return None
