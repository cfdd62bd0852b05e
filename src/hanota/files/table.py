"""One way to read and to write a file of rows, whatever they are and whatever its form.

The end of the file's name tells the form: `.csv`, or `.jsonl` and `.ndjson` for JSON lines. Rows
are read one after the other, so a file of any length takes no more room than its longest row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hanota.errors import LocalError
from hanota.files import csv_form, json_form
from hanota.files.bad_rows import BadRow, Told
from hanota.files.columns import Cell, Column, WriteRow
from hanota.files.lines import Lines
from hanota.limits import CELLS_KEPT_MAX, FILE_ROW_OCTETS_MAX


def read_rows(path: Path, columns: Sequence[Column], told: Told) -> Iterator[tuple[int, list[Any]]]:
    """The values of every good row in the order of `columns`, each with its first line's number.

    `told` is told of every bad row, and may end the reading by raising.

    Raises:
        LocalError: the name ends like none of the forms.
        RemoteError: the file has no good header, or a row that is too long.
        OSError: the file cannot be read.
    """
    form = _form(path)
    readers = [form.cell_reader(column) for column in columns]
    with path.open("rb") as file:
        for line, cells in form.read(Lines(file, str(path)), path, columns, told):
            try:
                values = [read(cell) for read, cell in zip(readers, cells, strict=True)]
            except LocalError:
                told(_bad_cell(path, line, columns, readers, cells))
            else:
                yield line, values


def write_rows(path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Write the file anew, whole or not at all: first as a `.part` beside it.

    Raises:
        LocalError: the name ends like none of the forms, or a value would not come back.
        OSError: the file cannot be written.
    """
    form = _form(path)
    writers = [_cell_writer(column) for column in columns]
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            write_row = form.row_writer(partial(_write_line, file), columns)
            for values in rows:
                write_row([write(value) for write, value in zip(writers, values, strict=True)])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Form(NamedTuple):
    """How one form of file is read and written; see `csv_form` and `json_form`."""

    read: Callable[
        [Lines, Path, Sequence[Column], Told], Iterator[tuple[int, Sequence[str | list[str]]]]
    ]
    cell_reader: Callable[[Column], Callable[[Any], Any]]
    row_writer: Callable[[Callable[[str], object], Sequence[Column]], WriteRow]


_CSV = _Form(csv_form.read, csv_form.cell_reader, csv_form.row_writer)
_JSON_LINES = _Form(json_form.read, json_form.cell_reader, json_form.row_writer)
_FORMS = {".csv": _CSV, ".jsonl": _JSON_LINES, ".ndjson": _JSON_LINES}


def _form(path: Path) -> _Form:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise LocalError(f"{path} does not end with {', '.join(_FORMS)}: its form is not known")
    return form


def _cell_writer(column: Column) -> Callable[[Any], Cell]:
    return lru_cache(CELLS_KEPT_MAX)(column.write_cell) if column.few else column.write_cell


def _write_line(file: BinaryIO, text: str) -> None:
    octets = text.encode()
    if len(octets) > FILE_ROW_OCTETS_MAX:
        raise LocalError(f"a row has {len(octets)} octets, more than {FILE_ROW_OCTETS_MAX}")
    file.write(octets)


def _bad_cell(
    path: Path,
    line: int,
    columns: Sequence[Column],
    readers: Sequence[Callable[[Any], Any]],
    cells: Sequence[Any],
) -> BadRow:
    """The first cell of the row that cannot be read; there is one."""
    for column, read, cell in zip(columns, readers, cells, strict=True):
        try:
            read(cell)
        except LocalError as error:
            return BadRow(path, line, column.name, str(error))
    raise AssertionError("every cell can be read")
