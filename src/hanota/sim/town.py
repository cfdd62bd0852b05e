"""A small town of homes: who lives there, and which homes are set up to fail, and how.

The first home has the device ids of the official samples; the other homes' ids follow one scheme,
sixteen to a home, so that an id tells its home. A town is a value made from a number of homes and
a seed; nothing here runs.

Every home has an ESME and a PPMID; many have gas, whose supplier may be another one, and every
other has HCALCSs, one up to five of them. A home has a fate for each method: that of its PPMID,
and that of all its HCALCSs.
"""

import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from hanota.errors import LocalError
from hanota.model import DeviceStatus, DeviceType, LeftOut, Outcome, Region
from hanota.rows import Device
from hanota.smki.organisations import SUPPLIER, SUPPLIER_2

FIRST_HOME = 0x00DB_1234_5678_90A0
OTHER_HOMES = 0x00DB_1235_0000_0000
IDS_PER_HOME = 16
HOMES_MAX = 1_000_000
# As many HCALCSs as one ESME switches.
HCALCS_PER_HOME_MAX = 5

# Where in a home's block of ids each kind of device is, as in the official samples; a home's
# further HCALCSs follow its first.
POSITION = {
    DeviceType.ESME: 0,
    DeviceType.GSME: 1,
    DeviceType.CHF: 2,
    DeviceType.GPF: 3,
    DeviceType.PPMID: 4,
    DeviceType.HCALCS: 5,
}
MANUFACTURER = "Sample Manufacturer"
MODELS = {kind: f"Sample {kind}" for kind in DeviceType}
MANUFACTURER_CODE = 0x121D
HARDWARE_VERSION = 0x1111
OTHER_HARDWARE_VERSION = 0x2222
OLD_VERSION = 0x0001_0000
TOWN_GBCS_VERSION = "4.3"
OLD_GBCS_VERSION = "2.1"


class Fate(StrEnum):
    """How a PPMID or the HCALCSs of a home are set up.

    Every fate but SOUND makes an update fail in a known way, or be activated otherwise than at
    once.
    """

    SOUND = "sound"
    OLD_HUB = "hub without SECMP0007 firmware"
    # Of a PPMID.
    PPMID_OFF = "PPMID switched off"
    OTHER_HARDWARE = "PPMID of other hardware than the inventory says"
    CORRUPTED_IMAGE = "image corrupted in the hub's store"
    DOES_NOT_START = "new image does not start on this PPMID"
    OTHER_SUPPLIER = "PPMID of another supplier"
    # Of HCALCSs.
    DATED = "to be activated a day later"
    CANCELLED = "to be activated a day later, and cancelled before"
    HCALCS_OFF = "HCALCS switched off"
    HCALCS_OTHER_HARDWARE = "HCALCS of other hardware than the inventory says"
    HCALCS_CORRUPTED_IMAGE = "HCALCS image corrupted in the hub's store"
    HCALCS_DOES_NOT_START = "new image does not start on this HCALCS"
    IMAGE_LOST = "image lost from the flash before its activation"
    WRONG_HASH = "activation with the hash of another image"
    HCALCS_OTHER_SUPPLIER = "HCALCS of another supplier"


PPMID_FATES = (
    Fate.SOUND,
    Fate.PPMID_OFF,
    Fate.OTHER_HARDWARE,
    Fate.CORRUPTED_IMAGE,
    Fate.DOES_NOT_START,
    Fate.OLD_HUB,
    Fate.OTHER_SUPPLIER,
)
HCALCS_FATES = (
    Fate.SOUND,
    Fate.DATED,
    Fate.CANCELLED,
    Fate.HCALCS_OFF,
    Fate.HCALCS_OTHER_HARDWARE,
    Fate.HCALCS_CORRUPTED_IMAGE,
    Fate.HCALCS_DOES_NOT_START,
    Fate.IMAGE_LOST,
    Fate.WRONG_HASH,
    Fate.OLD_HUB,
    Fate.HCALCS_OTHER_SUPPLIER,
)

# What becomes of a device with that fate, at the end: the outcome, and the reason beside it.
EXPECTED: dict[Fate, tuple[Outcome, str]] = {
    Fate.SOUND: (Outcome.UPDATED, ""),
    Fate.OLD_HUB: (Outcome.LEFT_OUT, LeftOut.HUB_TOO_OLD),
    Fate.PPMID_OFF: (Outcome.TRANSFER_FAILED, ""),
    Fate.OTHER_HARDWARE: (Outcome.HARDWARE_MISMATCH, ""),
    Fate.CORRUPTED_IMAGE: (Outcome.DISCARDED, ""),
    Fate.DOES_NOT_START: (Outcome.ACTIVATION_FAILED, ""),
    Fate.OTHER_SUPPLIER: (Outcome.LEFT_OUT, LeftOut.NOT_YOUR_DEVICE),
    Fate.DATED: (Outcome.UPDATED, ""),
    Fate.CANCELLED: (Outcome.CANCELLED, ""),
    Fate.HCALCS_OFF: (Outcome.TRANSFER_FAILED, ""),
    Fate.HCALCS_OTHER_HARDWARE: (Outcome.HARDWARE_MISMATCH, ""),
    # The device itself tells of it (8F1C), which says more than the hub's "discarded".
    Fate.HCALCS_CORRUPTED_IMAGE: (Outcome.VERIFICATION_FAILED, ""),
    Fate.HCALCS_DOES_NOT_START: (Outcome.ACTIVATION_FAILED, ""),
    Fate.IMAGE_LOST: (Outcome.NO_IMAGE, ""),
    Fate.WRONG_HASH: (Outcome.HASH_MISMATCH, ""),
    Fate.HCALCS_OTHER_SUPPLIER: (Outcome.LEFT_OUT, LeftOut.NOT_YOUR_DEVICE),
}
HOMES_PER_FAILURE = 50


class Home(msgspec.Struct, frozen=True):
    """One home: its devices as the inventory knows them, and how it is set up."""

    devices: tuple[Device, ...]
    ppmid_fate: Fate
    hcalcs_fate: Fate  # of every HCALCS that it has

    def device(self, kind: DeviceType) -> Device:
        """The first device of this kind, of which there has to be one."""
        return self.devices_of(kind)[0]

    def devices_of(self, kind: DeviceType) -> tuple[Device, ...]:
        """The devices of this kind, by their ids."""
        return tuple(device for device in self.devices if device.type is kind)

    @property
    def hub_id(self) -> int:
        """The id of its Communications Hub."""
        return self.device(DeviceType.CHF).device_id


def build_town(homes: int, seed: int) -> tuple[Home, ...]:
    """`homes` homes; one in HOMES_PER_FAILURE has each failure, chosen by the seed.

    The first home is sound, so that the official samples succeed on it. LocalError when the number
    is out of range.
    """
    if not 1 <= homes <= HOMES_MAX:
        raise LocalError(f"a town has 1 to {HOMES_MAX:,} homes, not {homes}")
    each = -(-homes // HOMES_PER_FAILURE)
    ppmid_fates = _dealt(PPMID_FATES[1:], each, range(1, homes), random.Random(seed))  # noqa: S311 -- a town, not a key
    old_hubs = {number for number, fate in ppmid_fates.items() if fate is Fate.OLD_HUB}
    with_hcalcs = sorted({*range(0, homes, 2), *old_hubs})
    new_hubs = [number for number in with_hcalcs[1:] if number not in old_hubs]
    chance = random.Random(f"{seed} hcalcs")  # noqa: S311 -- as above
    hcalcs_fates = _dealt(_FATES_BEHIND_NEW_HUBS, each, new_hubs, chance)
    hcalcs = {number: chance.choice(_HCALCS_PER_HOME) for number in with_hcalcs} | {0: 1}
    return tuple(
        build_home(
            number,
            ppmid_fate=ppmid_fates.get(number, Fate.SOUND),
            hcalcs_fate=hcalcs_fates.get(number, Fate.SOUND),
            hcalcs=hcalcs.get(number, 0),
            gas_supplier=_GAS_SUPPLIERS[number % len(_GAS_SUPPLIERS)],
        )
        for number in range(homes)
    )


def build_home(
    number: int,
    *,
    ppmid_fate: Fate = Fate.SOUND,
    hcalcs_fate: Fate = Fate.SOUND,
    hcalcs: int = 0,
    gas_supplier: int | None = None,
) -> Home:
    """The home of this number (0: that of the official samples).

    `hcalcs` is how many HCALCSs it has; without a `gas_supplier` it has no gas. Where the hub is
    old, that is the fate of its HCALCSs too. LocalError for too many HCALCSs.
    """
    if not 0 <= hcalcs <= HCALCS_PER_HOME_MAX:
        raise LocalError(f"a home has up to {HCALCS_PER_HOME_MAX} HCALCSs, not {hcalcs}")
    if ppmid_fate is Fate.OLD_HUB:
        hcalcs_fate = Fate.OLD_HUB
    base = FIRST_HOME if number == 0 else OTHER_HOMES + number * IDS_PER_HOME
    suppliers = {
        DeviceType.ESME: SUPPLIER,
        DeviceType.GSME: gas_supplier,
        DeviceType.CHF: SUPPLIER,
        DeviceType.GPF: gas_supplier,
        DeviceType.PPMID: SUPPLIER_2 if ppmid_fate is Fate.OTHER_SUPPLIER else SUPPLIER,
        DeviceType.HCALCS: SUPPLIER_2 if hcalcs_fate is Fate.HCALCS_OTHER_SUPPLIER else SUPPLIER,
    }
    how_many = {DeviceType.HCALCS: hcalcs}
    devices = tuple(
        _device(number, base, kind, place, supplier)
        for kind, supplier in suppliers.items()
        if supplier is not None
        for place in range(how_many.get(kind, 1))
    )
    if ppmid_fate is Fate.OLD_HUB:
        devices = tuple(map(_with_an_old_hub, devices))
    return Home(devices, ppmid_fate, hcalcs_fate)


# Of HCALCSs, beside that with which most are sound.
_FATES_BEHIND_NEW_HUBS = [fate for fate in HCALCS_FATES if fate not in {Fate.SOUND, Fate.OLD_HUB}]
# What chance chooses from: most homes that have HCALCSs have one.
_HCALCS_PER_HOME = (1, 1, 1, 2, HCALCS_PER_HOME_MAX)
# In turn: gas of the electricity supplier, of another, none.
_GAS_SUPPLIERS = (SUPPLIER, SUPPLIER_2, None)


def _dealt(
    fates: Sequence[Fate], each: int, numbers: Sequence[int], chance: random.Random
) -> dict[int, Fate]:
    """`each` of the homes of these numbers for each fate; none where there are not enough."""
    if len(numbers) < len(fates):
        return {}
    chosen = chance.sample(numbers, each * len(fates))
    return {number: fates[place % len(fates)] for place, number in enumerate(chosen)}


def _device(number: int, base: int, kind: DeviceType, place: int, supplier: int) -> Device:
    return Device(
        device_id=base + POSITION[kind] + place,
        type=kind,
        manufacturer=MANUFACTURER,
        model=MODELS[kind],
        hardware_version=HARDWARE_VERSION,
        firmware_version=f"{OLD_VERSION:08X}",
        hub_id=base + POSITION[DeviceType.CHF],
        status=DeviceStatus.COMMISSIONED,
        suppliers=(supplier,),
        region=tuple(Region)[number % len(Region)],
        gbcs_version=TOWN_GBCS_VERSION,
    )


def _with_an_old_hub(device: Device) -> Device:
    if device.type is not DeviceType.CHF:
        return device
    return msgspec.structs.replace(device, gbcs_version=OLD_GBCS_VERSION)
