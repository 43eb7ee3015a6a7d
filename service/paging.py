"""Pages of long lists: walked by keys, both ways, in any order, at the cost of the page and not of what precedes it.

A page starts after the key of an item, not at a number, so that nothing is shown twice or left out while rows come and
go. Every order ends with the id, which makes its keys distinct. A value that is missing counts as the largest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import InvalidInputError
from service.schemas.fields import LARGEST_ID

__all__ = ["LARGEST_PAGE", "By", "Key", "Order", "Page", "Window", "count_of", "walk"]

LARGEST_PAGE: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Beyond this there are no dates; a marker that somebody made up may be.
_LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND

#: Where an item stands in an order: one symbol for each column, the id last.
Key = tuple[float | int | str | None, ...]
Row = TypeVar("Row")


@dataclass(frozen=True)
class By:
    """A column, or an expression, that a list is sorted by. `is_nullable` says whether it can be missing."""

    expression: Any
    kind: Literal["number", "text", "time"] = "number"
    is_nullable: bool = True


@dataclass(frozen=True)
class Order:
    """An order of a list: first by these, then by id."""

    by: tuple[By, ...]
    id: Any

    @property
    def columns(self) -> tuple[By, ...]:
        """Everything that a key consists of."""
        return (*self.by, By(self.id, is_nullable=False))


@dataclass(frozen=True)
class Window:
    """Which part of a list is wanted. `after` leads to larger keys, `before` to smaller ones."""

    limit: int = LARGEST_PAGE
    ascending: bool = False
    before: Key | None = None
    after: Key | None = None

    @property
    def goes_up(self) -> bool:
        """Whether the page is the one that begins at the small end of what is left."""
        if self.ascending:
            return self.before is None or self.after is not None
        return self.before is None and self.after is not None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A part of a list in its order, with the keys that lead on: `before` is None where nothing smaller follows."""

    rows: tuple[Row, ...]
    before: Key | None
    after: Key | None


def walk(session: Session, wanted: sa.Select[*tuple[Any, ...]], order: Order, window: Window) -> Page[Any]:
    """Return one page of `wanted`: its rows as they would come without paging.

    One row more than the page holds is read, to know whether there are more. Costs a scan of what `wanted` selects
    unless an index holds the order, which for ids it does and for values inside documents it does not.
    """
    columns = order.columns
    parts = [part for column in columns for part in _parts(column)]
    for name, key in (("after", window.after), ("before", window.before)):
        if key is not None:
            wanted = wanted.where(_beyond(parts, _symbols(key, columns, name), up=name == "after"))
    ordered = [part.asc() if window.goes_up else part.desc() for part in parts]
    labelled = [sa.type_coerce(column.expression, _type(column)).label(f"key_{i}") for i, column in enumerate(columns)]
    found = session.execute(wanted.add_columns(*labelled).order_by(*ordered).limit(window.limit + 1)).all()
    return _page(found, len(columns), window)


def count_of(session: Session, wanted: sa.Select[*tuple[Any, ...]]) -> int:
    """Return how many rows `wanted` selects in all."""
    return session.scalar(sa.select(sa.func.count()).select_from(wanted.subquery())) or 0


def _page(found: Sequence[sa.Row[Any]], size: int, window: Window) -> Page[Any]:
    if window.limit == 0:
        return _nothing_yet([_key(row[-size:]) for row in found], window)
    keys = [_key(row[-size:]) for row in found[: window.limit]]
    rows = [row[0] if len(row) == size + 1 else tuple(row[:-size]) for row in found[: window.limit]]
    more = len(found) > window.limit
    before, after = _ends(keys, window, more)
    if window.goes_up != window.ascending:
        rows.reverse()
    return Page(tuple(rows), before, after)


def _nothing_yet(keys: Sequence[Key], window: Window) -> Page[Any]:
    """Return a page of no rows that leads to the first: from beside its id, since what a marker names is left out."""
    if not keys:
        return Page((), None, None)
    *by, id_ = keys[0]
    beside = (*by, int(id_ or 0) + (-1 if window.goes_up else 1))
    return Page((), None, beside) if window.goes_up else Page((), beside, None)


def _ends(keys: Sequence[Key], window: Window, more: bool) -> tuple[Key | None, Key | None]:
    """Return where to go on: onwards if there is more; back always, since something may have come there."""
    if not keys:
        return window.before, window.after
    first, last = keys[0], keys[-1]
    if window.goes_up:
        return first, last if more else None
    return last if more else None, first


def _key(symbols: Sequence[Any]) -> Key:
    return tuple((s - _EPOCH) // _MICROSECOND if isinstance(s, datetime) else s for s in symbols)


def _type(column: By) -> sa.types.TypeEngine[Any]:
    known: sa.types.TypeEngine[Any] = column.expression.type
    return known


_NOTHING: Final[dict[str, Any]] = {"number": 0, "text": "", "time": _EPOCH}


def _parts(column: By) -> list[sa.ColumnElement[Any]]:
    """Return what is compared: where a value can be missing, whether it is, and then the value."""
    if not column.is_nullable:
        return [column.expression]
    nothing = sa.literal(_NOTHING[column.kind], _type(column))
    return [
        sa.case((column.expression.is_(None), 1), else_=0),
        sa.func.coalesce(column.expression, nothing, type_=_type(column)),
    ]


def _symbols(key: Key, columns: Sequence[By], name: str) -> list[Any]:
    try:
        if len(key) != len(columns):
            raise _WrongSymbolError
        return [symbol for value, column in zip(key, columns, strict=True) for symbol in _symbol(value, column)]
    except _WrongSymbolError as error:
        raise InvalidInputError("Invalid paging marker: it is not one of a list in this order", field=name) from error


def _symbol(value: Any, column: By) -> list[Any]:
    if value is None and column.is_nullable:
        return [1, sa.literal(_NOTHING[column.kind], _type(column))]
    typed = sa.literal(_checked(value, column.kind), _type(column))
    return [0, typed] if column.is_nullable else [typed]


def _checked(value: Any, kind: str) -> Any:
    """Return the symbol as the column has it; markers come from outside, so anything may stand in them."""
    if kind == "text" and isinstance(value, str) and "\x00" not in value:
        return value
    if kind == "time" and isinstance(value, int):
        return _EPOCH + max(0, min(value, _LATEST)) * _MICROSECOND
    if kind == "number" and isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _largest(value):
        return value
    raise _WrongSymbolError


def _largest(value: float) -> float:
    return LARGEST_ID if isinstance(value, int) else math.inf


class _WrongSymbolError(Exception):
    """A key from outside does not fit this order."""


def _beyond(parts: Sequence[sa.ColumnElement[Any]], symbols: Sequence[Any], *, up: bool) -> sa.ColumnElement[bool]:
    """Return whether a key lies beyond another one: compared column by column, as words are in a dictionary."""
    *heads, last = list(zip(parts, symbols, strict=True))
    beyond: sa.ColumnElement[bool] = last[0] > last[1] if up else last[0] < last[1]
    for part, symbol in reversed(heads):
        beyond = sa.or_(part > symbol if up else part < symbol, sa.and_(part == symbol, beyond))
    return beyond
