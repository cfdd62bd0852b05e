"""`hanota campaign report`, `timeline` and `export`: what became of the devices of a campaign."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hanota.cli.campaign_facts import named
from hanota.cli.failure import run
from hanota.cli.ledger_options import AsJson, LedgerUrl, StateFolder, open_ledger, time_text
from hanota.cli.show import printable, show
from hanota.errors import LocalError
from hanota.ledger.campaigns import Reported
from hanota.model import eui_from_text, eui_text
from hanota.rows import JournalEntry
from hanota.serve.campaign_export import export_campaign
from hanota.serve.campaign_following import plan_of

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@run
def report(
    name: Name, *, ledger: LedgerUrl = None, state: StateFolder = None, as_json: AsJson = False
) -> None:
    """Count the devices of a campaign by what became of them, and by what may be the cause.

    Cause, wave, region, model and the firmware of the hub. With --json the
    counts of every combination.

    Example: hanota campaign report spring
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        campaign = named(view, name)
        found = view.campaign_report(campaign.number)
    waves = [wave.name for wave in plan_of(campaign.plan).waves]
    if as_json:
        rows = [_row(one, waves) for one in found]
        show({"name": name, "state": campaign.state, "rows": rows}, as_json=True)
        return
    console = Console()
    for title, part in _PARTS.items():
        console.print(_table(title, found, part, waves))


@run
def timeline(
    device: Annotated[str, typer.Argument(metavar="DEVICE", show_default=False)],
    *,
    messages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the original messages into this folder."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many entries at most.")] = 200,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show all that happened to one device, from the request to the last alert.

    Example: hanota campaign timeline 00-DB-12-34-56-78-90-A4 --messages out
    """
    device_id = eui_from_text(device)
    with open_ledger(ledger, state) as opened, opened.view() as view:
        entries = view.timeline(device_id, limit)
        requests = view.requests({entry.request for entry in entries} - {0})
        campaigns = view.campaigns_of_requests(requests)
        names = {each.number: each.name for each in view.campaigns()}
    if not entries:
        raise LocalError(f"nothing has happened to {eui_text(device_id)} yet")
    told = []
    for number, entry in enumerate(entries, 1):
        request = requests.get(entry.request)
        told.append(
            {
                "number": number,
                "at": time_text(entry.at_ms),
                "event": str(entry.event),
                "state": None if entry.delivery is None else entry.delivery.state,
                "reason": None if entry.delivery is None else entry.delivery.reason or None,
                "request_id": None if request is None else str(request.request_id),
                "service": None if request is None else request.service_reference,
                "campaign": names.get(campaigns.get(entry.request, 0)),
                "message": _message(entry, number, messages),
            }
        )
    if as_json:
        show({"device_id": eui_text(device_id), "entries": told}, as_json=True)
        return
    table = Table("at", "event", "state", "service", "campaign", "message")
    for each in told:
        words = (each["at"], each["event"], each["state"], each["service"], each["campaign"])
        table.add_row(*(Text(printable(str(word or ""))) for word in (*words, each["message"])))
    Console().print(table)


@run
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file.", show_default=False)],
    *,
    ledger: LedgerUrl = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write every device of a campaign into a file, with what became of it.

    Example: hanota campaign export spring spring.csv
    """
    with open_ledger(ledger, state) as opened, opened.view() as view:
        try:
            written = export_campaign(view, named(view, name), file)
        except OSError as fault:
            raise LocalError(f"cannot write {file}: {fault.strerror}") from fault
    show({"exported": written, "file": str(file)}, as_json=as_json)


_Part = Callable[[Reported, list[str]], str]
_PARTS: dict[str, _Part] = {
    "cause": lambda one, _: one.reason,
    "wave": lambda one, waves: waves[one.wave],
    "region": lambda one, _: one.region,
    "model": lambda one, _: one.model,
    "hub firmware": lambda one, _: one.hub_firmware,
}


def _row(one: Reported, waves: list[str]) -> dict[str, object]:
    return {
        "wave": waves[one.wave],
        "state": one.state,
        "reason": one.reason or None,
        "region": one.region,
        "model": one.model,
        "hub_firmware": one.hub_firmware,
        "devices": one.devices,
    }


def _table(title: str, found: Iterable[Reported], part: _Part, waves: list[str]) -> Table:
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        counts[part(one, waves), one.state] += one.devices
    table = Table(title, "state", "devices")
    for (word, state), devices in sorted(counts.items()):
        table.add_row(Text(printable(word)), state, f"{devices:,}")
    return table


def _message(entry: JournalEntry, number: int, folder: Path | None) -> str | None:
    """Where the original octets are, or how many; None where there are none."""
    octets = entry.message
    if not octets:
        return None
    if folder is None:
        return f"{len(octets):,} octets"
    ending = "xml" if octets.lstrip().startswith(b"<") else "bin"
    path = folder / f"{number:04}-{_as_name(entry.event)}.{ending}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    except OSError as fault:
        raise LocalError(f"cannot write {path}: {fault.strerror}") from fault
    return str(path)


def _as_name(event: str) -> str:
    return "".join(char if char.isalnum() or char == "-" else "-" for char in event)
