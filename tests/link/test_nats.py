"""The link over JetStream: what it makes, images, and NATS that ends in the middle of it."""

import asyncio
import hashlib
import logging

import pytest
from nats.js.errors import NotFoundError
from tests.nats_server import NatsServer, a_cluster

from hanota.link import nats as link_over_nats
from hanota.link.local import Message
from hanota.link.nats import Direction, LinkDownError, NatsLink, NatsReceiver
from hanota.link.nats_settings import NatsSettings

HUB, DCC = 1, 3
RETRY_MS = 300
IMAGE = bytes(range(256)) * 1_024


@pytest.fixture
def server(tmp_path):
    with NatsServer(tmp_path) as server:
        yield server


def message(number, body=b"x"):
    return Message(sender=HUB, receiver=DCC, number=number, body=body)


def on(server, course):
    """Run this with a link that is prepared, and a receiver."""

    async def whole():
        async with NatsLink(NatsSettings(server.url, retry_ms=RETRY_MS)) as link:
            await link.prepare()
            await course(link, await receiving(link))

    asyncio.run(whole())


async def receiving(link, direction=Direction.FROM_HUBS):
    receiver = NatsReceiver(link, direction)
    await receiver.prepare()
    return receiver


async def until_it_answers(act):
    """What the act gives once the link answers again."""
    for _ in range(100):
        try:
            return await act()
        except LinkDownError:
            await asyncio.sleep(0.1)
    raise AssertionError("the link did not come back")


def test_many_messages_travel_together(server):
    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, map(message, range(1_000)))
        info = await link._stream.stream_info("hanota-from-hubs")
        assert info.state.messages == 1
        assert len(await receiver.receive(1_000, 1)) == 1_000

    on(server, course)


def test_what_is_acknowledged_leaves_the_stream(server):
    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, [message(1), message(2)])
        await receiver.receive(10, 1)
        assert receiver.unacknowledged == 2
        await receiver.acknowledge([(HUB, 1)])
        assert (await link._stream.stream_info("hanota-from-hubs")).state.messages == 1
        await receiver.acknowledge([(HUB, 2)])
        # The server takes an acknowledgement in its own time; each question is a round trip.
        for _ in range(1_000):
            if (await link._stream.stream_info("hanota-from-hubs")).state.messages == 0:
                break
        else:
            pytest.fail("what is acknowledged is still in the stream")
        assert receiver.unacknowledged == 0

    on(server, course)


def test_directions_are_apart(server):
    async def course(link, receiver):
        await link.send(Direction.TO_HUBS, [message(1)])
        assert await receiver.receive(10, 0.1) == []

    on(server, course)


def test_a_worker_that_dies_before_it_acknowledges_loses_its_work_to_another(server):
    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, [message(1)])
        other = await receiving(link)
        assert await receiver.receive(10, 1) == [message(1)]
        assert await other.receive(10, 4 * RETRY_MS / 1000) == [message(1)]
        # The first lives after all, and acknowledges late: nobody gets it a third time.
        await other.acknowledge([(HUB, 1)])
        await receiver.acknowledge([(HUB, 1)])
        third = await receiving(link)
        assert await third.receive(10, 4 * RETRY_MS / 1000) == []

    on(server, course)


def test_what_comes_again_while_it_is_worked_on_is_not_handed_over_again(server):
    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, [message(1)])
        assert await receiver.receive(10, 1) == [message(1)]
        assert await receiver.receive(10, 4 * RETRY_MS / 1000) == []
        await receiver.acknowledge([(HUB, 1)])
        assert await receiver.receive(10, 4 * RETRY_MS / 1000) == []

    on(server, course)


def test_a_server_that_is_killed_loses_nothing(server):
    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, map(message, (1, 2)))
        assert len(await receiver.receive(1, 1)) == 1
        server.kill()
        with pytest.raises(LinkDownError, match="does not answer"):
            await link.send(Direction.FROM_HUBS, [message(3)])
        server.start()
        await until_it_answers(lambda: link.send(Direction.FROM_HUBS, [message(3)]))
        other = await until_it_answers(lambda: receiving(link))
        received = set()
        for _ in range(20):
            received |= {each.number for each in await other.receive(10, 0.5)}
            if received == {1, 2, 3}:
                return
        raise AssertionError(received)

    on(server, course)


def test_a_server_that_lost_everything_is_prepared_again(server):
    async def course(link, receiver):
        server.kill()
        server.wipe()
        server.start()
        with pytest.raises(LinkDownError):
            await ask_a_hundred_times(receiver)
        await until_it_answers(link.prepare)
        receiver = await until_it_answers(lambda: receiving(link))
        await link.send(Direction.FROM_HUBS, [message(1)])
        assert await receiver.receive(10, 5) == [message(1)]

    on(server, course)


def test_a_stream_that_is_full_takes_no_more_until_there_is_room(server, monkeypatch):
    monkeypatch.setattr(link_over_nats, "LINK_STREAM_OCTETS_MAX", 100_000)

    async def course(link, receiver):
        await link.send(Direction.FROM_HUBS, [message(1, bytes(90_000))])
        with pytest.raises(LinkDownError, match="maximum bytes"):
            await link.send(Direction.FROM_HUBS, [message(2, bytes(90_000))])
        await receiver.receive(10, 1)
        await receiver.acknowledge([(HUB, 1)])
        await until_it_answers(lambda: link.send(Direction.FROM_HUBS, [message(2, bytes(90_000))]))

    on(server, course)


@pytest.mark.parametrize("octets", [b"", b"nothing of ours", b"\x91\x80", b"\xc1"])
def test_what_is_no_batch_is_dropped_and_stops_nobody(server, octets, caplog):
    async def course(link, receiver):
        await link._stream.publish("hanota.from-hubs", octets)
        await link.send(Direction.FROM_HUBS, [message(1)])
        received = []
        while not received:
            received = await receiver.receive(10, 1)
        assert received == [message(1)]
        await receiver.acknowledge([(HUB, 1)])
        other = await receiving(link)
        assert await other.receive(10, 4 * RETRY_MS / 1000) == []

    with caplog.at_level(logging.ERROR, "hanota"):
        on(server, course)
    assert "is none of ours" in caplog.text


async def ask_a_hundred_times(receiver):
    for _ in range(100):
        await receiver.receive(10, 0.1)


# --- Images ---


def test_an_image_is_kept_under_its_hash(server):
    sha256 = hashlib.sha256(IMAGE).digest()

    async def course(link, _receiver):
        assert await link.image(sha256) is None
        assert await link.image_labels() == frozenset()
        await link.put_image(IMAGE, "a label")
        await link.put_image(IMAGE, "a label")
        await link.put_image(IMAGE[1:], "another")
        assert await link.image(sha256) == IMAGE
        assert await link.image_labels() == {"a label", "another"}

    on(server, course)


def test_an_image_that_is_another_is_none(server):
    async def course(link, _receiver):
        images = await link._stream.object_store("hanota-images")
        await images.put("00" * 32, b"not what its name says")
        assert await link.image(bytes(32)) is None

    on(server, course)


def test_before_it_is_prepared_there_is_nothing(server):
    async def course():
        async with NatsLink(NatsSettings(server.url)) as link:
            with pytest.raises(LinkDownError):
                await link.send(Direction.TO_HUBS, [message(1)])
            with pytest.raises(LinkDownError):
                await receiving(link, Direction.TO_HUBS)
            with pytest.raises(NotFoundError):
                await link._stream.stream_info("hanota-to-hubs")

    asyncio.run(course())


# --- Three nodes ---


def test_one_of_three_nodes_may_be_lost_with_everything_on_it(tmp_path):
    async def course(nodes):
        urls = ",".join(node.url for node in nodes)
        async with NatsLink(NatsSettings(urls, replicas=3, retry_ms=RETRY_MS)) as link:
            await until_it_answers(link.prepare)
            receiver = NatsReceiver(link, Direction.FROM_HUBS)
            await until_it_answers(receiver.prepare)
            await until_it_answers(lambda: link.send(Direction.FROM_HUBS, [message(1)]))
            await until_it_answers(lambda: link.put_image(IMAGE, "a label"))
            nodes[0].kill()
            nodes[0].wipe()
            await until_it_answers(lambda: link.send(Direction.FROM_HUBS, [message(2)]))
            nodes[0].start()
            received = set()
            while received != {1, 2}:
                arrived = await until_it_answers(lambda: receiver.receive(10, 1))
                received |= {each.number for each in arrived}
            sha256 = hashlib.sha256(IMAGE).digest()
            assert await until_it_answers(lambda: link.image(sha256)) == IMAGE

    with a_cluster(tmp_path) as nodes:
        asyncio.run(asyncio.wait_for(course(nodes), 120))
