"""GCS38 Read GSME Firmware Version (message code 0x0084): a ZCL read of one attribute in GBZ.

Source: GBCS use case GCS38, from the public RTDS messages. MACs only. The GBZ framing is
big-endian: profile 0109, count of components, then for each a control octet (01, the last), the
cluster and the length; the ZCL frame within is little-endian. Attribute 0x0206 of the metering
cluster 0x0702:

    command   0109 01 | 01 0702 0005 | 00 00 00 | 0602
    response  0109 01 | 01 0702 len  | 08 00 01 | 0602 status [41 length version]
"""

import msgspec

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import GbcsFault

# ZCL status; C0 (hardware failure) is the one failure in the public messages.
SUCCESS = 0


class ReadFirmwareVersionCommand(msgspec.Struct, frozen=True, gc=False):
    """Read the version that runs."""


class ReadFirmwareVersionResponse(msgspec.Struct, frozen=True, gc=False):
    """The version that runs, or why there is none."""

    firmware_version: bytes | None  # up to 254 octets, as the device gave them; None on failure
    status: int = SUCCESS  # ZCL status


def decode_command(octets: bytes) -> ReadFirmwareVersionCommand:
    """Read the content of a command; RemoteError(GbcsFault) when it is none."""
    if octets != _COMMAND:
        raise RemoteError(GbcsFault.MALFORMED, "the content is not the read of a GCS38 command")
    return ReadFirmwareVersionCommand()


def encode_command(_command: ReadFirmwareVersionCommand) -> bytes:
    """Write the content of a command."""
    return _COMMAND


def decode_response(octets: bytes) -> ReadFirmwareVersionResponse:
    """Read the content of a response; RemoteError(GbcsFault) when it is none."""
    frame = octets[_FRAME_OFFSET:]
    if (
        not octets.startswith(_COMPONENT)
        or octets[len(_COMPONENT) : _FRAME_OFFSET] != len(frame).to_bytes(2, "big")
        or not frame.startswith(_READ_RESPONSE)
        or len(frame) <= len(_READ_RESPONSE)
    ):
        raise RemoteError(GbcsFault.MALFORMED, "the content is not that of a GCS38 response")
    status, value = frame[len(_READ_RESPONSE)], frame[len(_READ_RESPONSE) + 1 :]
    return ReadFirmwareVersionResponse(_decode_value(value, status), status)


def encode_response(response: ReadFirmwareVersionResponse) -> bytes:
    """Write the content of a response; LocalError when a field does not fit."""
    version = response.firmware_version
    if (version is None) is (response.status == SUCCESS) or not 0 <= response.status <= 0xFF:
        raise LocalError("a version comes with status 0, and no version with 1 to 255")
    if version is None:
        value = b""
    elif len(version) > _VERSION_OCTETS_MAX:
        raise LocalError(f"a firmware version has at most {_VERSION_OCTETS_MAX} octets")
    else:
        value = bytes((_OCTET_STRING, len(version))) + version
    frame = _READ_RESPONSE + bytes((response.status,)) + value
    return _COMPONENT + len(frame).to_bytes(2, "big") + frame


# Profile, one component, which is the last, and its cluster.
_COMPONENT = bytes.fromhex("0109 01 01 0702")
_FRAME_OFFSET = len(_COMPONENT) + 2
_COMMAND = _COMPONENT + bytes.fromhex("0005 000000 0602")
# Profile-wide, from server to client; sequence 00; Read Attributes Response; attribute.
_READ_RESPONSE = bytes.fromhex("080001 0602")
_OCTET_STRING = 0x41
_VERSION_OCTETS_MAX = 254  # FF as the length of a ZCL octet string says "invalid"


def _decode_value(value: bytes, status: int) -> bytes | None:
    if status != SUCCESS and not value:
        return None
    if (
        status == SUCCESS
        and 2 <= len(value) <= _VERSION_OCTETS_MAX + 2
        and value[0] == _OCTET_STRING
        and value[1] == len(value) - 2
    ):
        return value[2:]
    raise RemoteError(GbcsFault.MALFORMED, "a GCS38 response has a version or a failure")
