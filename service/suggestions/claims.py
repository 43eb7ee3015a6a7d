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
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from service.models import Experiment, Refresh, Suggestion
from service.refreshes import hold, is_held
from service.schemas.experiment import Definition
from service.suggestions.making import Asked, opened, refuse_deleted
from service.suggestions.pool import is_searched, want_another
from service.suggestions.reading import is_open
from service.suggestions.unmodelled import next_of_grid, quasi_random, with_task

__all__ = ["claim", "claim_many", "claimed_before", "claimed_together"]

#: A pool with no more than this is filled again.
LOW: Final = 1


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
    if not is_held(session, experiment.id):
        hold(session, [experiment.id])
        session.refresh(experiment, ("state", "parameters"))  # it may have changed while the lock was waited for
    refresh = hold(session, [experiment.id])[experiment.id]
    refuse_deleted(experiment)
    definition = cache(partial(Definition.of, experiment))  # read only where no pool spares it
    claimed, left = [], 0
    for one in asked:
        suggestion, left = _next(session, experiment, definition, refresh, now=now)
        claimed.append(opened(suggestion, one, now=now))
        session.add(suggestion)
        session.flush()
    if left <= LOW and is_searched(experiment):
        want_another(session, experiment, refresh, now=now)
    return claimed


def _next(
    session: Session, experiment: Experiment, definition: Callable[[], Definition], refresh: Refresh, *, now: datetime
) -> tuple[Suggestion, int]:
    """Return what is handed out next, and how many the pool has beside it."""
    if not is_searched(experiment):
        queued = session.scalars(_QUEUED, {"key": experiment.id}).one_or_none()
        make = next_of_grid if experiment.type == "grid" else quasi_random
        return queued or make(session, experiment, definition(), now=now), 0
    while (found := session.execute(_WAITING, {"key": experiment.id}).one_or_none()) is not None:
        waiting: Suggestion = found[0]
        if waiting.state == "queued":
            return waiting, found.pooled
        taken = found.is_taken
        if experiment.tasks and waiting.task is None:
            with_task(session, waiting, experiment, definition())
            taken = session.scalar(_IS_OPEN, {"key": experiment.id, "configuration": waiting.key})
        if not taken:
            is_fresh = waiting.model_generation == refresh.data_generation
            waiting.source = "pool" if is_fresh else "stale_pool"
            return waiting, found.pooled - 1
        session.delete(waiting)  # a person has named the same configuration
        session.flush()
    return quasi_random(session, experiment, definition(), now=now), 0


# Built once: to build a statement costs as much as to run it.
_MINE: Final = sa.select(Suggestion).where(Suggestion.experiment_id == sa.bindparam("key"))
_QUEUED: Final = _MINE.where(Suggestion.state == "queued").order_by(Suggestion.rank, Suggestion.id).limit(1)
_OTHER: Final = aliased(Suggestion)
_TAKEN: Final = sa.exists().where(is_open(sa.bindparam("key"), _OTHER))
_POOLED: Final = sa.select(sa.func.count()).where(_OTHER.experiment_id == sa.bindparam("key"), _OTHER.state == "pooled")
#: What people have queued comes before what is pooled: so do the words, read backwards. With it comes whether the same
#: configuration is being tried, and how many are pooled.
_WAITING: Final = (
    _MINE.add_columns(
        _TAKEN.where(_OTHER.key == Suggestion.key).label("is_taken"), _POOLED.scalar_subquery().label("pooled")
    )
    .where(Suggestion.state.in_(("queued", "pooled")))
    .order_by(Suggestion.state.desc(), Suggestion.rank, Suggestion.id)
    .limit(1)
)
_IS_OPEN: Final = sa.select(_TAKEN.where(_OTHER.key == sa.bindparam("configuration")))
