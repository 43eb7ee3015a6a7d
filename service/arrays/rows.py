"""Rows to arrays: what was measured of an experiment, and what is being tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from objectives.errors import ObjectivesError
from objectives.problem import Data, Problem
from objectives.shapes import Floats
from service.arrays.problems import problem_of
from service.models import Configuration, Suggestion
from service.schemas.experiment import Definition

__all__ = ["Measured", "fitted", "measured"]


@dataclass(frozen=True)
class Measured:
    """What was measured, as arrays: row i of `data` is the configuration `ids[i]`.

    `searched` is what models learn from: the same, unless parameters changed while it ran or somebody reported points
    of his own from outside the bounds. It leaves out what lies outside of today's bounds, which `data` clips and the
    front keeps, and makes one row of configurations that only a retired parameter told apart.
    """

    ids: tuple[int, ...]
    data: Data
    problem: Problem
    searched: Data


def measured(session: Session, experiment_id: int, definition: Definition) -> Measured:
    """Read what was measured at each configuration, pooled, in the order in which they came, and what is being tried.

    A parameter that came later counts as its default in what was measured before; what was measured with a value that
    is gone by now is left out.
    """
    problem = problem_of(definition)
    rows, assignments = _that_fit(_measured_rows(session, experiment_id), definition, problem)
    tried, pending = _that_fit(_tried_rows(session, experiment_id), definition, problem)
    costs = {task.name: task.cost for task in problem.tasks}
    values, variances, counts = _sums(rows, [metric.name for metric in problem.metrics])
    data = Data(
        assignments=assignments,
        values=values,
        variances=variances,
        counts=counts,
        failures=np.array([row.failures for row in rows], dtype=float),
        pending=pending,
        costs=np.array([costs.get(row.task, 1.0) for row in rows], dtype=float),
        pending_costs=np.array([costs.get(row.task, 1.0) for row in tried], dtype=float),
    )
    return Measured(tuple(row.id for row in rows), data, problem, _searched(data, definition, problem))


def _searched(data: Data, definition: Definition, problem: Problem) -> Data:
    """Return the rows inside today's bounds, those that are one configuration today as one."""
    ranges = {p.name: p.extent for p in definition.parameters if p.type != "categorical"}
    groups: dict[Any, list[int]] = {}
    for i, assignments in enumerate(data.assignments):
        if all(low <= assignments.get(name, low) <= high for name, (low, high) in ranges.items()):
            groups.setdefault((problem.space.key(assignments), float(data.costs[i])), []).append(i)
    if len(groups) == len(data):
        return data
    first = [rows[0] for rows in groups.values()]
    values, variances, counts = (np.empty((len(groups), data.values.shape[1])) for _ in range(3))
    for k, rows in enumerate(groups.values()):
        values[k], variances[k], counts[k] = _pooled(data, rows)
    return Data(
        assignments=[data.assignments[i] for i in first],
        values=values,
        variances=variances,
        counts=counts,
        failures=np.array([data.failures[rows].sum() for rows in groups.values()], dtype=float),
        pending=data.pending,
        costs=data.costs[first],
        pending_costs=data.pending_costs,
    )


def _pooled(data: Data, rows: list[int]) -> tuple[Floats, Floats, Floats]:
    """Pool rows into one: by their variances where all are known, else by their counts."""
    if len(rows) == 1:
        return data.values[rows[0]], data.variances[rows[0]], data.counts[rows[0]]
    there = ~np.isnan(data.values[rows])
    counts = np.where(there, data.counts[rows], 0.0)
    known = ~(there & np.isnan(data.variances[rows])).any(axis=0)
    precisions = np.where(there, 1.0 / np.maximum(np.nan_to_num(data.variances[rows], nan=1.0), 1e-200), 0.0)
    weights = np.where(known, precisions, counts)
    total, some = weights.sum(axis=0), there.any(axis=0)
    safe = np.where(some, total, 1.0)
    means = (weights / safe * np.nan_to_num(data.values[rows])).sum(axis=0)
    variances = np.where(known & some, 1.0 / safe, np.nan)
    return np.where(some, means, np.nan), variances, counts.sum(axis=0)


def _measured_rows(session: Session, experiment_id: int) -> list[Any]:
    """The configurations of which an observation is left."""
    table = Configuration
    found = session.execute(
        sa.select(table.id, table.assignments, table.task, table.sums, table.failures)
        .where(table.experiment_id == experiment_id)
        .order_by(table.id)
    )
    return [row for row in found if row.sums or row.failures]


def _tried_rows(session: Session, experiment_id: int) -> list[Any]:
    """The open suggestions, oldest first: what models count as pending."""
    table = Suggestion
    mine = sa.and_(table.experiment_id == experiment_id, table.state == "open", table.deleted_at.is_(None))
    return list(session.execute(sa.select(table.assignments, table.task).where(mine).order_by(table.id)))


def _that_fit(rows: list[Any], definition: Definition, problem: Problem) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows that lie in today's search space, with their assignments."""
    try:
        problem.space.encode([row.assignments for row in rows])
        return rows, [row.assignments for row in rows]
    except ObjectivesError:  # parameters were changed while it ran: look at each
        pairs = [(row, found) for row in rows if (found := fitted(row.assignments, definition, problem)) is not None]
        return [row for row, _ in pairs], [found for _, found in pairs]


def fitted(assignments: dict[str, Any], definition: Definition, problem: Problem) -> dict[str, Any] | None:
    """Return assignments with defaults for parameters that came later; None where a value is no longer there."""
    known = [*definition.conditional_by_name, *definition.parameter_by_name]
    defaults = {p.name: p.default_value for p in definition.parameters if p.default_value is not None}
    full = {name: value for name, value in {**defaults, **assignments}.items() if name in known}
    try:
        X = problem.space.encode([full])
    except ObjectivesError:
        return None
    active = problem.space.active(X)[0]
    return {p.name: full[p.name] for p, there in zip(problem.space.parameters, active, strict=True) if there}


def _sums(rows: Sequence[Any], names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Means, their known variances and the counts behind them, each (rows, metrics); NaN where nothing is known."""
    shape = (len(rows), len(names))
    values, variances, counts = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    for i, row in enumerate(rows):
        for j, name in enumerate(names):
            sums = row.sums.get(name)
            if sums is not None:
                values[i, j], counts[i, j] = sums["mean"], sums["n"]
                variances[i, j] = sums["stddev"] ** 2 if sums["known"] else np.nan
    return values, variances, counts
