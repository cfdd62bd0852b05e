"""`hanota demo`: the main job on a town of homes, start to end, in one process."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hanota.cli.failure import ExitCode, run
from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.limits import DEMO_IMAGE_OCTETS, DUIS_OCTETS_MAX
from hanota.model import Milestone, Outcome, eui_text, utc, version_text
from hanota.serve.homes import RadioDepth
from hanota.sim.capture import Capture
from hanota.sim.rollout import START_MS, DeviceReport, Rollout, seeded_image
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware

_FAILURES_SHOWN = 30
# What a state says of the stages before it: the last stage that a device in it has passed.
_STAGES = ("answered by the DCC", "image at the hub", "image at the PPMID", "outcome known")


@run
def demo(
    *,
    homes: Annotated[int, typer.Option(help="Homes in the town.")] = 200,
    request: Annotated[
        Path | None,
        typer.Option(
            help="A DUIS 11.4 to carry out: its image, devices and RequestID, signed anew."
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="An OTA file for PPMIDs to deliver instead of a made-up one."),
    ] = None,
    radio: Annotated[
        RadioDepth, typer.Option(help="frames: every ZigBee frame; flow: one event a download.")
    ] = RadioDepth.FRAMES,
    pcap: Annotated[
        Path | None, typer.Option(help="Write the first home's frames, for Wireshark.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides keys, image and which homes fail.")] = 1,
    state: Annotated[
        Path | None, typer.Option(help="Folder for the two ledgers; default: a new one under out/.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Update the PPMIDs of a town over the air, with the real bytes at every hop.

    A supplier signs one Service Request 11.4; the DCC checks it, hands the image to the hubs, and
    every PPMID pulls, verifies and activates it. Some homes are set up to fail in known ways.
    Time is virtual: a fortnight passes in seconds.

    Exit code 1 if any device is not accounted for, or ends otherwise than its home was set up for.

    Examples:
      hanota demo

      hanota demo --homes 20 --pcap home.pcap

      hanota demo --request 11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML
    """
    if request is not None and image is not None:
        raise LocalError("give --request or --image, not both: a request brings its own image")
    asked = None if request is None else _read_request(request)
    image_file = _image_file(asked, image, seed)
    folder = _folder(state)
    began = time.perf_counter()
    with (
        _capture(pcap) as capture,
        _ledger(folder / "supplier.db", "supplier") as supplier_ledger,
        _ledger(folder / "dcc.db", "dcc") as dcc_ledger,
    ):
        rollout = Rollout(
            homes=homes,
            seed=seed,
            image_file=image_file,
            supplier_ledger=supplier_ledger,
            dcc_ledger=dcc_ledger,
            depth=radio,
            tap=None if capture is None else capture.tap,
        )
        if capture is not None:
            capture.watch(rollout.town[0])
        asked_devices = rollout.ppmid_ids if asked is None else _device_ids(asked)
        _follow(rollout, asked, len(set(asked_devices)), quiet=as_json)
        reports = rollout.report()
    summary = _summary(rollout, reports, set(asked_devices), time.perf_counter() - began)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(summary), indent=1).decode())
    else:
        _print(summary, reports, folder, pcap)
    if not summary.all_accounted_for:
        raise typer.Exit(ExitCode.FAILED)


class Summary(msgspec.Struct, frozen=True):
    """What the demo says at its end; `--json` prints it as it is."""

    request_id: str
    homes: int
    devices: int
    version: str
    outcomes: dict[str, int]
    failures: list[dict[str, str]]
    missing: list[str]  # devices of the request without an outcome
    unexpected: list[str]  # devices that ended otherwise than their home was set up for
    untrue: list[str]  # devices that do not run what the supplier's ledger says
    all_accounted_for: bool
    events: int
    virtual_s: float
    wall_s: float


def _read_request(path: Path) -> Request:
    with path.open("rb") as file:
        octets = _at_most(file, DUIS_OCTETS_MAX)
    request = decode_request(open_document(octets))
    _device_ids(request)
    return request


def _at_most(file: BinaryIO, octets_max: int) -> bytes:
    # One octet more than is legal is enough for the decoder to refuse it.
    return file.read(octets_max + 1)


def _device_ids(request: Request) -> tuple[int, ...]:
    match request.body:
        case UpdatePPMIDFirmware(device_id_list=device_ids):
            return device_ids
        case _:
            raise LocalError(
                f"the demo carries out 11.4, and this is a request for {request.service_reference}"
            )


def _image_file(asked: Request | None, image: Path | None, seed: int) -> bytes:
    if image is not None:
        with image.open("rb") as file:
            return _at_most(file, DUIS_OCTETS_MAX)
    match asked:
        case Request(body=UpdatePPMIDFirmware(firmware_image=octets)):
            return octets
        case _:
            return seeded_image(DEMO_IMAGE_OCTETS, seed)


def _folder(state: Path | None) -> Path:
    """A folder without ledgers: the one that was asked for, or the next free one under out/."""
    folder = state
    number = 1
    while folder is None:
        candidate = Path("out") / f"demo-{number}"
        folder = None if candidate.exists() else candidate
        number += 1
    if (folder / "supplier.db").exists():
        raise LocalError(f"{folder} holds the ledgers of an earlier run: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _ledger(path: Path, owner: str) -> Ledger:
    return Ledger.open(f"sqlite:///{path}", owner=owner)


@contextmanager
def _capture(path: Path | None) -> Iterator[Capture | None]:
    if path is None:
        yield None
        return
    with path.open("wb") as file:
        yield Capture(file.write)


def _follow(rollout: Rollout, asked: Request | None, devices: int, *, quiet: bool) -> None:
    columns = (
        TextColumn("{task.description:22}"),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        tasks = [progress.add_task(stage, total=devices) for stage in _STAGES]
        for counts in rollout.run(asked):
            for task, done in zip(tasks, _stages(counts), strict=True):
                progress.update(task, completed=done)


# Outcomes of devices whose hub never got the image, and of those that never got it from the hub.
_NOT_AT_HUB = {Outcome.LEFT_OUT, Outcome.NOT_DELIVERED, Outcome.SILENT}
_NOT_AT_PPMID = _NOT_AT_HUB | {Outcome.HARDWARE_MISMATCH, Outcome.TRANSFER_FAILED}


def _stages(counts: dict[tuple[str, str], int]) -> Sequence[int]:
    states: Counter[str] = Counter()
    for (state, _reason), devices in counts.items():
        states[state] += devices
    under_way = (
        {Milestone.REQUESTED},
        {Milestone.REQUESTED, Milestone.ACCEPTED} | _NOT_AT_HUB,
        {Milestone.REQUESTED, Milestone.ACCEPTED, Milestone.DELIVERED} | _NOT_AT_PPMID,
        set(Milestone),
    )
    return [
        sum(devices for state, devices in states.items() if state not in before)
        for before in under_way
    ]


def _summary(
    rollout: Rollout, reports: Sequence[DeviceReport], asked: set[int], wall_s: float
) -> Summary:
    ended = {report.delivery.device_id for report in reports if not report.delivery.live}
    missing = sorted(asked - ended)
    unexpected = [report for report in reports if not report.as_expected]
    untrue = [report for report in reports if not report.ledger_is_true]
    return Summary(
        request_id=str(rollout.request_id),
        homes=len(rollout.town),
        devices=len(asked),
        version=version_text(rollout.version),
        outcomes=dict(Counter(map(_outcome, reports))),
        failures=[_failure(report) for report in reports if _is_failure(report)],
        missing=[eui_text(device_id) for device_id in missing],
        unexpected=[eui_text(report.delivery.device_id) for report in unexpected],
        untrue=[eui_text(report.delivery.device_id) for report in untrue],
        all_accounted_for=not (missing or unexpected or untrue),
        events=rollout.chain.homes.events,
        virtual_s=(rollout.chain.now_ms - START_MS) / 1000,
        wall_s=round(wall_s, 2),
    )


def _outcome(report: DeviceReport) -> str:
    delivery = report.delivery
    return f"{delivery.state}:{delivery.reason}" if delivery.reason else delivery.state


def _is_failure(report: DeviceReport) -> bool:
    return report.delivery.state not in (Outcome.UPDATED, Outcome.UPDATED_LATE)


def _failure(report: DeviceReport) -> dict[str, str]:
    return {
        "device_id": eui_text(report.delivery.device_id),
        "outcome": _outcome(report),
        "why": _why(report),
        "runs": "" if report.runs is None else version_text(report.runs),
    }


def _why(report: DeviceReport) -> str:
    return "no PPMID of this town" if report.fate is None else report.fate.value


def _print(
    summary: Summary, reports: Sequence[DeviceReport], folder: Path, pcap: Path | None
) -> None:
    console = Console()
    console.print(_outcomes_table(summary, reports))
    if summary.failures:
        console.print(_failures_table(summary))
    console.print(
        f"{summary.devices} devices, {summary.virtual_s / 86_400:.1f} days of virtual time to "
        f"{utc(START_MS + int(summary.virtual_s * 1000)):%d %b %Y %H:%M} UTC, "
        f"{summary.events:,} events in the homes, {summary.wall_s:.1f} s"
    )
    console.print(f"Ledgers: {folder}/supplier.db and {folder}/dcc.db", highlight=False)
    if pcap is not None:
        console.print(f"Frames of the first home: {pcap} (open it in Wireshark)", highlight=False)
    _print_verdict(console, summary)


def _outcomes_table(summary: Summary, reports: Sequence[DeviceReport]) -> Table:
    table = Table(title=f"11.4 {summary.request_id}\nPPMIDs to version {summary.version}")
    table.add_column("outcome", no_wrap=True)
    table.add_column("devices", justify="right")
    table.add_column("share", justify="right")
    table.add_column("median time", justify="right")
    table.add_column("cause")
    times: dict[str, list[int]] = {}
    causes: dict[str, str] = {}
    for report in reports:
        times.setdefault(_outcome(report), []).append(report.taken_ms)
        causes[_outcome(report)] = _why(report) if _is_failure(report) else ""
    for outcome, devices in sorted(summary.outcomes.items(), key=lambda item: -item[1]):
        style = "green" if outcome in (Outcome.UPDATED, Outcome.UPDATED_LATE) else "yellow"
        table.add_row(
            f"[{style}]{outcome}[/]",
            f"{devices:,}",
            f"{devices / summary.devices:.1%}",
            _duration(median(times[outcome])),
            causes[outcome],
        )
    return table


def _failures_table(summary: Summary) -> Table:
    table = Table(title="Not updated, and why")
    table.add_column("device", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("set up as")
    failures = sorted(summary.failures, key=lambda failure: failure["outcome"])
    for failure in failures[:_FAILURES_SHOWN]:
        table.add_row(failure["device_id"], failure["outcome"], failure["why"])
    if len(failures) > _FAILURES_SHOWN:
        table.caption = f"and {len(failures) - _FAILURES_SHOWN} more (--json has them all)"
    return table


def _duration(milliseconds: float) -> str:
    seconds = round(milliseconds / 1000)
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.1f} days"
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _print_verdict(console: Console, summary: Summary) -> None:
    if summary.all_accounted_for:
        console.print(
            "[green]Every device is accounted for, ended as its home was set up to, and runs what "
            "the supplier's ledger says.[/]"
        )
        return
    for what, devices in (
        ("without an outcome", summary.missing),
        ("otherwise than set up", summary.unexpected),
        ("not running what the ledger says", summary.untrue),
    ):
        if devices:
            console.print(f"[red]{len(devices)} devices {what}: {', '.join(devices[:5])}[/]")
