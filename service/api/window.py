"""Pages of lists that `service.paging` walks: what was asked for, and the page with markers to its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request

from service.api import markers, query
from service.api.paging import as_page, read_limit
from service.paging import Key, Page, Window

__all__ = ["window", "windowed"]


def window() -> Window:
    """Read `limit`, `ascending`, `before` and `after`; with both markers, what lies between them."""
    return Window(
        limit=read_limit(), ascending=query.truth("ascending"), before=_marked("before"), after=_marked("after")
    )


def _marked(name: str) -> Key | None:
    text = request.args.get(name)
    return None if text is None else tuple(markers.decode(text, name))


def windowed(items: Sequence[dict[str, Any]], page: Page[Any], *, count: int) -> dict[str, Any]:
    """Return the shown items of a page; `count` is how many the whole list has."""
    return as_page(items, count, _mark(page.before), _mark(page.after))


def _mark(key: Key | None) -> str | None:
    return None if key is None else markers.encode(key)
