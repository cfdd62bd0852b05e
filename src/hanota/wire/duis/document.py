"""Opens a DUIS document: bytes from anyone become a tree that holds no surprise.

A profile of XML 1.0 much narrower than XML: UTF-8 only, no document type (so no entities, no
external anything), no processing instructions, and a bounded number of octets, elements,
attributes, namespaces and levels. A document type has its place before the root only, so it is
found there, and all but the levels is counted in the bytes, before a parser sees any. Comments
are dropped as canonical XML drops them, so text on both sides of one is one text, for the digest
and for the reader alike.

The tree is read by everyone and changed by no one: what `signature` digests is what `messages`
decodes. libxml2 keeps every element name it has met for as long as the thread lives; a server
that reads from strangers should renew the threads or processes that it does so on.
"""

import re

import msgspec
from lxml import etree
from lxml.etree import _Element as Element

from hanota.errors import RemoteError
from hanota.limits import (
    DUIS_OCTETS_MAX,
    XML_ATTRIBUTES_MAX,
    XML_DEPTH_MAX,
    XML_ELEMENTS_MAX,
    XML_NAMESPACES_MAX,
)
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis.elements import NAMESPACE, children_of, name_of

REQUEST = f"{{{NAMESPACE}}}Request"
RESPONSE = f"{{{NAMESPACE}}}Response"
HEADER = f"{{{NAMESPACE}}}Header"
BODY = f"{{{NAMESPACE}}}Body"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"

# What may stand before the root: a byte order mark, the declaration, blanks and comments. The
# groups are possessive, so that a hostile row of comments is matched in one way only.
_PROLOG = re.compile(
    rb"""(?:\xef\xbb\xbf)?"""
    rb"""(?:<\?xml\s+version\s*=\s*(["'])1\.0\1"""
    rb"""(?:\s+encoding\s*=\s*(["'])[Uu][Tt][Ff]-8\2)?"""
    rb"""(?:\s+standalone\s*=\s*(["'])(?:yes|no)\3)?\s*\?>)?"""
    rb"""(?:\s++|<!--(?>.*?-->))*+"""
    rb"""<[^!?]""",
    re.DOTALL,
)
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_INSTRUCTION = "//processing-instruction()"
_HAS_INSTRUCTION = etree.XPath(f"boolean({_INSTRUCTION})")
# One expression for both: each takes a tenth of the time in which a small document is parsed.
_UNFIT = etree.XPath(f"boolean({_INSTRUCTION} | {'/*' * (XML_DEPTH_MAX + 1)})")
_ROOT_ATTRIBUTES = frozenset(
    ("schemaVersion", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")
)
_REASON_CHARACTERS_MAX = 120


class Document(msgspec.Struct, frozen=True):
    """An opened document; its root is a Request or a Response of the DUIS namespace."""

    root: Element


class Sections(msgspec.Struct, frozen=True):
    """The parts of a document of the schema's shape."""

    header: Element
    body: Element
    signature: Element | None


def open_document(octets: bytes) -> Document:
    """Parse the bytes of a DUIS document.

    RemoteError(DuisFault.NOT_DUIS) for anything but well-formed XML of the profile above with a
    Request or Response of the DUIS namespace as its root.
    """
    _screen(octets)
    # No lock is shared with other threads, as it would be with one parser for all.
    parser = etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,  # a text node of the largest image passes 10,000,000 characters
        remove_comments=True,
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as fault:
        reason = " ".join(str(fault).split())[:_REASON_CHARACTERS_MAX]
        raise _not_duis(f"the document is not well-formed XML: {reason}") from fault
    if _UNFIT(root):
        if _HAS_INSTRUCTION(root):
            raise _not_duis("the document has a processing instruction")
        raise _not_duis(f"the elements of the document nest deeper than {XML_DEPTH_MAX}")
    if root.tag not in (REQUEST, RESPONSE):
        raise _not_duis(f"the root is {name_of(root)}, not a DUIS Request or Response")
    return Document(root)


def schema_version(document: Document) -> str:
    """The schemaVersion of the root, any decimal; RemoteError(E100) where there is none."""
    version = document.root.get("schemaVersion", "")
    if not _VERSION.fullmatch(version):
        raise RemoteError(ResponseCode.E100, "the schemaVersion is missing or no decimal number")
    return version


def sections_of(document: Document) -> Sections:
    """The parts of a document: Header, Body and, at the end, the Signature where there is one.

    RemoteError(E48) where a Signature stands elsewhere or twice, RemoteError(E100) where anything
    else is not as the schema has it.
    """
    schema_version(document)
    children = children_of(document.root, _ROOT_ATTRIBUTES)
    names = [child.tag for child in children]
    if names == [HEADER, BODY]:
        return Sections(children[0], children[1], None)
    if names == [HEADER, BODY, SIGNATURE]:
        return Sections(children[0], children[1], children[2])
    if SIGNATURE in names:
        raise RemoteError(ResponseCode.E48, "the Signature is not one at the end of the document")
    raise RemoteError(ResponseCode.E100, "the document is not one Header and one Body")


def _screen(octets: bytes) -> None:
    if len(octets) > DUIS_OCTETS_MAX:
        raise _not_duis(f"the document has more than {DUIS_OCTETS_MAX} octets")
    if not _PROLOG.match(octets):
        raise _not_duis("the document does not begin as XML 1.0 in UTF-8 without a document type")
    # An element has one tag or two; an attribute has one equals sign, and so has a namespace.
    if octets.count(b"<") > 2 * XML_ELEMENTS_MAX:
        raise _not_duis("the document has too many elements")
    attributes = octets.count(b"=")
    if attributes > XML_ATTRIBUTES_MAX:
        raise _not_duis("the document has too many attributes")
    if attributes > XML_NAMESPACES_MAX and octets.count(b"xmlns") > XML_NAMESPACES_MAX:
        raise _not_duis("the document has too many namespaces")


def _not_duis(reason: str) -> RemoteError:
    return RemoteError(DuisFault.NOT_DUIS, reason)
