"""What a supplier learns when the DCC has updated a Communications Hub.

A CommsHubFirmwareActivation (N64) names the hub and its firmware version, and no more. Whether the
PPMIDs and HCALCSs behind the hub can now be updated follows from its GBCS version, which the
supplier then asks the DCC for with 8.2 Read Inventory. That it asks, and keeps no table of its own
of hubs' firmware, is a choice of this project.
"""

import msgspec

from hanota.model import RequestID
from hanota.rows import Device
from hanota.supplier.answers import version_as_kept
from hanota.supplier.requests import NON_DEVICE_COMMAND_VARIANT
from hanota.wire.duis.values import (
    CommsHubFirmwareActivation,
    DCCAlertMessage,
    DSPInventory,
    InventoryDevice,
    ReadInventory,
    Request,
    Response,
    ResponseMessage,
)

READ_INVENTORY = "8.2"


class HubActivation(msgspec.Struct, frozen=True):
    """What one alert says of one hub."""

    device_id: int
    firmware_version: str  # 8 upper-case hex digits, or as it was said where it is no 4 octets


def read_activation(response: Response) -> HubActivation | None:
    """What an alert says of a hub's firmware; None where it is about something else."""
    match response.body:
        case DCCAlertMessage(dcc_alert=CommsHubFirmwareActivation(device_id, version)):
            return HubActivation(device_id, version_as_kept(version))
        case _:
            return None


def read_inventory(request_id: RequestID, hub_id: int) -> Request:
    """8.2: ask the DCC what its inventory says of the home of this hub."""
    body = ReadInventory(hub_id)
    return Request(request_id, NON_DEVICE_COMMAND_VARIANT, READ_INVENTORY, READ_INVENTORY, body)


def hub_listed(response: Response, hub_id: int) -> InventoryDevice | None:
    """What an answer to 8.2 says of this hub; None where it says nothing of it."""
    match response.body:
        case ResponseMessage(content=DSPInventory(devices)):
            return next((device for device in devices if device.device_id == hub_id), None)
        case _:
            return None


def as_listed(hub: Device, listed: InventoryDevice) -> Device:
    """The estate's row of a hub with the versions that the DCC's inventory has of it."""
    version = listed.device_firmware_version
    return msgspec.structs.replace(
        hub,
        firmware_version=hub.firmware_version if version is None else version_as_kept(version),
        gbcs_version=listed.device_gbcs_version or hub.gbcs_version,
    )
