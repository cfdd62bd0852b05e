"""Who signs a DUIS document, and who signed one: the XML signature joined with certificates.

Users sign with their XML signing certificate (role 87), the DCC with that of the DSP (role 89,
under the EUI-64 of its Access Control Broker). Users whose PKI gave them none sign with an
ordinary certificate for digital signature, as supplier 2 of the public test PKI does, and so did
the DCC Boxed of 2022. A signature names its certificate by serial number; the issuer's name
beside it is not compared, because the serial numbers of SMKI are unique without it.

Not here: the form of a signature (`wire.duis.signature`), and whether that user may ask for what
the request asks (the DCC).
"""

from functools import partial

from hanota.errors import LocalError, RemoteError
from hanota.model import KeyUsage, Role, eui_text
from hanota.smki import keys
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory, Signer
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import messages, signature
from hanota.wire.duis.document import Document
from hanota.wire.duis.values import Request, RequestHeader, Response


def sign_request(request: Request, directory: Directory, signer: Signer) -> bytes:
    """The octets of a request, signed by its originator; `directory` knows the signer's keys.

    LocalError when the originator has no certificate or key, or the request breaks a rule.
    """
    return messages.encode_request(
        request, request_signer(request.request_id.originator, directory, signer)
    )


def sign_response(response: Response, dcc: int, directory: Directory, signer: Signer) -> bytes:
    """The octets of a response or alert, signed by the DCC of that EUI-64; LocalError likewise."""
    return messages.encode_response(response, response_signer(dcc, directory, signer))


def request_signer(
    originator: int, directory: Directory, signer: Signer
) -> signature.DocumentSigner:
    """Who signs the requests of this user, for documents that are made elsewhere."""
    return _document_signer(originator, Role.XML_SIGNING, directory, signer)


def response_signer(dcc: int, directory: Directory, signer: Signer) -> signature.DocumentSigner:
    """Who signs what the DCC of this EUI-64 sends."""
    return _document_signer(dcc, Role.DSP_XML_SIGNING, directory, signer)


def signer_of_request(
    document: Document,
    directory: Directory,
    at_ms: int,
    header: RequestHeader | None = None,
) -> Certificate | None:
    """The certificate of the user who signed a request, None where nobody did.

    `header` is that of the document, where it has been read before. RemoteError(E48) unless the
    directory trusts the certificate at this time, the signature is its key's, it is the
    originator's, and it is one for requests.
    """
    certificate = _signed_by(document, directory, at_ms)
    if certificate is not None:
        request_id = (header or messages.request_header(document)).request_id
        if request_id is None or request_id.originator != certificate.eui:
            raise _fault(f"{eui_text(certificate.eui)} signed a request of another originator")
        if not _signs_requests(certificate, directory):
            raise _fault(f"certificate {certificate.serial} is not one for signing requests")
    return certificate


def signer_of_response(
    document: Document, dcc: int, directory: Directory, at_ms: int
) -> Certificate | None:
    """The certificate with which the DCC of that EUI-64 signed, None where nobody signed.

    RemoteError(E48) as for a request; acknowledgements and refusals may come unsigned.
    """
    certificate = _signed_by(document, directory, at_ms)
    if certificate is not None:
        if certificate.eui != dcc:
            raise _fault(f"{eui_text(certificate.eui)} signed an answer of the DCC")
        if certificate.role not in _RESPONSE_ROLES:
            raise _fault(f"certificate {certificate.serial} is not one for signing answers")
    return certificate


_RESPONSE_ROLES = (Role.DSP_XML_SIGNING, Role.ACCESS_CONTROL_BROKER)


def _document_signer(
    eui: int, role: Role, directory: Directory, signer: Signer
) -> signature.DocumentSigner:
    usage = KeyUsage.DIGITAL_SIGNATURE
    found = directory.find(eui, usage, role) or directory.find(eui, usage)
    if not found:
        raise LocalError(f"{eui_text(eui)} has no certificate with which to sign")
    first = found[0]
    return signature.DocumentSigner(
        first.issuer, first.serial, partial(signer.sign, eui, first.role)
    )


def _signed_by(document: Document, directory: Directory, at_ms: int) -> Certificate | None:
    stated = signature.read_signature(document)
    if stated is None:
        return None
    certificate = directory.by_serial(stated.serial)
    if certificate is None:
        raise _fault(f"no certificate has the serial number {stated.serial}")
    if certificate.usage is not KeyUsage.DIGITAL_SIGNATURE:
        raise _fault(f"certificate {certificate.serial} is not one for signing")
    if not directory.trusts(certificate, at_ms):
        raise _fault(f"certificate {certificate.serial} is not trusted at this time")
    if not keys.verify(certificate.public_key, stated.signed_info, stated.value):
        raise _fault(f"the signature is not that of certificate {certificate.serial}")
    return certificate


def _signs_requests(certificate: Certificate, directory: Directory) -> bool:
    match certificate.role:
        case Role.XML_SIGNING:
            return True
        case None:
            return False
        case _:
            return not directory.find(certificate.eui, KeyUsage.DIGITAL_SIGNATURE, Role.XML_SIGNING)


def _fault(reason: str) -> RemoteError:
    return RemoteError(ResponseCode.E48, reason)
