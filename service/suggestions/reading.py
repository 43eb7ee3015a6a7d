"""Suggestions are looked up: one, a page of those that were handed out, the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import NotFoundError
from service.models import Suggestion
from service.paging import Order, Page, Window, count_of, walk

__all__ = ["STATES", "find", "find_queued", "is_open", "listed", "queue"]

#: What callers may ask for -> the states of what was handed out.
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("open", "closed", "expired"),
    "open": ("open",),
    "closed": ("closed",),
    "expired": ("expired",),
}
_BY_ID: Final = Order((), Suggestion.id)


def find(session: Session, suggestion_id: int, *, experiment_id: int) -> Suggestion:
    """Return a suggestion that was handed out, or raise `NotFoundError`; deleted ones are still there."""
    return _found(session, suggestion_id, experiment_id, STATES["all"], "suggestion")


def find_queued(session: Session, suggestion_id: int, *, experiment_id: int) -> Suggestion:
    """Return what waits in the queue, or raise `NotFoundError`."""
    return _found(session, suggestion_id, experiment_id, ("queued",), "queued suggestion")


def _found(session: Session, suggestion_id: int, experiment_id: int, states: Sequence[str], what: str) -> Suggestion:
    row = session.get(Suggestion, suggestion_id)
    if row is None or row.experiment_id != experiment_id or row.state not in states:
        raise NotFoundError(f"No {what} {suggestion_id} in experiment {experiment_id}")
    return row


def listed(
    session: Session,
    experiment_id: int,
    *,
    state: str,
    window: Window,
    deleted: bool = False,
    ids: Sequence[int] | None = None,
) -> tuple[Page[Suggestion], int]:
    """Return a page of what was handed out, and how many there are in all; `ids` narrows it to these."""
    wanted = _mine(experiment_id, STATES[state])
    wanted = wanted.where(Suggestion.deleted_at.is_not(None) if deleted else Suggestion.deleted_at.is_(None))
    if ids is not None:
        wanted = wanted.where(Suggestion.id.in_(ids))
    return walk(session, wanted, _BY_ID, window), count_of(session, wanted)


def queue(session: Session, experiment_id: int, *, window: Window) -> tuple[Page[Suggestion], int]:
    """Return a page of what waits in the queue, and how many wait in all."""
    wanted = _mine(experiment_id, ("queued",))
    return walk(session, wanted, _BY_ID, window), count_of(session, wanted)


def _mine(experiment_id: int, states: Sequence[str]) -> sa.Select[Suggestion]:
    return sa.select(Suggestion).where(Suggestion.experiment_id == experiment_id, Suggestion.state.in_(states))


def is_open(experiment_id: int | sa.BindParameter[int], of: type[Suggestion] = Suggestion) -> sa.ColumnElement[bool]:
    """What is being tried now: neither closed, nor expired, nor deleted."""
    return sa.and_(of.experiment_id == experiment_id, of.state == "open", of.deleted_at.is_(None))
