"""Which devices: the small filter language of estates and campaigns, and what it means.

    type:PPMID model:"Sample PPMID",Other firmware<00030000 -region:north hub-firmware>=00020000

Terms stand side by side and all have to hold; a minus before a term turns it round; values joined
by commas are alternatives, and a value may end in `*`. There is no way to say anything else, so a
filter is safe to take from anyone: it is read into conditions over known fields, bounded in number,
and whoever asks a database binds the values as parameters.

Not here: the SQL (`ledger`), and which devices of a cohort are updated when (`supplier.campaign`).
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from hanota.errors import LocalError
from hanota.limits import FILTER_CHARACTERS_MAX, FILTER_TERMS_MAX, FILTER_VALUES_MAX
from hanota.model import DeviceStatus, DeviceType, Region, eui_from_text, eui_text, version_text
from hanota.rows import Device


class Operator(StrEnum):
    """How a field is compared; those but IS are for fields that have an order."""

    IS = ":"
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


class Condition(msgspec.Struct, frozen=True):
    """One term of a filter; it holds if the field compares so with any of the values."""

    field: str
    operator: Operator
    values: tuple[str | int, ...]  # as the field keeps them; text may end in WILDCARD
    negated: bool = False


class Cohort(msgspec.Struct, frozen=True):
    """The devices for which every condition holds; without conditions, all of them."""

    conditions: tuple[Condition, ...] = ()

    def has(self, device: Device, hub: Device | None) -> bool:
        """Whether the cohort has this device; `hub` is its hub's row, None where it is unknown."""
        return all(_holds(condition, device, hub) for condition in self.conditions)


WILDCARD = "*"


class _Field(msgspec.Struct, frozen=True):
    """A field of the language: how a value is read, and where a device has it."""

    read: Callable[[str], str | int]
    of: Callable[[Device, Device | None], Any]  # one value, several, or None
    ordered: bool = False
    text: bool = False  # free text, in which WILDCARD may stand


def parse_cohort(text: str) -> Cohort:
    """Read a filter; LocalError names the place and what may stand there."""
    if len(text) > FILTER_CHARACTERS_MAX:
        raise LocalError(
            f"the filter has {len(text)} characters; at most {FILTER_CHARACTERS_MAX} are allowed"
        )
    conditions: list[Condition] = []
    position = _BLANKS.match(text).end()  # type: ignore[union-attr]  # matches everywhere
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None:
            raise LocalError(
                f"the filter cannot be read at character {position + 1}: "
                f"{text[position : position + 20]!r} is no FIELD:VALUE; {_HINT}"
            )
        conditions.append(_condition(term, position))
        position = term.end()
    if len(conditions) > FILTER_TERMS_MAX:
        raise LocalError(
            f"the filter has {len(conditions)} terms; at most {FILTER_TERMS_MAX} are allowed"
        )
    return Cohort(tuple(conditions))


def cohort_text(cohort: Cohort) -> str:
    """The filter as it is kept and shown: `parse_cohort` reads it into the same cohort."""
    return " ".join(map(_condition_text, cohort.conditions))


def is_text(held: str, value: str) -> bool:
    """Whether a text is the one of a condition, whatever the case; it may end in WILDCARD."""
    if value.endswith(WILDCARD):
        return held.lower().startswith(value[:-1].lower())
    return held.lower() == value.lower()


def _condition(term: re.Match[str], position: int) -> Condition:
    name = term["field"].lower()
    field = FIELDS.get(name)
    place = f"at character {position + 1} of the filter"
    if field is None:
        raise LocalError(f"{name!r} {place} is no field; there are {', '.join(FIELDS)}")
    operator = Operator(term["operator"])
    if operator is not Operator.IS and not field.ordered:
        raise LocalError(f"{name!r} {place} has no order: write {name}:VALUE")
    texts = [quoted or bare for quoted, bare in _VALUE.findall(term["values"])]
    if operator is not Operator.IS and len(texts) > 1:
        raise LocalError(f"{name!r} {place} is compared with {len(texts)} values; give one")
    if len(texts) > FILTER_VALUES_MAX:
        raise LocalError(f"{name!r} {place} has more than {FILTER_VALUES_MAX} values")
    if not field.text and any(WILDCARD in value for value in texts):
        raise LocalError(f"{name!r} {place} takes no {WILDCARD}")
    try:
        values = tuple(map(field.read, texts))
    except LocalError as error:
        raise LocalError(f"{place}: {error}") from error
    return Condition(name, operator, values, negated=bool(term["negated"]))


def _condition_text(condition: Condition) -> str:
    values = ",".join(_value_text(condition.field, value) for value in condition.values)
    return f"{'-' * condition.negated}{condition.field}{condition.operator}{values}"


def _value_text(field: str, value: str | int) -> str:
    match value:
        case int():
            return eui_text(value) if field in _EUI_FIELDS else f"{value:04X}"
        case _:
            return value if _BARE.fullmatch(value) else f'"{value}"'


def _holds(condition: Condition, device: Device, hub: Device | None) -> bool:
    held = FIELDS[condition.field].of(device, hub)
    several = held if isinstance(held, tuple) else (held,)
    compare = _COMPARE[condition.operator]
    found = any(
        compare(one, value) for one in several if one is not None for value in condition.values
    )
    return found != condition.negated


def _is(held: str | int, value: str | int) -> bool:
    if isinstance(held, str) and isinstance(value, str):
        return is_text(held, value)
    return held == value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    # A version that was read with another length than 8 digits is before and after nothing.
    def holds(held: str | int, value: str | int) -> bool:
        if isinstance(held, str) and not _VERSION.fullmatch(held):
            return False
        return compare(held, value)

    return holds


_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.IS: _is,
    Operator.BELOW: _ordered(lambda held, value: held < value),
    Operator.AT_MOST: _ordered(lambda held, value: held <= value),
    Operator.ABOVE: _ordered(lambda held, value: held > value),
    Operator.AT_LEAST: _ordered(lambda held, value: held >= value),
}


def _word_of(words: type[StrEnum]) -> Callable[[str], str]:
    by_name = {word.value.lower(): word.value for word in words}

    def read(text: str) -> str:
        word = by_name.get(text.lower())
        if word is None:
            raise LocalError(f"{text!r} is none of {', '.join(words)}")
        return word

    return read


def _version(text: str) -> str:
    if not _HEX_8.fullmatch(text):
        raise LocalError(f"{text!r} is no firmware version: write up to 8 hex digits, 00030000")
    return version_text(int(text, 16))


def _hardware(text: str) -> int:
    if not _HEX_4.fullmatch(text):
        raise LocalError(f"{text!r} is no hardware version: write up to 4 hex digits, 1111")
    return int(text, 16)


_HINT = "write for example type:PPMID firmware<00030000 region:north"
_BLANKS = re.compile(r"[ \t\n]*")
_VALUE_FORM = r'(?:"[^"]+"|[^\s",<>:=]+)'
_TERM = re.compile(
    r"(?P<negated>-?)(?P<field>[A-Za-z][A-Za-z-]*)(?P<operator><=|>=|[:<>])"
    rf"(?P<values>{_VALUE_FORM}(?:,{_VALUE_FORM})*)(?:[ \t\n]+|$)"
)
_VALUE = re.compile(r'"([^"]+)"|([^\s",<>:=]+)')
_BARE = re.compile(r'[^\s",<>:=]+')
_VERSION = re.compile(r"[0-9A-F]{8}")
_HEX_8 = re.compile(r"[0-9A-Fa-f]{1,8}")
_HEX_4 = re.compile(r"[0-9A-Fa-f]{1,4}")
_EUI_FIELDS = frozenset({"id", "hub", "supplier"})

FIELDS = {
    "id": _Field(eui_from_text, lambda device, _: device.device_id),
    "type": _Field(_word_of(DeviceType), lambda device, _: device.type),
    "manufacturer": _Field(str, lambda device, _: device.manufacturer, text=True),
    "model": _Field(str, lambda device, _: device.model, text=True),
    "hardware": _Field(_hardware, lambda device, _: device.hardware_version, ordered=True),
    "firmware": _Field(_version, lambda device, _: device.firmware_version, ordered=True),
    "hub": _Field(eui_from_text, lambda device, _: device.hub_id),
    "hub-firmware": _Field(
        _version, lambda _, hub: None if hub is None else hub.firmware_version, ordered=True
    ),
    "status": _Field(_word_of(DeviceStatus), lambda device, _: device.status),
    "supplier": _Field(eui_from_text, lambda device, _: device.suppliers),
    "region": _Field(_word_of(Region), lambda device, _: device.region),
    "gbcs": _Field(str, lambda device, _: device.gbcs_version, text=True),
}
