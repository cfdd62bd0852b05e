"""The SMKI service over HTTP: one certificate a device and usage, and the three statuses."""

import asyncio
import base64
import xml.etree.ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.limits import SMKI_OCTETS_MAX
from hanota.model import KeyUsage, Role
from hanota.serve.smki_http import smki_service
from hanota.smki.certificates import decode_certificate
from hanota.smki.directory import JoinedDirectory
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki

PKI = TestPki(b"the PKI of the tests")
PPMID, UNKNOWN = 0x00DB1234567890A4, 0x00DB999999999999
SEARCH, FETCH = "/services/certificatesearch", "/services/retrievecertificate"


async def inventoried(device_id):
    return device_id == PPMID


def ask(path, body, directory=PKI, method="POST"):
    async def main():
        app = smki_service(directory, inventoried)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://smki") as client:
            return await client.request(
                method,
                path,
                params={"apikey": "any will do"},
                content=body,
                headers={"content-type": "application/xml"},
            )

    return asyncio.run(main())


def search(eui, tag="CertificateSubjectAltName", directory=PKI):
    text = eui.to_bytes(8, "big").hex("-")
    body = f"<CertificateSearchRequest><{tag}>{text}</{tag}></CertificateSearchRequest>"
    return ask(SEARCH, body, directory)


def fetch(serial):
    text = serial if isinstance(serial, str) else f"{serial:x}"
    content = f"<CertificateSerial>{text}</CertificateSerial>"
    return ask(FETCH, f"<CertificateDataRequest>{content}</CertificateDataRequest>")


def results(answer):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    return [
        {each.tag: each.text for each in result}
        for result in ET.fromstring(answer.content).findall("Result")
    ]


@pytest.mark.parametrize(
    "directory", [PKI, JoinedDirectory(PKI, TestPki(b"older"))], ids=["one PKI", "two PKIs"]
)
def test_a_device_has_one_certificate_a_usage(directory):
    found = results(search(PPMID, directory=directory))
    assert [each["CertificateUsage"] for each in found] == ["DS", "KA"]
    assert {each["CertificateStatus"] for each in found} == {"I"}
    for each, usage in zip(found, KeyUsage, strict=True):
        assert int(each["CertificateSerial"], 16) == PKI.certificate(PPMID, usage).serial


@pytest.mark.parametrize("spell", ["{:X}", "{:x}", "000{:x}"])
def test_a_certificate_comes_by_its_serial_number(spell):
    expected = PKI.certificate(PPMID, KeyUsage.DIGITAL_SIGNATURE)
    answer = fetch(spell.format(expected.serial))
    assert answer.status_code == 200
    body = ET.fromstring(answer.content).findtext("CertificateResponse/CertificateBody")
    assert decode_certificate(base64.b64decode(body)) == expected


def test_an_organisation_is_found_by_its_name_and_not_as_a_device():
    found = results(search(ACCESS_CONTROL_BROKER, "CertificateSubjectName"))
    assert {(each["CertificateUsage"], each["CertificateRole"]) for each in found} == {
        ("DS", "4"),
        ("DS", "137"),
        ("KA", "4"),
    }
    assert search(SUPPLIER).status_code == 402
    assert search(PPMID, "CertificateSubjectName").status_code == 402


def test_an_organisations_certificate_comes_by_its_serial_number():
    expected = PKI.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.XML_SIGNING)
    found = ET.fromstring(fetch(expected.serial).content).find("CertificateResponse")
    assert found.findtext("CertificateRole") == "135"
    assert found.findtext("CertificateSubjectName") == "90-B3-D5-1F-30-01-00-00"


def test_what_is_not_there_is_402():
    """The test PKI could make a certificate for any id: only the inventory's devices have one."""
    serial = PKI.certificate(UNKNOWN, KeyUsage.DIGITAL_SIGNATURE).serial
    for answer in (search(UNKNOWN), fetch(serial), fetch(12345)):
        assert answer.status_code == 402
        assert answer.headers["content-type"] == "application/xml"
        assert ET.fromstring(answer.content).findtext("ResponseCode") == "402"


@pytest.mark.parametrize("path", [SEARCH, FETCH])
@pytest.mark.parametrize("body", [b"", b"x", b"<a/>", b"<!DOCTYPE a><a/>"])
def test_what_cannot_be_read_is_401(path, body):
    answer = ask(path, body)
    assert answer.status_code == 401
    assert answer.text.count("\n") == 1


def test_a_body_that_is_too_large_is_refused():
    assert ask(SEARCH, bytes(SMKI_OCTETS_MAX + 1)).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", SEARCH, 405), ("PUT", FETCH, 405), ("POST", "/", 404), ("POST", SEARCH + "/", 404)],
)
def test_other_methods_and_paths(method, path, status):
    assert ask(path, b"", method=method).status_code == status


@given(
    st.sampled_from([SEARCH, FETCH]),
    st.binary(max_size=300)
    | st.from_regex(r"<Certificate(Search|Data)Request>[^&]{0,80}</Certificate.{0,30}>"),
)
def test_nothing_is_a_fault_of_ours(path, body):
    answer = ask(path, body if isinstance(body, bytes) else body.encode("utf-8", "replace"))
    assert answer.status_code in (200, 401, 402)
