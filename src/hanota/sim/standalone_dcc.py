"""A DCC with the homes of an estate, or a link to them, ready to run as a process.

What outlives the process is its ledger and the flash of the homes; what is given here is only what
both begin with. Devices that the ledger knows stay as it knows them, and time goes on from the last
thing that either has recorded.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import msgspec

from hanota.dcc.products import ProductList
from hanota.dcc.thresholds import Threshold
from hanota.dcc.users import UserRole, Users
from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.limits import PUSH_DELAY_MS
from hanota.link.nats_settings import NatsSettings
from hanota.model import DeviceType, Role
from hanota.rows import Device, ProductEntry
from hanota.serve.clock import Clock
from hanota.serve.dcc import DccShell
from hanota.serve.dcc_process import DccProcess, JoinedHomes
from hanota.serve.embedded_homes import EmbeddedHomes
from hanota.serve.flash_store import FlashStore
from hanota.sim import estate_homes
from hanota.smki.given_pki import DevicePki
from hanota.smki.organisations import ACCESS_CONTROL_BROKER

# What a user may be, by the role that its certificates say.
USER_ROLES: dict[Role, frozenset[UserRole]] = {
    Role.SUPPLIER: frozenset({UserRole.IS, UserRole.ES, UserRole.GS}),
    Role.NETWORK_OPERATOR: frozenset({UserRole.ED, UserRole.GT}),
    Role.OTHER_USER: frozenset({UserRole.OU}),
}


class Settings(msgspec.Struct, frozen=True):
    """What the DCC and its homes begin with."""

    devices: Sequence[Device]
    pki: DevicePki
    users: Users
    products: Sequence[ProductEntry] | None  # None: every well-formed image has its place
    ledger_url: str
    state: Path  # folder of the flash of all homes
    speed: float
    signature_check: bool
    thresholds: Sequence[Threshold]
    brokered_types: frozenset[DeviceType]
    link: NatsSettings | None = None  # to homes in other processes; None: they are in this one


class StandaloneDcc(msgspec.Struct, frozen=True):
    """The process and its homes."""

    process: DccProcess
    homes: JoinedHomes
    restored: int  # nodes whose flash was found


@contextmanager
def standalone_dcc(settings: Settings) -> Iterator[StandaloneDcc]:
    """Join them; ledger and flash are open while the block runs.

    LocalError where the state is in use, or is that of another estate.
    """
    with (
        Ledger.open(settings.ledger_url, owner="dcc") as ledger,
        FlashStore(settings.state / "homes.db") as store,
    ):
        shell = DccShell(
            ledger,
            settings.pki,
            settings.pki,
            acb_id=ACCESS_CONTROL_BROKER,
            users=settings.users,
            signature_check=settings.signature_check,
            brokered_types=settings.brokered_types,
            thresholds=settings.thresholds,
            # Of real time, however fast the clock runs.
            push_delay_ms=round(PUSH_DELAY_MS * settings.speed),
        )
        products = _load(shell, ledger, settings)
        clock = Clock(_start_ms(ledger, store), settings.speed)
        process = DccProcess(
            shell,
            ledger,
            settings.pki,
            users=settings.users,
            clock=clock,
            state=settings.state,
            signature_check=settings.signature_check,
        )
        if settings.link is not None:
            yield StandaloneDcc(process, _homes_elsewhere(settings.link, clock, process), 0)
            return
        around = estate_homes.Surroundings(
            pki=settings.pki,
            blobs=lru_cache(maxsize=4)(process.blob),
            released=_Released(process),
            products=products,
        )
        homes = EmbeddedHomes(
            lambda empty: estate_homes.install(empty, settings.devices, around),
            store,
            clock,
            process.exchange,
            ACCESS_CONTROL_BROKER,
        )
        yield StandaloneDcc(process, homes, homes.restored)


class _Released:
    """The Manufacturer Image Hashes on the products list, which may grow while the process runs."""

    def __init__(self, process: DccProcess) -> None:
        self._process = process
        self._known: frozenset[bytes] = frozenset()

    def __contains__(self, image_hash: object) -> bool:
        if image_hash not in self._known:
            self._known = self._process.released()
        return image_hash in self._known


def _load(shell: DccShell, ledger: Ledger, settings: Settings) -> ProductList:
    """Tell the shell of devices that are new to it, and of products; what its list then is."""
    with ledger.view() as view:
        known = view.devices(device.device_id for device in settings.devices)
        listed = view.products()
    shell.load_inventory(device for device in settings.devices if device.device_id not in known)
    entries = listed if settings.products is None else list(settings.products)
    products = ProductList(entries)
    # What the devices were made with has to stand on the list, or it would disagree with them.
    entries = entries + estate_homes.factory_entries(settings.devices, products)
    shell.load_products(entries)
    if settings.products is None:
        shell.take_every_image()
    return ProductList(entries)


def _homes_elsewhere(link: NatsSettings, clock: Clock, process: DccProcess) -> JoinedHomes:
    try:
        from hanota.serve.homes_elsewhere import HomesElsewhere  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise LocalError("a link over NATS needs nats-py: pip install 'hanota[nats]'") from error
    return HomesElsewhere(link, clock, process.exchange, process.blob, ACCESS_CONTROL_BROKER)


def _start_ms(ledger: Ledger, store: FlashStore) -> int:
    with ledger.view() as view:
        last_ms = view.last_ms()
    return max(time.time_ns() // 1_000_000, last_ms, store.last_ms())
