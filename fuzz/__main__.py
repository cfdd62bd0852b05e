"""`python -m fuzz`: the targets; `python -m fuzz NAME --runs N --seed S`: one of them."""

import argparse
import random

from fuzz.targets import TARGETS


def main() -> None:
    """The command; an exception names the octets that were found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("name", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.name is None:
        for name, target in TARGETS.items():
            print(f"{name:14} {target.invariant}")
        return
    chance = random.Random(f"{options.seed} {options.name}")
    TARGETS[options.name].run(chance, options.runs)
    print(f"{options.name}: {options.runs} runs, nothing found")


if __name__ == "__main__":
    main()
