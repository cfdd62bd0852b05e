"""The octets of the OTA Upgrade cluster's commands: one whole ZCL frame a message (ZCL8 11.13).

`_FORMS` is the cluster as a table. The one pair of commands of which a download has thousands,
Image Block Request and Response, is written out instead, because it decides how many homes one
processor can serve.

Decoding is strict: every length is the one that its form has, and reserved bits of the frame
control or of a field control are refused, since a bit that nobody knows may announce a field
that nobody can delimit. Statuses are taken as they come; judging them is the receiver's part.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import astuple

from hanota.errors import LocalError, RemoteError
from hanota.wire import ota, zcl
from hanota.wire.codes import ZclStatus
from hanota.wire.zcl import DefaultResponse, Direction

Message = ota.Command | DefaultResponse


def encode(message: Message) -> bytes:
    """The whole ZCL frame of a command.

    Raises:
        LocalError: a field is out of range, or an optional one lacks the ones it stands after.
    """
    try:
        return _ENCODERS[type(message)](message)
    except struct.error as error:
        raise LocalError(f"{type(message).__name__} has a field out of range: {error}") from error


def decode(frame: bytes) -> Message:
    """Read one whole ZCL frame of the OTA cluster; `encode` gives the same octets back.

    Raises:
        RemoteError: UNSUP_CLUSTER_COMMAND for a frame control and command that the cluster does
            not have; INVALID_FIELD for a payload type or field control that it does not have;
            MALFORMED_COMMAND for a length that the command cannot have.
            `zcl.default_response_to` makes the answer that is due.
    """
    if len(frame) < _PREFIX_OCTETS:
        raise RemoteError(
            ZclStatus.MALFORMED_COMMAND, f"no command of the OTA cluster has {len(frame)} octets"
        )
    decoder = _DECODERS.get((frame[0], frame[2]))
    if decoder is None:
        raise zcl.unsupported(frame)
    return decoder(frame)


# Header and the first octet of the payload: every command has at least these.
_PREFIX_OCTETS = zcl.HEADER_OCTETS + 1

_TO_SERVER = zcl.frame_controls(Direction.TO_SERVER)
_TO_CLIENT = zcl.frame_controls(Direction.TO_CLIENT)
_DISABLE_DEFAULT_RESPONSE = zcl.DISABLE_DEFAULT_RESPONSE


class _Form(NamedTuple):
    """One layout of one command."""

    message: Callable[..., ota.Command]
    command_id: int
    first: int | None  # what the payload begins with; None where that is a field of the message
    absent: tuple[bool, ...]  # for each field of the message, in wire order
    octets: struct.Struct  # the whole frame


def _form(
    message: Callable[..., ota.Command], command_id: int, first: int | None, fields: str
) -> _Form:
    return _Form(
        message,
        command_id,
        first,
        tuple(letter == "-" for letter in fields),
        struct.Struct("<BBB" + "B" * (first is not None) + fields.replace("-", "")),
    )


# Message, command, the payload type, field control or status that begins the payload, and for
# each field of the message its `struct` letter, or a dash where this form leaves it out.
_FORMS = (
    _form(ota.ImageNotify, 0x00, 0, "B---"),
    _form(ota.ImageNotify, 0x00, 1, "BH--"),
    _form(ota.ImageNotify, 0x00, 2, "BHH-"),
    _form(ota.ImageNotify, 0x00, 3, "BHHI"),
    _form(ota.QueryNextImageRequest, 0x01, 0, "HHI-"),
    _form(ota.QueryNextImageRequest, 0x01, 1, "HHIH"),
    _form(ota.QueryNextImageResponse, 0x02, ZclStatus.SUCCESS, "HHII"),
    _form(ota.QueryNextImageRefused, 0x02, None, "B"),
    _form(ota.ImagePageRequest, 0x04, 0, "HHIIBHH-"),
    _form(ota.ImagePageRequest, 0x04, 1, "HHIIBHHQ"),
    _form(ota.ImageBlockWait, 0x05, ZclStatus.WAIT_FOR_DATA, "II-"),
    _form(ota.ImageBlockWait, 0x05, ZclStatus.WAIT_FOR_DATA, "IIH"),
    _form(ota.ImageBlockRefused, 0x05, None, "B"),
    _form(ota.UpgradeEndRequest, 0x06, None, "BHHI"),
    _form(ota.UpgradeEndResponse, 0x07, None, "HHIII"),
    _form(ota.QueryDeviceSpecificFileRequest, 0x08, None, "QHHIH"),
    _form(ota.QueryDeviceSpecificFileResponse, 0x09, ZclStatus.SUCCESS, "HHII"),
    _form(ota.QueryDeviceSpecificFileRefused, 0x09, None, "B"),
)
_COMMANDS_TO_CLIENT = frozenset({0x00, 0x02, 0x05, 0x07, 0x09})

_FORM_TO_ENCODE = {(form.message, form.absent): form for form in _FORMS}
# By command and what its payload begins with, then by the length of the frame.
_FORMS_TO_DECODE = {
    (command_id, first): {
        form.octets.size: form
        for form in _FORMS
        if (form.command_id, form.first) == (command_id, first)
    }
    for _, command_id, first, _, _ in _FORMS
}


def _controls(command_id: int) -> tuple[int, int]:
    return _TO_CLIENT if command_id in _COMMANDS_TO_CLIENT else _TO_SERVER


def _encode_form(message: ota.Command) -> bytes:
    tsn, *fields, disable_default_response = astuple(message)
    form = _FORM_TO_ENCODE.get((type(message), tuple(field is None for field in fields)))
    if form is None:
        raise LocalError(
            f"{type(message).__name__} lacks a field, or has an optional one without the ones "
            "that come before it"
        )
    payload = [field for field in fields if field is not None]
    if form.first is not None:
        payload.insert(0, form.first)
    control = _controls(form.command_id)[disable_default_response]
    return form.octets.pack(control, tsn, form.command_id, *payload)


def _decode_form(frame: bytes) -> ota.Command:
    forms = _FORMS_TO_DECODE.get((frame[2], frame[3])) or _FORMS_TO_DECODE.get((frame[2], None))
    if forms is None:
        raise _unknown_first_octet(frame)
    form = forms.get(len(frame))
    if form is None:
        raise _wrong_length(frame)
    control, tsn, _, *payload = form.octets.unpack(frame)
    present = iter(payload if form.first is None else payload[1:])
    fields = (None if absent else next(present) for absent in form.absent)
    return form.message(tsn, *fields, bool(control & _DISABLE_DEFAULT_RESPONSE))


_IMAGE_BLOCK_REQUEST = 0x03
_IMAGE_BLOCK_RESPONSE = 0x05

# Header, field control or status, manufacturer, image type, file version, file offset, and the
# number of octets wanted or given: request and response begin alike.
_BLOCK = struct.Struct("<BBBBHHIIB")
_BLOCK_OCTETS = _BLOCK.size
# What may follow in a request: bit 0 of its field control announces the node, bit 1 the period.
_NODE = struct.Struct("<Q")
_PERIOD = struct.Struct("<H")
_BLOCK_REQUEST_OCTETS = tuple(_BLOCK_OCTETS + options for options in (0, 8, 2, 10))


def _encode_image_block_request(message: ota.ImageBlockRequest) -> bytes:
    node, period = message.request_node, message.minimum_block_period_ms
    frame = _BLOCK.pack(
        _TO_SERVER[message.disable_default_response],
        message.tsn,
        _IMAGE_BLOCK_REQUEST,
        (node is not None) | (period is not None) << 1,
        message.manufacturer_code,
        message.image_type,
        message.file_version,
        message.file_offset,
        message.maximum_data_size,
    )
    if node is not None:
        frame += _NODE.pack(node)
    if period is not None:
        frame += _PERIOD.pack(period)
    return frame


def _decode_image_block_request(frame: bytes) -> ota.ImageBlockRequest:
    options = frame[3]
    if options >= len(_BLOCK_REQUEST_OCTETS):
        raise _unknown_first_octet(frame)
    if len(frame) != _BLOCK_REQUEST_OCTETS[options]:
        raise _wrong_length(frame)
    control, tsn, _, _, manufacturer, image_type, version, offset, size = _BLOCK.unpack_from(frame)
    return ota.ImageBlockRequest(
        tsn,
        manufacturer,
        image_type,
        version,
        offset,
        size,
        _NODE.unpack_from(frame, _BLOCK_OCTETS)[0] if options & 1 else None,
        _PERIOD.unpack(frame[-2:])[0] if options & 2 else None,
        control & _DISABLE_DEFAULT_RESPONSE != 0,
    )


def _encode_image_block_response(message: ota.ImageBlockResponse) -> bytes:
    data = message.data
    head = _BLOCK.pack(
        _TO_CLIENT[message.disable_default_response],
        message.tsn,
        _IMAGE_BLOCK_RESPONSE,
        0,  # SUCCESS
        message.manufacturer_code,
        message.image_type,
        message.file_version,
        message.file_offset,
        len(data),
    )
    return head + data


def _decode_image_block_response(frame: bytes) -> ota.Command:
    if frame[3]:  # any status but SUCCESS
        return _decode_form(frame)
    if len(frame) < _BLOCK_OCTETS:
        raise _wrong_length(frame)
    control, tsn, _, _, manufacturer, image_type, version, offset, size = _BLOCK.unpack_from(frame)
    data = frame[_BLOCK_OCTETS:]
    if len(data) != size:
        raise _wrong_length(frame)
    return ota.ImageBlockResponse(
        tsn,
        manufacturer,
        image_type,
        version,
        offset,
        data,
        control & _DISABLE_DEFAULT_RESPONSE != 0,
    )


def _unknown_first_octet(frame: bytes) -> RemoteError:
    return RemoteError(
        ZclStatus.INVALID_FIELD,
        f"the payload of command {frame[2]:02X} cannot begin with {frame[3]:02X}",
    )


def _wrong_length(frame: bytes) -> RemoteError:
    return RemoteError(
        ZclStatus.MALFORMED_COMMAND,
        f"command {frame[2]:02X}, payload beginning with {frame[3]:02X}, cannot have "
        f"{len(frame)} octets",
    )


_ENCODERS: dict[Callable[..., Message], Callable[[Any], bytes]] = {
    **{form.message: _encode_form for form in _FORMS},
    ota.ImageBlockRequest: _encode_image_block_request,
    ota.ImageBlockResponse: _encode_image_block_response,
    DefaultResponse: zcl.encode_default_response,
}

_DECODERS_BY_COMMAND: dict[int, Callable[[bytes], Message]] = {
    **{form.command_id: _decode_form for form in _FORMS},
    _IMAGE_BLOCK_REQUEST: _decode_image_block_request,
    _IMAGE_BLOCK_RESPONSE: _decode_image_block_response,
}
# By frame control and command id.
_DECODERS: dict[tuple[int, int], Callable[[bytes], Message]] = {
    **{
        (control, command_id): decoder
        for command_id, decoder in _DECODERS_BY_COMMAND.items()
        for control in _controls(command_id)
    },
    **dict.fromkeys(zcl.DEFAULT_RESPONSE_HEADS, zcl.decode_default_response),
}
