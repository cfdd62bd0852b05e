"""What a ledger keeps, as rows: the shape in which rules take and give large numbers.

The supplier and the DCC each keep a ledger of their own with these rows. A row is a frozen value;
a rule takes rows and returns rows, a shell reads and writes them in one transaction a batch.
"""

from enum import StrEnum

import msgspec

from hanota.model import DeviceStatus, DeviceType, Region, RequestID


class Device(msgspec.Struct, frozen=True):
    """One device of an inventory: the DCC's (SMI) or a supplier's estate."""

    device_id: int
    type: DeviceType
    manufacturer: str
    model: str
    hardware_version: int | None
    firmware_version: str  # 8 upper-case hex digits, or as it was read where it is no 4 octets
    hub_id: int  # the CHF of its home; its own id for a CHF
    status: DeviceStatus
    suppliers: tuple[int, ...]  # who may update it
    region: Region
    gbcs_version: str  # of the firmware it runs, "4.3"; decides whether a hub has SECMP0007


class ProductStatus(StrEnum):
    """Status of an entry of the Central Products List."""

    ACTIVE = "Active"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"


class ProductEntry(msgspec.Struct, frozen=True):
    """One firmware version of one model on the Central Products List."""

    type: DeviceType
    manufacturer: str
    manufacturer_code: int
    model: str
    hardware_versions: tuple[int, ...]
    firmware_version: str
    hash: bytes  # Manufacturer Image Hash, 32 octets
    status: ProductStatus
    gbcs_version: str
    follows: tuple[str, ...]  # versions that it may follow (MP231); empty: any


class RequestRow(msgspec.Struct, frozen=True):
    """One DUIS request that a party has sent or accepted."""

    number: int  # of this ledger, 1 up
    request_id: RequestID
    command_variant: int
    service_reference: str
    digest: bytes  # SHA-256 of the body as it travelled: a repeat has the same
    image_hash: bytes | None  # SHA-256 of the OTA file
    version: int | None  # file version of the image
    at_ms: int
    answer: bytes | None  # the synchronous answer as it was sent or received


class Delivery(msgspec.Struct, frozen=True):
    """Where one device is in one request."""

    device_id: int
    request: int  # number of the RequestRow
    hub_id: int
    version: int  # file version of the image
    state: str  # a Milestone or an Outcome
    reason: str  # the LeftOut reason, else empty
    live: bool  # something is still expected; at most one live delivery a device
    due_ms: int | None  # when silence becomes an answer
    changed_ms: int


class Command(msgspec.Struct, frozen=True):
    """One GBCS command for one device, from the request that asks for it to what came of it.

    Originator, device and counter are those of its header: what an answer names.
    """

    request: int  # number of the RequestRow that first asked for it
    device_id: int  # Business Target
    originator: int  # Business Originator
    counter: int  # Originator Counter
    state: str
    live: bool  # something is still expected, by `due_ms`
    due_ms: int | None
    changed_ms: int
    gbcs: bytes  # the message as it stands: pre-command, or as it was sent; empty before


class JournalEntry(msgspec.Struct, frozen=True):
    """One thing that happened, never changed afterwards."""

    at_ms: int
    device_id: int  # 0 where it concerns no single device
    request: int  # number of the RequestRow, 0 where none is known
    event: str  # the evidence or act, in the rule's own word
    delivery: Delivery | None  # the row as it stands afterwards, None where nothing changed
    message: bytes  # the original octets, empty where there are none


class Outgoing(msgspec.Struct, frozen=True):
    """One message that waits in the outbox until its receiver has taken it."""

    number: int  # order of recording; 0 before it is recorded
    receiver: int  # EUI-64 of a hub or a user
    body: bytes
    due_ms: int  # not before
    tries: int


class MessageKey(msgspec.Struct, frozen=True):
    """What makes a GBCS message that message, whatever its signature octets."""

    originator: int
    target: int
    cra: int
    counter: int
