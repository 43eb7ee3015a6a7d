"""What a query string says: truths, choices, whole numbers, comma lists. Anything else names its parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from flask import request

from service.errors import InvalidInputError
from service.schemas import fields

__all__ = ["asks_for_a_user", "choice", "comma_list", "id_list", "refuse_nul", "truth", "whole_number"]

_WHOLE: Final = re.compile(r"-?[0-9]+")
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


def truth(name: str, *, default: bool = False) -> bool:
    """Read true or false, as `true`, `1`, `False` … say it."""
    text = request.args.get(name)
    if text is None:
        return default
    if text.lower() not in _TRUTHS:
        message = f"Invalid boolean value: {text[:40]!a} for {name}, expected true or false"
        raise InvalidInputError(message, field=name, expected="true or false")
    return _TRUTHS[text.lower()]


def choice(name: str, allowed: Sequence[str], *, default: str) -> str:
    """Read one of `allowed`; nothing is chosen by an empty text."""
    text = request.args.get(name) or default
    if text not in allowed:
        known = ", ".join(allowed)
        message = f"Invalid {name}: {text[:40]!a}, expected one of: {known}"
        raise InvalidInputError(message, field=name, expected=known)
    return text


def whole_number(name: str) -> int | None:
    """Read a whole number that a column can hold, not below zero."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        message = f"Invalid {name}: {text[:40]!a}, expected a whole number"
        raise InvalidInputError(message, field=name, expected="a whole number")
    return int(text)


def asks_for_a_user() -> bool:
    """Whether the list is to be of what one user made: then it is empty, since there are no users here."""
    text = request.args.get("user")
    if text is None:
        return False
    if _WHOLE.fullmatch(text) is None:
        message = f"Invalid user: {text[:40]!a}, expected the id of a user"
        raise InvalidInputError(message, field="user", expected="an id")
    return True


def comma_list(name: str) -> list[str] | None:
    """Read `a,b,c`; nothing at all and nothing between the commas are told apart.

    `?id=` is an empty list, no `id` is None.
    """
    text = request.args.get(name)
    return None if text is None else text.split(",") if text else []


def id_list(name: str) -> list[int] | None:
    """Read ids between commas."""
    found = comma_list(name)
    return None if found is None else [fields.parse_id(part, name) for part in found]


def refuse_nul() -> None:
    """Refuse a NUL in the path or the query: no database keeps one, so nothing could be found by it."""
    if "\x00" in request.path:
        raise InvalidInputError("Invalid string parameter: the path has a NUL character", field="path")
    for name, value in request.args.items(multi=True):
        if "\x00" in name or "\x00" in value:
            message = f"Invalid string parameter: {name[:40]!a} has a NUL character"
            raise InvalidInputError(message, field=name.replace("\x00", ""), expected="text without NUL")
