"""Simple types of the DUIS schema: the text of an element, and the value that it stands for.

Reading takes what the schema takes (any case of hex, blanks around numbers and base64, line
breaks inside base64). Writing gives one form, the plainest: the DCC Boxed tools normalise such
text before they digest it and refuse a signature that was made over anything else.

Not here: identifiers and times (modules of their own), and elements with children (`elements`).
"""

import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lxml.etree import _Element as Element

BLANKS = " \t\r\n"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Leaf(NamedTuple):
    """A simple type: three functions that belong together.

    `parse` takes an element's text and gives the value, `compose` takes the value and gives its
    text as canonical XML, `show` gives what JSON shows. The first two raise ValueError with the
    reason, a phrase that follows the element's name.
    """

    parse: Callable[[str], Any]
    compose: Callable[[Any], bytes]
    show: Callable[[Any], Any]

    def read(self, element: Element) -> Any:
        """The value of an element that has text and nothing else; ValueError otherwise."""
        if len(element) or element.keys():
            raise ValueError("has more than text")
        return self.parse(element.text or "")

    def write(self, value: Any, put: Callable[[bytes], None]) -> None:
        """Put the text of the value; ValueError if it cannot be written."""
        put(self.compose(value))


def whole_number(lowest: int, highest: int) -> Leaf:
    """A decimal number without sign or leading zeros."""
    digits = re.compile(f"0|[1-9][0-9]{{0,{len(str(highest)) - 1}}}")

    def checked(number: int) -> int:
        if not lowest <= number <= highest:
            raise ValueError(f"is {number}, not {lowest} to {highest}")
        return number

    def parse(text: str) -> int:
        text = text.strip(BLANKS)
        if not digits.fullmatch(text):
            raise ValueError(f"is no number from {lowest} to {highest}")
        return checked(int(text))

    return Leaf(parse, lambda number: b"%d" % checked(number), int)


def alert_code(lowest: int = 0, highest: int = 0xFFFF) -> Leaf:
    """HexBinary of the two octets of a GBCS alert code, as a number."""
    digits = re.compile("[0-9A-Fa-f]{4}")

    def checked(code: int) -> int:
        if not lowest <= code <= highest:
            raise ValueError(f"is {code:X}, not {lowest:04X} to {highest:04X}")
        return code

    def parse(text: str) -> int:
        text = text.strip(BLANKS)
        if not digits.fullmatch(text):
            raise ValueError("is not two octets in hex")
        return checked(int(text, 16))

    return Leaf(parse, lambda code: b"%04X" % checked(code), "{:04X}".format)


def hexadecimal(octets: int) -> Leaf:
    """HexBinary of a fixed number of octets."""
    digits = re.compile(f"[0-9A-Fa-f]{{{2 * octets}}}")

    def parse(text: str) -> bytes:
        text = text.strip(BLANKS)
        if not digits.fullmatch(text):
            raise ValueError(f"is not {octets} octets in hex")
        return bytes.fromhex(text)

    def compose(value: bytes) -> bytes:
        if len(value) != octets:
            raise ValueError(f"has {len(value)} octets, not {octets}")
        return value.hex().upper().encode("ascii")

    return Leaf(parse, compose, lambda value: value.hex().upper())


def base64_binary(octets_max: int, show: Callable[[bytes], Any]) -> Leaf:
    """Base64Binary of at most so many octets."""

    def checked(octets: bytes) -> bytes:
        if len(octets) > octets_max:
            raise ValueError(f"has {len(octets)} octets, more than {octets_max}")
        return octets

    return Leaf(
        lambda text: checked(parse_base64(text)),
        lambda octets: binascii.b2a_base64(checked(octets), newline=False),
        show,
    )


def parse_base64(text: str) -> bytes:
    """The octets of base64 with blanks anywhere; ValueError for everything else."""
    for blank in BLANKS:
        if blank in text:  # to look is ten times as fast as to replace nothing in a megabyte
            text = text.replace(blank, "")
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as fault:
        raise ValueError("is not base64") from fault
    # The decoder does not look at the bits of the last character that belong to no octet. The
    # schema wants them zero, and one value must not have two texts.
    last = octets[-(len(octets) % 3 or 3) :]
    if binascii.b2a_base64(last, newline=False).decode("ascii") != text[-4:]:
        raise ValueError("is not base64: its last character has a bit too many")
    return octets


def characters(shortest: int = 0, longest: int | None = None) -> Leaf:
    """Text that is kept as it is, blanks included, with a number of characters."""

    def checked(text: str) -> str:
        if len(text) < shortest or (longest is not None and len(text) > longest):
            raise ValueError(f"has {len(text)} characters, not {shortest} to {longest}")
        return text

    return Leaf(checked, lambda text: escape(checked(text)), str)


def one_of(words: Iterable[str]) -> Leaf:
    """One word of a list; read as a member where the list is a StrEnum."""
    members = {str(word): word for word in words}

    def checked(text: str) -> str:
        member = members.get(text)
        if member is None:
            raise ValueError("is none of the schema's words")
        return member

    return Leaf(checked, lambda word: checked(word).encode("ascii"), str)


def matching(pattern: str) -> Leaf:
    """Text of a pattern, which must have no character that XML escapes."""
    compiled = re.compile(pattern)

    def checked(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError("has not the form that the schema gives it")
        return text

    return Leaf(checked, lambda text: checked(text).encode("ascii"), str)


def escape(text: str) -> bytes:
    """Text as canonical XML character data (C14N 1.0, 2.3); ValueError if XML cannot carry it."""
    if _NOT_XML.search(text):
        raise ValueError("has a character that XML cannot carry")
    for character, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#xD;")):
        text = text.replace(character, reference)
    return text.encode("utf-8")
