"""`make mutants`: apply each mistake to a copy of the tree, and see whether it is caught.

    python -m mutants [WORD ...] [--seeds N] [--table FILE]

Words choose the mutants whose names contain them. A mistake is caught when a seed breaks an
invariant, a test fails, or the run does not end in time. Exit code 1 when one was missed, or when
its text no longer stands in its file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
SEEDS = 40
_TIMEOUT_S = 300
_INTRODUCTION = (
    "Deliberate mistakes in the code, and what noticed each; `make mutants` writes this."
)
_COPIED = ("src", "tests", "mutants", "pyproject.toml")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m mutants")
    parser.add_argument("words", nargs="*", help="only mutants whose names contain one of these")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds a mutant, at most")
    parser.add_argument("--table", type=Path, help="write the table there, too")
    options = parser.parse_args()
    rows = []
    for mutant in MUTANTS:
        if options.words and not any(word in mutant.name for word in options.words):
            continue
        verdict = _verdict(mutant, options.seeds)
        rows.append((mutant, verdict))
        print(f"{verdict.split(':')[0]:8} {mutant.name}: {verdict}", flush=True)
    if options.table is not None:
        options.table.write_text(_table(rows))
    missed = [mutant.name for mutant, verdict in rows if not verdict.startswith("caught")]
    print(f"{len(rows) - len(missed)} of {len(rows)} caught")
    sys.exit(1 if missed else 0)


def _verdict(mutant: Mutant, seeds: int) -> str:
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in _COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        file = folder / "src" / "hanota" / mutant.file
        text = file.read_text()
        if text.count(mutant.old) != 1:
            return f"stale: its text stands {text.count(mutant.old)} times in {mutant.file}"
        file.write_text(text.replace(mutant.old, mutant.new))
        return _run(mutant, seeds, folder)


def _run(mutant: Mutant, seeds: int, folder: Path) -> str:
    if mutant.tests:
        command = ["-m", "pytest", "-q", "-x", "-m", "not long", "-p", "no:cacheprovider"]
        command += mutant.tests.split()
    else:
        command = ["-m", "mutants.seeds", mutant.faults, str(seeds)]
    environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "caught: it does not end"
    by = f"tests ({mutant.tests})" if mutant.tests else f"seeds ({mutant.faults})"
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    if done.returncode == 0:
        return f"missed: by {by}"
    if done.returncode != 1:
        return f"broken: {lines[-1]}"
    return f"caught: by {by}; {lines[-1].strip()}"


def _table(rows: list[tuple[Mutant, str]]) -> str:
    lines = [
        "# Mutants",
        "",
        _INTRODUCTION,
        "",
        "| mistake | file | verdict |",
        "|---|---|---|",
    ]
    lines += [
        f"| {mutant.name} | {mutant.file} | {verdict.replace('|', ' ')} |"
        for mutant, verdict in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
