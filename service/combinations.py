"""The next combination of an experiment of type grid: in order, each once while one is left that nobody tried.

SigOpt counted observations and open suggestions and took that number, so a result of somebody's own skipped a
combination and a deletion gave one twice. Here the combinations themselves are looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Configuration, Experiment, Suggestion
from service.schemas.assignments import assignments_key
from service.schemas.experiment import Definition
from service.schemas.grids import grid_numbers, grid_point

__all__ = ["Combination", "next_combination"]

#: Combinations that are looked up by one select, and at most in all: beyond, chance is quicker.
_AT_ONCE: Final = 200
_MOST: Final = 100_000


@dataclass(frozen=True)
class Combination:
    """A configuration of the grid, with the task it is measured at and a sentence about it."""

    assignments: dict[str, Any]
    task: str | None
    key: str
    reason: str


def next_combination(session: Session, experiment: Experiment, definition: Definition) -> Combination | None:
    """Return the next combination, counted from the one that was served last; None if there is none in reach.

    When all were tried, they come in the same order once more. The caller holds the refresh's row.
    """
    numbers = grid_numbers(definition)
    column = Experiment.quasi_random_index
    start = session.scalar(sa.select(column).where(Experiment.id == experiment.id)) or 0
    again: tuple[int, Combination] | None = None
    coming = _from(definition, start % numbers, numbers)
    while batch := list(islice(coming, _AT_ONCE)):
        tried = _tried(session, experiment.id, [combination.key for _, combination in batch])
        again = again or batch[0]
        for number, combination in batch:
            if combination.key not in tried:
                return _served(session, experiment, number, combination)
    if again is None or numbers > _MOST:
        return None
    number, first = again
    reason = f"Every combination of the grid is tried or being tried: number {number + 1} once more."
    return _served(session, experiment, number, Combination(first.assignments, first.task, first.key, reason))


def _from(definition: Definition, start: int, numbers: int) -> Iterator[tuple[int, Combination]]:
    """Yield the combinations from number `start` on, and then those before it."""
    task = definition.tasks[0].name if definition.tasks else None  # in earnest: they are sorted by their costs
    for step in range(min(numbers, _MOST)):
        number = (start + step) % numbers
        assignments = grid_point(definition, number)
        if assignments is not None:
            reason = f"Combination {number + 1} of a grid of {numbers}."
            yield number, Combination(assignments, task, assignments_key(assignments, task), reason)


def _tried(session: Session, experiment_id: int, keys: list[str]) -> set[str]:
    """Return those of `keys` that were measured, unless all of it was taken back, or are being tried."""
    rows = session.execute(
        sa.select(Configuration.key, Configuration.sums, Configuration.failures).where(
            Configuration.experiment_id == experiment_id, Configuration.key.in_(keys)
        )
    )
    handed_out = sa.select(Suggestion.key).where(
        Suggestion.experiment_id == experiment_id,
        Suggestion.key.in_(keys),
        Suggestion.state.in_(("open", "queued")),
        Suggestion.deleted_at.is_(None),
    )
    return {row.key for row in rows if row.sums or row.failures} | set(session.scalars(handed_out))


def _served(session: Session, experiment: Experiment, number: int, combination: Combination) -> Combination:
    session.execute(
        sa.update(Experiment)
        .where(Experiment.id == experiment.id)
        .values(quasi_random_index=number + 1)
        .execution_options(synchronize_session=False)
    )
    return combination
