"""A column of many rows as one parameter of a statement: arrays as PostgreSQL's binary format.

Layout: number of dimensions, whether there are nulls, OID of the type of an element, number of
elements, number of the first one (all int4), then of each element its octets behind their number
(int4; -1 and nothing for a null). PostgreSQL: `array_recv` in src/backend/utils/adt/arrayfuncs.c.
"""

from struct import Struct, pack
from typing import ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper


class Integers(list[int | None]):
    """Signed numbers of 64 bits."""

    sql: ClassVar[str] = "bigint[]"


class Texts(list[str | None]):
    """Texts."""

    sql: ClassVar[str] = "text[]"


class Octets(list[bytes]):
    """Strings of octets."""

    sql: ClassVar[str] = "bytea[]"


# By the letter that `{rows:...}` has for a column.
ARRAYS: dict[str, type[Integers] | type[Texts] | type[Octets]] = {
    "i": Integers,
    "t": Texts,
    "o": Octets,
}


def register(connection: "psycopg.Connection[object]") -> None:
    """Let a connection take arrays, and every number as one of 64 bits.

    Otherwise a statement would be prepared anew for each width that its numbers happen to have.
    """
    for kind, dumper in _DUMPERS.items():
        connection.adapters.register_dumper(kind, dumper)


_INT8, _BYTEA, _TEXT = 20, 17, 25
_INT8_ARRAY, _BYTEA_ARRAY, _TEXT_ARRAY = 1016, 1001, 1009
_NULL = pack(">i", -1)
_head = Struct(">iiiii").pack
_length = Struct(">i").pack
_integer = Struct(">iq").pack


class _Integers(Dumper):
    format = Format.BINARY
    oid = _INT8_ARRAY

    def dump(self, obj: Integers) -> bytes:
        return _array(_INT8, [_NULL if one is None else _integer(8, one) for one in obj])


class _Octets(Dumper):
    format = Format.BINARY
    oid = _BYTEA_ARRAY

    def dump(self, obj: Octets) -> bytes:
        return _array(_BYTEA, [_sized(one) for one in obj])


class _Texts(Dumper):
    format = Format.BINARY
    oid = _TEXT_ARRAY

    def dump(self, obj: Texts) -> bytes:
        words = {one: _NULL if one is None else _sized(one.encode()) for one in set(obj)}
        return _array(_TEXT, [words[one] for one in obj])


def _array(oid: int, elements: list[bytes]) -> bytes:
    return _head(1, _NULL in elements, oid, len(elements), 1) + b"".join(elements)


def _sized(octets: bytes) -> bytes:
    return _length(len(octets)) + octets


_DUMPERS: dict[type, type[Dumper]] = {
    Integers: _Integers,
    Texts: _Texts,
    Octets: _Octets,
    int: Int8BinaryDumper,
    str: StrBinaryDumper,
    bytes: BytesBinaryDumper,
}
