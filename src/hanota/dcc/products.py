"""The Central Products List (CPL): which firmware may run on which model.

An entry names one firmware version of one model, the Manufacturer Image Hash of its image and the
versions that it may follow (the upgrade pathways of SEC problem MP231). The hash covers the
Manufacturer Image only, so what the OTA header says beside it is compared with the entry as well.

For tests of clients there is a list that makes up an entry for every image (`EveryImage`).
"""

from collections.abc import Iterable

from hanota.model import DeviceType, version_text
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.wire.image import DEVICE_TYPES, OtaImage, manufacturer_image_hash


class ProductList:
    """The entries of the CPL, found by hash or by what a device runs."""

    def __init__(self, entries: Iterable[ProductEntry]) -> None:
        self._by_hash: dict[bytes, list[ProductEntry]] = {}
        self._by_firmware: dict[tuple[DeviceType, str, str, str], ProductEntry] = {}
        for entry in entries:
            self._add(entry)

    def of_image(self, image: OtaImage) -> tuple[ProductEntry, ...]:
        """The entries with the hash, maker and version of this image; of any status."""
        header = image.header
        version = version_text(header.file_version)
        return tuple(
            entry
            for entry in self._by_hash.get(manufacturer_image_hash(image), ())
            if entry.manufacturer_code == header.manufacturer_code
            and entry.firmware_version == version
        )

    def learn(
        self,
        image: OtaImage,  # noqa: ARG002 -- a real list learns nothing from those who ask
        devices: Iterable[Device],  # noqa: ARG002
    ) -> tuple[ProductEntry, ...]:
        """What an update of these devices adds to the list, to be kept: nothing."""
        return ()

    def versions_of_hash(self, image_hash: bytes) -> frozenset[str]:
        """The firmware versions that stand on the list with this Manufacturer Image Hash."""
        return frozenset(entry.firmware_version for entry in self._by_hash.get(image_hash, ()))

    def running_on(self, device: Device, version: str) -> ProductEntry | None:
        """The entry for `version` on this device's model; None where the list has none."""
        firmware = (device.type, device.manufacturer, device.model, version)
        return self._by_firmware.get(firmware)

    def _add(self, entry: ProductEntry) -> None:
        self._by_hash.setdefault(entry.hash, []).append(entry)
        firmware = (entry.type, entry.manufacturer, entry.model, entry.firmware_version)
        self._by_firmware[firmware] = entry


class EveryImage(ProductList):
    """For tests of clients only: a list on which every well-formed image has its place.

    It learns an entry for each model and hardware that is to get an image: with the type, maker's
    code and version of the OTA header, after any version, and with the GBCS version that the
    devices have.
    """

    def learn(self, image: OtaImage, devices: Iterable[Device]) -> tuple[ProductEntry, ...]:
        """The entries of this image, those that are made up now among them."""
        listed = set(map(_fits, self.of_image(image)))
        for entry in _made_up(image, devices):
            if _fits(entry) not in listed:
                self._add(entry)
        return self.of_image(image)


def _fits(entry: ProductEntry) -> tuple[DeviceType, str, str, tuple[int, ...]]:
    return entry.type, entry.manufacturer, entry.model, entry.hardware_versions


def _made_up(image: OtaImage, devices: Iterable[Device]) -> list[ProductEntry]:
    kind = DEVICE_TYPES.get(image.header.image_type)
    if kind is None:
        return []
    # An entry that fits no device, so that one for a wrong device is refused for what it is.
    models = {("", "", 0): ""} | {
        (device.manufacturer, device.model, device.hardware_version): device.gbcs_version
        for device in devices
        if device.type is kind and device.hardware_version is not None
    }
    image_hash = manufacturer_image_hash(image)
    return [
        ProductEntry(
            type=kind,
            manufacturer=manufacturer,
            manufacturer_code=image.header.manufacturer_code,
            model=model,
            hardware_versions=(hardware_version,),
            firmware_version=version_text(image.header.file_version),
            hash=image_hash,
            status=ProductStatus.ACTIVE,
            gbcs_version=gbcs_version,
            follows=(),
        )
        for (manufacturer, model, hardware_version), gbcs_version in models.items()
    ]


def is_of_maker(device: Device, entry: ProductEntry) -> bool:
    """Whether the entry is for this kind of device of this maker."""
    return entry.type is device.type and entry.manufacturer == device.manufacturer


def is_of_model(device: Device, entry: ProductEntry) -> bool:
    """Whether the entry is for this model."""
    return entry.model == device.model


def is_active(entry: ProductEntry) -> bool:
    """Whether the entry may still be rolled out."""
    return entry.status is ProductStatus.ACTIVE


def suits_hardware(device: Device, entry: ProductEntry) -> bool:
    """Whether the entry lists this hardware; a device of unknown hardware suits none."""
    return device.hardware_version in entry.hardware_versions


def is_on_pathway(device: Device, entry: ProductEntry) -> bool:
    """Whether the entry may follow what the device runs; without any pathway it follows all."""
    return not entry.follows or device.firmware_version in entry.follows
