"""Which database a URL names, and a connection to it.

`sqlite:///FILE` is a file (`sqlite:////var/lib/...` is absolute), `sqlite://` memory, for tests
and short simulations. `postgresql://USER@HOST/DATABASE` is as libpq reads it; the ledger is in the
first schema of the search path (`?options=-csearch_path%3DNAME` sets one).
"""

from pathlib import Path

from hanota.errors import LocalError
from hanota.ledger.database import Database
from hanota.ledger.sqlite import SQLite

_MEMORY = "sqlite://"
_FILE = "sqlite:///"
_SERVER = ("postgresql://", "postgres://")


def connect(url: str, *, may_make: bool) -> Database:
    """Connect to the database; a file that is not there is made, empty, where that `may_make`.

    LocalError when the URL names none, or it cannot be opened.
    """
    if url.startswith(_SERVER):
        return _server(url)
    if url == _MEMORY:
        return SQLite(":memory:")
    name = url.removeprefix(_FILE)
    if name in ("", url):
        raise LocalError(
            f"{url!r} names no ledger: write sqlite:///FILE or postgresql://HOST/DATABASE"
        )
    path = Path(name).absolute()
    if not (may_make or path.is_file()):
        raise LocalError(f"there is no ledger {path}")
    return SQLite(str(path))


def _server(url: str) -> Database:
    try:
        from hanota.ledger.postgresql import PostgreSQL  # noqa: PLC0415 -- an extra of the package
    except ModuleNotFoundError as error:
        raise LocalError(
            "a ledger on PostgreSQL needs psycopg: pip install 'hanota[postgresql]'"
        ) from error
    return PostgreSQL(url)
