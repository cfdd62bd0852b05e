"""The DCC's client of its users' Receive Response Services: pushes what waits in the outbox.

Every user has a task of its own, so that one whose endpoint is slow or down keeps no other
waiting, and at most PUSHES_AT_ONCE_MAX pushes under way. The outbox is looked at every
PUSH_POLL_MS; it holds back what is not due and what has to wait for another message about the
same device. A push counts as taken only once the endpoint has said so: after a crash it may go
out twice.

Not here: when a push is tried again and when no more (`dcc.pushes`).
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping

import httpx
import msgspec

from hanota.errors import LocalError
from hanota.limits import (
    PUSH_ANSWER_OCTETS_MAX,
    PUSH_POLL_MS,
    PUSH_REST_MS,
    PUSH_TIMEOUT_S,
    PUSHES_AT_ONCE_MAX,
)
from hanota.model import eui_from_text, eui_text
from hanota.rows import Outgoing
from hanota.serve.http_server import PORT_MAX
from hanota.serve.receiver_http import DEFAULT_PATH

_log = logging.getLogger(__name__)


class PushOutbox(msgspec.Struct, frozen=True):
    """The DCC's outbox as the client needs it."""

    # The oldest pushes for a user that may be sent now, at most so many.
    due: Callable[[int, int], Awaitable[list[Outgoing]]]
    # The user has these.
    taken: Callable[[list[Outgoing]], Awaitable[None]]
    # The user does not have this one; the HTTP status of its answer, None without one.
    not_taken: Callable[[Outgoing, int | None], Awaitable[object]]


def push_addresses(texts: Iterable[str], user_ids: Iterable[int]) -> dict[int, str]:
    """Where to push to for each user, as URLs, from `ADDRESS` (every user) and `EUI=ADDRESS`.

    An address is `host:port/path`, with or without a scheme; without a path it is that of the
    DCC's own client tools. LocalError for what is none, for two addresses of one user, and for
    an id that is no user's.
    """
    given: dict[int | None, str] = {}
    for text in texts:
        match = _OF_USER.match(text)
        user_id = eui_from_text(match[1]) if match else None
        if user_id in given:
            raise LocalError(f"{text!r} is a second address of the same user")
        given[user_id] = _url(text[match.end() :] if match else text)
    user_ids = list(user_ids)
    for user_id in given:
        if user_id is not None and user_id not in user_ids:
            raise LocalError(f"{eui_text(user_id)} is no user of this DCC")
    everybody = given.get(None)
    found = {user_id: given.get(user_id, everybody) for user_id in user_ids}
    return {user_id: url for user_id, url in found.items() if url is not None}


class PushClient:
    """Pushes to users while `run` runs; a user without an address never answers.

    `tls` says whose certificates count where an address is https.
    """

    def __init__(
        self,
        outbox: PushOutbox,
        user_ids: Iterable[int],
        addresses: Mapping[int, str],
        tls: ssl.SSLContext,
    ) -> None:
        self._outbox = outbox
        self._user_ids = tuple(user_ids)
        self._addresses = addresses
        self._tls = tls
        self.under_way = 0

    async def run(self) -> None:
        """Push until cancelled."""
        async with (
            httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=PUSH_TIMEOUT_S, verify=self._tls
            ) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for user_id in self._user_ids:
                tasks.create_task(self._serve(user_id, http))

    async def _serve(self, user_id: int, http: httpx.AsyncClient) -> None:
        under_way: dict[asyncio.Task[int | None], Outgoing] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                sent = {push.number for push in under_way.values()}
                # Of those that are due some are under way: as many more may be begun.
                for push in await self._outbox.due(user_id, 2 * PUSHES_AT_ONCE_MAX):
                    if push.number not in sent and len(under_way) < PUSHES_AT_ONCE_MAX:
                        under_way[tasks.create_task(self._push(push, http))] = push
                self.under_way += len(under_way) - len(sent)
                done = await _first_done(under_way)
                self.under_way -= len(done)
                ended = [(under_way.pop(task), task.result()) for task in done]
                if await self._settle(ended):
                    await asyncio.sleep(PUSH_REST_MS / 1000)

    async def _settle(self, ended: list[tuple[Outgoing, int | None]]) -> bool:
        """Tell the outbox what became of pushes; whether one of them was not answered at all."""
        taken = [push for push, status in ended if status is not None and _is_taken(status)]
        if taken:
            await self._outbox.taken(taken)
        for push, status in ended:
            if status is None or not _is_taken(status):
                await self._outbox.not_taken(push, status)
        return any(status is None for _, status in ended)

    async def _push(self, push: Outgoing, http: httpx.AsyncClient) -> int | None:
        """Send one push; the HTTP status that answered it, None where none did."""
        status, reason = await self._post(push, http)
        _log.log(
            logging.INFO if status is not None and _is_taken(status) else logging.WARNING,
            "push=%d user=%s device=%s tries=%d octets=%d status=%s%s",
            push.number,
            eui_text(push.receiver),
            eui_text(push.device_id) if push.device_id else "-",
            push.tries + 1,
            len(push.body),
            "-" if status is None else status,
            f" answer={reason!r}" if reason else "",
        )
        return status

    async def _post(self, push: Outgoing, http: httpx.AsyncClient) -> tuple[int | None, str]:
        address = self._addresses.get(push.receiver)
        if address is None:
            return None, "no address is known"
        try:
            async with (
                asyncio.timeout(PUSH_TIMEOUT_S),
                http.stream("POST", address, content=push.body, headers=_HEADERS) as answer,
            ):
                return answer.status_code, await _told(answer)
        except TimeoutError:
            return None, f"no answer within {PUSH_TIMEOUT_S} s"
        except httpx.HTTPError as fault:
            return None, " ".join(str(fault).split()) or type(fault).__name__


_HEADERS = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}
_OF_USER = re.compile(r"([0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7})=", re.ASCII)
_TOLD_CHARACTERS_MAX = 200


async def _first_done(
    under_way: Mapping[asyncio.Task[int | None], Outgoing],
) -> set[asyncio.Task[int | None]]:
    """Those that are done when the first is, or when it is time to look again."""
    if not under_way:
        await asyncio.sleep(PUSH_POLL_MS / 1000)
        return set()
    done, _ = await asyncio.wait(
        under_way, timeout=PUSH_POLL_MS / 1000, return_when=asyncio.FIRST_COMPLETED
    )
    return done


def _is_taken(status: int) -> bool:
    return 200 <= status < 300


async def _told(answer: httpx.Response) -> str:
    """What a refusal says, in one line; nothing where the push was taken."""
    body = b""
    async for part in answer.aiter_raw():
        body += part
        if len(body) > PUSH_ANSWER_OCTETS_MAX:
            break
    if _is_taken(answer.status_code):
        return ""
    return " ".join(body.decode("utf-8", "replace").split())[:_TOLD_CHARACTERS_MAX]


def _url(text: str) -> str:
    address = text if "://" in text else f"http://{text}"
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL as fault:
        raise LocalError(f"{text!r} is no address to push to: {fault}") from fault
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise LocalError(f"{text!r} is no address to push to: write host:port/path")
    if parsed.port is not None and not 0 < parsed.port <= PORT_MAX:
        raise LocalError(f"{text!r} is no address to push to: ports are 1 to {PORT_MAX}")
    if parsed.path == "/" and not address.endswith("/"):
        parsed = parsed.copy_with(path=DEFAULT_PATH)
    return str(parsed)
