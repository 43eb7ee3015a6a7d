"""Pages of lists: which one was asked for, and the one that is answered, with markers to both of its neighbours.

`before` leads to what is older (or smaller, in another order), `after` to what is newer, whichever of the two comes
first on a page. A use case is asked for one row more than is shown, so that the last page is known to be the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import request

from service.api import markers, query
from service.api.markers import Symbol
from service.errors import InvalidInputError

__all__ = [
    "LARGEST_PAGE",
    "Key",
    "Page",
    "Walk",
    "as_page",
    "page",
    "pagination",
    "read_limit",
    "unpaged",
    "walk",
    "walked",
]

#: Where an item stands in an order: its id, or what comes before the id and then the id.
Key = tuple[Any, ...]
#: What the keys of an order consist of: so many whole numbers, or these kinds of symbols.
Shape = int | tuple[type | tuple[type, ...], ...]

LARGEST_PAGE: Final = 1000
#: What asks for the one order there is.
_NEWEST_FIRST: Final = frozenset(("", "id", "false", "0"))


@dataclass(frozen=True)
class Page:
    """What part of a list was asked for: `limit` rows to fetch, which is one more than is shown."""

    limit: int
    before: int | None


@dataclass(frozen=True)
class Walk:
    """Which part of a list with several orders was asked for; `limit` as of `Page`."""

    limit: int
    sort: str
    ascending: bool
    before: Key | None
    after: Key | None

    @property
    def goes_up(self) -> bool:
        """Whether the next page has larger keys."""
        return self.after is not None or (self.ascending and self.before is None)


def page() -> Page:
    """Read `limit` and `before` of the query, for a list that has one order."""
    limit = read_limit()
    for name in ("after", "sort", "ascending"):
        asked = request.args.get(name, "")
        if asked.lower() not in _NEWEST_FIRST:
            message = f"{name}={asked[:40]} is not offered: lists come newest first and go on with `before`"
            raise InvalidInputError(message, field=name, expected="nothing")
    marker = request.args.get("before")
    return Page(limit + 1, None if marker is None else _unmark(marker, "before", "id", 1)[0])


def walk(sorts: Mapping[str, Shape], *, default: str = "id") -> Walk:
    """Read `limit`, `sort`, `ascending`, `before` and `after`; `sorts` says what the keys of each order consist of."""
    sort = request.args.get("sort", default)
    if sort not in sorts:
        known = ", ".join(sorts)
        raise InvalidInputError(f"Invalid sort: {sort[:40]}, expected one of: {known}", field="sort", expected=known)
    given = {name: request.args.get(name) for name in ("before", "after")}
    if None not in given.values():
        raise InvalidInputError("before and after lead opposite ways: expected one of them", field="after")
    keys = {
        name: None if marker is None else _unmark(marker, name, sort, sorts[sort]) for name, marker in given.items()
    }
    return Walk(limit=read_limit() + 1, sort=sort, ascending=query.truth("ascending"), **keys)


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


def unpaged(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a whole list in the shape of a page."""
    return as_page(items, len(items), None, None)


def pagination(items: Sequence[Mapping[str, Any]], *, count: int, page: Page) -> dict[str, Any]:
    """Return one page of a list, newest first; `before` leads to the older rest, `after` back to what is newer."""
    size = page.limit - 1
    shown = items if size < 0 else items[:size]
    if not shown:
        return as_page(shown, count, None, None)
    before = _mark("id", (int(shown[-1]["id"]),)) if len(items) > len(shown) else None
    return as_page(shown, count, before, None)


def walked(
    items: Sequence[Mapping[str, Any]],
    keys: Sequence[Key],
    *,
    count: int,
    walk: Walk,
    defined_fields: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return one page of a list with several orders; `keys` are those of its items, `defined_fields` what sorts it."""
    shown, marks, has_more = _shown(items, keys, walk)
    if not shown:
        return as_page(shown, count, None, None, defined_fields)
    low, high = (marks[0], marks[-1]) if walk.ascending else (marks[-1], marks[0])
    before = _mark(walk.sort, low) if has_more or walk.goes_up else None
    after = _mark(walk.sort, high) if has_more or not walk.goes_up else None
    return as_page(shown, count, before, after, defined_fields)


def _shown(
    items: Sequence[Mapping[str, Any]], keys: Sequence[Key], walk: Walk
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Key], bool]:
    """Leave out the row that was fetched to see whether there are more: the one farthest on the way."""
    size = walk.limit - 1
    has_more = len(items) > size
    if not has_more or size == 0:
        return items[:size], keys[:size], has_more
    part = slice(0, size) if walk.goes_up == walk.ascending else slice(1, None)
    return items[part], keys[part], has_more


def as_page(
    items: Sequence[Mapping[str, Any]],
    count: int,
    before: str | None,
    after: str | None,
    defined_fields: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return items in the shape of a page, with the markers of both ways."""
    shown: dict[str, Any] = {
        "object": "pagination",
        "data": list(items),
        "count": count,
        "paging": {"before": before, "after": after},
    }
    return shown if defined_fields is None else {**shown, "defined_fields": list(defined_fields)}


def _mark(sort: str, key: Key) -> str:
    return markers.encode(key if sort == "id" else (sort, *key))


def _unmark(marker: str, field: str, sort: str, shape: Shape) -> Key:
    """Read a marker that was made for the same order: one of another order would lead anywhere."""
    symbols = markers.decode(marker, field)
    named, key = (True, symbols) if sort == "id" else (symbols[:1] == [sort], symbols[1:])
    if not named or not _fits(key, shape):
        message = f"Invalid paging marker: {marker[:40]} is not one of a list sorted by {sort}"
        raise InvalidInputError(message, field=field)
    return tuple(key)


def _fits(key: Sequence[Symbol], shape: Shape) -> bool:
    kinds = (int,) * shape if isinstance(shape, int) else shape
    return len(key) == len(kinds) and all(_is_a(part, kind) for part, kind in zip(key, kinds, strict=True))


def _is_a(part: Symbol, kind: type | tuple[type, ...]) -> bool:
    """Whether a part is of this kind; whole numbers are ids and times, so none is negative. True is no number."""
    if isinstance(part, int) and not isinstance(part, bool):
        return isinstance(part, kind) and (part >= 0 or kind is not int)
    if isinstance(part, bool):
        return bool in (kind if isinstance(kind, tuple) else (kind,))
    return isinstance(part, kind) and part == part  # noqa: PLR0124 NaN stands nowhere in an order
