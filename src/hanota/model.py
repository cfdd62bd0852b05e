"""The nouns that every floor shares: identifiers, device kinds, milestones, outcomes, reasons.

An EUI-64 is an `int` everywhere inside, 0 to 2^64-1, and text or octets only at the edges.
An instant is an `int` of milliseconds since 1970-01-01T00:00Z; names of instants end in `_ms`.
A firmware version is 4 octets big-endian, an `int` inside and 8 upper-case hex digits outside.
"""

import re
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from functools import lru_cache

import msgspec

from hanota.errors import LocalError

_EUI = re.compile(r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}", re.ASCII)


def eui_text(eui: int) -> str:
    """Write an EUI-64 as the standard does: `00-DB-12-34-56-78-90-A4`."""
    return eui.to_bytes(8, "big").hex("-").upper()


def eui_from_text(text: str) -> int:
    """Read an EUI-64 of eight dashed hex pairs, any case; LocalError when it is none.

    For names that our own side gives (a command line, a file name); wire decoders check the
    form themselves and raise RemoteError.
    """
    if not _EUI.fullmatch(text):
        raise LocalError(
            f"{text!r} is no device id: write eight hex pairs, 00-DB-12-34-56-78-90-A4"
        )
    return int(text.replace("-", ""), 16)


def version_text(version: int) -> str:
    """Write a firmware version as 8 upper-case hex digits."""
    return f"{version:08X}"


@lru_cache(maxsize=64)
def gbcs_at_least(version: str, minimum: str) -> bool:
    """Whether a GBCS version such as "4.3" reaches another; one that cannot be read does not."""
    numbers = version.split(".")
    if not all(number.isdecimal() and number.isascii() for number in numbers):
        return False
    return tuple(map(int, numbers)) >= tuple(map(int, minimum.split(".")))


def utc(instant_ms: int) -> datetime:
    """The instant as an aware datetime in UTC."""
    return datetime.fromtimestamp(instant_ms // 1000, UTC).replace(
        microsecond=instant_ms % 1000 * 1000
    )


def instant_ms(moment: datetime) -> int:
    """An aware datetime as milliseconds since 1970-01-01T00:00Z."""
    return round(moment.timestamp() * 1000)


class RequestID(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """`originator:target:counter` of DUIS; compared case-blind, because EUIs are ints here."""

    originator: int
    target: int
    counter: int

    def __str__(self) -> str:
        return f"{eui_text(self.originator)}:{eui_text(self.target)}:{self.counter}"


class DeviceType(StrEnum):
    """What a device is; the words are those of the DUIS schema's DeviceType."""

    ESME = "ESME"
    GSME = "GSME"
    GPF = "GPF"
    CHF = "CHF"
    HCALCS = "HCALCS"
    PPMID = "PPMID"
    IHD = "IHD"  # left out of the modification: never updated over the air
    CAD = "CAD"


class DeviceStatus(StrEnum):
    """The words of the DUIS schema's DeviceStatus."""

    PENDING = "Pending"
    WHITELISTED = "Whitelisted"
    INSTALLED_NOT_COMMISSIONED = "InstalledNotCommissioned"
    COMMISSIONED = "Commissioned"
    SUSPENDED = "Suspended"
    DECOMMISSIONED = "Decommissioned"
    WITHDRAWN = "Withdrawn"
    RECOVERY = "Recovery"
    RECOVERED = "Recovered"


class Region(StrEnum):
    """The three regions of the communications service providers."""

    NORTH = "North"
    CENTRAL = "Central"
    SOUTH = "South"


class KeyUsage(IntEnum):
    """What a certificate's key is for: the bits that SMKI certificates have, one each."""

    DIGITAL_SIGNATURE = 0
    KEY_AGREEMENT = 1


class Role(IntEnum):
    """Remote party roles of SMKI organisation certificates (OU of the subject, in hex)."""

    ROOT = 0x00
    RECOVERY = 0x01
    SUPPLIER = 0x02
    NETWORK_OPERATOR = 0x03
    ACCESS_CONTROL_BROKER = 0x04
    TRANSITIONAL_COS = 0x05
    WAN_PROVIDER = 0x06
    ISSUING_AUTHORITY = 0x07
    LOAD_CONTROLLER = 0x08
    OTHER_USER = 0x7F
    XML_SIGNING = 0x87
    DSP_XML_SIGNING = 0x89


class Milestone(StrEnum):
    """How far one device is in one update; on the way, not at the end."""

    REQUESTED = "requested"  # sent by the supplier, not yet answered by the DCC
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    TRANSFERRED = "transferred"
    DISTRIBUTED = "distributed"
    ACTIVATION_REQUESTED = "activation-requested"  # an 11.3 is sent, not yet answered
    ACTIVATION_ACCEPTED = "activation-accepted"


class Outcome(StrEnum):
    """How one device ended in one update; `left-out` carries a `LeftOut` reason beside it."""

    UPDATED = "updated"
    UPDATED_LATE = "updated-late"
    LEFT_OUT = "left-out"
    NOT_DELIVERED = "not-delivered"
    DISCARDED = "discarded"
    HARDWARE_MISMATCH = "hardware-mismatch"
    TRANSFER_FAILED = "transfer-failed"
    VERIFICATION_FAILED = "verification-failed"
    ACTIVATION_FAILED = "activation-failed"
    NO_IMAGE = "no-image"
    HASH_MISMATCH = "hash-mismatch"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    SILENT = "silent"


class LeftOutList(StrEnum):
    """The five lists of a DUIS firmware warning, in the schema's order."""

    INVALID_DEVICE = "InvalidDeviceIDList"
    NOT_COMMISSIONED = "NotCommissionedDeviceIDList"
    NOT_APPLICABLE_FIRMWARE = "NotApplicableFirmwareDeviceIDList"
    OTHER_REQUEST_IN_PROGRESS = "OtherRequestInProgressList"
    INVALID_GBCS_VERSION = "InvalidGBCSVersionList"


class LeftOut(StrEnum):
    """Why a device is left out of an update (an assignment of this project)."""

    UNKNOWN_DEVICE = "unknown-device"
    NOT_YOUR_DEVICE = "not-your-device"
    WRONG_TYPE = "wrong-type"
    NOT_COMMISSIONED = "not-commissioned"
    NO_PRODUCT_ENTRY = "no-product-entry"
    ENTRY_NOT_ACTIVE = "entry-not-active"
    WRONG_MODEL = "wrong-model"
    WRONG_HARDWARE = "wrong-hardware"
    NOT_ON_PATHWAY = "not-on-pathway"
    IN_PROGRESS = "in-progress"
    HUB_TOO_OLD = "hub-too-old"
    GBCS_TOO_OLD = "gbcs-too-old"


LIST_OF_REASON = {
    LeftOut.UNKNOWN_DEVICE: LeftOutList.INVALID_DEVICE,
    LeftOut.NOT_YOUR_DEVICE: LeftOutList.INVALID_DEVICE,
    LeftOut.WRONG_TYPE: LeftOutList.INVALID_DEVICE,
    LeftOut.NOT_COMMISSIONED: LeftOutList.NOT_COMMISSIONED,
    LeftOut.NO_PRODUCT_ENTRY: LeftOutList.NOT_APPLICABLE_FIRMWARE,
    LeftOut.ENTRY_NOT_ACTIVE: LeftOutList.NOT_APPLICABLE_FIRMWARE,
    LeftOut.WRONG_MODEL: LeftOutList.NOT_APPLICABLE_FIRMWARE,
    LeftOut.WRONG_HARDWARE: LeftOutList.NOT_APPLICABLE_FIRMWARE,
    LeftOut.NOT_ON_PATHWAY: LeftOutList.NOT_APPLICABLE_FIRMWARE,
    LeftOut.IN_PROGRESS: LeftOutList.OTHER_REQUEST_IN_PROGRESS,
    LeftOut.HUB_TOO_OLD: LeftOutList.INVALID_GBCS_VERSION,
    LeftOut.GBCS_TOO_OLD: LeftOutList.INVALID_GBCS_VERSION,
}
