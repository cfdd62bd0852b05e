"""The columns of a file of rows: how one value is written as text, and read back.

A column reads text and gives the value, or raises LocalError with what is wrong with the text;
what it writes it reads back. The same texts stand in a cell of CSV and in a string of JSON.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, TypeAlias

import msgspec

from hanota.errors import LocalError
from hanota.limits import HASH_OCTETS
from hanota.model import eui_from_text, eui_text

SEPARATOR = ";"

Cell: TypeAlias = str | list[str]
WriteRow: TypeAlias = Callable[[list[Cell]], object]


class Column(msgspec.Struct, frozen=True):
    """One column: its name, and how one value of it is read and written."""

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    many: bool = False  # a cell holds any number of values, none of them empty
    few: bool = False  # the whole file has few different values: those read are worth keeping

    def read_many(self, items: list[str]) -> tuple[Any, ...]:
        """The values of a cell that holds many; LocalError where one is wrong or stands twice."""
        if "" in items:
            raise LocalError("an item of the list is empty")
        if any(SEPARATOR in item for item in items):
            raise LocalError(f"an item of the list has a {SEPARATOR} in it")
        values = tuple(map(self.read, items))
        if len(set(values)) != len(values):
            raise LocalError("an item stands twice in the list")
        return values

    def write_cell(self, value: Any) -> Cell:
        """The text of a value, or the texts of many; LocalError where they would not come back."""
        cell, back = self._written_many(value) if self.many else self._written(value)
        if back != value:
            raise LocalError(f"the column {self.name} cannot hold {value!r}")
        return cell

    def _written(self, value: Any) -> tuple[Cell, Any]:
        text = self.write(value)
        return text, self.read(text)

    def _written_many(self, values: tuple[Any, ...]) -> tuple[Cell, Any]:
        texts = [self.write(value) for value in values]
        return texts, self.read_many(texts)


def eui(name: str) -> Column:
    """A device or organisation: `00-DB-12-34-56-78-90-A4`, any case."""
    return Column(name, eui_from_text, eui_text)


def eui_or_none(name: str) -> Column:
    """A device, or nothing."""
    return Column(name, _eui_or_none, _eui_text_or_empty)


def euis(name: str) -> Column:
    """Any number of organisations."""
    return Column(name, eui_from_text, eui_text, many=True, few=True)


def word(name: str, words: type[StrEnum]) -> Column:
    """One word of a list, spelled as the list has it."""
    return Column(name, partial(_word, {each.value: each for each in words}), str, few=True)


def text(name: str) -> Column:
    """Any text; empty where it is not known."""
    return Column(name, _text, str, few=True)


def version(name: str) -> Column:
    """A firmware version of exactly 4 octets, 8 hex digits."""
    return Column(name, _version, str, few=True)


def read_version(name: str) -> Column:
    """A firmware version as a device told it, as a rule 8 hex digits; empty where unknown."""
    return Column(name, _version_or_text, str, few=True)


def read_versions(name: str) -> Column:
    """Any number of firmware versions."""
    return Column(name, _version_or_text, str, many=True, few=True)


def gbcs_version(name: str) -> Column:
    """A version of GBCS, `4.3`; empty where unknown."""
    return Column(name, _gbcs_version, str, few=True)


def two_octets(name: str) -> Column:
    """A number of ZigBee that is always shown as 4 hex digits, such as a manufacturer code."""
    return Column(name, _two_octets, _two_octets_text, few=True)


def two_octets_or_none(name: str) -> Column:
    """A hardware version, or nothing where it is not known."""
    return Column(name, _two_octets_or_none, _two_octets_text_or_empty, few=True)


def many_two_octets(name: str) -> Column:
    """One hardware version at least."""
    return Column(name, _two_octets, _two_octets_text, many=True, few=True)


def sha256(name: str) -> Column:
    """A SHA-256, 64 hex digits."""
    return Column(name, _sha256, _sha256_text)


_TEXT_SHOWN_CHARACTERS = 40
_VERSION = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_GBCS_VERSION = re.compile(r"(?:[0-9]{1,4}(?:\.[0-9]{1,4}){1,3})?", re.ASCII)
_TWO_OCTETS = re.compile(r"[0-9A-Fa-f]{4}", re.ASCII)
_SHA256 = re.compile(rf"[0-9A-Fa-f]{{{2 * HASH_OCTETS}}}", re.ASCII)


def _shown(given: str) -> str:
    more = "..." if len(given) > _TEXT_SHOWN_CHARACTERS else ""
    return f"{given[:_TEXT_SHOWN_CHARACTERS]!r}{more}"


def _eui_or_none(given: str) -> int | None:
    return eui_from_text(given) if given else None


def _eui_text_or_empty(value: int | None) -> str:
    return "" if value is None else eui_text(value)


def _word(words: dict[str, StrEnum], given: str) -> StrEnum:
    found = words.get(given)
    if found is None:
        raise LocalError(f"{_shown(given)} is none of {', '.join(words)}")
    return found


def _text(given: str) -> str:
    """Any text that UTF-8 can carry: a value made elsewhere may hold half a surrogate pair."""
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise LocalError(f"{_shown(given)} is no Unicode") from error
    return given


def _version(given: str) -> str:
    if not _VERSION.fullmatch(given):
        raise LocalError(f"{_shown(given)} is no firmware version: write 8 hex digits, 00020000")
    return given.upper()


def _version_or_text(given: str) -> str:
    return given.upper() if _VERSION.fullmatch(given) else _text(given)


def _gbcs_version(given: str) -> str:
    if not _GBCS_VERSION.fullmatch(given):
        raise LocalError(f"{_shown(given)} is no GBCS version: write numbers and points, 4.3")
    return given


def _two_octets(given: str) -> int:
    if not _TWO_OCTETS.fullmatch(given):
        raise LocalError(f"{_shown(given)} is no number of two octets: write 4 hex digits, 121D")
    return int(given, 16)


def _two_octets_text(value: int) -> str:
    return f"{value:04X}"


def _two_octets_or_none(given: str) -> int | None:
    return _two_octets(given) if given else None


def _two_octets_text_or_empty(value: int | None) -> str:
    return "" if value is None else _two_octets_text(value)


def _sha256(given: str) -> bytes:
    if not _SHA256.fullmatch(given):
        raise LocalError(f"{_shown(given)} is no SHA-256: write {2 * HASH_OCTETS} hex digits")
    return bytes.fromhex(given)


def _sha256_text(value: bytes) -> str:
    return value.hex()
