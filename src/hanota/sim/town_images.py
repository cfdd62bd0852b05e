"""The firmware of a town: what its devices run at first, made-up images, and their CPL entries.

An image for 11.1 ends with its supplier's signature: as it is made here it has a null one, until
`signed_by` replaces it.
"""

import random

import msgspec

from hanota.errors import LocalError
from hanota.limits import SIGNATURE_OCTETS
from hanota.model import DeviceType, Role, version_text
from hanota.rows import ProductEntry, ProductStatus
from hanota.sim.town import (
    HARDWARE_VERSION,
    MANUFACTURER,
    MANUFACTURER_CODE,
    MODELS,
    OLD_VERSION,
    TOWN_GBCS_VERSION,
)
from hanota.smki.directory import Signer
from hanota.wire.image import (
    IMAGE_TYPES,
    SIGNED_TYPES,
    OtaImage,
    build_image,
    encode_image,
    manufacturer_image_hash,
)

NEW_VERSION = 0x0002_0000
_HARDWARE_RANGE = (HARDWARE_VERSION, 0x1211)
_ANY_HARDWARE = (0x0000, 0xFFFF)


def factory_image(kind: DeviceType) -> OtaImage:
    """What every device of this kind runs at first.

    It is for any hardware: a device of other hardware than the inventory says runs it as well.
    """
    first = f"what every {kind} of the town runs at first".encode()
    return _image(kind, first, OLD_VERSION, _ANY_HARDWARE)


def seeded_image(
    octets: int, seed: int, version: int = NEW_VERSION, kind: DeviceType = DeviceType.PPMID
) -> OtaImage:
    """An OTA file of this size for the town's devices of a kind, its content made from the seed.

    LocalError when nothing would be left beside the header and the signature.
    """
    around = len(encode_image(_image(kind, b"\x00", version))) - 1
    if octets <= around:
        raise LocalError(f"an image has more than its header's {around} octets, not {octets}")
    chance = random.Random(f"{seed} {kind} {version}")  # noqa: S311 -- no key
    return _image(kind, chance.randbytes(octets - around), version)


def signed_by(supplier: int, image: OtaImage, signer: Signer) -> OtaImage:
    """The image with this supplier's signature; where its kind has none, as it is."""
    if image.signature is None:
        return image
    signature = signer.sign(supplier, Role.SUPPLIER, image.manufacturer_image)
    return msgspec.structs.replace(image, signature=signature)


def product_entry(kind: DeviceType, image: OtaImage) -> ProductEntry:
    """The Active entry of the Central Products List for this image on the town's model."""
    return ProductEntry(
        type=kind,
        manufacturer=MANUFACTURER,
        manufacturer_code=image.header.manufacturer_code,
        model=MODELS[kind],
        hardware_versions=(HARDWARE_VERSION,),
        firmware_version=version_text(image.header.file_version),
        hash=manufacturer_image_hash(image),
        status=ProductStatus.ACTIVE,
        gbcs_version=TOWN_GBCS_VERSION,
        follows=(),
    )


def _image(
    kind: DeviceType,
    manufacturer_image: bytes,
    version: int,
    hardware: tuple[int, int] = _HARDWARE_RANGE,
) -> OtaImage:
    return build_image(
        image_type=IMAGE_TYPES[kind],
        manufacturer_code=MANUFACTURER_CODE,
        file_version=version,
        manufacturer_image=manufacturer_image,
        signature=bytes(SIGNATURE_OCTETS) if kind in SIGNED_TYPES else None,
        hardware=hardware,
        text=f"hanota sample {kind}",
    )
