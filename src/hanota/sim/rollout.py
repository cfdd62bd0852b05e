"""The main job on a town: one signed 11.4, and what became of every device.

Joins a supplier and a DCC, each with its ledger, to a town of homes; says how far everything is
while it runs, and at the end compares what the supplier's ledger says with how the homes were set
up and with what the devices really run.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from hanota.dcc.users import SUPPLIERS
from hanota.errors import LocalError
from hanota.han.ppmid import Ppmid
from hanota.ledger.ledger import Ledger
from hanota.limits import (
    DAY_MS,
    HOUR_MS,
    READ_BACK_PERIOD_H,
    READ_BACK_TRIES,
    SILENCE_DEADLINE_DAYS,
)
from hanota.model import DeviceType, Outcome, RequestID, instant_ms, version_text
from hanota.rows import Delivery, ProductEntry, ProductStatus
from hanota.serve.dcc import DccShell
from hanota.serve.homes import Homes, RadioDepth, Tap, Wan
from hanota.serve.supplier import SupplierShell
from hanota.sim.chain import Chain
from hanota.sim.town import (
    EXPECTED,
    HARDWARE_VERSION,
    MANUFACTURER,
    MANUFACTURER_CODE,
    MODELS,
    OLD_VERSION,
    SECMP0007_GBCS_VERSION,
    Fate,
    Home,
)
from hanota.sim.town_homes import add_home
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.supplier.tracking import LIVE_STATES
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis.values import Request, Response
from hanota.wire.image import (
    IMAGE_TYPES,
    OtaImage,
    build_image,
    encode_image,
    manufacturer_image_hash,
)

# Virtual time begins here, so that a run can be repeated from its seed.
START_MS = instant_ms(datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
NEW_VERSION = 0x0002_0000
_HARDWARE_RANGE = (HARDWARE_VERSION, 0x1211)
# A PPMID's flash slot holds at least this, and more where the image needs it.
MINIMUM_SLOT_OCTETS = 131_072
# The homes are up and have asked their hubs in vain before the supplier begins, so that it is the
# hub's Image Notify that starts a download and no first query.
_HOMES_RUN_BEFORE_MS = HOUR_MS
_PAGE = 5_000


class DeviceReport(msgspec.Struct, frozen=True):
    """What became of one device, what was to become of it, and what it really runs."""

    delivery: Delivery
    fate: Fate | None  # None: no PPMID of this town
    as_expected: bool  # the outcome is the one for which the home was set up
    ledger_is_true: bool  # supplier and DCC know what the device runs; `updated` only where it does
    runs: int | None  # the version that the device itself runs, None without power
    taken_ms: int  # from the request to the state that it is in


def seeded_image(octets: int, seed: int, version: int = NEW_VERSION) -> OtaImage:
    """An OTA file of this size for the town's PPMIDs, its content made from the seed."""
    header = len(encode_image(_ppmid_image(b"\x00", version))) - 1
    if octets <= header:
        raise LocalError(f"an image has more than its header's {header} octets, not {octets}")
    content = random.Random(f"{seed} {version}").randbytes(octets - header)  # noqa: S311 -- no key
    return _ppmid_image(content, version)


class Rollout:
    """A town and its parties, ready to carry out one 11.4.

    Args:
        town: the homes.
        seed: decides the keys.
        image: the OTA file to deliver, without a trailer.
        supplier_ledger: of the supplier.
        dcc_ledger: of the DCC.
        depth: of the radio.
        tap: is shown every frame of every home.
    """

    def __init__(
        self,
        *,
        town: Sequence[Home],
        seed: int,
        image: OtaImage,
        supplier_ledger: Ledger,
        dcc_ledger: Ledger,
        depth: RadioDepth = RadioDepth.FRAMES,
        tap: Tap | None = None,
    ) -> None:
        self.town = town
        self.image = image
        self._image_file = encode_image(image)
        self._supplier_ledger = supplier_ledger
        self._dcc_ledger = dcc_ledger
        self._pki = TestPki(str(seed).encode())
        self._supplier = SupplierShell(
            supplier_ledger, self._pki, self._pki, user_id=SUPPLIER, dcc_id=ACCESS_CONTROL_BROKER
        )
        self._dcc = DccShell(
            dcc_ledger,
            self._pki,
            self._pki,
            users={SUPPLIER: SUPPLIERS},
            acb_id=ACCESS_CONTROL_BROKER,
        )
        self._dcc.load_products(self._products())
        devices = [device for home in self.town for device in home.devices]
        self._supplier.load_estate(devices)
        self._dcc.load_inventory(devices)
        self.chain = Chain(
            self._supplier,
            self._dcc,
            lambda wan: self._homes(wan, depth, tap),
            ledgers=(supplier_ledger, dcc_ledger),
            dcc_id=ACCESS_CONTROL_BROKER,
            now_ms=START_MS,
        )
        self.chain.homes.run_until(START_MS)

    @property
    def request_id(self) -> RequestID:
        """Of the request that runs or ran."""
        return self._row.request_id

    @property
    def ppmid_ids(self) -> tuple[int, ...]:
        """The PPMIDs of the town, in its order."""
        return tuple(home.device(DeviceType.PPMID).device_id for home in self.town)

    def run(self, request: Request | None = None) -> Iterator[dict[tuple[str, str], int]]:
        """Send one 11.4 and run until every device has an outcome, or its time is long over.

        Without a request, one is made for every PPMID of the town. Gives, after each exchange, how
        many devices are in each (state, reason).
        """
        if request is None:
            self._row = self._supplier.update_ppmid_firmware(
                self._image_file, self.ppmid_ids, START_MS
            )
        else:
            self._row = self._supplier.send(request, START_MS)
        silent_ms = SILENCE_DEADLINE_DAYS * DAY_MS + READ_BACK_TRIES * READ_BACK_PERIOD_H * HOUR_MS
        until_ms = START_MS + silent_ms + DAY_MS
        for _ in self.chain.run(self._is_settled, until_ms=until_ms):
            yield self.counts()

    def counts(self) -> dict[tuple[str, str], int]:
        """How many devices are in each (state, reason), as the supplier's ledger counts them."""
        with self._supplier_ledger.view() as view:
            return view.counts(self._row.number)

    def answer(self) -> Response | None:
        """The DCC's synchronous answer, None before it came."""
        with self._supplier_ledger.view() as view:
            row = view.request(self._row.request_id, self._row.command_variant)
        if row is None or row.answer is None:
            return None
        return decode_response(open_document(row.answer))

    def report(self) -> list[DeviceReport]:
        """What became of each device of the request, by device id."""
        fates = {home.device(DeviceType.PPMID).device_id: home.fate for home in self.town}
        deliveries = list(self._deliveries())
        known = self._known_versions([delivery.device_id for delivery in deliveries])
        return [
            self._report(delivery, fates.get(delivery.device_id), known[delivery.device_id])
            for delivery in deliveries
        ]

    def _report(self, delivery: Delivery, fate: Fate | None, known: set[str]) -> DeviceReport:
        runs = None if fate is None else self._runs(delivery.device_id)
        return DeviceReport(
            delivery,
            fate,
            as_expected=_is_as_expected(delivery, fate),
            ledger_is_true=_is_true(delivery, runs) and _is_known(runs, known),
            runs=runs,
            taken_ms=delivery.changed_ms - START_MS,
        )

    def _known_versions(self, device_ids: Sequence[int]) -> dict[int, set[str]]:
        """What the supplier's estate and the DCC's inventory say that each device runs."""
        known: dict[int, set[str]] = {device_id: set() for device_id in device_ids}
        for ledger in (self._supplier_ledger, self._dcc_ledger):
            with ledger.view() as view:
                for device_id, device in view.devices(device_ids).items():
                    known[device_id].add(device.firmware_version)
        return known

    def _deliveries(self) -> Iterator[Delivery]:
        after = 0
        with self._supplier_ledger.view() as view:
            while page := view.deliveries(self._row.number, after=after, limit=_PAGE):
                yield from page
                after = page[-1].device_id

    def _runs(self, device_id: int) -> int | None:
        match self.chain.homes.party(device_id):
            case Ppmid() as ppmid:
                return ppmid.running_version
        return None

    def _is_settled(self) -> bool:
        under_way = LIVE_STATES.intersection(state for state, _ in self.counts())
        return not under_way and self.chain.is_quiet()

    def _blob(self, sha256: bytes) -> bytes | None:
        with self._dcc_ledger.view() as view:
            return view.image(sha256)

    def _products(self) -> list[ProductEntry]:
        return [self._entry(image) for image in (_factory_image(), self.image)]

    def _entry(self, image: OtaImage) -> ProductEntry:
        return ProductEntry(
            type=DeviceType.PPMID,
            manufacturer=MANUFACTURER,
            manufacturer_code=image.header.manufacturer_code,
            model=MODELS[DeviceType.PPMID],
            hardware_versions=(HARDWARE_VERSION,),
            firmware_version=version_text(image.header.file_version),
            hash=manufacturer_image_hash(image),
            status=ProductStatus.ACTIVE,
            gbcs_version=SECMP0007_GBCS_VERSION,
            follows=(),
        )

    def _homes(self, wan: Wan, depth: RadioDepth, tap: Tap | None) -> Homes:
        homes = Homes(now_ms=START_MS - _HOMES_RUN_BEFORE_MS, wan=wan, depth=depth, tap=tap)
        factory = _factory_image()
        released = {manufacturer_image_hash(image) for image in (factory, self.image)}
        blobs = lru_cache(maxsize=4)(self._blob)
        for home in self.town:
            add_home(
                homes,
                home,
                pki=self._pki,
                blobs=blobs,
                factory_image=encode_image(factory),
                released=released,
                slot_octets=max(MINIMUM_SLOT_OCTETS, len(self._image_file)),
            )
        return homes


def _is_true(delivery: Delivery, runs: int | None) -> bool:
    if delivery.state in (Outcome.UPDATED, Outcome.UPDATED_LATE):
        return runs == delivery.version
    # A device that is left out may run the version already.
    return delivery.state == Outcome.LEFT_OUT or runs != delivery.version


def _is_known(runs: int | None, known: set[str]) -> bool:
    return runs is None or known == {version_text(runs)}


def _is_as_expected(delivery: Delivery, fate: Fate | None) -> bool:
    if fate is None:  # no PPMID of this town: the DCC has to leave it out
        return delivery.state == Outcome.LEFT_OUT
    return (delivery.state, delivery.reason) == EXPECTED[fate]


def _factory_image() -> OtaImage:
    # For any hardware: a PPMID of other hardware than the inventory says runs it as well.
    first = b"what every PPMID of the town runs at first"
    return _ppmid_image(first, OLD_VERSION, hardware=(0x0000, 0xFFFF))


def _ppmid_image(
    manufacturer_image: bytes, version: int, hardware: tuple[int, int] = _HARDWARE_RANGE
) -> OtaImage:
    return build_image(
        image_type=IMAGE_TYPES[DeviceType.PPMID],
        manufacturer_code=MANUFACTURER_CODE,
        file_version=version,
        manufacturer_image=manufacturer_image,
        hardware=hardware,
        text="hanota sample PPMID",
    )
