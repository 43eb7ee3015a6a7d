"""A large JSON object, read piece by piece: the keys in their order, and the items of its lists one at a time."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from service.errors import InvalidInputError
from service.schemas.fields import parse_json_object

__all__ = ["LARGEST_PIECE", "pieces"]

_CHUNK: Final = 64 * 1024
#: Characters of one item; a definition of a hundred parameters a fortieth of it, and a run has its checkpoints in it
LARGEST_PIECE: Final = 16 * 1024 * 1024
_SPACE: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


def pieces(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield `(key, value)` for each key of the object in `file`, and `(key, item)` for each item of a list under a key.

    Items are held against the same rules as any body: no key twice, no NaN, no NUL.

    >>> from io import BytesIO
    >>> list(pieces(BytesIO(b'{"version": 1, "observations": [{"a": 1}, {"a": 2}]}')))
    [('version', 1), ('observations', {'a': 1}), ('observations', {'a': 2})]
    """
    text = _Text(file)
    text.expect("{")
    seen: set[str] = set()
    while text.peek() != "}":
        if seen:
            text.expect(",")
        key = _key(text, seen)
        text.expect(":")
        if text.peek() == "[":
            yield from ((key, item) for item in _items(text))
        else:
            yield key, text.value()
    text.expect("}")
    if text.peek():
        raise _malformed("more after the end of the object")


def _key(text: _Text, seen: set[str]) -> str:
    if text.peek() != '"':
        raise _malformed("expected a key in double quotes")
    key = text.value()
    if key in seen:
        raise InvalidInputError(f"Duplicate key value in JSON document: {key}", field=f".{key}")
    seen.add(key)
    return str(key)


def _items(text: _Text) -> Iterator[Any]:
    text.expect("[")
    is_first = True
    while text.peek() != "]":
        if not is_first:
            text.expect(",")
        is_first = False
        yield text.value()
    text.expect("]")


class _Text:
    """The text of `file`, of which only what is being looked at is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = getincrementaldecoder("utf-8")()
        self._buffer = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._buffer) or self._ended:
                return self._buffer[self._at : self._at + 1]
            self._more()

    def expect(self, character: str) -> None:
        """Step over `character`, which has to come next."""
        found = self.peek()
        if found != character:
            raise _malformed(
                f"expected {character!r}, got {found!r}" if found else f"ended where {character!r} follows"
            )
        self._at += 1

    def value(self) -> Any:
        """Return the next value. One that reaches to the end of what was read may go on behind it."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except ValueError as error:
                if self._ended:
                    raise _malformed(str(error)) from error
            except RecursionError as error:
                raise _malformed("nested too deeply") from error
            else:
                if end < len(self._buffer) or self._ended:
                    text, self._at = self._buffer[self._at : end], end
                    return _strict(text, value)
            if len(self._buffer) - self._at > LARGEST_PIECE:
                raise _malformed(f"no end of a value within {LARGEST_PIECE} characters")
            self._more()

    def _more(self) -> None:
        chunk = self._file.read(_CHUNK if len(self._buffer) - self._at < _CHUNK else len(self._buffer) - self._at)
        self._ended = not chunk
        try:
            self._buffer = self._buffer[self._at :] + self._decode.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            raise InvalidInputError("The file is not UTF-8", expected="UTF-8 text") from error
        self._at = 0


def _strict(text: str, value: Any) -> Any:
    """Read a value again by the rules of bodies. It costs as much again, and there is one set of rules."""
    return parse_json_object(f'{{"value":{text}}}', what="The file")["value"] if _may_break_rules(value) else value


def _may_break_rules(value: Any) -> bool:
    return isinstance(value, dict | list | str | float)


def _malformed(reason: str) -> InvalidInputError:
    return InvalidInputError(f"Malformed json in the file: {reason}", expected="a JSON object")
