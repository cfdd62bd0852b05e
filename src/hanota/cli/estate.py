"""`hanota estate`: the devices that a supplier knows."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hanota.cli.failure import ExitCode, run
from hanota.cli.ledger_options import AsJson, LedgerUrl, StateFolder, open_ledger, time_text
from hanota.cli.show import printable, show
from hanota.cohort import parse_cohort
from hanota.errors import LocalError, RemoteError
from hanota.files.bad_rows import BadRows
from hanota.files.estate import read_estate, write_estate
from hanota.model import eui_from_text, eui_text
from hanota.rows import Device
from hanota.serve.estate import import_estate
from hanota.wire.codes import FileFault

app = typer.Typer(no_args_is_help=True, help="The devices that a supplier knows.")

Filter = Annotated[
    str,
    typer.Argument(
        metavar="FILTER",
        help='Which: type:PPMID model:"…" firmware<00030000 region:north; default: all.',
        show_default=False,
    ),
]


@app.command("import")
@run
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file.", show_default=False)],
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the devices of a file into the estate, all of them or none.

    What the estate has of a device already is replaced. Exit code 4 where a row
    cannot be used: the first of them are told, and nothing is imported.

    Example: hanota estate import estate.csv
    """
    bad = BadRows()
    with open_ledger(ledger, state) as opened:
        try:
            taken = import_estate(opened, _good_rows(file, bad))
        except RemoteError as fault:
            if not bad.count:
                raise
            _refuse(bad, fault, as_json=as_json)
    show({"imported": taken, "file": str(file)}, as_json=as_json)


@app.command("list")
@run
def list_(
    filter_: Filter = "",
    *,
    limit: Annotated[int, typer.Option(min=0, help="So many devices at most.")] = 50,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """List devices of the estate, and count all that the filter has.

    Example: hanota estate list "type:PPMID firmware<00020000 region:north"
    """
    cohort = parse_cohort(filter_)
    with open_ledger(ledger, state) as opened, opened.view() as view:
        total = view.cohort_count(cohort)
        devices = list(islice(view.cohort_devices(cohort), limit))
    if as_json:
        show({"devices": total, "listed": [_facts(device) for device in devices]}, as_json=True)
        return
    table = Table("device", "type", "model", "firmware", "status", "region", "hub")
    for device in devices:
        table.add_row(
            eui_text(device.device_id),
            device.type,
            Text(printable(device.model)),
            Text(printable(device.firmware_version)),
            device.status,
            device.region,
            eui_text(device.hub_id),
        )
    Console().print(table)
    typer.echo(f"{len(devices):,} of {total:,} devices")


@app.command("show")
@run
def show_(
    device: Annotated[str, typer.Argument(metavar="DEVICE", show_default=False)],
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what is known of one device: its facts, its campaigns, and what happened last.

    Example: hanota estate show 00-DB-12-34-56-78-90-A4
    """
    device_id = eui_from_text(device)
    with open_ledger(ledger, state) as opened, opened.view() as view:
        found = view.devices([device_id]).get(device_id)
        if found is None:
            raise LocalError(f"the estate has no device {eui_text(device_id)}")
        campaigns = {
            each.name: its
            for its in view.campaigns_of_device(device_id)
            if (each := view.campaign_numbered(its.campaign)) is not None
        }
        happened = view.timeline(device_id, _ENTRIES)
    facts = _facts(found) | {
        "campaigns": {
            name: " ".join(filter(None, (its.state, its.reason))) for name, its in campaigns.items()
        },
        "happened": [f"{time_text(entry.at_ms)} {entry.event}" for entry in happened],
    }
    show(facts, as_json=as_json)


@app.command()
@run
def export(
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file.", show_default=False)],
    filter_: Filter = "",
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write devices of the estate into a file, which `estate import` reads again.

    Example: hanota estate export north.csv region:north
    """
    cohort = parse_cohort(filter_)
    with open_ledger(ledger, state) as opened, opened.view() as view:
        total = view.cohort_count(cohort)
        try:
            write_estate(file, view.cohort_devices(cohort))
        except OSError as fault:
            raise LocalError(f"cannot write {file}: {fault.strerror}") from fault
    show({"exported": total, "file": str(file)}, as_json=as_json)


_ENTRIES = 20


def _good_rows(file: Path, bad: BadRows) -> Iterator[Device]:
    """The devices of a file; raises at its end when a row was bad, so that none is imported."""
    yield from read_estate(file, bad.add)
    if bad.count:
        raise RemoteError(
            FileFault.ROW, f"{bad.count:,} rows cannot be used, and nothing was imported"
        )


def _refuse(bad: BadRows, fault: RemoteError, *, as_json: bool) -> None:
    told = [str(row) for row in bad.first]
    if as_json:
        show({"imported": 0, "bad_rows": bad.count, "first": told}, as_json=True)
    for line in told:
        typer.echo(f"hanota: {printable(line)}", err=True)
    typer.echo(f"hanota: {fault.reason}", err=True)
    raise typer.Exit(ExitCode.UNREADABLE)


def _facts(device: Device) -> dict[str, object]:
    return {
        "device_id": eui_text(device.device_id),
        "type": device.type,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "hardware_version": _hex(device.hardware_version),
        "firmware_version": device.firmware_version,
        "hub_id": eui_text(device.hub_id),
        "status": device.status,
        "suppliers": [eui_text(supplier) for supplier in device.suppliers],
        "region": device.region,
        "gbcs_version": device.gbcs_version,
    }


def _hex(number: int | None) -> str | None:
    return None if number is None else f"{number:04X}"
