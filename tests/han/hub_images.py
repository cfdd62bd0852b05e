"""Images of hubs, as a hub's maker releases and its WAN provider signs them."""

import hashlib

import msgspec
from tests.han.commands import signing

from hanota.han.hub_firmware import HubFirmwareSetup
from hanota.han.ppmid import comes_up, factory_flash
from hanota.han.verification import Make, verify_image
from hanota.limits import POWERCUT_IMAGE_OCTETS
from hanota.model import DeviceType, RequestID
from hanota.smki import keys
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, WAN_PROVIDER
from hanota.wire.image import IMAGE_TYPES, build_image, encode_image, manufacturer_image_hash

MAKE = Make(0x121D, IMAGE_TYPES[DeviceType.CHF], 0x1111)
OLD_VERSION, NEW_VERSION = 0x0100_0000, 0x0200_0000


def hub_image(version, octets=POWERCUT_IMAGE_OCTETS, make=MAKE, signer=WAN_PROVIDER):
    """An OTA file for hubs with about so many octets; without a signer it has no trailer."""
    body = hashlib.shake_128(version.to_bytes(4, "big")).digest(octets)
    image = build_image(
        image_type=make.image_type,
        manufacturer_code=make.manufacturer_code,
        file_version=version,
        manufacturer_image=body,
        signature=signer and keys.sign(signing(signer), body),
        hardware=(make.hardware_version, make.hardware_version),
    )
    RELEASED.add(manufacturer_image_hash(image))
    return encode_image(image)


RELEASED = set()
OLD, NEW = hub_image(OLD_VERSION, 1_000), hub_image(NEW_VERSION)
FIRMWARE = HubFirmwareSetup(MAKE, RELEASED, lambda: signing(WAN_PROVIDER).public_key())


def firmware(starts=comes_up):
    return msgspec.structs.replace(FIRMWARE, starts=starts)


def hub_flash(slot_octets=1 << 16):
    return factory_flash(OLD, slot_octets=slot_octets)


def digest_of(image):
    return hashlib.sha256(image).digest()


def request_id(counter):
    """A RequestID as the DCC makes one for an update of hubs."""
    return RequestID(ACCESS_CONTROL_BROKER, ACCESS_CONTROL_BROKER, counter)


def verify(octets):
    return verify_image(octets, MAKE, RELEASED)
