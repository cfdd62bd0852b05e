"""CS08 Read PPMID/HCALCS Firmware Version (message code 0x0129).

Source: GBCS use case CS08, from the public RTDS messages. The ACB is the originator; the supplier
that asked is the supplementary party of command and response. MACs only.

    command  ::= NULL
    response ::= SEQUENCE { firmwareVersion OCTET STRING, result INTEGER }
"""

from enum import IntEnum

import msgspec

from hanota.errors import RemoteError
from hanota.wire import der
from hanota.wire.codes import GbcsFault


class ReadResult(IntEnum):
    """Whether the version could be read."""

    SUCCESS = 0
    FAILURE = 1


class ReadFirmwareVersionCommand(msgspec.Struct, frozen=True, gc=False):
    """Read the version that runs."""


class ReadFirmwareVersionResponse(msgspec.Struct, frozen=True, gc=False):
    """The version that runs; after a failure the public messages have 00000000."""

    firmware_version: bytes  # as many octets as the device gave
    result: ReadResult


def decode_command(octets: bytes) -> ReadFirmwareVersionCommand:
    """Read the content of a command; RemoteError(GbcsFault) when it is none."""
    if octets != der.NULL:
        raise RemoteError(GbcsFault.MALFORMED, "the content of a CS08 command is 05 00")
    return ReadFirmwareVersionCommand()


def encode_command(_command: ReadFirmwareVersionCommand) -> bytes:
    """Write the content of a command."""
    return der.NULL


def decode_response(octets: bytes) -> ReadFirmwareVersionResponse:
    """Read the content of a response; RemoteError(GbcsFault) when it is none."""
    version, number = der.decode_sequence(octets, _RESPONSE)
    result = _RESULTS.get(number)
    if result is None:
        raise RemoteError(GbcsFault.MALFORMED, f"a read cannot have result {number}")
    return ReadFirmwareVersionResponse(version, result)


def encode_response(response: ReadFirmwareVersionResponse) -> bytes:
    """Write the content of a response; LocalError when a field does not fit."""
    return der.encode_sequence((response.firmware_version, response.result), _RESPONSE)


_RESPONSE: der.Form = (der.OCTET_STRING, der.INTEGER)
_RESULTS = {int(result): result for result in ReadResult}
