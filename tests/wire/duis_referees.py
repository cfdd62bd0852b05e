"""A signer for DUIS documents, and two referees that share no line with the code.

They are the official schema, which is not part of this project, and XML-DSig done step by step.
"""

import hashlib
from base64 import b64decode
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID
from lxml import etree
from tests.vectors import require_vectors

from hanota.wire.duis.signature import DocumentSigner

DS = "http://www.w3.org/2000/09/xmldsig#"
SERIAL = 167048897159233642262001557408276884033
PRIVATE_KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
PUBLIC_KEY = PRIVATE_KEY.public_key()


def _sign(octets: bytes) -> bytes:
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(PRIVATE_KEY.sign(octets, algorithm))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGNER = DocumentSigner("CN=Z1,OU=07", SERIAL, _sign)


@cache
def certificate_pem() -> bytes:
    """A certificate of the signer's key, for tools that want one."""
    name = Name([NameAttribute(NameOID.COMMON_NAME, "Z1")])
    builder = CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=PUBLIC_KEY,
        serial_number=SERIAL,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2118, 1, 1, tzinfo=UTC),
    )
    return builder.sign(PRIVATE_KEY, SHA256()).public_bytes(Encoding.PEM)


# --- Referees ---


def ecdsa_verifies(public_key, signature: bytes, octets: bytes) -> bool:
    """Whether r and s are a signature over the octets."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def verifies_independently(octets: bytes, public_key) -> bool:
    """XML-DSig step by step: the signature taken out of a copy of the tree, C14N by lxml."""
    root = etree.fromstring(octets, etree.XMLParser(huge_tree=True, remove_comments=True))
    signature = root.find(f"{{{DS}}}Signature")
    signed_info = etree.tostring(signature[0], method="c14n", exclusive=True)
    value = b64decode(signature.findtext(f"{{{DS}}}SignatureValue"))
    digest = b64decode(signature.find(f".//{{{DS}}}DigestValue").text)
    exclusive = len(signature.findall(f".//{{{DS}}}Transform")) == 2
    copy = deepcopy(root)
    element = copy.find(f"{{{DS}}}Signature")
    before = element.getprevious()
    before.tail = (before.tail or "") + (element.tail or "") or None
    copy.remove(element)
    canonical = etree.tostring(copy, method="c14n", exclusive=exclusive)
    return hashlib.sha256(canonical).digest() == digest and ecdsa_verifies(
        public_key, value, signed_info
    )


@cache
def _schema() -> etree.XMLSchema:
    # libxml2 does not find an import whose file name has a blank, so it gets copies without.
    with TemporaryDirectory() as folder:
        for path in require_vectors().glob("xsd/*"):
            text = path.read_text(encoding="utf-8").replace("MMC Schema V5.4", "MMC_Schema_V5.4")
            copy = Path(folder, path.name.replace(" ", "_"))
            copy.write_text(text, encoding="utf-8")
        return etree.XMLSchema(etree.parse(f"{folder}/DUIS_Schema_V5.4.xsd"))


def schema_faults(octets: bytes) -> list[str]:
    """What the official schema finds wrong."""
    schema = _schema()
    schema.validate(etree.fromstring(octets, etree.XMLParser(huge_tree=True)))
    return [entry.message for entry in schema.error_log]
