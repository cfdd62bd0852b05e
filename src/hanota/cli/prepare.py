"""A request out of a file, made ready to be sent: under which RequestID, and signed by whom.

What somebody else wrote is kept as it is, whether hanota models it or not. A file that was signed
well is sent octet for octet; the official samples, whose signatures are placeholders, are signed.
"""

import msgspec

from hanota.errors import RemoteError
from hanota.model import RequestID
from hanota.smki.dsig import request_signer, signer_of_request
from hanota.smki.given_pki import DevicePki
from hanota.wire.codes import DuisFault
from hanota.wire.duis import (
    Document,
    decode_request,
    open_document,
    request_header,
    sign_document,
)
from hanota.wire.duis.readdress import with_request_id
from hanota.wire.duis.values import Request


class Prepared(msgspec.Struct, frozen=True):
    """A request as it is sent."""

    request: Request
    octets: bytes


def prepare(
    octets: bytes, pki: DevicePki, *, user_id: int | None, fresh: bool, now_ms: int
) -> Prepared:
    """Make the request of a file ready.

    Args:
        octets: the file; RemoteError where it is no DUIS Request.
        pki: has the user's key.
        user_id: becomes the originator of the RequestID.
        fresh: the counter becomes the time. A counter of 0 always does, as with the DCC's tools.
        now_ms: that time.
    """
    document = open_document(octets)
    stated = request_header(document).request_id
    if stated is None:
        raise RemoteError(DuisFault.NOT_DUIS, "the Request has no RequestID")
    counter = now_ms if fresh or stated.counter == 0 else stated.counter
    originator = stated.originator if user_id is None else user_id
    wanted = RequestID(originator, stated.target, counter)
    if wanted != stated or not _is_signed(document, pki, now_ms):
        signer = request_signer(originator, pki, pki)
        octets = sign_document(with_request_id(document, wanted), signer)
    return as_it_is(octets)


def as_it_is(octets: bytes) -> Prepared:
    """The request of a file, to be sent octet for octet; RemoteError where it is none."""
    return Prepared(decode_request(open_document(octets)), octets)


def _is_signed(document: Document, pki: DevicePki, now_ms: int) -> bool:
    try:
        return signer_of_request(document, pki, now_ms) is not None
    except RemoteError:
        return False
