"""The pool of suggestions that a worker keeps filled, and whether it is worth waiting for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.events import EventType, record
from service.models import Experiment, Refresh, Suggestion
from service.refreshes import want_refill
from service.schemas.assignments import assignments_key

__all__ = ["Proposal", "is_pool_coming", "is_searched", "refill", "want_another"]

#: A pool that nobody began to renew for this long is not coming: workers are away, and waiting would help nobody.
PATIENCE: Final = timedelta(seconds=1)

Proposal = Mapping[str, Any]

# Built once: to build a statement costs as much as to run it.
_OF_STATE: Final = sa.and_(Suggestion.experiment_id == sa.bindparam("key"), Suggestion.state == sa.bindparam("state"))
_EXISTS: Final = sa.select(sa.exists().where(_OF_STATE))


def is_searched(experiment: Experiment) -> bool:
    """Whether suggestions come from a search: not where people asked for a grid, for chance, or for a try-out."""
    return experiment.type not in ("grid", "random") and not experiment.development


def is_pool_coming(session: Session, experiment_id: int, *, generation: int, now: datetime) -> bool:
    """Whether a worker is about to fill a pool that has seen data `generation`, and there is none yet.

    `generation` is the newest one when the request came: what others report while it waits is not waited for.
    """
    row = session.get_one(Refresh, experiment_id)
    if not _is_at_work(row, now) or not _is_behind(session, row, generation):
        return False
    return not _exists(session, experiment_id, "queued")


def _is_at_work(row: Refresh, now: datetime) -> bool:
    """Whether a worker renews the pool at the moment, or may be about to begin."""
    if row.lease_until is not None and row.lease_until > now:
        return True
    if row.due_at is not None and row.due_at > now + PATIENCE:
        return False  # it rests, or waits for its next attempt
    since = row.dirty_since or row.due_at
    return row.attempts == 0 and since is not None and now - since < PATIENCE


def _is_behind(session: Session, row: Refresh, generation: int) -> bool:
    """Whether the pool has not seen data `generation`, or is empty and about to be filled."""
    if generation > row.model_generation:
        return True
    return row.refill_wanted and not _exists(session, row.experiment_id, "pooled")


def _exists(session: Session, experiment_id: int, state: str) -> bool:
    return bool(session.scalar(_EXISTS, {"key": experiment_id, "state": state}))


def want_another(session: Session, experiment: Experiment, refresh: Refresh, *, now: datetime) -> None:
    """Have a new pool made although no data came: it ran low, or what is being tried has changed."""
    if refresh.refill_wanted or not is_searched(experiment):
        return
    want_refill(refresh, now=now)
    record(session, EventType.POOL_LOW, client_id=experiment.client_id, experiment_id=experiment.id, data={}, now=now)


def refill(
    session: Session, experiment_id: int, proposals: Sequence[Proposal], *, model_generation: int, now: datetime
) -> int:
    """Replace the pool by newer proposals, best first. Return how many there are."""
    session.execute(
        sa.delete(Suggestion).where(Suggestion.experiment_id == experiment_id, Suggestion.state == "pooled")
    )
    rows = [
        {
            "experiment_id": experiment_id,
            "state": "pooled",
            "key": assignments_key(proposal["assignments"], proposal.get("task")),
            "source": "pool",
            "rank": rank,
            "model_generation": model_generation,
            "created_at": now,
            **proposal,
        }
        for rank, proposal in enumerate(proposals)
    ]
    if rows:
        session.execute(sa.insert(Suggestion), rows)
    return len(rows)
