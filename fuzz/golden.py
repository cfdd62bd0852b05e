"""Good octets, from a small world in which nothing goes wrong: what fuzzing starts from."""

from functools import lru_cache
from typing import NamedTuple

from hanota.model import KeyUsage
from hanota.sim.faults import parse_rates
from hanota.sim.faulty_world import FaultyWorld, Settings
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire import ota, tunnel

# Of each kind so many are kept: enough to have every form, and a start that is quick.
_KEPT = 200


class Golden(NamedTuple):
    """Octets by where they are sent."""

    requests: list[bytes]
    responses: list[bytes]
    to_hubs: list[bytes]
    from_hubs: list[bytes]
    ota_frames: list[bytes]
    tunnel_frames: list[bytes]
    images: list[bytes]
    certificates: list[bytes]


@lru_cache(maxsize=1)
def golden() -> Golden:
    """What a world of one home sends in two weeks, each kind in the order in which it was sent."""
    found = Golden([], [], [], [], [], [], [], [])
    of_cluster = {ota.CLUSTER_ID: found.ota_frames, tunnel.CLUSTER_ID: found.tunnel_frames}
    settings = Settings(seed=1, rates=parse_rates("none"), homes=1, image_octets=1_000)
    world = FaultyWorld(settings, lambda *frame: of_cluster[frame[3]].append(frame[4]))
    of_event = {
        "request": found.requests,
        "answer": found.responses,
        "push": found.responses,
        "DCC to hub": found.to_hubs,
        "hub to DCC": found.from_hubs,
    }
    note = world.happenings.note

    def noted(name: str, subject: object = "") -> None:
        note(name, subject)
        if name in of_event and isinstance(subject, tuple):
            of_event[name].append(subject[-1])

    world.happenings.note = noted  # type: ignore[method-assign]
    world.run()
    found.images.extend(image.file for image in world.street.images.values())
    pki = TestPki(b"fuzz")
    found.certificates.extend(
        pki.certificate(eui, usage).der for eui in (1, SUPPLIER) for usage in KeyUsage
    )
    return Golden(*(list(dict.fromkeys(kind))[:_KEPT] for kind in found))
