"""An HTTP server inside a process that does other things too: bounded, punctual, with TLS.

uvicorn serves the application. What it leaves open to strangers is closed here: the head of a
request has a size and a time in which it has to arrive. Bodies are for the application to count.

Not here: signals. The process stops its servers by leaving their `with`.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hanota.errors import FileError, LocalError
from hanota.limits import (
    HTTP_CLOSING_S,
    HTTP_CONNECTIONS_MAX,
    HTTP_HEAD_OCTETS_MAX,
    HTTP_HEAD_TIMEOUT_S,
)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Files in PEM: who we are and, where clients have to show a certificate, whose we take."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@asynccontextmanager
async def listening(
    app: ASGIApp, host: str, port: int, tls: ServerTls | None = None
) -> AsyncIterator[int]:
    """Serve this application while the block runs; gives the port, a free one for port 0.

    What is under way when the block ends may finish, within HTTP_CLOSING_S. LocalError when the
    address cannot be used, FileError when a file of `tls` cannot.
    """
    config = uvicorn.Config(
        app,
        http=_BoundedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=HTTP_CONNECTIONS_MAX,
        timeout_graceful_shutdown=HTTP_CLOSING_S,
    )
    config.load()
    config.ssl = None if tls is None else _context(tls)
    with _listener(host, port) as listener:
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 whose heads are bounded in octets and in time."""

    _in_head = True
    _head_octets = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_octets += len(data)
            if self._head_octets > HTTP_HEAD_OCTETS_MAX and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._end_head()
        self._in_head, self._head_octets = True, 0
        self._timer = self.loop.call_later(HTTP_HEAD_TIMEOUT_S, self.transport.close)

    def _end_head(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()


_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@contextmanager
def _listener(host: str, port: int) -> Iterator[socket.socket]:
    if not 0 <= port <= PORT_MAX:
        raise LocalError(f"cannot listen on {host} port {port}: ports are 0 to {PORT_MAX}")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as fault:
        raise LocalError(f"cannot listen on {host} port {port}: {_why(fault)}") from fault
    with contextlib.closing(listener):
        yield listener


def _context(tls: ServerTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password function OpenSSL would ask for one at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ValueError) as fault:
        raise FileError(
            f"{tls.certificate} and {tls.key} are no certificate with its key in PEM: {fault}"
        ) from fault
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except OSError as fault:
            raise FileError(f"{tls.client_ca} holds no authority in PEM: {fault}") from fault
        context.verify_mode = ssl.CERT_REQUIRED
    return context


PORT_MAX = 65_535


def _why(fault: OSError) -> str:
    """Of what Python adds to the words of the system, only the words, and what to do."""
    match fault:
        case OSError(errno=errno.EADDRINUSE):
            return "something else listens there, so stop it or name another port"
        case socket.gaierror():
            return "there is no such host"
        case _:
            return os.strerror(fault.errno or 0)


def _no_password() -> str:
    raise ValueError("the private key is encrypted")
