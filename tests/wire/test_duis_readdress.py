"""A request under another RequestID: nothing else of it changes."""

import pytest
from tests.vectors import duis_vector
from tests.wire.duis_golden import PPMID, REQUESTS, RESPONSES, SUPPLIER
from tests.wire.duis_messages import refused

from hanota.model import RequestID
from hanota.wire.codes import DuisFault
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.messages import encode_request
from hanota.wire.duis.readdress import with_request_id
from hanota.wire.duis.signature import DocumentSigner, sign_document

NEW = RequestID(SUPPLIER, PPMID, 2**64 - 1)
SIGNER = DocumentSigner("CN=Z1,OU=07", 1, lambda _: bytes(64))


@pytest.mark.parametrize(("request_", "octets"), REQUESTS)
def test_the_request_id_alone_is_another(request_, octets):
    document = open_document(octets)
    changed = with_request_id(document, NEW)
    old, new = (b"<sr:RequestID>%b<" % str(one).encode() for one in (request_.request_id, NEW))
    assert sign_document(changed, SIGNER) == sign_document(
        open_document(octets.replace(old, new)), SIGNER
    )
    # What was opened stays as it was.
    assert decode_request(document) == request_


def test_what_hanota_does_not_model_stays():
    octets = duis_vector("11.4").replace(b"UpdatePPMIDFirmware", b"Any").replace(b"11.4", b"8.3")
    changed = with_request_id(open_document(octets), NEW)
    assert changed.root.findtext(".//{*}FirmwareVersion") == "00000000"
    assert decode_request(changed).request_id == NEW


@pytest.mark.parametrize(
    "octets",
    [
        RESPONSES[0][1],
        encode_request(REQUESTS[0][0]).replace(b"RequestID>", b"OtherID>"),
        encode_request(REQUESTS[0][0]).replace(b"sr:Header>", b"sr:Other>"),
    ],
)
def test_what_has_no_request_id_is_refused(octets):
    fault = refused(octets, lambda given: with_request_id(open_document(given), NEW))
    assert fault.code is DuisFault.NOT_DUIS
