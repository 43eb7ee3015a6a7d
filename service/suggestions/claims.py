"""A claim hands out the next configuration to try. It never fits a model and never comes back empty-handed.

It takes, in this order: what a person queued; the best of a pool that has seen the newest result; the best of an older
pool; a quasi-random configuration. A grid has the next of its combinations in place of the last three, a random or
development experiment only the last. Whether it is worth waiting for a newer pool is a question of its own
(`pool.is_pool_coming`), asked by the door, which may sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Experiment, Refresh, Suggestion
from service.refreshes import hold
from service.schemas.experiment import Definition
from service.suggestions.making import Asked, opened, refuse_deleted
from service.suggestions.pool import ask_for_refill, is_searched
from service.suggestions.reading import is_open
from service.suggestions.unmodelled import next_of_grid, quasi_random, with_task

__all__ = ["claim", "claim_many", "claimed_before", "claimed_together"]


def claimed_before(session: Session, experiment_id: int, claim_key: str | None) -> Suggestion | None:
    """Return what was given for this claim key before: a retried request gets the same suggestion again."""
    return None if claim_key is None else next(iter(_of_keys(session, experiment_id, [claim_key])), None)


def claimed_together(
    session: Session, experiment_id: int, claim_key: str | None, *, count: int
) -> Sequence[Suggestion]:
    """Return what was given for this claim key before, where `count` were asked for at once."""
    return [] if claim_key is None else _of_keys(session, experiment_id, _keys(claim_key, count))


def _of_keys(session: Session, experiment_id: int, keys: Sequence[str | None]) -> Sequence[Suggestion]:
    mine = sa.select(Suggestion).where(Suggestion.experiment_id == experiment_id, Suggestion.claim_key.in_(keys))
    found = {row.claim_key: row for row in session.scalars(mine)}
    return [found[key] for key in keys if key in found]


def _keys(claim_key: str, count: int) -> list[str | None]:
    digest = blake2b(claim_key.encode(), digest_size=16).hexdigest()
    return [f"{digest}/{index}/{count}" for index in range(1, count + 1)]


def claim(
    session: Session,
    experiment: Experiment,
    *,
    claim_key: str | None = None,
    metadata: dict[str, Any] | None = None,
    lease_s: int | None = None,
    now: datetime,
) -> Suggestion:
    """Hand out the next configuration to try and open it."""
    return _claim(session, experiment, [Asked(claim_key, metadata, lease_s)], now=now)[0]


def claim_many(
    session: Session,
    experiment: Experiment,
    *,
    count: int,
    claim_key: str | None = None,
    metadata: dict[str, Any] | None = None,
    lease_s: int | None = None,
    now: datetime,
) -> list[Suggestion]:
    """Hand out the next `count` configurations at once, best first, and open them: all or none."""
    keys = [None] * count if claim_key is None else _keys(claim_key, count)
    return _claim(session, experiment, [Asked(key, metadata, lease_s) for key in keys], now=now)


def _claim(session: Session, experiment: Experiment, asked: Sequence[Asked], *, now: datetime) -> list[Suggestion]:
    """Claim one after the other.

    The refresh's row is locked first, as by those who store results and fill pools: whoever took a suggestion first and
    that row later would stand in their way, and they in his.
    """
    refresh = hold(session, [experiment.id])[experiment.id]
    session.refresh(experiment, ("state", "parameters"))  # it may have been changed while the lock was waited for
    refuse_deleted(experiment)
    definition = cache(partial(Definition.of, experiment))  # read only where no pool spares it
    claimed = []
    for one in asked:
        suggestion = _next(session, experiment, definition, refresh, now=now)
        claimed.append(opened(suggestion, one, now=now))
        session.add(suggestion)
        session.flush()
    if is_searched(experiment):
        ask_for_refill(session, experiment, refresh, now=now)
    return claimed


def _next(
    session: Session, experiment: Experiment, definition: Callable[[], Definition], refresh: Refresh, *, now: datetime
) -> Suggestion:
    queued = _first(session, experiment.id, "queued")
    if queued is not None:
        return queued
    if experiment.type == "grid":
        return next_of_grid(session, experiment, definition(), now=now)
    pooled = _next_of_pool(session, experiment, definition, refresh) if is_searched(experiment) else None
    return pooled or quasi_random(session, experiment, definition(), now=now)


def _first(session: Session, experiment_id: int, state: str) -> Suggestion | None:
    """Return the first suggestion in `state`."""
    return session.scalars(
        sa.select(Suggestion)
        .where(Suggestion.experiment_id == experiment_id, Suggestion.state == state)
        .order_by(Suggestion.rank, Suggestion.id)
        .limit(1)
    ).one_or_none()


def _next_of_pool(
    session: Session, experiment: Experiment, definition: Callable[[], Definition], refresh: Refresh
) -> Suggestion | None:
    """Return the best of the pool that is not open already (a person may have named the same configuration)."""
    while (suggestion := _first(session, experiment.id, "pooled")) is not None:
        if experiment.tasks and suggestion.task is None:
            with_task(session, suggestion, experiment, definition())
        if not _is_open(session, suggestion):
            is_fresh = suggestion.model_generation == refresh.data_generation
            suggestion.source = "pool" if is_fresh else "stale_pool"
            return suggestion
        session.delete(suggestion)
        session.flush()
    return None


def _is_open(session: Session, suggestion: Suggestion) -> bool:
    found = sa.exists().where(is_open(suggestion.experiment_id), Suggestion.key == suggestion.key)
    return bool(session.scalar(sa.select(found)))
