"""The Central Products List as a file: one row for each firmware version of a model."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hanota.files import columns
from hanota.files.bad_rows import BadRow, Told, refuse
from hanota.files.table import read_rows, write_rows
from hanota.model import DeviceType
from hanota.rows import ProductEntry, ProductStatus

# In the order of the fields of `ProductEntry`.
COLUMNS = (
    columns.word("type", DeviceType),
    columns.text("manufacturer"),
    columns.two_octets("manufacturer_code"),
    columns.text("model"),
    columns.many_two_octets("hardware_versions"),
    columns.version("firmware_version"),
    columns.sha256("hash"),
    columns.word("status", ProductStatus),
    columns.gbcs_version("gbcs_version"),
    columns.read_versions("follows"),
)


def read_products(path: Path, told: Told = refuse) -> list[ProductEntry]:
    """The entries of a file; none has a model, hardware and version that an earlier one has.

    Arguments and errors are those of `estate.read_estate`.
    """
    entries: list[ProductEntry] = []
    seen: set[tuple[DeviceType, str, str, int, str]] = set()
    for line, values in read_rows(path, COLUMNS, told):
        entry = ProductEntry(*values)
        named = {
            (entry.type, entry.manufacturer, entry.model, hardware, entry.firmware_version)
            for hardware in entry.hardware_versions
        }
        if not named:
            told(BadRow(path, line, "hardware_versions", "an entry names one at least"))
        elif not named.isdisjoint(seen):
            reason = "an earlier row has this version for the same model and hardware"
            told(BadRow(path, line, "firmware_version", reason))
        else:
            seen |= named
            entries.append(entry)
    return entries


def write_products(path: Path, entries: Iterable[ProductEntry]) -> None:
    """Write entries as `estate.write_estate` does."""
    write_rows(path, COLUMNS, map(msgspec.structs.astuple, entries))
