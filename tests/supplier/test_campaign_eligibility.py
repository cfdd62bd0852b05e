"""What a supplier foresees of the DCC's decision, check by check, in the DCC's order."""

import msgspec
import pytest

from hanota.model import DeviceStatus, DeviceType, LeftOut, Region
from hanota.rows import Device
from hanota.supplier.campaign.eligibility import CHECKS, Asked, foreseen

DEVICE = Device(
    device_id=4,
    type=DeviceType.PPMID,
    manufacturer="M",
    model="P",
    hardware_version=0x1111,
    firmware_version="00010000",
    hub_id=2,
    status=DeviceStatus.COMMISSIONED,
    suppliers=(7,),
    region=Region.NORTH,
    gbcs_version="4.3",
)
HUB = msgspec.structs.replace(DEVICE, device_id=2, type=DeviceType.CHF)
ASKED = Asked(7, DeviceType.PPMID, "M", "P", frozenset({0x1111}), is_active=True)

# What is changed of the device, the hub, the product and the two facts, and the reason it gives.
CASES = [
    ({"suppliers": (8,)}, {}, {}, {}, LeftOut.NOT_YOUR_DEVICE),
    ({"type": DeviceType.IHD}, {}, {"type": DeviceType.IHD}, {}, LeftOut.WRONG_TYPE),
    ({"type": DeviceType.ESME}, {}, {}, {}, LeftOut.WRONG_TYPE),
    ({"status": DeviceStatus.SUSPENDED}, {}, {}, {}, LeftOut.NOT_COMMISSIONED),
    ({"manufacturer": "N"}, {}, {}, {}, LeftOut.NO_PRODUCT_ENTRY),
    ({"model": "Q"}, {}, {}, {}, LeftOut.WRONG_MODEL),
    ({}, {}, {"is_active": False}, {}, LeftOut.ENTRY_NOT_ACTIVE),
    ({"hardware_version": None}, {}, {}, {}, LeftOut.WRONG_HARDWARE),
    ({}, {}, {}, {"on_pathway": False}, LeftOut.NOT_ON_PATHWAY),
    ({}, {}, {}, {"in_progress": True}, LeftOut.IN_PROGRESS),
    ({}, {"gbcs_version": "2.1"}, {}, {}, LeftOut.HUB_TOO_OLD),
    ({"gbcs_version": "3.9"}, {}, {}, {}, LeftOut.GBCS_TOO_OLD),
]
SOUND = {"on_pathway": True, "in_progress": False}


def of(device=(), hub=(), asked=(), facts=()):
    return foreseen(
        msgspec.structs.replace(ASKED, **dict(asked)),
        msgspec.structs.replace(DEVICE, **dict(device)),
        msgspec.structs.replace(HUB, **dict(hub)).gbcs_version,
        **{**SOUND, **dict(facts)},
    )


def test_a_device_that_nothing_speaks_against():
    assert of() is None


@pytest.mark.parametrize(("device", "hub", "asked", "facts", "reason"), CASES)
def test_one_thing_wrong(device, hub, asked, facts, reason):
    assert of(device, hub, asked, facts) is reason


def test_every_check_has_its_case_and_the_first_that_fails_counts():
    assert [reason for *_, reason in CASES if reason is not LeftOut.WRONG_TYPE] == [
        reason for _, reason in CHECKS if reason is not LeftOut.WRONG_TYPE
    ]
    everything = {}
    for device, *_ in CASES:
        everything |= device
    assert of(everything) is LeftOut.NOT_YOUR_DEVICE


def test_without_its_hub_a_device_of_the_modification_waits():
    assert foreseen(ASKED, DEVICE, None, **SOUND) is LeftOut.HUB_TOO_OLD
    esme = msgspec.structs.replace(DEVICE, type=DeviceType.ESME)
    asked = msgspec.structs.replace(ASKED, type=DeviceType.ESME)
    assert foreseen(asked, esme, None, **SOUND) is None
