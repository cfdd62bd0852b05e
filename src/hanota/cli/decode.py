"""`hanota decode`: any OTA image, GBCS message or DUIS document, as text or JSON.

Here are the options and what is said of a message. Which kind it is comes from `octets`, what it
says from the decoders of `wire`, whether signatures and MACs are valid from `smki.verdict`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hanota.cli.failure import run
from hanota.cli.given_keys import GivenKeys
from hanota.cli.image_facts import describe_with_signature
from hanota.cli.octets import decode_octets, read_octets
from hanota.cli.show import show
from hanota.errors import RemoteError
from hanota.model import eui_text
from hanota.smki.verdict import judge_document, judge_mac, judge_signature
from hanota.wire import duis
from hanota.wire.duis import values as v
from hanota.wire.duis.document import REQUEST
from hanota.wire.gbcs.content import describe as describe_gbcs
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.message import decode as decode_gbcs
from hanota.wire.image import OtaImage, decode_image

_Facts: TypeAlias = dict[str, object]


@run
def decode(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The file; - is standard input.", show_default=False),
    ],
    *,
    certs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of certificates, *.pem, of devices and others."),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="keystore.json of @smartdcc/dccboxed-keystore: organisations' private keys.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Print what an OTA image, GBCS message or DUIS document says.

    A GBCS message may be binary or hex. The GBCS message or image that a DUIS
    document carries is decoded too.

    With keys it says of every signature and MAC whether it is valid, invalid,
    unknown-key (there was no key to try) or absent. Certificates come from
    --certs and --keystore, the organisations' private keys, which MACs need,
    from --keystore. The identity in a certificate counts, not its file name.

    Exit code 0: it was decoded, whatever its signature. Exit code 4: it is
    malformed.

    Example: hanota decode command.hex --certs keys --keystore keystore.json

    Example: cat request.xml | hanota decode - --json
    """
    decoded = decode_octets(read_octets(file))
    keys = GivenKeys(certs, keystore)
    fault = None
    match decoded:
        case OtaImage():
            facts = _describe_image(decoded, keys)
        case GbcsMessage():
            facts = _describe_gbcs(decoded, keys)
        case duis.Document():
            carried, fault = _describe_carried(decoded, keys)
            facts = _describe_document(decoded, keys) | carried
    show(facts, as_json=as_json)
    if fault is not None:
        raise fault


def _describe_image(image: OtaImage, keys: GivenKeys) -> _Facts:
    return describe_with_signature(image, keys.suppliers)


def _describe_gbcs(message: GbcsMessage, keys: GivenKeys) -> _Facts:
    return describe_gbcs(message) | {
        "signature": judge_signature(message, keys.directory),
        "mac": judge_mac(message, keys.directory, keys.private_keys, keys.brokers),
    }


def _describe_document(document: duis.Document, keys: GivenKeys) -> _Facts:
    described = duis.describe(document)
    stated = described["signature"]
    finding = judge_document(document, keys.directory)
    return described | {
        "signature": finding.verdict,
        "signer": None if finding.signer is None else eui_text(finding.signer),
        "signature_fault": finding.fault,
        "certificate": stated if stated and "serial" in stated else None,
    }


def _describe_carried(
    document: duis.Document, keys: GivenKeys
) -> tuple[_Facts, RemoteError | None]:
    """The message that the document carries, under its kind; and its fault, if it is malformed.

    The document around it is sound and worth showing, but the verb ends as with any malformed
    input.
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


_DESCRIBE: dict[str, Callable[[bytes, GivenKeys], _Facts]] = {
    "ota": lambda octets, keys: _describe_image(decode_image(octets), keys),
    "gbcs": lambda octets, keys: _describe_gbcs(decode_gbcs(octets), keys),
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
