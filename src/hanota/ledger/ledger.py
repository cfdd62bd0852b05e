"""One party's ledger, from a URL: opened, read, changed in batches, verified.

One thread at a time uses a Ledger; any number of processes may open the same one, of which one
writes at a time while the others wait.

Not here: what URLs there are (`urls`), and how a ledger gets newer tables (`versions`).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hanota.errors import LocalError
from hanota.ledger.batch import Batch
from hanota.ledger.campaigns import Follower
from hanota.ledger.database import Database
from hanota.ledger.mark import Mark
from hanota.ledger.retention import drop_journal
from hanota.ledger.verify import faults
from hanota.ledger.versions import (
    BATCHES,
    begin_epoch,
    identity,
    open_ledger,
    reached,
    upgrade,
)
from hanota.ledger.view import View
from hanota.limits import LEDGER_EPOCH_VALUES

__all__ = ["Batch", "Ledger", "View", "accept_restored", "upgrade"]


class Ledger:
    """An open ledger; made by `Ledger.open`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._follower: Follower | None = None
        self._mark: Mark | None = None

    @classmethod
    def open(cls, url: str, *, owner: str | None = None, marks: Path | None = None) -> Self:
        """Open the ledger of `owner` ("supplier", "dcc"), and make it where there is none.

        Without an owner it has to exist, and may be anyone's. LocalError when it is another
        owner's, older or newer than this program, no ledger at all, or cannot be opened.

        `marks` is a folder that is not backed up with the ledger, for who writes it for good: there
        it keeps how far the ledger has come. LocalError when the ledger is behind that.
        """
        ledger = cls(open_ledger(url, owner))
        try:
            if marks is not None:
                ledger._keep_mark(marks)
        except LocalError:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let the ledger go; what was not committed is undone."""
        self._database.close()
        if self._mark is not None:
            self._mark.close()

    def follow(self, follower: Follower) -> None:
        """Let `follower` be told of every delivery that moves, inside the batch that moves it.

        So what is kept beside deliveries (campaigns) is never behind them. A ledger has one.
        """
        self._follower = follower

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """One transaction that reads and writes; committed, on the disk, when the `with` ends.

        Nothing of it is kept when an exception leaves the `with`: ConflictError where a constraint
        was broken, LocalError where the database failed or a batch is open already, and any of the
        caller's own.
        """
        with self._database.transaction(writing=True):
            batch = Batch(self._database, self._follower)
            yield batch
            if self._mark is not None:
                batch.next_counter(BATCHES)
                here = reached(self._database)
        if self._mark is not None:
            self._mark.write(here)

    @contextmanager
    def view(self) -> Iterator[View]:
        """One transaction that only reads, and does not hold up those who write."""
        with self._database.transaction(writing=False):
            yield View(self._database)

    def verify(self) -> list[str]:
        """What is unsound in the ledger, a sentence each, none when it is sound; reads all of it.

        State and counts are rebuilt from the journal and compared.
        """
        with self._database.transaction(writing=False, whole=True):
            return faults(self._database)

    def drop_journal(self, before_ms: int) -> int:
        """Drop the journal before the first entry made at `before_ms` or later; how many entries.

        What they told last of each delivery and command is kept, and `verify` begins there. The
        newest entry stays. May be stopped at any time, and called again.
        """
        return drop_journal(self._database, before_ms)

    def _keep_mark(self, folder: Path) -> None:
        with self._database.transaction(writing=False):
            name, here = identity(self._database), reached(self._database)
        self._mark = Mark.of(name, folder)
        seen = self._mark.read()
        if seen > here:
            raise LocalError(
                f"{self._database.location} is behind what it has been ({seen.batches} batches in "
                f"epoch {seen.epoch}, now {here.batches} in {here.epoch}): is it a restored "
                "backup? Put a newer one back, or run `hanota ledger accept-restored` first"
            )
        self._mark.write(here)


def accept_restored(url: str, marks: Path) -> int:
    """Let a ledger go on that is behind its mark in the folder `marks`; its new epoch.

    Every counter goes on LEDGER_EPOCH_VALUES beyond what this ledger has given out for each epoch
    that it has missed, so that nothing is used twice that was given out after the backup was made,
    even where the same one is restored again. LocalError when it is not behind.
    """
    with closing(open_ledger(url, None)) as database, database.transaction(writing=True):
        with closing(Mark.of(identity(database), marks)) as mark:
            seen = mark.read()
        here = reached(database)
        if seen <= here:
            raise LocalError(f"{database.location} is not behind its mark: nothing to accept")
        epoch = seen.epoch + 1
        database.change("raise_counters", (epoch - here.epoch) * LEDGER_EPOCH_VALUES)
        begin_epoch(database, epoch)
        return epoch
