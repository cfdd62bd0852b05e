"""Rows as CSV (RFC 4180): a header row with the names of the columns, then a row each.

UTF-8, commas, quotation marks where needed; lists are joined with `;`. The columns may come in any
order, but all of them and no others. Spreadsheets take a cell that begins with = + - @, a tab or a
carriage return for a formula: such a cell is written with an apostrophe before it, which is taken
away again when it is read.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from hanota.errors import RemoteError
from hanota.files.bad_rows import BadRow, Told
from hanota.files.columns import SEPARATOR, Cell, Column, WriteRow
from hanota.files.lines import Lines
from hanota.limits import CELLS_KEPT_MAX
from hanota.wire.codes import FileFault


def read(
    lines: Lines, path: Path, columns: Sequence[Column], told: Told
) -> Iterator[tuple[int, Sequence[str]]]:
    """The cells of every row in the order of `columns`, with the number of its first line."""
    reader = csv.reader(lines, strict=True)
    header = _header(lines, reader, path, columns)
    in_order = itemgetter(*(header.index(column.name) for column in columns))
    while True:
        line = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            told(BadRow(path, line, "", "the line is not UTF-8"))
        except csv.Error as error:
            told(BadRow(path, line, "", f"the row is no CSV: {error}"))
        else:
            if len(cells) == len(header):
                yield line, in_order(cells)
            elif cells:
                reason = f"the row has {len(cells)} cells, and the header has {len(header)}"
                told(BadRow(path, line, "", reason))


def cell_reader(column: Column) -> Callable[[str], Any]:
    """What reads the value, or values, of one cell of this column; LocalError as the column."""
    of_text = partial(_many, column) if column.many else column.read
    read_cell = partial(_read_guarded, of_text)
    return lru_cache(CELLS_KEPT_MAX)(read_cell) if column.few else read_cell


def row_writer(write: Callable[[str], object], columns: Sequence[Column]) -> WriteRow:
    """What writes the cells of one row through `write`; the header is written at once."""
    writer = csv.writer(_Sink(write))
    writer.writerow(column.name for column in columns)
    return partial(_write, writer.writerow)


_FORMULA = re.compile("'*[=+@\t\r-]")


class _Sink:
    """A file as far as the standard library's writer needs one."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _header(
    lines: Lines, reader: Iterator[list[str]], path: Path, columns: Sequence[Column]
) -> list[str]:
    lines.begin_row()
    try:
        header = next(reader, [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise RemoteError(FileFault.HEADER, f"{path}: the first row is no CSV in UTF-8") from error
    names = [column.name for column in columns]
    absent = [name for name in names if name not in header]
    if absent:
        raise RemoteError(
            FileFault.HEADER, f"{path}: the first row does not name {', '.join(absent)}"
        )
    if len(header) != len(names):
        raise RemoteError(
            FileFault.HEADER, f"{path}: the first row names more than {', '.join(names)}, each once"
        )
    return header


def _read_guarded(read_text: Callable[[str], Any], cell: str) -> Any:
    if cell.startswith("'") and _FORMULA.match(cell):
        cell = cell[1:]
    return read_text(cell)


def _many(column: Column, cell: str) -> tuple[Any, ...]:
    return column.read_many(cell.split(SEPARATOR) if cell else [])


def _write(write_row: Callable[[list[str]], object], cells: list[Cell]) -> None:
    texts = [SEPARATOR.join(cell) if isinstance(cell, list) else cell for cell in cells]
    write_row([f"'{text}" if _FORMULA.match(text) else text for text in texts])
