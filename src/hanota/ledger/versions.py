"""What a ledger says of itself: the version of its tables, whose it is, and which one it is.

A ledger is made by all migrations in turn, and brought to a newer version by those that it has not
had, in one transaction.
"""

import secrets
from contextlib import closing

from hanota.errors import LocalError
from hanota.ledger.database import Database
from hanota.ledger.mark import Reached
from hanota.ledger.texts import migrations
from hanota.ledger.urls import connect

# The counter of the batches that were committed under a mark.
BATCHES = "batches"

_VERSION, _OWNER, _ID, _EPOCH = "version", "owner", "id", "epoch"
# What every version has.
_TABLES = {"meta", "journal", "delivery"}
_ID_OCTETS = 8


def open_ledger(url: str, owner: str | None) -> Database:
    """The database of the ledger of `owner`, made where there is none; errors as `Ledger.open`."""
    database = connect(url, may_make=owner is not None)
    try:
        _open(database, owner)
    except LocalError:
        database.close()
        raise
    return database


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


def identity(database: Database) -> str:
    """What tells this ledger from every other, whatever happens to it."""
    return _told(database, _ID)


def reached(database: Database) -> Reached:
    """How far the ledger has come, as a mark says it."""
    row = database.row("counter", BATCHES)
    return Reached(int(_told(database, _EPOCH)), 0 if row is None else row[0])


def begin_epoch(database: Database, epoch: int) -> None:
    """From here on this epoch counts."""
    database.change("declare", _EPOCH, str(epoch))


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
    if database.row("tell", _ID) is None:
        database.change("declare", _ID, secrets.token_hex(_ID_OCTETS))
        begin_epoch(database, 1)


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
