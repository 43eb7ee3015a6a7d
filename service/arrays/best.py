"""Which observations are the best: what SigOpt's callers know as best assignments, one by one as reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.clusters import best_of_clusters
from objectives.hypervolume import unbeaten
from objectives.parameters import Categorical
from objectives.problem import Data, Problem
from objectives.shapes import Floats
from service.arrays.problems import problem_of
from service.schemas.experiment import Definition

__all__ = ["Best", "Reported", "best_of", "chosen_of"]

#: How far apart two different values of a category count, in each of their columns.
HALF: float = float(np.sqrt(0.5))
#: How far outside its bounds, in widths of them, a number is told from one that lies farther.
FARTHEST: float = 1e6


@dataclass(frozen=True)
class Reported:
    """What an observation reported, of a metric its value and standard deviation; parts of one count as one."""

    id: int
    assignments: Mapping[str, Any]
    values: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True)
class Best:
    """An observation worth having, its composites computed."""

    id: int
    values: Mapping[str, tuple[float, float | None]]


def best_of(definition: Definition, reported: Sequence[Reported]) -> tuple[Best, ...]:
    """Return what nothing beats, best of the first optimized metric first, of what was measured in earnest.

    Thresholds have to be met. With several optimized metrics equal ones are all kept, with one only the first; with
    none, all that meet their thresholds are the best, in their order.
    """
    problem, values = _values(definition, reported)
    rows = unbeaten(problem, Data([{}] * len(values), values)).tolist()
    if problem.m == 1:
        rows = rows[:1]
    return _best(problem, reported, values, rows)


def chosen_of(definition: Definition, reported: Sequence[Reported], count: int) -> tuple[Best, ...]:
    """Return up to `count` of the best fifth that differ from each other: the best of each cluster, best first."""
    problem, values = _values(definition, reported)
    metric = int(problem.optimized_index[0])
    rows = np.flatnonzero(problem.feasible(values) & ~np.isnan(values[:, metric]))
    if len(rows) == 0:
        return ()
    points = _points(problem, [reported[i].assignments for i in rows.tolist()])
    found = rows[best_of_clusters(points, problem.to_max(values)[rows, metric], count)]
    return _best(problem, reported, values, found.tolist())


def _values(definition: Definition, reported: Sequence[Reported]) -> tuple[Problem, Floats]:
    problem = problem_of(definition)
    names = [metric.name for metric in problem.metrics]
    nothing = (np.nan, None)
    values = [[item.values.get(name, nothing)[0] for name in names] for item in reported]
    return problem, problem.filled(np.clip(np.array(values, dtype=float).reshape(-1, len(names)), -1e100, 1e100))


def _best(problem: Problem, reported: Sequence[Reported], values: Floats, rows: Sequence[int]) -> tuple[Best, ...]:
    composites = [(j, m.name) for j, m in enumerate(problem.metrics) if m.expression is not None]
    found = []
    for i in rows:
        computed = {name: (float(values[i, j]), None) for j, name in composites if np.isfinite(values[i, j])}
        found.append(Best(reported[i].id, {**reported[i].values, **computed}))
    return tuple(found)


def _points(problem: Problem, assignments: Sequence[Mapping[str, Any]]) -> Floats:
    """Coordinates in which distance means something: numbers by their bounds, beyond which they go on; categories one
    apart from each other; what does not exist in the middle."""
    columns = [
        _column(parameter, [item.get(parameter.name) for item in assignments]) for parameter in problem.space.parameters
    ]
    return np.hstack(columns)


def _column(parameter: Any, given: Sequence[Any]) -> Floats:
    if isinstance(parameter, Categorical):
        return np.array([[HALF * (value == name) for name in parameter.values] for value in given])
    there = np.array([0.0 if value is None else float(value) for value in given])
    middle = np.array([value is None for value in given])
    low = parameter.low if hasattr(parameter, "low") else parameter.values[0]
    with np.errstate(over="ignore"):
        units = np.clip(parameter.to_unit(np.where(middle, low, there)), -FARTHEST, FARTHEST)
    return np.where(middle, 0.5, units)[:, None]
