"""Sends what waits in a supplier's outbox to the DCC, and has the answers recorded.

A request stands in the outbox before it is sent and leaves it when its answer is recorded. One
that got no answer, or none that can be believed, is sent again later with the same octets: the DCC
recognises it and answers as it did before. At most REQUESTS_AT_ONCE_MAX requests are under way, so
a DCC that is slow slows this down, and everything else waits in the ledger.

Not here: what an answer means (`serve.supplier`), and HTTP (`duis_client`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import (
    OUTBOX_POLL_MS,
    REQUEST_REST_MS,
    REQUEST_RETRY_S,
    REQUEST_RETRY_S_MAX,
    REQUESTS_AT_ONCE_MAX,
)
from hanota.model import RequestID
from hanota.rows import Outgoing
from hanota.serve.duis_client import Answered, DuisClient, NoAnswer, RefusedInHttp
from hanota.serve.gathering import in_own_thread
from hanota.wire.duis import decode_request, open_document

_log = logging.getLogger(__name__)


class RequestOutbox(msgspec.Struct, frozen=True):
    """A supplier's outbox as the sender needs it; LocalError where the ledger does not answer."""

    # The oldest requests that may be sent now, at most so many.
    due: Callable[[int], Awaitable[list[Outgoing]]]
    # Record the answer to this one; RemoteError where it cannot be believed.
    answered: Callable[[Outgoing, bytes], Awaitable[None]]
    # Send this one again so many milliseconds from now.
    put_off: Callable[[Outgoing, int], Awaitable[None]]


class RequestSender:
    """Sends while `run` runs."""

    def __init__(self, client: DuisClient, outbox: RequestOutbox) -> None:
        self._client = client
        self._outbox = outbox
        self._under_way: dict[asyncio.Task[bool], int] = {}

    @property
    def under_way(self) -> int:
        """Requests that are sent and not answered."""
        return len(self._under_way)

    async def run(self) -> None:
        """Send until cancelled; what is under way then is sent again by the next process."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for sent in await self._due():
                    self._under_way[tasks.create_task(self._send(sent))] = sent.number
                if not await self._all_answered():
                    await asyncio.sleep(REQUEST_REST_MS / 1000)

    async def _due(self) -> list[Outgoing]:
        """As many as may be begun now. Those under way are in the outbox still, the oldest."""
        room = REQUESTS_AT_ONCE_MAX - len(self._under_way)
        if not room:
            return []
        try:
            due = await self._outbox.due(REQUESTS_AT_ONCE_MAX)
        except LocalError as fault:
            _log.error("the outbox cannot be read: %s", fault)
            return []
        numbers = set(self._under_way.values())
        return [sent for sent in due if sent.number not in numbers][:room]

    async def _all_answered(self) -> bool:
        """Wait for the first to end, or until it is time to look again; False where one failed."""
        if not self._under_way:
            await asyncio.sleep(OUTBOX_POLL_MS / 1000)
            return True
        done, _ = await asyncio.wait(
            self._under_way, timeout=OUTBOX_POLL_MS / 1000, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            del self._under_way[task]
        return all(task.result() for task in done)

    async def _send(self, sent: Outgoing) -> bool:
        """Send one request and have its answer recorded; whether that is done."""
        began = time.monotonic()
        try:
            request_id, variant = await in_own_thread(partial(_name, sent.body))
            reply = await self._client.post(sent.body, variant)
            status, fault = await self._settle(sent, reply)
        except LocalError as error:
            # Where the ledger does not answer the request stays in the outbox, due as it is.
            _log.error("outgoing=%d cannot be settled: %s", sent.number, error)
            return False
        _log.log(
            logging.WARNING if fault else logging.INFO,
            "outgoing=%d request=%s variant=%d tries=%d octets=%d status=%s ms=%d%s",
            sent.number,
            request_id,
            variant,
            sent.tries + 1,
            len(sent.body),
            status,
            (time.monotonic() - began) * 1000,
            f" fault={fault!r}" if fault else "",
        )
        return not fault

    async def _settle(
        self, sent: Outgoing, reply: Answered | RefusedInHttp | NoAnswer
    ) -> tuple[str, str]:
        """Record what came back: the HTTP status, and what is wrong with it."""
        match reply:
            case Answered(octets=octets):
                try:
                    await self._outbox.answered(sent, octets)
                except RemoteError as error:
                    fault = error.reason
                else:
                    return "200", ""
                status = "200"
            case RefusedInHttp(status=refused, text=fault):
                status = str(refused)
            case NoAnswer(reason=fault):
                status = "-"
        await self._outbox.put_off(sent, _pause_ms(sent.tries))
        return status, fault


def _name(octets: bytes) -> tuple[RequestID, int]:
    """What tells a request from others: its RequestID and its command variant."""
    request = decode_request(open_document(octets))
    return request.request_id, request.command_variant


def _pause_ms(tries: int) -> int:
    """How long a request rests that was tried so often before, and now once more."""
    # A pause that has doubled 16 times is longer than any maximum, and the shift stays small.
    return min(REQUEST_RETRY_S << min(tries, 16), REQUEST_RETRY_S_MAX) * 1000
