"""Homes as a process of their own, joined to their DCC by NATS.

Two threads: the event loop has the link, the other one the homes. What hubs send is on the disks of
the link before they hear that it is taken, and an envelope for a hub is the link's until the hub
has done everything that it does about it. Killing the process is a power cut for all its homes.

While the link does not answer the homes stand still, and go on from there: an emulated home has no
time without its process either.

Not here: options (`cli.homes`), which homes there are, and the DCC's end (`homes_elsewhere`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from itertools import count
from typing import TypeVar

from hanota.limits import LINK_FETCH_MS, LINK_REST_MS
from hanota.link.local import Message
from hanota.link.nats import Direction, LinkDownError, NatsLink, NatsReceiver
from hanota.link.nats_settings import NatsSettings
from hanota.rows import Outgoing
from hanota.serve.embedded_homes import EmbeddedHomes
from hanota.serve.stopping import stop_signals

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


class HomesProcess:
    """Joins homes to the link; `run` serves until a signal comes.

    `exchange`, `blob` and `released` are for the homes, in their thread; they wait for the link.

    Args:
        settings: of the link.
        dcc_id: what the link calls the DCC.
    """

    def __init__(self, settings: NatsSettings, dcc_id: int) -> None:
        self._settings = settings
        self._dcc_id = dcc_id
        self._loop: asyncio.AbstractEventLoop
        self._link: NatsLink
        self._receiver: NatsReceiver
        self._is_stopping = False
        # What the link tells messages apart by: never used again, not even after a restart.
        self._numbers = count(time.time_ns())
        self.released = _Released(self)

    def exchange(
        self,
        arrived: Sequence[tuple[int, bytes]],
        taken: Sequence[int],
        room: int,
        last: Outgoing | None,
    ) -> list[Outgoing]:
        """Carry envelopes between homes and link, as `embedded_homes.Exchange` says.

        Args:
            arrived: what hubs have sent.
            taken: the numbers of what hubs have taken.
            room: how many envelopes there is room for.
            last: the one that came last; the link itself knows where it is.
        """
        del last
        numbered = [
            Message(hub_id, self._dcc_id, number, body)
            for (hub_id, body), number in zip(arrived, self._numbers, strict=False)
        ]

        async def carry() -> list[Message]:
            await self._link.send(Direction.FROM_HUBS, numbered)
            await self._receiver.acknowledge([(self._dcc_id, number) for number in taken])
            if room <= 0:
                return []
            return await self._receiver.receive(room, LINK_FETCH_MS / 1000)

        return [
            Outgoing(each.number, each.receiver, each.body, 0, 0) for each in self._wait_for(carry)
        ]

    def blob(self, sha256: bytes) -> bytes | None:
        """The OTA file with this SHA-256."""
        return self._wait_for(lambda: self._link.image(sha256))

    def image_labels(self) -> frozenset[str]:
        """The labels of all images: the Manufacturer Image Hashes, in hex."""
        return self._wait_for(self._link.image_labels)

    async def run(self, homes: EmbeddedHomes, announce: Callable[[], None]) -> None:
        """Live until SIGTERM or SIGINT; `announce` is called once the link is there.

        What goes wrong in a part ends the whole.
        """
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as running:
            stop = running.enter_context(stop_signals())
            stopping = asyncio.create_task(stop.wait())
            living = asyncio.create_task(self._live(homes, announce))
            await asyncio.wait([stopping, living], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            _log.info("stopping: what is in hand is finished")
            self._is_stopping = True
            homes.stop()
            await living

    async def _live(self, homes: EmbeddedHomes, announce: Callable[[], None]) -> None:
        try:
            async with AsyncExitStack() as running:
                self._link = await self._until_it_answers(
                    lambda: running.enter_async_context(NatsLink(self._settings))
                )
                self._receiver = NatsReceiver(self._link, Direction.TO_HUBS)
                await self._until_it_answers(self._prepare)
                announce()
                with ThreadPoolExecutor(max_workers=1, thread_name_prefix="homes") as thread:
                    await self._loop.run_in_executor(thread, homes.run)
        except LinkDownError:
            # Only on the way out. What the homes did since they last kept it is undone.
            _log.warning("the link did not answer until the end")

    def _wait_for(self, act: Callable[[], Awaitable[_T]]) -> _T:
        return asyncio.run_coroutine_threadsafe(self._persist(act), self._loop).result()

    async def _persist(self, act: Callable[[], Awaitable[_T]]) -> _T:
        """What the act gives; where the link fails, it is prepared again before the next try."""
        try:
            return await act()
        except LinkDownError as fault:
            _log.warning("%s", fault)

        async def prepare_and_act() -> _T:
            await self._prepare()
            return await act()

        return await self._until_it_answers(prepare_and_act)

    async def _until_it_answers(self, act: Callable[[], Awaitable[_T]]) -> _T:
        """What the act gives once the link answers; LinkDownError while the process is to end."""
        while True:
            try:
                return await act()
            except LinkDownError as fault:
                if self._is_stopping:
                    raise
                _log.warning("%s", fault)
            await asyncio.sleep(LINK_REST_MS / 1000)

    async def _prepare(self) -> None:
        await self._link.prepare()
        await self._receiver.prepare()


class _Released:
    """The Manufacturer Image Hashes of the images that the DCC has sent, all of them released."""

    def __init__(self, process: HomesProcess) -> None:
        self._process = process
        self._known: frozenset[str] = frozenset()

    def __contains__(self, image_hash: object) -> bool:
        match image_hash:
            case bytes() as octets:
                if octets.hex() not in self._known:
                    self._known = self._process.image_labels()
                return octets.hex() in self._known
            case _:
                return False
