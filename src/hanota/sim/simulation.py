"""Run one seed and say what came of it: the seed, the digest of the run, or the failure.

The same settings give the same run to the octet, in every process: what is printed of a failure
is enough to see it again.
"""

import traceback
from collections import Counter

import msgspec

from hanota.limits import DAY_MS
from hanota.serve.homes import Tap
from hanota.sim.checker import Invariant, ViolationError
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.sim.street import START_MS


class Failure(msgspec.Struct, frozen=True):
    """Where a run failed, and what happened before."""

    invariant: str
    told: str
    step: int
    day: float
    last_events: list[str]


class Result(msgspec.Struct, frozen=True):
    """What came of one seed."""

    seed: int
    digest: str
    events: int
    days: float
    outcomes: dict[str, int]  # of every device in every request, as its supplier has it
    faults: dict[str, int]  # those that struck between the parties and at power
    failure: Failure | None


def simulate(settings: Settings, tap: Tap | None = None) -> Result:
    """Run one world to its end."""
    world = FaultyWorld(settings, tap)
    failure = None
    try:
        world.run()
    except ViolationError as broken:
        failure = _failure(world, broken.invariant, broken.told)
    except Exception as error:  # noqa: BLE001 -- whatever a party raises is what is looked for
        told = "".join(traceback.format_exception(error))
        failure = _failure(world, Invariant.NOBODY_RAISES, told)
    return Result(
        seed=settings.seed,
        digest=world.digest,
        events=world.steps,
        days=round((world.happenings.now_ms - START_MS) / DAY_MS, 3),
        outcomes=dict(sorted(_outcomes(world).items())),
        faults=dict(sorted(world.happenings.faults.items())),
        failure=failure,
    )


def _failure(world: FaultyWorld, invariant: Invariant, told: str) -> Failure:
    day = round((world.happenings.now_ms - START_MS) / DAY_MS, 6)
    return Failure(invariant, told, world.steps, day, world.happenings.last_events())


def _outcomes(world: FaultyWorld) -> Counter[str]:
    counts: Counter[str] = Counter()
    for process in world.organisations.suppliers.values():
        with process.ledger.view() as view:
            number = 1
            while view.requests([number]):
                for (state, reason), devices in view.counts(number).items():
                    counts[f"{state}:{reason}" if reason else state] += devices
                number += 1
    return counts
