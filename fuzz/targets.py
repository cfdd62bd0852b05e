"""What is fuzzed, and what must hold, one sentence each.

A target takes a source of chance and a number of runs, and raises FoundError for what must not be.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from fuzz.golden import Golden, golden
from hanota.errors import RemoteError
from hanota.limits import DAY_MS
from hanota.sim.faults import parse_rates
from hanota.sim.faulty_world import FAULT_DAYS, FaultyWorld, Settings
from hanota.sim.street import START_MS
from hanota.smki.certificates import decode_certificate
from hanota.wire import image, ota, ota_codec, radio, tunnel, wan
from hanota.wire.duis import decode_request, decode_response, open_document
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content

_OCTETS_MAX = 300


class FoundError(Exception):
    """Octets that broke the promise of a target."""


class Target(NamedTuple):
    """One target: its promise, and what tries to break it."""

    invariant: str
    run: Callable[[random.Random, int], None]


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Octets that were good once, or never: changed, cut, repeated, spliced, or made up."""
    octets = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4, 16))):
        chance.choice(_MUTATIONS)(chance, octets, seeds)
    return bytes(octets)


def _flip(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    if octets:
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    if octets:
        octets[chance.randrange(len(octets))] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))


def _cut(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    begin = chance.randrange(len(octets) + 1)
    del octets[begin : begin + chance.choice((1, 2, 8, len(octets) or 1))]


def _insert(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    at = chance.randrange(len(octets) + 1)
    octets[at:at] = chance.randbytes(chance.choice((1, 2, 8, 64)))


def _repeat(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    begin = chance.randrange(len(octets) + 1)
    part = octets[begin : begin + chance.choice((1, 4, 32))]
    octets[begin:begin] = part * chance.choice((1, 2, 20))


def _splice(chance: random.Random, octets: bytearray, seeds: list[bytes]) -> None:
    other = chance.choice(seeds)
    octets[chance.randrange(len(octets) + 1) :] = other[chance.randrange(len(other) + 1) :]


def _invent(chance: random.Random, octets: bytearray, _seeds: list[bytes]) -> None:
    octets[:] = chance.randbytes(chance.randrange(_OCTETS_MAX))


_MUTATIONS = (_flip, _flip, _set, _set, _cut, _insert, _repeat, _splice, _invent)


def _decoder(
    seeds: Callable[[Golden], list[bytes]], decode: Callable[[bytes], Any]
) -> Callable[[random.Random, int], None]:
    def run(chance: random.Random, runs: int) -> None:
        kept = seeds(golden())
        for _ in range(runs):
            octets = mutated(chance, kept)
            try:
                decode(octets)
            except RemoteError:
                continue
            except Exception as error:
                raise FoundError(f"{type(error).__name__}: {error} on {octets.hex()}") from error

    return run


def _gbcs_messages(found: Golden) -> list[bytes]:
    envelopes = (wan.decode(octets) for octets in found.from_hubs + found.to_hubs)
    messages = (getattr(envelope, "gbcs", None) for envelope in envelopes)
    return [message for message in messages if message]


def _radio_frames(found: Golden) -> list[bytes]:
    return [
        radio.encode_radio_frame(radio.RadioFrame(0x1DCC, 0, 1, 1, 2, 3, ota.CLUSTER_ID, payload))
        for payload in found.ota_frames
    ]


def _parties(chance: random.Random, runs: int) -> None:
    """A world into which octets are thrown at every party, at any time, from any side."""
    found = golden()
    # Nobody believes what was signed with the keys of another world; but the radio of this one
    # does not ask who sends, so a receipt that was made up may keep a word from a supplier.
    settings = Settings(
        seed=chance.randrange(1 << 32),
        rates=parse_rates("none"),
        homes=1,
        image_octets=1_000,
        keys="fuzz",
        may_be_silent=True,
    )
    world = FaultyWorld(settings)
    nodes = [*world.street.hub_ids, *world.street.residents]
    hub_id = world.street.hub_ids[0]
    organisations = world.organisations

    def at_the_radio() -> None:
        frames = {ota.CLUSTER_ID: found.ota_frames, tunnel.CLUSTER_ID: found.tunnel_frames}
        cluster_id = chance.choice(list(frames))
        source, target = chance.choice(nodes), chance.choice(nodes)
        world.homes.transmit(source, target, cluster_id, mutated(chance, frames[cluster_id]))

    def at_the_hub() -> None:
        world.homes.receive_wan(hub_id, mutated(chance, found.to_hubs))

    def at_the_dcc() -> None:
        assert organisations.dcc.shell is not None, "nobody dies in this world"
        octets = mutated(chance, found.from_hubs)
        organisations.dcc.shell.receive_wan([(hub_id, octets)], world.happenings.now_ms)
        organisations.soon(organisations.dcc)

    def at_its_gateway() -> None:
        assert organisations.dcc.shell is not None, "nobody dies in this world"
        octets = mutated(chance, found.requests)
        try:
            organisations.dcc.shell.answer(octets, world.happenings.now_ms)
        except RemoteError:
            return

    def at_a_supplier() -> None:
        process = chance.choice(list(organisations.suppliers.values()))
        assert process.shell is not None, "nobody dies in this world"
        process.shell.receive([mutated(chance, found.responses)], world.happenings.now_ms)

    sides = (at_the_radio, at_the_radio, at_the_hub, at_the_dcc, at_its_gateway, at_a_supplier)
    for _ in range(runs):
        at_ms = START_MS + chance.randrange(FAULT_DAYS * DAY_MS)
        world.happenings.add(at_ms, chance.choice(sides))
    world.run()


_ANY = "any octets give a value or RemoteError"

TARGETS: dict[str, Target] = {
    "duis-request": Target(
        _ANY, _decoder(lambda found: found.requests, lambda o: decode_request(open_document(o)))
    ),
    "duis-response": Target(
        _ANY, _decoder(lambda found: found.responses, lambda o: decode_response(open_document(o)))
    ),
    "gbcs": Target(_ANY, _decoder(_gbcs_messages, lambda o: decode_content(gbcs.decode(o)))),
    "image": Target(_ANY, _decoder(lambda found: found.images, image.decode_image)),
    "ota": Target(_ANY, _decoder(lambda found: found.ota_frames, ota_codec.decode)),
    "tunnel": Target(_ANY, _decoder(lambda found: found.tunnel_frames, tunnel.decode)),
    "wan": Target(_ANY, _decoder(lambda found: found.from_hubs + found.to_hubs, wan.decode)),
    "radio": Target(_ANY, _decoder(_radio_frames, radio.decode_radio_frame)),
    "certificate": Target(_ANY, _decoder(lambda found: found.certificates, decode_certificate)),
    "parties": Target(
        "whatever anybody is sent, nobody raises and every invariant of a world holds", _parties
    ),
}
