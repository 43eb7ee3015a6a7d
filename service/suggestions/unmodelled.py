"""Suggestions that no model makes: the next combination of a grid, the next point of a space-filling sequence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from service import arrays
from service.models import Configuration, Experiment, Observation, Suggestion
from service.schemas.assignments import assignments_key
from service.schemas.experiment import Definition
from service.schemas.grids import grid_numbers, grid_point
from service.suggestions.pool import is_searched
from service.suggestions.reading import is_open

__all__ = ["next_of_grid", "quasi_random", "with_task"]

#: Open suggestions that a quasi-random one is kept distinct from.
MOST_AVOIDED: Final = 200
#: Points of the sequence that are passed over because they are measured; a small space may have no other.
MOST_SKIPPED: Final = 50
#: Combinations of a grid that are passed over because they were reported by hand.
MOST_LOOKED_AT: Final = 1000
_WHY_QUASI_RANDOM: Final = "No computed suggestion was ready, so this is the next point of a space-filling sequence."
_WHY_CHANCE: Final = (
    "This experiment asks for chance: the next point of a space-filling sequence, which no result moves."
)
_WHY_GRID: Final = "The next combination of the grid."


def quasi_random(session: Session, experiment: Experiment, definition: Definition, *, now: datetime) -> Suggestion:
    """Make the next untried point of the experiment's own scrambled Sobol sequence.

    Workers fill pools from the same sequence, so points that are open or measured already are passed over.
    """
    newest = sa.select(Suggestion.assignments).where(is_open(experiment.id)).order_by(Suggestion.id.desc())
    avoid = session.scalars(newest.limit(MOST_AVOIDED)).all()
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

    What was put away or expired comes again first. In the first round, what was measured anyway is passed over; when
    all were tried, a new round begins.
    """
    again = _given_back(session, experiment.id)
    if again is not None:
        return _made(experiment, again.assignments, again.task, source="grid", reason=_WHY_GRID, now=now)
    numbers = grid_numbers(definition)
    looked_at = 0
    while True:
        index = _next_index(session, experiment.id)
        assignments = grid_point(definition, index % numbers)
        if assignments is None:  # a number that stands for no combination
            continue
        looked_at += 1
        task = arrays.task_of_turn(definition, index)
        is_new_round = index >= numbers or looked_at > MOST_LOOKED_AT
        if is_new_round or not _is_tried(session, experiment.id, assignments_key(assignments, task)):
            return _made(experiment, assignments, task, source="grid", reason=_WHY_GRID, now=now)


def _given_back(session: Session, experiment_id: int) -> Suggestion | None:
    """Return the first combination that was handed out and came back without a result, and is not out again."""
    other = aliased(Suggestion)
    is_out = sa.exists().where(
        other.experiment_id == experiment_id,
        other.key == Suggestion.key,
        other.state == "open",
        other.deleted_at.is_(None),
    )
    return session.scalars(
        sa.select(Suggestion)
        .where(
            Suggestion.experiment_id == experiment_id,
            Suggestion.source == "grid",
            Suggestion.closed_at.is_(None),
            sa.or_(Suggestion.state == "expired", Suggestion.deleted_at.is_not(None)),
            ~is_out,
            ~_measured(experiment_id, Suggestion.key).exists(),
        )
        .order_by(Suggestion.id)
        .limit(1)
    ).one_or_none()


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
    """Give a pooled suggestion the task of its turn, where there are tasks and no model has chosen one."""
    if definition.tasks and suggestion.task is None:
        suggestion.task = arrays.task_of_turn(definition, _next_index(session, experiment.id))
        suggestion.key = assignments_key(suggestion.assignments, suggestion.task)
        session.flush()


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


def _is_tried(session: Session, experiment_id: int, key: str) -> bool:
    found = sa.exists().where(is_open(experiment_id), Suggestion.key == key)
    return bool(session.scalar(sa.select(found))) or _is_measured(session, experiment_id, key)


def _is_measured(session: Session, experiment_id: int, key: str) -> bool:
    return session.scalar(_measured(experiment_id, key).limit(1)) is not None


def _measured(experiment_id: int, key: Any) -> sa.Select[int]:
    """The observations of a configuration that count."""
    return (
        sa.select(Observation.id)
        .join(Configuration, Configuration.id == Observation.configuration_id)
        .where(Configuration.experiment_id == experiment_id, Configuration.key == key, Observation.deleted_at.is_(None))
    )
