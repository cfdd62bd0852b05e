"""What a device says to its supplier, inside the DCC's messages: read, and whether to believe it.

The DCC carries receipts of images (8F72, 8F1C) as DeviceAlertMessage, what came of a future-dated
activation (8F66, 8F67) as FutureDatedDeviceAlertMessage, and responses as GBCSPayload. A signature
or MAC of the device is checked here, never taken on the DCC's word; only what a device MACs for
the Access Control Broker itself (CS08, which the ACB asked for the supplier) nobody but the DCC
can check, so there the DCC's own signature has to do.

Not here: the DCC's signature (`smki.dsig`), whether a message came before, and what it means for
an update (`conclusions`).
"""

from enum import StrEnum

import msgspec

from hanota.model import KeyUsage, RequestID
from hanota.rows import MessageKey
from hanota.smki.directory import Directory
from hanota.smki.protection import mac_valid, signature_valid
from hanota.smki.shared_secrets import SharedSecrets
from hanota.wire.duis.values import (
    DeviceAlertMessage,
    FutureDatedDeviceAlertMessage,
    GBCSPayload,
    Response,
    ResponseMessage,
)
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.firmware_distribution_receipt import (
    EsmeFirmwareDistributionReceipt,
    GsmeFirmwareDistributionReceipt,
)
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode
from hanota.wire.gbcs.use_cases import Content, Protection, protection_carried, protection_due


class Finding(StrEnum):
    """Why what a device seems to have said does not count, as the journal has it."""

    MISDIRECTED = "misdirected"  # for another user
    CONTRADICTORY = "contradictory"  # the DCC's message names another request or alert
    FOREIGN = "foreign"  # it answers a request that was never made
    OVERTAKEN = "overtaken"  # the device has changed since, and that came first
    NOT_AUTHENTIC = "not-authentic"  # signature or MAC is missing or not the device's


class DeviceMessage(msgspec.Struct, frozen=True):
    """One message of a device about its firmware, as the DCC handed it over."""

    device_id: int
    answers: RequestID | None  # the request that the device answers; None for a receipt
    said: Content
    message: GbcsMessage

    @property
    def key(self) -> MessageKey:
        """The same when the message comes a second time."""
        message = self.message
        return MessageKey(message.originator, message.target, message.cra, message.counter)


def read_device_message(response: Response) -> DeviceMessage | None:
    """What a device says in this message of the DCC; None where it is nothing about firmware.

    RemoteError(GbcsFault) when the GBCS message in it is malformed.
    """
    carried = _carried(response)
    if carried is None:
        return None
    carrier, octets = carried
    message = decode(octets)
    said = decode_content(message)
    if said is None or type(said) not in _CARRIED[type(carrier)]:
        return None
    return DeviceMessage(message.originator, _answers(message, said), said, message)


def objection(
    response: Response, read: DeviceMessage, *, user_id: int, acb_id: int
) -> Finding | None:
    """Why this message is not for this user, or not what the DCC says it is; None where it is.

    `response` is the DCC's message that carried it, `acb_id` the EUI-64 of its Access Control
    Broker. Whether a request was ever made, the ledger knows (FOREIGN).
    """
    message = read.message
    for_user = message.target == user_id
    through_acb = message.target == acb_id and message.supplementary_party == user_id
    if not for_user and not (through_acb and read.answers is not None):
        return Finding.MISDIRECTED
    if read.answers is not None and not _names(response, read.answers):
        return Finding.CONTRADICTORY
    return Finding.CONTRADICTORY if _alert_code_differs(response, read.said) else None


def is_authentic(
    message: GbcsMessage, directory: Directory, secrets: SharedSecrets, *, acb_id: int, at_ms: int
) -> bool:
    """Whether the device protected this message, as far as its supplier can tell.

    The signature has to be that of a certificate of the device that the directory trusts at this
    time. A MAC is checked with the supplier's own key, of which `secrets` has what was agreed on;
    one for the ACB only has to be there.
    """
    due = protection_due(message)
    if due is None or protection_carried(message) != due:
        return False
    if Protection.SIGNATURE in due:
        return any(
            signature_valid(message, certificate.public_key)
            for certificate in directory.find(message.originator, KeyUsage.DIGITAL_SIGNATURE)
            if directory.trusts(certificate, at_ms)
        )
    if message.target == acb_id:
        return True
    return any(
        mac_valid(message, z)
        for certificate in directory.find(message.originator, KeyUsage.KEY_AGREEMENT)
        if directory.trusts(certificate, at_ms)
        for z in secrets.every(message.target, certificate)
    )


Carrier = DeviceAlertMessage | FutureDatedDeviceAlertMessage | GBCSPayload

# What each kind of DCC message carries of the firmware services.
_CARRIED: dict[type[Carrier], frozenset[type]] = {
    DeviceAlertMessage: frozenset(
        {EsmeFirmwareDistributionReceipt, GsmeFirmwareDistributionReceipt}
    ),
    FutureDatedDeviceAlertMessage: frozenset({cs06.FutureDatedActivationAlert}),
    GBCSPayload: frozenset(
        {
            cs06.ActivateFirmwareAccepted,
            cs06.ActivateFirmwareOutcome,
            cs08.ReadFirmwareVersionResponse,
            ecs52.ReadFirmwareVersionResponse,
            gcs38.ReadFirmwareVersionResponse,
        }
    ),
}


def _carried(response: Response) -> tuple[Carrier, bytes] | None:
    """The part of the DCC's message that carries a GBCS message, and its octets."""
    match response.body:
        case DeviceAlertMessage(gbcs_payload=octets) as carrier:
            return carrier, octets
        case ResponseMessage(content=FutureDatedDeviceAlertMessage(gbcs_payload=octets) as carrier):
            return carrier, octets
        case ResponseMessage(content=GBCSPayload(payload=octets) as carrier):
            return carrier, octets
        case _:
            return None


def _answers(message: GbcsMessage, said: Content) -> RequestID | None:
    match message.cra, said:
        case _, cs06.FutureDatedActivationAlert(originator_counter=counter):
            return RequestID(message.target, message.originator, counter)
        case Cra.RESPONSE, _:
            return _answered_by(message)
        case _:
            return None


def _answered_by(message: GbcsMessage) -> RequestID:
    """The request that a response answers: where the ACB asked, that of the party for whom."""
    party, counter = message.supplementary_party, message.supplementary_counter
    if party is not None and counter is not None:
        return RequestID(party, message.originator, counter)
    return RequestID(message.target, message.originator, message.counter)


def _names(response: Response, answered: RequestID) -> bool:
    """Whether the header of a DUIS response, where it names a request, names this one."""
    swapped = RequestID(answered.target, answered.originator, answered.counter)
    return response.request_id in (None, answered) and response.response_id in (None, swapped)


def _alert_code_differs(response: Response, said: Content) -> bool:
    match response.body, said:
        case (
            DeviceAlertMessage(alert_code=told)
            | ResponseMessage(content=FutureDatedDeviceAlertMessage(future_dated_alert_code=told)),
            EsmeFirmwareDistributionReceipt(alert_code=own)
            | GsmeFirmwareDistributionReceipt(alert_code=own)
            | cs06.FutureDatedActivationAlert(alert_code=own),
        ):
            return told != own
        case _:
            return False
