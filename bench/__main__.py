"""`make bench`: every figure as a ratio to a peer or a raw limit measured in the same run.

Each module of this folder has `figures() -> list of {name, value, unit, reference,
reference_value, ratio}`. The list goes to out/bench.json; `python -m bench NAME ...` runs some.
"""

import importlib
import json
import pkgutil
import platform
import sys
from pathlib import Path

import bench

OUT = Path(__file__).resolve().parent.parent / "out" / "bench.json"


def _modules(wanted: list[str]) -> list[str]:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name != "__main__")
    unknown = set(wanted) - set(names)
    if unknown:
        sys.exit(f"no bench named {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return wanted or names


def main(wanted: list[str]) -> None:
    """Run the named benches, or all, and print and keep what they measured."""
    figures: list[dict[str, object]] = []
    print(f"Python {platform.python_version()} on {platform.machine()}")
    print(f"{'figure':34} {'value':>14} {'reference':>14} {'ratio':>8}  compared with")
    for name in _modules(wanted):
        for figure in importlib.import_module(f"bench.{name}").figures():
            figures.append(figure)
            print(
                f"{figure['name']:34} {figure['value']:14,.1f} {figure['reference_value']:14,.1f}"
                f" {figure['ratio']:8.2f}  {figure['unit']}; {figure['reference']}",
                flush=True,
            )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
