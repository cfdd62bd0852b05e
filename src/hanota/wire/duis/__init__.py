"""DUIS 5.4: the XML between a Service User and the DCC.

`open_document` turns bytes into a tree of a narrow XML profile; `request_header`,
`decode_request` and `decode_response` read it, `read_signature` checks its digest, `encode_...`
write the other way, `describe` shows it. The values are in `hanota.wire.duis.values`.
"""

from hanota.wire.duis.describe import describe
from hanota.wire.duis.document import Document, open_document
from hanota.wire.duis.messages import (
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    request_header,
)
from hanota.wire.duis.signature import DocumentSigner, Signature, read_signature, sign_document

__all__ = [
    "Document",
    "DocumentSigner",
    "Signature",
    "decode_request",
    "decode_response",
    "describe",
    "encode_request",
    "encode_response",
    "open_document",
    "read_signature",
    "request_header",
    "sign_document",
]
