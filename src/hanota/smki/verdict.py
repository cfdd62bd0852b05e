"""What the keys at hand say of a signature or a MAC: for people who look at a message.

Every key of the party that should have protected it is tried, whatever the dates of its
certificate: an identity may have several, and who looks at an old message has old certificates.

Not here: what a party does with a message (the parties check what is due and refuse the rest).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from hanota.errors import RemoteError
from hanota.model import KeyUsage
from hanota.smki import dsig, keys, protection
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Directory, Signer
from hanota.wire.duis.document import REQUEST, Document
from hanota.wire.duis.signature import read_signature
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import OtaImage

# A CertificateSet believes its certificates at any time.
ANY_TIME_MS = 0


class Verdict(StrEnum):
    """What is known of a signature or MAC."""

    VALID = "valid"  # one of the keys fits
    INVALID = "invalid"  # there were keys, and none fits
    UNKNOWN_KEY = "unknown-key"  # there was no key to try
    ABSENT = "absent"  # there is no signature or MAC


class SignatureFinding(NamedTuple):
    """The verdict on a signature that does not follow from a header who should have made it."""

    verdict: Verdict
    signer: int | None = None  # EUI-64 of who made it, where it is valid
    fault: str | None = None  # one sentence where more can be said than that no key fits


def judge_image(image: OtaImage, suppliers: Iterable[Certificate]) -> SignatureFinding:
    """Try the key of every supplier, as the trailer of an image does not name its signer."""
    if image.signature is None:
        return SignatureFinding(Verdict.ABSENT)
    verdict = Verdict.UNKNOWN_KEY
    for certificate in suppliers:
        if keys.verify(certificate.public_key, image.manufacturer_image, image.signature):
            return SignatureFinding(Verdict.VALID, certificate.eui)
        verdict = Verdict.INVALID
    return SignatureFinding(verdict)


def judge_signature(message: GbcsMessage, directory: Directory) -> Verdict:
    """Try every key of the Business Originator: it signs, whoever the supplementary party is."""
    if message.signature is None:
        return Verdict.ABSENT
    return _tried(
        protection.signature_valid(message, certificate.public_key)
        for certificate in directory.find(message.originator, KeyUsage.DIGITAL_SIGNATURE)
    )


def judge_mac(
    message: GbcsMessage, directory: Directory, signer: Signer, brokers: Iterable[int]
) -> Verdict:
    """Try every pair of keys that may have made the MAC, from either side.

    Args:
        message: the message, with or without a MAC.
        directory: has the certificates of one side.
        signer: has the private keys of the other side, as a rule those of the organisations.
        brokers: the EUI-64s that may be the Access Control Broker's.
    """
    if message.mac is None:
        return Verdict.ABSENT
    pairs = {protection.mac_parties(message, broker) for broker in brokers}
    return _tried(
        protection.mac_valid(message, z)
        for pair in pairs
        for holder, peer in (pair, pair[::-1])
        for certificate in directory.find(peer, KeyUsage.KEY_AGREEMENT)
        for z in signer.shared_secrets(holder, certificate.public_key)
    )


def judge_document(
    document: Document, directory: Directory, at_ms: int = ANY_TIME_MS
) -> SignatureFinding:
    """Look the certificate up by its serial number and check as the receiver would at this time.

    So a signature is invalid too where its digest is not that of the document, which takes no
    key, and where it is that of somebody who may not sign such a document.
    """
    try:
        signature = read_signature(document)
        if signature is None:
            return SignatureFinding(Verdict.ABSENT)
        certificate = directory.by_serial(signature.serial)
        if certificate is None:
            return SignatureFinding(Verdict.UNKNOWN_KEY)
        if document.root.tag == REQUEST:
            dsig.signer_of_request(document, directory, at_ms)
        else:
            # Which DCC it comes from is not known here, so the role alone has to be right.
            dsig.signer_of_response(document, certificate.eui, directory, at_ms)
    except RemoteError as fault:
        return SignatureFinding(Verdict.INVALID, fault=fault.reason)
    return SignatureFinding(Verdict.VALID, certificate.eui)


def _tried(fits: Iterable[bool]) -> Verdict:
    """What trying keys came to; the first that fits is the last that is tried."""
    verdict = Verdict.UNKNOWN_KEY
    for fit in fits:
        if fit:
            return Verdict.VALID
        verdict = Verdict.INVALID
    return verdict
