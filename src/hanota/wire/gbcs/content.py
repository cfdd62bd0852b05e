"""The content of a GBCS message, decoded by its use case; and a message told as plain values.

Not here: whether a signature or MAC is valid. `hanota decode` adds that to the description.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from hanota.errors import RemoteError
from hanota.model import eui_text, utc, version_text
from hanota.wire.codes import GbcsFault
from hanota.wire.gbcs.dlms import date_time_instant_ms
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.gbcs.use_cases import USE_CASES, Content


def decode_content(message: GbcsMessage) -> Content | None:
    """What the message says; None when its use case is not one of the firmware services.

    RemoteError(GbcsFault) when the content is not what the use case prescribes, or the use case
    has no such command, response or alert.
    """
    use_case = USE_CASES.get(message.message_code)
    if use_case is None:
        return None
    form = use_case.forms.get(message.cra)
    if form is None:
        raise RemoteError(
            GbcsFault.MALFORMED,
            f"message code 0x{message.message_code:04X} has no {message.cra.name.lower()}",
        )
    return form.decode(message.content)


def describe(message: GbcsMessage) -> dict[str, Any]:
    """The message as values for JSON, under the names of the standard.

    EUI-64s are dashed, octets upper-case hex, counters decimal text (JSON numbers end at 2^53),
    instants ISO 8601 in UTC. `content` is an object, or hex when the use case is not known.
    Fields that the message does not have are left out. RemoteError as for `decode_content`.
    """
    use_case = USE_CASES.get(message.message_code)
    content = decode_content(message)
    described: dict[str, Any] = {
        "kind": "gbcs",
        "cra": message.cra.name.lower(),
        "message_code": f"0x{message.message_code:04X}",
        "use_case": use_case.name if use_case else None,
        "title": use_case.title if use_case else None,
        "originator": eui_text(message.originator),
        "target": eui_text(message.target),
        "counter": str(message.counter),
    }
    for name in _HEADER_FIELDS:
        value = getattr(message, name)
        if value is not None:
            described[name] = _TEXT[name](value)
    described["content"] = _hex(message.content) if content is None else _describe(content)
    return described


def _describe(value: msgspec.Struct) -> dict[str, Any]:
    described: dict[str, Any] = {"name": type(value).__name__}
    # An alert that derives its code has it as a property, which is not among the fields.
    names = value.__struct_fields__
    if hasattr(value, "alert_code") and "alert_code" not in names:
        names = ("alert_code", *names)
    for name in names:
        field = getattr(value, name)
        described[name.removesuffix("_ms")] = None if field is None else _TEXT[name](field)
    return described


def _hex(octets: bytes) -> str:
    return octets.hex().upper()


def _time(instant: int) -> str:
    precision = "milliseconds" if instant % 1000 else "seconds"
    return utc(instant).isoformat(timespec=precision).replace("+00:00", "Z")


def _date_time(octets: bytes) -> dict[str, str | None]:
    instant = date_time_instant_ms(octets)
    return {"instant": None if instant is None else _time(instant), "octets": _hex(octets)}


def _word(value: IntEnum) -> str:
    return value.name.lower().replace("_", "-")


def _version(value: int | bytes) -> str:
    return _hex(value) if isinstance(value, bytes) else version_text(value)


_HEADER_FIELDS = (
    "date_time",
    "supplementary_party",
    "supplementary_counter",
    "supplementary_originator_counter",
    "supplementary_certificate",
)

# One entry for each field name of the header and the contents.
_TEXT: dict[str, Callable[[Any], Any]] = {
    "access_result": int,
    "alert_code": "{:04X}".format,
    "date_time": _date_time,
    "device_id": eui_text,
    "execution_date_time_ms": _time,
    "firmware_version": _version,
    "instant_ms": _time,
    "invoke_id": int,
    "manufacturer_image_hash": _hex,
    "originator_counter": str,
    "outcome": _describe,
    "result": _word,
    "status": int,
    "supplementary_certificate": _hex,
    "supplementary_counter": str,
    "supplementary_originator_counter": str,
    "supplementary_party": eui_text,
}
