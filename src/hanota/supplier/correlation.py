"""What a push of the DCC tells of one request: for somebody who sends it and waits.

An answer names its request; an alert names it, or names a device of it. The rules of a campaign
(`reception`, `conclusions`) have a ledger to ask instead, and know what was asked of whom; here
is only the request itself.

Not here: whether the DCC signed the push, or the device its message.
"""

from collections.abc import Container

import msgspec

from hanota.errors import RemoteError
from hanota.supplier.answers import observe
from hanota.supplier.device_messages import read_device_message
from hanota.supplier.tracking import Evidence
from hanota.wire.codes import AlertCode, ResponseCode
from hanota.wire.duis.values import (
    ActivateFirmware,
    CommandFailure,
    DCCAlertMessage,
    DeviceAlertMessage,
    FirmwareDistributionFailure,
    QuarantinedRequest,
    ReadFirmwareVersion,
    Request,
    Response,
    ResponseMessage,
    SignedPreCommand,
    UpdateFirmware,
    UpdatePPMIDFirmware,
)
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import decode


class Told(msgspec.Struct, frozen=True):
    """What one push says of a request."""

    device_ids: frozenset[int]
    is_last: bool  # nothing more is to come of these devices
    is_failure: bool


def told_of(request: Request, push: Response, until_ms: int) -> Told | None:
    """What a push tells of the request; None where it is about something else.

    Who waits until `until_ms` does not wait for what a device does later than that: then its word
    that it will is the last one.
    """
    match push.body, request.body:
        case ResponseMessage(), _ if push.request_id == request.request_id:
            return _answer(request, push, until_ms)
        case DeviceAlertMessage(alert_code=code), UpdateFirmware(device_id_list=listed):
            return _receipt(push, code, listed)
        case DCCAlertMessage(), UpdateFirmware() | UpdatePPMIDFirmware():
            return _progress(request, push) or _refusal(request, push)
        case DCCAlertMessage(), _:
            return _refusal(request, push)
        case _:
            return None


def devices_of(request: Request) -> frozenset[int]:
    """The devices that a request is for: those of its list, or its target."""
    match request.body:
        case UpdateFirmware(device_id_list=listed) | UpdatePPMIDFirmware(device_id_list=listed):
            return frozenset(listed)
        case _:
            return frozenset({request.request_id.target})


def execution_ms(request: Request) -> int | None:
    """When a request is to be carried out, None for at once; an unreadable command has no time."""
    match request.body:
        case (
            ReadFirmwareVersion(execution_date_time_ms=at_ms)
            | ActivateFirmware(execution_date_time_ms=at_ms)
        ):
            return at_ms
        case SignedPreCommand(gbcs_payload=octets):
            try:
                return cs06.decode_command(decode(octets).content).execution_date_time_ms
            except RemoteError:
                return None
        case _:
            return None


_ON_THE_WAY = frozenset({Evidence.DELIVERY_SUCCESS, Evidence.TRANSFER_SUCCESS})


def _answer(request: Request, push: Response, until_ms: int) -> Told:
    if push.response_code == ResponseCode.I99:
        return Told(devices_of(request), is_last=False, is_failure=False)
    if push.response_code.startswith("E"):
        return _failure(devices_of(request))
    try:
        message = read_device_message(push)
    except RemoteError:
        return _failure(devices_of(request))
    match message and message.said:
        case cs06.ActivateFirmwareAccepted():
            at_ms = execution_ms(request)
            is_last = at_ms is None or at_ms > until_ms
            return Told(devices_of(request), is_last=is_last, is_failure=False)
        case (
            cs06.ActivateFirmwareOutcome(result=result)
            | cs06.FutureDatedActivationAlert(outcome=cs06.ActivateFirmwareOutcome(result=result))
        ):
            fails = result is not cs06.ActivateFirmwareResult.SUCCESS
            return Told(devices_of(request), is_last=True, is_failure=fails)
        case _:
            return Told(devices_of(request), is_last=True, is_failure=False)


def _receipt(push: Response, code: int, listed: Container[int]) -> Told | None:
    """8F72 or 8F1C: the device has the image of an 11.1, and has checked its signature."""
    try:
        message = read_device_message(push)
    except RemoteError:
        return None
    if message is None or message.device_id not in listed:
        return None
    fails = code != AlertCode.FIRMWARE_VERIFIED
    return Told(frozenset({message.device_id}), is_last=True, is_failure=fails)


def _progress(request: Request, push: Response) -> Told | None:
    """How far an update is with one device."""
    observation = observe(push)
    if observation is None or observation.device_id not in devices_of(request):
        return None
    if observation.request_id not in (None, request.request_id):
        return None
    is_last = observation.evidence not in _ON_THE_WAY
    fails = is_last and observation.evidence is not Evidence.ACTIVATION_SUCCESS
    return Told(frozenset({observation.device_id}), is_last=is_last, is_failure=fails)


def _refusal(request: Request, push: Response) -> Told | None:
    """A request, or its part for some devices, that came to nothing after it was taken."""
    match push.body:
        case DCCAlertMessage(
            dcc_alert=FirmwareDistributionFailure(
                update_firmware_request_id=request_id, meter_ids=device_ids
            )
        ):
            failed = frozenset(device_ids)
        case DCCAlertMessage(dcc_alert=CommandFailure(command_request_id=request_id)):
            failed = devices_of(request)
        case DCCAlertMessage(dcc_alert=QuarantinedRequest(breach=breach)):
            request_id, failed = breach.request_id, devices_of(request)
        case _:
            return None
    return _failure(failed) if request_id == request.request_id else None


def _failure(device_ids: frozenset[int]) -> Told:
    return Told(device_ids, is_last=True, is_failure=True)
