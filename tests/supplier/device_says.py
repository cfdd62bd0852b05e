"""Devices that speak to a supplier through the DCC, for the tests of what a supplier hears."""

import msgspec

from hanota.model import KeyUsage, RequestID
from hanota.smki import protection
from hanota.smki.organisations import ACCESS_CONTROL_BROKER as ACB
from hanota.smki.organisations import SUPPLIER
from hanota.smki.pki import TestPki
from hanota.wire.codes import AlertCode
from hanota.wire.duis import values as v
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipts
from hanota.wire.gbcs.message import Cra, GbcsMessage, encode
from hanota.wire.gbcs.use_cases import USE_CASES, Protection

PKI = TestPki(b"the PKI of the tests")
DEVICE = 0x00DB1234567890A4
COUNTER = 1_000
ASKED = RequestID(SUPPLIER, DEVICE, COUNTER)
HASH = bytes(range(32))
VERSION = bytes.fromhex("00020000")
NOW_MS = 1_800_000_000_000
DATE_TIME = bytes.fromhex("07EA0601FF090000008000FF")

VERIFIED, FAILED = AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED


def outcome(result, version=VERSION):
    return cs06.ActivateFirmwareOutcome(cs06.ActivateFirmwareResult(result), version)


def alert_of(result, version=VERSION):
    return cs06.FutureDatedActivationAlert(NOW_MS, COUNTER, outcome(result, version))


def esme_receipt(code, image_hash=HASH):
    return receipts.EsmeFirmwareDistributionReceipt(code, 7, DATE_TIME, image_hash)


def gsme_receipt(code, image_hash=HASH):
    return receipts.GsmeFirmwareDistributionReceipt(code, NOW_MS, image_hash)


ACCEPTED = cs06.ActivateFirmwareAccepted()
CS08 = cs08.ReadFirmwareVersionResponse(VERSION, cs08.ReadResult.SUCCESS)
ECS52 = ecs52.ReadFirmwareVersionResponse(COUNTER, VERSION)
GCS38 = gcs38.ReadFirmwareVersionResponse(VERSION)

_CODE = {
    cs06.ActivateFirmwareAccepted: (0x0012, Cra.RESPONSE),
    cs06.ActivateFirmwareOutcome: (0x0012, Cra.RESPONSE),
    cs06.FutureDatedActivationAlert: (0x00CA, Cra.ALERT),
    cs08.ReadFirmwareVersionResponse: (0x0129, Cra.RESPONSE),
    ecs52.ReadFirmwareVersionResponse: (0x0059, Cra.RESPONSE),
    gcs38.ReadFirmwareVersionResponse: (0x0084, Cra.RESPONSE),
    receipts.EsmeFirmwareDistributionReceipt: (0x00CE, Cra.ALERT),
    receipts.GsmeFirmwareDistributionReceipt: (0x00CF, Cra.ALERT),
}
# CS08 is asked by the ACB, for the supplier.
_THROUGH_ACB = {
    "target": ACB,
    "counter": 77,
    "supplementary_party": SUPPLIER,
    "supplementary_counter": COUNTER,
}


def unprotected(said, **changes) -> GbcsMessage:
    """What a device says, without signature or MAC."""
    code, cra = _CODE[type(said)]
    message = GbcsMessage(
        cra,
        COUNTER if cra is Cra.RESPONSE else 5_000,
        DEVICE,
        SUPPLIER,
        code,
        USE_CASES[code].forms[cra].encode(said),
        date_time=DATE_TIME if code == 0x0012 else None,
    )
    through = _THROUGH_ACB if isinstance(said, cs08.ReadFirmwareVersionResponse) else {}
    return msgspec.structs.replace(message, **{**through, **changes})


def protected(message: GbcsMessage, *, by=None, pki=PKI) -> GbcsMessage:
    """The message as a device protects it; `by` is another one."""
    signer = by or message.originator
    form = USE_CASES[message.message_code].forms[message.cra]
    if Protection.SIGNATURE in form.protection:
        return protection.sign(message, pki.private_key(signer, KeyUsage.DIGITAL_SIGNATURE))
    peer = pki.certificate(message.target, KeyUsage.KEY_AGREEMENT).public_key
    z = protection.shared_secret(pki.private_key(signer, KeyUsage.KEY_AGREEMENT), peer)
    return protection.add_mac(message, z)


def carried(said, message: GbcsMessage, **changes) -> v.Response:
    """The DCC's message that carries it."""
    octets = encode(message)
    alert_code = getattr(said, "alert_code", None)
    match said:
        case cs06.FutureDatedActivationAlert():
            content = v.FutureDatedDeviceAlertMessage(alert_code, octets, 1, 1)
            body = v.ResponseMessage("11.3", "11.3", content)
        case (
            receipts.EsmeFirmwareDistributionReceipt() | receipts.GsmeFirmwareDistributionReceipt()
        ):
            body = v.DeviceAlertMessage(alert_code, octets)
        case _:
            reference = "11.3" if message.message_code == 0x0012 else "11.2"
            body = v.ResponseMessage(reference, reference, v.GBCSPayload(octets))
    named = isinstance(body, v.ResponseMessage)
    response = v.Response(
        request_id=ASKED if named else None,
        response_id=RequestID(DEVICE, SUPPLIER, COUNTER) if named else None,
        response_code="I0",
        response_date_time_ms=NOW_MS,
        body=body,
    )
    return msgspec.structs.replace(response, **changes)


def response_of(said, **changes) -> v.Response:
    """A sound message of a device in a sound message of the DCC; `changes` are in the former."""
    return carried(said, protected(unprotected(said, **changes)))
