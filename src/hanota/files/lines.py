"""A file as lines of UTF-8, of which no row may hold more octets than the limit."""

from typing import BinaryIO

from hanota.errors import RemoteError
from hanota.limits import FILE_ROW_OCTETS_MAX
from hanota.wire.codes import FileFault


class Lines:
    """The lines of an open file, one after the other, each with its line end.

    `begin_row` gives the number of the line with which the next row begins, from 1. A byte order
    mark at the start is left out. RemoteError where a row grows over the limit, before more of it
    is read; UnicodeDecodeError for a line that is not UTF-8, after which the next line can follow.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0
        self._first = 1
        self._octets = 0

    def begin_row(self) -> int:
        """Say that what comes next belongs to another row; the number of its first line."""
        self._octets = 0
        self._first = self._number + 1
        return self._first

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        room = FILE_ROW_OCTETS_MAX - self._octets
        octets = self._file.readline(room + 1)
        if not octets:
            raise StopIteration
        if len(octets) > room:
            raise RemoteError(
                FileFault.ROW,
                f"{self._name}, line {self._first}: the row has more than {FILE_ROW_OCTETS_MAX} "
                "octets; is a quotation mark left open?",
            )
        self._number += 1
        self._octets += len(octets)
        return octets.decode("utf-8-sig" if self._number == 1 else "utf-8")
