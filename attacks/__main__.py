"""`make attacks`: mount every attack, on the code as it is and without what stops it.

    python -m attacks [WORD ...] [--document FILE]
    python -m attacks --mount SLUG

Words choose the attacks whose names contain them. Exit code 1 when an attack was not refused, when
it got something else than was foreseen without its defence, or when the text of a defence no longer
stands in its file.
"""

import argparse
import sys
from pathlib import Path

from mutants.copy import EndlessError, StaleError, run_with
from tests.attacks.attack import Attack
from tests.attacks.catalogue import ATTACKS

from attacks.document import risk_assessment


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m attacks")
    parser.add_argument("words", nargs="*", help="only attacks whose names contain one of these")
    parser.add_argument("--document", type=Path, help="write the risk assessment there")
    parser.add_argument("--mount", metavar="SLUG", help="mount one attack and say what it got")
    options = parser.parse_args()
    if options.mount is not None:
        print(got(next(attack for attack in ATTACKS if attack.slug == options.mount)))
        return
    chosen = [
        attack
        for attack in ATTACKS
        if not options.words or any(word in attack.name for word in options.words)
    ]
    failed = [attack for attack in chosen if not _told(attack)]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} refused, and not without their defences")
    if options.document is not None:
        options.document.write_text(risk_assessment())
    sys.exit(1 if failed else 0)


def got(attack: Attack) -> str:
    """What the attack gets here; whatever it raises is told, too."""
    try:
        return attack.mount()
    except Exception as fault:  # noqa: BLE001 -- without its defence the code may raise anything
        return f"{type(fault).__name__}: {fault}"


def got_without(attack: Attack) -> str:
    """What the attack gets in a copy of the tree without its defence."""
    file, text, without = attack.defence
    try:
        done = run_with(file, text, without, ["-m", "attacks", "--mount", attack.slug])
    except (StaleError, EndlessError) as fault:
        return str(fault)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return lines[-1] if lines else ""


def _told(attack: Attack) -> bool:
    """Mount an attack both ways and tell; whether all was as foreseen."""
    print(attack.name, flush=True)
    here = _row("expected", attack.refused, got(attack))
    return _row("without its defence", attack.without, got_without(attack)) and here


def _row(what: str, foreseen: str, found: str) -> bool:
    same = found == foreseen
    print(f"  {what:20} {foreseen}", flush=True)
    print(f"  {'got':20} {found}{'' if same else '   <<< NOT AS FORESEEN'}", flush=True)
    return same


if __name__ == "__main__":
    main()
