"""One party's ledger, from a URL: opened, brought to a newer version, changed in batches.

One thread at a time uses a Ledger; any number of processes may open the same one, of which one
writes at a time while the others wait.

Not here: what URLs there are (`urls`).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Self

from hanota.errors import LocalError
from hanota.ledger.batch import Batch
from hanota.ledger.campaigns import Follower
from hanota.ledger.database import Database
from hanota.ledger.texts import migrations
from hanota.ledger.urls import connect
from hanota.ledger.verify import faults
from hanota.ledger.view import View

__all__ = ["Batch", "Ledger", "View", "upgrade"]

_VERSION, _OWNER = "version", "owner"
# What every version has.
_TABLES = {"meta", "journal", "delivery"}


class Ledger:
    """An open ledger; made by `Ledger.open`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._follower: Follower | None = None

    @classmethod
    def open(cls, url: str, *, owner: str | None = None) -> Self:
        """Open the ledger of `owner` ("supplier", "dcc"), and make it where there is none.

        Without an owner it has to exist, and may be anyone's. LocalError when it is another
        owner's, older or newer than this program, no ledger at all, or cannot be opened.
        """
        database = connect(url, may_make=owner is not None)
        try:
            _open(database, owner)
        except LocalError:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Let the ledger go; what was not committed is undone."""
        self._database.close()

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
            yield Batch(self._database, self._follower)

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


def upgrade(url: str) -> tuple[int, int]:
    """Bring an older ledger to the version of this program, or leave it wholly as it was.

    Gives the versions before and after. LocalError when it is newer than this program, no ledger
    at all, or cannot be opened.
    """
    with (
        closing(connect(url, may_make=False)) as database,
        database.transaction(writing=True, whole=True),
    ):
        before = _version(database)
        if before == 0:
            raise LocalError(f"{database.location} holds no ledger")
        _migrate(database, before)
        return before, len(migrations())


def _open(database: Database, owner: str | None) -> None:
    with database.transaction(writing=False):
        version = _version(database)
    if version == 0 and owner is None:
        raise LocalError(f"{database.location} holds no ledger")
    if 0 < version < len(migrations()):
        raise LocalError(
            f"{database.location} is older than this program: run `hanota ledger upgrade` first"
        )
    database.tune()
    if version == 0 and owner is not None:
        with database.transaction(writing=True):
            _create(database, owner)
    with database.transaction(writing=False):
        its_owner = _told(database, _OWNER)
    if owner not in (None, its_owner):
        raise LocalError(f"{database.location} is the ledger of {its_owner!r}, not of {owner!r}")


def _create(database: Database, owner: str) -> None:
    if not database.tables():  # else another process was first
        _migrate(database, 0)
        database.change("declare", _OWNER, owner)


def _migrate(database: Database, version: int) -> None:
    for statements in migrations()[version:]:
        database.build(statements)
    database.change("declare", _VERSION, str(len(migrations())))


def _version(database: Database) -> int:
    """The version of the tables, 0 where there are none; LocalError when it is a newer one."""
    tables = database.tables()
    if not tables:
        return 0
    if not tables >= _TABLES:
        raise LocalError(f"{database.location} is a database, but no ledger")
    version = _told(database, _VERSION)
    if not version.isdecimal() or int(version) > len(migrations()):
        raise LocalError(
            f"{database.location} is of version {version}, newer than this program, which knows "
            f"versions up to {len(migrations())}: use a newer hanota"
        )
    return int(version)


def _told(database: Database, name: str) -> str:
    row = database.row("tell", name)
    if row is None:
        raise LocalError(f"{database.location} is a database, but no ledger")
    return str(row[0])
