"""The ZCL frame around every cluster's commands, and the Default Response.

    frame control | TSN | command id | payload        (ZCL8 2.4.1; all fields little-endian)

Manufacturer-specific frames, with two more octets in the header, are not used by these clusters.
Not here: a cluster's own commands (`ota_codec`, `tunnel`), and the radio frame (`radio`).
"""

import struct
from enum import IntEnum

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import ZclStatus

HEADER_OCTETS = 3

GLOBAL_COMMAND = 0x00
CLUSTER_COMMAND = 0x01
DISABLE_DEFAULT_RESPONSE = 0x10


class Direction(IntEnum):
    """Which side of the cluster sends; the value is the direction bit of the frame control."""

    TO_SERVER = 0x00
    TO_CLIENT = 0x08

    @property
    def opposite(self) -> "Direction":
        """The direction of an answer."""
        return Direction(self ^ Direction.TO_CLIENT)


class DefaultResponse(msgspec.Struct, frozen=True, gc=False):
    """Global command 0B: what became of a command that has no response of its own (ZCL8 2.5.12).

    `status` is any ZCL status, because a device may send one that the OTA cluster does not know;
    compare it with `ZclStatus`.
    """

    tsn: int  # of the command that it answers
    command_id: int  # of that command
    status: int
    direction: Direction
    disable_default_response: bool = True


def encode_default_response(message: DefaultResponse) -> bytes:
    """The five octets of the frame; LocalError if a field does not fit its octet."""
    control = (
        GLOBAL_COMMAND
        | message.direction
        | (DISABLE_DEFAULT_RESPONSE if message.disable_default_response else 0)
    )
    try:
        return _DEFAULT_RESPONSE.pack(
            control, message.tsn, _DEFAULT_RESPONSE_ID, message.command_id, message.status
        )
    except struct.error as error:
        raise LocalError(f"a Default Response has a field out of range: {error}") from error


def decode_default_response(frame: bytes) -> DefaultResponse:
    """Read a frame whose control is one of `DEFAULT_RESPONSE_HEADS`; RemoteError on its length."""
    if len(frame) != _DEFAULT_RESPONSE.size:
        raise RemoteError(
            ZclStatus.MALFORMED_COMMAND, f"a Default Response has 5 octets, not {len(frame)}"
        )
    control, tsn, _, command_id, status = _DEFAULT_RESPONSE.unpack(frame)
    return DefaultResponse(
        tsn,
        command_id,
        status,
        Direction(control & Direction.TO_CLIENT),
        bool(control & DISABLE_DEFAULT_RESPONSE),
    )


def default_response_to(frame: bytes, status: ZclStatus) -> DefaultResponse | None:
    """The Default Response that is due to a unicast `frame`, or None where none may be sent.

    None for SUCCESS where the frame disables it, for a Default Response, for a frame without a
    whole header, and for a manufacturer-specific one, whose answer would need that manufacturer's
    code (ZCL8 2.5.12.2). A frame that came by broadcast or multicast gets no answer: the caller
    knows how it came. `frame` may be one that a decoder has refused.
    """
    if len(frame) < HEADER_OCTETS:
        return None
    control, tsn, command_id = frame[:HEADER_OCTETS]
    if control & _TYPE_AND_MANUFACTURER not in {GLOBAL_COMMAND, CLUSTER_COMMAND}:
        return None
    if (control, command_id) in DEFAULT_RESPONSE_HEADS:
        return None
    if status == ZclStatus.SUCCESS and control & DISABLE_DEFAULT_RESPONSE:
        return None
    return DefaultResponse(
        tsn, command_id, status, Direction(control & Direction.TO_CLIENT).opposite
    )


def unsupported(frame: bytes) -> RemoteError:
    """The fault of a frame, header present, that a cluster has no command for."""
    return RemoteError(
        ZclStatus.UNSUP_CLUSTER_COMMAND,
        f"the cluster has no command {frame[2]:02X} under frame control {frame[0]:02X}",
    )


def frame_controls(direction: Direction) -> tuple[int, int]:
    """Both frame controls of a cluster command: Default Response wanted, and disabled."""
    wanted = CLUSTER_COMMAND | direction
    return wanted, wanted | DISABLE_DEFAULT_RESPONSE


_DEFAULT_RESPONSE_ID = 0x0B
_DEFAULT_RESPONSE = struct.Struct("<BBBBB")
# Frame type (two bits) and the manufacturer-specific bit of the frame control.
_TYPE_AND_MANUFACTURER = 0x07

# Frame control and command id by which a Default Response is recognised.
DEFAULT_RESPONSE_HEADS = frozenset(
    (GLOBAL_COMMAND | direction | disabled, _DEFAULT_RESPONSE_ID)
    for direction in Direction
    for disabled in (0, DISABLE_DEFAULT_RESPONSE)
)
