"""The Receive Response Service: the HTTP end of a Service User to which the DCC pushes.

One path takes POSTs of one DUIS Response each. 204 says that it was taken and will not be needed
again; 400 that it is none, or not signed as it has to be; 408, 413 and 415 that its body was too
slow, too large, or something else than XML. The body is counted while it comes.

Not here: what makes a Response good, and what becomes of it (whoever gives `take`); sockets
(`http_server`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hanota.errors import LocalError, RemoteError
from hanota.limits import PUSH_RECEIVED_OCTETS_MAX, PUSH_RECEIVED_TIMEOUT_S

# The path that the DCC's own client tools take unless they are told otherwise.
DEFAULT_PATH = "/smartdcc/duis"
DEFAULT_PORT = 1880

Take = Callable[[bytes], Awaitable[RemoteError | None]]


def receive_response_service(take: Take, path: str = DEFAULT_PATH) -> Starlette:
    """The service as an ASGI application.

    `take` is given the octets of one push and returns None when it has recorded them, or why they
    are refused (400). Whatever it raises becomes 500, after which a DCC tries again. LocalError for
    a path that does not begin with a slash.
    """
    if not path.startswith("/"):
        raise LocalError(f"the path {path!r} does not begin with a slash")

    async def receive(request: Request) -> Response:
        try:
            async with asyncio.timeout(PUSH_RECEIVED_TIMEOUT_S):
                octets = await _body(request)
        except TimeoutError:
            return _refusal(HTTPStatus.REQUEST_TIMEOUT)
        except ClientDisconnect:
            return _refusal(HTTPStatus.BAD_REQUEST)
        if isinstance(octets, HTTPStatus):
            return _refusal(octets)
        fault = await take(octets)
        if fault is not None:
            return _refusal(HTTPStatus.BAD_REQUEST, fault.reason)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    app = Starlette(routes=[Route(path, receive, methods=["POST"])])
    app.router.redirect_slashes = False
    return app


async def _body(request: Request) -> bytes | HTTPStatus:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/xml" or "content-encoding" in request.headers:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > PUSH_RECEIVED_OCTETS_MAX:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return bytes(body)


def _refusal(status: HTTPStatus, reason: str = "") -> Response:
    return PlainTextResponse(f"{reason or status.phrase}\n", status)
