"""Reading a request: from octets to what the DCC has to decide, without any of its state.

Parsing, the rules of the schema and the signature are most of the work of a small request and
need no ledger, so another process may do them: what is read can be pickled. Of the largest request
(10 MB of image) the value is as large as the image.

Not here: what the DCC decides (`dcc_gateway`).
"""

from hashlib import sha256

import msgspec

from hanota.errors import RemoteError
from hanota.smki.directory import Directory
from hanota.smki.dsig import signer_of_request
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.document import Document, open_document
from hanota.wire.duis.messages import decode_request, request_header
from hanota.wire.duis.services import WEB_SERVICES, WebService
from hanota.wire.duis.values import Request, RequestHeader


class ReadRequest(msgspec.Struct, frozen=True):
    """One request as it was read, or why it is refused before anything is decided."""

    header: RequestHeader | None  # what an answer repeats; None where DUIS has no answer
    request: Request | RemoteError  # with the code to answer; NOT_DUIS where there is no header
    digest: bytes  # SHA-256 of the octets: a repeat has the same


def read_request(
    octets: bytes,
    directory: Directory,
    now_ms: int,
    *,
    signature_check: bool,
    at: WebService | None = None,
) -> ReadRequest:
    """Read the octets of one request; no octets raise.

    Without `signature_check` a request needs no signature, and one that it has is not looked at:
    whoever it names as its originator is believed. `at` is the web service at which it came in,
    None where there is only one way in; a command variant that is sent to another one is refused.
    """
    digest = sha256(octets).digest()
    header = None
    try:
        document = open_document(octets)
        header = request_header(document)
        if signature_check:
            _require_signature(document, header, directory, now_ms)
        request = decode_request(document)
        _require_service(request, at)
    except RemoteError as fault:
        return ReadRequest(header, fault, digest)
    return ReadRequest(header, request, digest)


def _require_signature(
    document: Document, header: RequestHeader, directory: Directory, now_ms: int
) -> None:
    if signer_of_request(document, directory, now_ms, header) is None:
        raise RemoteError(ResponseCode.E48, "the request is not signed")


def _require_service(request: Request, at: WebService | None) -> None:
    # A variant without a service (9) is refused with the services, wherever it came in.
    due = WEB_SERVICES.get(request.command_variant, at)
    if at not in (None, due):
        raise RemoteError(
            ResponseCode.E11,
            f"command variant {request.command_variant} belongs to the {due}, not to the {at}",
        )
