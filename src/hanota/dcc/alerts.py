"""What the DCC tells a user of a device's update: DCC Alerts, made of what hubs and devices say.

A CCS08 or CS09 alert is addressed to the ACB, so the user gets a DCC Alert with what it said. The
body element says what an alert is; its N-code is for people (`wire.codes.DccAlertCode`). An alert
of a device that is addressed to the user itself (8F72, 8F1C) goes to it as it came.
"""

from hanota.model import RequestID, version_text
from hanota.rows import Delivery
from hanota.wire.codes import AlertCode, DccAlertCode, ResponseCode
from hanota.wire.duis.values import (
    ActivateImageResultCode,
    CommsHubAlert,
    CommsHubFirmwareActivation,
    CommsHubTransferStatus,
    CSPFirmwareDeliveryStatus,
    DCCAlertMessage,
    DeviceAlertMessage,
    FirmwareTransferAlert,
    PPMIDAlert,
    PPMIDFirmwareUpgradeAlert,
    Response,
    TransferResponseCode,
)
from hanota.wire.gbcs import ccs08, cs09

_DELIVERY = {
    True: (DccAlertCode.N60, CommsHubTransferStatus.SUCCESS),
    False: (DccAlertCode.N61, CommsHubTransferStatus.FAILURE),
}
_TRANSFER = {
    ccs08.TransferResult.SUCCESS: TransferResponseCode.FILE_TRANSFER_SUCCESS,
    ccs08.TransferResult.IMAGE_DISCARDED: TransferResponseCode.FIRMWARE_IMAGE_DISCARDED,
    ccs08.TransferResult.HARDWARE_MISMATCH: TransferResponseCode.HARDWARE_VERSION_MISMATCH,
    ccs08.TransferResult.TRANSFER_FAILURE: TransferResponseCode.FILE_TRANSFER_FAILURE,
}
_ACTIVATION = {
    cs09.ActivationResult.SUCCESS: ActivateImageResultCode.ACTIVATION_SUCCESS,
    cs09.ActivationResult.FAILURE: ActivateImageResultCode.ACTIVATION_FAILURE,
}


def delivery_status(
    request_id: RequestID, delivery: Delivery, now_ms: int, *, stored: bool
) -> DCCAlertMessage:
    """N60 or N61: the image reached the hub of one device, or did not."""
    code, status = _DELIVERY[stored]
    body = CSPFirmwareDeliveryStatus(
        update_firmware_request_id=request_id,
        comms_hub_device_id=delivery.hub_id,
        target_device_id=delivery.device_id,
        firmware_version=version_text(delivery.version),
        time_stamp_ms=now_ms,
        comms_hub_transfer_status=status,
    )
    return DCCAlertMessage(code, body)


def transfer_alert(
    request_id: RequestID, hub_id: int, alert: ccs08.FirmwareTransferAlert
) -> DCCAlertMessage:
    """A CCS08 alert of a hub, as a CommsHubAlert that names the request."""
    transfer = FirmwareTransferAlert(
        update_firmware_request_id=request_id,
        other_device_id=alert.device_id,
        firmware_version=version_text(alert.firmware_version),
        transfer_response_code=_TRANSFER[alert.result],
    )
    body = CommsHubAlert(
        comms_hub_device_id=hub_id,
        alert_code=alert.alert_code,
        time_stamp_ms=_time_stamp_ms(alert.instant_ms),
        firmware_transfer_alert=transfer,
    )
    return DCCAlertMessage(DccAlertCode.N62, body)


def activation_alert(ppmid_id: int, alert: cs09.FirmwareActivationAlert) -> DCCAlertMessage:
    """A CS09 alert of a PPMID, as a PPMIDAlert."""
    upgrade = PPMIDFirmwareUpgradeAlert(
        version_text(alert.firmware_version), _ACTIVATION[alert.result]
    )
    body = PPMIDAlert(
        device_id=ppmid_id,
        device_alert_code=alert.alert_code,
        timestamp_ms=_time_stamp_ms(alert.instant_ms),
        ppmid_firmware_upgrade_alert=upgrade,
    )
    return DCCAlertMessage(DccAlertCode.N39, body)


def hub_activation(hub_id: int, version: str) -> DCCAlertMessage:
    """N64: a Communications Hub runs this version now; `version` as the inventory writes it."""
    return DCCAlertMessage(DccAlertCode.N64, CommsHubFirmwareActivation(hub_id, version))


def device_alert(alert_code: AlertCode, gbcs: bytes) -> DeviceAlertMessage:
    """A device's own alert, whole as it came."""
    return DeviceAlertMessage(alert_code, gbcs)


def in_response(body: DCCAlertMessage | DeviceAlertMessage, now_ms: int) -> Response:
    """The Response that carries an alert: I0 and, as it answers no request, no RequestID."""
    return Response(response_code=ResponseCode.I0, response_date_time_ms=now_ms, body=body)


def _time_stamp_ms(instant_ms: int) -> int | None:
    """The time of an alert where DUIS can say it: a clock that was never set is before 1970."""
    return instant_ms if instant_ms >= 0 else None
