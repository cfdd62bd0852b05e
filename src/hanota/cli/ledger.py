"""`hanota ledger`: bring a ledger to a newer version, prove it, export it, cut it, take it back."""

from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hanota.cli.failure import ExitCode, run
from hanota.cli.show import show
from hanota.errors import LocalError
from hanota.files.history import write_deliveries, write_journal
from hanota.ledger import Ledger, View, accept_restored
from hanota.ledger import upgrade as upgrade_ledger
from hanota.limits import LEDGER_EXPORT_ROWS
from hanota.wire.duis.times import INSTANT

app = typer.Typer(no_args_is_help=True, help="Upgrade, verify, export, cut or take back a ledger.")

Url: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="URL", help="sqlite:///FILE or postgresql://HOST/DATABASE."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Table(StrEnum):
    """What can be exported."""

    DELIVERIES = "deliveries"
    JOURNAL = "journal"


@app.command()
@run
def upgrade(url: Url, *, as_json: AsJson = False) -> None:
    """Bring an older ledger to the version of this program.

    All of it or nothing: a ledger whose upgrade fails stays as it was. Stop
    what uses it, and back it up, before.

    Example: hanota ledger upgrade sqlite:///dcc.db
    """
    before, after = upgrade_ledger(url)
    show({"version_before": before, "version": after}, as_json=as_json)


@app.command()
@run
def verify(url: Url, *, as_json: AsJson = False) -> None:
    """Rebuild deliveries and counts from the journal, and compare.

    Where the journal was cut, this begins at the cut. It reads everything: a
    ledger of millions takes minutes. Exit code 1: something is unsound.

    Example: hanota ledger verify sqlite:///dcc.db
    """
    with Ledger.open(url) as ledger:
        faults = ledger.verify()
    show({"sound": not faults, "faults": faults}, as_json=as_json)
    if faults:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
@run
def export(
    url: Url,
    table: Annotated[Table, typer.Argument(help="Which rows.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A name in .csv or .jsonl.")],
) -> None:
    """Write deliveries or the journal to a file, as they stand at one moment.

    A cell that a spreadsheet would take for a formula has a ' before it.

    Example: hanota ledger export sqlite:///dcc.db deliveries deliveries.csv
    """
    try:
        with Ledger.open(url) as ledger, ledger.view() as view:
            _write(view, table, file)
    except OSError as fault:
        raise LocalError(f"cannot write {file}: {fault.strerror}") from fault


@app.command("drop-journal")
@run
def drop_journal(
    url: Url,
    *,
    before: Annotated[
        str, typer.Option(metavar="TIME", help="2026-01-01T00:00:00Z: entries from then on stay.")
    ],
    as_json: AsJson = False,
) -> None:
    """Drop the older part of the journal.

    What it told last of each device is kept, so the ledger can still be
    verified. The newest entry stays in any case. The ledger may be in use.

    Example: hanota ledger drop-journal sqlite:///dcc.db --before 2026-01-01T00:00:00Z
    """
    try:
        before_ms: int = INSTANT.parse(before)
    except ValueError as fault:
        raise LocalError(f"--before {before!r} {fault}: write 2026-01-01T00:00:00Z") from fault
    with Ledger.open(url) as ledger:
        dropped = ledger.drop_journal(before_ms)
    show({"entries_dropped": dropped}, as_json=as_json)


@app.command("accept-restored")
@run
def accept(
    url: Url,
    *,
    marks: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the program keeps how far ledgers have come.")
    ],
    as_json: AsJson = False,
) -> None:
    """Let a ledger be used again that was restored from a backup.

    What happened since the backup is not in it. Its counters go on far beyond
    what was given out, so that no RequestID and no counter is used twice.

    Example: hanota ledger accept-restored sqlite:///dcc.db --marks /var/lib/hanota-marks
    """
    show({"epoch": accept_restored(url, marks)}, as_json=as_json)


def _write(view: View, table: Table, file: Path) -> None:
    match table:
        case Table.DELIVERIES:
            write_deliveries(file, chain.from_iterable(view.deliveries_by_page(LEDGER_EXPORT_ROWS)))
        case Table.JOURNAL:
            write_journal(file, chain.from_iterable(view.journal_by_page(LEDGER_EXPORT_ROWS)))
