"""The DSP's certificate is replaced while answers and pushes are on their way: none is lost."""

import pytest
from tests.dcc.samples import ACB, NOW_MS, device, hub
from tests.serve.a_dcc import PKI, RENEWED, ADcc, stored
from tests.serve.a_supplier import A, ASupplier, request_of

from hanota.errors import RemoteError
from hanota.limits import HOUR_MS, PUSH_DELAY_MS
from hanota.model import DeviceType
from hanota.serve.dcc_reading import read_request
from hanota.smki import dsig
from hanota.smki.directory import JoinedDirectory
from hanota.wire.duis import decode_response, open_document

LATER_MS = NOW_MS + HOUR_MS


class AfterExpiry(JoinedDirectory):
    """The DCC's first certificates are believed no more."""

    def trusts(self, certificate, at_ms):
        old = certificate.eui == ACB and PKI.trusts(certificate, at_ms)
        return not old and super().trusts(certificate, at_ms)


@pytest.fixture
def dcc():
    """A DCC with one PPMID."""
    return ADcc(hub(), device(DeviceType.PPMID, device_id=A))


@pytest.fixture
def supplier():
    """A supplier who does not believe the old certificates any more, and has sent an 11.4."""
    supplier = ASupplier(directory=AfterExpiry(PKI, RENEWED)).has_estate()
    supplier.asks(A)
    return supplier


def content_of(octets):
    return decode_response(open_document(octets))


def is_renewed(octets):
    """Whether the new certificate has signed this, and alone is needed to believe it."""
    try:
        certificate = dsig.signer_of_response(open_document(octets), ACB, RENEWED, LATER_MS)
    except RemoteError:
        return False
    return certificate is not None


def test_a_stored_answer_is_given_again_under_the_new_certificate(dcc, supplier):
    sent = supplier.sent()
    lost = dcc.shell.answer(sent.body, NOW_MS)
    with pytest.raises(RemoteError, match="is not trusted at this time"):
        supplier.shell.answered(sent, lost, LATER_MS)
    assert dcc.shell.answer(sent.body, LATER_MS) == lost
    dcc.renew_certificate()
    again = dcc.shell.answer(sent.body, LATER_MS)
    assert is_renewed(again)
    assert content_of(again) == content_of(lost)
    supplier.shell.answered(sent, again, LATER_MS)
    assert supplier.states(A) == ["accepted"]


def test_the_answer_is_stored_as_it_was_signed_last(dcc, supplier):
    sent = supplier.sent()
    dcc.shell.answer(sent.body, NOW_MS)
    dcc.renew_certificate()
    again = dcc.shell.answer(sent.body, LATER_MS)
    before = dcc.everything()
    assert dcc.shell.answer(sent.body, LATER_MS) == again
    assert dcc.everything() == before
    assert dcc.ledger.verify() == []


def test_what_waits_is_pushed_under_the_new_certificate(dcc, supplier):
    sent = supplier.sent()
    dcc.shell.answer(sent.body, NOW_MS)
    dcc.receive(stored(request_of(sent), device_ids=(A,)))
    (waits,) = dcc.shell.outgoing_push(LATER_MS, 10)
    assert not is_renewed(waits.body)
    assert supplier.pushed(waits.body) != [None]
    dcc.renew_certificate()
    (push,) = dcc.shell.outgoing_push(LATER_MS, 10)
    assert is_renewed(push.body)
    assert content_of(push.body) == content_of(waits.body)
    assert (push.number, push.tries, push.since_ms) == (waits.number, 0, NOW_MS + PUSH_DELAY_MS)
    assert supplier.pushed(push.body) == [None]
    assert supplier.states(A) == ["delivered"]


def test_a_push_is_signed_anew_once(dcc, supplier):
    sent = supplier.sent()
    dcc.shell.answer(sent.body, NOW_MS)
    dcc.receive(stored(request_of(sent), device_ids=(A,)))
    dcc.renew_certificate()
    (push,) = dcc.shell.outgoing_push(LATER_MS, 10)
    before = dcc.everything()
    assert dcc.shell.outgoing_push(LATER_MS, 10) == [push]
    assert dcc.shell.waiting(push.receiver, 10) == [push]
    assert dcc.everything() == before


class NobodyIsTrusted(JoinedDirectory):
    """Every certificate has expired."""

    def trusts(self, _certificate, _at_ms):
        return False


def read_later(octets):
    """As the DCC reads a request whose signer's certificate has expired."""
    return read_request(octets, NobodyIsTrusted(PKI), LATER_MS, signature_check=True)


def test_a_repeat_outlives_the_certificate_of_its_user(dcc, supplier):
    sent = supplier.sent()
    said = dcc.shell.answer(sent.body, NOW_MS)
    before = dcc.everything()
    assert dcc.shell.answer_read([read_later(sent.body)], LATER_MS) == [said]
    assert dcc.everything() == before


@pytest.mark.parametrize("answered", [False, True])
def test_nothing_else_does(dcc, supplier, answered):
    sent = supplier.sent()
    if answered:
        dcc.shell.answer(sent.body, NOW_MS)
    altered = sent.body.replace(b"<sr:FirmwareVersion>0", b"<sr:FirmwareVersion>1")
    assert altered != sent.body
    for octets in (altered, *([] if answered else [sent.body])):
        (refused,) = dcc.shell.answer_read([read_later(octets)], LATER_MS)
        assert content_of(refused).response_code == "E48"
