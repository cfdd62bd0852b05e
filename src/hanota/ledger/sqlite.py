"""SQLite under the ledger, for one machine: a file, or memory.

What another database does otherwise is here and nowhere else: the words in braces, how a list of
ids travels as one parameter, how a transaction begins, and what can be damaged.

Durable means: the write-ahead log is on the disk before a transaction counts as committed
(synchronous FULL), so a cut of power loses nothing that was acknowledged.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from hanota.errors import LocalError
from hanota.ledger.columns import Row
from hanota.ledger.conflict import ConflictError
from hanota.ledger.database import Database
from hanota.ledger.texts import ROWS, queries
from hanota.limits import LEDGER_CACHE_KIB, LEDGER_LOG_PAGES, LEDGER_WAIT_MS

# What the words of the SQL files stand for. STRICT: a column holds its type or nothing.
WORDS = {
    "{integer}": "INTEGER",
    "{octets}": "BLOB",
    "{number}": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "{table}": "STRICT",
    "{clustered}": "STRICT, WITHOUT ROWID",
    "{each}": "(SELECT value FROM json_each(?))",
}
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {LEDGER_LOG_PAGES}",
    f"PRAGMA cache_size = -{LEDGER_CACHE_KIB}",
    "PRAGMA foreign_keys = ON",
    # Some builds overwrite what was deleted with zeros; nothing here is secret.
    "PRAGMA secure_delete = OFF",
)
# The first with STRICT tables; RETURNING is older.
_VERSION_MIN = (3, 37, 0)
# A statement stays prepared: there are fewer of them than this.
_STATEMENTS = 256
_DAMAGES_TOLD = 10
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


class SQLite(Database):
    """One connection to a file, or to memory; for one thread at a time."""

    def __init__(self, location: str) -> None:
        """Open `location`, a path or `:memory:`, and change nothing in it yet.

        LocalError when it cannot be opened.
        """
        self.location = location
        self._queries = {name: spell(text) for name, text in queries().items()}
        if sqlite3.sqlite_version_info < _VERSION_MIN:
            raise LocalError(
                f"this Python comes with SQLite {sqlite3.sqlite_version}: a ledger needs 3.37"
            )
        with self._in_our_words():
            self._connection = sqlite3.connect(
                location,
                timeout=LEDGER_WAIT_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )

    def close(self) -> None:
        """Let the file go. A transaction that is open is undone."""
        self._connection.close()

    def tables(self) -> set[str]:
        """The names of all tables; LocalError when the file is no database."""
        with self._in_our_words():
            return {name for (name,) in self._execute(_TABLES)}

    def tune(self) -> None:
        """Set what makes a ledger durable and fast; to be called on a ledger or an empty file."""
        with self._in_our_words():
            for pragma in PRAGMAS:
                self._execute(pragma)

    @contextmanager
    def transaction(self, *, writing: bool, whole: bool = False) -> Iterator[None]:  # noqa: ARG002 -- nothing to prepare here
        """As of every database; a writer waits LEDGER_WAIT_MS for another."""
        if self._connection.in_transaction:
            raise LocalError("a batch of this ledger is open already: end it first")
        with self._in_our_words():
            self._execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield
                self._execute("COMMIT")
            finally:
                self._undo()

    @contextmanager
    def part(self) -> Iterator[None]:
        """All or nothing of what is done inside, within a transaction; errors as there."""
        self._require_transaction()
        with self._in_our_words():
            self._execute("SAVEPOINT part")
            try:
                yield
            except BaseException:
                # What made SQLite give the whole transaction up has undone this with it.
                if self._connection.in_transaction:
                    self._execute("ROLLBACK TO part")
                raise
            finally:
                if self._connection.in_transaction:
                    self._execute("RELEASE part")

    def build(self, statements: Iterable[str]) -> None:
        """Run statements of a migration."""
        for statement in statements:
            self._execute(spell(statement))

    def rows(self, name: str, *parameters: object) -> list[Row]:
        """All rows of a named query."""
        return self._run(name, parameters).fetchall()

    def each_row(self, name: str, *parameters: object) -> Iterator[Row]:
        """The rows of a named query as they are taken, without a list of them all."""
        return self._run(name, parameters)

    def select(self, statement: str, parameters: Iterable[object]) -> Iterator[Row]:
        """The rows of a query that the ledger itself has put together; values are parameters."""
        self._require_transaction()
        return self._execute(statement, tuple(parameters))

    def change(self, name: str, *parameters: object) -> int:
        """Run a named change; how many rows it changed."""
        return self._run(name, parameters).rowcount

    def change_each(self, name: str, rows: Iterable[Row]) -> None:
        """Run a named change once for each row of parameters."""
        self._require_transaction()
        self._connection.executemany(self._queries[name], rows)

    def put_new(self, name: str, rows: Iterable[Row]) -> list[bool]:
        """As of every database."""
        self._require_transaction()
        statement = self._queries[name]
        execute = self._connection.cursor().execute
        return [execute(statement, row).fetchone() is not None for row in rows]

    def each(self, ids: Iterable[int]) -> str:
        """A list of ids as the one parameter that `{each}` takes."""
        return msgspec.json.encode(list(ids)).decode()

    def damages(self) -> list[str]:
        """What is wrong with the file itself: its pages, its indexes and its constraints."""
        told = [line for (line,) in self._execute(f"PRAGMA integrity_check({_DAMAGES_TOLD})")]
        return [] if told == ["ok"] else told

    def _run(self, name: str, parameters: Row) -> sqlite3.Cursor:
        self._require_transaction()
        return self._execute(self._queries[name], parameters)

    def _execute(self, statement: str, parameters: Row = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, parameters)

    def _undo(self) -> None:
        # After a commit, and after what made SQLite itself give up, there is nothing to undo.
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def _require_transaction(self) -> None:
        # Outside one, SQLite would commit each statement on its own.
        if not self._connection.in_transaction:
            raise LocalError("the batch is over: open another")

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise ConflictError(f"nothing of the batch was written: {error}") from error
        except sqlite3.Error as error:
            raise LocalError(f"the ledger {self.location} does not answer: {error}") from error


def spell(text: str) -> str:
    """SQL of the files as this database wants it: the words in braces replaced."""
    for word, spelling in WORDS.items():
        text = text.replace(word, spelling)
    return ROWS.sub(lambda kinds: f"VALUES ({', '.join('?' * len(kinds[1]))})", text)
