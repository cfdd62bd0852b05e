"""A server that says what it is told to say, and keeps what it heard; for tests of our clients."""

import asyncio
import ssl
from contextlib import asynccontextmanager


class AServer:
    """Every connection gets the same octets once its request is whole, and is closed after them."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer  # None: nothing at all
        self.heard: list[bytes] = []
        self.url = ""

    async def serve(self, reader, writer):
        try:
            self.heard.append(await self._request(reader))
            if self.answer is None:
                await reader.read()  # until the client is gone
            else:
                writer.write(self.answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went first
        finally:
            writer.close()

    async def _request(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
        return head + await reader.readexactly(int(lengths[0].split(b":")[1]))


@asynccontextmanager
async def a_server(answer: bytes | None, tls: ssl.SSLContext | None = None):
    server = AServer(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, limit=2**25)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listener.close()


def answered(body: bytes, status="200 OK", media_type="application/xml", more="") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}"
    )
    return head.encode() + b"\r\n" + body
