"""`make mutants`: apply each mistake to a copy of the tree, and see whether it is caught.

    python -m mutants [WORD ...] [--seeds N] [--table FILE]

Words choose the mutants whose names contain them. A mistake is caught when a seed breaks an
invariant, a test fails, or the run does not end in time. Exit code 1 when one was missed, or when
its text no longer stands in its file.
"""

import argparse
import sys
from pathlib import Path

from mutants.catalogue import MUTANTS, Mutant
from mutants.copy import EndlessError, StaleError, run_with

SEEDS = 40
_INTRODUCTION = (
    "Deliberate mistakes in the code, and what noticed each; `make mutants` writes this."
)


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
    if mutant.tests:
        command = ["-m", "pytest", "-q", "-x", "-m", "not long", "-p", "no:cacheprovider"]
        command += mutant.tests.split()
    else:
        command = ["-m", "mutants.seeds", mutant.faults, str(seeds)]
    try:
        done = run_with(mutant.file, mutant.old, mutant.new, command)
    except StaleError as stale:
        return f"stale: {stale}"
    except EndlessError:
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
