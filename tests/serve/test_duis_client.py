"""The client end of DUIS over HTTP: where requests go, and what is made of every answer."""

import asyncio
import gzip
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from tests.serve.a_server import a_server, answered

from hanota.errors import LocalError
from hanota.limits import DUIS_OCTETS_MAX
from hanota.serve.duis_client import Answered, DuisClient, NoAnswer, RefusedInHttp, tls_context

REQUEST = b"<sr:Request/>"
RESPONSE = b"<sr:Response/>"


def post(answer, *, command_variant=1, request=REQUEST, path="", **options):
    """What the client makes of this answer, and what the server heard."""

    async def exchange():
        async with (
            a_server(answer) as server,
            DuisClient(server.url + path, **options) as client,
        ):
            return await client.post(request, command_variant), server.heard

    return asyncio.run(exchange())


def reply(answer, **options):
    return post(answer, **options)[0]


# --- What is sent ---


@pytest.mark.parametrize(
    ("command_variant", "path"),
    [
        (1, "/api/v1/serviceS"),
        (2, "/api/v1/serviceD"),
        (4, "/api/v1/serviceT"),
        (5, "/api/v1/serviceS"),
        (8, "/api/v1/serviceD"),
    ],
)
def test_a_request_goes_to_the_web_service_of_its_command_variant(command_variant, path):
    _, (heard,) = post(answered(RESPONSE), command_variant=command_variant)
    assert heard.startswith(f"POST {path} HTTP/1.1\r\n".encode())


def test_what_travels_is_the_octets_and_the_headers_of_the_protocol():
    _, (heard,) = post(answered(RESPONSE))
    head, body = heard.split(b"\r\n\r\n")
    assert body == REQUEST
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/xml" in lines
    assert b"accept-encoding: identity" in lines


@pytest.mark.parametrize("base", ["/behind/a/proxy", "/behind/a/proxy/"])
def test_a_path_of_the_address_stands_before_that_of_the_service(base):
    _, (heard,) = post(answered(RESPONSE), path=base)
    assert heard.startswith(b"POST /behind/a/proxy/api/v1/serviceS HTTP/1.1\r\n")


def test_the_largest_request_arrives_whole():
    request = bytes(DUIS_OCTETS_MAX)
    _, (heard,) = post(answered(RESPONSE), request=request)
    assert heard.endswith(b"\r\n\r\n" + request)


def test_a_command_variant_without_a_web_service_is_ours_to_mend():
    with pytest.raises(LocalError, match="command variant 9"):
        post(answered(RESPONSE), command_variant=9)


@pytest.mark.parametrize("url", ["ftp://a", "http://", "", "http://a:port", "http://a/?q=1"])
def test_what_is_no_address(url):
    with pytest.raises(LocalError, match="no address"):
        DuisClient(url)


def test_an_address_may_come_without_its_scheme():
    async def exchange():
        async with (
            a_server(answered(RESPONSE)) as server,
            DuisClient(server.url.removeprefix("http://")) as client,
        ):
            return await client.post(REQUEST, 1)

    assert asyncio.run(exchange()) == Answered(RESPONSE)


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert reply(answered(RESPONSE)) == Answered(RESPONSE)


# --- What comes back ---


@pytest.mark.parametrize(
    "media_type", ["application/xml", "application/xml; charset=UTF-8", "Application/XML;q"]
)
def test_a_document_is_an_answer(media_type):
    assert reply(answered(RESPONSE, media_type=media_type)) == Answered(RESPONSE)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (answered(b"no\n DUIS\t", "400 Bad Request"), RefusedInHttp(400, "no DUIS")),
        (answered(b"", "503 Service Unavailable"), RefusedInHttp(503, "Service Unavailable")),
        (answered(RESPONSE, "500 Oh"), RefusedInHttp(500, "<sr:Response/>")),
        (answered(RESPONSE, "201 Created"), RefusedInHttp(201, "<sr:Response/>")),
        (answered(b"<html>", media_type="text/html"), RefusedInHttp(200, "<html>")),
        (answered(b"\xff" * 1_000, "404 None"), RefusedInHttp(404, "\ufffd" * 200)),
    ],
)
def test_what_is_no_document_is_a_refusal_in_http(answer, refused):
    assert reply(answer) == refused


def test_no_redirect_is_followed():
    async def exchange():
        async with a_server(answered(RESPONSE)) as other:
            to_other = f"Location: {other.url}/api/v1/serviceS\r\n"
            answer = answered(b"there", "307 Temporary Redirect", more=to_other)
            async with a_server(answer) as server, DuisClient(server.url) as client:
                return await client.post(REQUEST, 1), other.heard

    assert asyncio.run(exchange()) == (RefusedInHttp(307, "there"), [])


def test_a_compressed_answer_is_not_unpacked():
    bomb = gzip.compress(bytes(DUIS_OCTETS_MAX + 1))
    got = reply(answered(bomb, more="Content-Encoding: gzip\r\n"))
    assert (type(got), got.status) == (RefusedInHttp, 200)


def test_an_answer_has_a_limit():
    assert reply(answered(bytes(DUIS_OCTETS_MAX))) == Answered(bytes(DUIS_OCTETS_MAX))
    got = reply(answered(bytes(DUIS_OCTETS_MAX + 1)))
    assert got == RefusedInHttp(200, f"an answer of more than {DUIS_OCTETS_MAX} octets")
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n" + bytes(
        DUIS_OCTETS_MAX * 2
    )
    assert reply(endless) == got
    refused = answered(b"x" * 10_000_000, "400 Bad Request")
    assert reply(refused) == RefusedInHttp(400, "x" * 200)


@pytest.mark.parametrize("cut", [b"", b"HTTP", answered(RESPONSE)[:-1], b"no HTTP at all\r\n\r\n"])
def test_an_answer_that_is_cut_off_is_none(cut):
    got = reply(cut)
    assert isinstance(got, NoAnswer)
    assert "gave no answer: " in got.reason
    assert "\n" not in got.reason


def test_silence_is_no_answer():
    got = reply(None, timeout_s=0.05)
    assert got.reason.endswith("gave no answer within 0.05 s")


def test_nobody_there_is_no_answer():
    async def exchange():
        async with a_server(None) as server:
            pass
        async with DuisClient(server.url) as client:
            return await client.post(REQUEST, 1)

    assert isinstance(asyncio.run(exchange()), NoAnswer)


# --- TLS ---


class Tls:
    """An authority, and a server and a client that it knows, as PEM files."""

    def __init__(self, folder) -> None:
        key, issuer = ec.generate_private_key(ec.SECP256R1()), _name("authority")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(_pem(_certificate("authority", key, issuer, key, ca=True)))
        self.server, self.client = (folder / f"{name}.pem" for name in ("server", "client"))
        for path in (self.server, self.client):
            own = ec.generate_private_key(ec.SECP256R1())
            certificate = _certificate(path.stem, own, issuer, key)
            path.write_bytes(_pem(certificate) + _key_pem(own, NoEncryption()))
        self.locked = folder / "locked.pem"
        locked = _key_pem(own, BestAvailableEncryption(b"secret"))
        self.locked.write_bytes(_pem(certificate) + locked)

    def of_server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(name, key, issuer, issuer_key, *, ca=False):
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder(issuer, _name(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(known, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer_key, SHA256())
    )


def _pem(certificate):
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key, encryption):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return Tls(tmp_path_factory.mktemp("tls"))


def post_tls(tls, context):
    async def exchange():
        async with (
            a_server(answered(RESPONSE), tls.of_server()) as server,
            DuisClient(server.url, tls=context) as client,
        ):
            return await client.post(REQUEST, 1)

    return asyncio.run(exchange())


def test_both_sides_show_their_certificates(tls):
    assert post_tls(tls, tls_context(tls.ca, tls.client, None)) == Answered(RESPONSE)


def test_a_server_of_another_authority_is_not_spoken_to(tls):
    got = post_tls(tls, tls_context(None, tls.client, None))
    assert "certificate verify failed" in got.reason


def test_a_server_may_want_our_certificate(tls):
    assert isinstance(post_tls(tls, tls_context(tls.ca, None, None)), NoAnswer)


def test_files_that_are_no_use_for_tls(tls, tmp_path):
    for ca in (tmp_path / "none", tmp_path):
        with pytest.raises(LocalError, match="no certificate authority"):
            tls_context(ca, None, None)
    for certificate in (tmp_path / "none", tls.ca, tls.locked):
        with pytest.raises(LocalError, match="cannot be used as our certificate"):
            tls_context(None, certificate, None)
    with pytest.raises(LocalError, match="a key without its certificate"):
        tls_context(None, None, tls.client)
