"""How `hanota demo` prints what became of it: one JSON object, or tables for people."""

from operator import attrgetter
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from hanota.cli.demo_summary import AS_ASKED, HcalcsSummary, Summary
from hanota.dcc.response_codes import RESPONSE_CODES
from hanota.model import utc
from hanota.sim.ppmid_campaign import Halted
from hanota.sim.world import START_MS

_FAILURES_SHOWN = 30
_DEVICES_SHOWN = 5


class Places(msgspec.Struct, frozen=True):
    """Where a run leaves its files: two ledgers in a folder, and perhaps a capture."""

    folder: Path
    pcap: Path | None = None

    @property
    def ledgers(self) -> tuple[Path, Path]:
        """The files of the supplier's ledger and of the DCC's."""
        return self.folder / "supplier.db", self.folder / "dcc.db"


def show(summary: Summary, places: Places, *, as_json: bool) -> None:
    """Print the summary on stdout."""
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(summary), indent=1).decode())
        return
    console = Console(highlight=False)
    if summary.halted is not None:
        _show_halted(console, summary.halted)
    console.print(
        f"11.4 {summary.request_id}, answered {summary.answer}\nPPMIDs to version {summary.version}"
    )
    console.print(_outcomes_table(summary))
    if summary.failures:
        console.print(_failures_table(summary))
    if summary.hcalcs is not None:
        _show_hcalcs(console, summary.hcalcs)
    console.print(
        f"{summary.virtual_s / 86_400:.1f} days of virtual time, to "
        f"{utc(START_MS + int(summary.virtual_s * 1000)):%d %b %Y %H:%M} UTC, "
        f"{summary.events:,} events in the homes, {summary.wall_s:.1f} s"
    )
    for warning in summary.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False)
    # Paths are not broken into lines, so that they can be copied.
    ledgers = " and ".join(map(str, places.ledgers))
    console.print(f"Ledgers: {ledgers}", soft_wrap=True, markup=False)
    if places.pcap is not None:
        console.print(
            f"Frames of the first home: {places.pcap} (open it in Wireshark)",
            soft_wrap=True,
            markup=False,
        )
    _show_verdict(console, summary)


def _show_halted(console: Console, halted: Halted) -> None:
    console.print(
        f"A release that no maker made was halted by its campaign: {halted.asked:,} of "
        f"{halted.devices:,} PPMIDs had been asked.\n{halted.why}",
        markup=False,
    )


def _show_hcalcs(console: Console, hcalcs: HcalcsSummary) -> None:
    console.print(
        f"11.1 {hcalcs.request_id}, answered {hcalcs.answer}\n"
        f"HCALCSs to version {hcalcs.version}, activated by an 11.3 each"
    )
    table = Table(show_footer=True)
    table.add_column("outcome", "all", no_wrap=True)
    table.add_column("devices", f"{hcalcs.devices:,}", justify="right")
    table.add_column("true", f"{sum(row.true for row in hcalcs.activated):,}", justify="right")
    table.add_column("median time", justify="right")
    table.add_column("activated")
    for row in hcalcs.activated:
        table.add_row(
            row.outcome,
            f"{row.devices:,}",
            f"{row.true:,}",
            _duration(row.median_s),
            ": ".join(told for told in (row.activation, "; ".join(row.causes)) if told),
            style="green" if row.outcome in AS_ASKED else "yellow",
        )
    console.print(table)


def _outcomes_table(summary: Summary) -> Table:
    table = Table(show_footer=True)
    table.add_column("outcome", "all", no_wrap=True)
    table.add_column("devices", f"{summary.devices:,}", justify="right")
    table.add_column("share", justify="right")
    table.add_column("median time", justify="right")
    table.add_column("cause")
    for outcome, devices in summary.outcomes.items():
        table.add_row(
            outcome,
            f"{devices:,}",
            f"{devices / summary.devices:.1%}",
            _duration(summary.median_s[outcome]),
            "; ".join(summary.causes.get(outcome, ())),
            style="green" if outcome in AS_ASKED else "yellow",
        )
    return table


def _failures_table(summary: Summary) -> Table:
    table = Table(title="Not updated, and why")
    table.add_column("device", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("set up as")
    failures = sorted(summary.failures, key=lambda failure: failure.outcome)
    for failure in failures[:_FAILURES_SHOWN]:
        table.add_row(failure.device_id, failure.outcome, failure.why)
    if len(failures) > _FAILURES_SHOWN:
        table.caption = f"and {len(failures) - _FAILURES_SHOWN:,} more (--json has them all)"
    return table


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole >= 2 * 86_400:
        return f"{whole / 86_400:.1f} days"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _show_verdict(console: Console, summary: Summary) -> None:
    for part in summary.parts:
        if part.refused:
            console.print(f"[red]The DCC refused the request: {_meaning(part.answer)}.[/]")
    if summary.all_accounted_for:
        console.print(
            "[green]Every device is accounted for, ended as its home was set up to, and runs what "
            "the supplier's ledger says.[/]"
        )
        return
    for what, of_part in (
        ("without an outcome", attrgetter("missing")),
        ("otherwise than set up", attrgetter("unexpected")),
        ("not running what the ledger says", attrgetter("untrue")),
    ):
        devices = [device for part in summary.parts for device in of_part(part)]
        if devices:
            shown = ", ".join(devices[:_DEVICES_SHOWN])
            more = ", ..." if len(devices) > _DEVICES_SHOWN else ""
            console.print(f"[red]Devices {what} ({len(devices):,}): {shown}{more}[/]")


def _meaning(code: str) -> str:
    known = {member.value: row for member, row in RESPONSE_CODES.items()}.get(code)
    return code if known is None else f"{code}, {known.meaning}"
