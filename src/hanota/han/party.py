"""What every node of the Home Area Network is to the shell that runs it."""

from typing import Protocol

from hanota.han.effects import Effects, HanMessage


class Party(Protocol):
    """A node that has power: what it knows beyond its flash is gone when the power is.

    Nothing that anybody sends makes a party raise. The first call is `power_on`, once.
    """

    def power_on(self, now_ms: int) -> Effects:
        """Begin, with what the flash holds."""

    def receive(self, source: int, message: HanMessage, now_ms: int) -> Effects:
        """Take a message from another node of the HAN."""

    def wake(self, token: str, now_ms: int) -> Effects:
        """A Wake that the party has asked for has come."""
