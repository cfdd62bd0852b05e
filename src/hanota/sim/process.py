"""A process of the DCC or a supplier that may be killed and started again from its ledger.

A process is a shell on a ledger. What it had in memory goes with it; the ledger stays, with
everything that was committed and nothing that was not. It dies around a transaction: before it, at
its end but before the commit, or after the commit and before anybody hears of it. Between two
transactions a process has no effect on the world that could be cut in half, so these are all the
places that differ.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

from hanota.ledger.ledger import Batch, Ledger
from hanota.sim.faults import Fault, Luck


class KilledError(Exception):
    """The process whose ledger this is has just died."""


class Moment(Enum):
    """Where in a transaction a process dies."""

    BEFORE = "before a transaction"
    UNCOMMITTED = "with a transaction not yet committed"
    COMMITTED = "with a transaction committed, and nobody told"


class MortalLedger(Ledger):
    """A ledger whose process may die with any transaction; `luck` is None while it may not."""

    luck: Luck | None = None

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """As `Ledger.batch`, and KilledError where the process dies."""
        dies = self._dies()
        if dies is Moment.BEFORE:
            raise KilledError(dies.value)
        with super().batch() as batch:
            yield batch
            if dies is Moment.UNCOMMITTED:
                raise KilledError(dies.value)
        if dies is Moment.COMMITTED:
            raise KilledError(dies.value)

    @contextmanager
    def undisturbed(self) -> Iterator[Batch]:
        """A transaction of the world's own, in which nobody dies."""
        with super().batch() as batch:
            yield batch

    def _dies(self) -> Moment | None:
        luck = self.luck
        if luck is None or not luck.strikes(Fault.KILLED):
            return None
        return luck.stream(Fault.KILLED).choice(list(Moment))


Shell = TypeVar("Shell")


class Process(Generic[Shell]):
    """One organisation's process: `shell` while it runs, and what outlives it.

    Args:
        eui: whose process it is.
        name: for people.
        ledger: its own.
        build: makes the shell anew on the ledger, as the program does when it starts.
    """

    def __init__(
        self, eui: int, name: str, ledger: MortalLedger, build: Callable[[Ledger], Shell]
    ) -> None:
        self.eui = eui
        self.name = name
        self.ledger = ledger
        self.clock_off_ms = 0  # how far its clock is from the world's
        self.shell: Shell | None = None
        self._build = build

    def start(self) -> None:
        """Start the program; a process that runs goes on."""
        if self.shell is None:
            self.shell = self._build(self.ledger)

    def kill(self) -> None:
        """End it at once."""
        self.shell = None
