"""The one profile of XML signature that DUIS has, read and written.

    SignedInfo   exclusive C14N, ecdsa-sha256, one Reference URI="" with the transform
                 enveloped-signature alone, or with exclusive C14N after it; SHA-256
    KeyInfo      X509IssuerSerial: the certificate is looked up by its serial number

With the single transform the digest is over *inclusive* C14N 1.0 of the document without its
signature, which is what XML-DSig implies where no transform gives octets; only SignedInfo is
always canonicalised exclusively. Seen so in the requests and answers of the DCC Boxed tools.

Everything else is refused by shape before anything is looked up, fetched or transformed. Not
here: keys. A caller finds the certificate of `serial` and checks `value` over `signed_info`.
"""

import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from copy import deepcopy

import msgspec
from lxml import etree
from lxml.etree import _Element as Element

from hanota.errors import LocalError, RemoteError
from hanota.limits import SERIAL_OCTETS_MAX, SIGNATURE_OCTETS
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.document import Document, sections_of
from hanota.wire.duis.elements import children_of
from hanota.wire.duis.leaves import BLANKS, Leaf, characters, parse_base64, whole_number

NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"

_EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_CLARK = f"{{{NAMESPACE}}}"


class Signature(msgspec.Struct, frozen=True, gc=False):
    """A signature whose digest is that of the document; who made it is still to be checked."""

    issuer: str
    serial: int
    signed_info: bytes  # the octets that were signed
    value: bytes  # r and s, 64 octets


class DocumentSigner(msgspec.Struct, frozen=True):
    """Who signs: the certificate's issuer and serial number, and its key as a function.

    `sign` takes the octets to sign and gives r and s of ECDSA with SHA-256, 64 octets.
    """

    issuer: str
    serial: int
    sign: Callable[[bytes], bytes]


def read_signature(document: Document) -> Signature | None:
    """The signature of a document, None where it has none.

    RemoteError(E48) where it is not of the profile, or its digest is not that of this document.
    """
    element = sections_of(document).signature
    if element is None:
        return None
    try:
        return _read(document.root, element)
    except (RemoteError, ValueError, etree.C14NError) as fault:
        raise RemoteError(ResponseCode.E48, f"the Signature is not DUIS's: {fault}") from fault


def signature_octets(canonical: Iterable[bytes], signer: DocumentSigner) -> bytes:
    """The Signature element for a document of which `canonical` are the octets, in parts.

    It goes into the document as these octets, before the end tag of the root. A parser must not
    write it anew: one that knows the namespace by another prefix changes what was signed.
    """
    digest = hashlib.sha256()
    for part in canonical:
        digest.update(part)
    content = _SIGNED_INFO_CONTENT % binascii.b2a_base64(digest.digest(), newline=False)
    value = signer.sign(_SIGNED_INFO_START + content + b"</ds:SignedInfo>")
    if len(value) != SIGNATURE_OCTETS:
        raise LocalError(f"the signer gave {len(value)} octets, not {SIGNATURE_OCTETS}")
    return _SIGNATURE % (content, binascii.b2a_base64(value, newline=False), _key_info(signer))


def is_signed_by(octets: bytes, signer: DocumentSigner) -> bool:
    """Whether a document that was signed here names this signer's certificate.

    The name is looked for and nothing is verified, so this is for octets of one's own.
    """
    return _key_info(signer) in octets


def sign_document(document: Document, signer: DocumentSigner) -> bytes:
    """The same document, compact and canonical, with this signature in place of its own.

    For messages that were made elsewhere; blanks between elements go, because a reader that
    knows the schema drops them before it digests. RemoteError where the document has not the
    schema's shape, LocalError where it or the signer's name has no canonical form.
    """
    root = deepcopy(document.root)
    signature = sections_of(Document(root)).signature
    if signature is not None:
        root.remove(signature)
    for element in root.iter():
        if len(element) and not (element.text or "").strip(BLANKS):
            element.text = None
        if not (element.tail or "").strip(BLANKS):
            element.tail = None
    try:
        unsigned = _canonical(root)
    except etree.C14NError as fault:
        raise LocalError("the document has a namespace that cannot be signed") from fault
    end = unsigned.rindex(b"</")
    return unsigned[:end] + signature_octets((unsigned,), signer) + unsigned[end:]


def _read(root: Element, element: Element) -> Signature:
    signed_info, value, key_info = _children(element, _IN_SIGNATURE)
    (x509_data,) = _children(key_info, _IN_KEY_INFO)
    (issuer_serial,) = _children(x509_data, _IN_X509_DATA)
    issuer, serial = _children(issuer_serial, _IN_ISSUER_SERIAL)
    signature = Signature(
        issuer=_ISSUER.read(issuer),
        serial=_SERIAL.read(serial),
        signed_info=_canonical(signed_info, exclusive=True),
        value=_VALUE.read(value),
    )
    match = _SIGNED_INFO.fullmatch(signature.signed_info)
    if match is None:
        raise ValueError("SignedInfo has another shape or other algorithms")
    digest = parse_base64(match["digest"].decode("utf-8"))
    if digest != _digest(root, element, exclusive=match["exclusive"] is not None):
        raise ValueError("the digest is not that of the document")
    return signature


def _children(element: Element, tags: list[str]) -> list[Element]:
    children = children_of(element)
    if [child.tag for child in children] != tags:
        names = " and ".join(tag.removeprefix(_CLARK) for tag in tags)
        raise ValueError(f"it has not {names} where they belong")
    return children


def _canonical(element: Element, *, exclusive: bool = False) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)


def _digest(root: Element, signature: Element, *, exclusive: bool) -> bytes:
    # The signature is cut out of the canonical octets and not out of the tree, which stays as it
    # was parsed. Nothing in it is called Signature too, and it is the last child of the root, so
    # its tags are the last of their name.
    octets = _canonical(root, exclusive=exclusive)
    name = f"{signature.prefix}:Signature" if signature.prefix else "Signature"
    tag = name.encode("utf-8")
    start = max(octets.rfind(b"<" + tag + b" "), octets.rfind(b"<" + tag + b">"))
    end = octets.rindex(b"</" + tag + b">") + len(tag) + 3
    digest = hashlib.sha256(memoryview(octets)[:start])
    digest.update(memoryview(octets)[end:])
    return digest.digest()


def _key_info(signer: DocumentSigner) -> bytes:
    return _KEY_INFO % (_compose(_ISSUER, signer.issuer), _compose(_SERIAL, signer.serial))


def _compose(leaf: Leaf, value: object) -> bytes:
    try:
        return leaf.compose(value)
    except ValueError as fault:
        raise LocalError(f"the signer's certificate cannot be named: its name {fault}") from fault


def _parse_value(text: str) -> bytes:
    octets = parse_base64(text)
    if len(octets) != SIGNATURE_OCTETS:
        raise ValueError(f"the SignatureValue has {len(octets)} octets, not {SIGNATURE_OCTETS}")
    return octets


def _method(name: str, algorithm: str) -> str:
    return f'<ds:{name} Algorithm="{algorithm}"></ds:{name}>'


def _pattern(name: str, algorithm: str) -> str:
    return rf'<(?P=ds){name} Algorithm="{re.escape(algorithm)}">{_BLANK_RUN}</(?P=ds){name}>'


def _tags(*names: str) -> list[str]:
    return [_CLARK + name for name in names]


_IN_SIGNATURE = _tags("SignedInfo", "SignatureValue", "KeyInfo")
_IN_KEY_INFO = _tags("X509Data")
_IN_X509_DATA = _tags("X509IssuerSerial")
_IN_ISSUER_SERIAL = _tags("X509IssuerName", "X509SerialNumber")

_ISSUER = characters(1)
_SERIAL = whole_number(0, 256**SERIAL_OCTETS_MAX - 1)
_VALUE = Leaf(_parse_value, bytes, bytes.hex)
_BLANK_RUN = r"[ \t\n]*"

# The profile, as the canonical octets that are signed: blanks between elements and the prefix are
# the sender's choice, all else is fixed.
_SIGNED_INFO = re.compile(
    _BLANK_RUN.join(
        (
            rf'<(?P<ds>(?:[^ :<>]+:)?)SignedInfo xmlns[^ =<>]*="{re.escape(NAMESPACE)}">',
            _pattern("CanonicalizationMethod", _EXCLUSIVE_C14N),
            _pattern("SignatureMethod", _ECDSA_SHA256),
            r'<(?P=ds)Reference URI="">',
            r"<(?P=ds)Transforms>",
            _pattern("Transform", _ENVELOPED),
            rf"(?P<exclusive>{_pattern('Transform', _EXCLUSIVE_C14N)})?",
            r"</(?P=ds)Transforms>",
            _pattern("DigestMethod", _SHA256),
            r"<(?P=ds)DigestValue>(?P<digest>[^<]*)</(?P=ds)DigestValue>",
            r"</(?P=ds)Reference>",
            r"</(?P=ds)SignedInfo>",
        )
    ).encode("utf-8")
)
_SIGNED_INFO_START = f'<ds:SignedInfo xmlns:ds="{NAMESPACE}">'.encode("ascii")
_SIGNED_INFO_CONTENT = (
    _method("CanonicalizationMethod", _EXCLUSIVE_C14N)
    + _method("SignatureMethod", _ECDSA_SHA256)
    + '<ds:Reference URI=""><ds:Transforms>'
    + _method("Transform", _ENVELOPED)
    + "</ds:Transforms>"
    + _method("DigestMethod", _SHA256)
    + "<ds:DigestValue>%b</ds:DigestValue></ds:Reference>"
).encode("ascii")
_SIGNATURE = (
    f'<ds:Signature xmlns:ds="{NAMESPACE}"><ds:SignedInfo>%b</ds:SignedInfo>'
    "<ds:SignatureValue>%b</ds:SignatureValue>%b</ds:Signature>"
).encode("ascii")
_KEY_INFO = (
    b"<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
    b"<ds:X509IssuerName>%b</ds:X509IssuerName><ds:X509SerialNumber>%b</ds:X509SerialNumber>"
    b"</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
)
