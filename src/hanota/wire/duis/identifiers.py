"""Identifiers in DUIS: EUI-64s, lists of them, and RequestIDs.

Source: the schema's types EUI, DeviceIDList and RequestIDType. Hex is read in any case (a signed
pre-command of the DCC Boxed tools has it in lower case) and written in upper case.
"""

import re
import struct
from functools import lru_cache

from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import RequestID, eui_text
from hanota.wire.duis.leaves import BLANKS, Leaf

_EUI_PATTERN = "([0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7})"
_EUI = re.compile(_EUI_PATTERN)
_REQUEST_ID = re.compile(f"{_EUI_PATTERN}:{_EUI_PATTERN}:(0|[1-9][0-9]{{0,19}})")
_COUNTER_MAX = 2**64 - 1
_EUI_CHARACTERS = 23


def _parse_eui(text: str) -> int:
    text = text.strip(BLANKS)
    if not _EUI.fullmatch(text):
        raise ValueError("is no EUI-64 of eight dashed hex pairs")
    return int(text.replace("-", ""), 16)


def _show_eui(eui: int) -> str:
    try:
        return eui_text(eui)
    except OverflowError as fault:
        raise ValueError("is no EUI-64: it is not 0 to 2^64-1") from fault


# One request is asked for its own several times while it is read.
@lru_cache(maxsize=16)
def _parse_request_id(text: str) -> RequestID:
    match = _REQUEST_ID.fullmatch(text.strip(BLANKS))
    if match is None or (counter := int(match[3])) > _COUNTER_MAX:
        raise ValueError("is not originator:target:counter")
    originator, target = (int(match[part].replace("-", ""), 16) for part in (1, 2))
    return RequestID(originator, target, counter)


def _show_request_id(request_id: RequestID) -> str:
    if not 0 <= request_id.counter <= _COUNTER_MAX:
        raise ValueError("has a counter that is not 0 to 2^64-1")
    originator, target = _show_eui(request_id.originator), _show_eui(request_id.target)
    return f"{originator}:{target}:{request_id.counter}"


def _parse_eui_list(text: str) -> tuple[int, ...]:
    count = len(text) // (_EUI_CHARACTERS + 1) + 1
    if count > DEVICES_PER_REQUEST_MAX:
        raise ValueError(f"has more than {DEVICES_PER_REQUEST_MAX} devices")
    try:
        octets = bytes.fromhex(text.encode("ascii").translate(None, b"-,").decode("ascii"))
    except ValueError as fault:
        raise ValueError("is no list of EUI-64s") from fault
    # Every third character is a dash or a comma, and all that is neither are hex digits: no step
    # for each of 50,000 devices.
    if text[2::3] != ("-------," * count)[:-1] or len(octets) != 8 * count:
        raise ValueError("is no list of EUI-64s with a comma between them")
    return struct.unpack(f">{count}Q", octets)


def _compose_eui_list(euis: tuple[int, ...]) -> bytes:
    if not 1 <= len(euis) <= DEVICES_PER_REQUEST_MAX:
        raise ValueError(f"has {len(euis)} devices, not 1 to {DEVICES_PER_REQUEST_MAX}")
    try:
        octets = struct.pack(f">{len(euis)}Q", *euis)
    except struct.error as fault:
        raise ValueError("has an EUI-64 that is not 0 to 2^64-1") from fault
    text = bytearray(octets.hex("-").upper(), "ascii")
    text[_EUI_CHARACTERS :: _EUI_CHARACTERS + 1] = b"," * (len(euis) - 1)
    return bytes(text)


EUI = Leaf(_parse_eui, lambda eui: _show_eui(eui).encode("ascii"), _show_eui)
REQUEST_ID = Leaf(
    _parse_request_id,
    lambda request_id: _show_request_id(request_id).encode("ascii"),
    _show_request_id,
)
EUI_LIST = Leaf(_parse_eui_list, _compose_eui_list, lambda euis: [eui_text(eui) for eui in euis])
