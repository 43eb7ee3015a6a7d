"""Bodies in, bodies out: strict JSON, ids as digits, times as epoch seconds, pages with opaque markers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from flask import Response, request

from service.errors import InvalidInputError, NotFoundError
from service.schemas import fields

__all__ = ["Page", "body", "epoch", "page", "pagination", "parse_id", "refuse_unknown", "reply"]

LARGEST_PAGE: Final = 1000
#: What asks for the one order there is.
_NEWEST_FIRST: Final = frozenset(("", "id", "false", "0"))
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
    """Read `limit` and `before` of the query."""
    text = request.args.get("limit", str(LARGEST_PAGE))
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(f"Invalid limit: {text}, expected 0 to {LARGEST_PAGE}", field="limit")
    if len(text) > 9 or int(text) > LARGEST_PAGE:
        raise InvalidInputError(f"Exceeded maximum limit: {LARGEST_PAGE}", field="limit")
    for name in ("after", "sort", "ascending"):
        asked = request.args.get(name, "")
        if asked.lower() not in _NEWEST_FIRST:
            message = f"{name}={asked[:40]} is not offered: lists come newest first and go on with `before`"
            raise InvalidInputError(message, field=name, expected="nothing")
    marker = request.args.get("before")
    return Page(int(text), None if marker is None else _unmark(marker))


def pagination(items: Sequence[Mapping[str, Any]], *, count: int, page: Page) -> dict[str, Any]:
    """Return one page of a list, newest first; `before` leads to the older rest."""
    more = len(items) == page.limit and page.limit > 0
    before = _mark(int(items[-1]["id"])) if more else None
    return {
        "object": "pagination",
        "data": list(items),
        "count": count,
        "paging": {"before": before, "after": None},
    }


def _mark(key: int) -> str:
    return base64.urlsafe_b64encode(f"id:{key}".encode()).decode().rstrip("=")


def _unmark(marker: str) -> int:
    try:
        text = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode()
        return fields.parse_id(text.removeprefix("id:"), "before")
    except (binascii.Error, ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"Invalid paging marker: {marker[:40]}", field="before") from error
