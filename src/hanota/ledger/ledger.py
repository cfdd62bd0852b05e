"""One party's ledger, from a URL: opened, brought to a newer version, changed in batches.

`sqlite:///FILE` is a file (`sqlite:////var/lib/...` is absolute), `sqlite://` memory, for tests
and short simulations. One thread at a time uses a Ledger; any number of processes may open the
same file, of which one writes at a time while the others wait.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hanota.errors import LocalError
from hanota.ledger.batch import Batch
from hanota.ledger.sqlite import SQLite
from hanota.ledger.texts import migrations
from hanota.ledger.verify import faults
from hanota.ledger.view import View

__all__ = ["Batch", "Ledger", "View", "upgrade"]

_SCHEME = "sqlite://"
_MEMORY = ":memory:"
_VERSION, _OWNER = "version", "owner"
# What every version has.
_TABLES = {"meta", "journal", "delivery"}


class Ledger:
    """An open ledger; made by `Ledger.open`."""

    def __init__(self, database: SQLite) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, *, owner: str | None = None) -> Self:
        """Open the ledger of `owner` ("supplier", "dcc"), and make it where there is none.

        Without an owner it has to exist, and may be anyone's. LocalError when it is another
        owner's, older or newer than this program, no ledger at all, or cannot be opened.
        """
        location = _location(url)
        if owner is None:
            _require_file(location)
        database = SQLite(location)
        try:
            _open(database, url, owner)
        except LocalError:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Let the ledger go; what was not committed is undone."""
        self._database.close()

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
            yield Batch(self._database)

    @contextmanager
    def view(self) -> Iterator[View]:
        """One transaction that only reads, and does not hold up those who write."""
        with self._database.transaction(writing=False):
            yield View(self._database)

    def verify(self) -> list[str]:
        """What is unsound in the ledger, a sentence each, none when it is sound; reads all of it.

        State and counts are rebuilt from the journal and compared.
        """
        with self._database.transaction(writing=False):
            return faults(self._database)


def upgrade(url: str) -> tuple[int, int]:
    """Bring an older ledger to the version of this program, or leave it wholly as it was.

    Gives the versions before and after. LocalError when it is newer than this program, no ledger
    at all, or cannot be opened.
    """
    location = _location(url)
    _require_file(location)
    with closing(SQLite(location)) as database, database.transaction(writing=True):
        before = _version(database, url)
        if before == 0:
            raise LocalError(f"{url} holds no ledger")
        _migrate(database, before)
        return before, len(migrations())


def _location(url: str) -> str:
    if url == _SCHEME:
        return _MEMORY
    name = url.removeprefix(f"{_SCHEME}/")
    if name in ("", url):
        raise LocalError(f"{url!r} names no ledger: write sqlite:///FILE")
    return str(Path(name).absolute())


def _require_file(location: str) -> None:
    if not Path(location).is_file():
        raise LocalError(f"there is no ledger {location}")


def _open(database: SQLite, url: str, owner: str | None) -> None:
    with database.transaction(writing=False):
        version = _version(database, url)
    if version == 0 and owner is None:
        raise LocalError(f"{url} holds no ledger")
    if 0 < version < len(migrations()):
        raise LocalError(f"{url} is older than this program: run `hanota ledger upgrade` first")
    database.tune()
    if version == 0 and owner is not None:
        with database.transaction(writing=True):
            _create(database, owner)
    with database.transaction(writing=False):
        its_owner = _told(database, url, _OWNER)
    if owner not in (None, its_owner):
        raise LocalError(f"{url} is the ledger of {its_owner!r}, not of {owner!r}")


def _create(database: SQLite, owner: str) -> None:
    if not database.tables():  # else another process was first
        _migrate(database, 0)
        database.change("declare", _OWNER, owner)


def _migrate(database: SQLite, version: int) -> None:
    for statements in migrations()[version:]:
        database.build(statements)
    database.change("declare", _VERSION, str(len(migrations())))


def _version(database: SQLite, url: str) -> int:
    """The version of the tables, 0 where there are none; LocalError when it is a newer one."""
    tables = database.tables()
    if not tables:
        return 0
    if not tables >= _TABLES:
        raise LocalError(f"{url} is a database, but no ledger")
    version = _told(database, url, _VERSION)
    if not version.isdecimal() or int(version) > len(migrations()):
        raise LocalError(
            f"{url} is of version {version}, newer than this program, which knows versions up to "
            f"{len(migrations())}: use a newer hanota"
        )
    return int(version)


def _told(database: SQLite, url: str, name: str) -> str:
    row = database.row("tell", name)
    if row is None:
        raise LocalError(f"{url} is a database, but no ledger")
    return str(row[0])
