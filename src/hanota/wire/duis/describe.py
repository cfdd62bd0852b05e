"""A DUIS document for `hanota decode --json`: built-in values under the schema's own names.

EUI-64s and RequestIDs are text in upper case, times ISO 8601 with Z, GBCS messages and hashes
hex, an image its size and SHA-256. Where hanota does not model an element, what it contains is
shown as nested names and texts.
"""

from typing import Any

from lxml import etree
from lxml.etree import _Element as Element

from hanota.errors import RemoteError
from hanota.wire.duis.document import REQUEST, Document, schema_version, sections_of
from hanota.wire.duis.elements import name_of
from hanota.wire.duis.messages import decode_request, decode_response
from hanota.wire.duis.schema import REQUEST_BODY, REQUEST_HEADER, RESPONSE_BODY, RESPONSE_HEADER
from hanota.wire.duis.signature import read_signature


def describe(document: Document) -> dict[str, Any]:
    """The document as a dict of built-in values; RemoteError where it cannot be decoded.

    `signature` is None where there is none, its issuer and serial number where its digest is
    right, or the `fault` in it: a document with a wrong signature is still described.
    """
    if document.root.tag == REQUEST:
        request = decode_request(document)
        header, body = REQUEST_HEADER.show(request), REQUEST_BODY.show(request.body)
    else:
        response = decode_response(document)
        header, body = RESPONSE_HEADER.show(response), RESPONSE_BODY.show(response.body)
    return {
        "kind": "duis",
        "message": name_of(document.root),
        "schema_version": schema_version(document),
        "header": header,
        "body": _with_unmodelled(body, sections_of(document).body),
        "signature": _describe_signature(document),
    }


def _with_unmodelled(shown: dict[str, Any], element: Element) -> dict[str, Any]:
    # The tables show an OtherElement as None, under the name of its element.
    for child in element:
        name = name_of(child)
        if isinstance(shown.get(name), dict):
            _with_unmodelled(shown[name], child)
        elif name in shown and shown[name] is None:
            shown[name] = _tree(child)
    return shown


def _tree(element: Element) -> Any:
    """Names and texts; a name that comes more than once has a list, an attribute an @."""
    attributes = {
        "@" + etree.QName(name).localname: value for name, value in element.attrib.items()
    }
    if not len(element):
        return {**attributes, "text": element.text or ""} if attributes else element.text or ""
    values: dict[str, list[Any]] = {}
    for child in element:
        values.setdefault(name_of(child), []).append(_tree(child))
    children = {name: found if len(found) > 1 else found[0] for name, found in values.items()}
    return {**attributes, **children}


def _describe_signature(document: Document) -> dict[str, str] | None:
    try:
        signature = read_signature(document)
    except RemoteError as fault:
        return {"fault": fault.reason}
    if signature is None:
        return None
    return {"issuer": signature.issuer, "serial": str(signature.serial)}
