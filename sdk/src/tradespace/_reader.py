"""Read one JSON object of the API: what is missing or of another type is named by its path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tradespace.errors import UnexpectedReplyError

__all__ = ["Reader"]

T = TypeVar("T")


class Reader:
    """A JSON object and where it stands.

    >>> suggestion = Reader({"id": "7", "predicted": None}, "suggestion")
    >>> suggestion.text("id"), suggestion.mapping_or_none("predicted")
    ('7', None)
    >>> suggestion.mapping("assignments")
    Traceback (most recent call last):
    tradespace.errors.UnexpectedReplyError: suggestion.assignments: expected an object, got null
    """

    def __init__(self, body: Any, path: str) -> None:
        self._path = path
        self._body: dict[str, Any] = _object(body, path)

    def mapping(self, key: str | None = None) -> Mapping[str, Any]:
        """Return the object under `key`, or this one, as it came."""
        return dict(self._body) if key is None else dict(_object(self._body.get(key), self._at(key)))

    def mapping_or_none(self, key: str) -> Mapping[str, Any] | None:
        """Return the object under `key`, or None for null and for a missing key."""
        return self._maybe(key, self.mapping)

    def text(self, key: str) -> str:
        """Return the text under `key`; a number counts as the text of an id."""
        value = self._body.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise _unexpected(self._at(key), "a text", value)
        return value

    def text_or_none(self, key: str) -> str | None:
        """Return the text under `key`, or None for null and for a missing key."""
        return self._maybe(key, self.text)

    def number(self, key: str) -> float:
        """Return the number under `key`."""
        value = self._body.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _unexpected(self._at(key), "a number", value)
        return float(value)

    def number_or_none(self, key: str) -> float | None:
        """Return the number under `key`, or None for null and for a missing key."""
        return self._maybe(key, self.number)

    def integer_or_none(self, key: str) -> int | None:
        """Return the whole number under `key`, or None for null and for a missing key."""
        number = self.number_or_none(key)
        if number is not None and not number.is_integer():
            raise _unexpected(self._at(key), "a whole number", number)
        return None if number is None else int(number)

    def flag(self, key: str) -> bool:
        """Return the truth value under `key`; a missing one is false."""
        value = self._body.get(key, False)
        if not isinstance(value, bool):
            raise _unexpected(self._at(key), "true or false", value)
        return value

    def part(self, key: str) -> Reader:
        """Return a reader of the object under `key`."""
        return Reader(self._body.get(key), self._at(key))

    def part_or_none(self, key: str) -> Reader | None:
        """Return a reader of the object under `key`, or None for null and for a missing key."""
        return self._maybe(key, self.part)

    def parts(self, key: str) -> list[Reader]:
        """Return a reader of each object in the list under `key`."""
        value = self._body.get(key)
        if not isinstance(value, list):
            raise _unexpected(self._at(key), "a list", value)
        return [Reader(one, f"{self._at(key)}[{number}]") for number, one in enumerate(value)]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts under `key`."""
        value = self._body.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _unexpected(self._at(key), "a list of texts", value)
        return tuple(value)

    def named_parts(self, key: str) -> dict[str, Reader]:
        """Return a reader of each object in the object under `key`, by its name there."""
        part = self.part(key)
        return {name: part.part(name) for name in part.mapping()}

    def named_parts_or_none(self, key: str) -> dict[str, Reader] | None:
        """Return the same, or None for null and for a missing key."""
        return self._maybe(key, self.named_parts)

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}"

    def _maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        return None if self._body.get(key) is None else read(key)


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(path, "an object", value)
    return value


def _unexpected(path: str, expected: str, found: Any) -> UnexpectedReplyError:
    shown = json.dumps(found, ensure_ascii=False)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return UnexpectedReplyError(f"{path}: expected {expected}, got {shown}")
