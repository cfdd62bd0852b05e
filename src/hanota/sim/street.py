"""The homes of a simulated world, the images that their devices may run, and what is odd there.

Each home has a hub and a device of every kind that firmware updates know; those of the first half
of the homes belong to one supplier, the others to another. The devices are those of production.
The faults that belong to a home from the start are drawn here: a hub with room for one image, a
device of other hardware than the inventory says, an image that its maker did not release for it,
one that does not come up on it, a store or a flash that gives other octets than it got.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import msgspec

from hanota.han.command_reception import Trust
from hanota.han.flash import Flash
from hanota.han.hub import HubSetup
from hanota.han.originator import counter_record
from hanota.han.ota_client import ClientSettings
from hanota.han.ota_server import ServerSettings
from hanota.han.ppmid import DeviceSetup, Ppmid
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make, suits
from hanota.limits import HUB_IMAGE_SLOTS, MINUTE_MS, SIGNATURE_OCTETS
from hanota.model import DeviceStatus, DeviceType, Region, Role, instant_ms, version_text
from hanota.rows import Device, ProductEntry, ProductStatus
from hanota.serve.homes import Homes
from hanota.sim.credentials import Credentials
from hanota.sim.faults import Fault, Luck
from hanota.sim.town import (
    HARDWARE_VERSION,
    HOMES_MAX,
    IDS_PER_HOME,
    MANUFACTURER,
    MANUFACTURER_CODE,
    MODELS,
    OTHER_HARDWARE_VERSION,
    OTHER_HOMES,
    POSITION,
    TOWN_GBCS_VERSION,
    Fate,
    Home,
)
from hanota.smki import protection
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import (
    IMAGE_TYPES,
    SIGNED_TYPES,
    ImageHeader,
    OtaImage,
    build_image,
    encode_image,
    manufacturer_image_hash,
)

# Virtual time begins here, so that a run can be repeated from its seed.
START_MS = instant_ms(datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
KINDS = (DeviceType.PPMID, DeviceType.HCALCS, DeviceType.ESME, DeviceType.GSME)
SUPPLIERS = (SUPPLIER, SUPPLIER_2)
OLD_VERSION = 0x0001_0000
NEW_VERSIONS = (0x0002_0000, 0x0003_0000)
# Hubs that come in the place of others have ids behind those of all homes.
_SPARE_HUBS = OTHER_HOMES + HOMES_MAX * IDS_PER_HOME
# Homes that are all told to ask at once would keep step for ever.
_FIRST_QUERY_MS_MAX = 10 * MINUTE_MS


class Image(msgspec.Struct, frozen=True):
    """One release for one kind of device, as one supplier distributes it."""

    version: int
    file: bytes  # the OTA file, with the supplier's trailer where the kind has one
    hash: bytes  # of the Manufacturer Image
    header: ImageHeader


class Resident(msgspec.Struct):
    """One device of the street: its row, and what the world knows of it."""

    row: Device
    make: Make
    suppliers: tuple[int, ...]  # in its slots; a change of supplier replaces them
    released: frozenset[bytes]  # Manufacturer Image Hashes
    does_not_start: frozenset[bytes]  # OTA files that do not come up on it
    is_new_here: bool = False  # was another supplier's before

    @property
    def device_id(self) -> int:
        """Its EUI-64."""
        return self.row.device_id

    @property
    def hub_id(self) -> int:
        """The hub of its home."""
        return self.row.hub_id


class Street:
    """`homes` homes; `images` by kind, version and supplier; `residents` by device id.

    `hub_ids` are those of the hubs that are there now.
    """

    def __init__(
        self, homes: int, *, seed: int, image_octets: int, credentials: Credentials, luck: Luck
    ) -> None:
        self._credentials = credentials
        self._luck = luck
        self._chance = random.Random(f"{seed} street")  # noqa: S311 -- homes, not keys
        self.images = _images(seed, image_octets, credentials)
        self.hub_ids = tuple(_base(home) + POSITION[DeviceType.CHF] for home in range(homes))
        self.residents = {
            device.device_id: device
            for home in range(homes)
            for device in (self._resident(home, kind, homes) for kind in KINDS)
        }
        self._replaced_by: dict[int, int] = {}
        self.slot_octets = max(len(image.file) for image in self.images.values())

    def rows(self) -> list[Device]:
        """The inventory: devices and their hubs."""
        hubs = [_row(hub_id, DeviceType.CHF, hub_id, ()) for hub_id in self.hub_ids]
        return hubs + [resident.row for resident in self.residents.values()]

    def products(self) -> list[ProductEntry]:
        """The Central Products List: every release, whether or not a device's maker means it."""
        listed = {(kind, image.version): image for (kind, _, _), image in self.images.items()}
        return [_entry(kind, image) for (kind, _), image in listed.items()]

    def files_of(self, resident: Resident) -> dict[bytes, int]:
        """The OTA files that can and may run on a device, with their versions."""
        return {
            image.file: image.version
            for (kind, _, _), image in self.images.items()
            if kind is resident.row.type
            and image.hash in resident.released
            and image.file not in resident.does_not_start
            and suits(image.header, resident.make)
        }

    def move_in(self, homes: Homes) -> None:
        """Install every node, and give all of them power."""
        for hub_id in self.hub_ids:
            homes.add_hub(self._hub(hub_id), Flash())
        for resident in self.residents.values():
            flash = WornFlash(
                slots=(self.factory_file(resident), b""),
                records=dict(_counter_records()),
                slot_octets=self.slot_octets,
            )
            flash.luck = self._luck
            homes.add(resident.device_id, resident.hub_id, flash, self._start(resident))
        for node_id in (*self.hub_ids, *self.residents):
            homes.power_on(node_id)

    def factory_file(self, resident: Resident) -> bytes:
        """What the device was made with."""
        return self.images[resident.row.type, OLD_VERSION, SUPPLIER].file

    def replace_hub(self, old_id: int, homes: Homes) -> int:
        """Put a new hub in the place of one that is taken away with all that it has; its id.

        Every device of the home joins the new one and restarts.
        """
        new_id = _SPARE_HUBS + len(self._replaced_by)
        self._replaced_by[old_id] = new_id
        self.hub_ids = tuple(map(self.standing, self.hub_ids))
        moved = [resident for resident in self.residents.values() if resident.hub_id == old_id]
        for resident in moved:
            resident.row = msgspec.structs.replace(resident.row, hub_id=new_id)
        homes.remove(old_id)
        homes.add_hub(self._hub(new_id), Flash())
        homes.power_on(new_id)
        for resident in moved:
            homes.rejoin(resident.device_id, new_id)
        return new_id

    def standing(self, node_id: int) -> int:
        """The node that is now where this one was at first: a hub may have been replaced."""
        while node_id in self._replaced_by:
            node_id = self._replaced_by[node_id]
        return node_id

    def change_supplier(self, resident: Resident, supplier: int) -> None:
        """Put another supplier into the slots and the row of a device."""
        resident.suppliers = (supplier,)
        resident.is_new_here = True
        resident.row = msgspec.structs.replace(resident.row, suppliers=(supplier,))

    def blob_source(self, blobs: Callable[[bytes], bytes | None]) -> None:
        """Say where hubs fetch images, by SHA-256."""
        self._blobs = blobs

    def _resident(self, home: int, kind: DeviceType, homes: int) -> Resident:
        supplier = SUPPLIERS[0] if 2 * home < homes else SUPPLIERS[1]
        hub_id = _base(home) + POSITION[DeviceType.CHF]
        row = _row(_base(home) + POSITION[kind], kind, hub_id, (supplier,))
        other = self._luck.strikes(Fault.OTHER_HARDWARE)
        hardware = OTHER_HARDWARE_VERSION if other else HARDWARE_VERSION
        of_kind = [image for (its, _, _), image in self.images.items() if its is kind]
        withheld = {version for version in NEW_VERSIONS if self._luck.strikes(Fault.NOT_RELEASED)}
        broken = {version for version in NEW_VERSIONS if self._luck.strikes(Fault.DOES_NOT_START)}
        return Resident(
            row=row,
            make=Make(MANUFACTURER_CODE, IMAGE_TYPES[kind], hardware),
            suppliers=(supplier,),
            released=frozenset(i.hash for i in of_kind if i.version not in withheld),
            does_not_start=frozenset(i.file for i in of_kind if i.version in broken),
        )

    def _hub(self, hub_id: int) -> HubSetup:
        full = self._luck.strikes(Fault.STORE_FULL)
        return HubSetup(
            hub_id=hub_id,
            device_ids=frozenset(
                r.device_id for r in self.residents.values() if r.hub_id == hub_id
            ),
            sign=partial(self._sign, hub_id),
            blobs=self._fetch,
            reads=self._reads,
            server=ServerSettings(image_slots=1 if full else HUB_IMAGE_SLOTS),
        )

    def _start(self, resident: Resident) -> Callable[..., Ppmid | SignedImageDevice]:
        client = ClientSettings(first_query_ms=self._chance.randrange(_FIRST_QUERY_MS_MAX))
        if resident.row.type is DeviceType.PPMID:
            return lambda flash: Ppmid(self._ppmid(resident, client), flash)
        return lambda flash: SignedImageDevice(self._signed_image_device(resident, client), flash)

    def _ppmid(self, resident: Resident, client: ClientSettings) -> DeviceSetup:
        return DeviceSetup(
            device_id=resident.device_id,
            hub_id=resident.hub_id,
            make=resident.make,
            sign=partial(self._sign, resident.device_id),
            released=resident.released,
            starts=lambda image: image not in resident.does_not_start,
            client=client,
            trust=self._trust(resident),
        )

    def _signed_image_device(
        self, resident: Resident, client: ClientSettings
    ) -> SignedImageDeviceSetup:
        return SignedImageDeviceSetup(
            device_id=resident.device_id,
            hub_id=resident.hub_id,
            make=resident.make,
            sign=partial(self._sign, resident.device_id),
            released=resident.released,
            trust=self._trust(resident),
            starts=lambda image: image not in resident.does_not_start,
            client=client,
        )

    def _trust(self, resident: Resident) -> Trust:
        return Trust(
            shared_secret=partial(self._credentials.agreed, resident.device_id),
            public_key=partial(self._credentials.public_key, role=Role.SUPPLIER),
            suppliers=resident.suppliers,
        )

    def _sign(self, eui: int, message: GbcsMessage) -> GbcsMessage:
        return protection.sign(message, self._credentials.private_key(eui))

    def _fetch(self, sha256: bytes) -> bytes | None:
        return self._blobs(sha256)

    def _reads(self, octets: bytes) -> bytes:
        if not self._luck.strikes(Fault.IMAGE_DAMAGED):
            return octets
        return _damaged(octets, self._luck.stream(Fault.IMAGE_DAMAGED).randrange(len(octets)))


def home_of(number: int) -> Home:
    """Who lives in a home of every street, for a capture of its frames."""
    base = _base(number)
    hub_id = base + POSITION[DeviceType.CHF]
    rows = [_row(base + POSITION[kind], kind, hub_id, ()) for kind in (*KINDS, DeviceType.CHF)]
    return Home(tuple(rows), Fate.SOUND, Fate.SOUND)


class WornFlash(Flash):
    """A flash that keeps, now and then, other octets than it was given; `luck` decides."""

    luck: Luck

    def write(self, slot: int, offset: int, data: bytes) -> None:
        """As `Flash.write`."""
        if self.luck.strikes(Fault.FLASH_DAMAGED):
            data = _damaged(data, self.luck.stream(Fault.FLASH_DAMAGED).randrange(len(data)))
        super().write(slot, offset, data)


def _damaged(octets: bytes, place: int) -> bytes:
    return octets[:place] + bytes((octets[place] ^ 1,)) + octets[place + 1 :]


def _counter_records() -> dict[str, bytes]:
    return {key: value for key, value in counter_record(0).items() if value is not None}


def _base(home: int) -> int:
    return OTHER_HOMES + home * IDS_PER_HOME


def _row(device_id: int, kind: DeviceType, hub_id: int, suppliers: tuple[int, ...]) -> Device:
    return Device(
        device_id=device_id,
        type=kind,
        manufacturer=MANUFACTURER,
        model=MODELS[kind],
        hardware_version=HARDWARE_VERSION,
        firmware_version=version_text(OLD_VERSION),
        hub_id=hub_id,
        status=DeviceStatus.COMMISSIONED,
        suppliers=suppliers,
        region=tuple(Region)[hub_id // IDS_PER_HOME % len(Region)],
        gbcs_version=TOWN_GBCS_VERSION,
    )


def _entry(kind: DeviceType, image: Image) -> ProductEntry:
    return ProductEntry(
        type=kind,
        manufacturer=MANUFACTURER,
        manufacturer_code=MANUFACTURER_CODE,
        model=MODELS[kind],
        hardware_versions=(HARDWARE_VERSION,),
        firmware_version=version_text(image.version),
        hash=image.hash,
        status=ProductStatus.ACTIVE,
        gbcs_version=TOWN_GBCS_VERSION,
        follows=(),
    )


def _images(
    seed: int, octets: int, credentials: Credentials
) -> dict[tuple[DeviceType, int, int], Image]:
    """By kind, version and supplier; the first version is what devices are made with."""
    return {
        (kind, version, supplier): _image(
            kind, version, supplier, seed=seed, octets=octets, credentials=credentials
        )
        for kind in KINDS
        for version in (OLD_VERSION, *NEW_VERSIONS)
        for supplier in SUPPLIERS
    }


def _image(
    kind: DeviceType,
    version: int,
    supplier: int,
    *,
    seed: int,
    octets: int,
    credentials: Credentials,
) -> Image:
    factory = version == OLD_VERSION
    chance = random.Random(f"{seed} {kind} {version}")  # noqa: S311 -- an image, not a key
    content = chance.randbytes(64 if factory else octets)
    signature = None
    if kind in SIGNED_TYPES:
        # Nobody checks the trailer of an image that a device was made with.
        signature = (
            bytes(SIGNATURE_OCTETS)
            if factory
            else credentials.sign(supplier, Role.SUPPLIER, content)
        )
    image = build_image(
        image_type=IMAGE_TYPES[kind],
        manufacturer_code=MANUFACTURER_CODE,
        file_version=version,
        manufacturer_image=content,
        signature=signature,
        hardware=(0x0000, 0xFFFF) if factory else (HARDWARE_VERSION, HARDWARE_VERSION + 0x100),
        text=f"hanota simulated {kind}",
    )
    return _released(image)


def _released(image: OtaImage) -> Image:
    return Image(
        image.header.file_version,
        encode_image(image),
        manufacturer_image_hash(image),
        image.header,
    )
