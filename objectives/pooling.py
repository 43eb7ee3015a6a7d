"""Repeated measurements of one configuration made one row: exact, so that models need not see each repeat.

A hundred thousand observations of two thousand configurations cost no more than two thousand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from objectives.problem import Data, Problem
from objectives.shapes import Assignments, Floats

__all__ = ["Observation", "Pool", "pool"]


@dataclass(frozen=True)
class Observation:
    """One measurement: values and standard deviations by metric name (natural units), or values None for a failure.

    cost: of the task it was measured at.
    """

    assignments: Assignments
    values: Mapping[str, float] | None
    stddevs: Mapping[str, float] = field(default_factory=dict)
    cost: float = 1.0


def pool(
    problem: Problem,
    observations: Sequence[Observation],
    *,
    pending: Sequence[Assignments] = (),
    pending_costs: Sequence[float] = (),
) -> Data:
    """One row a distinct configuration (and cost of its task), in the order of their first observation.

    Where every standard deviation is known the mean is weighted by precision and its variance is 1 / sum(1 / sd^2), as
    the measurements themselves would tell a model; otherwise it is the plain mean, of unknown variance and the count
    of its measurements. A standard deviation of 0 counts as unknown. O(n k).

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("y"),))
    >>> told = [Observation({"x": 0.5}, {"y": 1.0}, {"y": 1.0}), Observation({"x": 0.5}, {"y": 4.0}, {"y": 2.0})]
    >>> data = pool(problem, told)
    >>> data.values.tolist(), data.variances.tolist(), data.counts.tolist()
    ([[1.6]], [[0.8]], [[2.0]])
    """
    pooled = Pool(problem)
    for observation in observations:
        pooled.add(observation)
    return pooled.data(pending=pending, pending_costs=pending_costs)


class Pool:
    """Measurements that come one by one, as `pool` makes rows of them: one more costs the row that it belongs to.

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> pooled = Pool(Problem(SearchSpace((Double("x", 0, 1),)), (Metric("y"),)))
    >>> for y in (1.0, 2.0):
    ...     pooled.add(Observation({"x": 0.5}, {"y": y}))
    >>> pooled.data().values.tolist()
    [[1.5]]
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._names = [metric.name for metric in problem.metrics]
        self._groups: dict[Hashable, list[Observation]] = {}
        self._rows: dict[Hashable, Any] = {}
        self._stale: dict[Hashable, None] = {}
        self._failures: Counter[Hashable] = Counter()

    def add(self, observation: Observation) -> None:
        """Take one more measurement in."""
        key = self._problem.space.key(observation.assignments), observation.cost
        self._groups.setdefault(key, []).append(observation)
        self._stale[key] = None
        self._failures[key] += observation.values is None

    def data(self, *, pending: Sequence[Assignments] = (), pending_costs: Sequence[float] = ()) -> Data:
        """Everything so far, one row a distinct configuration; see `pool`. O(k) for each that has not changed."""
        for key in self._stale:  # in the order of their first measurements, as all three dicts are
            group = self._groups[key]
            self._rows[key] = _single(self._names, group[0]) if len(group) == 1 else _row(self._names, group)
        self._stale.clear()
        rows = list(self._rows.values())
        cube = np.array(rows, dtype=np.float64).reshape(len(rows), 3, self._problem.k)
        firsts = [group[0] for group in self._groups.values()]
        return Data(
            [first.assignments for first in firsts],
            cube[:, 0],
            variances=cube[:, 1],
            counts=cube[:, 2],
            failures=np.array(list(self._failures.values()), dtype=np.float64),
            pending=pending,
            costs=np.array([first.cost for first in firsts], dtype=np.float64),
            pending_costs=np.array(pending_costs, dtype=np.float64),
        )


def _single(names: Sequence[str], observation: Observation) -> list[list[float]]:
    """Value, variance and count (3, k) of a configuration that was measured once; without numpy, since most are."""
    values = observation.values or {}
    found = [values.get(name, math.nan) for name in names]
    if not observation.stddevs:
        return [found, [math.nan] * len(found), [float(value == value) for value in found]]  # noqa: PLR0124 only NaN differs from itself
    sds = [observation.stddevs.get(name) or math.nan for name in names]
    there = [value == value for value in found]  # noqa: PLR0124 only NaN differs from itself
    variances = [sd * sd if sd > 0 and ok else math.nan for sd, ok in zip(sds, there, strict=True)]
    return [found, variances, [float(ok) for ok in there]]


def _row(names: Sequence[str], group: Sequence[Observation]) -> Floats:
    """Mean, variance and count (3, k) of one configuration's measurements."""
    values = np.array([[(o.values or {}).get(name, np.nan) for name in names] for o in group], dtype=np.float64)
    sd = np.array([[o.stddevs.get(name) or np.nan for name in names] for o in group], dtype=np.float64)
    there = ~np.isnan(values)
    counts = there.sum(axis=0)
    known = ((sd > 0) | ~there).all(axis=0) & (counts > 0)
    precision = np.where(there, np.where(known, 1.0 / np.where(sd > 0, sd, 1.0) ** 2, 1.0), 0.0)
    total = precision.sum(axis=0)
    mean = (precision * np.where(there, values, 0.0)).sum(axis=0) / np.where(total > 0, total, 1.0)
    variance = np.where(known, 1.0 / np.where(total > 0, total, 1.0), np.nan)
    return np.stack([np.where(counts > 0, mean, np.nan), variance, counts])
