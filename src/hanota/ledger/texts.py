"""The SQL files that come with the package, read.

The files beside this one hold statements by name: a line `-- name --`, a comment that says what
the statement is for, the statement. migrations/ holds the tables: 0001 makes them, each later file
brings a ledger one version further, so a new ledger is made by all of them in turn.

Not here: what the words in braces stand for (`sqlite`).
"""

import re
from functools import cache
from importlib.resources import files

# The rows that a statement takes, with a letter for each column: an integer, a text, octets.
ROWS = re.compile(r"\{rows:([ito]+)\}")
_QUERY_FILES = ("queries.sql", "campaign_queries.sql")
_NAME = re.compile(r"^-- (\w+) --\n", re.MULTILINE)
_COMMENT = re.compile(r"--.*")


@cache
def queries() -> dict[str, str]:
    """The statements of every file by name, without comments."""
    found: dict[str, str] = {}
    for file in _QUERY_FILES:
        _preface, *parts = _NAME.split(_read(file))
        found |= {
            name: _COMMENT.sub("", text).strip().removesuffix(";")
            for name, text in zip(parts[::2], parts[1::2], strict=True)
        }
    return found


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """What brings a ledger from version 0, which has no tables, to 1, 2 and on: statements."""
    folder = files(__package__) / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(_statements(_read(f"migrations/{name}")) for name in names)


def _statements(script: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _COMMENT.sub("", script).split(";\n"))
    return tuple(part for part in parts if part)


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
