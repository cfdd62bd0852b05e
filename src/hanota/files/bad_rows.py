"""Rows of a file that cannot be used: told one by one, or kept for a report.

A reader says of every bad row where it is and what is wrong with it, to the function that it was
given: `refuse` ends the reading at the first one, `BadRows.add` keeps them and lets it go on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

import msgspec

from hanota.errors import RemoteError
from hanota.limits import BAD_ROWS_TOLD_MAX
from hanota.wire.codes import FileFault


class BadRow(msgspec.Struct, frozen=True):
    """One row that cannot be used, and why."""

    path: Path
    line: int  # the row's first line, from 1
    column: str  # its name; empty where the row as a whole is wrong
    reason: str

    def __str__(self) -> str:
        place = f"{self.path}, line {self.line}"
        if self.column:
            place += f", column {self.column}"
        return f"{place}: {self.reason}"


Told: TypeAlias = Callable[[BadRow], object]


def refuse(bad_row: BadRow) -> NoReturn:
    """Raise RemoteError with the sentence of this row."""
    raise RemoteError(FileFault.ROW, str(bad_row))


class BadRows:
    """Keeps the first bad rows of a file and counts all of them, however many there are.

    Who imports gives `add` to the reader and looks at `count` before it keeps anything.
    """

    def __init__(self, limit: int = BAD_ROWS_TOLD_MAX) -> None:
        self.first: list[BadRow] = []
        self.count = 0
        self._limit = limit

    def add(self, bad_row: BadRow) -> None:
        """Count the row, and keep it if it is one of the first."""
        self.count += 1
        if len(self.first) < self._limit:
            self.first.append(bad_row)
