"""Run seeds until one breaks an invariant: exit code 1 and one line that says which."""

import sys

from hanota.limits import POWERCUT_IMAGE_OCTETS
from hanota.sim.faults import parse_rates
from hanota.sim.faulty_world import Settings
from hanota.sim.simulation import simulate


def main(faults: str, seeds: int) -> None:
    """Exit code 1 for the first seed that fails, 0 when none does."""
    for seed in range(1, seeds + 1):
        result = simulate(
            Settings(
                seed=seed,
                rates=parse_rates(faults),
                image_octets=POWERCUT_IMAGE_OCTETS,
            )
        )
        if result.failure is not None:
            told = result.failure.told.strip().splitlines()[-1]
            print(f"seed {seed}: {result.failure.invariant} ({told[:100]})")
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
