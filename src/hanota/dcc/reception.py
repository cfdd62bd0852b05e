"""Whom the DCC believes, and what a report does: to the delivery, the inventory and the user.

A report counts when who says it may say it, at that hub, about that device, to that target. It
belongs to the live delivery of its device, or else to the last one, and only if it is about the
same version: what an older update left behind moves nothing. What a device proves that it runs
counts for the inventory all the same.

A receipt names its image by the hash that the device calculated, and what fails verification often
has another than the image that was sent. So a receipt of success (8F72) needs the hash of the
version; one of failure (8F1C) belongs to the update that the supplier to whom it is addressed
began, as that supplier takes it as well.

Not here: whether the signature is valid, and whether the message came before: the shell knows
certificates and the ledger.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from hanota.dcc import alerts
from hanota.dcc.inventory import runs
from hanota.dcc.products import ProductList
from hanota.dcc.reports import Report
from hanota.dcc.tracking import Evidence, Step, advance
from hanota.model import version_text
from hanota.rows import Delivery, Device, RequestRow
from hanota.wire import wan
from hanota.wire.duis.values import DCCAlertMessage, DeviceAlertMessage
from hanota.wire.gbcs.ccs08 import FirmwareTransferAlert
from hanota.wire.gbcs.cs09 import FirmwareActivationAlert
from hanota.wire.gbcs.firmware_distribution_receipt import (
    EsmeFirmwareDistributionReceipt,
    GsmeFirmwareDistributionReceipt,
)


class Finding(StrEnum):
    """Why what came from a hub did not count, as the journal says it before the evidence."""

    FOREIGN = "foreign"  # about no device behind this hub, or not by who may say it
    MISDIRECTED = "misdirected"  # not for whom this kind of alert is
    BAD_SIGNATURE = "bad-signature"
    DOUBLED = "doubled"
    UNATTRIBUTED = "unattributed"  # about no delivery that is known
    ILLEGAL = "illegal"  # contradicts what was said before
    OVERTAKEN = "overtaken"  # the device has changed since, and that came first


class Settlement(msgspec.Struct, frozen=True):
    """What one report came to; a row is None where it stays as it is."""

    event: str  # the journal's word: the evidence, after a Finding where it did not count
    request: RequestRow | None  # the request that it belongs to
    delivery: Delivery | None
    device: Device | None
    alert: DCCAlertMessage | DeviceAlertMessage | None
    receiver: int  # the user that the alert is for, 0 without an alert


def event(finding: Finding, evidence: Evidence) -> str:
    """The journal's word for evidence that did not count: `illegal:transfer-failure`."""
    return f"{finding}:{evidence}"


def objection(report: Report, device: Device | None, acb_id: int) -> Finding | None:
    """Why this report is not even considered, None where it is.

    `device` is the inventory's row of the device that it is about, `acb_id` the EUI-64 of the
    Access Control Broker.
    """
    if device is None:
        return Finding.FOREIGN
    for holds, finding in _CHECKS:
        if not holds(report, device, acb_id):
            return finding
    return None


def settle(
    report: Report,
    device: Device,
    tracked: tuple[Delivery, RequestRow] | None,
    products: ProductList,
    now_ms: int,
) -> Settlement:
    """What a report does that is genuine and came for the first time.

    `tracked` is the live delivery of its device, or else the last one, with the request that it
    belongs to; None where the device never had one.
    """
    learned = _learned(report, device, products)
    if tracked is None or not _is_about(report, *tracked, products):
        told = event(Finding.UNATTRIBUTED, report.evidence)
        return Settlement(told, None, None, learned, *_unattributed(report))
    delivery, request = tracked
    advanced = advance(delivery, report.evidence, now_ms)
    illegal = advanced.step is Step.ILLEGAL
    return Settlement(
        event(Finding.ILLEGAL, report.evidence) if illegal else report.evidence,
        request,
        advanced.delivery if advanced.step is Step.ADVANCED else None,
        learned,
        _alert(report, delivery, request, now_ms),
        request.request_id.originator,
    )


def _is_behind_the_hub(report: Report, device: Device, _acb_id: int) -> bool:
    return device.hub_id == report.hub_id


def _is_by_who_may_say_it(report: Report, _device: Device, _acb_id: int) -> bool:
    match report.said:
        case FirmwareTransferAlert():
            return report.key.originator == report.hub_id
        case _:
            return report.key.originator == report.device_id


def _is_for_its_target(report: Report, device: Device, acb_id: int) -> bool:
    match report.said:
        case FirmwareTransferAlert() | FirmwareActivationAlert():
            return report.key.target == acb_id
        case EsmeFirmwareDistributionReceipt() | GsmeFirmwareDistributionReceipt():
            return report.key.target in device.suppliers
        case wan.ImageStored():
            return True


_CHECKS: tuple[tuple[Callable[[Report, Device, int], bool], Finding], ...] = (
    (_is_behind_the_hub, Finding.FOREIGN),
    (_is_by_who_may_say_it, Finding.FOREIGN),
    (_is_for_its_target, Finding.MISDIRECTED),
)


def _is_about(
    report: Report, delivery: Delivery, request: RequestRow, products: ProductList
) -> bool:
    match report.said:
        case wan.ImageStored(request_id=request_id):
            return request_id == request.request_id
        case FirmwareTransferAlert(firmware_version=version):
            return version == delivery.version
        case FirmwareActivationAlert(firmware_version=version):
            # A PPMID that failed to activate names the version that it still runs.
            failed = report.evidence is Evidence.ACTIVATION_FAILURE
            return failed or version == delivery.version
        case receipt:
            versions = products.versions_of_hash(receipt.manufacturer_image_hash)
            if version_text(delivery.version) in versions:
                return True
            failed = report.evidence is Evidence.VERIFICATION_FAILURE
            return failed and report.key.target == request.request_id.originator


def _learned(report: Report, device: Device, products: ProductList) -> Device | None:
    match report.said:
        case FirmwareActivationAlert(firmware_version=version):
            row = runs(device, version_text(version), products)
            return None if row is device else row
        case _:
            return None


def _alert(
    report: Report, delivery: Delivery, request: RequestRow, now_ms: int
) -> DCCAlertMessage | DeviceAlertMessage:
    match report.said:
        case wan.ImageStored(result=result):
            stored = result is wan.StoreResult.STORED
            return alerts.delivery_status(request.request_id, delivery, now_ms, stored=stored)
        case FirmwareTransferAlert() as said:
            return alerts.transfer_alert(request.request_id, report.hub_id, said)
        case FirmwareActivationAlert() as said:
            return alerts.activation_alert(report.device_id, said)
        case receipt:
            return alerts.device_alert(receipt.alert_code, report.octets)


def _unattributed(report: Report) -> tuple[DeviceAlertMessage | None, int]:
    """What is addressed to a user goes to it, whether or not this DCC knows what it is about."""
    match report.said:
        case EsmeFirmwareDistributionReceipt() | GsmeFirmwareDistributionReceipt() as receipt:
            return alerts.device_alert(receipt.alert_code, report.octets), report.key.target
        case _:
            return None, 0
