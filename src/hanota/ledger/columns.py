"""Rows of the ledger's tables as values, and back: columns in the order of queries.sql.

Ids and counters of 64 bits are unsigned in values and signed in tables, because neither SQLite nor
PostgreSQL has an unsigned integer: the same 64 bits, so small numbers stay as they are. Words are
plain text and flags are 0 or 1 in tables, whatever enumeration they come from.
"""

from collections.abc import Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from hanota.errors import LocalError
from hanota.model import DeviceStatus, DeviceType, Region, RequestID
from hanota.rows import (
    Command,
    Delivery,
    Device,
    JournalEntry,
    MessageKey,
    Outgoing,
    ProductEntry,
    ProductStatus,
    RequestRow,
    Untaken,
)

Row = tuple[Any, ...]

# The first and the last number that a table can keep.
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
_BITS = (1 << 64) - 1

_TYPES = {word.value: word for word in DeviceType}
_STATUSES = {word.value: word for word in DeviceStatus}
_REGIONS = {word.value: word for word in Region}
_PRODUCT_STATUSES = {word.value: word for word in ProductStatus}
_numbers = msgspec.json.Decoder(tuple[int, ...])
_texts = msgspec.json.Decoder(tuple[str, ...])


@lru_cache(maxsize=1_024)
def _suppliers(text: str) -> tuple[int, ...]:
    return _numbers.decode(text)


def signed(number: int) -> int:
    """An unsigned 64-bit number as a table keeps it; LocalError when it is none."""
    if 0 <= number <= HIGHEST:
        return number
    if HIGHEST < number <= _BITS:
        return number - _BITS - 1
    raise LocalError(f"{number} is no unsigned number of 64 bits")


def unsigned(number: int) -> int:
    """A number of a table as the unsigned one that it stands for."""
    return number & _BITS


def device_row(device: Device) -> Row:
    """The parameters of `put_device`."""
    return (
        signed(device.device_id),
        device.type.value,
        device.manufacturer,
        device.model,
        device.hardware_version,
        device.firmware_version,
        signed(device.hub_id),
        device.status.value,
        msgspec.json.encode(device.suppliers).decode(),
        device.region.value,
        device.gbcs_version,
    )


def device(row: Row) -> Device:
    """A row of `devices`."""
    (
        device_id,
        kind,
        manufacturer,
        model,
        hardware_version,
        firmware_version,
        hub_id,
        status,
        suppliers,
        region,
        gbcs_version,
    ) = row
    # Tens of thousands of devices say the same few words: each is kept once.
    return Device(
        device_id & _BITS,
        _TYPES[kind],
        intern(manufacturer),
        intern(model),
        hardware_version,
        intern(firmware_version),
        hub_id & _BITS,
        _STATUSES[status],
        _suppliers(suppliers),
        _REGIONS[region],
        intern(gbcs_version),
    )


def delivery_row(delivery: Delivery, last_entry: int) -> Row:
    """The parameters of `put_delivery`."""
    return (
        signed(delivery.device_id),
        delivery.request,
        signed(delivery.hub_id),
        delivery.version,
        str(delivery.state),
        str(delivery.reason),
        int(delivery.live),
        delivery.due_ms,
        delivery.changed_ms,
        last_entry,
    )


def delivery(row: Row) -> Delivery:
    """A row of `delivery`, but for its last column, the number of its newest entry."""
    device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, _last_entry = row
    return Delivery(
        device_id & _BITS,
        request,
        hub_id & _BITS,
        version,
        state,
        reason,
        live == 1,
        due_ms,
        changed_ms,
    )


def command_row(command: Command) -> Row:
    """The parameters of `put_command`."""
    return (
        signed(command.device_id),
        signed(command.originator),
        signed(command.counter),
        command.request,
        str(command.state),
        int(command.live),
        command.due_ms,
        command.changed_ms,
        command.gbcs,
    )


def command_key(key: MessageKey) -> Row:
    """The first columns of `commands`: the header of a command as a key."""
    return signed(key.target), signed(key.originator), signed(key.counter)


def command(row: Row) -> Command:
    """A row of `command`."""
    device_id, originator, counter, request, state, live, due_ms, changed_ms, gbcs = row
    return Command(
        request,
        device_id & _BITS,
        originator & _BITS,
        counter & _BITS,
        state,
        live == 1,
        due_ms,
        changed_ms,
        gbcs,
    )


def entry_row(entry: JournalEntry, number: int, previous: int) -> Row:
    """The parameters of `add_entry`."""
    after = entry.delivery
    head = (
        number,
        previous,
        entry.at_ms,
        signed(entry.device_id),
        entry.request,
        str(entry.event),
    )
    if after is None:
        return (*head, None, None, None, None, None, None, None, entry.message)
    return (
        *head,
        signed(after.hub_id),
        after.version,
        str(after.state),
        str(after.reason),
        int(after.live),
        after.due_ms,
        after.changed_ms,
        entry.message,
    )


def entry(row: Sequence[Any]) -> JournalEntry:
    """A row of `timeline`."""
    at_ms, device_id, request, event, hub_id, version, state, reason, live, due, changed, octets = (
        row
    )
    after = (
        None
        if state is None
        else delivery((device_id, request, hub_id, version, state, reason, live, due, changed, 0))
    )
    return JournalEntry(at_ms, device_id & _BITS, request, event, after, octets)


def request_row(request: RequestRow) -> Row:
    """The parameters of `put_request`: all but the number."""
    return (
        *request_key(request.request_id, request.command_variant),
        request.service_reference,
        request.digest,
        request.image_hash,
        request.version,
        request.at_ms,
        request.answer,
    )


def request_key(request_id: RequestID, command_variant: int) -> Row:
    """The parameters of `request`."""
    return *request_id_key(request_id), command_variant


def request_id_key(request_id: RequestID) -> Row:
    """The parameters of `requests_under`."""
    return signed(request_id.originator), signed(request_id.target), signed(request_id.counter)


def request(row: Row) -> RequestRow:
    """A row of `request`."""
    number, originator, target, counter, *others = row
    request_id = RequestID(originator & _BITS, target & _BITS, counter & _BITS)
    return RequestRow(number, request_id, *others)


def key_row(key: MessageKey) -> Row:
    """The parameters of `remember_message`."""
    return signed(key.originator), signed(key.target), key.cra, signed(key.counter)


def outgoing_row(outgoing: Outgoing, number: int, ahead: int) -> Row:
    """The parameters of `post`; `ahead` is the number of the message before it in its queue."""
    return (
        number,
        signed(outgoing.receiver),
        signed(outgoing.device_id),
        outgoing.body,
        outgoing.due_ms,
        outgoing.due_ms,
        outgoing.tries,
        ahead,
    )


def outgoing(row: Row) -> Outgoing:
    """A row of `outbox`."""
    number, receiver, body, due_ms, tries, device_id, since_ms = row
    return Outgoing(number, receiver & _BITS, body, due_ms, tries, device_id & _BITS, since_ms)


def untaken(row: Row) -> Untaken:
    """A row of `untaken`."""
    number, at_ms, event, receiver, device_id, body, tries, status = row
    return Untaken(number, at_ms, event, receiver & _BITS, device_id & _BITS, body, tries, status)


def product_row(product: ProductEntry) -> Row:
    """The parameters of `put_product`."""
    return (
        product.type.value,
        product.manufacturer,
        product.manufacturer_code,
        product.model,
        msgspec.json.encode(product.hardware_versions).decode(),
        product.firmware_version,
        product.hash,
        product.status.value,
        product.gbcs_version,
        msgspec.json.encode(product.follows).decode(),
    )


def product(row: Row) -> ProductEntry:
    """A row of `products`."""
    kind, manufacturer, code, model, hardware, firmware, digest, status, gbcs, follows = row
    return ProductEntry(
        _TYPES[kind],
        manufacturer,
        code,
        model,
        _numbers.decode(hardware),
        firmware,
        digest,
        _PRODUCT_STATUSES[status],
        gbcs,
        _texts.decode(follows),
    )
