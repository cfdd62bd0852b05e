"""The DCC's end of a link to homes elsewhere: what it takes, gives, and does without the link."""

import asyncio
import hashlib
import threading

import pytest
from tests.cli.a_scripted_dcc import free_port
from tests.dcc.samples import ACB, HUB_ID, NOW_MS, SUPPLIER, image
from tests.nats_server import NatsServer

from hanota.link import nats as link_over_nats
from hanota.link.local import Message
from hanota.link.nats import Direction, NatsLink, NatsReceiver
from hanota.link.nats_settings import NatsSettings
from hanota.model import DeviceType, RequestID
from hanota.rows import Outgoing
from hanota.serve.clock import Clock
from hanota.serve.homes_elsewhere import HomesElsewhere
from hanota.wire import wan
from hanota.wire.image import encode_image, manufacturer_image_hash

RETRY_MS = 300
PPMID = image(DeviceType.PPMID)
IMAGE = encode_image(PPMID)
SHA256 = hashlib.sha256(IMAGE).digest()


@pytest.fixture
def server(tmp_path):
    with NatsServer(tmp_path) as server:
        yield server


def envelope(number):
    request_id = RequestID(SUPPLIER, ACB, number)
    body = wan.encode(
        wan.DeliverImage(request_id=request_id, device_ids=(HUB_ID + 2,), image_sha256=SHA256)
    )
    return Outgoing(number, HUB_ID, body, 0, 0)


class ADcc:
    """What the DCC makes of exchanges: an outbox, what arrived, and an end when it has seen all."""

    def __init__(self, is_done, outbox=(), fails_at=None):
        self.outbox = list(outbox)
        self.arrived = []
        self.exchanges = 0
        self._is_done = is_done
        self._fails_at = fails_at

    def exchange(self, arrived, taken, room, last):
        assert last is None
        self.exchanges += 1
        if arrived and self._fails_at is not None:
            raise self._fails_at
        self.arrived += arrived
        self.outbox = [each for each in self.outbox if each.number not in taken]
        if self._is_done(self):
            self.homes.stop()
        return self.outbox[:room]

    def run(self, url):
        self.homes = HomesElsewhere(
            NatsSettings(url, retry_ms=RETRY_MS),
            Clock(NOW_MS),
            self.exchange,
            {SHA256: IMAGE}.get,
            ACB,
        )
        timer = threading.Timer(60, self.homes.stop)
        timer.start()
        try:
            self.homes.run()
            assert timer.is_alive()
        finally:
            timer.cancel()


def on(server, act):
    """What the homes' end of the link gives."""

    async def whole():
        async with NatsLink(NatsSettings(server.url, retry_ms=RETRY_MS)) as link:
            await link.prepare()
            return await act(link)

    return asyncio.run(whole())


async def received(link):
    receiver = NatsReceiver(link, Direction.TO_HUBS)
    await receiver.prepare()
    messages = await receiver.receive(1_000, 5)
    await receiver.acknowledge([(each.sender, each.number) for each in messages])
    return messages


def sends(*messages):
    return lambda link: link.send(Direction.FROM_HUBS, messages)


def test_an_envelope_leaves_the_outbox_when_the_link_has_it_and_its_image(server):
    dcc = ADcc(lambda dcc: not dcc.outbox, [envelope(1), envelope(2)])
    dcc.run(server.url)

    async def look(link):
        return await received(link), await link.image(SHA256), await link.image_labels()

    messages, octets, labels = on(server, look)
    assert {each.number for each in messages} == {1, 2}
    assert messages[0] == Message(ACB, HUB_ID, 1, envelope(1).body)
    assert octets == IMAGE
    assert labels == {manufacturer_image_hash(PPMID).hex()}


def test_an_envelope_that_is_malformed_is_carried_as_it_is(server):
    dcc = ADcc(lambda dcc: not dcc.outbox, [Outgoing(1, HUB_ID, b"no envelope", 0, 0)])
    dcc.run(server.url)
    assert [each.body for each in on(server, received)] == [b"no envelope"]


def test_what_hubs_have_sent_arrives_once_it_is_recorded_it_is_gone(server):
    on(server, sends(Message(HUB_ID, ACB, 7, b"told")))
    dcc = ADcc(lambda dcc: dcc.arrived)
    dcc.run(server.url)
    assert dcc.arrived == [(HUB_ID, b"told")]
    again = ADcc(lambda dcc: dcc.exchanges > 2 * RETRY_MS // 50)
    again.run(server.url)
    assert again.arrived == []


def test_what_was_not_recorded_comes_again_to_the_next_process(server):
    on(server, sends(Message(HUB_ID, ACB, 7, b"told")))
    with pytest.raises(ZeroDivisionError):
        ADcc(lambda _: False, fails_at=ZeroDivisionError()).run(server.url)
    dcc = ADcc(lambda dcc: dcc.arrived)
    dcc.run(server.url)
    assert dcc.arrived == [(HUB_ID, b"told")]


def test_without_the_link_the_outbox_waits_and_what_is_due_is_done(monkeypatch):
    monkeypatch.setattr(link_over_nats, "LINK_CONNECT_S", 0.1)
    dcc = ADcc(lambda dcc: dcc.exchanges == 2, [envelope(1)])
    dcc.run(f"nats://127.0.0.1:{free_port()}")
    assert [each.number for each in dcc.outbox] == [1]
