"""What the DCC's response codes mean, and which check stands behind each.

The DUIS schema lists the codes without their meanings. What is marked as sourced stands in a
public text; every other row is an assignment of this project. `hanota codes` prints the table.
"""

import msgspec

from hanota.wire.codes import ResponseCode


class CodeMeaning(msgspec.Struct, frozen=True):
    """What one response code says, which check of the DCC gives it, and whether that is sourced."""

    meaning: str
    check: str
    sourced: bool = False


RESPONSE_CODES: dict[ResponseCode, CodeMeaning] = {
    ResponseCode.I0: CodeMeaning("the result", "every check passed", sourced=True),
    ResponseCode.I99: CodeMeaning(
        "acknowledged, the real answer follows",
        "the command goes to the device, or anomaly detection holds the request back (N46)",
        sourced=True,
    ),
    ResponseCode.E1: CodeMeaning(
        "the user's role may not use the service",
        "user roles of the originator, and those of the service",
    ),
    ResponseCode.E4: CodeMeaning(
        "the device type does not fit the service", "type of the target device"
    ),
    ResponseCode.E5: CodeMeaning(
        "the device status does not allow the service",
        "11.3: the device is commissioned, and the user is its responsible supplier; 11.2 is "
        "exempt, and 11.1 and 11.4 leave such a device out",
        sourced=True,
    ),
    ResponseCode.E11: CodeMeaning(
        "the command variant does not fit the service, or the web service it was sent to",
        "web service of the command variant, command variants of the service (none is for local "
        "delivery), body of CV 4 and 5",
    ),
    ResponseCode.E12: CodeMeaning(
        "the service is none of this DCC's",
        "services that this DCC has (8.13 not: it gives no local commands), body of the service",
    ),
    ResponseCode.E13: CodeMeaning(
        "the service reference variant does not fit the reference",
        "equal to the reference in every service that this DCC has",
    ),
    ResponseCode.E17: CodeMeaning(
        "the execution time is not allowed", "execution time and the time of the request"
    ),
    ResponseCode.E19: CodeMeaning(
        "the device is not known",
        "target device in the inventory; 8.2: it is asked for by its DeviceID",
    ),
    ResponseCode.E21: CodeMeaning("no answer from the device", "time since the command was sent"),
    ResponseCode.E48: CodeMeaning(
        "signature, certificate or RequestID not valid",
        "signature, its certificate (trusted, for requests, of the originator of the RequestID), "
        "octets of a used RequestID, Pre-Command of CV 5",
    ),
    ResponseCode.E100: CodeMeaning(
        "refused for another reason",
        "what has no code of its own: the schema, the target of the RequestID (the ACB, or a "
        "device), CV 5 without CV 4, a device without a key, a home too large for 8.2",
    ),
    ResponseCode.W110101: CodeMeaning(
        "11.1 accepted in part; the body lists the other devices", "checks of each device"
    ),
    ResponseCode.W110401: CodeMeaning(
        "11.4 accepted in part; the body lists the other devices", "checks of each device"
    ),
    ResponseCode.E110101: CodeMeaning(
        "11.1: the image is malformed or over a limit", "form of the OTA file"
    ),
    ResponseCode.E110401: CodeMeaning(
        "11.4: the image is malformed or over a limit", "form of the OTA file"
    ),
    ResponseCode.E110102: CodeMeaning(
        "11.1: the image is not on the Central Products List, or not Active",
        "hash, maker, version and status of the entries",
    ),
    ResponseCode.E110402: CodeMeaning(
        "11.4: the image is not on the Central Products List, or not Active",
        "hash, maker, version and status of the entries",
    ),
    ResponseCode.E110103: CodeMeaning(
        "11.1: the image is not signed by this supplier, or is for another device kind",
        "trailer, its signature, image type of the OTA header",
    ),
    ResponseCode.E110403: CodeMeaning(
        "11.4: the image is for another device kind", "image type of the OTA header"
    ),
    ResponseCode.E110105: CodeMeaning(
        "11.1: no device is left; the body lists them", "checks of each device"
    ),
    ResponseCode.E110405: CodeMeaning(
        "11.4: no device is left; the body lists them", "checks of each device"
    ),
}
