"""The simulator: events a second with its checker on, and seconds a seed with every fault on.

The references are the aims: there is no other simulator of this chain to compare with.
"""

import time

from hanota.sim.faults import parse_rates
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.sim.simulation import simulate

EVENTS_A_SECOND = 150_000
SECONDS_A_SEED = 0.6
SEEDS = 20
# Downloads are most of what happens, as in a world of many devices.
HOMES, IMAGE_OCTETS = 10, 262_144


def figures() -> list[dict[str, object]]:
    """Both in time of one core."""
    events = events_a_second()
    seconds = seconds_a_seed()
    return [
        {
            "name": "simulated_events",
            "value": events,
            "unit": "events a second, at depth frames, checker on",
            "reference": "aim",
            "reference_value": EVENTS_A_SECOND,
            "ratio": events / EVENTS_A_SECOND,
        },
        {
            "name": "simulated_seeds",
            "value": 1 / seconds,
            "unit": "seeds a second, 3 homes, every fault, images of 16,384 octets",
            "reference": "aim",
            "reference_value": 1 / SECONDS_A_SEED,
            "ratio": SECONDS_A_SEED / seconds,
        },
    ]


def events_a_second() -> float:
    """Of a calm world with large images, until all has settled and was checked."""
    settings = Settings(seed=1, rates=parse_rates("none"), homes=HOMES, image_octets=IMAGE_OCTETS)
    world = FaultyWorld(settings)
    started = time.process_time()
    world.run()
    return world.steps / (time.process_time() - started)


def seconds_a_seed() -> float:
    """The mean over some seeds, after one that makes the keys."""
    rates = parse_rates("all")
    simulate(Settings(seed=0, rates=rates))
    started = time.process_time()
    for seed in range(1, SEEDS + 1):
        simulate(Settings(seed=seed, rates=rates))
    return (time.process_time() - started) / SEEDS
