"""The firmware of the Communications Hubs themselves, which the DCC updates without any supplier.

Two tables hold the checks, as for 11.1 and 11.4: those of the image, then those that leave out one
hub. An update of hubs is tracked as one of devices is (`tracking`): the hub's answer about the
image and the version that it runs afterwards are the evidence. Every user who is responsible for a
device behind a hub that runs another version now gets a CommsHubFirmwareActivation (N64).

How the DCC and its communications providers manage this is not public: that they sign the image as
the WAN provider, that a hub must be Commissioned, and that N64 goes to the suppliers of the
devices behind the hub are assumptions.

Not here: the envelopes (`wire.wan`), the hub's part (`han.hub_firmware`).
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from hanota.dcc.inventory import runs
from hanota.dcc.products import (
    ProductList,
    is_active,
    is_of_maker,
    is_of_model,
    is_on_pathway,
    suits_hardware,
)
from hanota.dcc.reception import Finding, event
from hanota.dcc.reports import HubReport
from hanota.dcc.tracking import Evidence, Step, accepted, advance
from hanota.dcc.users import Users
from hanota.errors import LocalError
from hanota.limits import DAY_MS, FUTURE_DATE_DAYS_MAX, TRACKING_DAYS
from hanota.model import DeviceStatus, DeviceType, LeftOut, Outcome, version_text
from hanota.rows import Delivery, Device, ProductEntry
from hanota.wire.image import DEVICE_TYPES, OtaImage
from hanota.wire.wan import HubImageResult, HubImageStored, HubRuns

# The request of an update of hubs, which the DCC makes itself: no service of DUIS has these.
SERVICE_REFERENCE = "hub-firmware"
COMMAND_VARIANT = 0


class Case(msgspec.Struct, frozen=True):
    """One update of hubs, and all that its checks look at."""

    image: OtaImage
    signature_valid: bool  # the trailer's signature is the WAN provider's
    entries: tuple[ProductEntry, ...]  # ProductList.of_image
    devices: Mapping[int, Device]  # rows of the hubs asked for
    in_progress: frozenset[int]  # hubs with a live delivery


class Decision(msgspec.Struct, frozen=True):
    """Which hubs are updated, and why the others are not."""

    accepted: tuple[Device, ...]
    left_out: dict[int, LeftOut]


def require_activation_time(activate_at_ms: int | None, now_ms: int) -> None:
    """LocalError for an activation that lies in the past or beyond FUTURE_DATE_DAYS_MAX."""
    if activate_at_ms is None:
        return
    if activate_at_ms <= now_ms:
        raise LocalError("the activation time is past: give a later one, or none for at once")
    if activate_at_ms > now_ms + FUTURE_DATE_DAYS_MAX * DAY_MS:
        raise LocalError(
            f"the activation time is more than {FUTURE_DATE_DAYS_MAX} days ahead: give an earlier "
            "one"
        )


def decide(case: Case, hub_ids: Iterable[int]) -> Decision:
    """Decide one update of hubs; one that is listed twice counts once.

    LocalError when the image is none that may be rolled out to hubs.
    """
    for holds, sentence in IMAGE_CHECKS:
        if not holds(case):
            raise LocalError(sentence)
    accepted_hubs: list[Device] = []
    left_out: dict[int, LeftOut] = {}
    for hub_id in dict.fromkeys(hub_ids):
        hub = case.devices.get(hub_id)
        reason = LeftOut.UNKNOWN_DEVICE if hub is None else _reason(hub, case)
        if reason is not None:
            left_out[hub_id] = reason
        elif hub is not None:
            accepted_hubs.append(hub)
    return Decision(tuple(accepted_hubs), left_out)


def begun(
    hub: Device, request: int, version: int, activate_at_ms: int | None, now_ms: int
) -> Delivery:
    """The delivery with which a hub begins; it is tracked for TRACKING_DAYS after its activation.

    `request` is the number of the RequestRow, `version` the file version of the image.
    """
    due_ms = max(now_ms, activate_at_ms or now_ms) + TRACKING_DAYS * DAY_MS
    return msgspec.structs.replace(accepted(hub, request, version, now_ms), due_ms=due_ms)


class Settlement(msgspec.Struct, frozen=True):
    """What one report came to; a row is None where it stays as it is."""

    event: str  # the journal's word
    delivery: Delivery | None
    hub: Device | None
    announces: bool  # the hub runs another version now: N64


def objection(hub: Device | None, *, first: bool) -> Finding | None:
    """Why a report is not even considered, None where it is.

    `hub` is the inventory's row of its sender, `first` whether the report comes for the first time:
    of two equal words about what runs the second may have been overtaken by a later update.
    """
    if hub is None or hub.type is not DeviceType.CHF:
        return Finding.FOREIGN
    return None if first else Finding.DOUBLED


def settle(
    report: HubReport,
    hub: Device,
    *,
    tracked: Delivery | None,
    last: Delivery | None,
    products: ProductList,
    now_ms: int,
) -> Settlement:
    """What a report does that counts.

    `tracked` is the delivery of the update that it names, None where there is none, and `last` the
    last one of the hub: where that has proved what runs, an earlier one proves nothing any more.
    """
    learned = None if _is_outdated(tracked, last) else _learned(report, hub, products)
    if tracked is None:
        told = f"{Finding.UNATTRIBUTED}:{name_of(report)}"
        return Settlement(told, None, learned, announces=learned is not None)
    evidence = evidence_of(report.said, tracked)
    advanced = advance(tracked, evidence, now_ms)
    illegal = advanced.step is Step.ILLEGAL
    succeeded = evidence is Evidence.ACTIVATION_SUCCESS and not _is_outdated(tracked, last)
    return Settlement(
        event(Finding.ILLEGAL, evidence) if illegal else evidence,
        advanced.delivery if advanced.step is Step.ADVANCED else None,
        learned,
        announces=succeeded or learned is not None,
    )


def evidence_of(said: HubImageStored | HubRuns, delivery: Delivery) -> Evidence:
    """What a hub's word says of the delivery that it names."""
    match said:
        case HubImageStored(result=result):
            return _STORED[result]
        case HubRuns(file_version=version):
            runs_it = version == delivery.version
            return Evidence.ACTIVATION_SUCCESS if runs_it else Evidence.ACTIVATION_FAILURE


def name_of(report: HubReport) -> str:
    """The journal's word for a report where there is no evidence to name."""
    return _NAMES[type(report.said)]


def told_users(home: Iterable[Device], hub_id: int, users: Users) -> list[int]:
    """The users who are responsible for a device behind this hub, each once.

    `home` holds the devices of the hub's home, itself included.
    """
    behind = (device for device in home if device.device_id != hub_id)
    responsible = {user_id for device in behind for user_id in device.suppliers}
    return sorted(responsible & users.keys())


_STORED = {
    HubImageResult.STORED: Evidence.DELIVERY_SUCCESS,
    HubImageResult.NO_SPACE: Evidence.DELIVERY_FAILURE,
    HubImageResult.DIGEST_MISMATCH: Evidence.DELIVERY_FAILURE,
    HubImageResult.NOT_VERIFIED: Evidence.IMAGE_DISCARDED,
    HubImageResult.OVERTAKEN: Evidence.DELIVERY_FAILURE,
}
_NAMES = {HubImageStored: "hub-image-stored", HubRuns: "hub-runs"}
_PROVEN = frozenset({Outcome.UPDATED, Outcome.UPDATED_LATE})


def _is_outdated(tracked: Delivery | None, last: Delivery | None) -> bool:
    return (
        tracked is not None
        and last is not None
        and last.request > tracked.request
        and last.state in _PROVEN
    )


def _learned(report: HubReport, hub: Device, products: ProductList) -> Device | None:
    match report.said:
        case HubRuns(file_version=version):
            row = runs(hub, version_text(version), products)
            return None if row is hub else row
        case _:
            return None


IMAGE_CHECKS: tuple[tuple[Callable[[Case], bool], str], ...] = (
    (
        lambda case: DEVICE_TYPES.get(case.image.header.image_type) is DeviceType.CHF,
        "the image type of the OTA header is not that of a Communications Hub",
    ),
    (
        lambda case: any(
            is_active(entry) and entry.type is DeviceType.CHF for entry in case.entries
        ),
        "no Active entry of the Central Products List is for hubs and has the image's hash",
    ),
    (
        lambda case: case.signature_valid,
        "the signature at the end of the image is not the WAN provider's",
    ),
)


def _is_allowed_by_the_header(hub: Device, case: Case) -> bool:
    header = case.image.header
    if header.destination not in (None, hub.device_id):
        return False
    if header.hardware_min is None or header.hardware_max is None:
        return True
    hardware = hub.hardware_version
    return hardware is not None and header.hardware_min <= hardware <= header.hardware_max


# In the order in which they are made, after `unknown-device`. Where several entries have the
# image's hash, the one with which a hub passes the most checks decides.
HUB_CHECKS: tuple[tuple[Callable[[Device, ProductEntry, Case], bool], LeftOut], ...] = (
    (lambda hub, _, __: hub.type is DeviceType.CHF, LeftOut.WRONG_TYPE),
    (lambda hub, _, __: hub.status is DeviceStatus.COMMISSIONED, LeftOut.NOT_COMMISSIONED),
    (lambda hub, entry, _: is_of_maker(hub, entry), LeftOut.NO_PRODUCT_ENTRY),
    (lambda hub, entry, _: is_of_model(hub, entry), LeftOut.WRONG_MODEL),
    (lambda _, entry, __: is_active(entry), LeftOut.ENTRY_NOT_ACTIVE),
    (lambda hub, entry, _: suits_hardware(hub, entry), LeftOut.WRONG_HARDWARE),
    (lambda hub, _, case: _is_allowed_by_the_header(hub, case), LeftOut.WRONG_HARDWARE),
    (lambda hub, entry, _: is_on_pathway(hub, entry), LeftOut.NOT_ON_PATHWAY),
    (lambda hub, _, case: hub.device_id not in case.in_progress, LeftOut.IN_PROGRESS),
)


def _reason(hub: Device, case: Case) -> LeftOut | None:
    passed = max(_checks_passed(hub, entry, case) for entry in case.entries)
    return HUB_CHECKS[passed][1] if passed < len(HUB_CHECKS) else None


def _checks_passed(hub: Device, entry: ProductEntry, case: Case) -> int:
    for passed, (holds, _) in enumerate(HUB_CHECKS):
        if not holds(hub, entry, case):
            return passed
    return len(HUB_CHECKS)
