"""What kind of message some octets are: an OTA image, a GBCS message or a DUIS document."""

import binascii
import re
from pathlib import Path

import typer

from hanota.errors import RemoteError
from hanota.limits import DUIS_OCTETS_MAX
from hanota.wire.codes import DuisFault, GbcsFault
from hanota.wire.duis import Document, open_document
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.message import decode as decode_gbcs
from hanota.wire.image import HEADER_MAGIC, OtaImage, decode_image


def read_octets(path: Path) -> bytes:
    """All octets of a file, or of standard input where the path is `-`.

    RemoteError where there are more than a DUIS document may have: no other message has as many.
    """
    if path == _STANDARD_INPUT:
        octets = typer.get_binary_stream("stdin").read(DUIS_OCTETS_MAX + 1)
    else:
        with path.open("rb") as file:
            octets = file.read(DUIS_OCTETS_MAX + 1)
    if len(octets) > DUIS_OCTETS_MAX:
        raise RemoteError(
            DuisFault.NOT_DUIS, f"{path} has more than {DUIS_OCTETS_MAX} octets, too many to decode"
        )
    return octets


def decode_octets(octets: bytes) -> OtaImage | GbcsMessage | Document:
    """Read one whole message of whichever kind it is; a GBCS message may come as hex digits.

    RemoteError where the octets begin like none of them, or go on otherwise than they began.
    """
    if octets.startswith(_IMAGE_START):
        return decode_image(octets)
    if octets.startswith(_GBCS_STARTS):
        return decode_gbcs(octets)
    if _XML_START.match(octets):
        return open_document(octets)
    digits = octets.translate(None, _BLANKS)
    if _GBCS_DIGITS.fullmatch(digits):
        return decode_gbcs(_octets_of(digits))
    raise RemoteError(DuisFault.NOT_DUIS, "this is no OTA image, GBCS message or DUIS document")


_STANDARD_INPUT = Path("-")
_IMAGE_START = HEADER_MAGIC.to_bytes(4, "little")
# General-signing and general-ciphering, the outermost tags of a message.
_GBCS_STARTS = (b"\xdf", b"\xdd")
_XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_GBCS_DIGITS = re.compile(rb"[Dd][DFdf][0-9A-Fa-f]*")
_BLANKS = b" \t\r\n\v\f"


def _octets_of(digits: bytes) -> bytes:
    if len(digits) % 2:
        raise RemoteError(GbcsFault.TRUNCATED, "the GBCS message has half an octet in hex too many")
    return binascii.unhexlify(digits)
