"""Two ends of a tunnel and a radio that loses, doubles and reorders."""

import random

import pytest
from tests.han.a_node import ANode

from hanota.han.gbcs_tunnel import GbcsTunnel
from hanota.han.outbox import Outbox
from hanota.limits import TUNNEL_RETRY_S, TUNNEL_RETRY_S_MAX
from hanota.wire import tunnel
from hanota.wire.tunnel import MessageChunk
from hanota.wire.zcl import Direction

TOKEN = "tunnel"
DEVICE, HUB = 1, 2


class End(ANode):
    def __init__(self, peer, direction, flash=None):
        super().__init__(flash)
        self.end = GbcsTunnel(peer, direction, Outbox(TOKEN, self.flash.records), TOKEN)
        self.got = []

    def add(self, message):
        self.flash.record(self.end.add(message))
        return self.do(self.end.send(self.now_ms))

    def hear(self, message):
        """What the peer is told in answer."""
        if not isinstance(message, MessageChunk):
            return self.do(self.end.receive_receipt(message, self.now_ms))
        whole = self.end.receive_chunk(message)
        if whole is None:
            return []
        self.got.append(whole)
        return self.do((self.end.receipt(message),))

    def again(self):
        at_ms = self.wakes.pop(TOKEN)
        waited_ms, self.now_ms = at_ms - self.now_ms, at_ms
        return self.do(self.end.repeat(at_ms)), waited_ms


def ends():
    return End(HUB, Direction.TO_SERVER), End(DEVICE, Direction.TO_CLIENT)


def test_a_message_goes_over_and_is_forgotten_with_its_receipt():
    device, hub = ends()
    message = bytes(range(200))
    (receipt,) = [answer for chunk in device.add(message) for answer in hub.hear(chunk)]
    assert hub.got == [message]
    assert device.hear(receipt) == []
    assert device.hear(receipt) == []
    assert not any(key.startswith("tunnel/") for key in device.flash.records)
    assert device.again() == ([], TUNNEL_RETRY_S * 1000)


def test_without_a_receipt_it_goes_again_and_again_ever_less_often():
    device, _ = ends()
    first = device.add(b"message")
    waits = []
    for _ in range(12):
        said, waited_ms = device.again()
        waits.append(waited_ms // 1000)
        assert [chunk.identity for chunk in said] == [chunk.identity for chunk in first]
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == TUNNEL_RETRY_S_MAX


def test_it_goes_again_after_a_power_cut():
    device, hub = ends()
    device.add(b"one")
    device.add(b"two")
    device = End(HUB, Direction.TO_SERVER, device.flash)
    (chunk,) = device.do(device.end.send(0))
    (receipt,) = hub.hear(chunk)
    (chunk,) = device.hear(receipt)
    (receipt,) = hub.hear(chunk)
    assert device.hear(receipt) == []
    assert hub.got == [b"one", b"two"]


def test_a_message_that_waits_is_not_taken_twice():
    device, _ = ends()
    device.add(b"one")
    device.add(b"one")
    assert [key for key in device.flash.records if key.startswith("tunnel/")] == ["tunnel/1"]


def test_a_receipt_of_another_message_removes_nothing():
    device, hub = ends()
    assert device.hear(tunnel.MessageReceipt(0, Direction.TO_CLIENT, 1, 1, 0)) == []
    (chunk,) = device.add(b"one")
    (receipt,) = hub.hear(chunk)
    for wrong in (
        tunnel.MessageReceipt(0, Direction.TO_CLIENT, 1, receipt.number, receipt.check ^ 1),
        tunnel.MessageReceipt(0, Direction.TO_CLIENT, 1, receipt.number + 1, receipt.check),
    ):
        assert device.hear(wrong) == []
        assert "tunnel/1" in device.flash.records


@pytest.mark.parametrize("seed", range(30))
def test_every_message_arrives_over_a_bad_radio(seed):
    chance = random.Random(seed)
    device, hub = ends()
    messages = [chance.randbytes(chance.randrange(1, 400)) for _ in range(6)]
    air = []
    for message in messages:
        air += [(hub, chunk) for chunk in device.add(message)]
    for _ in range(100_000):
        if not device.end._outbox.pending:
            break
        if not air:
            air += [(hub, chunk) for chunk in device.again()[0]]
        node, message = air.pop(chance.randrange(min(4, len(air))))
        fate = chance.random()
        if fate < 0.1:
            continue
        if fate > 0.9:
            air.append((node, message))
        peer = device if node is hub else hub
        air += [(peer, answer) for answer in node.hear(message)]
    # At least once each, in their order; GBCS counters tell the receiver of repetitions.
    first_time = list(dict.fromkeys(hub.got))
    assert first_time == messages
