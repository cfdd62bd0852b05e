"""What every link promises, shown on each of them."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.nats_server import NatsServer

from hanota.limits import WAN_OCTETS_MAX
from hanota.link.local import LocalLink, Message
from hanota.link.nats import Direction, NatsLink, NatsReceiver
from hanota.link.nats_settings import NatsSettings

HUB, OTHER_HUB, DCC = 1, 2**64 - 1, 3
RETRY_MS = 300


def message(number, body=b"x", sender=HUB):
    return Message(sender=sender, receiver=DCC, number=number, body=body)


class Local:
    """The link inside one process, in time of its own."""

    def __init__(self):
        self._link = LocalLink(latency_ms=100, retry_ms=RETRY_MS)
        self._now_ms = 0

    async def send(self, *messages):
        for each in messages:
            self._link.send(each, self._now_ms)
        self._now_ms += 100

    async def receive(self, limit=1_000):
        return self._link.receive(self._now_ms, limit)

    async def acknowledge(self, *messages):
        for each in messages:
            self._link.acknowledge(each)

    async def another_receiver(self):
        """The one that received is dead, and its time is over."""
        self._now_ms += RETRY_MS


class Nats:
    """The link over JetStream, in the time of the machine."""

    def __init__(self, link):
        self._link = link

    async def send(self, *messages):
        await self._link.send(Direction.FROM_HUBS, messages)

    async def receive(self, limit=1_000):
        # Long enough for what would be handed over again.
        return await self._receiver.receive(limit, 4 * RETRY_MS / 1000)

    async def acknowledge(self, *messages):
        await self._receiver.acknowledge([(each.sender, each.number) for each in messages])

    async def another_receiver(self):
        self._receiver = NatsReceiver(self._link, Direction.FROM_HUBS)
        await self._receiver.prepare()


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory):
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@asynccontextmanager
async def local(_request):
    yield Local()


@asynccontextmanager
async def over_nats(request):
    server = request.getfixturevalue("nats_server")
    async with NatsLink(NatsSettings(server.url, retry_ms=RETRY_MS)) as connected:
        await connected.prepare()
        link = Nats(connected)
        await link.another_receiver()
        yield link
        # The next test begins with nothing under way.
        while left := await link.receive():
            await link.acknowledge(*left)


@pytest.fixture(params=[local, over_nats], ids=["local", "nats"])
def on_a_link(request):
    """Runs what it is given on a link."""

    def run(course):
        async def whole():
            async with request.param(request) as link:
                await course(link)

        asyncio.run(whole())

    return run


def test_a_message_stays_until_it_is_acknowledged(on_a_link):
    async def course(link):
        await link.send(message(1))
        assert await link.receive() == [message(1)]
        await link.another_receiver()
        assert await link.receive() == [message(1)]
        await link.acknowledge(message(1))
        await link.another_receiver()
        assert await link.receive() == []

    on_a_link(course)


def test_order_and_limit_are_kept(on_a_link):
    async def course(link):
        await link.send(*map(message, range(5)))
        assert [each.number for each in await link.receive(3)] == [0, 1, 2]
        assert [each.number for each in await link.receive(3)] == [3, 4]
        await link.acknowledge(*map(message, range(5)))

    on_a_link(course)


def test_what_was_not_acknowledged_of_many_comes_again(on_a_link):
    async def course(link):
        await link.send(*map(message, range(4)))
        assert len(await link.receive()) == 4
        await link.acknowledge(message(1), message(3))
        await link.another_receiver()
        again = {each.number for each in await link.receive()}
        assert again >= {0, 2}
        await link.acknowledge(*map(message, again))
        await link.another_receiver()
        assert await link.receive() == []

    on_a_link(course)


def test_a_message_sent_again_while_under_way_is_handed_over_once(on_a_link):
    async def course(link):
        await link.send(message(1))
        await link.send(message(1))
        assert await link.receive() == [message(1)]
        await link.acknowledge(message(1))
        await link.another_receiver()
        assert await link.receive() == []

    on_a_link(course)


def test_the_same_number_of_another_sender_is_another_message(on_a_link):
    async def course(link):
        both = [message(1), message(1, b"y", OTHER_HUB)]
        await link.send(*both)
        assert await link.receive() == both
        await link.acknowledge(*both)

    on_a_link(course)


def test_an_acknowledgement_twice_or_of_nothing_changes_nothing(on_a_link):
    async def course(link):
        await link.send(message(1), message(2))
        assert len(await link.receive()) == 2
        await link.acknowledge(message(7), message(1))
        await link.acknowledge(message(1))
        await link.another_receiver()
        assert message(2) in await link.receive()
        await link.acknowledge(message(2), message(1))

    on_a_link(course)


def test_the_largest_messages_arrive_whole(on_a_link):
    async def course(link):
        sent = [message(number, bytes([number]) * WAN_OCTETS_MAX) for number in range(5)]
        await link.send(*sent)
        received = []
        while len(received) < 5:
            received += await link.receive()
        assert received == sent
        await link.acknowledge(*sent)

    on_a_link(course)


def test_nothing_sent_is_nothing_received(on_a_link):
    async def course(link):
        await link.send()
        assert await link.receive() == []

    on_a_link(course)
