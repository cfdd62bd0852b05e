"""The estate: the devices of an inventory, as a file of one row a device.

One file serves the DCC's inventory, the homes that are emulated and a supplier's estate.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from hanota.files import columns
from hanota.files.bad_rows import BadRow, Told, refuse
from hanota.files.table import read_rows, write_rows
from hanota.model import DeviceStatus, DeviceType, Region, eui_text
from hanota.rows import Device

# In the order of the fields of `Device`.
COLUMNS = (
    columns.eui("device_id"),
    columns.word("type", DeviceType),
    columns.text("manufacturer"),
    columns.text("model"),
    columns.two_octets_or_none("hardware_version"),
    columns.read_version("firmware_version"),
    columns.eui_or_none("hub_id"),
    columns.word("status", DeviceStatus),
    columns.euis("suppliers"),
    columns.word("region", Region),
    columns.gbcs_version("gbcs_version"),
)

_DEVICE_ID, _TYPE, _HUB_ID = 0, 1, 6


def read_estate(path: Path, told: Told = refuse) -> Iterator[Device]:
    """The devices of a file, one after the other; each id stands once.

    A CHF is its own hub, and its hub_id may be empty; every other hub_id names a CHF of the file,
    before or after it, so the last bad rows are told when the file ends. Keeps the ids that it has
    seen, about 100 octets a device.

    Args:
        path: a .csv, .jsonl or .ndjson file.
        told: is told of every bad row, which is left out. By default the first one is raised.

    Raises:
        LocalError: the name has another end.
        RemoteError: the first bad row (with `refuse`), no good header, or a row that is too long.
        OSError: the file cannot be read.
    """
    seen: set[int] = set()
    hubs: set[int] = set()
    first_behind: dict[int, int] = {}  # line of the first device of a hub that is yet to come
    for line, values in read_rows(path, COLUMNS, told):
        device_id, hub_id = values[_DEVICE_ID], values[_HUB_ID]
        is_hub = values[_TYPE] is DeviceType.CHF
        if device_id in seen:
            told(BadRow(path, line, "device_id", "an earlier row has this device"))
        elif is_hub and hub_id not in (None, device_id):
            told(BadRow(path, line, "hub_id", "a CHF is its own hub: leave it empty"))
        elif hub_id is None and not is_hub:
            told(BadRow(path, line, "hub_id", "it is empty, and the device is no CHF"))
        else:
            seen.add(device_id)
            if is_hub:
                values[_HUB_ID] = device_id
                hubs.add(device_id)
                first_behind.pop(device_id, None)
            elif hub_id not in hubs:
                first_behind.setdefault(hub_id, line)
            yield Device(*values)
    for hub_id, line in first_behind.items():
        told(BadRow(path, line, "hub_id", f"the file has no CHF {eui_text(hub_id)}"))


def write_estate(path: Path, devices: Iterable[Device]) -> None:
    """Write devices as a file of that name's form, whole or not at all.

    Raises:
        LocalError: the name ends otherwise, or a device has a value that cannot be read back.
            Whether a hub is among them is not looked at.
        OSError: the file cannot be written.
    """
    write_rows(path, COLUMNS, map(msgspec.structs.astuple, devices))
