"""Why the DCC left a device out, told as closely as the supplier can know it.

A DUIS warning names one of five lists, a reason of this project names one of twelve causes. The
supplier narrows the list down with what its own estate says of the device; where that does not
settle it, the name of the list is the honest answer.
"""

from collections.abc import Collection, Mapping

from hanota.limits import SECMP0007_GBCS_VERSION
from hanota.model import DeviceType, LeftOut, LeftOutList, gbcs_at_least
from hanota.rows import Device

_ONLY_REASON = {
    LeftOutList.NOT_COMMISSIONED: LeftOut.NOT_COMMISSIONED,
    LeftOutList.OTHER_REQUEST_IN_PROGRESS: LeftOut.IN_PROGRESS,
}


def reason_of(
    listed: LeftOutList,
    device: Device | None,
    hubs: Mapping[int, Device],
    supplier_id: int,
    kinds: Collection[DeviceType],
) -> str:
    """The LeftOut word for a device on this list, or the list's own name where several fit.

    `device` is the estate's row of it, `hubs` the rows of the hubs that the estate knows, and
    `kinds` the kinds of device that the service updates.
    """
    if listed in _ONLY_REASON:
        return _ONLY_REASON[listed]
    if listed is LeftOutList.INVALID_DEVICE:
        return _invalid_device(device, supplier_id, kinds) or listed
    if listed is LeftOutList.INVALID_GBCS_VERSION and device is not None:
        return _invalid_gbcs_version(hubs.get(device.hub_id))
    return listed


def _invalid_gbcs_version(hub: Device | None) -> str:
    if hub is None:
        return LeftOutList.INVALID_GBCS_VERSION
    able = gbcs_at_least(hub.gbcs_version, SECMP0007_GBCS_VERSION)
    return LeftOut.GBCS_TOO_OLD if able else LeftOut.HUB_TOO_OLD


def _invalid_device(
    device: Device | None, supplier_id: int, kinds: Collection[DeviceType]
) -> LeftOut | None:
    if device is None:
        return LeftOut.UNKNOWN_DEVICE
    if supplier_id not in device.suppliers:
        return LeftOut.NOT_YOUR_DEVICE
    return LeftOut.WRONG_TYPE if device.type not in kinds else None
