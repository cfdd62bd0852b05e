"""The DCC with its own homes as one process, at whose HTTP the DCC's own client tools work.

Four threads: the event loop (HTTP, pushes), the ledger's, the homes', and one for each batch of
requests that is read. Whatever happens at once, the ledger sees one thing after the other.

It may be killed at any moment and started again on the same ledger and flash store. SIGTERM and
SIGINT let it finish what it has in hand.

Not here: what a user wants served (`cli.dcc_serve`), and which homes there are.
"""

import asyncio
import gc
import logging
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import msgspec

from hanota.dcc.users import Users
from hanota.errors import RemoteError
from hanota.ledger.ledger import Ledger
from hanota.limits import LINK_BATCH_MESSAGES_MAX, SYNC_ANSWER_MS_MAX
from hanota.model import eui_text
from hanota.rows import Outgoing
from hanota.serve.clock import Clock
from hanota.serve.dcc import DccShell
from hanota.serve.dcc_operator import OperatorActs
from hanota.serve.dcc_reading import ReadRequest, read_request
from hanota.serve.duis_http import duis_service
from hanota.serve.http_server import ServerTls, listening
from hanota.serve.ledger_thread import LedgerThread
from hanota.serve.operator_http import door, new_secret, operator_service
from hanota.serve.push_client import PushClient, PushOutbox
from hanota.serve.smki_http import smki_service
from hanota.serve.stopping import stop_signals
from hanota.smki.directory import Directory
from hanota.wire.duis.services import WebService

_log = logging.getLogger(__name__)


class Addresses(msgspec.Struct, frozen=True):
    """Where the process listens, and where it pushes to."""

    host: str
    duis_port: int  # 0: a free one
    smki_port: int
    tls: ServerTls | None
    push_to: Mapping[int, str]  # a URL for each user that has one
    push_tls: ssl.SSLContext  # whom to trust there


class Ports(msgspec.Struct, frozen=True):
    """The ports at which it does listen."""

    duis: int
    smki: int


class JoinedHomes(Protocol):
    """The homes of the DCC, in this process (`embedded_homes`) or elsewhere (`homes_elsewhere`)."""

    in_flight: int  # envelopes on the way to hubs

    @property
    def now_ms(self) -> int:
        """How far they have got."""
        ...

    def run(self) -> None:
        """Live, or speak with those who do, until stopped; in a thread of its own."""
        ...

    def stop(self) -> None:
        """Let `run` end."""
        ...


class DccProcess:
    """Joins the parts; `run` serves until a signal comes.

    Args:
        shell: the DCC, on `ledger`; both are used in the process's own thread from now on.
        directory: the certificates of users, hubs and devices.
        users: the roles of each Service User.
        clock: what time it is.
        state: the folder in which operators find the process.
        signature_check: whether a request needs its originator's signature.
    """

    def __init__(
        self,
        shell: DccShell,
        ledger: Ledger,
        directory: Directory,
        *,
        users: Users,
        clock: Clock,
        state: Path,
        signature_check: bool = True,
    ) -> None:
        self._shell = shell
        self._ledger = ledger
        self._directory = directory
        self._users = users
        self._clock = clock
        self._state = state
        self._signature_check = signature_check
        self._thread = LedgerThread()
        self._exchanged_s = time.monotonic()
        # What it took at most to answer a batch: a request counts from before that, and nothing is
        # to be pushed too soon after its answer.
        self._answering_ms = 0

    # For the homes, in their thread

    def exchange(
        self,
        arrived: Sequence[tuple[int, bytes]],
        taken: Sequence[int],
        room: int,
        last: Outgoing | None,
    ) -> list[Outgoing]:
        """Carry envelopes between homes and DCC, as `embedded_homes.Exchange` says."""
        return self._thread.run_and_wait(lambda: self._exchange(arrived, taken, room, last))

    def blob(self, sha256: bytes) -> bytes | None:
        """The OTA file with this SHA-256."""

        def image() -> bytes | None:
            with self._ledger.view() as view:
                return view.image(sha256)

        return self._thread.run_and_wait(image)

    def released(self) -> frozenset[bytes]:
        """The Manufacturer Image Hashes on the Central Products List."""

        def hashes() -> frozenset[bytes]:
            with self._ledger.view() as view:
                return frozenset(entry.hash for entry in view.products())

        return self._thread.run_and_wait(hashes)

    # The process

    async def run(
        self, addresses: Addresses, homes: JoinedHomes, announce: Callable[[Ports], None]
    ) -> None:
        """Serve until SIGTERM or SIGINT; `announce` is called once everything listens.

        LocalError where an address cannot be used. What goes wrong in a part ends the whole.
        """
        with self._thread:
            async with AsyncExitStack() as running:
                stop = running.enter_context(stop_signals())
                pushing = PushClient(
                    self._push_outbox(), self._users, addresses.push_to, addresses.push_tls
                )
                parts = [
                    asyncio.create_task(stop.wait()),
                    asyncio.create_task(pushing.run()),
                    asyncio.create_task(_live(homes)),
                ]
                running.push_async_callback(_end, parts, homes)
                duis = duis_service(self._read, self._answer, lambda: self._ready(homes, pushing))
                smki = smki_service(self._directory, self._is_inventoried)
                duis_port, smki_port = [
                    await running.enter_async_context(
                        listening(app, addresses.host, port, addresses.tls)
                    )
                    for app, port in ((duis, addresses.duis_port), (smki, addresses.smki_port))
                ]
                await self._open_door(running)
                gc.freeze()  # what is here now stays: no need to look at it again and again
                announce(Ports(duis_port, smki_port))
                ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                for part in ended:
                    part.result()
                _log.info("stopping: what is in hand is finished")

    async def _open_door(self, running: AsyncExitStack) -> None:
        """Let operators in, as long as the process runs."""
        acts = OperatorActs(self._thread, self._shell, self._users, self._clock)
        secret = new_secret()
        service = operator_service(acts.by_name(), secret)
        port = await running.enter_async_context(listening(service, "127.0.0.1", 0))
        running.enter_context(door(self._state, port, secret))

    def _read(self, octets: bytes, service: WebService) -> ReadRequest:
        return read_request(
            octets,
            self._directory,
            self._clock.now_ms(),
            signature_check=self._signature_check,
            at=service,
        )

    async def _answer(self, reads: Sequence[ReadRequest]) -> list[bytes | RemoteError]:
        def answer() -> list[bytes | RemoteError]:
            now_ms = self._clock.now_ms()
            answers = self._shell.answer_read(reads, now_ms)
            self._answering_ms = max(self._answering_ms, self._clock.now_ms() - now_ms)
            return answers

        return await self._thread.run(answer)

    async def _is_inventoried(self, device_id: int) -> bool:
        def has() -> bool:
            with self._ledger.view() as view:
                return bool(view.devices([device_id]))

        return await self._thread.run(has)

    async def _ready(self, homes: JoinedHomes, pushing: PushClient) -> tuple[bool, dict[str, int]]:
        """Whether ledger and homes have answered lately, and what waits where."""
        queues = {
            "ledger_work": self._thread.waiting,
            "envelopes_to_hubs": homes.in_flight,
            "pushes_under_way": pushing.under_way,
            "homes_behind_ms": max(0, self._clock.now_ms() - homes.now_ms),
        }
        if time.monotonic() - self._exchanged_s > SYNC_ANSWER_MS_MAX / 1000:
            return False, queues
        return True, queues | {"outbox": await self._thread.run(self._outbox_depth)}

    def _outbox_depth(self) -> int:
        with self._ledger.view() as view:
            return view.outbox_depth()

    def _exchange(
        self,
        arrived: Sequence[tuple[int, bytes]],
        taken: Sequence[int],
        room: int,
        last: Outgoing | None,
    ) -> list[Outgoing]:
        now_ms = self._clock.now_ms()
        if arrived:
            _log.info("envelopes=%d hub=%s", len(arrived), eui_text(arrived[0][0]))
            self._shell.receive_wan(arrived, now_ms)
        if taken:
            self._shell.taken(taken)
        self._shell.scan_due(now_ms, LINK_BATCH_MESSAGES_MAX)
        self._exchanged_s = time.monotonic()
        return self._shell.outgoing_wan(room, last) if room > 0 else []

    def _push_outbox(self) -> PushOutbox:
        async def due(user_id: int, limit: int) -> list[Outgoing]:
            def find() -> list[Outgoing]:
                with self._ledger.view() as view:
                    due_ms = self._clock.now_ms() - self._answering_ms
                    return view.outbox_for(user_id, due_ms, limit)

            return await self._thread.run(find)

        async def taken(pushes: Sequence[Outgoing]) -> None:
            await self._thread.run(lambda: self._shell.taken(push.number for push in pushes))

        async def not_taken(push: Outgoing, status: int | None) -> object:
            return await self._thread.run(
                lambda: self._shell.not_taken(push, status, self._clock.now_ms())
            )

        return PushOutbox(due, taken, not_taken)


async def _live(homes: JoinedHomes) -> None:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="homes") as thread:
        await asyncio.get_running_loop().run_in_executor(thread, homes.run)


async def _end(parts: Sequence[asyncio.Task[object]], homes: JoinedHomes) -> None:
    """Let the parts end: pushes that are under way go out again, the homes finish their turn."""
    homes.stop()
    stopped, pushed, lived = parts
    for part in (stopped, pushed):
        part.cancel()
    await asyncio.gather(stopped, pushed, lived, return_exceptions=True)
