"""The use cases of the firmware services: message code, who protects what, which content codec.

Source: GBCS 4.x use cases, confirmed on the public RTDS messages. Every other use case decodes as
a `GbcsMessage` and has no row here. Not here: which keys protect (`hanota.smki.protection`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, TypeAlias

from hanota.wire.gbcs import ccs08, cs06, cs08, cs09, ecs52, gcs38
from hanota.wire.gbcs import firmware_distribution_receipt as receipt
from hanota.wire.gbcs.message import Cra, GbcsMessage

Content: TypeAlias = (
    cs06.ActivateFirmwareCommand
    | cs06.ActivateFirmwareAccepted
    | cs06.ActivateFirmwareOutcome
    | cs08.ReadFirmwareVersionCommand
    | cs08.ReadFirmwareVersionResponse
    | ecs52.ReadFirmwareVersionCommand
    | ecs52.ReadFirmwareVersionResponse
    | gcs38.ReadFirmwareVersionCommand
    | gcs38.ReadFirmwareVersionResponse
    | cs06.FutureDatedActivationAlert
    | receipt.EsmeFirmwareDistributionReceipt
    | receipt.GsmeFirmwareDistributionReceipt
    | ccs08.FirmwareTransferAlert
    | cs09.FirmwareActivationAlert
)


class Protection(Flag):
    """How a message is protected; a signature is the originator's, or the supplier's in CS06."""

    NONE = 0
    SIGNATURE = auto()
    MAC = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """A command, response or alert of one use case: its protection and its content."""

    protection: Protection
    decode: Callable[[bytes], Content]
    encode: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class UseCase:
    """One row: the standard's reference and title, and its forms."""

    name: str
    title: str
    forms: dict[Cra, Form]


_SIGNED = Protection.SIGNATURE
_MACED = Protection.MAC

USE_CASES: dict[int, UseCase] = {
    0x0012: UseCase(
        "CS06",
        "Activate Firmware",
        {
            Cra.COMMAND: Form(_SIGNED | _MACED, cs06.decode_command, cs06.encode_command),
            Cra.RESPONSE: Form(_SIGNED, cs06.decode_response, cs06.encode_response),
        },
    ),
    0x0059: UseCase(
        "ECS52",
        "Read ESME/CH Firmware Version",
        {
            Cra.COMMAND: Form(_MACED, ecs52.decode_command, ecs52.encode_command),
            Cra.RESPONSE: Form(_MACED, ecs52.decode_response, ecs52.encode_response),
        },
    ),
    0x0084: UseCase(
        "GCS38",
        "Read GSME Firmware Version",
        {
            Cra.COMMAND: Form(_MACED, gcs38.decode_command, gcs38.encode_command),
            Cra.RESPONSE: Form(_MACED, gcs38.decode_response, gcs38.encode_response),
        },
    ),
    0x00CA: UseCase(
        "CS06",
        "Future Dated Firmware Activation Alert",
        {Cra.ALERT: Form(_SIGNED, cs06.decode_alert, cs06.encode_alert)},
    ),
    0x00CE: UseCase(
        "FDRA-DLMS",
        "Firmware Distribution Receipt Alert of an ESME",
        {Cra.ALERT: Form(_SIGNED, receipt.decode_esme_alert, receipt.encode_esme_alert)},
    ),
    0x00CF: UseCase(
        "FDRA-ZigBee",
        "Firmware Distribution Receipt Alert of a GSME",
        {Cra.ALERT: Form(_SIGNED, receipt.decode_gsme_alert, receipt.encode_gsme_alert)},
    ),
    0x0128: UseCase(
        "CCS08",
        "Firmware Transfer Alert",
        {Cra.ALERT: Form(_SIGNED, ccs08.decode_alert, ccs08.encode_alert)},
    ),
    0x0129: UseCase(
        "CS08",
        "Read PPMID/HCALCS Firmware Version",
        {
            Cra.COMMAND: Form(_MACED, cs08.decode_command, cs08.encode_command),
            Cra.RESPONSE: Form(_MACED, cs08.decode_response, cs08.encode_response),
        },
    ),
    0x012B: UseCase(
        "CS09",
        "PPMID Firmware Activation Alert",
        {Cra.ALERT: Form(_SIGNED, cs09.decode_alert, cs09.encode_alert)},
    ),
}


def protection_carried(message: GbcsMessage) -> Protection:
    """What the message carries; whether it is valid takes keys (`hanota.smki.protection`)."""
    signed = Protection.NONE if message.signature is None else Protection.SIGNATURE
    return signed if message.mac is None else signed | Protection.MAC


def protection_due(message: GbcsMessage) -> Protection | None:
    """What a message of this kind must carry on its way to its target; None where not known.

    A receiver that checks only what is there would take a message whose signature or MAC was cut
    off: compare this with `protection_carried`.
    """
    use_case = USE_CASES.get(message.message_code)
    form = use_case and use_case.forms.get(message.cra)
    return form.protection if form else None
