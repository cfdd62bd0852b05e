"""The HTTP server itself: bounded heads, TLS with and without client certificates, any request."""

import asyncio
import contextlib
import socket
import ssl
import threading
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.test_duis_http import Service
from tests.serve.test_smki_http import PKI, inventoried
from tests.serve.tls_files import write_tls_files

from hanota.errors import FileError, LocalError
from hanota.limits import HTTP_HEAD_OCTETS_MAX
from hanota.serve import http_server
from hanota.serve.http_server import ServerTls, listening
from hanota.serve.smki_http import smki_service


@contextmanager
def served(make_app, tls=None):
    """An application in a thread with an event loop of its own; gives its port."""
    found, ready = [], threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main():
        async with listening(make_app(), "127.0.0.1", 0, tls) as port:
            found.append(port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(20)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def ports():
    """The DUIS and the SMKI service on loopback."""
    with (
        served(lambda: Service().app) as duis,
        served(lambda: smki_service(PKI, inventoried)) as smki,
    ):
        yield duis, smki


def said(port, octets, tls=None):
    """All that the server answers to these octets until it closes, or has no more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        with connection:
            try:
                connection.sendall(octets)
                if not tls:
                    connection.shutdown(socket.SHUT_WR)
                parts = []
                while part := connection.recv(65_536):
                    parts.append(part)
            except (ConnectionError, BrokenPipeError):
                pass  # it had enough of us
            return b"".join(parts)


def status(answer):
    return int(answer.split(b" ", 2)[1])


def test_a_request_over_a_real_socket(ports):
    assert status(said(ports[0], b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")) == 200


def test_an_endless_head_is_cut_off(ports):
    line = b"x: %b\r\n" % (b"y" * 995)
    head = b"GET /health HTTP/1.1\r\n" + line * (HTTP_HEAD_OCTETS_MAX // 1_000 + 1)
    assert status(said(ports[0], head)) == 431


def test_a_head_that_does_not_come_is_cut_off(monkeypatch):
    monkeypatch.setattr(http_server, "HTTP_HEAD_TIMEOUT_S", 0.05)
    with (
        served(lambda: Service().app) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(b"GET /health HT")
        assert connection.recv(1) == b""


def test_a_connection_takes_one_request_after_the_other(ports):
    connection = HTTPConnection("127.0.0.1", ports[0], timeout=20)
    with contextlib.closing(connection):
        for _ in range(3):
            connection.request("GET", "/health")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"alive\n")


def test_a_client_that_sends_too_much_still_reads_why(ports):
    head = b"POST /api/v1/serviceD HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n"
    assert status(said(ports[0], head + bytes(20_000_000))) == 413


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none(port):
    async def main():
        async with listening(Service().app, "127.0.0.1", port):
            pass

    with pytest.raises(LocalError, match="cannot listen on"):
        asyncio.run(main())


def test_a_port_that_is_taken_is_said_in_one_sentence(ports):
    async def main():
        async with listening(Service().app, "127.0.0.1", ports[0]):
            pass

    with pytest.raises(LocalError, match=rf"port {ports[0]}: something else listens there"):
        asyncio.run(main())


# --- TLS ---


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """An authority, a server's and a client's certificate, and a stranger's."""
    return write_tls_files(tmp_path_factory.mktemp("tls"), "server", "client", "stranger")


def client_tls(pem, who=None):
    context = ssl.create_default_context(cafile=pem / "server.pem")
    if who is not None:
        context.load_cert_chain(pem / f"{who}.pem", pem / f"{who}.key")
    return context


HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_https(pem):
    tls = ServerTls(pem / "server.pem", pem / "server.key")
    with served(lambda: Service().app, tls) as port:
        assert status(said(port, HEALTH, client_tls(pem))) == 200


def test_https_with_client_certificates(pem):
    tls = ServerTls(pem / "server.pem", pem / "server.key", pem / "client.pem")
    with served(lambda: Service().app, tls) as port:
        assert status(said(port, HEALTH, client_tls(pem, "client"))) == 200
        for who in (None, "stranger"):
            # In TLS 1.3 a client learns of it when it reads, if the alert gets that far.
            with contextlib.suppress(ssl.SSLError):
                assert said(port, HEALTH, client_tls(pem, who)) == b""


@pytest.mark.parametrize(
    ("certificate", "key", "client_ca", "named"),
    [
        ("server.pem", "client.key", None, "server.pem"),
        ("absent.pem", "server.key", None, "absent.pem"),
        ("server.key", "server.key", None, "server.key"),
        ("server.pem", "server.key", "server.key", "server.key"),
        ("server.pem", "server.key", "absent.pem", "absent.pem"),
    ],
)
def test_tls_files_that_cannot_be_used(pem, certificate, key, client_ca, named):
    tls = ServerTls(pem / certificate, pem / key, None if client_ca is None else pem / client_ca)

    async def main():
        async with listening(Service().app, "127.0.0.1", 0, tls):
            pass

    with pytest.raises(FileError, match=named):
        asyncio.run(main())


# --- Anything at all: an answer below 500, or a closed connection, and never a hang ---

METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "TRACE", "M-SEARCH"])
PATHS = st.sampled_from(
    [
        "/api/v1/serviceS",
        "/api/v1/serviceD?x=%00",
        "/services/certificatesearch?apikey=a",
        "/services/retrievecertificate",
        "/health",
        "*",
        "http://a/b",
        "//",
    ]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Content-Encoding", "Expect", "Connection", "Upgrade", "Cookie", "Host",
         "Transfer-Encoding", "Content-Length", "X-Forwarded-For"]
    )
    | st.from_regex(r"[A-Za-z-]{1,12}", fullmatch=True),
    st.sampled_from(["application/xml", "gzip", "100-continue", "close", "upgrade", "websocket",
                     "chunked", "identity", "0", "-1", "99999999999999999999", "text/plain"])
    | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
    max_size=5,
)  # fmt: skip
BODIES = st.binary(max_size=400) | st.sampled_from(
    [b"<a/>", b"<!DOCTYPE a><a/>", b"5\r\nhello\r\n0\r\n\r\n", b"<?xml version='1.0'?>"]
)


def is_sound(answer):
    return not answer or (answer.startswith(b"HTTP/1.1 ") and 100 <= status(answer) < 500)


@given(st.integers(0, 1), METHODS, PATHS, HEADERS, BODIES, st.booleans())
def test_any_request_gets_an_answer_that_is_no_fault_of_ours(  # noqa: PLR0917
    ports, which, method, path, headers, body, counted
):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    if counted:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    assert is_sound(said(ports[which], head + body))


@given(st.integers(0, 1), st.binary(max_size=300))
def test_any_octets_get_an_answer_that_is_no_fault_of_ours(ports, which, octets):
    assert is_sound(said(ports[which], octets))
