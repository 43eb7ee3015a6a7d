"""Whether it is time to stop: the budget is used up, or for a long while nothing better has come.

What SigOpt's callers know: a single metric stagnates when the fifth best value from before the last 5 observations a
parameter is as good as the best since; several, or several solutions, once the budget is used up and nothing of that
while stands on the front. Where no metric is optimized nobody can say. The budget is reached when more than it was
used, by costs where there are tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Experiment, Front, Observation, Refresh
from service.observations.expressions import measured

__all__ = ["BestFound", "consumed", "stopping_criteria"]

#: Observations a parameter that are looked back at, and how many of those before have to be as good.
LOOKBACK: Final = 5
MOST_TOP: Final = 5


class BestFound(Protocol):
    """One of the best observations."""

    @property
    def id(self) -> int:
        """Its id."""
        ...

    @property
    def values(self) -> Mapping[str, Any]:
        """What it gave of each metric: the value, and its standard deviation."""
        ...


BestOf = Callable[[], Sequence[BestFound] | None]


def consumed(experiment: Experiment, refresh: Refresh) -> float:
    """Return what the observations cost: each 1, or the share of its task."""
    if not experiment.tasks:
        return refresh.observation_count
    counts = refresh.task_counts or {}
    return round(sum(float(task["cost"]) * int(counts.get(task["name"], 0)) for task in experiment.tasks), 9)


def stopping_criteria(session: Session, experiment: Experiment, *, best: BestOf) -> list[str]:
    """Return the reasons to stop, none of them while it is worth going on.

    `best` looks for the best observations, where it matters; None if there are too many to look through.
    """
    refresh = session.get_one(Refresh, experiment.id)
    budget = experiment.observation_budget
    is_used_up = budget is not None and consumed(experiment, refresh) > budget
    reasons = []
    if _stagnates(session, experiment, refresh, best, is_used_up=is_used_up):
        reasons.append("possible_stagnation")
    if is_used_up:
        reasons.append("observation_budget_reached")
    return reasons


def _stagnates(session: Session, experiment: Experiment, refresh: Refresh, best: BestOf, *, is_used_up: bool) -> bool:
    lookback = LOOKBACK * len(experiment.parameters)
    optimized = [metric for metric in experiment.metrics if metric["strategy"] == "optimize"]
    if refresh.observation_count < lookback + MOST_TOP or not optimized:
        return False
    since = _first_of_last(session, experiment.id, lookback)
    if len(optimized) == 1 and not optimized[0].get("expression") and (experiment.num_solutions or 1) == 1:
        return _is_no_better(session, experiment.id, optimized[0], since)
    if not is_used_up:
        return False
    found = best()
    if found is None:
        return _changed_last(session, experiment.id) <= refresh.observation_count - lookback
    return _is_unchanged(found, [metric["name"] or "" for metric in optimized], since)


def _alive(experiment_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Observation.experiment_id == experiment_id, Observation.deleted_at.is_(None))


def _first_of_last(session: Session, experiment_id: int, count: int) -> int:
    """Return the id of the first of the last `count` observations."""
    newest = sa.select(Observation.id).where(_alive(experiment_id)).order_by(Observation.id.desc())
    return session.scalars(newest.offset(count - 1).limit(1)).one()


def _is_no_better(session: Session, experiment_id: int, metric: Mapping[str, Any], since: int) -> bool:
    """Whether the fifth best value from before is as good as the best since; a failure is worse than any value."""
    value = measured(session, metric["name"] or "", "value")
    up = value if metric["objective"] == "maximize" else -value
    ranked = sa.select(up).where(_alive(experiment_id), value.is_not(None)).order_by(sa.desc(up))
    before = session.scalars(ranked.where(Observation.id < since).limit(MOST_TOP)).all()
    newest = session.scalars(ranked.where(Observation.id >= since).limit(1)).first()
    top = -inf if len(before) < MOST_TOP else float(before[-1])
    return top >= (-inf if newest is None else float(newest))


def _changed_last(session: Session, experiment_id: int) -> int:
    """Return how many observations there were when the front that the worker keeps changed last."""
    return (
        session.scalar(sa.select(sa.func.max(Front.observation_count)).where(Front.experiment_id == experiment_id)) or 0
    )


def _is_unchanged(found: Sequence[BestFound], names: Sequence[str], since: int) -> bool:
    """Whether every point of the front was reached before: of equal ones the first counts."""
    first: dict[tuple[Any, ...], int] = {}
    for item in found:
        point = tuple(item.values.get(name, (None,))[0] for name in names)
        first[point] = min(first.get(point, item.id), item.id)
    return all(observation_id < since for observation_id in first.values())
