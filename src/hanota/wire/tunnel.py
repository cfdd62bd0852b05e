"""How a GBCS message travels on the HAN: in pieces, through a Smart Energy tunnel.

The Tunneling cluster 0x0704 carries octets of any protocol in TransferData, command 02 from
client (device) to server (hub) and 01 the other way. Opening and closing tunnels is not modelled:
a tunnel id is agreed beforehand.

What TransferData holds is an assumption of this project. A message can have 1,500 octets, a
secured radio frame has room for about 60: real networks leave the splitting to APS fragmentation.
Here every piece is a TransferData of its own, so that a simulated radio loses, doubles and
reorders what a real one would:

    ZCL header (3) | tunnel id u16 | 81 | number u16 | check u32 | index u8 | count u8 | data
    ZCL header (3) | tunnel id u16 | 82 | number u16 | check u32

all little-endian. 81 is a MessageChunk: `index` of `count`, every chunk but the last one full.
82 is a MessageReceipt: the whole message has arrived, its sender may forget it. Both keep clear of
01, 02 and 03, under which Wireshark expects the GET, GET-RESPONSE and PUT of GBCS itself.

`check` is the CRC-32 of the whole message; with the sender's own `number` it says which message a
chunk or a receipt is of, so that neither a sender that counts anew after a power cut nor a chunk
that comes late can mix two messages. A sender repeats a whole message until the receipt comes; a
receiver may thus get one twice, and recognises it by the counters of GBCS.
"""

import struct
from collections.abc import Callable
from zlib import crc32

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.limits import TUNNEL_CHUNK_OCTETS, TUNNEL_MESSAGE_OCTETS_MAX
from hanota.wire import zcl
from hanota.wire.codes import ZclStatus
from hanota.wire.zcl import Direction

CLUSTER_ID = 0x0704


class MessageChunk(msgspec.Struct, frozen=True, gc=False):
    """One piece of a GBCS message, as `split` makes it."""

    tsn: int
    direction: Direction
    tunnel_id: int
    number: int
    check: int
    index: int  # of this chunk, from 0
    count: int  # of the message's chunks
    data: bytes

    @property
    def identity(self) -> tuple[int, int]:
        """Which message this is a piece of."""
        return self.number, self.check


class MessageReceipt(msgspec.Struct, frozen=True, gc=False):
    """The answer to the last missing chunk of a message."""

    tsn: int
    direction: Direction
    tunnel_id: int
    number: int
    check: int

    @property
    def identity(self) -> tuple[int, int]:
        """Which message has arrived."""
        return self.number, self.check


TunnelMessage = MessageChunk | MessageReceipt


def split(
    message: bytes, *, number: int, tunnel_id: int, direction: Direction, tsn: int
) -> list[MessageChunk]:
    """Cut one GBCS message into the chunks to send, in order.

    Args:
        message: 1 to 1,500 octets.
        number: the sender's own, 0 to 65,535; a repetition has the number of the first try.
        tunnel_id: 0 to 65,535.
        direction: TO_SERVER from a device, TO_CLIENT from the hub.
        tsn: of the first chunk, 0 to 255; the others count on from there.

    Raises:
        LocalError: the message is empty or too long.
    """
    if not 0 < len(message) <= TUNNEL_MESSAGE_OCTETS_MAX:
        raise LocalError(
            f"a tunnel carries messages of 1 to {TUNNEL_MESSAGE_OCTETS_MAX} octets, not "
            f"{len(message)}"
        )
    starts = range(0, len(message), TUNNEL_CHUNK_OCTETS)
    check = crc32(message)
    return [
        MessageChunk(
            (tsn + index) % 256,
            direction,
            tunnel_id,
            number,
            check,
            index,
            len(starts),
            message[start : start + TUNNEL_CHUNK_OCTETS],
        )
        for index, start in enumerate(starts)
    ]


def receipt(chunk: MessageChunk, *, tsn: int) -> MessageReceipt:
    """The receipt for the message that `chunk` belongs to, back through the same tunnel."""
    return MessageReceipt(tsn, chunk.direction.opposite, chunk.tunnel_id, chunk.number, chunk.check)


class Reassembly(msgspec.Struct, frozen=True):
    """What a receiver holds of the unfinished message of one sender.

    A value: `receive` returns its successor. It never holds more than 35 chunks of 44 octets.
    """

    chunks: tuple[MessageChunk, ...] = ()  # of one message, in order of arrival

    def receive(self, chunk: MessageChunk) -> tuple["Reassembly", bytes | None]:
        """Take one chunk; the message comes back with the chunk that makes it whole.

        Chunks may come in any order and more than once. A chunk of another message replaces an
        unfinished one. A message whose CRC-32 is not the stated one is forgotten as if it had
        been lost: without a receipt its sender repeats it.
        """
        held = self.chunks
        if held and held[0].identity != chunk.identity:
            held = ()
        if any(other.index == chunk.index for other in held):
            return self, None
        held = (*held, chunk)
        if len(held) < chunk.count:
            return Reassembly(held), None
        message = b"".join(piece.data for piece in sorted(held, key=_index))
        return Reassembly(), message if crc32(message) == chunk.check else None


def encode(message: TunnelMessage) -> bytes:
    """The whole ZCL frame of one TransferData; LocalError if a field is out of range."""
    control, command_id = _HEAD_OF_DIRECTION[message.direction]
    head = (control, message.tsn, command_id, message.tunnel_id)
    try:
        match message:
            case MessageChunk(number=number, check=check, index=index, count=count, data=data):
                return _CHUNK.pack(*head, _KIND_CHUNK, number, check, index, count) + data
            case MessageReceipt(number=number, check=check):
                return _RECEIPT.pack(*head, _KIND_RECEIPT, number, check)
    except struct.error as error:
        raise LocalError(f"{type(message).__name__} has a field out of range: {error}") from error


def decode(frame: bytes) -> TunnelMessage:
    """Read one whole ZCL frame of the Tunneling cluster.

    Raises:
        RemoteError: UNSUP_CLUSTER_COMMAND for a frame that is no TransferData of either
            direction; INVALID_FIELD for an unknown kind, or an index, count and length that do
            not fit each other; MALFORMED_COMMAND for a frame too short or too long.
    """
    if len(frame) < zcl.HEADER_OCTETS:
        raise RemoteError(ZclStatus.MALFORMED_COMMAND, "a frame without a whole ZCL header")
    direction = _DIRECTION_OF_HEAD.get((frame[0], frame[2]))
    if direction is None:
        raise zcl.unsupported(frame)
    if len(frame) <= _KIND_AT:
        raise _wrong_length(frame)
    decoder = _DECODERS.get(frame[_KIND_AT])
    if decoder is None:
        raise RemoteError(
            ZclStatus.INVALID_FIELD, f"a tunnel carries no message of kind {frame[_KIND_AT]:02X}"
        )
    return decoder(frame, direction)


_HEAD_OF_DIRECTION = {
    Direction.TO_SERVER: (zcl.frame_controls(Direction.TO_SERVER)[True], 0x02),
    Direction.TO_CLIENT: (zcl.frame_controls(Direction.TO_CLIENT)[True], 0x01),
}
_DIRECTION_OF_HEAD = {head: direction for direction, head in _HEAD_OF_DIRECTION.items()}

_KIND_CHUNK = 0x81
_KIND_RECEIPT = 0x82
_KIND_AT = zcl.HEADER_OCTETS + 2
_CHUNK = struct.Struct("<BBBHBHIBB")
_RECEIPT = struct.Struct("<BBBHBHI")
_COUNT_MAX = -(-TUNNEL_MESSAGE_OCTETS_MAX // TUNNEL_CHUNK_OCTETS)


def _index(chunk: MessageChunk) -> int:
    return chunk.index


def _decode_chunk(frame: bytes, direction: Direction) -> MessageChunk:
    data = frame[_CHUNK.size :]
    if not 0 < len(data) <= TUNNEL_CHUNK_OCTETS:
        raise _wrong_length(frame)
    _, tsn, _, tunnel_id, _, number, check, index, count = _CHUNK.unpack_from(frame)
    _require_place(index, count, len(data))
    return MessageChunk(tsn, direction, tunnel_id, number, check, index, count, data)


def _require_place(index: int, count: int, octets: int) -> None:
    full = octets == TUNNEL_CHUNK_OCTETS or index == count - 1
    within = index * TUNNEL_CHUNK_OCTETS + octets <= TUNNEL_MESSAGE_OCTETS_MAX
    if not (index < count <= _COUNT_MAX and full and within):
        raise RemoteError(
            ZclStatus.INVALID_FIELD,
            f"no message has {octets} octets in chunk {index} of {count}",
        )


def _decode_receipt(frame: bytes, direction: Direction) -> MessageReceipt:
    if len(frame) != _RECEIPT.size:
        raise _wrong_length(frame)
    _, tsn, _, tunnel_id, _, number, check = _RECEIPT.unpack(frame)
    return MessageReceipt(tsn, direction, tunnel_id, number, check)


def _wrong_length(frame: bytes) -> RemoteError:
    return RemoteError(
        ZclStatus.MALFORMED_COMMAND, f"no TransferData of ours has {len(frame)} octets"
    )


_DECODERS: dict[int, Callable[[bytes, Direction], TunnelMessage]] = {
    _KIND_CHUNK: _decode_chunk,
    _KIND_RECEIPT: _decode_receipt,
}
