"""The link between a DCC and homes in other processes: NATS JetStream.

One stream a direction, an object store for images, all of them made here. A message of JetStream
carries many envelopes; its receiver acknowledges it when all of them are recorded, and what is not
acknowledged within `retry_ms` is handed over again, to whichever worker asks next. So an envelope
comes at least once, as on every link.

What `send` has taken is on the disks of JetStream, which answers for it: a sender may forget it.
On one node that is as safe as that node's disk (`sync_interval: always` in its configuration), with
three replicas one node may be lost with everything on it. A stream that is full refuses more, and
then the sender's outbox waits.

Not here: what envelopes say, and when to try again after LinkDownError (`serve`).
"""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Self

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    ConsumerConfig,
    DiscardPolicy,
    ObjectMeta,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from hanota.errors import LocalError
from hanota.limits import (
    LINK_BATCH_OCTETS_MAX,
    LINK_CONNECT_S,
    LINK_FETCH_MAX,
    LINK_STREAM_OCTETS_MAX,
    LINK_UNACKNOWLEDGED_MAX,
)
from hanota.link.local import Message
from hanota.link.nats_settings import NatsSettings

_log = logging.getLogger(__name__)

_IMAGES = "hanota-images"
_Key = tuple[int, int]  # sender and number of a message
_Batch = tuple[int, datetime]  # number of a batch in its stream, and when it came there


class Direction(StrEnum):
    """Which way messages go; each is a stream."""

    TO_HUBS = "to-hubs"
    FROM_HUBS = "from-hubs"


class LinkDownError(LocalError):
    """NATS did not do what it was asked: try again later."""


class NatsLink:
    """A connection to NATS, from within `async with`; LinkDownError where it does not answer.

    A connection that was lost is made again by itself, as often as need be.
    """

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client = Client()
        self._stream: JetStreamContext

    async def __aenter__(self) -> Self:
        with self.in_our_words():
            try:
                async with asyncio.timeout(LINK_CONNECT_S):
                    await self._client.connect(
                        servers=self._settings.url.split(","),
                        error_cb=_tell,
                        name="hanota",
                        connect_timeout=LINK_CONNECT_S,
                        reconnect_time_wait=1,
                        max_reconnect_attempts=-1,
                    )
            except TimeoutError:
                await self._client.close()
                raise
        self._stream = self._client.jetstream()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def prepare(self) -> None:
        """Make the streams and the object store, where they are not there yet."""
        with self.in_our_words():
            for direction in Direction:
                await self._stream.add_stream(
                    StreamConfig(
                        name=_name(direction),
                        subjects=[_subject(direction)],
                        retention=RetentionPolicy.WORK_QUEUE,
                        storage=StorageType.FILE,
                        discard=DiscardPolicy.NEW,
                        max_bytes=LINK_STREAM_OCTETS_MAX,
                        num_replicas=self._settings.replicas,
                    )
                )
            await self._stream.create_object_store(
                _IMAGES, storage=StorageType.FILE, replicas=self._settings.replicas
            )

    async def send(self, direction: Direction, messages: Iterable[Message]) -> None:
        """Take these messages, all of them when this returns, in their order."""
        with self.in_our_words():
            for octets in _batches(messages):
                await self._stream.publish(
                    _subject(direction), octets, timeout=LINK_CONNECT_S, stream=_name(direction)
                )

    async def subscribe(self, direction: Direction) -> JetStreamContext.PullSubscription:
        """For a receiver: where messages of this direction are asked for."""
        config = ConsumerConfig(
            ack_wait=self._settings.retry_ms / 1000,
            max_ack_pending=LINK_UNACKNOWLEDGED_MAX,
            num_replicas=self._settings.replicas,
        )
        with self.in_our_words():
            return await self._stream.pull_subscribe(
                _subject(direction), _WORKERS, _name(direction), config
            )

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        """Turn what NATS raises inside into LinkDownError."""
        try:
            yield
        except (nats.errors.Error, TimeoutError, OSError) as fault:
            told = " ".join(str(fault).split()) or type(fault).__name__
            url = self._settings.url.rpartition("@")[2]
            raise LinkDownError(f"the link {url} does not answer: {told}") from fault

    async def put_image(self, octets: bytes, label: str) -> None:
        """Keep an OTA file under its SHA-256; `label` is what is to be known of it without it."""
        name = hashlib.sha256(octets).hexdigest()
        with self.in_our_words():
            images = await self._stream.object_store(_IMAGES)
            try:
                await images.get_info(name)
            except NotFoundError:
                await images.put(name, octets, ObjectMeta(name=name, description=label))

    async def image(self, sha256: bytes) -> bytes | None:
        """The OTA file with this SHA-256, None where it is not here."""
        with self.in_our_words():
            images = await self._stream.object_store(_IMAGES)
            try:
                octets = (await images.get(sha256.hex())).data
            except NotFoundError:
                return None
        return octets if hashlib.sha256(octets or b"").digest() == sha256 else None

    async def image_labels(self) -> frozenset[str]:
        """The labels of all images."""
        with self.in_our_words():
            images = await self._stream.object_store(_IMAGES)
            try:
                found = await images.list()
            except NotFoundError:
                return frozenset()
        return frozenset(each.description for each in found if each.description)


class NatsReceiver:
    """One of those who take the messages of a direction, which are shared among them.

    To be prepared before anything else, and the link before it.
    """

    def __init__(self, link: NatsLink, direction: Direction) -> None:
        self._link = link
        self._direction = direction
        self._subscription: JetStreamContext.PullSubscription
        self._arrived: deque[Message] = deque()
        # Of each batch that is not acknowledged: what of it is not, and where it is said.
        self._waiting: dict[_Batch, set[_Key]] = {}
        self._batches: dict[_Batch, Msg] = {}
        self._batches_of: dict[_Key, set[_Batch]] = {}

    @property
    def unacknowledged(self) -> int:
        """Messages that were handed over, or are about to be, and are not acknowledged."""
        return len(self._batches_of)

    async def prepare(self) -> None:
        """Begin, or go on where the link has lost what was made for this."""
        self._subscription = await self._link.subscribe(self._direction)

    async def receive(self, limit: int, timeout_s: float) -> list[Message]:
        """Up to `limit` messages, oldest first; none where none comes within `timeout_s`.

        One that this receiver has and has not acknowledged is not given to it again.
        """
        if not self._arrived:
            with self._link.in_our_words():
                for message in await self._fetch(timeout_s):
                    await self._open(message)
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def acknowledge(self, keys: Iterable[_Key]) -> None:
        """These, each (sender, number), are recorded and are not handed over again.

        One that is acknowledged twice, or never came, counts for nothing.
        """
        done: list[Msg] = []
        for key in keys:
            for batch in self._batches_of.pop(key, ()):
                waiting = self._waiting[batch]
                waiting.discard(key)
                if not waiting:
                    del self._waiting[batch]
                    done.append(self._batches.pop(batch))
        with self._link.in_our_words():
            for message in done:
                await message.ack()

    async def _fetch(self, timeout_s: float) -> list[Msg]:
        try:
            return await self._subscription.fetch(LINK_FETCH_MAX, timeout=timeout_s)
        except TimeoutError:  # that of nats-py is one
            return []

    async def _open(self, message: Msg) -> None:
        sequence = message.metadata.sequence.stream
        # A stream that was lost begins to count anew.
        batch = (sequence, message.metadata.timestamp)
        is_known = batch in self._batches
        self._batches[batch] = message
        if is_known:
            return
        try:
            messages = _DECODER.decode(message.data)
        except msgspec.DecodeError as fault:
            _log.error("batch=%d on the link is none of ours and is dropped: %s", sequence, fault)
            del self._batches[batch]
            await message.term()
            return
        self._waiting[batch] = {(each.sender, each.number) for each in messages}
        for each in messages:
            key = (each.sender, each.number)
            if key not in self._batches_of:
                self._arrived.append(each)
            self._batches_of.setdefault(key, set()).add(batch)


_WORKERS = "workers"
_DECODER = msgspec.msgpack.Decoder(list[Message])


def _name(direction: Direction) -> str:
    return f"hanota-{direction}"


def _subject(direction: Direction) -> str:
    return f"hanota.{direction}"


def _batches(messages: Iterable[Message]) -> Iterator[bytes]:
    """Messages as octets, as many together as LINK_BATCH_OCTETS_MAX allows, one at the least."""
    batch: list[Message] = []
    octets = 0
    for message in messages:
        if batch and octets + len(message.body) > LINK_BATCH_OCTETS_MAX:
            yield _encoded(batch)
            batch, octets = [], 0
        batch.append(message)
        octets += len(message.body) + _AROUND_A_BODY
    if batch:
        yield _encoded(batch)


def _encoded(batch: Sequence[Message]) -> bytes:
    return msgspec.msgpack.encode(batch)


# Names and numbers of a message in a batch: more than they take.
_AROUND_A_BODY = 80


async def _tell(fault: Exception) -> None:
    _log.warning("link: %s", " ".join(str(fault).split()) or type(fault).__name__)
