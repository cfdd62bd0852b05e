"""The octets of the SMKI service, as the public key store tool sends and reads them."""

import base64
import contextlib
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import RemoteError
from hanota.limits import SMKI_OCTETS_MAX
from hanota.model import KeyUsage
from hanota.wire import certificate_service as service
from hanota.wire.certificate_service import ListedCertificate, Sought

PPMID = 0x00DB1234567890A4
PROLOG = b'<?xml version="1.0" encoding="utf-8"?>'


def search(content: str) -> bytes:
    return PROLOG + f"<CertificateSearchRequest>{content}</CertificateSearchRequest>".encode()


def fetch(serial: str) -> bytes:
    content = f"<CertificateSerial>{serial}</CertificateSerial>"
    return PROLOG + f"<CertificateDataRequest>{content}</CertificateDataRequest>".encode()


ALT = "<CertificateSubjectAltName>{}</CertificateSubjectAltName>"
NAME = "<CertificateSubjectName>{}</CertificateSubjectName>"


@pytest.mark.parametrize(
    ("content", "sought"),
    [
        (ALT.format("00-db-12-34-56-78-90-a4"), Sought(PPMID, is_device=True)),
        (ALT.format("00-DB-12-34-56-78-90-A4"), Sought(PPMID, is_device=True)),
        (ALT.format(" 00-db-12-34-56-78-90-a4\n"), Sought(PPMID, is_device=True)),
        (
            NAME.format("90-b3-d5-1f-30-01-00-00") + "<CertificateRole>2</CertificateRole>",
            Sought(0x90B3D51F30010000, is_device=False),
        ),
        (
            ALT.format("00-db-12-34-56-78-90-a4") + NAME.format(""),
            Sought(PPMID, is_device=True),
        ),
        ("<!-- x -->" + ALT.format("ff-" * 7 + "ff"), Sought(2**64 - 1, is_device=True)),
    ],
)
def test_who_is_sought(content, sought):
    assert service.decode_search(search(content)) == sought


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("3D30F045", 0x3D30F045),
        ("3d30f045", 0x3D30F045),
        ("0003d30f045", 0x3D30F045),
        ("1", 1),
        ("f" * 40, 16**40 - 1),
    ],
)
def test_a_serial_number_is_a_number(text, serial):
    assert service.decode_fetch(fetch(text)) == serial


BAD_SEARCHES = {
    "empty": b"",
    "no XML": b"certificate, please",
    "nobody": search(""),
    "two": search(ALT.format("00-db-12-34-56-78-90-a4") + NAME.format("00-db-12-34-56-78-90-a4")),
    "twice": search(2 * ALT.format("00-db-12-34-56-78-90-a4")),
    "no dashes": search(ALT.format("00db1234567890a4")),
    "short": search(ALT.format("00-db-12-34-56-78-90")),
    "other digits": search(ALT.format("00-db-12-34-56-78-90-\u0661\u0661")),
    "nested": search(ALT.format("<b>00-db-12-34-56-78-90-a4</b>")),
    "another request": fetch("12"),
    "too large": search(ALT.format("00-db-12-34-56-78-90-a4" + " " * SMKI_OCTETS_MAX)),
    "document type": PROLOG
    + b"<!DOCTYPE a [<!ENTITY e '00-db-12-34-56-78-90-a4'>]>"
    + search(ALT.format("&e;"))[len(PROLOG) :],
    "external entity": PROLOG
    + b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>"
    + search(ALT.format("00-db-12-34-56-78-90-a4"))[len(PROLOG) :],
    "billion laughs": PROLOG
    + b"<!DOCTYPE a [<!ENTITY a '0'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
    + search(ALT.format("&b;"))[len(PROLOG) :],
}


@pytest.mark.parametrize("octets", BAD_SEARCHES.values(), ids=BAD_SEARCHES)
def test_a_search_that_is_none(octets):
    with pytest.raises(RemoteError):
        service.decode_search(octets)


@pytest.mark.parametrize("text", ["", "g", "-1", "1 2", "0x12", "f" * 41, "\u0661"])
def test_a_serial_number_that_is_none(text):
    with pytest.raises(RemoteError):
        service.decode_fetch(fetch(text))


@given(st.binary(max_size=200) | st.text(max_size=100).map(search))
def test_any_octets_are_read_or_refused(octets):
    for decode in (service.decode_search, service.decode_fetch):
        with contextlib.suppress(RemoteError):
            assert decode(octets) is not None


CERTIFICATE = ListedCertificate(0x0D30F045, PPMID, None, KeyUsage.KEY_AGREEMENT, b"\x30\x82 DER")


def test_what_was_found():
    organisation = ListedCertificate(7, PPMID + 1, 135, KeyUsage.DIGITAL_SIGNATURE, b"")
    root = ET.fromstring(service.encode_found([CERTIFICATE, organisation], "17"))
    assert root.tag == "CertificateSearchResponse"
    assert [each.tag for each in root] == [
        "ResponseCode",
        "ResponseMessage",
        "AuditReference",
        "Result",
        "Result",
    ]
    assert [each.text for each in root[:3]] == ["200", "Success", "17"]
    assert {each.tag: each.text for each in root[3]} == {
        "CertificateSerial": "D30F045",
        "CertificateSubjectAltName": "00-DB-12-34-56-78-90-A4",
        "CertificateStatus": "I",
        "CertificateUsage": "KA",
        "ManufacturingFlag": "false",
    }
    assert {each.tag: each.text for each in root[4]} == {
        "CertificateSerial": "7",
        "CertificateSubjectName": "00-DB-12-34-56-78-90-A5",
        "CertificateRole": "135",
        "CertificateStatus": "I",
        "CertificateUsage": "DS",
        "ManufacturingFlag": "false",
    }


def test_what_was_fetched():
    root = ET.fromstring(service.encode_fetched(CERTIFICATE, "17"))
    found = root.find("CertificateResponse")
    assert base64.b64decode(found.findtext("CertificateBody")) == CERTIFICATE.der
    assert found.findtext("CertificateSerial") == "D30F045"
    assert found.findtext("CertificateSubjectAltName") == "00-DB-12-34-56-78-90-A4"


def test_what_is_not_there():
    root = ET.fromstring(service.encode_nothing("CertificateDataResponse", "none & never", "a<b"))
    assert [each.text for each in root] == ["402", "none & never", "a<b"]
