"""DER: the five ASN.1 types that GBCS firmware contents are made of (X.690, clauses 8, 10, 11).

A content is a SEQUENCE described by a form, a tuple of tags that serves both directions:
`(INTEGER, GENERALIZED_TIME, OCTET_STRING)`. A tuple within a form is a SEQUENCE within the
SEQUENCE. Decoding is strict: minimal lengths, minimal integers, nothing left over; what is
accepted encodes to the same octets. Recursion is as deep as the form, never as the data.

`cryptography.hazmat.asn1` knows these types as well and is the oracle of the tests. It is not
used here because this floor must not depend on the library of the keys, because which octets
count as DER is this project's promise, and because a form is all that these contents need.

Not here: negative integers, other types, tags above 30, X.509.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from hanota.errors import LocalError, RemoteError
from hanota.model import utc
from hanota.wire.codes import GbcsFault

INTEGER = 0x02  # an int, 0 to 2^64-1
OCTET_STRING = 0x04  # bytes
GENERALIZED_TIME = 0x18  # an int, milliseconds since 1970-01-01T00:00Z, whole seconds
NULL = bytes.fromhex("0500")  # the whole encoding: a NULL stands alone in these contents

Form: TypeAlias = "tuple[int | Form, ...]"

_SEQUENCE = 0x30
_TIME_OCTETS = 15
_Z = ord("Z")
_DAY_1970 = date(1970, 1, 1).toordinal()
_OCTETS_MAX = 0xFFFF  # what a length of two octets can say; a GBCS message is no larger


def decode_sequence(octets: bytes, form: Form, optional: int = 0) -> list[Any]:
    """Read one SEQUENCE that fills `octets`; one value for each element of the form.

    The last `optional` elements may be absent and are then None. RemoteError(GbcsFault) when
    the octets are anything but the DER of this form.
    """
    try:
        position, end = _span(octets, 0, _SEQUENCE)
        if end != len(octets):
            raise RemoteError(GbcsFault.TRAILING, "octets follow the SEQUENCE of the content")
        values: list[Any] = []
        for element in form:
            if position == end:
                break
            if isinstance(element, tuple):
                _, stop = _span(octets, position, _SEQUENCE)
                values.append(decode_sequence(octets[position:stop], element))
            else:
                start, stop = _span(octets, position, element)
                values.append(_DECODE[element](octets[start:stop]))
            position = stop
    except IndexError:
        raise RemoteError(GbcsFault.TRUNCATED, "the DER content ends within an element") from None
    if position != end:
        raise RemoteError(GbcsFault.TRAILING, "the SEQUENCE has an element too many")
    absent = len(form) - len(values)
    if absent > optional:
        raise RemoteError(GbcsFault.TRUNCATED, f"the SEQUENCE lacks {absent - optional} elements")
    values += [None] * absent
    return values


def encode_sequence(values: tuple[Any, ...], form: Form) -> bytes:
    """Write one SEQUENCE; None leaves an element out. LocalError when a value does not fit."""
    encoded = []
    for value, element in zip(values, form, strict=True):
        if value is None:
            continue
        if isinstance(element, tuple):
            encoded.append(encode_sequence(value, element))
        else:
            encoded.append(_tagged(element, _ENCODE[element](value)))
    return _tagged(_SEQUENCE, b"".join(encoded))


def _span(octets: bytes, position: int, tag: int) -> tuple[int, int]:
    """First octet and end of the value at `position`; IndexError when the octets end before."""
    if octets[position] != tag:
        raise RemoteError(
            GbcsFault.MALFORMED,
            f"the DER content has tag {octets[position]:02X} where {tag:02X} belongs",
        )
    length = octets[position + 1]
    start = position + 2
    if length > 0x7F:
        length, start = _long_length(octets, position + 1)
    end = start + length
    if end > len(octets):
        raise RemoteError(GbcsFault.TRUNCATED, "the DER content ends within an element")
    return start, end


def _long_length(octets: bytes, position: int) -> tuple[int, int]:
    count = octets[position] - 0x80
    if count not in {1, 2}:
        raise RemoteError(GbcsFault.MALFORMED, f"a DER length has {count} octets, not 1 or 2")
    start = position + 1 + count
    length = int.from_bytes(octets[position + 1 : start], "big")
    if length < (0x80, 0x100)[count - 1]:
        raise RemoteError(GbcsFault.MALFORMED, "a DER length is longer than it need be")
    return length, start


def _tagged(tag: int, value: bytes) -> bytes:
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    if length < 0x100:
        return bytes((tag, 0x81, length)) + value
    if length > _OCTETS_MAX:
        raise LocalError(f"a DER value of {length} octets does not fit a GBCS message")
    return bytes((tag, 0x82)) + length.to_bytes(2, "big") + value


def _decode_integer(value: bytes) -> int:
    number = int.from_bytes(value, "big")
    # A set top bit would make it negative, and needs 00 before it: hence the octet more.
    if len(value) != number.bit_length() // 8 + 1 or number >> 64:
        raise RemoteError(
            GbcsFault.MALFORMED, "an INTEGER is not the shortest form of one from 0 to 2^64-1"
        )
    return number


def _encode_integer(number: int) -> bytes:
    if not 0 <= number < 1 << 64:
        raise LocalError(f"{number} is no INTEGER between 0 and 2^64-1")
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _decode_time(value: bytes) -> int:
    if len(value) != _TIME_OCTETS or value[14] != _Z or not value[:14].isdigit():
        raise RemoteError(GbcsFault.MALFORMED, "a GeneralizedTime is not YYYYMMDDHHMMSSZ")
    # One int and divisions cost half of six ints, and half of a datetime.
    date_digits, time_digits = divmod(int(value[:14]), 1_000_000)
    hour, minute, second = time_digits // 10_000, time_digits // 100 % 100, time_digits % 100
    try:
        day = date(date_digits // 10_000, date_digits // 100 % 100, date_digits % 100)
    except ValueError:
        raise RemoteError(GbcsFault.MALFORMED, "a GeneralizedTime is no date") from None
    if hour > 23 or minute > 59 or second > 59:
        raise RemoteError(GbcsFault.MALFORMED, "a GeneralizedTime is no time of day")
    days = day.toordinal() - _DAY_1970
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000


def _encode_time(instant: int) -> bytes:
    if instant % 1000:
        raise LocalError(f"a GeneralizedTime has whole seconds, and {instant} ms is none")
    try:
        moment = utc(instant)
    except (ValueError, OverflowError, OSError):
        raise LocalError(f"{instant} ms is not in the years 1 to 9999") from None
    # %Y has no leading zeros before the year 1000.
    return f"{moment.year:04}{moment:%m%d%H%M%S}Z".encode()


_DECODE: dict[int, Callable[[bytes], Any]] = {
    INTEGER: _decode_integer,
    OCTET_STRING: bytes,
    GENERALIZED_TIME: _decode_time,
}
_ENCODE: dict[int, Callable[[Any], bytes]] = {
    INTEGER: _encode_integer,
    OCTET_STRING: bytes,
    GENERALIZED_TIME: _encode_time,
}
