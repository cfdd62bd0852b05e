"""One end of the tunnel that carries GBCS messages between a hub and one of its devices.

Outgoing messages wait in an outbox. One at a time goes over the HAN in chunks, whole again and
again until its receipt comes. Incoming chunks become messages again; the receiver answers with a
receipt once it has recorded what it must not lose.

How GBCS messages travel on the HAN is an assumption of this project (`wire.tunnel`).
"""

from hanota.han.effects import Effects, Record, Send, Wake
from hanota.han.outbox import Outbox, Values
from hanota.limits import TUNNEL_RETRY_S, TUNNEL_RETRY_S_MAX
from hanota.wire import tunnel
from hanota.wire.tunnel import MessageChunk, MessageReceipt, Reassembly
from hanota.wire.zcl import Direction

# One tunnel between a hub and each of its devices; opening it is not modelled.
TUNNEL_ID = 1


class GbcsTunnel:
    """The end at which `outbox` is; `token` is the wake by which it repeats messages."""

    def __init__(self, peer: int, direction: Direction, outbox: Outbox, token: str) -> None:
        self._peer = peer
        self._direction = direction
        self._outbox = outbox
        self._token = token
        self._incoming = Reassembly()
        self._under_way: tuple[int, int] | None = None  # outbox number, identity check
        self._retry_s = TUNNEL_RETRY_S
        self._tsn = 0

    def add(self, message: bytes) -> Values:
        """Take a message of up to 1,500 octets; record the values, then call `send`.

        One that waits already is not taken twice.
        """
        if self._outbox.holds(message):
            return {}
        _, values = self._outbox.add(message)
        return values

    def send(self, now_ms: int) -> Effects:
        """Send the oldest message at once, if there is one."""
        self._retry_s = TUNNEL_RETRY_S
        return self.repeat(now_ms)

    def repeat(self, now_ms: int) -> Effects:
        """The wake: send the oldest message, and again after twice the time."""
        waiting = self._outbox.oldest
        if waiting is None:
            return ()
        number, message = waiting
        chunks = tunnel.split(
            message,
            number=number & 0xFFFF,
            tunnel_id=TUNNEL_ID,
            direction=self._direction,
            tsn=self._tsn,
        )
        self._tsn = (self._tsn + len(chunks)) & 0xFF
        self._under_way = (number, chunks[0].check)
        wake = Wake(now_ms + self._retry_s * 1000, self._token)
        self._retry_s = min(2 * self._retry_s, TUNNEL_RETRY_S_MAX)
        return (*(Send(self._peer, chunk) for chunk in chunks), wake)

    def receive_receipt(self, message: MessageReceipt, now_ms: int) -> Effects:
        """Forget the message that has arrived, and send the next one."""
        if self._under_way is None:
            return ()
        number, check = self._under_way
        if message.identity != (number & 0xFFFF, check):
            return ()
        self._under_way = None
        values = self._outbox.remove(number)
        return (Record(values), *self.send(now_ms)) if values else ()

    def receive_chunk(self, chunk: MessageChunk) -> bytes | None:
        """Take a chunk; the message, if this makes one whole. Answer that one with `receipt`."""
        self._incoming, message = self._incoming.receive(chunk)
        return message

    def receipt(self, chunk: MessageChunk) -> Send:
        """Tell the peer that the message of this chunk has arrived."""
        self._tsn = (self._tsn + 1) & 0xFF
        return Send(self._peer, tunnel.receipt(chunk, tsn=self._tsn))
