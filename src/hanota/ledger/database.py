"""What the ledger asks of a database; `sqlite` and `postgresql` are the two that there are.

Statements have names (`texts`); a database spells the words in braces, runs them, and speaks of
failures in the ledger's own words. What is written at once by many is one call with many rows.

Writing transactions of one ledger come one after the other, whoever writes: a rule reads and
decides as if it were alone (docs/adr/0004). Reading transactions wait for nobody.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from hanota.ledger.columns import Row


class Database(ABC):
    """One connection to the database of one ledger; for one thread at a time."""

    # Where the ledger is, for people: without passwords.
    location: str

    @abstractmethod
    def close(self) -> None:
        """Let the database go. A transaction that is open is undone."""

    @abstractmethod
    def tables(self) -> set[str]:
        """The names of all tables; LocalError when there is no database."""

    @abstractmethod
    def tune(self) -> None:
        """Set what makes a ledger durable and fast; for a ledger, or what is to become one."""

    @abstractmethod
    def transaction(self, *, writing: bool, whole: bool = False) -> AbstractContextManager[None]:
        """All or nothing of what is done inside; one that is not writing sees one moment.

        `whole`: it reads whole tables. ConflictError when a constraint was broken or the database
        chose another writer, LocalError for any other failure; then, and after an exception of the
        caller, nothing was written. Only when the database goes away during the commit it may have
        been: whoever repeats the batch finds its messages seen and its RequestIDs used.
        """

    @abstractmethod
    def part(self) -> AbstractContextManager[None]:
        """All or nothing of what is done inside, within a transaction; errors as there."""

    @abstractmethod
    def build(self, statements: Iterable[str]) -> None:
        """Run statements of a migration."""

    @abstractmethod
    def rows(self, name: str, *parameters: object) -> list[Row]:
        """All rows of a named query."""

    @abstractmethod
    def each_row(self, name: str, *parameters: object) -> Iterator[Row]:
        """The rows of a named query as they are taken, without a list of them all."""

    @abstractmethod
    def select(self, statement: str, parameters: Iterable[object]) -> Iterator[Row]:
        """The rows of a query that the ledger itself has put together; values are parameters."""

    @abstractmethod
    def change(self, name: str, *parameters: object) -> int:
        """Run a named change; how many rows it changed."""

    @abstractmethod
    def change_each(self, name: str, rows: Iterable[Row]) -> None:
        """Run a named change for each row of parameters.

        A change with `{rows:...}` runs once for all of them, so no two may be about the same row of
        the table.
        """

    @abstractmethod
    def put_new(self, name: str, rows: Iterable[Row]) -> list[bool]:
        """Insert rows by a named change that gives back those that were new.

        True for each that was; of two equal ones the second is not new.
        """

    @abstractmethod
    def each(self, ids: Iterable[int]) -> object:
        """A list of ids as the one parameter that `{each}` takes."""

    @abstractmethod
    def damages(self) -> list[str]:
        """What is wrong with the files themselves, as far as this database can tell."""

    def row(self, name: str, *parameters: object) -> Row | None:
        """The only row of a named query, None where there is none."""
        return next(iter(self.rows(name, *parameters)), None)
