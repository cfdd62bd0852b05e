"""Releases: an OTA file becomes one when it is imported, and is looked at again before it is sent.

What is kept beside the file is what its header says; so a file that was exchanged in the store, or
a row that was changed, no longer fit each other.

Not here: what the Central Products List says of it (`catalogue`).
"""

import hashlib
from collections.abc import Iterable

from hanota.errors import LocalError, RemoteError
from hanota.limits import NAME_CHARACTERS_MAX
from hanota.model import DeviceType, version_text
from hanota.rows import Release
from hanota.smki.certificates import Certificate
from hanota.smki.keys import verify
from hanota.wire.image import (
    DEVICE_TYPES,
    SIGNED_TYPES,
    OtaImage,
    decode_header,
    decode_image,
    manufacturer_image_hash,
)

# Campaigns update these; a hub's firmware is the DCC's.
RELEASED_TYPES = SIGNED_TYPES | {DeviceType.PPMID}


def release_of(
    name: str,
    image_file: bytes,
    certificates: Iterable[Certificate],
    *,
    added_by: str,
    now_ms: int,
    expires_ms: int | None = None,
) -> Release:
    """Make a release of an OTA file.

    `certificates` are this supplier's for digital signature: with one of their keys an image for
    11.1 has to be signed.

    Raises:
        RemoteError: the file is no OTA image.
        LocalError: it is for a kind of device that no campaign updates, or for one device only; it
            is signed by somebody else; the name is none, or the release expires at once.
    """
    require_name(name, "release")
    if expires_ms is not None and expires_ms <= now_ms:
        raise LocalError(f"the release {name!r} would expire before it is there: give a later time")
    kind = DEVICE_TYPES.get(decode_header(image_file).image_type)
    if kind is None or kind not in RELEASED_TYPES:
        raise LocalError(
            f"the image is for {kind or 'devices of another kind'}: a campaign updates "
            f"{', '.join(sorted(RELEASED_TYPES))}"
        )
    image = decode_image(image_file, signed=kind in SIGNED_TYPES)
    if image.header.destination is not None:
        raise LocalError("the image is for one device only: a campaign needs one for all of a kind")
    if kind in SIGNED_TYPES and not _is_signed(image, certificates):
        raise LocalError(
            "the signature at the end of the image is not this supplier's: sign it with "
            "`hanota image build --sign-as`"
        )
    return Release(
        name=name,
        sha256=hashlib.sha256(image_file).digest(),
        hash=manufacturer_image_hash(image),
        type=kind,
        manufacturer_code=image.header.manufacturer_code,
        version=version_text(image.header.file_version),
        hardware_min=image.header.hardware_min,
        hardware_max=image.header.hardware_max,
        added_by=added_by,
        added_ms=now_ms,
        expires_ms=expires_ms,
        withdrawn_ms=None,
    )


def image_objection(release: Release, image_file: bytes | None) -> str | None:
    """Why this is not the file of a release, in a sentence; None where it is."""
    place = f"the image of the release {release.name!r}"
    if image_file is None:
        return f"{place} is not in the ledger"
    if hashlib.sha256(image_file).digest() != release.sha256:
        return f"{place} was changed since it was imported"
    try:
        image = decode_image(image_file, signed=release.type in SIGNED_TYPES)
    except RemoteError as fault:
        return f"{place} cannot be read: {fault.reason}"
    stated = (manufacturer_image_hash(image), version_text(image.header.file_version))
    if stated != (release.hash, release.version):
        return f"{place} is not what the release says of it"
    return None


def require_name(name: str, what: str) -> None:
    """LocalError unless this can be the name of a release, of a campaign, or of a person."""
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise LocalError(
            f"{name!r} is no name of a {what}: give 1 to {NAME_CHARACTERS_MAX} printable characters"
        )


def _is_signed(image: OtaImage, certificates: Iterable[Certificate]) -> bool:
    signature = image.signature
    return signature is not None and any(
        verify(certificate.public_key, image.manufacturer_image, signature)
        for certificate in certificates
    )
