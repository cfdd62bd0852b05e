"""The DCC's end of DUIS over HTTP: Send Command, Transform and Non-Device Service.

Every DUIS Response goes out with 200 and `application/xml`, refusals too: the DCC's own client
tools read no other body. An HTTP error is for what has no answer in DUIS: 400 for what is no
DUIS request, 408 and 413 for a body that is too slow or too large, 415 for a compressed one, and
503 with Retry-After when more is in hand than can be, or the ledger cannot be written.

A body is counted while it comes and is one object from then on. Reading it (XML, schema,
signature) needs no ledger; small requests that have gathered are read together, and answered
together in one transaction.

Not here: what a request means (`dcc_reading`, `dcc_gateway`), sockets and TLS (`http_server`).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from io import BytesIO

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hanota.errors import LocalError, RemoteError
from hanota.limits import (
    DUIS_BODY_TIMEOUT_S,
    DUIS_GATHERED_MAX,
    DUIS_OCTETS_IN_HAND_MAX,
    DUIS_OCTETS_MAX,
    DUIS_REQUESTS_IN_HAND_MAX,
    DUIS_SMALL_OCTETS_MAX,
    RETRY_AFTER_S,
)
from hanota.serve.dcc_reading import ReadRequest
from hanota.serve.gathering import Gathering, in_own_thread
from hanota.wire.duis.services import WebService

_log = logging.getLogger(__name__)

Read = Callable[[bytes, WebService], ReadRequest]
Answer = Callable[[Sequence[ReadRequest]], Awaitable[Sequence[bytes | RemoteError]]]
# What is in the process's queues, and whether it can take requests.
Readiness = Callable[[], Awaitable[tuple[bool, dict[str, int]]]]


class InHand:
    """What the service has taken and not yet answered, and how much it may be."""

    def __init__(
        self,
        requests_max: int = DUIS_REQUESTS_IN_HAND_MAX,
        octets_max: int = DUIS_OCTETS_IN_HAND_MAX,
    ) -> None:
        self.requests = 0
        self.octets = 0
        self._requests_max = requests_max
        self._octets_max = octets_max

    @contextmanager
    def request(self) -> Iterator[Callable[[int], None]]:
        """Room for one request, and a function that takes room for more of its octets.

        `_RefusedError(503)` where there is none.
        """
        if self.requests >= self._requests_max:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are in hand")
        held = 0

        def take(octets: int) -> None:
            nonlocal held
            if self.octets + octets > self._octets_max:
                raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "too much is in hand")
            held += octets
            self.octets += octets

        self.requests += 1
        try:
            yield take
        finally:
            self.requests -= 1
            self.octets -= held


def duis_service(
    read: Read, answer: Answer, readiness: Readiness, in_hand: InHand | None = None
) -> Starlette:
    """The three services as an ASGI application, with /health and /ready.

    `read` is called in other threads, several at a time; `answer` gets what was read, in batches,
    and gives as many answers. LocalError from it means that nothing can be recorded: 503.
    """
    desk = _Desk(read, answer, InHand() if in_hand is None else in_hand)

    async def health(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(_request: Request) -> Response:
        can, queues = await readiness()
        status = HTTPStatus.OK if can else HTTPStatus.SERVICE_UNAVAILABLE
        queues |= {"requests_in_hand": desk.in_hand.requests, "octets_in_hand": desk.in_hand.octets}
        return JSONResponse({"ready": can, "queues": queues}, status)

    app = Starlette(
        routes=[
            *(
                Route(service.path, partial(desk.serve, service), methods=["POST"])
                for service in WebService
            ),
            Route("/health", health, methods=["GET"]),
            Route("/ready", ready, methods=["GET"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


class _RefusedError(Exception):
    """An HTTP status other than 200 and one line that says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Desk:
    """Where requests are taken in, read and answered."""

    def __init__(self, read: Read, answer: Answer, in_hand: InHand) -> None:
        self.in_hand = in_hand
        self._read = read
        self._reading: Gathering[tuple[bytes, WebService], ReadRequest] = Gathering(
            self._read_together, DUIS_GATHERED_MAX
        )
        self._answering: Gathering[ReadRequest, bytes | RemoteError] = Gathering(
            answer, DUIS_GATHERED_MAX
        )

    async def serve(self, service: WebService, request: Request) -> Response:
        """Answer one HTTP request."""
        began = time.monotonic()
        told = _Told(service)
        try:
            with self.in_hand.request() as take:
                response = await self._answer(request, take, told)
        except _RefusedError as fault:
            told.refused = str(fault)
            response = _refusal(fault.status, str(fault))
            if not told.is_whole:
                await _let_pass(request)
        except ClientDisconnect:
            told.refused = "the client went away"
            response = _refusal(HTTPStatus.BAD_REQUEST, told.refused)
        told.write(response.status_code, time.monotonic() - began)
        return response

    async def _answer(
        self, request: Request, take: Callable[[int], None], told: "_Told"
    ) -> Response:
        # No name keeps the octets: they are as large as the image that comes out of them.
        read = await self._read_one(await _body(request, take, told), told.service)
        if read.header is not None:
            told.request_id = str(read.header.request_id)
        try:
            answer = await self._answering.take(read)
        except LocalError as fault:
            _log.error("nothing can be recorded: %s", fault)
            raise _RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE, "requests cannot be recorded now"
            ) from fault
        if isinstance(answer, RemoteError):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, answer.reason)
        return Response(answer, media_type="application/xml")

    async def _read_one(self, octets: bytes, service: WebService) -> ReadRequest:
        if len(octets) <= DUIS_SMALL_OCTETS_MAX:
            return await self._reading.take((octets, service))
        return await in_own_thread(partial(self._read, octets, service))

    async def _read_together(self, bodies: Sequence[tuple[bytes, WebService]]) -> list[ReadRequest]:
        return await in_own_thread(lambda: [self._read(*body) for body in bodies])


class _Told:
    """What the log says of one request, in one line."""

    def __init__(self, service: WebService) -> None:
        self.service = service
        self.request_id = "-"
        self.octets = 0
        self.is_whole = False  # all of the body has come
        self.refused = ""

    def write(self, status: int, seconds: float) -> None:
        _log.info(
            "path=%s request=%s octets=%d status=%d ms=%d%s",
            self.service.path,
            self.request_id,
            self.octets,
            status,
            seconds * 1000,
            f" refused={self.refused!r}" if self.refused else "",
        )


async def _body(request: Request, take: Callable[[int], None], told: _Told) -> bytes:
    """The body, counted while it comes; `_RefusedError` where it cannot be one of a request."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the request without compression"
        )
    body = BytesIO()
    try:
        async with asyncio.timeout(DUIS_BODY_TIMEOUT_S):
            async for part in request.stream():
                told.octets += len(part)
                if told.octets > DUIS_OCTETS_MAX:
                    raise _RefusedError(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"a request has at most {DUIS_OCTETS_MAX} octets",
                    )
                take(len(part))
                body.write(part)
    except TimeoutError as fault:
        raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly") from fault
    told.is_whole = True
    return body.getvalue()


async def _let_pass(request: Request) -> None:
    """Take as much of an unwanted body as a wanted one may have, and forget it.

    A client that is still sending does not read why it was refused.
    """
    octets = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(DUIS_BODY_TIMEOUT_S):
            async for part in request.stream():
                octets += len(part)
                if octets > DUIS_OCTETS_MAX:
                    return


def _refusal(status: HTTPStatus, reason: str) -> Response:
    headers = {"Connection": "close"} if status is not HTTPStatus.BAD_REQUEST else {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return PlainTextResponse(f"{' '.join(reason.split())}\n", status, headers)
