"""The simulator with its checker on: events a second, one transfer, seeds with every fault on.

The references are the aims: there is no other simulator of this chain to compare with.
"""

import hashlib
import time

from hanota.han.effects import Effect
from hanota.limits import DAY_MS, HOUR_MS
from hanota.model import DeviceType, RequestID
from hanota.serve.homes import Homes
from hanota.sim.checker import Checker
from hanota.sim.credentials import Credentials
from hanota.sim.faults import Luck, parse_rates
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.sim.simulation import simulate
from hanota.sim.street import NEW_VERSIONS, START_MS, SUPPLIERS, Street
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.wire import wan

EVENTS_A_SECOND = 150_000
SECONDS_A_SEED = 0.6
SEEDS = 20
# Downloads are most of what happens, as in a world of many devices.
HOMES, IMAGE_OCTETS = 10, 262_144
TRANSFERS_A_SECOND = 2
TRANSFER_OCTETS = 750_000
TRANSFERS = 5


def figures() -> list[dict[str, object]]:
    """All in time of one core."""
    events = events_a_second()
    transfer = seconds_a_transfer()
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
            "name": "simulated_transfers",
            "value": 1 / transfer,
            "unit": "transfers a second, 750 KB to one device, at depth frames, checker on",
            "reference": "aim",
            "reference_value": TRANSFERS_A_SECOND,
            "ratio": 1 / transfer / TRANSFERS_A_SECOND,
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


def seconds_a_transfer() -> float:
    """From the delivery of an image to the hub until its PPMID runs it; the best of some."""
    return min(map(_transfer_seconds, range(TRANSFERS)))


def _transfer_seconds(seed: int) -> float:
    street = Street(
        1,
        seed=seed,
        image_octets=TRANSFER_OCTETS,
        credentials=Credentials(),
        luck=Luck(seed, parse_rates("none")),
    )
    image = street.images[DeviceType.PPMID, NEW_VERSIONS[0], SUPPLIERS[0]]
    street.blob_source(lambda _sha256: image.file)

    def step(node_id: int, effect: Effect) -> None:
        checker.before(node_id, effect)

    homes = Homes(now_ms=START_MS, wan=lambda *_: None, power_fails=step)
    checker = Checker(street, homes, lambda *_: True)
    street.move_in(homes)
    homes.run_until(START_MS + HOUR_MS)
    (hub_id,) = street.hub_ids
    (ppmid,) = (i for i, r in street.residents.items() if r.row.type is DeviceType.PPMID)
    request_id = RequestID(SUPPLIERS[0], ACCESS_CONTROL_BROKER, 1)
    delivery = wan.DeliverImage(request_id, hashlib.sha256(image.file).digest(), (ppmid,))
    started = time.process_time()
    homes.receive_wan(hub_id, wan.encode(delivery))
    while image.version not in checker.ran[ppmid]:
        homes.run_until(homes.now_ms + HOUR_MS)
        if homes.now_ms > START_MS + DAY_MS:
            message = "the image has not arrived within a day: nothing to measure"
            raise RuntimeError(message)
    return time.process_time() - started


def seconds_a_seed() -> float:
    """The mean over some seeds, after one that makes the keys."""
    rates = parse_rates("all")
    simulate(Settings(seed=0, rates=rates))
    started = time.process_time()
    for seed in range(1, SEEDS + 1):
        simulate(Settings(seed=seed, rates=rates))
    return (time.process_time() - started) / SEEDS
