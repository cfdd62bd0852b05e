"""A town with its DCC and its suppliers, each with a ledger, joined by the chain.

What happens in it is said elsewhere: `ppmid_rollout` and `hcalcs_rollout` each are one thing that a
supplier does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from hanota.dcc.users import SUPPLIERS
from hanota.han.ppmid import Ppmid
from hanota.han.signed_image_device import SignedImageDevice
from hanota.ledger.ledger import Ledger
from hanota.limits import HOUR_MS
from hanota.model import DeviceType, instant_ms
from hanota.rows import Device
from hanota.serve.dcc import DccShell
from hanota.serve.homes import Homes, RadioDepth, Tap, Wan
from hanota.serve.supplier import SupplierShell
from hanota.sim.chain import Chain
from hanota.sim.town import Home
from hanota.sim.town_homes import Firmware, Surroundings, add_home
from hanota.sim.town_images import factory_image, product_entry, signed_by
from hanota.smki.organisations import ACCESS_CONTROL_BROKER
from hanota.smki.pki import TestPki
from hanota.wire.image import OtaImage, encode_image, manufacturer_image_hash

# Virtual time begins here, so that a run can be repeated from its seed.
START_MS = instant_ms(datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
# A device's flash slot holds at least this, and more where the image needs it.
MINIMUM_SLOT_OCTETS = 131_072
# The homes are up and have asked their hubs in vain before a supplier begins, so that it is the
# hub's Image Notify that starts a download and no first query.
_HOMES_RUN_BEFORE_MS = HOUR_MS
# What the devices of each kind run when the town begins.
_FACTORY_IMAGES = {
    kind: factory_image(kind)
    for kind in (DeviceType.ESME, DeviceType.GSME, DeviceType.PPMID, DeviceType.HCALCS)
}


class World:
    """A town and its parties, from START_MS on.

    Args:
        town: the homes.
        seed: decides the keys.
        images: what the makers have brought out, by the kind of device that it is for: each is on
            the Central Products List.
        supplier_ledgers: of each supplier, by its EUI-64.
        dcc_ledger: of the DCC.
        depth: of the radio.
        tap: is shown every frame of every home.
    """

    def __init__(
        self,
        *,
        town: Sequence[Home],
        seed: int,
        images: Mapping[DeviceType, OtaImage],
        supplier_ledgers: Mapping[int, Ledger],
        dcc_ledger: Ledger,
        depth: RadioDepth = RadioDepth.FRAMES,
        tap: Tap | None = None,
    ) -> None:
        self.town = town
        self.images = images
        self.pki = TestPki(str(seed).encode())
        self.supplier_ledgers = supplier_ledgers
        self.dcc_ledger = dcc_ledger
        self.suppliers = {
            supplier_id: SupplierShell(
                ledger, self.pki, self.pki, user_id=supplier_id, dcc_id=ACCESS_CONTROL_BROKER
            )
            for supplier_id, ledger in supplier_ledgers.items()
        }
        self.dcc = DccShell(
            dcc_ledger,
            self.pki,
            self.pki,
            users=dict.fromkeys(supplier_ledgers, SUPPLIERS),
            acb_id=ACCESS_CONTROL_BROKER,
        )
        self.dcc.load_products(
            product_entry(kind, image)
            for brought_out in (_FACTORY_IMAGES, images)
            for kind, image in brought_out.items()
        )
        self._suppliers_of: dict[int, tuple[int, ...]] = {}
        self._register(device for home in town for device in home.devices)
        self.chain = Chain(
            self.suppliers,
            self.dcc,
            lambda wan: self._homes(wan, depth, tap),
            ledgers=(*supplier_ledgers.values(), dcc_ledger),
            dcc_id=ACCESS_CONTROL_BROKER,
            now_ms=START_MS,
        )
        self.homes.run_until(START_MS)

    @property
    def now_ms(self) -> int:
        """The instant of the last exchange."""
        return self.chain.now_ms

    @property
    def homes(self) -> Homes:
        """The hubs and devices as they run."""
        return self.chain.homes

    def image_file(self, kind: DeviceType, supplier_id: int) -> bytes:
        """The OTA file that this supplier sends to devices of this kind, signed if it has to be."""
        return encode_image(signed_by(supplier_id, self.images[kind], self.pki))

    def runs(self, device_id: int) -> int | None:
        """The version that the device itself runs, None without power."""
        match self.homes.party(device_id):
            case (Ppmid() | SignedImageDevice()) as device:
                return device.running_version
        return None

    def change_supplier(self, device_id: int, supplier_id: int) -> None:
        """Let the device be of this supplier from now on: all know of it, and the device restarts.

        What the parties of GBCS and the DCC do to that end is not played here.
        """
        with self.dcc_ledger.view() as view:
            device = view.devices([device_id])[device_id]
        self._register([msgspec.structs.replace(device, suppliers=(supplier_id,))])
        self.homes.power_on(device_id)

    def _register(self, devices: Iterable[Device]) -> None:
        """Let the inventory and every supplier's estate say this of these devices."""
        known = list(devices)
        self._suppliers_of |= {device.device_id: device.suppliers for device in known}
        self.dcc.load_inventory(known)
        for supplier in self.suppliers.values():
            supplier.load_estate(known)

    def _blob(self, sha256: bytes) -> bytes | None:
        with self.dcc_ledger.view() as view:
            return view.image(sha256)

    def _homes(self, wan: Wan, depth: RadioDepth, tap: Tap | None) -> Homes:
        homes = Homes(now_ms=START_MS - _HOMES_RUN_BEFORE_MS, wan=wan, depth=depth, tap=tap)
        around = Surroundings(
            pki=self.pki,
            blobs=lru_cache(maxsize=4)(self._blob),
            firmware={
                kind: _firmware(image, self.images.get(kind))
                for kind, image in _FACTORY_IMAGES.items()
            },
            suppliers_of=self._suppliers_of.__getitem__,
        )
        for home in self.town:
            add_home(homes, home, around)
        return homes


def _firmware(factory: OtaImage, brought_out: OtaImage | None) -> Firmware:
    images = [factory] if brought_out is None else [factory, brought_out]
    return Firmware(
        factory_image=encode_image(factory),
        released=frozenset(map(manufacturer_image_hash, images)),
        slot_octets=max(MINIMUM_SLOT_OCTETS, *(image.header.total_size for image in images)),
    )
