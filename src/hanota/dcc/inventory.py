"""The DCC's inventory (SMI): what each device runs, and what a user reads of it with 8.2.

Evidence always counts here, whatever became of the update that it belongs to: a device that says,
signed, that it runs a version runs it.
"""

from collections.abc import Iterable

import msgspec

from hanota.dcc.products import ProductList, is_active
from hanota.model import DeviceStatus, DeviceType
from hanota.rows import Device
from hanota.wire.duis.values import DSPInventory, InventoryDevice

# A recorded answer has neither status nor version of a CAD. An IHD is taken to be like it: neither
# has certificates, so the DCC never commissions one nor hears from it.
_WITHOUT_CERTIFICATES = frozenset({DeviceType.IHD, DeviceType.CAD})


def runs(device: Device, version: str, products: ProductList) -> Device:
    """The device's row once it has proved that it runs `version`; the same row if nothing is new.

    Its GBCS version becomes that of the version's CPL entry, and stays where there is none. A
    device that is Suspended because of what it was believed to run is Commissioned again once it
    proves to run a version that is Active on the list (an assumption: SEC problem MP105 tells of
    devices that stay Suspended because an answer was lost).
    """
    entry = products.running_on(device, version)
    gbcs_version, status = device.gbcs_version, device.status
    if entry is not None and version != device.firmware_version:
        gbcs_version = entry.gbcs_version
    if entry is not None and is_active(entry) and status is DeviceStatus.SUSPENDED:
        status = DeviceStatus.COMMISSIONED
    row = msgspec.structs.replace(
        device, firmware_version=version, gbcs_version=gbcs_version, status=status
    )
    return device if row == device else row


def inventory_of(devices: Iterable[Device], products: ProductList) -> DSPInventory:
    """The answer to 8.2 for the devices of one home, its hub first as in recorded answers.

    Elements that this inventory has no data for are left out, which the schema allows for each of
    them: SMETSCHTSVersion, DateCommissioned, the MPxNs, ESMEVariant, UPRN, PropertyFilter,
    HANVariant, S1SP and Connectivity.
    """
    hub_first = sorted(devices, key=lambda device: device.type is not DeviceType.CHF)
    return DSPInventory(tuple(_inventory_device(device, products) for device in hub_first))


def _inventory_device(device: Device, products: ProductList) -> InventoryDevice:
    entry = products.running_on(device, device.firmware_version)
    status = None if entry is None else str(entry.status)
    has_certificates = device.type not in _WITHOUT_CERTIFICATES
    return InventoryDevice(
        device_id=device.device_id,
        device_type=device.type,
        device_status=device.status if has_certificates else None,
        device_manufacturer=device.manufacturer,
        device_model=device.model,
        device_firmware_version=(device.firmware_version or None) if has_certificates else None,
        device_firmware_version_status=status,
        cpl_status=status,
        csp_region=device.region,
        device_gbcs_version=device.gbcs_version or None,
    )
