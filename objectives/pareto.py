"""Dominance between rows of numbers: who is on the front, in which rank, how crowded. All maximised.

The work is moocore's (20,000 x 3 in 6 ms); the conventions are ours: larger is better, NaN is refused, exact ties stay.
"""

from __future__ import annotations

import moocore
import numpy as np

from objectives.errors import DataError
from objectives.shapes import Bools, Floats, Ints

__all__ = ["EXACT_OBJECTIVES", "crowding", "hypervolume", "nondominated", "ranks", "violation_order"]

#: up to so many objectives the hypervolume is exact whatever the number of rows
EXACT_OBJECTIVES = 6


def nondominated(Y: Floats) -> Bools:
    """Mask (n,) of rows that no other row dominates: none is at least as good everywhere and better somewhere.

    Rows that are exactly equal do not dominate each other, so ties stay. O(n log n) for two and three columns.
    DataError on NaN: a missing value is no bad value.

    >>> nondominated(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [2.0, 1.0]])).tolist()
    [True, True, False, True]
    """
    Y = _checked(Y)
    if len(Y) == 0 or Y.shape[1] == 0:
        return np.ones(len(Y), dtype=np.bool_)
    if Y.shape[1] == 1:
        return np.asarray(Y[:, 0] == Y[:, 0].max(), dtype=np.bool_)
    return np.asarray(moocore.is_nondominated(Y, maximise=True, keep_weakly=True), dtype=np.bool_)


def ranks(Y: Floats) -> Ints:
    """Non-dominated sorting (n,): 0 for the front, 1 for the front of the rest, and so on (Deb et al. 2002)."""
    Y = _checked(Y)
    if Y.shape[1] == 1:
        return np.unique(-Y[:, 0], return_inverse=True)[1].astype(np.intp)
    return np.asarray(moocore.pareto_rank(Y, maximise=True), dtype=np.intp)


def crowding(Y: Floats, front: Ints | None = None) -> Floats:
    """Crowding distance (n,) of each row within its front, one front without `front` (n,) (Deb et al. 2002).

    Ends get infinity. O(m n log n), for all fronts at once.

    >>> crowding(np.array([[0.0, 3.0], [1.0, 2.0], [3.0, 0.0], [9.0, 9.0]]), np.array([0, 0, 0, 1])).tolist()
    [inf, 2.0, inf, inf]
    """
    n, m = Y.shape
    if n == 0:
        return np.zeros(n)
    front = np.zeros(n, dtype=np.intp) if front is None else front
    columns = np.arange(m)[:, None]
    order = np.lexsort((Y.T, np.broadcast_to(front, (m, n))), axis=1)
    values, sorted_front = Y.T[columns, order], np.sort(front)
    change = sorted_front[1:] != sorted_front[:-1]
    first, last = np.flatnonzero(np.append(True, change)), np.flatnonzero(np.append(change, True))
    width = np.repeat(values[:, last] - values[:, first], last - first + 1, axis=1)
    gap = np.zeros((m, n))
    np.divide(values[:, 2:] - values[:, :-2], width[:, 1:-1], out=gap[:, 1:-1], where=width[:, 1:-1] > 0)
    gap[:, first] = gap[:, last] = np.inf
    distance = np.empty((m, n))
    distance[columns, order] = gap
    return np.asarray(distance.sum(axis=0), dtype=np.float64)


def violation_order(Y: Floats, violation: Floats) -> Ints:
    """Row numbers (n,), best first: less violation, then lower rank, then less crowded (Deb 2000, constrained)."""
    worse = violation > 0
    if Y.shape[1] > 1 and not worse.any():
        front = ranks(Y)
        return np.lexsort((-crowding(Y, front), front))
    front = np.where(worse, 0, ranks(Y))
    if Y.shape[1] == 1:
        return np.lexsort((front, violation))
    kept = np.flatnonzero(~worse)
    spacing = np.zeros(len(Y))
    spacing[kept] = crowding(Y[kept], front[kept])
    return np.lexsort((-spacing, front, violation))


def hypervolume(Y: Floats, ref_point: Floats) -> float:
    """Volume of what lies above `ref_point` (m,) and below some row of Y (n, m); 0 for no rows.

    Zitzler & Thiele 1998, computed by moocore: O(n log n) for m <= 3, n^2 for 4, exponential in m beyond. Where that
    would take seconds (more than six objectives and many rows) it is approximated to about a thousandth, always alike.

    >>> hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2))
    3.0
    """
    Y = _checked(Y)
    ref_point = np.asarray(ref_point, dtype=np.float64)
    Y = Y[(ref_point < Y).all(axis=1)]
    if len(Y) == 0 or Y.shape[1] == 0:
        return 0.0
    if Y.shape[1] == 1:
        return float(Y.max() - ref_point[0])
    if Y.shape[1] <= EXACT_OBJECTIVES or (Y.shape[1] <= 8 and len(Y) <= 60):
        return float(moocore.hypervolume(Y, ref=ref_point, maximise=True))
    return float(moocore.hv_approx(Y, ref=ref_point, maximise=True, method="Rphi-FWE+"))


def _checked(Y: Floats) -> Floats:
    Y = np.atleast_2d(np.asarray(Y, dtype=np.float64))
    if np.isnan(Y).any():
        raise DataError("NaN among the values to compare: a missing value is no bad value")
    return np.ascontiguousarray(Y)
