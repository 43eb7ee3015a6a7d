"""What can be changed of a suggestion: its metadata, and whether it is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Experiment, Suggestion
from service.refreshes import hold
from service.suggestions.pool import want_another
from service.suggestions.reading import STATES, find, find_queued, is_open

__all__ = ["delete", "delete_all", "delete_queued", "update"]


def update(session: Session, experiment_id: int, suggestion_id: int, *, metadata: dict[str, Any] | None) -> Suggestion:
    """Give a suggestion other metadata, or none."""
    hold(session, [experiment_id])
    row = find(session, suggestion_id, experiment_id=experiment_id)
    row.meta = metadata
    session.flush()
    return row


def delete(session: Session, experiment: Experiment, suggestion_id: int, *, now: datetime) -> None:
    """Put a suggestion away: it is not being tried any longer. A late result is taken all the same."""
    find(session, suggestion_id, experiment_id=experiment.id)
    _delete(session, experiment, Suggestion.id == suggestion_id, now=now)


def delete_all(session: Session, experiment: Experiment, *, state: Literal["open", "all"], now: datetime) -> None:
    """Put all suggestions away that were handed out, or only those that are being tried; the queue stays."""
    which = is_open(experiment.id) if state == "open" else Suggestion.state.in_(STATES["all"])
    _delete(session, experiment, which, now=now)


def _delete(session: Session, experiment: Experiment, which: sa.ColumnElement[bool], *, now: datetime) -> None:
    refresh = hold(session, [experiment.id])[experiment.id]
    states = session.scalars(
        sa.update(Suggestion)
        .where(Suggestion.experiment_id == experiment.id, Suggestion.deleted_at.is_(None), which)
        .values(deleted_at=now)
        .returning(Suggestion.state)
        .execution_options(synchronize_session=False)
    ).all()
    if "open" in states:
        want_another(session, experiment, refresh, now=now)


def delete_queued(session: Session, experiment: Experiment, suggestion_id: int) -> None:
    """Take a configuration out of the queue."""
    hold(session, [experiment.id])
    session.delete(find_queued(session, suggestion_id, experiment_id=experiment.id))
    session.flush()
