"""The DCC's end of a link to homes in other processes, in a thread of its own.

It takes the place of the homes that are in the DCC's process (`embedded_homes`), and exchanges with
the DCC in the same way: what hubs have sent is recorded before the link forgets it, and an envelope
leaves the outbox once the link has taken it. So a link that is down stops nothing but itself: the
outbox waits, and what hubs have sent waits in the link or with them.

Not here: the homes' end (`homes_process`).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from hanota.errors import RemoteError
from hanota.limits import EXCHANGE_PERIOD_REAL_MS, LINK_BATCH_MESSAGES_MAX, LINK_REST_MS
from hanota.link.local import Message
from hanota.link.nats import Direction, LinkDownError, NatsLink, NatsReceiver
from hanota.link.nats_settings import NatsSettings
from hanota.rows import Outgoing
from hanota.serve.clock import Clock
from hanota.serve.embedded_homes import Exchange
from hanota.wire import wan
from hanota.wire.image import decode_image, manufacturer_image_hash

_log = logging.getLogger(__name__)


class HomesElsewhere:
    """Exchanges with homes over NATS until it is told to stop.

    Args:
        settings: of the link.
        clock: what time it is.
        exchange: with the DCC.
        image: the OTA file with a SHA-256, as the DCC has it.
        dcc_id: what the link calls the DCC.
    """

    def __init__(
        self,
        settings: NatsSettings,
        clock: Clock,
        exchange: Exchange,
        image: Callable[[bytes], bytes | None],
        dcc_id: int,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._exchange = exchange
        self._image = image
        self._dcc_id = dcc_id
        self._stopped = threading.Event()
        self._sent: list[int] = []
        self._images: set[bytes] = set()  # that the link has
        self.in_flight = 0  # envelopes that the link has not said to have taken

    @property
    def now_ms(self) -> int:
        """How far they are: they have their own time."""
        return self._clock.now_ms()

    def stop(self) -> None:
        """Let `run` end after the turn that it is in."""
        self._stopped.set()

    def run(self) -> None:
        """Exchange until stopped; to be called in a thread of its own."""
        asyncio.run(self._live())
        self._settle()

    async def _live(self) -> None:
        while not self._stopped.is_set():
            try:
                async with NatsLink(self._settings) as link:
                    await self._take_turns(link)
            except LinkDownError as fault:
                _log.warning("%s", fault)
                self._images.clear()  # it may have lost them
                self._settle()
                await asyncio.sleep(LINK_REST_MS / 1000)

    async def _take_turns(self, link: NatsLink) -> None:
        receiver = NatsReceiver(link, Direction.FROM_HUBS)
        await link.prepare()
        await receiver.prepare()
        while not self._stopped.is_set():
            await self._turn(link, receiver)

    async def _turn(self, link: NatsLink, receiver: NatsReceiver) -> None:
        arrived = await receiver.receive(LINK_BATCH_MESSAGES_MAX, EXCHANGE_PERIOD_REAL_MS / 1000)
        page = self._exchange(
            [(each.sender, each.body) for each in arrived],
            self._sent,
            LINK_BATCH_MESSAGES_MAX,
            None,
        )
        self._sent = []
        self.in_flight = len(page)
        await receiver.acknowledge([(each.sender, each.number) for each in arrived])
        await self._send_images(link, page)
        messages = [Message(self._dcc_id, each.receiver, each.number, each.body) for each in page]
        await link.send(Direction.TO_HUBS, messages)
        self._sent = [each.number for each in page]

    def _settle(self) -> None:
        """Tell the DCC what the link has taken, and let it do what is due, without the link."""
        self._exchange([], self._sent, 0, None)
        self._sent, self.in_flight = [], 0

    async def _send_images(self, link: NatsLink, page: Sequence[Outgoing]) -> None:
        """See that the link has every image before an envelope names it."""
        for sha256 in {_image_of(each.body) for each in page} - self._images:
            octets = None if sha256 is None else self._image(sha256)
            if octets is not None and sha256 is not None:
                label = manufacturer_image_hash(decode_image(octets)).hex()
                await link.put_image(octets, label)
                self._images.add(sha256)


def _image_of(envelope: bytes) -> bytes | None:
    """The SHA-256 of the image that an envelope is about."""
    try:
        message = wan.decode(envelope)
    except RemoteError:
        return None
    match message:
        case wan.DeliverImage(image_sha256=sha256) | wan.UpdateHub(image_sha256=sha256):
            return sha256
        case _:
            return None
