"""`hanota simulate`: whole worlds in virtual time, with faults, each from one seed."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hanota.cli.failure import ExitCode, run
from hanota.errors import LocalError
from hanota.serve.homes import RadioDepth, Tap
from hanota.sim import simulation
from hanota.sim.capture import Capture
from hanota.sim.faults import FAULTS, PROFILES, parse_rates
from hanota.sim.faulty_world import FAULT_DAYS, Settings
from hanota.sim.radio_keys import RadioKeys
from hanota.sim.simulation import Result
from hanota.sim.street import home_of

HOMES_MAX = 1_000
_DAYS_MAX = 365
_SEED_MAX = 2**63 - 1
_RANGE = re.compile(r"(\d{1,19})\.\.(\d{1,19})", re.ASCII)


class Radio(StrEnum):
    """How much of the radio there is."""

    FRAMES = "frames"
    AIR = "air"
    FLOW = "flow"


_DEPTHS = {
    Radio.FRAMES: RadioDepth.FRAMES,
    Radio.AIR: RadioDepth.FRAMES,
    Radio.FLOW: RadioDepth.FLOW,
}


@run
def simulate(
    *,
    seed: Annotated[int | None, typer.Option(help="Decides everything; default 1.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Many seeds, both ends included: A..B.")] = None,
    homes: Annotated[int, typer.Option(help="Homes, each with a hub and four devices.")] = 3,
    faults: Annotated[
        str, typer.Option(help="none, all, a profile, or NAME=RATE,...; --list-faults names them.")
    ] = "none",
    radio: Annotated[
        Radio,
        typer.Option(
            help="frames: every ZigBee frame; air: as whole secured radio frames, too; "
            "flow: one event a download."
        ),
    ] = Radio.FRAMES,
    until: Annotated[
        float, typer.Option(help="Days after which faults are over; then all must settle.")
    ] = FAULT_DAYS,
    pcap: Annotated[
        Path | None,
        typer.Option(help="Write the first home's frames, for Wireshark; PATH.keys gets its keys."),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Print every fault and profile, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a seed.")] = False,
) -> None:
    """Run suppliers, DCC, hubs and devices in virtual time, with faults, and check what must hold.

    Everybody is production code; clock, network, radio, flash and chance are simulated. Two
    suppliers update every kind of device by 11.4, 11.1, 11.3 and 11.2 until all has settled. The
    same seed and options give the same run to the octet: a failing seed prints the command that
    replays it.

    Exit code 1 if an invariant breaks for any seed.

    Examples:
      hanota simulate --seed 7

      hanota simulate --seeds 1..100 --faults all

      hanota simulate --seed 42 --faults radio,power-cut=0.001 --homes 5
    """
    if list_faults:
        _print_faults()
        return
    if seed is not None and seeds is not None:
        raise LocalError("give --seed or --seeds, not both")
    if seeds is not None and pcap is not None:
        raise LocalError("give --pcap with one --seed: a capture is of one run")
    if not 1 <= homes <= HOMES_MAX:
        raise LocalError(f"a world has 1 to {HOMES_MAX} homes, not {homes}")
    if not 1 <= until <= _DAYS_MAX:
        raise LocalError(f"faults are over after 1 to {_DAYS_MAX} days, not {until:g}")
    rates = parse_rates(faults)
    failed = False
    numbers = _seeds(seed, seeds)
    with _captures(radio, pcap, seed=numbers[0], homes=homes) as tap:
        for number in numbers:
            settings = Settings(
                seed=number, rates=rates, homes=homes, depth=_DEPTHS[radio], fault_days=until
            )
            result = simulation.simulate(settings, tap)
            replay = (
                f"hanota simulate --seed {number} --homes {homes} --faults {faults} "
                f"--radio {radio} --until {until:g}"
            )
            _print(result, replay, as_json=as_json)
            failed = failed or result.failure is not None
    if failed:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _captures(radio: Radio, path: Path | None, *, seed: int, homes: int) -> Iterator[Tap | None]:
    """What is to see the frames: a file for those of the first home, and the air of all."""
    taps: list[Tap] = []
    if radio is Radio.AIR:
        taps += [_secured(number, seed, len) for number in range(homes)]
    if path is None:
        yield _joined(taps)
        return
    try:
        keys = "\n".join(RadioKeys(home_of(0), seed).wireshark_lines())
        path.with_name(f"{path.name}.keys").write_text(f"{keys}\n")
        file = path.open("wb")
    except OSError as error:
        raise LocalError(f"cannot write {error.filename}: {error.strerror}") from error
    with file:
        yield _joined([*taps, _secured(0, seed, file.write)])


def _secured(number: int, seed: int, write: Callable[[bytes], object]) -> Tap:
    home = home_of(number)
    return Capture(home, write, RadioKeys(home, seed)).tap


def _joined(taps: Sequence[Tap]) -> Tap | None:
    def tap(now_ms: int, source: int, target: int, cluster_id: int, frame: bytes) -> None:
        for one in taps:
            one(now_ms, source, target, cluster_id, frame)

    return tap if taps else None


def _seeds(seed: int | None, seeds: str | None) -> range:
    if seeds is None:
        first = last = 1 if seed is None else seed
    else:
        match = _RANGE.fullmatch(seeds)
        if match is None:
            raise LocalError(f"{seeds!r} is no range of seeds: write 1..100")
        first, last = map(int, match.groups())
    if not 0 <= first <= last <= _SEED_MAX:
        raise LocalError(f"seeds go from 0 to {_SEED_MAX}, the lower one first")
    return range(first, last + 1)


def _print(result: Result, replay: str, *, as_json: bool) -> None:
    if as_json:
        facts = msgspec.to_builtins(result) | {"replay": replay}
        typer.echo(msgspec.json.encode(facts))
        return
    ends = ", ".join(f"{count} {name}" for name, count in result.outcomes.items())
    faults = sum(result.faults.values())
    typer.echo(
        f"seed {result.seed}: {'ok' if result.failure is None else 'FAILED'}  "
        f"{result.digest}  {result.events} events, {result.days:g} days, {faults} faults; {ends}"
    )
    if result.failure is not None:
        typer.echo("\n".join(_told(result, replay)))


def _told(result: Result, replay: str) -> Iterator[str]:
    failure = result.failure
    assert failure is not None, "only a failure is told"
    yield f"  broken: {failure.invariant}"
    yield f"  step {failure.step}, day {failure.day:g}: {failure.told}"
    yield "  last events:"
    yield from (f"    {line}" for line in failure.last_events)
    yield f"  replay: {replay}"


def _print_faults() -> None:
    for fault, meaning in FAULTS.items():
        typer.echo(f"{fault:22} {meaning.rate:<8g} {meaning.of.value:7} {meaning.text}")
    for name, members in PROFILES.items():
        typer.echo(f"profile {name:10} {', '.join(members) or '-'}")
