"""What a front means for the person who must choose: recommended picks, knees, and what one unit of gain costs.

Pure functions of the front's values, used by the report. All take values (p, m) of the optimized metrics in natural
units, as `Front.values` holds them, and are well defined for a front of one point and for metrics that do not vary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from objectives.errors import DataError
from objectives.metrics import Metric
from objectives.problem import Problem
from objectives.scalarization import augmented_chebyshev, normalise
from objectives.shapes import Floats

__all__ = [
    "Pick",
    "Rate",
    "advice",
    "balance",
    "knee_strength",
    "marginal_rates",
    "nearest_to_goals",
    "picks",
    "weighed",
]


@dataclass(frozen=True)
class Pick:
    """A point of the front worth naming.

    kind: "balanced", "knee" or "champion:NAME". index: row of the front. facts: numbers for the sentence about it;
    always `share`, for each metric how much of the way from the worst acceptable to the ideal value it goes (0..1).
    """

    kind: str
    index: int
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rate:
    """What one more unit of `gained` costs in `paid` between two neighbours on the front (from row `start` to `end`).

    gain and cost are positive amounts in natural units; rate = cost / gain.
    """

    gained: str
    paid: str
    start: int
    end: int
    gain: float
    cost: float

    @property
    def rate(self) -> float:
        """Units of `paid` given up for one unit of `gained`."""
        return self.cost / self.gain


def picks(problem: Problem, values: Floats) -> tuple[Pick, ...]:
    """The balanced point, the knee where there is one, and the champion of each metric; empty for an empty front.

    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("gain"), Metric("cost", "minimize")))
    >>> found = picks(problem, np.array([[10.0, 9.0], [8.0, 2.0], [1.0, 1.0]]))
    >>> [(pick.kind, pick.index) for pick in found]
    [('balanced', 1), ('knee', 1), ('champion:gain', 0), ('champion:cost', 2)]
    """
    values = _rows(problem, values)
    if len(values) == 0 or problem.m == 0:
        return ()
    share = _share(problem, values)
    found = [_pick(problem, "balanced", int(np.argmax(balance(problem, values))), share)]
    strength = knee_strength(problem, values)
    if strength.max() > 0:
        found.append(_pick(problem, "knee", int(np.argmax(strength)), share))
    return (*found, *_champions(problem, values, share))


def weighed(problem: Problem, values: Floats, weights: Floats) -> Pick:
    """The point for a person who says how much each optimized metric matters: `weights` (m,), not negative, not all 0.

    The least augmented Chebyshev distance to the ideal, each metric counted from its worst acceptable value to its
    best on the front; so every point can be reached by some weights. DataError for an empty front.

    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("gain"), Metric("cost", "minimize")))
    >>> front = np.array([[10.0, 9.0], [8.0, 2.0], [1.0, 1.0]])
    >>> [weighed(problem, front, np.array(w)).index for w in ([9.0, 1.0], [1.0, 1.0], [0.0, 1.0])]
    [0, 1, 2]
    """
    values = _asked(problem, values)
    share = _share(problem, values)
    weights = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    return _pick(problem, "weighed", int(np.argmax(augmented_chebyshev(share, weights))), share)


def nearest_to_goals(problem: Problem, values: Floats, goals: Floats) -> Pick:
    """The point for a person with goals (m,) in natural units, NaN where there is none.

    Reaching all of them if a point does, the best balanced of those; else the one whose worst miss, as a share of the
    metric's range, is least. DataError for an empty front.
    """
    values = _asked(problem, values)
    share = _share(problem, values)
    wanted = np.where(np.isnan(goals), -np.inf, _share_of(problem, values, np.nan_to_num(goals)))
    miss = np.maximum(wanted - share, 0.0)
    even = balance(problem, values)
    order = np.lexsort((-even, miss.sum(axis=1), miss.max(axis=1)))
    return _pick(problem, "goals", int(order[0]), share)


def _asked(problem: Problem, values: Floats) -> Floats:
    values = _rows(problem, values)
    if len(values) == 0 or problem.m == 0:
        raise DataError("there is no front to choose from")
    return values


def advice(problem: Problem) -> tuple[str, ...]:
    """What the person could still say that would help the search, one sentence each; empty when all is said.

    >>> from objectives.space import Double, SearchSpace
    >>> space = SearchSpace((Double("x", 0, 1),))
    >>> advice(Problem(space, (Metric("gain", threshold=1.0), Metric("cost", "minimize"))))[0][:58]
    'Give the worst acceptable value of cost: it is inferred no'
    """
    missing = [metric.name for metric in problem.optimized if metric.threshold is None]
    if problem.m < 2 or not missing:
        return ()
    names = " and ".join(missing)
    worth = "in our benchmarks giving it was worth 1 to 15 % of the final hypervolume, most with many metrics"
    return (f"Give the worst acceptable value of {names}: it is inferred now; {worth}.",)


def balance(problem: Problem, values: Floats) -> Floats:
    """How balanced each row is (p,): minus its augmented Chebyshev distance to the ideal, larger is better.

    Each metric counts from its worst acceptable value (the threshold, without one the front's worst) to the front's
    best.
    """
    share = _share(problem, _rows(problem, values))
    return augmented_chebyshev(share, np.full(problem.m, 1.0 / max(problem.m, 1)))


def knee_strength(problem: Problem, values: Floats) -> Floats:
    """How much each row (p,) bulges beyond the plane through the metrics' champions; 0 where it does not.

    Measured in normalised units along the plane's normal (Das 1999). Needs three rows or more that differ: a bulge in
    the front is where small gains begin to cost much.
    """
    share = _share(problem, _rows(problem, values))
    if len(np.unique(share, axis=0)) < 3 or problem.m < 2:
        return np.zeros(len(share))
    ends = share[np.argmax(share + 1e-9 * share.sum(axis=1, keepdims=True), axis=0)]
    level = float(ends.sum(axis=1).mean())
    return np.asarray(np.maximum(share.sum(axis=1) - level, 0.0) / np.sqrt(problem.m), dtype=np.float64)


def marginal_rates(problem: Problem, values: Floats) -> tuple[Rate, ...]:
    """Secants between neighbours: for each pair of metrics, walking along one of them, what a step costs in the other.

    Neighbours are consecutive in the gained metric among the rows that are non-dominated in just these two metrics, so
    every step gains in one and pays in the other. Steps without gain or cost are left out. O(m^2 p log p).

    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("gain"), Metric("cost", "minimize")))
    >>> [(r.gained, r.paid, r.rate) for r in marginal_rates(problem, np.array([[10.0, 9.0], [8.0, 2.0]]))]
    [('gain', 'cost', 3.5), ('cost', 'gain', 0.2857142857142857)]
    """
    values = _rows(problem, values)
    pairs = [(a, b) for a in range(problem.m) for b in range(problem.m) if a != b]
    return tuple(rate for a, b in pairs for rate in _pair_rates(problem, values, a, b))


def _pair_rates(problem: Problem, values: Floats, a: int, b: int) -> list[Rate]:
    gained, paid = problem.optimized[a], problem.optimized[b]
    up, down = gained.to_max(values[:, a]), paid.to_max(values[:, b])
    path = _staircase(up, down)
    steps = [(i, k, float(up[k] - up[i]), float(down[i] - down[k])) for i, k in pairwise(path)]
    return [Rate(gained.name, paid.name, i, k, gain, cost) for i, k, gain, cost in steps if gain > 0 and cost > 0]


def _staircase(up: Floats, down: Floats) -> list[int]:
    """Rows non-dominated in two maximised metrics, from least to most of the first."""
    path: list[int] = []
    for i in np.lexsort((-down, -up)).tolist():
        if not path or down[i] > down[path[-1]]:
            path.append(i)
    return path[::-1]


def _rows(problem: Problem, values: Floats) -> Floats:
    return np.asarray(values, dtype=np.float64).reshape(-1, problem.m) if problem.m else np.empty((0, 0))


def _share(problem: Problem, values: Floats) -> Floats:
    """Values with the worst acceptable at 0 and the front's best at 1; a metric that does not vary is 1 throughout."""
    Y = np.column_stack([x.to_max(values[:, j]) for j, x in enumerate(problem.optimized)]) if problem.m else values
    if len(Y) == 0:
        return np.empty((0, problem.m))
    low, high = _range(problem, Y)
    return np.where(high > low, normalise(Y, low, high), 1.0)


def _share_of(problem: Problem, values: Floats, point: Floats) -> Floats:
    """Where a point (m,) in natural units lies on the scale of `_share`; outside 0..1 beyond the front's range."""
    signs = np.array([metric.sign for metric in problem.optimized])
    low, high = _range(problem, values * signs)
    even = np.where(point * signs > high, 2.0, 1.0)
    return np.where(high > low, normalise(point * signs, low, high), even)


def _range(problem: Problem, Y: Floats) -> tuple[Floats, Floats]:
    """The worst acceptable and the best value (m,) of a front, maximised."""
    return np.array([_worst(x, Y[:, j]) for j, x in enumerate(problem.optimized)]), Y.max(axis=0)


def _worst(metric: Metric, column: Floats) -> float:
    limit = metric.threshold_max
    return float(column.min()) if limit is None or limit > column.min() else limit


def _pick(problem: Problem, kind: str, index: int, share: Floats) -> Pick:
    named = {metric.name: float(part) for metric, part in zip(problem.optimized, share[index], strict=True)}
    return Pick(kind, index, {"share": named})


def _champions(problem: Problem, values: Floats, share: Floats) -> list[Pick]:
    """The best row in each metric; among ties the one that is best balanced."""
    even = balance(problem, values)
    found = []
    for j, metric in enumerate(problem.optimized):
        column = metric.to_max(values[:, j])
        best = np.flatnonzero(column == column.max())
        found.append(_pick(problem, f"champion:{metric.name}", int(best[np.argmax(even[best])]), share))
    return found
