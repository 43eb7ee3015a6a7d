"""Bodies in, bodies out: strict JSON, ids as digits, times as epoch seconds, pages with opaque markers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Response, request

from service.errors import InvalidInputError, NotFoundError
from service.schemas import fields

__all__ = [
    "Key",
    "Page",
    "Walk",
    "body",
    "epoch",
    "page",
    "pagination",
    "parse_id",
    "refuse_unknown",
    "reply",
    "walk",
    "walked",
]

#: Where an item stands in an order: its id, or what comes before the id and then the id.
Key = tuple[int, ...]

LARGEST_PAGE: Final = 1000
#: What asks for the one order there is.
_NEWEST_FIRST: Final = frozenset(("", "id", "false", "0"))
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
_READ_AS_JSON: Final = frozenset(("", "application/json", "application/x-www-form-urlencoded"))
#: So that a reply that lands in a page by mistake is still text.
_ESCAPES: Final = str.maketrans({"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"})


def body() -> dict[str, Any]:
    """Return the request's JSON object. Other media types count as no parameters, as SigOpt's clients know it."""
    if request.mimetype not in _READ_AS_JSON:
        return {}
    return fields.parse_json_object(request.get_data())


def refuse_unknown(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse keys that the endpoint does not know."""
    for name in given:
        if name not in known:
            message = f"Unknown json keys `{name}` in: {fields.shorten(dict(given))}"
            raise InvalidInputError(message, field=f".{name}", expected=", ".join(known))


def reply(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return `value` as JSON."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=True).translate(_ESCAPES)
    return Response(f"{text}\n", status=status, mimetype="application/json")


def parse_id(text: str, what: str) -> int:
    """Read an id of the path; one that cannot exist is not found."""
    try:
        return fields.parse_id(text, what)
    except InvalidInputError as error:
        raise NotFoundError(f"No {what} {text}") from error


def epoch(at: datetime | None) -> int | None:
    """Return a time in whole seconds since 1970."""
    return None if at is None else int(at.timestamp())


class Page:
    """What part of a list was asked for."""

    def __init__(self, limit: int, before: int | None) -> None:
        self.limit = limit
        self.before = before


def page() -> Page:
    """Read `limit` and `before` of the query, for a list that has one order."""
    limit = _limit()
    for name in ("after", "sort", "ascending"):
        asked = request.args.get(name, "")
        if asked.lower() not in _NEWEST_FIRST:
            message = f"{name}={asked[:40]} is not offered: lists come newest first and go on with `before`"
            raise InvalidInputError(message, field=name, expected="nothing")
    marker = request.args.get("before")
    return Page(limit, None if marker is None else _unmark(marker, "before", "id", 1)[0])


def _limit() -> int:
    text = request.args.get("limit", str(LARGEST_PAGE))
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(f"Invalid limit: {text}, expected 0 to {LARGEST_PAGE}", field="limit")
    if len(text) > 9 or int(text) > LARGEST_PAGE:
        raise InvalidInputError(f"Exceeded maximum limit: {LARGEST_PAGE}", field="limit")
    return int(text)


def pagination(items: Sequence[Mapping[str, Any]], *, count: int, page: Page) -> dict[str, Any]:
    """Return one page of a list, newest first; `before` leads to the older rest."""
    more = len(items) == page.limit and page.limit > 0
    before = _mark("id", (int(items[-1]["id"]),)) if more else None
    return {
        "object": "pagination",
        "data": list(items),
        "count": count,
        "paging": {"before": before, "after": None},
    }


@dataclass(frozen=True)
class Walk:
    """Which part of a list with several orders was asked for.

    `after` leads to larger keys and `before` to smaller ones, whichever of the two comes first on a page.
    """

    limit: int
    sort: str
    ascending: bool
    before: Key | None
    after: Key | None

    @property
    def goes_up(self) -> bool:
        """Whether the next page has larger keys."""
        return self.after is not None or (self.ascending and self.before is None)


def walk(sorts: Mapping[str, int]) -> Walk:
    """Read `limit`, `sort`, `ascending`, `before` and `after`; `sorts` says how many numbers the keys of each have."""
    sort = request.args.get("sort", "id")
    if sort not in sorts:
        known = ", ".join(sorts)
        raise InvalidInputError(f"Invalid sort: {sort[:40]}, expected one of: {known}", field="sort", expected=known)
    markers = {name: request.args.get(name) for name in ("before", "after")}
    if None not in markers.values():
        raise InvalidInputError("before and after lead opposite ways: expected one of them", field="after")
    keys = {
        name: None if marker is None else _unmark(marker, name, sort, sorts[sort]) for name, marker in markers.items()
    }
    return Walk(limit=_limit(), sort=sort, ascending=_truth("ascending"), **keys)


def _truth(name: str) -> bool:
    text = request.args.get(name, "false")
    if text.lower() not in _TRUTHS:
        message = f"Invalid {name}: {text[:40]}, expected true or false"
        raise InvalidInputError(message, field=name, expected="true or false")
    return _TRUTHS[text.lower()]


def walked(items: Sequence[Mapping[str, Any]], keys: Sequence[Key], *, count: int, walk: Walk) -> dict[str, Any]:
    """Return one page of a list with several orders; `keys` are those of its items."""
    more = len(items) == walk.limit and walk.limit > 0
    up, down = more and walk.goes_up, more and not walk.goes_up
    return {
        "object": "pagination",
        "data": list(items),
        "count": count,
        "paging": {
            "before": _mark(walk.sort, min(keys)) if down else None,
            "after": _mark(walk.sort, max(keys)) if up else None,
        },
    }


def _mark(sort: str, key: Key) -> str:
    return base64.urlsafe_b64encode(":".join((sort, *map(str, key))).encode()).decode().rstrip("=")


def _unmark(marker: str, field: str, sort: str, size: int) -> Key:
    """Read a marker that was made for the same order: one of another order would lead anywhere."""
    try:
        name, *numbers = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode().split(":")
        key = tuple(fields.parse_id(number, field) for number in numbers)
    except (binascii.Error, ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"Invalid paging marker: {marker[:40]}", field=field) from error
    if name != sort or len(key) != size:
        message = f"Invalid paging marker: {marker[:40]} is not one of a list sorted by {sort}"
        raise InvalidInputError(message, field=field)
    return key
