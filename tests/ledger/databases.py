"""What tests do to the databases of ledgers behind their backs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg


def rows(ledger, statement: str) -> list[tuple]:
    """What the database of an open ledger answers."""
    return ledger._database._connection.execute(statement).fetchall()


def run(ledger, statement: str) -> None:
    """Run one statement on the connection of an open ledger."""
    ledger._database._connection.execute(statement)


def contents(ledger, tables) -> dict[str, list]:
    return {name: sorted(rows(ledger, f"SELECT * FROM {name}"), key=repr) for name in tables}


class SQLiteFile:
    """A file, there or not."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"

    def execute(self, script: str) -> None:
        """Statements of somebody who cares for no rule."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.executescript(script)

    def ask(self, query: str) -> list[tuple]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def dump(self) -> object:
        return self.path.read_bytes()


class Memory:
    url = "sqlite://"


class PostgreSQLDatabase:
    """A schema, empty at first."""

    def __init__(self, url: str) -> None:
        self.url = url

    def execute(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(script)

    def ask(self, query: str) -> list[tuple]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def dump(self) -> object:
        return self.ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
