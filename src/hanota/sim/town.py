"""A small town of homes: who lives there, and which homes are set up to fail, and how.

The first home has the device ids of the official samples; the other homes' ids follow one scheme,
sixteen to a home, so that an id tells its home. A town is a value made from a number of homes and
a seed; nothing here runs.
"""

import random
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

# Where in a home's block of ids each kind of device is, as in the official samples.
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
SECMP0007_GBCS_VERSION = "4.3"
OLD_GBCS_VERSION = "2.1"


class Fate(StrEnum):
    """How a home is set up; every fate but the first makes its update fail in a known way."""

    SOUND = "sound"
    PPMID_OFF = "PPMID switched off"
    OTHER_HARDWARE = "PPMID of other hardware than the inventory says"
    CORRUPTED_IMAGE = "image corrupted in the hub's store"
    DOES_NOT_START = "new image does not start on this PPMID"
    OLD_HUB = "hub without SECMP0007 firmware"
    OTHER_SUPPLIER = "PPMID of another supplier"


EXPECTED: dict[Fate, tuple[Outcome, str]] = {
    Fate.SOUND: (Outcome.UPDATED, ""),
    Fate.PPMID_OFF: (Outcome.TRANSFER_FAILED, ""),
    Fate.OTHER_HARDWARE: (Outcome.HARDWARE_MISMATCH, ""),
    Fate.CORRUPTED_IMAGE: (Outcome.DISCARDED, ""),
    Fate.DOES_NOT_START: (Outcome.ACTIVATION_FAILED, ""),
    Fate.OLD_HUB: (Outcome.LEFT_OUT, LeftOut.HUB_TOO_OLD),
    Fate.OTHER_SUPPLIER: (Outcome.LEFT_OUT, LeftOut.NOT_YOUR_DEVICE),
}
HOMES_PER_FAILURE = 50


class Home(msgspec.Struct, frozen=True):
    """One home: its devices as the inventory knows them, and how it is set up."""

    devices: tuple[Device, ...]
    fate: Fate

    def device(self, kind: DeviceType) -> Device:
        """The one device of this kind."""
        return next(device for device in self.devices if device.type is kind)

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
    fates = _fates(homes, seed)
    return tuple(_home(number, fate) for number, fate in enumerate(fates))


def _fates(homes: int, seed: int) -> list[Fate]:
    failures = [fate for fate in Fate if fate is not Fate.SOUND]
    each = -(-homes // HOMES_PER_FAILURE) if homes > len(failures) else 0
    fates = [Fate.SOUND] * homes
    chosen = random.Random(seed).sample(range(1, homes), each * len(failures)) if each else []  # noqa: S311 -- a town, not a key
    for place, number in enumerate(chosen):
        fates[number] = failures[place % len(failures)]
    return fates


def _home(number: int, fate: Fate) -> Home:
    base = FIRST_HOME if number == 0 else OTHER_HOMES + number * IDS_PER_HOME
    kinds = tuple(POSITION) if number == 0 else (DeviceType.ESME, DeviceType.CHF, DeviceType.PPMID)
    region = tuple(Region)[number % len(Region)]
    return Home(tuple(_device(base, kind, fate, region) for kind in kinds), fate)


def _device(base: int, kind: DeviceType, fate: Fate, region: Region) -> Device:
    old_hub = kind is DeviceType.CHF and fate is Fate.OLD_HUB
    other = kind is DeviceType.PPMID and fate is Fate.OTHER_SUPPLIER
    return Device(
        device_id=base + POSITION[kind],
        type=kind,
        manufacturer=MANUFACTURER,
        model=MODELS[kind],
        hardware_version=HARDWARE_VERSION,
        firmware_version=f"{OLD_VERSION:08X}",
        hub_id=base + POSITION[DeviceType.CHF],
        status=DeviceStatus.COMMISSIONED,
        suppliers=(SUPPLIER_2,) if other else (SUPPLIER,),
        region=region,
        gbcs_version=OLD_GBCS_VERSION if old_hub else SECMP0007_GBCS_VERSION,
    )
