"""Leases: a suggestion that was taken with one expires unless its holder renews it, so that a dead worker's is not
waited for. A result that comes late is taken all the same (service.observations)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError
from service.events import EventType, record
from service.models import Experiment, Suggestion
from service.refreshes import hold
from service.suggestions.pool import want_another
from service.suggestions.reading import find, is_open

__all__ = ["LONGEST_LEASE_S", "expire", "expiring", "heartbeat"]

#: Thirty days. What takes longer needs no lease.
LONGEST_LEASE_S: Final = 30 * 24 * 3600


def heartbeat(
    session: Session, experiment: Experiment, suggestion_id: int, *, lease_s: int | None, now: datetime
) -> Suggestion:
    """Renew a suggestion's lease, for as long as it was taken for or for `lease_s` from now on.

    Raise `ConflictError` where nothing is left to renew: closed by a result, expired, or deleted.
    """
    hold(session, [experiment.id])
    row = find(session, suggestion_id, experiment_id=experiment.id)
    session.refresh(row)
    _refuse_ended(row, now)
    length = row.lease_s if lease_s is None else lease_s
    if length is None:
        message = f"Suggestion {row.id} was taken without a lease: give lease_s to begin one"
        raise InvalidInputError(message, field=".lease_s", expected="seconds")
    row.lease_s, row.lease_until = length, now + timedelta(seconds=length)
    session.flush()
    return row


def _refuse_ended(row: Suggestion, now: datetime) -> None:
    if row.state == "closed":
        raise ConflictError(f"Suggestion {row.id} is closed: it has a result", field="suggestion")
    if row.deleted_at is not None:
        raise ConflictError(f"Suggestion {row.id} is deleted", field="suggestion")
    if row.state == "expired" or (row.lease_until is not None and row.lease_until <= now):
        message = (
            f"The lease of suggestion {row.id} has expired: ask for another one. A late result is taken all the same"
        )
        raise ConflictError(message, field="suggestion")


def expiring(session: Session, *, now: datetime, limit: int = 100) -> Sequence[int]:
    """Return experiments that have open suggestions whose lease has ended."""
    wanted = sa.select(Suggestion.experiment_id).where(Suggestion.state == "open", Suggestion.lease_until <= now)
    return session.scalars(wanted.where(Suggestion.deleted_at.is_(None)).distinct().limit(limit)).all()


def expire(session: Session, experiment_id: int, *, now: datetime) -> Sequence[int]:
    """Let the suggestions of an experiment expire whose lease has ended, and say so. Return their ids.

    They are not being tried any longer, so a new pool is asked for: this one kept away from them.
    """
    refresh = hold(session, [experiment_id])[experiment_id]
    ids = session.scalars(
        sa.update(Suggestion)
        .where(is_open(experiment_id), Suggestion.lease_until <= now)
        .values(state="expired")
        .returning(Suggestion.id)
        .execution_options(synchronize_session=False)
    ).all()
    if ids:
        experiment = session.get_one(Experiment, experiment_id)
        want_another(session, experiment, refresh, now=now)
        data = {"suggestions": [str(key) for key in sorted(ids)], "count": len(ids)}
        record(
            session,
            EventType.SUGGESTION_EXPIRED,
            client_id=experiment.client_id,
            experiment_id=experiment_id,
            data=data,
            now=now,
        )
    return ids
