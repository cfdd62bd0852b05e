"""11.1 Update Firmware and 11.4 Update PPMID Firmware: whether, and for which devices.

Two tables hold the checks in the order in which they are made: first those that refuse the whole
request, then those that leave out one device. Which code and which reason stand behind which
check is an assignment of this project.

Not here: reading the image (a file that cannot be read is refused before, with
`code_of_image_fault`), the signature of the request, and who may use the service (`services`).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import msgspec

from hanota.dcc.products import (
    is_active,
    is_of_maker,
    is_of_model,
    is_on_pathway,
    suits_hardware,
)
from hanota.limits import SECMP0007_GBCS_VERSION
from hanota.model import (
    LIST_OF_REASON,
    DeviceStatus,
    DeviceType,
    LeftOut,
    LeftOutList,
    gbcs_at_least,
)
from hanota.rows import Device, ProductEntry
from hanota.wire.codes import ImageFault, ResponseCode
from hanota.wire.duis.values import DSPUpdateFirmwareWarning, DSPUpdatePPMIDFirmwareWarning
from hanota.wire.image import DEVICE_TYPES, SIGNED_TYPES, OtaImage


class UpdateService(msgspec.Struct, frozen=True):
    """What tells 11.1 from 11.4: the devices, the trailer, and the answers."""

    device_types: frozenset[DeviceType]
    signed: bool  # the image ends with the supplier's signature
    warning: type[DSPUpdateFirmwareWarning | DSPUpdatePPMIDFirmwareWarning]
    accepted_in_part: ResponseCode
    image_malformed: ResponseCode
    no_product_entry: ResponseCode
    image_not_acceptable: ResponseCode
    no_device_left: ResponseCode


UPDATE_SERVICES = {
    "11.1": UpdateService(
        device_types=SIGNED_TYPES,
        signed=True,
        warning=DSPUpdateFirmwareWarning,
        accepted_in_part=ResponseCode.W110101,
        image_malformed=ResponseCode.E110101,
        no_product_entry=ResponseCode.E110102,
        image_not_acceptable=ResponseCode.E110103,
        no_device_left=ResponseCode.E110105,
    ),
    "11.4": UpdateService(
        device_types=frozenset({DeviceType.PPMID}),
        signed=False,
        warning=DSPUpdatePPMIDFirmwareWarning,
        accepted_in_part=ResponseCode.W110401,
        image_malformed=ResponseCode.E110401,
        no_product_entry=ResponseCode.E110402,
        image_not_acceptable=ResponseCode.E110403,
        no_device_left=ResponseCode.E110405,
    ),
}

# SEC modification SECMP0007: these are updated only behind a hub, and from firmware, that has it.
SECMP0007_TYPES = frozenset({DeviceType.PPMID, DeviceType.HCALCS})


class Case(msgspec.Struct, frozen=True):
    """One 11.1 or 11.4, and all that its checks look at."""

    service: UpdateService
    user_id: int
    image: OtaImage
    signature_valid: bool  # the trailer's signature is this user's; False without a trailer
    entries: tuple[ProductEntry, ...]  # ProductList.of_image
    devices: Mapping[int, Device]  # rows of the devices asked for, and of their hubs
    in_progress: frozenset[int]  # devices with a live delivery


class Decision(msgspec.Struct, frozen=True):
    """The answer to one 11.1 or 11.4.

    `accepted` holds the devices by hub, empty where the request is refused; `left_out` every
    other device with its reason, empty where the request is refused as a whole.
    """

    code: ResponseCode
    sentence: str  # why, for the log; empty where every device is accepted
    accepted: dict[int, tuple[Device, ...]]
    left_out: dict[int, LeftOut]


def code_of_image_fault(service: UpdateService, fault: Enum) -> ResponseCode:
    """The code that refuses an image file which could not be read; `fault` is an ImageFault."""
    if fault is ImageFault.TRAILER:
        return service.image_not_acceptable
    return service.image_malformed


def decide(case: Case, device_ids: Iterable[int]) -> Decision:
    """Decide one 11.1 or 11.4; a device that is listed twice counts once."""
    for holds, code_of, sentence in REQUEST_CHECKS:
        if not holds(case):
            return Decision(code_of(case.service), sentence, {}, {})
    accepted: dict[int, list[Device]] = {}
    left_out: dict[int, LeftOut] = {}
    for device_id in dict.fromkeys(device_ids):
        device = case.devices.get(device_id)
        reason = LeftOut.UNKNOWN_DEVICE if device is None else _reason(device, case)
        if reason is not None:
            left_out[device_id] = reason
        elif device is not None:
            accepted.setdefault(device.hub_id, []).append(device)
    code, sentence = _code(case.service, some=bool(accepted), all_of_them=not left_out)
    return Decision(
        code, sentence, {hub: tuple(devices) for hub, devices in accepted.items()}, left_out
    )


def lists_of(left_out: Mapping[int, LeftOut]) -> dict[LeftOutList, tuple[int, ...]]:
    """The lists of a DUIS firmware warning, those that are not empty, in the schema's order."""
    lists: dict[LeftOutList, list[int]] = {named: [] for named in LeftOutList}
    for device_id, reason in left_out.items():
        lists[LIST_OF_REASON[reason]].append(device_id)
    return {named: tuple(ids) for named, ids in lists.items() if ids}


def _kind(case: Case) -> DeviceType | None:
    return DEVICE_TYPES.get(case.image.header.image_type)


def _has_active_entry(case: Case) -> bool:
    return any(is_active(entry) for entry in case.entries)


def _is_of_a_kind_the_service_updates(case: Case) -> bool:
    return _kind(case) in case.service.device_types


def _is_of_the_kind_of_its_entry(case: Case) -> bool:
    return any(entry.type is _kind(case) for entry in case.entries)


def _is_signed_where_it_must_be(case: Case) -> bool:
    return case.signature_valid or not case.service.signed


# The image's checks come before those of any device; a file that cannot be read, before these.
REQUEST_CHECKS: tuple[
    tuple[Callable[[Case], bool], Callable[[UpdateService], ResponseCode], str], ...
] = (
    (
        _has_active_entry,
        lambda service: service.no_product_entry,
        "no Active entry of the Central Products List has the hash, maker and version of the image",
    ),
    (
        _is_of_a_kind_the_service_updates,
        lambda service: service.image_not_acceptable,
        "the image type of the OTA header is of a device kind that this service does not update",
    ),
    (
        _is_of_the_kind_of_its_entry,
        lambda service: service.image_not_acceptable,
        "the image type of the OTA header is not that of the Central Products List",
    ),
    (
        _is_signed_where_it_must_be,
        lambda service: service.image_not_acceptable,
        "the signature at the end of the image is not this user's",
    ),
)


def _is_the_users(device: Device, _entry: ProductEntry, case: Case) -> bool:
    return case.user_id in device.suppliers


def _is_of_the_services_kind(device: Device, _entry: ProductEntry, case: Case) -> bool:
    return device.type in case.service.device_types


def _is_commissioned(device: Device, _entry: ProductEntry, _case: Case) -> bool:
    return device.status is DeviceStatus.COMMISSIONED


def _is_allowed_by_the_header(device: Device, _entry: ProductEntry, case: Case) -> bool:
    header = case.image.header
    if header.destination not in (None, device.device_id):
        return False
    if header.hardware_min is None or header.hardware_max is None:
        return True
    hardware = device.hardware_version
    return hardware is not None and header.hardware_min <= hardware <= header.hardware_max


def _has_nothing_in_progress(device: Device, _entry: ProductEntry, case: Case) -> bool:
    return device.device_id not in case.in_progress


def _has_a_hub_that_can(device: Device, _entry: ProductEntry, case: Case) -> bool:
    if device.type not in SECMP0007_TYPES:
        return True
    hub = case.devices.get(device.hub_id)
    return hub is not None and gbcs_at_least(hub.gbcs_version, SECMP0007_GBCS_VERSION)


def _can_itself(device: Device, _entry: ProductEntry, _case: Case) -> bool:
    return device.type not in SECMP0007_TYPES or gbcs_at_least(
        device.gbcs_version, SECMP0007_GBCS_VERSION
    )


# In the order in which they are made, after `unknown-device`. Where several entries have the
# image's hash, the one with which a device passes the most checks decides.
DEVICE_CHECKS: tuple[tuple[Callable[[Device, ProductEntry, Case], bool], LeftOut], ...] = (
    (_is_the_users, LeftOut.NOT_YOUR_DEVICE),
    (_is_of_the_services_kind, LeftOut.WRONG_TYPE),
    (_is_commissioned, LeftOut.NOT_COMMISSIONED),
    (lambda device, entry, _: is_of_maker(device, entry), LeftOut.NO_PRODUCT_ENTRY),
    (lambda device, entry, _: is_of_model(device, entry), LeftOut.WRONG_MODEL),
    (lambda _, entry, __: is_active(entry), LeftOut.ENTRY_NOT_ACTIVE),
    (lambda device, entry, _: suits_hardware(device, entry), LeftOut.WRONG_HARDWARE),
    (_is_allowed_by_the_header, LeftOut.WRONG_HARDWARE),
    (lambda device, entry, _: is_on_pathway(device, entry), LeftOut.NOT_ON_PATHWAY),
    (_has_nothing_in_progress, LeftOut.IN_PROGRESS),
    (_has_a_hub_that_can, LeftOut.HUB_TOO_OLD),
    (_can_itself, LeftOut.GBCS_TOO_OLD),
)


def _reason(device: Device, case: Case) -> LeftOut | None:
    passed = max(_checks_passed(device, entry, case) for entry in case.entries)
    return DEVICE_CHECKS[passed][1] if passed < len(DEVICE_CHECKS) else None


def _checks_passed(device: Device, entry: ProductEntry, case: Case) -> int:
    for passed, (holds, _) in enumerate(DEVICE_CHECKS):
        if not holds(device, entry, case):
            return passed
    return len(DEVICE_CHECKS)


def _code(service: UpdateService, *, some: bool, all_of_them: bool) -> tuple[ResponseCode, str]:
    if not some:
        return service.no_device_left, "every device of the list is left out"
    if not all_of_them:
        return service.accepted_in_part, "some devices of the list are left out"
    return ResponseCode.I0, ""
