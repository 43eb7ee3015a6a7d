"""The two values every use of the optimizer starts from: the problem, and the data seen so far.

`Problem` is what the person defined, `Data` what the producers measured, one row a distinct configuration. Both are
frozen and check themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from objectives.errors import DataError
from objectives.metrics import Metric
from objectives.shapes import Assignments, Bools, Floats, Ints
from objectives.space import SearchSpace
from objectives.tasks import Task, check_tasks

__all__ = ["Data", "Problem"]

#: larger values are refused like infinite ones: their squares are no numbers
LARGEST = 1e100


@dataclass(frozen=True)
class Problem:
    """A search space, its metrics and, if any, its tasks. DataError if a metric's name is used twice."""

    space: SearchSpace
    metrics: tuple[Metric, ...]
    tasks: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        if len(set(names)) != len(names):
            raise DataError("metric names must differ from each other", names=names)
        for metric in self.metrics:
            _check_parts(self, metric)
        check_tasks(self.tasks)

    @cached_property
    def optimized(self) -> tuple[Metric, ...]:
        """The metrics that are traded off, in order."""
        return tuple(metric for metric in self.metrics if metric.strategy == "optimize")

    @cached_property
    def constraints(self) -> tuple[Metric, ...]:
        """The metrics that only have to reach their thresholds, in order."""
        return tuple(metric for metric in self.metrics if metric.strategy == "constraint")

    @cached_property
    def optimized_index(self) -> Ints:
        """Columns (m,) of the optimized metrics."""
        return np.array([j for j, metric in enumerate(self.metrics) if metric.strategy == "optimize"], dtype=np.intp)

    @cached_property
    def constraint_index(self) -> Ints:
        """Columns of the constraint metrics."""
        return np.array([j for j, metric in enumerate(self.metrics) if metric.strategy == "constraint"], dtype=np.intp)

    @property
    def m(self) -> int:
        """Number of optimized metrics."""
        return len(self.optimized)

    @property
    def k(self) -> int:
        """Number of metrics."""
        return len(self.metrics)

    @property
    def cheapest(self) -> float:
        """The cost of the cheapest task; 1 where there are no tasks."""
        return min((task.cost for task in self.tasks), default=1.0)

    def to_max(self, values: Floats) -> Floats:
        """Natural values (n, k) of all metrics, composites filled in, each turned so that larger is better."""
        return self.turn(self.filled(values))

    def turn(self, values: Floats) -> Floats:
        """Natural values (n, k) to maximised ones, and back."""
        return np.asarray(values, dtype=np.float64) * self._signs + 0.0

    def filled(self, values: Floats) -> Floats:
        """Values (n, k) with the composites computed from their parts where they were not measured themselves."""
        values = np.asarray(values, dtype=np.float64)
        composites = [(j, metric.expression) for j, metric in enumerate(self.metrics) if metric.expression is not None]
        if not composites or len(values) == 0:
            return values
        named = {metric.name: values[:, j] for j, metric in enumerate(self.metrics)}
        values = values.copy()
        for j, expression in composites:
            values[:, j] = np.where(np.isnan(values[:, j]), expression(named), values[:, j])
        return values

    @cached_property
    def modelled(self) -> tuple[bool, ...]:
        """Which metrics (k,) get a model: all that are optimized or constraints, and the parts of composites."""
        parts = {name for metric in self.metrics if metric.expression is not None for name in metric.expression.names}
        return tuple(metric.strategy != "store" or metric.name in parts for metric in self.metrics)

    @cached_property
    def _signs(self) -> Floats:
        return np.array([metric.sign for metric in self.metrics], dtype=np.float64)

    @cached_property
    def thresholds_max(self) -> Floats:
        """Thresholds (k,) in maximised units; -inf where there is none (always for stored metrics)."""
        limits = [
            -np.inf if x.strategy == "store" or x.threshold_max is None else x.threshold_max for x in self.metrics
        ]
        return np.array(limits, dtype=np.float64)

    def feasible(self, values: Floats) -> Bools:
        """Mask (n,): every constraint and every threshold of an optimized metric measured and reached (inclusive)."""
        limited = np.isfinite(self.thresholds_max)
        return np.asarray((self.to_max(values)[:, limited] >= self.thresholds_max[limited]).all(axis=1), dtype=np.bool_)


def _nothing() -> Floats:
    """Stands for an option that was not given."""
    return np.empty(0)


def _check_parts(problem: Problem, metric: Metric) -> None:
    plain = {other.name for other in problem.metrics if other.expression is None}
    for name in metric.expression.names if metric.expression is not None else ():
        if name not in plain:
            message = f"metric {metric.name!r}: its expression needs measured metrics, {name!r} is none"
            raise DataError(message, metric=metric.name, part=name)


@dataclass(frozen=True)
class Data:
    """What was measured; row i of everything is one distinct configuration, in the order in which they came.

    values (n, k): natural units, in the order of the metrics; NaN = not measured. Means where replicates were pooled.
    variances (n, k): known variance of that (mean) value; NaN = unknown.
    counts (n, k): how many measurements were pooled into it.
    failures (n,): how many observations of the configuration failed.
    pending: assignments that are being measured now. costs (n,) and pending_costs: of the tasks they are measured at.
    The last six have defaults; cost 1 is the real thing, which it always is without tasks. DataError for infinite
    values, negative variances or shapes that disagree.
    """

    assignments: Sequence[Assignments]
    values: Floats
    variances: Floats = field(default_factory=_nothing)
    counts: Floats = field(default_factory=_nothing)
    failures: Floats = field(default_factory=_nothing)
    pending: Sequence[Assignments] = ()
    costs: Floats = field(default_factory=_nothing)
    pending_costs: Floats = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        values = np.atleast_2d(np.array(self.values, dtype=np.float64)) if len(self.assignments) else self._none()
        given = {
            "assignments": tuple(self.assignments),
            "pending": tuple(self.pending),
            "values": values,
            "variances": _filled(self.variances, values.shape, np.nan),
            "counts": _filled(self.counts, values.shape, 1.0),
            "failures": _filled(self.failures, values.shape[:1], 0.0),
            "costs": _filled(self.costs, values.shape[:1], 1.0),
            "pending_costs": _filled(self.pending_costs, (len(self.pending),), 1.0),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        _check_data(self)

    def _none(self) -> Floats:
        shape = np.shape(self.values)
        return np.empty((0, shape[1] if len(shape) == 2 else 0))

    def __len__(self) -> int:
        return len(self.assignments)

    def coordinates(self, space: SearchSpace) -> Floats:
        """Coordinates (n, d) of the configurations in a space, worked out once for all who ask."""
        if id(space) not in self._coordinates:
            self._coordinates[id(space)] = (space, space.encode(self.assignments))
        return self._coordinates[id(space)][1]

    @cached_property
    def _coordinates(self) -> dict[int, tuple[SearchSpace, Floats]]:
        return {}

    @cached_property
    def measured(self) -> Bools:
        """Mask (n, k) of values that are there."""
        return ~np.isnan(self.values)

    @cached_property
    def real(self) -> Bools:
        """Mask (n,) of rows measured at the real task: those that can be best."""
        return np.asarray(self.costs == 1.0, dtype=np.bool_)


def _filled(array: Floats | None, shape: tuple[int, ...], default: float) -> Floats:
    if array is None or np.size(array) == 0:
        return np.full(shape, default)
    return np.array(array, dtype=np.float64)


def _check_data(data: Data) -> None:
    n = len(data.assignments)
    if data.values.ndim != 2 or len(data.values) != n:
        raise DataError(f"expected values of {n} configurations, got shape {data.values.shape}", n=n)
    for name, array, shape in (
        ("variances", data.variances, data.values.shape),
        ("counts", data.counts, data.values.shape),
        ("failures", data.failures, (n,)),
        ("costs", data.costs, (n,)),
        ("pending_costs", data.pending_costs, (len(data.pending),)),
    ):
        if array.shape != shape:
            raise DataError(f"expected {name} of shape {shape}, got {array.shape}", field=name)
        if (np.isinf(array) | (array < 0)).any():
            raise DataError(f"{name} must be finite and not negative", field=name)
    endless = np.abs(data.values) > LARGEST  # never where there is none
    if endless.any():
        rows = sorted({int(i) for i in np.argwhere(endless)[:, 0]})
        message = f"values beyond {LARGEST:g} in rows {rows[:5]}: report such a result as a failure instead"
        raise DataError(message, rows=rows)
