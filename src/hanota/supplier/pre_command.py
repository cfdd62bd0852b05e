"""Parse and Correlate: a Pre-Command is signed only if it says exactly what was asked for.

A supplier's signature makes a critical command of whatever it covers, and the Pre-Command comes
from somebody else. What a CS06 Pre-Command must say follows from the request alone, so it is made
here a second time and compared, field by field: nothing that was not asked for can be in it. Only
the null signature after the content (one octet 00) may be there or not.

Source: GBCS use case CS06, and the Pre-Commands of the public RTDS messages, which have header and
content of their commands. Not here: critical services other than 11.3.
"""

from enum import StrEnum

from hanota.errors import LocalError, RemoteError
from hanota.model import KeyUsage, Role
from hanota.smki.directory import Directory, Signer
from hanota.smki.protection import sign_as
from hanota.wire.duis.values import CANCELLATION_MS, ActivateFirmware, Request
from hanota.wire.gbcs import cs06
from hanota.wire.gbcs.message import Cra, GbcsMessage, decode, encode

ACTIVATE_FIRMWARE = 0x0012  # the message code of CS06


class Refused(StrEnum):
    """What of a Pre-Command is not as it was asked for."""

    MESSAGE = "message"  # the octets are no GBCS message
    CRA = "cra"
    COUNTER = "counter"
    ORIGINATOR = "originator"
    TARGET = "target"
    MESSAGE_CODE = "message-code"
    DATE_TIME = "date-time"  # no command has one
    SUPPLEMENTARY = "supplementary"  # no party but the supplier asked
    SIGNATURE = "signature"  # it is there already
    MAC = "mac"
    CONTENT = "content"  # no content of a CS06 command
    FIRMWARE_HASH = "firmware-hash"
    ORIGINATOR_COUNTER = "originator-counter"  # of the content
    EXECUTION_DATE_TIME = "execution-date-time"


def examine(asked: Request, octets: bytes) -> GbcsMessage | Refused:
    """The Pre-Command that may be signed, or the first field that is not as asked.

    `asked` is the 11.3 that was sent to be transformed (LocalError for another request), `octets`
    the GBCSPayload of the PreCommand in its answer; no octets raise.
    """
    expected = command_of(asked)
    try:
        message = decode(octets)
    except RemoteError:
        return Refused.MESSAGE
    for name, refused in _HEADER:
        if getattr(message, name) != getattr(expected, name):
            return refused
    return _examine_content(message.content, expected.content) or message


def sign(pre_command: GbcsMessage, directory: Directory, signer: Signer) -> bytes:
    """The GBCSPayload of CV 5: signed as its originator, the supplier, and encoded.

    LocalError when the originator has no key for digital signature.
    """
    eui = pre_command.originator
    # The key of the role that an organisation has in GBCS, never that for XML.
    role = Role.SUPPLIER
    if not directory.find(eui, KeyUsage.DIGITAL_SIGNATURE, role):
        raise LocalError("the supplier has no certificate with which to sign commands")
    return encode(sign_as(pre_command, lambda octets: signer.sign(eui, role, octets)))


def command_of(asked: Request) -> GbcsMessage:
    """The command that this 11.3 asks for, without a signature; LocalError for another request."""
    match asked.body:
        case ActivateFirmware(execution_date_time_ms=execution_ms, firmware_hash=firmware_hash):
            cancels = execution_ms == CANCELLATION_MS
            content = cs06.ActivateFirmwareCommand(
                firmware_hash,
                asked.request_id.counter,
                cs06.CANCELLATION_MS if cancels else execution_ms,
            )
        case _:
            raise LocalError(f"no Pre-Command belongs to a request for {asked.service_reference}")
    return GbcsMessage(
        Cra.COMMAND,
        asked.request_id.counter,
        asked.request_id.originator,
        asked.request_id.target,
        ACTIVATE_FIRMWARE,
        cs06.encode_command(content),
    )


# Every field of a message but the content and the null signature, in the order of comparison.
_HEADER = (
    ("cra", Refused.CRA),
    ("originator", Refused.ORIGINATOR),
    ("target", Refused.TARGET),
    ("counter", Refused.COUNTER),
    ("message_code", Refused.MESSAGE_CODE),
    ("date_time", Refused.DATE_TIME),
    ("supplementary_party", Refused.SUPPLEMENTARY),
    ("supplementary_counter", Refused.SUPPLEMENTARY),
    ("supplementary_originator_counter", Refused.SUPPLEMENTARY),
    ("supplementary_certificate", Refused.SUPPLEMENTARY),
    ("signature", Refused.SIGNATURE),
    ("mac", Refused.MAC),
)
_CONTENT = (
    ("manufacturer_image_hash", Refused.FIRMWARE_HASH),
    ("originator_counter", Refused.ORIGINATOR_COUNTER),
    ("execution_date_time_ms", Refused.EXECUTION_DATE_TIME),
)


def _examine_content(octets: bytes, expected: bytes) -> Refused | None:
    if octets == expected:
        return None
    try:
        said, asked = cs06.decode_command(octets), cs06.decode_command(expected)
    except RemoteError:
        return Refused.CONTENT
    # A content has one encoding, so what differs in octets differs in a field.
    return next(
        refused for name, refused in _CONTENT if getattr(said, name) != getattr(asked, name)
    )
