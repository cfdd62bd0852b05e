"""Requests and Responses: from an opened document to a value, and from a value to octets.

A gateway reads in this order, and can answer from the second step on:

    document = open_document(octets)       # fails: HTTP 400
    header = request_header(document)      # fails: HTTP 400
    signature = read_signature(document)   # fails: a Response with the fault's code
    request = decode_request(document)     # likewise

Not here: whose signature it is, and whether that user may ask for this service.
"""

from lxml.etree import _Element as Element

from hanota.errors import LocalError, RemoteError
from hanota.model import RequestID
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis.document import (
    HEADER,
    REQUEST,
    RESPONSE,
    Document,
    open_document,
    sections_of,
)
from hanota.wire.duis.elements import NAMESPACE, Alternatives, Record, name_of
from hanota.wire.duis.identifiers import REQUEST_ID
from hanota.wire.duis.schema import (
    REQUEST_BODY,
    REQUEST_HEADER,
    RESPONSE_BODY,
    RESPONSE_HEADER,
)
from hanota.wire.duis.services import (
    SERVICE_OF_BODY,
    SERVICE_REFERENCE_VARIANTS,
    SERVICE_REFERENCES,
    reference_of_variant,
)
from hanota.wire.duis.signature import DocumentSigner, is_signed_by, signature_octets
from hanota.wire.duis.values import Request, RequestHeader, Response

SCHEMA_VERSION = "5.4"

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
_SERVICE_REFERENCE = f"{{{NAMESPACE}}}ServiceReference"
_SERVICE_REFERENCE_VARIANT = f"{{{NAMESPACE}}}ServiceReferenceVariant"
_REQUEST_ID = f"{{{NAMESPACE}}}RequestID"


def request_header(document: Document) -> RequestHeader:
    """Read what an answer has to repeat, from a Request that may be malformed otherwise.

    RemoteError(DuisFault.NOT_DUIS) where the document is no Request or has no legal service
    reference and variant: no Response can be made without them.
    """
    _expect_root(document, REQUEST)
    header = next(document.root.iterchildren(HEADER), None)
    if header is None:
        raise RemoteError(DuisFault.NOT_DUIS, "the Request has no Header")
    reference = _text_of(header, _SERVICE_REFERENCE)
    variant = _text_of(header, _SERVICE_REFERENCE_VARIANT)
    if reference not in SERVICE_REFERENCES or variant not in SERVICE_REFERENCE_VARIANTS:
        raise RemoteError(
            DuisFault.NOT_DUIS, "the Request names no ServiceReference and variant of DUIS"
        )
    return RequestHeader(_request_id(header), reference, variant)


def decode_request(document: Document) -> Request:
    """Read a Request.

    RemoteError(DuisFault.NOT_DUIS) where the document is none, RemoteError with the ResponseCode
    to answer where it breaks a rule of the schema or its body is not of the service it names.
    """
    _expect_root(document, REQUEST)
    sections = sections_of(document)
    request = Request(
        **REQUEST_HEADER.attributes(sections.header), body=REQUEST_BODY.read(sections.body)
    )
    fault = _service_fault(request)
    if fault is not None:
        raise RemoteError(*fault)
    return request


def decode_response(document: Document) -> Response:
    """Read a Response.

    RemoteError where it is none or breaks a rule of the schema. There is no Response to a
    Response, so the code says nothing: whoever was sent this answers HTTP 400.
    """
    _expect_root(document, RESPONSE)
    sections = sections_of(document)
    return Response(
        **RESPONSE_HEADER.attributes(sections.header), body=RESPONSE_BODY.read(sections.body)
    )


def encode_request(request: Request, signer: DocumentSigner | None = None) -> bytes:
    """Write a Request, signed where there is a signer; LocalError if it breaks a rule."""
    fault = _service_fault(request)
    if fault is not None:
        raise LocalError(fault[1])
    return _encode("Request", REQUEST_HEADER, REQUEST_BODY, request, signer)


def encode_response(response: Response, signer: DocumentSigner | None = None) -> bytes:
    """Write a Response, signed where there is a signer; LocalError if it breaks a rule."""
    return _encode("Response", RESPONSE_HEADER, RESPONSE_BODY, response, signer)


def with_signature_of(signer: DocumentSigner, octets: bytes) -> bytes:
    """A Response that was signed here, under this signer's certificate: the same octets if it is.

    Only the signature changes otherwise, not what is said.
    """
    if is_signed_by(octets, signer):
        return octets
    return encode_response(decode_response(open_document(octets)), signer)


def _encode(
    root: str,
    header: Record,
    body: Alternatives,
    message: Request | Response,
    signer: DocumentSigner | None,
) -> bytes:
    # The text is canonical as it is written, so what is digested is what is sent.
    parts = [
        f'<sr:{root} xmlns:sr="{NAMESPACE}" schemaVersion="{SCHEMA_VERSION}"><sr:Header>'.encode()
    ]
    header.write(message, parts.append)
    parts.append(b"</sr:Header><sr:Body>")
    body.write(message.body, parts.append)
    parts.append(b"</sr:Body>")
    end = f"</sr:{root}>".encode()
    signature = b"" if signer is None else signature_octets((*parts, end), signer)
    return b"".join((_DECLARATION, *parts, signature, end))


def _expect_root(document: Document, tag: str) -> None:
    if document.root.tag != tag:
        raise RemoteError(
            DuisFault.NOT_DUIS, f"a {name_of(document.root)} came where it has no place"
        )


def _request_id(header: Element) -> RequestID | None:
    try:
        request_id: RequestID = REQUEST_ID.parse(_text_of(header, _REQUEST_ID))
    except ValueError:
        return None
    return request_id


def _text_of(header: Element, tag: str) -> str:
    """The text of the first child of this name; empty where there is none."""
    # Much faster than `findtext`, which goes through a language of paths.
    child = next(header.iterchildren(tag), None)
    return "" if child is None else child.text or ""


def _service_fault(request: Request) -> tuple[ResponseCode, str] | None:
    variant = request.service_reference_variant
    if reference_of_variant(variant) != request.service_reference:
        return (
            ResponseCode.E13,
            f"ServiceReferenceVariant {variant} is none of {request.service_reference}",
        )
    service = SERVICE_OF_BODY.get(type(request.body), request.service_reference)
    if service != request.service_reference:
        return (
            ResponseCode.E12,
            f"{type(request.body).__name__} belongs to {service}, not {request.service_reference}",
        )
    return None
