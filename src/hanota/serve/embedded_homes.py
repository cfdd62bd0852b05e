"""Homes in the process of their DCC, in a thread of their own, and the WAN between the two.

Each turn the homes live on to the present, what has changed in their flash is kept, and only then
is what they sent exchanged with the DCC. Messages take WAN_LATENCY_MS of the process's time and
come again until they are acknowledged. What was under way when the process ended comes again from
the outbox at either end.

Not here: the DCC's end of the exchange, which is in the thread of its ledger (`dcc_process`).
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from hanota.limits import (
    EXCHANGE_PERIOD_REAL_MS,
    LINK_BATCH_MESSAGES_MAX,
    LINK_RETRY_MS,
    WAN_IN_FLIGHT_MAX,
    WAN_LATENCY_MS,
)
from hanota.link.local import LocalLink, Message
from hanota.rows import Outgoing
from hanota.serve.clock import Clock
from hanota.serve.flash_store import FlashStore
from hanota.serve.homes import Homes, RadioDepth

_log = logging.getLogger(__name__)

# What hubs have sent, the numbers of what hubs have taken, and how many envelopes for hubs may be
# given from behind the last one: gives these. All are recorded when it returns.
Exchange = Callable[
    [Sequence[tuple[int, bytes]], Sequence[int], int, Outgoing | None], list[Outgoing]
]


class EmbeddedHomes:
    """Runs homes until it is told to stop.

    Args:
        install: puts all nodes into homes that are empty.
        store: keeps their flash.
        clock: what time it is.
        exchange: with the DCC.
        dcc_id: what the links call the DCC.
        depth: of the radio.
    """

    def __init__(
        self,
        install: Callable[[Homes], None],
        store: FlashStore,
        clock: Clock,
        exchange: Exchange,
        dcc_id: int,
        *,
        depth: RadioDepth = RadioDepth.FRAMES,
    ) -> None:
        self._to_hubs = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self._from_hubs = LocalLink(latency_ms=WAN_LATENCY_MS, retry_ms=LINK_RETRY_MS)
        self._dcc_id = dcc_id
        self._clock = clock
        self._exchange = exchange
        self._store = store
        self._stopped = threading.Event()
        self._last: Outgoing | None = None
        self._is_slow = False
        self.in_flight = 0  # envelopes on the way to hubs
        self.homes = Homes(
            now_ms=clock.now_ms(), wan=self._take_from_hub, depth=depth, power_fails=store.watch
        )
        install(self.homes)
        self.restored = store.restore(self.homes.flash)

    @property
    def now_ms(self) -> int:
        """How far the homes have got."""
        return self.homes.now_ms

    def stop(self) -> None:
        """Let `run` end after the turn that it is in."""
        self._stopped.set()

    def run(self) -> None:
        """Live until stopped; to be called in a thread of its own."""
        while not self._stopped.wait(EXCHANGE_PERIOD_REAL_MS / 1000):
            self.turn()
        self._store.keep(self.homes.flash, self.homes.now_ms)

    def turn(self) -> None:
        """Bring the homes up to the present, or a part of the way where they are behind."""
        # So a turn stays short, and the DCC hears of them, however far behind they are.
        step_ms = max(1, round(2 * EXCHANGE_PERIOD_REAL_MS * self._clock.speed))
        self.homes.run_until(min(self._clock.now_ms(), self.homes.now_ms + step_ms))
        now_ms = self.homes.now_ms
        for message in self._to_hubs.receive(now_ms, LINK_BATCH_MESSAGES_MAX):
            if self.homes.receive_wan(message.receiver, message.body):
                self._to_hubs.acknowledge(message)
        self._store.keep(self.homes.flash, now_ms)
        self._exchange_with_dcc(now_ms)
        self._tell_slowness(waited=self._clock.reached(now_ms))

    def _exchange_with_dcc(self, now_ms: int) -> None:
        arrived = self._from_hubs.receive(now_ms, LINK_BATCH_MESSAGES_MAX)
        taken = [number for _, number in self._to_hubs.acknowledged()]
        room = min(LINK_BATCH_MESSAGES_MAX, WAN_IN_FLIGHT_MAX - self.in_flight + len(taken))
        page = self._exchange(
            [(message.sender, message.body) for message in arrived], taken, room, self._last
        )
        self.in_flight += len(page) - len(taken)
        for message in arrived:
            self._from_hubs.acknowledge(message)
        self._tell_hubs(self._from_hubs.acknowledged())
        for sent in page:
            message = Message(self._dcc_id, sent.receiver, sent.number, sent.body)
            self._to_hubs.send(message, now_ms)
        self._last = page[-1] if page else self._last

    def _tell_hubs(self, acknowledged: Iterable[tuple[int, int]]) -> None:
        for hub_id, number in acknowledged:
            self.homes.wan_acknowledged(hub_id, number)

    def _take_from_hub(self, hub_id: int, number: int, body: bytes) -> None:
        self._from_hubs.send(Message(hub_id, self._dcc_id, number, body), self.homes.now_ms)

    def _tell_slowness(self, *, waited: bool) -> None:
        if waited and not self._is_slow:
            _log.warning(
                "the homes cannot keep up with speed %g: time waits for them", self._clock.speed
            )
        self._is_slow = waited
