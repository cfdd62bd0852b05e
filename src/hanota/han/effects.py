"""What a party of the Home Area Network asks of the shell that runs it.

A party has no radio, flash or clock. It returns effects, and the shell carries them out one after
the other, in their order: record first, then send. Power may fail between any two of them; the
party is then gone and a new one starts from the same flash. So whatever must be true together
stands in ONE Record, and a party that needs to read what it has just written asks to be woken at
once and reads it then.
"""

from typing import TypeAlias

import msgspec

from hanota.wire import ota_codec
from hanota.wire.tunnel import TunnelMessage
from hanota.wire.wan import WanMessage

HanMessage: TypeAlias = ota_codec.Message | TunnelMessage


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send a message on the HAN; it may get lost."""

    to: int  # EUI-64
    message: HanMessage


class SendWan(msgspec.Struct, frozen=True):
    """Hand a recorded message to the WAN, which keeps trying until the DCC acknowledges it."""

    number: int  # by which the acknowledgement names it
    message: WanMessage


class Record(msgspec.Struct, frozen=True):
    """Keep small values in flash: all of them or none, whenever power fails; None removes one."""

    values: dict[str, bytes | None]


class EraseSlot(msgspec.Struct, frozen=True, gc=False):
    """Empty an image slot."""

    slot: int


class WriteSlot(msgspec.Struct, frozen=True, gc=False):
    """Append to an image slot; `offset` is where its content ends. Power may tear it: a prefix."""

    slot: int
    offset: int
    data: bytes


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Call `wake` with this token at this instant; replaces an earlier Wake with the token."""

    at_ms: int
    token: str


class Restart(msgspec.Struct, frozen=True, gc=False):
    """Reset the node; always the last effect of a step."""


Effect: TypeAlias = Send | SendWan | Record | EraseSlot | WriteSlot | Wake | Restart
Effects: TypeAlias = tuple[Effect, ...]
