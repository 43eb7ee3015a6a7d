"""Suggestions: queued by people, pooled by workers, claimed by producers, closed by results.

A claim takes, in this order: what a person queued; the best of a pool that has seen the newest result; the best of an
older pool; a quasi-random configuration. It never fits a model and never comes back empty-handed. Whether it is worth
waiting for a newer pool is a question of its own (`is_pool_coming`), asked by the door, which may sleep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.arrays import quasi_random, task_of_turn
from service.combinations import next_combination
from service.errors import ConflictError, NotFoundError
from service.events import EventType, record
from service.models import Configuration, Experiment, Refresh, Suggestion
from service.refreshes import hold, want_refill
from service.schemas.assignments import assignments_key, check_assignments
from service.schemas.experiment import Definition

__all__ = [
    "Proposal",
    "claim",
    "claimed_before",
    "enqueue",
    "explicit",
    "find",
    "is_pool_coming",
    "open_assignments",
    "recent",
    "refill",
]

#: A pool that nobody began to renew for this long is not coming: workers are away, and waiting would help nobody.
PATIENCE: Final = timedelta(seconds=1)
#: Open suggestions that a quasi-random one is kept distinct from.
MOST_AVOIDED: Final = 200
#: Points of the sequence that are passed over because they are measured; a small space may have no other.
MOST_SKIPPED: Final = 50

Proposal = Mapping[str, Any]


def enqueue(
    session: Session, experiment: Experiment, assignments: Any, *, metadata: dict[str, Any] | None, now: datetime
) -> Suggestion:
    """Put a configuration of a person's own at the end of the queue: it is handed out before anything computed."""
    return _add(session, experiment, assignments, state="queued", source="queue", metadata=metadata, now=now)


def explicit(
    session: Session, experiment: Experiment, assignments: Any, *, metadata: dict[str, Any] | None, now: datetime
) -> Suggestion:
    """Open a suggestion whose configuration the caller names."""
    return _add(session, experiment, assignments, state="open", source="explicit", metadata=metadata, now=now)


def _add(
    session: Session,
    experiment: Experiment,
    assignments: Any,
    *,
    state: str,
    source: str,
    metadata: dict[str, Any] | None,
    now: datetime,
) -> Suggestion:
    _refuse_deleted(experiment)
    checked = check_assignments(Definition.of(experiment), assignments)
    suggestion = Suggestion(
        experiment_id=experiment.id,
        state=state,
        key=assignments_key(checked),
        assignments=checked,
        source=source,
        meta=metadata,
        created_at=now,
        claimed_at=now if state == "open" else None,
    )
    session.add(suggestion)
    session.flush()
    return suggestion


def _refuse_deleted(experiment: Experiment) -> None:
    if experiment.state != "active":
        raise ConflictError(f"Experiment {experiment.id} is deleted: restore it first", field="state")


def claimed_before(session: Session, experiment_id: int, claim_key: str | None) -> Suggestion | None:
    """Return what was given for this claim key before: a retried request gets the same suggestion again."""
    if claim_key is None:
        return None
    return session.scalars(
        sa.select(Suggestion).where(Suggestion.experiment_id == experiment_id, Suggestion.claim_key == claim_key)
    ).one_or_none()


def is_pool_coming(session: Session, experiment_id: int, *, generation: int, now: datetime) -> bool:
    """Whether a worker is about to fill a pool that has seen data `generation`, and there is none yet.

    `generation` is the newest one when the request came: what others report while it waits is not waited for.
    """
    row = session.get_one(Refresh, experiment_id)
    if session.get_one(Experiment, experiment_id).type == "grid":
        return False
    if _has_queued(session, experiment_id) or not _is_behind(session, row, generation):
        return False
    if row.lease_until is not None and row.lease_until > now:
        return True
    since = row.dirty_since or row.due_at
    return row.attempts == 0 and since is not None and now - since < PATIENCE


def _is_behind(session: Session, row: Refresh, generation: int) -> bool:
    """Whether the pool has not seen data `generation`, or is empty and about to be filled."""
    if generation > row.model_generation:
        return True
    return row.refill_wanted and not _exists(session, row.experiment_id, "pooled")


def _has_queued(session: Session, experiment_id: int) -> bool:
    return _exists(session, experiment_id, "queued")


def _exists(session: Session, experiment_id: int, state: str) -> bool:
    found = sa.exists().where(Suggestion.experiment_id == experiment_id, Suggestion.state == state)
    return bool(session.scalar(sa.select(found)))


def claim(
    session: Session,
    experiment: Experiment,
    *,
    claim_key: str | None = None,
    metadata: dict[str, Any] | None = None,
    now: datetime,
) -> Suggestion:
    """Hand out the next configuration to try and open it.

    The refresh's row is locked first, as by those who store results and fill pools: whoever took a suggestion first and
    that row later would stand in their way, and they in his.
    """
    _refuse_deleted(experiment)
    refresh = hold(session, [experiment.id])[experiment.id]
    suggestion = (
        _next(session, experiment.id, "queued")
        or _combination(session, experiment, now=now)
        or _next_of_pool(session, refresh)
        or _quasi_random(session, experiment, now=now)
    )
    suggestion.state = "open"
    suggestion.claimed_at = now
    suggestion.claim_key = claim_key
    suggestion.meta = metadata if suggestion.meta is None else suggestion.meta
    session.flush()
    _ask_for_refill(session, experiment, refresh, now=now)
    return suggestion


def _next(session: Session, experiment_id: int, state: str) -> Suggestion | None:
    """Return the first suggestion in `state`."""
    return session.scalars(
        sa.select(Suggestion)
        .where(Suggestion.experiment_id == experiment_id, Suggestion.state == state)
        .order_by(Suggestion.rank, Suggestion.id)
        .limit(1)
    ).one_or_none()


def _next_of_pool(session: Session, refresh: Refresh) -> Suggestion | None:
    """Return the best of the pool that is not open already (a person may have named the same configuration)."""
    while (suggestion := _next(session, refresh.experiment_id, "pooled")) is not None:
        if suggestion.key not in _open_keys(session, refresh.experiment_id):
            is_fresh = suggestion.model_generation == refresh.data_generation
            suggestion.source = "pool" if is_fresh else "stale_pool"
            return suggestion
        session.delete(suggestion)
        session.flush()
    return None


def _open_keys(session: Session, experiment_id: int) -> set[str]:
    return set(session.scalars(_open(experiment_id).with_only_columns(Suggestion.key)))


def _open(experiment_id: int) -> sa.Select[Suggestion]:
    return (
        sa.select(Suggestion)
        .where(Suggestion.experiment_id == experiment_id, Suggestion.state == "open")
        .order_by(Suggestion.id.desc())
    )


def _combination(session: Session, experiment: Experiment, *, now: datetime) -> Suggestion | None:
    """Return the next combination of a grid: no worker is needed to count."""
    found = next_combination(session, experiment) if experiment.type == "grid" else None
    if found is None:
        return None
    suggestion = Suggestion(
        experiment_id=experiment.id,
        state="open",
        key=found.key,
        assignments=found.assignments,
        task=found.task,
        source="grid",
        strategy="grid",
        reason=found.reason,
        created_at=now,
    )
    session.add(suggestion)
    return suggestion


def _quasi_random(session: Session, experiment: Experiment, *, now: datetime) -> Suggestion:
    """Make the next untried point of the experiment's own scrambled Sobol sequence.

    Workers fill pools from the same sequence, so points that are open or measured already are passed over.
    """
    definition = Definition.of(experiment)
    avoid = session.scalars(_open(experiment.id).with_only_columns(Suggestion.assignments).limit(MOST_AVOIDED)).all()
    for _ in range(MOST_SKIPPED):
        index = _next_index(session, experiment.id)
        assignments = quasi_random(definition, seed=experiment.seed, index=index, avoid=avoid)
        task = task_of_turn(definition, index)
        key = assignments_key(assignments, task)
        if not _is_measured(session, experiment.id, key):
            break
    suggestion = Suggestion(
        experiment_id=experiment.id,
        state="open",
        key=key,
        assignments=assignments,
        task=task,
        source="quasi_random",
        strategy="quasi_random",
        reason="No computed suggestion was ready, so this is the next point of a space-filling sequence.",
        created_at=now,
    )
    session.add(suggestion)
    return suggestion


def _next_index(session: Session, experiment_id: int) -> int:
    """Take the next number of the experiment's sequence; no two claims get the same."""
    following = session.execute(
        sa.update(Experiment)
        .where(Experiment.id == experiment_id)
        .values(quasi_random_index=Experiment.quasi_random_index + 1)
        .returning(Experiment.quasi_random_index)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    return following - 1


def _is_measured(session: Session, experiment_id: int, key: str) -> bool:
    found = sa.exists().where(Configuration.experiment_id == experiment_id, Configuration.key == key)
    return bool(session.scalar(sa.select(found)))


def _ask_for_refill(session: Session, experiment: Experiment, refresh: Refresh, *, now: datetime) -> None:
    """Have the pool filled again once a single suggestion is left of it. A grid needs none."""
    if experiment.type == "grid":
        return
    left = session.scalar(
        sa.select(sa.func.count()).where(Suggestion.experiment_id == experiment.id, Suggestion.state == "pooled")
    )
    if (left or 0) > 1 or refresh.refill_wanted:
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
    for rank, proposal in enumerate(proposals):
        session.add(
            Suggestion(
                experiment_id=experiment_id,
                state="pooled",
                key=assignments_key(proposal["assignments"], proposal.get("task")),
                source="pool",
                rank=rank,
                model_generation=model_generation,
                created_at=now,
                **proposal,
            )
        )
    session.flush()
    return len(proposals)


def find(session: Session, suggestion_id: int, *, experiment_id: int) -> Suggestion:
    """Return a suggestion that was handed out, or raise `NotFoundError`: pooled ones do not exist for callers."""
    row = session.get(Suggestion, suggestion_id)
    if row is None or row.experiment_id != experiment_id or row.state == "pooled":
        raise NotFoundError(f"No suggestion {suggestion_id} in experiment {experiment_id}")
    return row


def recent(
    session: Session, *, experiment_id: int, states: Sequence[str], limit: int, before: int | None = None
) -> tuple[Sequence[Suggestion], int]:
    """Return up to `limit` suggestions in these states, newest first, and how many there are in all."""
    mine = sa.select(Suggestion).where(Suggestion.experiment_id == experiment_id, Suggestion.state.in_(states))
    count = session.scalar(sa.select(sa.func.count()).select_from(mine.subquery())) or 0
    page = mine if before is None else mine.where(Suggestion.id < before)
    return session.scalars(page.order_by(Suggestion.id.desc()).limit(limit)).all(), count


def open_assignments(session: Session, experiment_id: int) -> list[dict[str, Any]]:
    """Return the configurations being tried now, oldest first: what models count as pending."""
    return [row.assignments for row in reversed(session.scalars(_open(experiment_id)).all())]
