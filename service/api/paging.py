"""Pages of lists that `service.paging` walks: what was asked for, and the page with markers to its neighbours.

`before` leads to what is older (or smaller, in another order), `after` to what is newer, whichever of the two comes
first on a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from service.api import markers, query
from service.errors import InvalidInputError
from service.paging import LARGEST_PAGE, Key, Page, Window

__all__ = ["as_page", "read_limit", "unpaged", "window", "windowed"]


def window() -> Window:
    """Read `limit`, `ascending`, `before` and `after`; with both markers, what lies between them."""
    return Window(
        limit=read_limit(), ascending=query.truth("ascending"), before=_marked("before"), after=_marked("after")
    )


def _marked(name: str) -> Key | None:
    text = request.args.get(name)
    return None if text is None else tuple(markers.decode(text, name))


def read_limit() -> int:
    """Read how many items a page shall have; with 0 only their number is asked for."""
    text = request.args.get("limit", str(LARGEST_PAGE))
    if not text.isascii() or not text.isdigit():
        message = f"Invalid limit: {text[:40]!a}, expected 0 to {LARGEST_PAGE}"
        raise InvalidInputError(message, field="limit", expected=f"0 to {LARGEST_PAGE}")
    if len(text) > 9 or int(text) > LARGEST_PAGE:
        message = f"Exceeded maximum limit: {LARGEST_PAGE}"
        raise InvalidInputError(message, field="limit", expected=f"0 to {LARGEST_PAGE}")
    return int(text)


def windowed(items: Sequence[Mapping[str, Any]], page: Page[Any], *, count: int) -> dict[str, Any]:
    """Return the shown items of a page; `count` is how many the whole list has."""
    return as_page(items, count, _mark(page.before), _mark(page.after))


def _mark(key: Key | None) -> str | None:
    return None if key is None else markers.encode(key)


def unpaged(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a whole list in the shape of a page."""
    return as_page(items, len(items), None, None)


def as_page(items: Sequence[Mapping[str, Any]], count: int, before: str | None, after: str | None) -> dict[str, Any]:
    """Return items in the shape of a page, with the markers of both ways."""
    return {
        "object": "pagination",
        "data": list(items),
        "count": count,
        "paging": {"before": before, "after": after},
    }
