"""The markers of pages: opaque to clients, and written as SigOpt wrote them (protobuf in base64url).

A marker is a list of symbols, each a number, a text, true or false, or nothing: `[id]` in the order of ids, and
`[order, …, id]` in any other, so that one of another order is known as such. The messages are

    message PagingSymbol { oneof type { double double_value = 1; int64 int_value = 2; NullValue null_value = 3;
                                        string string_value = 4; bool bool_value = 5; } }
    message PagingMarker { repeated PagingSymbol symbols = 1; }

small enough to be written by hand.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence
from typing import Final

from service.errors import InvalidInputError

__all__ = ["Symbol", "decode", "encode"]

#: One part of a marker.
Symbol = int | float | str | bool | None

_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{2,2000}={0,2}")
_SYMBOLS: Final = 0x0A
_DOUBLE, _INT, _NULL, _STRING, _BOOL = 0x09, 0x10, 0x18, 0x22, 0x28
_WRAP: Final = 1 << 64


def encode(symbols: Sequence[Symbol]) -> str:
    """Return the marker of `symbols`.

    >>> encode([12]), decode(encode(["recent", -3, 0.5, "x", None, True, 12]), "before")
    ('CgIQDA', ['recent', -3, 0.5, 'x', None, True, 12])
    """
    packed = b"".join(bytes((_SYMBOLS,)) + _sized(_symbol(symbol)) for symbol in symbols)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(marker: str, field: str) -> list[Symbol]:
    """Read a marker, padded or not; raise `InvalidInputError` for one that nobody here has made."""
    try:
        if not _TEXT.fullmatch(marker):
            raise ValueError(marker)
        bare = marker.rstrip("=")
        return _read(base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)))
    except (ValueError, IndexError, struct.error) as error:
        message = f"Invalid paging marker: {marker[:40]!a}, expected one that a list has answered"
        raise InvalidInputError(message, field=field, expected="a marker of `paging`") from error


def _symbol(value: Symbol) -> bytes:
    match value:
        case None:
            return bytes((_NULL, 0))
        case bool():
            return bytes((_BOOL, value))
        case int():
            return bytes((_INT,)) + _varint(value % _WRAP)
        case float():
            return bytes((_DOUBLE,)) + struct.pack("<d", value)
        case str():
            return bytes((_STRING,)) + _sized(value.encode())


def _sized(part: bytes) -> bytes:
    return _varint(len(part)) + part


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _read(packed: bytes) -> list[Symbol]:
    found: list[Symbol] = []
    at = 0
    while at < len(packed):
        if packed[at] != _SYMBOLS:
            raise ValueError("no symbol")
        size, at = _read_varint(packed, at + 1)
        found.append(_read_symbol(packed[at : at + size], size))
        at += size
    return found


def _read_varint(packed: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 64:
        byte = packed[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number % _WRAP, at
    raise ValueError("a number without end")


def _read_symbol(part: bytes, size: int) -> Symbol:
    if len(part) != size:
        raise ValueError("cut off")
    kind, rest = part[0], part[1:]
    if kind == _DOUBLE:
        return float(struct.unpack("<d", rest)[0])
    number, end = _read_varint(part, 1)
    if kind == _STRING and len(part) == end + number:
        return part[end:].decode()
    if kind not in (_INT, _NULL, _BOOL) or end != len(part):
        raise ValueError("no symbol")
    return {_INT: number - _WRAP if number >> 63 else number, _NULL: None, _BOOL: bool(number)}[kind]
