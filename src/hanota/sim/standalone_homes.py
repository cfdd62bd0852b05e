"""Homes out of an estate, ready to run as a process joined to their DCC by NATS.

What outlives the process is the flash of the homes. Keys follow from the PKI, images come over the
link.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hanota.dcc.products import ProductList
from hanota.link.nats_settings import NatsSettings
from hanota.rows import Device, ProductEntry
from hanota.serve.clock import Clock
from hanota.serve.embedded_homes import EmbeddedHomes
from hanota.serve.flash_store import FlashStore
from hanota.serve.homes import RadioDepth
from hanota.serve.homes_process import HomesProcess
from hanota.sim import estate_homes
from hanota.smki.given_pki import DevicePki
from hanota.smki.organisations import ACCESS_CONTROL_BROKER

_IMAGES_KEPT = 4


class HomesSettings(msgspec.Struct, frozen=True):
    """What the homes begin with."""

    devices: Sequence[Device]
    products: Sequence[ProductEntry]  # for the manufacturers' codes; may be none
    pki: DevicePki
    link: NatsSettings
    state: Path  # folder of the flash of all homes
    speed: float
    depth: RadioDepth


class StandaloneHomes(msgspec.Struct, frozen=True):
    """The process and its homes."""

    process: HomesProcess
    homes: EmbeddedHomes


@contextmanager
def standalone_homes(settings: HomesSettings) -> Iterator[StandaloneHomes]:
    """Join them; the flash is open while the block runs.

    LocalError where the state is in use, or is that of other homes.
    """
    with FlashStore(settings.state / "homes.db") as store:
        process = HomesProcess(settings.link, ACCESS_CONTROL_BROKER)
        products = ProductList(settings.products)
        entries = estate_homes.factory_entries(settings.devices, products)
        around = estate_homes.Surroundings(
            pki=settings.pki,
            blobs=_Images(process).get,
            released=process.released,
            products=ProductList([*settings.products, *entries]),
        )
        homes = EmbeddedHomes(
            lambda empty: estate_homes.install(empty, settings.devices, around),
            store,
            Clock(max(time.time_ns() // 1_000_000, store.last_ms()), settings.speed),
            process.exchange,
            ACCESS_CONTROL_BROKER,
            depth=settings.depth,
        )
        yield StandaloneHomes(process, homes)


class _Images:
    """The images that were last asked for; one that the link did not have is asked for again."""

    def __init__(self, process: HomesProcess) -> None:
        self._process = process
        self._kept: dict[bytes, bytes] = {}

    def get(self, sha256: bytes) -> bytes | None:
        octets = self._kept.get(sha256)
        if octets is None:
            octets = self._process.blob(sha256)
        if octets is not None and sha256 not in self._kept:
            while len(self._kept) >= _IMAGES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[sha256] = octets
        return octets
