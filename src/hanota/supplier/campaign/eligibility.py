"""Why a device of a cohort would be left out, as far as the supplier can know before it asks.

The DCC decides; this foresees what it would decide from the same facts, so that a preview can name
every device and no request is sent that cannot succeed. Checks are made in the DCC's order.
"""

from collections.abc import Callable

import msgspec

from hanota.limits import SECMP0007_GBCS_VERSION
from hanota.model import DeviceStatus, DeviceType, LeftOut, gbcs_at_least
from hanota.rows import Device

# SEC modification SECMP0007: these are updated only behind a hub, and from firmware, that has it.
_SECMP0007_TYPES = frozenset({DeviceType.PPMID, DeviceType.HCALCS})
_UPDATED_TYPES = _SECMP0007_TYPES | {DeviceType.ESME, DeviceType.GSME}


class Asked(msgspec.Struct, frozen=True):
    """What a device would be asked to take, and by whom."""

    supplier_id: int
    type: DeviceType
    manufacturer: str
    model: str
    hardware_versions: frozenset[int]
    is_active: bool  # its entry of the Central Products List


def foreseen(
    asked: Asked,
    device: Device,
    hub_gbcs_version: str | None,
    *,
    on_pathway: bool,
    in_progress: bool,
) -> LeftOut | None:
    """The reason for which the DCC would leave this device out, None where it would take it.

    `hub_gbcs_version` is of the firmware that the device's hub runs, None where the estate has no
    such hub. Hardware that is unknown counts as wrong until it is known.
    """
    case = _Case(asked, device, hub_gbcs_version, on_pathway, in_progress)
    return next((reason for holds, reason in CHECKS if not holds(case)), None)


def is_able(gbcs_version: str) -> bool:
    """Whether firmware of this GBCS version has the modification."""
    return gbcs_at_least(gbcs_version, SECMP0007_GBCS_VERSION)


class _Case(msgspec.Struct, frozen=True):
    asked: Asked
    device: Device
    hub_gbcs_version: str | None
    on_pathway: bool
    in_progress: bool


def _has_a_hub_that_can(case: _Case) -> bool:
    if case.device.type not in _SECMP0007_TYPES:
        return True
    return case.hub_gbcs_version is not None and is_able(case.hub_gbcs_version)


def _can_itself(case: _Case) -> bool:
    return case.device.type not in _SECMP0007_TYPES or is_able(case.device.gbcs_version)


CHECKS: tuple[tuple[Callable[[_Case], bool], LeftOut], ...] = (
    (lambda case: case.asked.supplier_id in case.device.suppliers, LeftOut.NOT_YOUR_DEVICE),
    (
        lambda case: case.device.type is case.asked.type and case.asked.type in _UPDATED_TYPES,
        LeftOut.WRONG_TYPE,
    ),
    (lambda case: case.device.status is DeviceStatus.COMMISSIONED, LeftOut.NOT_COMMISSIONED),
    (
        lambda case: case.device.manufacturer == case.asked.manufacturer,
        LeftOut.NO_PRODUCT_ENTRY,
    ),
    (lambda case: case.device.model == case.asked.model, LeftOut.WRONG_MODEL),
    (lambda case: case.asked.is_active, LeftOut.ENTRY_NOT_ACTIVE),
    (
        lambda case: case.device.hardware_version in case.asked.hardware_versions,
        LeftOut.WRONG_HARDWARE,
    ),
    (lambda case: case.on_pathway, LeftOut.NOT_ON_PATHWAY),
    (lambda case: not case.in_progress, LeftOut.IN_PROGRESS),
    (_has_a_hub_that_can, LeftOut.HUB_TOO_OLD),
    (_can_itself, LeftOut.GBCS_TOO_OLD),
)
