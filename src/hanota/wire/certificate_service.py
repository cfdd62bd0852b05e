"""The two requests of the SMKI service that DCC Boxed has, and their answers.

A client searches with an EUI-64 and is told serial numbers; it fetches each certificate by its
serial number. Source: what the public key store tool sends and reads (@smartdcc/dccboxed-keystore
0.4.2). A device is sought by CertificateSubjectAltName, an organisation by CertificateSubjectName.

Not here: which certificate is in use, and HTTP.
"""

import binascii
import re
from collections.abc import Iterable
from xml.sax.saxutils import escape

import msgspec
from lxml import etree

from hanota.errors import RemoteError
from hanota.limits import SERIAL_OCTETS_MAX, SMKI_OCTETS_MAX
from hanota.model import KeyUsage, eui_text
from hanota.wire.codes import CertificateServiceFault


class Sought(msgspec.Struct, frozen=True, gc=False):
    """Whose certificates a client wants."""

    eui: int
    is_device: bool


class ListedCertificate(msgspec.Struct, frozen=True, gc=False):
    """A certificate in use, as the service describes it."""

    serial: int
    eui: int
    role: int | None  # of an organisation, None for a device
    usage: KeyUsage
    der: bytes


def decode_search(octets: bytes) -> Sought:
    """Read a CertificateSearchRequest; RemoteError where it names nobody, or two."""
    fields = _fields(octets, "CertificateSearchRequest")
    names = [name for name in _IS_DEVICE if fields.get(name)]
    if len(names) != 1:
        raise _fault(f"the search names not one of {' and '.join(_IS_DEVICE)}")
    text = fields[names[0]]
    if not _EUI.fullmatch(text):
        raise _fault(f"the {names[0]} is not eight hex pairs with dashes")
    return Sought(int(text.replace("-", ""), 16), is_device=_IS_DEVICE[names[0]])


def decode_fetch(octets: bytes) -> int:
    """Read a CertificateDataRequest: the serial number; RemoteError where it is none."""
    text = _fields(octets, "CertificateDataRequest").get("CertificateSerial", "")
    if not _SERIAL.fullmatch(text):
        raise _fault("the CertificateSerial is no number in hex")
    return int(text, 16)


def encode_found(certificates: Iterable[ListedCertificate], audit_reference: str) -> bytes:
    """The CertificateSearchResponse with these certificates."""
    results = "".join(f"<Result>{_described(each)}</Result>" for each in certificates)
    return _response("CertificateSearchResponse", 200, "Success", audit_reference, results)


def encode_fetched(certificate: ListedCertificate, audit_reference: str) -> bytes:
    """The CertificateDataResponse with this certificate."""
    body = binascii.b2a_base64(certificate.der, newline=False).decode("ascii")
    content = (
        f"<CertificateResponse>{_described(certificate)}"
        f"<CertificateBody>{body}</CertificateBody></CertificateResponse>"
    )
    return _response("CertificateDataResponse", 200, "Success", audit_reference, content)


def encode_nothing(name: str, reason: str, audit_reference: str) -> bytes:
    """The response of this name to a request that found nothing."""
    return _response(name, 402, reason, audit_reference, "")


_IS_DEVICE = {"CertificateSubjectAltName": True, "CertificateSubjectName": False}
_EUI = re.compile(r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}", re.ASCII)
# Leading zeros may be there or not.
_SERIAL = re.compile(rf"0{{0,64}}[0-9A-Fa-f]{{1,{2 * SERIAL_OCTETS_MAX}}}", re.ASCII)
_USAGES = {KeyUsage.DIGITAL_SIGNATURE: "DS", KeyUsage.KEY_AGREEMENT: "KA"}


def _fields(octets: bytes, name: str) -> dict[str, str]:
    """The texts of the elements below a root of this name; namespaces do not count."""
    if len(octets) > SMKI_OCTETS_MAX:
        raise _fault(f"the request has more than {SMKI_OCTETS_MAX} octets")
    parser = etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as fault:
        raise _fault("the request is not well-formed XML") from fault
    if root.getroottree().docinfo.internalDTD is not None:
        raise _fault("the request has a document type")
    if etree.QName(root).localname != name:
        raise _fault(f"the request is no {name}")
    fields: dict[str, str] = {}
    for child in root:
        field = etree.QName(child).localname
        if len(child) or field in fields:
            raise _fault(f"the {field} of the request is not one text")
        fields[field] = (child.text or "").strip()
    return fields


def _described(certificate: ListedCertificate) -> str:
    if certificate.role is None:
        whose = (
            f"<CertificateSubjectAltName>{eui_text(certificate.eui)}</CertificateSubjectAltName>"
        )
    else:
        whose = (
            f"<CertificateSubjectName>{eui_text(certificate.eui)}</CertificateSubjectName>"
            f"<CertificateRole>{certificate.role}</CertificateRole>"
        )
    return (
        f"<CertificateSerial>{certificate.serial:X}</CertificateSerial>{whose}"
        f"<CertificateStatus>I</CertificateStatus>"
        f"<CertificateUsage>{_USAGES[certificate.usage]}</CertificateUsage>"
        f"<ManufacturingFlag>false</ManufacturingFlag>"
    )


def _response(name: str, code: int, message: str, audit_reference: str, content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{name}><ResponseCode>{code}</ResponseCode>'
        f"<ResponseMessage>{escape(message)}</ResponseMessage>"
        f"<AuditReference>{escape(audit_reference)}</AuditReference>{content}</{name}>"
    ).encode()


def _fault(reason: str) -> RemoteError:
    return RemoteError(CertificateServiceFault.MALFORMED, reason)
