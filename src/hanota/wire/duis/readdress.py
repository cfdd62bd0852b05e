"""A request that was made elsewhere, under another RequestID.

A request that was kept in a file has the originator and the counter of its day; sent again it needs
its own. All else stays as it was parsed, whether hanota models it or not. The result has no valid
signature: `signature.sign_document` gives it one.
"""

from copy import deepcopy

from hanota.errors import RemoteError
from hanota.model import RequestID
from hanota.wire.codes import DuisFault
from hanota.wire.duis.document import HEADER, REQUEST, Document
from hanota.wire.duis.elements import NAMESPACE
from hanota.wire.duis.identifiers import REQUEST_ID


def with_request_id(document: Document, request_id: RequestID) -> Document:
    """The same request under this RequestID.

    RemoteError(DuisFault.NOT_DUIS) where the document is no Request or has no RequestID.
    """
    root = deepcopy(document.root)
    element = root.find(f"{HEADER}/{_REQUEST_ID}") if root.tag == REQUEST else None
    if element is None:
        raise RemoteError(DuisFault.NOT_DUIS, "the document is no Request with a RequestID")
    element.text = REQUEST_ID.show(request_id)
    return Document(root)


_REQUEST_ID = f"{{{NAMESPACE}}}RequestID"
