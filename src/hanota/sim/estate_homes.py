"""Homes out of the rows of an inventory: every hub with its devices, as the inventory knows them.

Each device runs a made-up image of the version that the inventory has for it, is of the hardware
that the inventory says, and trusts the suppliers that it names there. Kinds that no image is for
(GPF, IHD, CAD) are in the inventory only.

Not here: homes that are set up to fail (`town_homes`).
"""

from collections.abc import Callable, Container, Iterable
from functools import lru_cache, partial

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.dcc.products import ProductList
from hanota.han.command_reception import Trust
from hanota.han.flash import FlashView
from hanota.han.hub import Hub, HubSetup
from hanota.han.hub_firmware import HubFirmwareSetup
from hanota.han.party import Party
from hanota.han.ppmid import DeviceSetup, Ppmid, factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make
from hanota.limits import SIGNATURE_OCTETS
from hanota.model import DeviceType, KeyUsage, Role
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.serve.homes import Homes
from hanota.sim.town import MANUFACTURER_CODE
from hanota.smki import protection
from hanota.smki.given_pki import DevicePki
from hanota.smki.organisations import WAN_PROVIDER
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import (
    IMAGE_TYPES,
    TRAILER_TYPES,
    OtaImage,
    build_image,
    encode_image,
    manufacturer_image_hash,
)


class Surroundings(msgspec.Struct, frozen=True):
    """What every home has around it."""

    pki: DevicePki
    blobs: Callable[[bytes], bytes | None]  # where hubs fetch images, by SHA-256
    released: Container[bytes]  # Manufacturer Image Hashes that the makers released
    products: ProductList  # for the manufacturers' codes


def install(homes: Homes, devices: Iterable[Device], around: Surroundings) -> None:
    """Install all of these devices that can run, and give them power.

    A device whose hub is not among them, and a meter without a supplier, do not run.
    """
    devices = list(devices)
    hubs = {device.device_id for device in devices if device.type is DeviceType.CHF}
    behind: dict[int, list[int]] = {}
    for device in devices:
        if device.device_id not in hubs:
            behind.setdefault(device.hub_id, []).append(device.device_id)
    for device in devices:
        start = _START.get(device.type)
        if start is None or device.hub_id not in hubs or not _is_complete(device):
            continue
        make, version = make_of(device, around.products), _version(device)
        released = _Released(
            around.released, manufacturer_image_hash(_factory_image(make, version))
        )
        mine = tuple(behind.get(device.device_id, ()))
        begin = partial(start, _Node(device, make, released, mine), around)
        flash = factory_flash(_factory_file(make, version))
        homes.add(device.device_id, device.hub_id, flash, begin)
        homes.power_on(device.device_id)


def make_of(device: Device, products: ProductList) -> Make:
    """What the device is as OTA images name it; LocalError for a kind that no image is for.

    The manufacturer's code is that of the products list, or the town's where it has none.
    """
    entry = products.running_on(device, device.firmware_version)
    code = MANUFACTURER_CODE if entry is None else entry.manufacturer_code
    return Make(code, IMAGE_TYPES[device.type], device.hardware_version or 0)


def factory_entries(devices: Iterable[Device], products: ProductList) -> list[ProductEntry]:
    """An entry of the products list for what each model runs at first, where it has none."""
    entries: dict[tuple[object, ...], ProductEntry] = {}
    for device in devices:
        if device.type not in _START or device.hardware_version is None:
            continue
        if products.running_on(device, device.firmware_version) is not None:
            continue
        image = _factory_image(make_of(device, products), _version(device))
        entry = ProductEntry(
            type=device.type,
            manufacturer=device.manufacturer,
            manufacturer_code=image.header.manufacturer_code,
            model=device.model,
            hardware_versions=(device.hardware_version,),
            firmware_version=device.firmware_version,
            hash=manufacturer_image_hash(image),
            status=ProductStatus.ACTIVE,
            gbcs_version=device.gbcs_version,
            follows=(),
        )
        entries[msgspec.structs.astuple(entry)] = entry
    return list(entries.values())


class _Released(msgspec.Struct, frozen=True):
    """What a maker released: what is on the list, and what it made the device with.

    The list may name another image of that version: the made-up one is on no real list.
    """

    listed: Container[bytes]
    factory: bytes

    def __contains__(self, image_hash: object) -> bool:
        return image_hash == self.factory or image_hash in self.listed


class _Node(msgspec.Struct, frozen=True):
    device: Device
    make: Make
    released: _Released
    behind: tuple[int, ...]  # the other devices of a hub's home


def _is_complete(device: Device) -> bool:
    return bool(device.suppliers) or device.type in (DeviceType.CHF, DeviceType.PPMID)


def _start_hub(node: _Node, around: Surroundings, flash: FlashView) -> Hub:
    hub_id = node.device.device_id
    setup = HubSetup(
        hub_id=hub_id,
        device_ids=frozenset(node.behind),
        sign=partial(_sign, around.pki, hub_id),
        blobs=around.blobs,
        firmware=HubFirmwareSetup(
            make=node.make,
            released=node.released,
            provider_key=partial(_signing_key, around.pki, Role.WAN_PROVIDER, WAN_PROVIDER),
        ),
        trust=_trust(hub_id, around, ()),
    )
    return Hub(setup, flash)


def _start_ppmid(node: _Node, around: Surroundings, flash: FlashView) -> Ppmid:
    device = node.device
    setup = DeviceSetup(
        device_id=device.device_id,
        hub_id=device.hub_id,
        make=node.make,
        sign=partial(_sign, around.pki, device.device_id),
        released=node.released,
        trust=_trust(device.device_id, around, ()),
    )
    return Ppmid(setup, flash)


def _start_signed_image_device(
    node: _Node, around: Surroundings, flash: FlashView
) -> SignedImageDevice:
    device = node.device
    setup = SignedImageDeviceSetup(
        device_id=device.device_id,
        hub_id=device.hub_id,
        make=node.make,
        sign=partial(_sign, around.pki, device.device_id),
        released=node.released,
        trust=_trust(device.device_id, around, device.suppliers),
    )
    return SignedImageDevice(setup, flash)


_START: dict[DeviceType, Callable[[_Node, Surroundings, FlashView], Party]] = {
    DeviceType.CHF: _start_hub,
    DeviceType.ESME: _start_signed_image_device,
    DeviceType.GSME: _start_signed_image_device,
    DeviceType.HCALCS: _start_signed_image_device,
    DeviceType.PPMID: _start_ppmid,
}


def _trust(node_id: int, around: Surroundings, suppliers: tuple[int, ...]) -> Trust:
    # Keys are derived when they are first needed: silent homes cost nothing.
    return Trust(
        partial(_shared_secret, around.pki, node_id),
        partial(_signing_key, around.pki, Role.SUPPLIER),
        suppliers,
    )


def _shared_secret(pki: DevicePki, eui: int, party: int) -> bytes:
    return pki.shared_secret(eui, pki.find(party, KeyUsage.KEY_AGREEMENT)[0].public_key)


def _signing_key(pki: DevicePki, role: Role, party: int) -> ec.EllipticCurvePublicKey:
    return pki.find(party, KeyUsage.DIGITAL_SIGNATURE, role)[0].public_key


def _sign(pki: DevicePki, eui: int, message: GbcsMessage) -> GbcsMessage:
    return protection.sign(message, pki.private_key(eui, KeyUsage.DIGITAL_SIGNATURE))


def _version(device: Device) -> int:
    """The version as 4 octets; one that was read in another form cannot be in an OTA header."""
    text = device.firmware_version
    return int(text, 16) if len(text) == _VERSION_DIGITS and text.isalnum() else 0


_VERSION_DIGITS = 8


# The octets are shared by all devices that run them.
@lru_cache
def _factory_file(make: Make, version: int) -> bytes:
    return encode_image(_factory_image(make, version))


@lru_cache
def _factory_image(make: Make, version: int) -> OtaImage:
    # Nobody checks the trailer of an image that a device was made with.
    kinds = {IMAGE_TYPES[kind] for kind in TRAILER_TYPES}
    return build_image(
        image_type=make.image_type,
        manufacturer_code=make.manufacturer_code,
        file_version=version,
        manufacturer_image=f"what the devices run at first: {make} {version:08X}".encode(),
        signature=bytes(SIGNATURE_OCTETS) if make.image_type in kinds else None,
        text="hanota sample",
    )
