"""A page of runs: filtered, searched, sorted by any of their fields, walked either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import InvalidInputError
from service.models import TrainingRun
from service.paging import Order, Page, Window, walk
from service.runs.fields import condition, field_of
from service.schemas.fields import shorten

__all__ = ["MOST_FILTERS", "Filter", "Listing", "check_filters", "listed", "wanted"]

#: Each filter is a clause of its own; nobody has asked for more.
MOST_FILTERS: Final = 50


@dataclass(frozen=True)
class Filter:
    """What a field has to be like."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Listing:
    """Which of a client's runs are wanted, and which part of them in which order."""

    sort: str = "id"
    window: Window = field(default_factory=Window)
    filters: tuple[Filter, ...] = ()
    search: str = ""
    project_id: int | None = None


def check_filters(given: Any) -> tuple[Filter, ...]:
    """Read `[{"field": ..., "operator": ..., "value": ...}]`; other keys say nothing to us, as to SigOpt: `enabled`."""
    if not isinstance(given, list) or len(given) > MOST_FILTERS:
        message = f"Expected JSON array for filters, of at most {MOST_FILTERS}, got {shorten(given)}"
        raise InvalidInputError(message, field="filters", expected="an array of filters")
    return tuple(_filter(item, f"filters[{index}]") for index, item in enumerate(given))


def _filter(item: Any, where: str) -> Filter:
    if not isinstance(item, Mapping):
        raise InvalidInputError(f"Invalid type for {where}: {shorten(item)} - expected type object", field=where)
    for name in ("field", "operator"):
        if not isinstance(item.get(name), str):
            raise InvalidInputError(f"{where} needs `{name}`, a text, got {shorten(item)}", field=f"{where}.{name}")
    return Filter(item["field"], item["operator"], item.get("value"))


def wanted(session: Session, listing: Listing, *, client_id: int) -> sa.Select[Any]:
    """Return the statement that finds the runs of all pages. Those without the field that sorts them are left out."""
    found = sa.select(TrainingRun).where(TrainingRun.client_id == client_id)
    if listing.project_id is not None:
        found = found.where(TrainingRun.project_id == listing.project_id)
    for item in listing.filters:
        found = found.where(condition(field_of(session, item.field, "filters"), item.operator, item.value))
    if listing.search.strip():
        found = found.where(TrainingRun.name.icontains(listing.search.strip(), autoescape=True))
    return found.where(sa.not_(field_of(session, listing.sort, "sort").is_null))


def listed(session: Session, listing: Listing, *, client_id: int) -> Page[TrainingRun]:
    """Return one page of a client's runs."""
    by = () if listing.sort == "id" else field_of(session, listing.sort, "sort").columns
    found = wanted(session, listing, client_id=client_id)
    return walk(session, found, Order(by, TrainingRun.id), listing.window)
