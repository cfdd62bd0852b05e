"""Rows as JSON lines: an object a line, its names those of the columns.

Values are the texts that CSV has, lists of them are arrays, and what is unknown is null.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from hanota.files.bad_rows import BadRow, Told
from hanota.files.columns import Cell, Column, WriteRow
from hanota.files.lines import Lines
from hanota.limits import CELLS_KEPT_MAX


def read(
    lines: Lines, path: Path, columns: Sequence[Column], told: Told
) -> Iterator[tuple[int, Sequence[Any]]]:
    """The cells of every row in the order of `columns`, with the number of its line."""
    decoder = msgspec.json.Decoder(_object_of(columns))
    while True:
        line = lines.begin_row()
        try:
            text = next(lines)
            if not text.isspace():
                yield line, msgspec.structs.astuple(decoder.decode(text))
        except StopIteration:
            return
        except UnicodeDecodeError:
            told(BadRow(path, line, "", "the line is not UTF-8"))
        except msgspec.DecodeError as error:
            told(BadRow(path, line, "", f"the line is no such object: {error}"))


def cell_reader(column: Column) -> Callable[[Any], Any]:
    """What reads the value, or values, of one cell of this column; LocalError as the column."""
    if column.many:
        return column.read_many
    read_text = lru_cache(CELLS_KEPT_MAX)(column.read) if column.few else column.read
    return partial(_read_text, read_text)


def row_writer(write: Callable[[str], object], columns: Sequence[Column]) -> WriteRow:
    """What writes the cells of one row through `write`."""
    return partial(_write, write, [column.name for column in columns])


def _object_of(columns: Sequence[Column]) -> type[msgspec.Struct]:
    fields = [(column.name, list[str] if column.many else str | None) for column in columns]
    return msgspec.defstruct("_Object", fields, forbid_unknown_fields=True, gc=False)


def _read_text(read: Callable[[str], Any], cell: str | None) -> Any:
    return read("" if cell is None else cell)


def _write(write: Callable[[str], object], names: list[str], cells: list[Cell]) -> None:
    members = {name: None if cell == "" else cell for name, cell in zip(names, cells, strict=True)}
    write(msgspec.json.encode(members).decode() + "\n")
