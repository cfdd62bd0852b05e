"""A supplier as a process: it sends what its ledger wants sent, and records what the DCC pushes.

It is the only one that sends; whoever wants something of a device writes to the ledger. Beside the
event loop (HTTP) there is the thread of the ledger, and one for each batch of pushes that is read.

It may be killed at any moment and started again on the same ledger: what waits in the outbox goes
out again with the same octets, and a push that was not acknowledged comes again. SIGTERM and
SIGINT let it end in order. While the ledger cannot be written nothing is acknowledged and nothing
is lost: the DCC tries again, and so does this.

Not here: options (`cli.supplier_serve`), and what anything means (`serve.supplier`).
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hanota.errors import LocalError, RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import (
    LINK_BATCH_MESSAGES_MAX,
    PUSHES_GATHERED_MAX,
    RETRY_AFTER_S,
    SUPPLIER_LOOK_MS,
    SYNC_ANSWER_MS_MAX,
)
from hanota.rows import Outgoing
from hanota.serve.clock import Clock
from hanota.serve.duis_client import DuisClient
from hanota.serve.from_dcc import Belief, read
from hanota.serve.gathering import Gathering, in_own_thread
from hanota.serve.http_server import ServerTls, listening
from hanota.serve.ledger_thread import LedgerThread
from hanota.serve.receiver_http import receive_response_service
from hanota.serve.request_sender import RequestOutbox, RequestSender
from hanota.serve.stopping import stop_signals
from hanota.serve.supplier import SupplierShell

_log = logging.getLogger(__name__)


class Ends(msgspec.Struct, frozen=True):
    """Where the DCC is, and where it pushes."""

    dcc: str  # URL
    dcc_tls: ssl.SSLContext | None
    host: str
    port: int  # 0: a free one
    path: str
    tls: ServerTls | None


class SupplierProcess:
    """Joins the parts; `run` serves until a signal comes.

    Args:
        shell: the supplier, on `ledger`; both are used in the process's own thread from now on.
        ledger: the supplier's own.
        belief: whether a push is the DCC's.
        clock: what time it is.
        advance: does whatever else is to be done by a time in milliseconds, each time a little;
            whether there is more to do at once. Called in the ledger's thread.
    """

    def __init__(
        self,
        shell: SupplierShell,
        ledger: Ledger,
        belief: Belief,
        clock: Clock,
        advance: Callable[[int], bool],
    ) -> None:
        self._shell = shell
        self._ledger = ledger
        self._belief = belief
        self._clock = clock
        self._advance = advance
        self._thread = LedgerThread()
        self._reading = Gathering(self._read, PUSHES_GATHERED_MAX)
        self._recording = Gathering(self._record, PUSHES_GATHERED_MAX)
        self._pushes_in_hand = 0
        self._looked_s = time.monotonic()

    async def run(self, ends: Ends, announce: Callable[[int], None]) -> None:
        """Serve until SIGTERM or SIGINT; `announce` is given the port once it listens.

        LocalError where an address cannot be used. What goes wrong in a part ends the whole.
        """
        with self._thread:
            async with AsyncExitStack() as running:
                stop = running.enter_context(stop_signals())
                client = await running.enter_async_context(DuisClient(ends.dcc, tls=ends.dcc_tls))
                sender = RequestSender(client, self._outbox())
                service = self._service(ends.path, sender)
                port = await running.enter_async_context(
                    listening(service, ends.host, ends.port, ends.tls)
                )
                parts = [
                    asyncio.create_task(part) for part in (stop.wait(), sender.run(), self._look())
                ]
                running.push_async_callback(_cancel, parts)
                announce(port)
                ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                for part in ended:
                    part.result()
                _log.info("stopping: what is in hand is finished")

    # What the DCC pushes

    def _service(self, path: str, sender: RequestSender) -> Starlette:
        app = receive_response_service(self._take, path)
        app.add_exception_handler(LocalError, _cannot_record)

        async def ready(_request: Request) -> Response:
            can, queues = await self._ready(sender)
            status = HTTPStatus.OK if can else HTTPStatus.SERVICE_UNAVAILABLE
            return JSONResponse({"ready": can, "queues": queues}, status)

        app.routes.append(Route("/health", _health, methods=["GET"]))
        app.routes.append(Route("/ready", ready, methods=["GET"]))
        return app

    async def _take(self, octets: bytes) -> RemoteError | None:
        """Record one push, as `receiver_http` wants it; LocalError where that cannot be."""
        self._pushes_in_hand += 1
        try:
            objection = await self._reading.take(octets)
            fault = objection or await self._recording.take(octets)
        finally:
            self._pushes_in_hand -= 1
        told = "" if fault is None else f" refused={fault.reason!r}"
        _log.log(logging.WARNING if told else logging.INFO, "push octets=%d%s", len(octets), told)
        return fault

    async def _read(self, pushes: Sequence[bytes]) -> list[RemoteError | None]:
        """Why pushes are not the DCC's. What anybody may send never gets to the ledger's thread."""
        return await in_own_thread(lambda: [self._objection(octets) for octets in pushes])

    def _objection(self, octets: bytes) -> RemoteError | None:
        try:
            return self._belief.objection_to_push(read(octets))
        except RemoteError as fault:
            return fault

    async def _record(self, pushes: Sequence[bytes]) -> list[RemoteError | None]:
        return await self._thread.run(lambda: self._shell.receive(pushes, self._clock.now_ms()))

    # What goes to the DCC

    def _outbox(self) -> RequestOutbox:
        async def due(limit: int) -> list[Outgoing]:
            return await self._thread.run(lambda: self._shell.outgoing(self._clock.now_ms(), limit))

        async def answered(sent: Outgoing, octets: bytes) -> None:
            await self._thread.run(lambda: self._shell.answered(sent, octets, self._clock.now_ms()))

        async def put_off(sent: Outgoing, pause_ms: int) -> None:
            await self._thread.run(lambda: self._put_off(sent, pause_ms))

        return RequestOutbox(due, answered, put_off)

    def _put_off(self, sent: Outgoing, pause_ms: int) -> None:
        with self._ledger.batch() as batch:
            batch.postpone([sent.number], self._clock.now_ms() + pause_ms)

    # What is to be done from time to time

    async def _look(self) -> None:
        while True:
            try:
                has_more = await self._thread.run(self._do_what_is_due)
            except LocalError as fault:
                _log.error("what is due cannot be done: %s", fault)
                has_more = False
            if not has_more:
                await asyncio.sleep(SUPPLIER_LOOK_MS / 1000)

    def _do_what_is_due(self) -> bool:
        """Do a little of it; whether there is more to do at once."""
        now_ms = self._clock.now_ms()
        silent = self._shell.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
        if silent:
            _log.info("silent=%d: they are asked what they run, or given up", silent)
        has_more = self._advance(now_ms)
        self._looked_s = time.monotonic()
        return has_more or silent == LINK_BATCH_MESSAGES_MAX

    async def _ready(self, sender: RequestSender) -> tuple[bool, dict[str, int]]:
        """Whether the ledger has answered lately, and what waits where."""
        queues = {
            "ledger_work": self._thread.waiting,
            "requests_under_way": sender.under_way,
            "pushes_in_hand": self._pushes_in_hand,
        }
        if time.monotonic() - self._looked_s > SYNC_ANSWER_MS_MAX / 1000:
            return False, queues
        return True, queues | {"outbox": await self._thread.run(self._outbox_depth)}

    def _outbox_depth(self) -> int:
        with self._ledger.view() as view:
            return view.outbox_depth()


async def _health(_request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _cannot_record(_request: Request, fault: Exception) -> Response:
    _log.error("nothing can be recorded: %s", fault)
    return PlainTextResponse(
        "pushes cannot be recorded now\n",
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(RETRY_AFTER_S)},
    )


async def _cancel(parts: Sequence[asyncio.Task[object]]) -> None:
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
