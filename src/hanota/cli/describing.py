"""What is said of a message for people and for JSON: what it says, and whether it is genuine.

What it says comes from the decoders of `wire`, whether signatures and MACs are valid from
`smki.verdict`, with whatever keys are at hand.
"""

from collections.abc import Callable, Collection
from typing import Protocol, TypeAlias

from hanota.cli.image_facts import describe_with_signature
from hanota.errors import RemoteError
from hanota.model import eui_text
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory, Signer
from hanota.smki.verdict import ANY_TIME_MS, judge_document, judge_mac, judge_signature
from hanota.wire import duis
from hanota.wire.duis import values as v
from hanota.wire.duis.document import REQUEST
from hanota.wire.gbcs import content
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.message import decode as decode_gbcs
from hanota.wire.image import OtaImage, decode_image

Facts: TypeAlias = dict[str, object]


class Keys(Protocol):
    """The keys with which messages are judged."""

    @property
    def directory(self) -> Directory:
        """The certificates of those who sign."""
        ...

    @property
    def private_keys(self) -> Signer:
        """The private keys of one side of a MAC, as a rule those of the organisations."""
        ...

    @property
    def suppliers(self) -> Collection[Certificate]:
        """With which suppliers sign images."""
        ...

    @property
    def brokers(self) -> Collection[int]:
        """The EUI-64s that may be the Access Control Broker's."""
        ...


def describe_image(image: OtaImage, keys: Keys) -> Facts:
    """An OTA image and whether a supplier signed it."""
    return describe_with_signature(image, keys.suppliers)


def describe_gbcs(message: GbcsMessage, keys: Keys) -> Facts:
    """A GBCS message and the verdicts on its signature and MAC."""
    return content.describe(message) | {
        "signature": judge_signature(message, keys.directory),
        "mac": judge_mac(message, keys.directory, keys.private_keys, keys.brokers),
    }


def describe_document(document: duis.Document, keys: Keys, at_ms: int = ANY_TIME_MS) -> Facts:
    """A DUIS document and the verdict on its signature.

    `at_ms` is when certificates have to be valid, for a directory that minds their dates.
    """
    described = duis.describe(document)
    stated = described["signature"]
    finding = judge_document(document, keys.directory, at_ms)
    return described | {
        "signature": finding.verdict,
        "signer": None if finding.signer is None else eui_text(finding.signer),
        "signature_fault": finding.fault,
        "certificate": stated if stated and "serial" in stated else None,
    }


def describe_carried(document: duis.Document, keys: Keys) -> tuple[Facts, RemoteError | None]:
    """The message that the document carries, under its kind; and its fault, if it is malformed.

    The document around it is sound and worth showing, whatever becomes of the fault.
    """
    carried = _carried(document)
    if carried is None:
        return {}, None
    kind, octets = carried
    try:
        return {kind: _DESCRIBE[kind](octets, keys)}, None
    except RemoteError as fault:
        reason = f"what the document carries is malformed: {fault.reason}"
        return {kind: {"fault": fault.reason}}, RemoteError(fault.code, reason)


_DESCRIBE: dict[str, Callable[[bytes, Keys], Facts]] = {
    "ota": lambda octets, keys: describe_image(decode_image(octets), keys),
    "gbcs": lambda octets, keys: describe_gbcs(decode_gbcs(octets), keys),
}


def _carried(document: duis.Document) -> tuple[str, bytes] | None:
    """The kind and the octets of the one message in a document; None where there is none."""
    if document.root.tag == REQUEST:
        return _carried_by_request(duis.decode_request(document).body)
    return _carried_by_response(duis.decode_response(document).body)


def _carried_by_request(body: v.RequestBody) -> tuple[str, bytes] | None:
    match body:
        case v.UpdateFirmware(firmware_image=image) | v.UpdatePPMIDFirmware(firmware_image=image):
            return "ota", image
        case (
            v.SignedPreCommand(gbcs_payload=octets)
            | v.ReturnLocalCommandResponse(device_gbcs_response=octets)
        ):
            return "gbcs", octets
        case _:
            return None


def _carried_by_response(body: v.ResponseBody) -> tuple[str, bytes] | None:
    match body:
        case (
            v.DeviceAlertMessage(gbcs_payload=octets)
            | v.ResponseMessage(
                content=v.GBCSPayload(payload=octets)
                | v.LocalCommand(gbcs_payload=octets)
                | v.PreCommand(gbcs_payload=octets)
                | v.FutureDatedDeviceAlertMessage(gbcs_payload=octets)
            )
        ):
            return "gbcs", octets
        case _:
            return None
