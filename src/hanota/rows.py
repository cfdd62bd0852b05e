"""What a ledger keeps, as rows: the shape in which rules take and give large numbers.

The supplier and the DCC each keep a ledger of their own with these rows. A row is a frozen value;
a rule takes rows and returns rows, a shell reads and writes them in one transaction a batch. It
holds only what was there before it, so it is never part of a cycle that a collector had to find.
"""

from enum import StrEnum

import msgspec

from hanota.model import DeviceStatus, DeviceType, Region, RequestID


class Device(msgspec.Struct, frozen=True, gc=False):
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


class ProductEntry(msgspec.Struct, frozen=True, gc=False):
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


class RequestRow(msgspec.Struct, frozen=True, gc=False):
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


class Delivery(msgspec.Struct, frozen=True, gc=False):
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


class Command(msgspec.Struct, frozen=True, gc=False):
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


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened, never changed afterwards."""

    at_ms: int
    device_id: int  # 0 where it concerns no single device
    request: int  # number of the RequestRow, 0 where none is known
    event: str  # the evidence or act, in the rule's own word
    delivery: Delivery | None  # the row as it stands afterwards, None where nothing changed
    message: bytes  # the original octets, empty where there are none


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One message that waits in the outbox until its receiver has taken it."""

    number: int  # order of recording; 0 before it is recorded
    receiver: int  # EUI-64 of a hub or a user
    body: bytes
    due_ms: int  # not before
    tries: int
    # What a receiver is told of one device it is told in order: a message waits until those before
    # it are taken. 0: it waits for none.
    device_id: int = 0
    since_ms: int = 0  # the first `due_ms`; the ledger sets it


class Untaken(msgspec.Struct, frozen=True, gc=False):
    """One message that left the outbox although its receiver has not taken it."""

    number: int  # of the journal entry that says so
    at_ms: int
    event: str  # why, in the rule's own word
    receiver: int
    device_id: int
    body: bytes
    tries: int
    status: int | None  # the HTTP status of the last answer, None where there was none


class MessageKey(msgspec.Struct, frozen=True, gc=False):
    """What makes a GBCS message that message, whatever its signature octets."""

    originator: int
    target: int
    cra: int
    counter: int


class Release(msgspec.Struct, frozen=True, gc=False):
    """An image that a supplier's campaigns may bring, with what its OTA header says."""

    name: str
    sha256: bytes  # of the OTA file, 32 octets
    hash: bytes  # Manufacturer Image Hash, 32 octets
    type: DeviceType
    manufacturer_code: int
    version: str  # 8 upper-case hex digits
    hardware_min: int | None  # both or neither
    hardware_max: int | None
    added_by: str
    added_ms: int
    expires_ms: int | None  # nothing of it is sent from then on
    withdrawn_ms: int | None


class Campaign(msgspec.Struct, frozen=True, gc=False):
    """One campaign of a supplier, as it stands."""

    number: int  # of this ledger, 1 up; 0 before it is recorded
    name: str
    author: str
    plan: bytes  # JSON, see `supplier.campaign.plan`
    state: str
    why: str  # why it is in this state, or waits
    revision: int  # the ledger counts the changes
    digest: bytes | None  # of plan, image and devices, as approved
    version: str  # that its devices end with; empty before the start
    wave: int  # the newest that has begun
    wave_bounds: tuple[int, ...]  # see `supplier.campaign.waves`
    proven_since_ms: int | None
    counted_from_ms: int  # its halts look back no further
    look_ms: int | None  # when there is something to do, though nothing happens before
    joined_ms: int  # when it last looked for devices that came into its cohort


class CampaignAct(msgspec.Struct, frozen=True, gc=False):
    """One thing that somebody did to a campaign, never changed afterwards."""

    campaign: int
    at_ms: int
    actor: str
    act: str
    why: str
    digest: bytes | None  # what was approved


class CampaignDevice(msgspec.Struct, frozen=True, gc=False):
    """Where one device of a campaign is."""

    device_id: int
    campaign: int
    wave: int
    region: Region
    state: str  # a DeviceState or an Outcome
    reason: str  # why it was left out, or what its last try ended in
    request: int | None  # the last that it was asked in
    tries: int  # of the step of the pathway that it is at
    next_try_ms: int | None
