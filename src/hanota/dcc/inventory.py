"""The DCC's inventory (SMI): what each device runs, and what a user reads of it with 8.2.

Evidence always counts here, whatever became of the update that it belongs to: a device that says,
signed, that it runs a version runs it.
"""

from collections.abc import Iterable

import msgspec

from hanota.dcc.products import ProductList
from hanota.rows import Device
from hanota.wire.duis.values import DSPInventory, InventoryDevice


def runs(device: Device, version: str, products: ProductList) -> Device:
    """The device's row once it has proved that it runs `version`; the same row if it did before.

    Its GBCS version becomes that of the version's CPL entry, and stays where there is none.
    """
    if device.firmware_version == version:
        return device
    entry = products.running_on(device, version)
    gbcs_version = device.gbcs_version if entry is None else entry.gbcs_version
    return msgspec.structs.replace(device, firmware_version=version, gbcs_version=gbcs_version)


def inventory_of(devices: Iterable[Device], products: ProductList) -> DSPInventory:
    """The answer to 8.2 for the devices of one home."""
    return DSPInventory(tuple(_inventory_device(device, products) for device in devices))


def _inventory_device(device: Device, products: ProductList) -> InventoryDevice:
    entry = products.running_on(device, device.firmware_version)
    status = None if entry is None else str(entry.status)
    return InventoryDevice(
        device_id=device.device_id,
        device_type=device.type,
        device_status=device.status,
        device_manufacturer=device.manufacturer,
        device_model=device.model,
        device_firmware_version=device.firmware_version or None,
        device_firmware_version_status=status,
        cpl_status=status,
        csp_region=device.region,
        device_gbcs_version=device.gbcs_version or None,
    )
