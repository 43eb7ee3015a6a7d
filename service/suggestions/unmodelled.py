"""Suggestions that no model makes: the next combination of a grid, the next point of a space-filling sequence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import arrays
from service.combinations import next_combination
from service.db import Id
from service.models import Configuration, Experiment, Observation, Suggestion
from service.schemas.assignments import assignments_key
from service.schemas.experiment import Definition
from service.suggestions.pool import is_searched
from service.suggestions.reading import is_open

__all__ = ["next_of_grid", "quasi_random", "with_task"]

#: Open suggestions that a quasi-random one is kept distinct from.
MOST_AVOIDED: Final = 200
#: Points of the sequence that are passed over because they are measured; a small space may have no other.
MOST_SKIPPED: Final = 50
_WHY_QUASI_RANDOM: Final = "No computed suggestion was ready, so this is the next point of a space-filling sequence."
_WHY_CHANCE: Final = (
    "This experiment asks for chance: the next point of a space-filling sequence, which no result moves."
)


def quasi_random(session: Session, experiment: Experiment, definition: Definition, *, now: datetime) -> Suggestion:
    """Make the next untried point of the experiment's own scrambled Sobol sequence.

    Workers fill pools from the same sequence, so points that are open or measured already are passed over.
    """
    avoid = session.scalars(_NEWEST_OPEN, {"key": experiment.id}).all()
    for _ in range(MOST_SKIPPED):
        index = _next_index(session, experiment.id)
        assignments = arrays.quasi_random(definition, seed=experiment.seed, index=index, avoid=avoid)
        task = arrays.task_of_turn(definition, index)
        key = assignments_key(assignments, task)
        if not _is_measured(session, experiment.id, key):
            break
    reason = _WHY_QUASI_RANDOM if is_searched(experiment) else _WHY_CHANCE
    return _made(experiment, assignments, task, source="quasi_random", reason=reason, now=now)


def next_of_grid(session: Session, experiment: Experiment, definition: Definition, *, now: datetime) -> Suggestion:
    """Make a suggestion of the next combination of a grid, the first parameter running fastest.

    What was measured or is being tried is passed over, wherever it came from; what came back without a result is not;
    when all were tried, a new round begins. Where the next one is out of reach, chance finds one.
    """
    found = next_combination(session, experiment, definition)
    if found is None:
        return quasi_random(session, experiment, definition, now=now)
    return _made(experiment, found.assignments, found.task, source="grid", reason=found.reason, now=now)


def _made(
    experiment: Experiment, assignments: dict[str, Any], task: str | None, *, source: str, reason: str, now: datetime
) -> Suggestion:
    return Suggestion(
        experiment_id=experiment.id,
        state="open",
        key=assignments_key(assignments, task),
        assignments=assignments,
        task=task,
        source=source,
        strategy=source,
        reason=reason,
        created_at=now,
    )


def with_task(session: Session, suggestion: Suggestion, experiment: Experiment, definition: Definition) -> None:
    """Give a pooled suggestion the task of its turn, where no model has chosen one."""
    suggestion.task = arrays.task_of_turn(definition, _next_index(session, experiment.id))
    suggestion.key = assignments_key(suggestion.assignments, suggestion.task)
    session.flush()


def _next_index(session: Session, experiment_id: int) -> int:
    """Take the next number of the experiment's sequence; no two claims get the same."""
    following: int = session.execute(_COUNT_UP, {"key": experiment_id}).scalar_one()
    return following - 1


def _is_measured(session: Session, experiment_id: int, key: str) -> bool:
    return bool(session.scalar(_IS_MEASURED, {"key": experiment_id, "configuration": key}))


# Built once, and of the tables, not the classes: to build a statement costs what running it does; objects cost more.
_KEY: Final = sa.bindparam("key", type_=Id)
_NEWEST_OPEN: Final = (
    sa.select(Suggestion.__table__.c.assignments)
    .where(is_open(_KEY))
    .order_by(Suggestion.__table__.c.id.desc())
    .limit(MOST_AVOIDED)
)
_EXPERIMENTS: Final = cast("sa.Table", Experiment.__table__)
_COUNT_UP: Final = (
    sa.update(_EXPERIMENTS)
    .where(_EXPERIMENTS.c.id == _KEY)
    .values(quasi_random_index=_EXPERIMENTS.c.quasi_random_index + 1)
    .returning(_EXPERIMENTS.c.quasi_random_index)
)
_IS_MEASURED: Final = sa.select(
    sa.exists()
    .where(Configuration.experiment_id == _KEY, Configuration.key == sa.bindparam("configuration"))
    .where(Observation.configuration_id == Configuration.id, Observation.deleted_at.is_(None))
)
