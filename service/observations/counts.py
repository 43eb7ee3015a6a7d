"""What is counted of an experiment as results come: how many of each task, and which one is the best so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Experiment, Observation, Refresh
from service.observations.expressions import measured
from service.schemas.result import Result

__all__ = ["NONE", "add", "best_id", "forget_best", "put_back", "take_out"]

#: Stands for "it was looked for, and no observation can be the best".
NONE: Final = 0


class _Placed(Protocol):
    @property
    def task(self) -> str | None: ...
    @property
    def result(self) -> Result: ...


def add(session: Session, experiment: Experiment, row: Refresh, placed: Sequence[_Placed], ids: Sequence[int]) -> None:
    """Count new observations: their tasks, and whether one of them is the best now."""
    count_tasks(row, (item.task for item in placed), by=1)
    metric = _the_optimized(experiment)
    if metric is None:
        return
    if row.best_observation_id is None and row.observation_count > len(placed):
        row.best_observation_id = best_id(session, experiment, row) or NONE
        return
    sign = 1.0 if metric["objective"] == "maximize" else -1.0
    found = _value_of(session, row.best_observation_id, metric["name"] or "")
    best, holder = (-float("inf"), NONE) if found is None else (sign * found, row.best_observation_id or NONE)
    for item, observation_id in zip(placed, ids, strict=True):
        values = {value.name: value.value for value in item.result.values}
        value = values.get(metric["name"] or "")
        if value is not None and sign * value > best and _counts(experiment, values, item.task):
            best, holder = sign * value, observation_id
    row.best_observation_id = holder


def count_tasks(row: Refresh, tasks: Iterable[str | None], *, by: int) -> None:
    """Count observations of tasks in, or out."""
    changes = Counter(task for task in tasks if task is not None)
    if changes:
        counts = row.task_counts or {}
        row.task_counts = {**counts, **{task: counts.get(task, 0) + by * n for task, n in changes.items()}}


def take_out(row: Refresh, tasks: Iterable[str | None]) -> None:
    """Count observations out that do not count any longer."""
    count_tasks(row, tasks, by=-1)
    forget_best(row)


def put_back(row: Refresh, tasks: Iterable[str | None]) -> None:
    """Count observations in again that had been counted out."""
    count_tasks(row, tasks, by=1)
    forget_best(row)


def forget_best(row: Refresh) -> None:
    """Have the best observation looked for anew: what made it the best has changed."""
    row.best_observation_id = None


def best_id(session: Session, experiment: Experiment, row: Refresh) -> int | None:
    """Return the id of the best observation: of a single optimized metric, in earnest, with every threshold met.

    It is known unless something was corrected since the last result came; then it is looked for, which costs a scan.
    """
    metric = _the_optimized(experiment)
    if metric is None:
        return None
    if row.best_observation_id is not None:
        return row.best_observation_id or None
    value = measured(session, metric["name"] or "", "value")
    order = value.desc() if metric["objective"] == "maximize" else value.asc()
    wanted = sa.select(Observation.id).where(
        Observation.experiment_id == experiment.id,
        Observation.deleted_at.is_(None),
        Observation.failed.is_(False),
        value.is_not(None),
        *_rules(session, experiment),
    )
    return session.scalar(wanted.order_by(order, Observation.id).limit(1))


def _the_optimized(experiment: Experiment) -> Mapping[str, Any] | None:
    """Return the optimized metric if there is exactly one and it is measured: only then there is a best."""
    found = [metric for metric in experiment.metrics if metric["strategy"] == "optimize"]
    return found[0] if len(found) == 1 and not found[0].get("expression") else None


def _value_of(session: Session, observation_id: int | None, metric: str) -> float | None:
    row = session.get(Observation, observation_id) if observation_id else None
    values = [] if row is None else row.values
    return next((float(value["value"]) for value in values if value["name"] == metric), None)


def _counts(experiment: Experiment, values: Mapping[str, float], task: str | None) -> bool:
    """Whether an observation can be the best: measured in earnest, every threshold met."""
    if experiment.tasks and task != _in_earnest(experiment):
        return False
    return all(_meets(metric, values.get(metric["name"] or "")) for metric in _limited(experiment))


def _in_earnest(experiment: Experiment) -> str | None:
    return next((task["name"] for task in experiment.tasks if task["cost"] == 1), None)


def _limited(experiment: Experiment) -> list[Mapping[str, Any]]:
    return [
        metric for metric in experiment.metrics
        if metric["threshold"] is not None and metric["strategy"] != "store" and not metric.get("expression")
    ]  # fmt: skip


def _meets(metric: Mapping[str, Any], value: float | None) -> bool:
    if value is None:
        return False
    limit = float(metric["threshold"])
    return value >= limit if metric["objective"] == "maximize" else value <= limit


def _rules(session: Session, experiment: Experiment) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = []
    for metric in _limited(experiment):
        value = measured(session, metric["name"] or "", "value")
        limit = float(metric["threshold"])
        rules.append(value >= limit if metric["objective"] == "maximize" else value <= limit)
    if experiment.tasks:
        rules.append(Observation.task == _in_earnest(experiment))
    return rules
