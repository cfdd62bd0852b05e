"""`hanota impact`: how long a campaign takes, what it loads, whom it leaves out, and why.

Here are the options and what is printed; the work is in `hanota.impact`, which needs numpy and
matplotlib. They are imported only when the verb runs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from hanota.cli.failure import ExitCode, run
from hanota.cli.octets import read_octets
from hanota.cli.show import printable
from hanota.errors import LocalError
from hanota.limits import IMPACT_RUNS_MAX
from hanota.model import instant_ms

if TYPE_CHECKING:
    from hanota.impact.findings import Findings

_SEED_MAX = 2**63 - 1
_RUNS = 40


@run
def impact(
    *,
    profile: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="today, upper, or a file (TOML or JSON).")
    ] = "today",
    campaign: Annotated[
        Path | None,
        typer.Option(help="A plan, or name and devices_per_hour; default: a national one."),
    ] = None,
    runs: Annotated[int, typer.Option(help="How often it is simulated, for the bands.")] = _RUNS,
    seed: Annotated[int, typer.Option(help="Decides everything that is drawn.")] = 1,
    start: Annotated[
        str, typer.Option(help="When the campaign begins, as ISO 8601; UTC without an offset.")
    ] = "2026-05-31T23:00:00",
    out: Annotated[
        Path | None, typer.Option(help="Folder for page, charts, CSV and JSON; none by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Assess the impact of a campaign on an estate: time, load, alerts, what is left over.

    Simulates the campaign many times on a sample of homes. Every figure of the estate has its
    source and, where it is uncertain, a range: each run draws from the ranges, so the printed
    ranges say what nine in ten runs have in common. Needs the extra hanota[impact].

    Exit code 1 if the campaign stops by itself in any run.

    Examples:
      hanota impact --out out/impact

      hanota impact --profile upper --runs 100

      hanota impact --profile mine.toml --campaign plan.json --json
    """
    if not 1 <= runs <= IMPACT_RUNS_MAX:
        raise LocalError(f"give 1 to {IMPACT_RUNS_MAX} runs, not {runs}")
    if not 0 <= seed <= _SEED_MAX:
        raise LocalError(f"seeds go from 0 to {_SEED_MAX}, not {seed}")
    _need_extra()
    findings = _assessed(profile, campaign, runs, seed, _start_ms(start), quiet=as_json)
    if out is not None:
        _write(findings, out)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings), indent=1))
    else:
        _print(findings, out)
    if findings.halted:
        raise typer.Exit(ExitCode.FAILED)


def _need_extra() -> None:
    if any(find_spec(name) is None for name in ("numpy", "matplotlib")):
        raise LocalError("hanota impact needs numpy and matplotlib: install hanota[impact]")


def _start_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return instant_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise LocalError(f"{text!r} is no time: write 2026-06-01T00:00:00") from error


def _assessed(
    name: str, campaign: Path | None, runs: int, seed: int, start_ms: int, *, quiet: bool
) -> "Findings":
    from hanota.impact.assessment import assess  # noqa: PLC0415 -- needs the extra
    from hanota.impact.campaign import decode_campaign  # noqa: PLC0415
    from hanota.impact.profile import decode_profile  # noqa: PLC0415
    from hanota.impact.shipped import shipped_campaign, shipped_profile  # noqa: PLC0415

    path = Path(name)
    octets = read_octets(path) if path.is_file() or name == "-" else shipped_profile(name)
    profile = decode_profile(octets, name)
    plan_octets = shipped_campaign() if campaign is None else read_octets(campaign)
    plan = decode_campaign(plan_octets, str(campaign or "national"), start_ms)
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("simulating", total=runs + 1)
        return assess(
            profile,
            plan,
            start_ms=start_ms,
            runs=runs,
            seed=seed,
            progress=lambda done: progress.update(task, advance=1, description=done),
        )


def _write(findings: "Findings", folder: Path) -> None:
    from hanota.impact.report import write_report  # noqa: PLC0415 -- needs the extra

    try:
        write_report(findings, folder)
    except OSError as error:
        raise LocalError(f"cannot write {error.filename}: {error.strerror}") from error


def _print(findings: "Findings", folder: Path | None) -> None:
    from hanota.impact import tables  # noqa: PLC0415 -- needs the extra

    typer.echo(printable(f"{findings.campaign} on {findings.profile}: {findings.about}"))
    for note in tables.notes(findings):
        typer.echo(printable(note))
    for rows in (
        tables.main_figures(findings),
        tables.outcomes(findings),
        tables.waves(findings),
        tables.sensitivity(findings)[:_SENSITIVITY_ROWS],
        tables.assumptions(findings),
    ):
        typer.echo("")
        typer.echo("\n".join(_aligned(rows)))
    if folder is not None:
        typer.echo(f"\n{folder / 'index.html'} has all of it, with charts")


# The head, and the figures that matter most.
_SENSITIVITY_ROWS = 9


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Rows as lines with columns as wide as need be; numbers stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if name in _TEXTS else cell.rjust(width)
            for name, cell, width in zip(rows[0], row, widths, strict=True)
        ]
        yield printable("  ".join(cells).rstrip())


_TEXTS = frozenset({"figure", "how devices end", "wave", "field", "source"})
