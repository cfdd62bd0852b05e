"""ECS52 Read ESME/CH Firmware Version (message code 0x0059): a DLMS access of one attribute.

Source: GBCS use case ECS52, from the public RTDS messages. MACs only.

    command   D9 long-invoke-id 00 | 01 (get) 01 class 0001, OBIS 0-0:0.2.1.255, attribute 2 | 01 00
    response  DA long-invoke-id 00 00 | 01 data | 01 01 result
    data      09 length version when the result is 00; 00 (null-data) with any other result
"""

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import GbcsFault
from hanota.wire.gbcs.dlms import decode_long_invoke_id, encode_long_invoke_id

# data-access-result: success; 01 is hardware-fault, the one failure in the public messages.
SUCCESS = 0


class ReadFirmwareVersionCommand(msgspec.Struct, frozen=True, gc=False):
    """Read the version that runs."""

    invoke_id: int  # low 24 bits of the Originator Counter (`dlms.invoke_id`)


class ReadFirmwareVersionResponse(msgspec.Struct, frozen=True, gc=False):
    """The version that runs, or why there is none."""

    invoke_id: int  # of the command
    firmware_version: bytes | None  # up to 127 octets, as the device gave them; None on failure
    access_result: int = SUCCESS  # DLMS data-access-result


def decode_command(octets: bytes) -> ReadFirmwareVersionCommand:
    """Read the content of a command; RemoteError(GbcsFault) when it is none."""
    if octets[:1] != _ACCESS_REQUEST or octets[5:] != _READ:
        raise RemoteError(GbcsFault.MALFORMED, "the content is not the read of an ECS52 command")
    return ReadFirmwareVersionCommand(decode_long_invoke_id(octets[1:5]))


def encode_command(command: ReadFirmwareVersionCommand) -> bytes:
    """Write the content of a command; LocalError when a field does not fit."""
    return _ACCESS_REQUEST + encode_long_invoke_id(command.invoke_id) + _READ


def decode_response(octets: bytes) -> ReadFirmwareVersionResponse:
    """Read the content of a response; RemoteError(GbcsFault) when it is none."""
    head, data, specification, result = octets[5:8], octets[8:-3], octets[-3:-1], octets[-1:]
    if octets[:1] != _ACCESS_RESPONSE or head != _ONE_DATUM or specification != _ONE_GET:
        raise RemoteError(GbcsFault.MALFORMED, "the content is not that of an ECS52 response")
    return ReadFirmwareVersionResponse(
        decode_long_invoke_id(octets[1:5]), _decode_data(data, result[0]), result[0]
    )


def encode_response(response: ReadFirmwareVersionResponse) -> bytes:
    """Write the content of a response; LocalError when a field does not fit."""
    version = response.firmware_version
    if (version is None) is (
        response.access_result == SUCCESS
    ) or not 0 <= response.access_result <= 0xFF:
        raise LocalError("a version comes with result 0, and no version with 1 to 255")
    if version is None:
        data = _NULL_DATA
    elif len(version) > _VERSION_OCTETS_MAX:
        raise LocalError(f"a firmware version has at most {_VERSION_OCTETS_MAX} octets")
    else:
        data = bytes((_OCTET_STRING, len(version))) + version
    return b"".join(
        (
            _ACCESS_RESPONSE,
            encode_long_invoke_id(response.invoke_id),
            _ONE_DATUM,
            data,
            _ONE_GET,
            bytes((response.access_result,)),
        )
    )


_ACCESS_REQUEST = b"\xd9"
_ACCESS_RESPONSE = b"\xda"
# No date-time; one get of class 1, 0-0:0.2.1.255, attribute 2; one datum, which is null-data.
_READ = bytes.fromhex("00 01 01 0001 0000000201FF 02 01 00")
# No date-time, no specification repeated, one datum.
_ONE_DATUM = bytes.fromhex("00 00 01")
_ONE_GET = bytes.fromhex("01 01")
_NULL_DATA = b"\0"
_OCTET_STRING = 0x09
_VERSION_OCTETS_MAX = 127  # a length of one octet


def _decode_data(data: bytes, result: int) -> bytes | None:
    if result != SUCCESS and data == _NULL_DATA:
        return None
    if (
        result == SUCCESS
        and 2 <= len(data) <= _VERSION_OCTETS_MAX + 2
        and data[0] == _OCTET_STRING
        and data[1] == len(data) - 2
    ):
        return data[2:]
    raise RemoteError(GbcsFault.MALFORMED, "an ECS52 response has a version or a failure")
