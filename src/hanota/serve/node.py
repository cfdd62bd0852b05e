"""A node of the Home Area Network as its shell sees it, and what can happen to one."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from hanota.han.flash import Flash, FlashView
from hanota.han.party import Party


class Node:
    """What stays when the power goes, and the party that goes with it.

    `clock_off_ms` is how far its clock is from that of the shell.
    """

    __slots__ = ("clock_off_ms", "flash", "hub_id", "node_id", "party", "start")

    def __init__(
        self, node_id: int, hub_id: int, flash: Flash, start: Callable[[FlashView], Party]
    ) -> None:
        self.node_id = node_id
        self.hub_id = hub_id
        self.flash = flash
        self.start = start
        self.clock_off_ms = 0
        self.party: Party | None = None


class PowerOn(msgspec.Struct, frozen=True, gc=False):
    """A node comes up; ids are EUI-64s."""

    node_id: int


class WakeUp(msgspec.Struct, frozen=True, gc=False):
    """A Wake that a party asked for is due."""

    node_id: int
    token: str


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A ZCL frame arrives."""

    source: int
    target: int
    cluster_id: int
    frame: bytes


class Span(msgspec.Struct, frozen=True, gc=False):
    """Blocks of an image, from `offset` on, have all arrived (depth `flow`)."""

    source: int
    target: int
    offset: int
    data: bytes


Event: TypeAlias = PowerOn | WakeUp | Arrival | Span
