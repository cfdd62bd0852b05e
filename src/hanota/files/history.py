"""What a ledger keeps of devices, as files for other tools: deliveries, and the journal.

Instants are milliseconds since 1970, `live` is 1 or 0, and what is not known is empty. A message is
hex; one that is longer than EXPORTED_OCTETS_MAX is left out, and `message_octets` says so.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from hanota.files.columns import Column, eui, eui_or_none, text
from hanota.files.table import write_rows
from hanota.limits import EXPORTED_OCTETS_MAX
from hanota.model import version_text
from hanota.rows import Delivery, JournalEntry


def write_deliveries(path: Path, deliveries: Iterable[Delivery]) -> None:
    """Write deliveries, a row each; errors are those of `table.write_rows`."""
    write_rows(path, _DELIVERY, map(_delivery_cells, deliveries))


def write_journal(path: Path, entries: Iterable[tuple[int, JournalEntry]]) -> None:
    """Write journal entries with their numbers, a row each; errors as `write_deliveries`."""
    write_rows(path, _ENTRY, (_entry_cells(number, entry) for number, entry in entries))


def _number(name: str) -> Column:
    return Column(name, int, str)


def _number_or_none(name: str) -> Column:
    return Column(name, _read_number_or_none, _number_or_none_text)


def _read_number_or_none(given: str) -> int | None:
    return int(given) if given else None


def _number_or_none_text(value: int | None) -> str:
    return "" if value is None else str(value)


_STANDING = (
    Column("version", partial(int, base=16), version_text, few=True),
    text("state"),
    text("reason"),
    _number("live"),
    _number_or_none("due_ms"),
    _number("changed_ms"),
)
_DELIVERY = (eui("device_id"), _number("request"), eui("hub_id"), *_STANDING)
# An entry that changed nothing has no `state`; the other cells of its delivery are empty too.
_ENTRY = (
    _number("number"),
    _number("at_ms"),
    eui_or_none("device_id"),
    _number("request"),
    text("event"),
    text("version"),
    text("state"),
    text("reason"),
    _number_or_none("live"),
    _number_or_none("due_ms"),
    _number("message_octets"),
    Column("message", bytes.fromhex, bytes.hex),
)


def _delivery_cells(delivery: Delivery) -> tuple[object, ...]:
    return (
        delivery.device_id,
        delivery.request,
        delivery.hub_id,
        delivery.version,
        str(delivery.state),
        str(delivery.reason),
        int(delivery.live),
        delivery.due_ms,
        delivery.changed_ms,
    )


def _entry_cells(number: int, entry: JournalEntry) -> tuple[object, ...]:
    after = entry.delivery
    octets = len(entry.message)
    return (
        number,
        entry.at_ms,
        entry.device_id or None,
        entry.request,
        entry.event,
        *(
            ("", "", "", None, None)
            if after is None
            else (
                version_text(after.version),
                str(after.state),
                str(after.reason),
                int(after.live),
                after.due_ms,
            )
        ),
        octets,
        entry.message if octets <= EXPORTED_OCTETS_MAX else b"",
    )
