"""The hubs and devices of a town, set up as its fates say.

The devices are those of production; a fate is something about the world that goes wrong around
them: a switch, a damaged store, an image that does not come up.

A device trusts whoever `suppliers_of` names when it starts. So the world changes a device's
supplier by naming another one and letting the device start anew; that stands for the GBCS use
cases of a Change of Supplier, which put other certificates into a device and are not played here.
"""

from collections.abc import Callable, Container, Mapping
from functools import partial

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.han.command_reception import Trust
from hanota.han.flash import Flash, FlashView
from hanota.han.hub import HubSetup, as_stored
from hanota.han.party import Party
from hanota.han.ppmid import DeviceSetup, Ppmid, comes_up, factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make
from hanota.model import DeviceType, KeyUsage, Role
from hanota.rows import Device
from hanota.serve.homes import Homes
from hanota.sim.town import (
    HARDWARE_VERSION,
    MANUFACTURER_CODE,
    OLD_VERSION,
    OTHER_HARDWARE_VERSION,
    Fate,
    Home,
)
from hanota.smki import protection
from hanota.smki.pki import TestPki
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import DEVICE_TYPES, IMAGE_TYPES, decode_header

# The slot that a device fills first: it leaves the factory with its image in the other.
_SECOND_SLOT = 1


class Firmware(msgspec.Struct, frozen=True):
    """What the maker of one kind of device has brought out."""

    factory_image: bytes  # the OTA file that every device of the kind runs at first
    released: Container[bytes]  # Manufacturer Image Hashes
    slot_octets: int  # the size of each of a device's two flash slots


class Surroundings(msgspec.Struct, frozen=True):
    """What every home of a town has around it."""

    pki: TestPki
    blobs: Callable[[bytes], bytes | None]  # where hubs fetch images
    firmware: Mapping[DeviceType, Firmware]  # of every kind of device that has a party
    suppliers_of: Callable[[int], tuple[int, ...]]  # whom a device, by its id, trusts now


def add_home(homes: Homes, home: Home, around: Surroundings) -> None:
    """Install a home's hub and devices; all have power, except what is switched off."""
    homes.add_hub(_hub_setup(home, around), Flash())
    homes.power_on(home.hub_id)
    for device in home.devices:
        firmware = around.firmware.get(device.type)
        if firmware is None:
            continue
        flash = factory_flash(firmware.factory_image, slot_octets=firmware.slot_octets)
        start = partial(_START[device.type], home, device, around)
        homes.add(device.device_id, home.hub_id, flash, start)
        if _fate(home, device) not in _SWITCHED_OFF:
            homes.power_on(device.device_id)


def lose_image(homes: Homes, device_id: int) -> None:
    """Take the image that a device of this town holds, but does not run, out of its flash."""
    homes.flash(device_id).erase(_SECOND_SLOT)


def _hub_setup(home: Home, around: Surroundings) -> HubSetup:
    damaged = {kind for kind, fate in _fates(home).items() if fate in _CORRUPTED}
    return HubSetup(
        hub_id=home.hub_id,
        device_ids=frozenset(device.device_id for device in home.devices) - {home.hub_id},
        sign=partial(_sign, around.pki, home.hub_id),
        blobs=around.blobs,
        reads=partial(_damaged, damaged) if damaged else as_stored,
        running_version=OLD_VERSION,
        trust=_trust(home.hub_id, around, suppliers=()),
    )


def _start_ppmid(home: Home, device: Device, around: Surroundings, flash: FlashView) -> Ppmid:
    return Ppmid(
        DeviceSetup(
            device_id=device.device_id,
            hub_id=home.hub_id,
            make=_make(home, device),
            sign=partial(_sign, around.pki, device.device_id),
            released=around.firmware[device.type].released,
            starts=_starts(home, device),
            trust=_trust(device.device_id, around, suppliers=()),
        ),
        flash,
    )


def _start_signed_image_device(
    home: Home, device: Device, around: Surroundings, flash: FlashView
) -> SignedImageDevice:
    return SignedImageDevice(
        SignedImageDeviceSetup(
            device_id=device.device_id,
            hub_id=home.hub_id,
            make=_make(home, device),
            sign=partial(_sign, around.pki, device.device_id),
            released=around.firmware[device.type].released,
            starts=_starts(home, device),
            trust=_trust(device.device_id, around, suppliers=around.suppliers_of(device.device_id)),
        ),
        flash,
    )


_START: dict[DeviceType, Callable[[Home, Device, Surroundings, FlashView], Party]] = {
    DeviceType.ESME: _start_signed_image_device,
    DeviceType.GSME: _start_signed_image_device,
    DeviceType.PPMID: _start_ppmid,
    DeviceType.HCALCS: _start_signed_image_device,
}

_SWITCHED_OFF = frozenset({Fate.PPMID_OFF, Fate.HCALCS_OFF})
_OTHER_HARDWARE = frozenset({Fate.OTHER_HARDWARE, Fate.HCALCS_OTHER_HARDWARE})
_CORRUPTED = frozenset({Fate.CORRUPTED_IMAGE, Fate.HCALCS_CORRUPTED_IMAGE})
_NEVER_START = frozenset({Fate.DOES_NOT_START, Fate.HCALCS_DOES_NOT_START})


def _fates(home: Home) -> dict[DeviceType, Fate]:
    return {DeviceType.PPMID: home.ppmid_fate, DeviceType.HCALCS: home.hcalcs_fate}


def _fate(home: Home, device: Device) -> Fate:
    return _fates(home).get(device.type, Fate.SOUND)


def _make(home: Home, device: Device) -> Make:
    other = _fate(home, device) in _OTHER_HARDWARE
    hardware_version = OTHER_HARDWARE_VERSION if other else HARDWARE_VERSION
    return Make(MANUFACTURER_CODE, IMAGE_TYPES[device.type], hardware_version)


def _starts(home: Home, device: Device) -> Callable[[bytes], bool]:
    return _never if _fate(home, device) in _NEVER_START else comes_up


def _trust(node_id: int, around: Surroundings, *, suppliers: tuple[int, ...]) -> Trust:
    # Keys are derived when they are first needed: a silent town costs nothing.
    return Trust(
        partial(_shared_secret, around.pki, node_id), partial(_supplier_key, around.pki), suppliers
    )


def _shared_secret(pki: TestPki, eui: int, party: int) -> bytes:
    return pki.shared_secret(eui, pki.certificate(party, KeyUsage.KEY_AGREEMENT).public_key)


def _supplier_key(pki: TestPki, supplier: int) -> ec.EllipticCurvePublicKey:
    return pki.certificate(supplier, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key


def _sign(pki: TestPki, eui: int, message: GbcsMessage) -> GbcsMessage:
    return protection.sign(message, pki.private_key(eui, KeyUsage.DIGITAL_SIGNATURE))


def _never(_image: bytes) -> bool:
    return False


def _damaged(kinds: Container[DeviceType | None], octets: bytes) -> bytes:
    """What a hub's store gives that damages the images for devices of these kinds."""
    kind = DEVICE_TYPES.get(decode_header(octets).image_type)
    return octets[:-1] + bytes((octets[-1] ^ 1,)) if kind in kinds else octets
