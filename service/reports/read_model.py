"""Queries -> `Report`. It reads what the worker stored and computes nothing that grows with the number of results.

Bounded on purpose: the newest `BEATEN` configurations, at most `OPTIONS` points of the front and `MILESTONES` of its
history, the newest `REJECTED` refusals (stop "service/reports").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from objectives.metrics import Metric
from objectives.problem import Problem
from service import fronts
from service.arrays import problem_of
from service.models import Configuration, Experiment, Front, ModelState, Refresh, Rejection, Suggestion
from service.reports.tradeoffs import advise, nearest_to_feasible
from service.reports.values import Beaten, Limit, Milestone, Models, Option, Rejected, Report, Value
from service.schemas.experiment import Definition

__all__ = ["decision", "front_sizes", "read"]

BEATEN: Final = 500
OPTIONS: Final = 200
MILESTONES: Final = 200
REJECTED: Final = 5


def front_sizes(session: Session, experiment_ids: Sequence[int]) -> dict[int, int]:
    """How many options the newest front of each experiment has; those without a front are left out."""
    newest = (
        sa.select(Front.size)
        .where(Front.experiment_id == Experiment.id)
        .order_by(Front.generation.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(sa.select(Experiment.id, newest).where(Experiment.id.in_(experiment_ids)))
    return {experiment_id: size for experiment_id, size in rows if size is not None}


def read(session: Session, experiment: Experiment, *, now: datetime) -> Report:
    """The report of an experiment as of `now`. That the caller may see it has been checked by whoever found it."""
    front = fronts.latest(session, experiment.id)
    report = _of_front(session, experiment, front, now=now)
    recent = _recent(session, experiment.id, report.problem)
    beaten = _beaten(recent, report.metrics, _on_front(front))
    rejected_count, rejected = _rejections(session, experiment.id)
    return replace(
        report,
        open_suggestions=_open_suggestions(session, experiment.id),
        nearest=() if report.options else nearest_to_feasible(report.problem, beaten),
        beaten=beaten,
        limits=_limits(recent, report.metrics, front),
        milestones=_milestones(front),
        models=_models(session.get(ModelState, experiment.id)),
        rejected_count=rejected_count,
        rejected=rejected,
    )


def decision(session: Session, experiment: Experiment, front: Front | None, *, now: datetime) -> Report:
    """The report without what only its page shows: what `front` says and recommends, and nothing off the front.

    It costs a third of the whole.
    """
    return _of_front(session, experiment, front, now=now)


def _of_front(session: Session, experiment: Experiment, front: Front | None, *, now: datetime) -> Report:
    refresh = session.get(Refresh, experiment.id) or _untouched(experiment.id)
    problem = problem_of(Definition.of(experiment))
    options = _options(front, problem.metrics)
    return Report(
        experiment_id=experiment.id,
        name=experiment.name,
        state=experiment.state,
        problem=problem,
        parameters=tuple(experiment.parameters),
        conditionals=tuple(experiment.conditionals),
        budget=experiment.observation_budget,
        observations=refresh.observation_count,
        failures=refresh.failure_count,
        open_suggestions=0,
        data_generation=refresh.data_generation,
        front_generation=refresh.front_generation,
        model_generation=refresh.model_generation,
        is_failing=refresh.last_error is not None,
        front_at=front.created_at if front else None,
        front_count=front.size if front else 0,
        options=options,
        nearest=(),
        beaten=(),
        limits=(),
        milestones=(),
        models=None,
        rejected_count=0,
        rejected=(),
        advice=advise(problem, options),
        now=now,
    )


def _open_suggestions(session: Session, experiment_id: int) -> int:
    found = sa.select(sa.func.count()).select_from(Suggestion)
    return session.scalar(found.where(Suggestion.experiment_id == experiment_id, Suggestion.state == "open")) or 0


def _on_front(front: Front | None) -> set[int]:
    return {int(point["configuration"]) for point in (front.points or ())} if front else set()


def _untouched(experiment_id: int) -> Refresh:
    """What stands for the row of an experiment that has never changed."""
    counts = ("data_generation", "front_generation", "model_generation", "observation_count", "failure_count")
    return Refresh(experiment_id=experiment_id, **dict.fromkeys(counts, 0))


def _options(front: Front | None, metrics: Sequence[Metric]) -> tuple[Option, ...]:
    """The points of the front from the best to the worst of the first optimized metric, thinned evenly to `OPTIONS`."""
    points = list(front.points or ()) if front else []
    leading = next((metric for metric in metrics if metric.strategy == "optimize"), None)
    if leading:
        points.sort(key=lambda point: (-leading.sign * point["values"][leading.name][0], point["configuration"]))
    return tuple(
        Option(number, int(point["configuration"]), point["assignments"], _values(point["values"]))
        for number, point in enumerate(_thinned(points, OPTIONS), start=1)
    )


def _thinned(points: list[Any], most: int) -> list[Any]:
    """At most `most` of the points, evenly spaced, with the first and the last."""
    if len(points) <= most:
        return points
    last = len(points) - 1
    return [points[round(i * last / (most - 1))] for i in range(most)]


def _values(measured: Mapping[str, Sequence[float | None]]) -> dict[str, Value]:
    return {name: Value(pair[0], pair[1]) for name, pair in measured.items() if pair and pair[0] is not None}


@dataclass(frozen=True)
class _Recent:
    """A configuration that was measured lately."""

    id: int
    assignments: dict[str, Any]
    values: dict[str, Value]


def _recent(session: Session, experiment_id: int, problem: Problem) -> tuple[_Recent, ...]:
    """The newest configurations that were measured in earnest."""
    newest = (
        sa.select(Configuration.id, Configuration.assignments, Configuration.sums)
        .where(Configuration.experiment_id == experiment_id)
        .order_by(Configuration.id.desc())
        .limit(BEATEN)
    )
    if problem.tasks:
        newest = newest.where(Configuration.task == max(problem.tasks, key=lambda task: task.cost).name)
    rows = [row for row in session.execute(newest) if row.sums]
    values = _computed(problem, [{name: _pooled(sums) for name, sums in row.sums.items()} for row in rows])
    return tuple(_Recent(row.id, row.assignments, found) for row, found in zip(rows, values, strict=True))


def _computed(problem: Problem, measured: Sequence[dict[str, Value]]) -> list[dict[str, Value]]:
    """What was measured, with the composites that follow from it."""
    composites = [(j, metric.name) for j, metric in enumerate(problem.metrics) if metric.expression is not None]
    if not composites or not measured:
        return list(measured)
    names = [metric.name for metric in problem.metrics]
    means = [[row[name].mean if name in row else np.nan for name in names] for row in measured]
    filled = problem.filled(np.array(means))
    return [
        {**row, **{name: Value(float(filled[i, j])) for j, name in composites if np.isfinite(filled[i, j])}}
        for i, row in enumerate(measured)
    ]


def _pooled(sums: Mapping[str, Any]) -> Value:
    return Value(sums["mean"], sums["stddev"])


def _missed(values: Mapping[str, Value], metrics: Iterable[Metric]) -> tuple[str, ...]:
    """The metrics whose threshold these values do not reach."""
    limited = (metric for metric in metrics if metric.strategy != "store" and metric.threshold is not None)
    return tuple(
        metric.name
        for metric in limited
        if metric.name in values and not (values[metric.name].mean - (metric.threshold or 0.0)) * metric.sign >= 0
    )


def _beaten(recent: Iterable[_Recent], metrics: Sequence[Metric], front: set[int]) -> tuple[Beaten, ...]:
    return tuple(Beaten(x.id, x.assignments, x.values, _missed(x.values, metrics)) for x in recent if x.id not in front)


def _limits(recent: Sequence[_Recent], metrics: Sequence[Metric], front: Front | None) -> tuple[Limit, ...]:
    """The thresholds that were given, then the reference values that stand in where none was."""
    misses = [_missed(configuration.values, metrics) for configuration in recent]
    given = [
        Limit(
            metric=metric.name,
            value=metric.threshold,
            inferred=False,
            missed=sum(metric.name in missed for missed in misses),
            missed_alone=sum(missed == (metric.name,) for missed in misses),
            looked_at=len(misses),
        )
        for metric in metrics
        if metric.strategy != "store" and metric.threshold is not None
    ]
    reference = front.ref_point if front else []
    inferred = [
        Limit(entry["metric"], entry["value"], inferred=True, missed=0, missed_alone=0, looked_at=len(misses))
        for entry in reference
        if entry["inferred"] and entry["value"] is not None
    ]
    return (*given, *inferred)


def _milestones(front: Front | None) -> tuple[Milestone, ...]:
    """The history of the hypervolume, all against the newest reference point; thinned evenly to `MILESTONES`."""
    history = list(front.progress or ()) if front else []
    return tuple(Milestone(int(count), float(hypervolume)) for count, hypervolume in _thinned(history, MILESTONES))


def _models(state: ModelState | None) -> Models | None:
    if state is None:
        return None
    notes = tuple(str(note) for note in state.notes)
    return Models(state.generation, state.fitted_at, state.fit_s, state.quality, notes)


def _rejections(session: Session, experiment_id: int) -> tuple[int, tuple[Rejected, ...]]:
    """How many messages that name this experiment were refused, and the newest of them."""
    named = Rejection.experiment_id == experiment_id
    count = session.scalar(sa.select(sa.func.count()).select_from(Rejection).where(named)) or 0
    rows = session.execute(
        sa.select(Rejection.reason, Rejection.source, Rejection.created_at)
        .where(named)
        .order_by(Rejection.id.desc())
        .limit(REJECTED)
    )
    return count, tuple(Rejected(*row) for row in rows)
