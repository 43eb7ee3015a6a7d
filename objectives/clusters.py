"""A few good configurations that differ: the best of each of some clusters of the best (SigOpt's multisolution)."""

from __future__ import annotations

import math

import numpy as np

from objectives.shapes import Floats, Ints

__all__ = ["best_of_clusters", "centres"]

#: the share of all configurations that counts as good
GOOD = 0.2


def best_of_clusters(points: Floats, values: Floats, count: int) -> Ints:
    """Rows (at most `count`), best first: the best of each cluster of the best fifth of `values` (n,), maximised.

    points (n, p): coordinates in which distance means something. The best fifth, but at least `count` rows, is split
    around `count` centres that lie far apart; of rows that are equal the first is preferred, and repeats of a point
    come only where there are not enough others. O(n log n + n count p).

    >>> x = np.array([[0.0], [0.01], [0.5], [0.9], [0.91]])
    >>> best_of_clusters(x, np.array([5.0, 4.0, 0.0, 3.0, 4.5]), 2).tolist()
    [0, 4]
    """
    top = _best_first(points, values)[: max(count, math.ceil(GOOD * len(values)))]
    if len(top) <= count:
        return np.asarray(top, dtype=np.intp)
    X = points[top]
    chosen = centres(X, count)
    nearest = np.argmin(_gaps(X, X[chosen]), axis=1)
    nearest[chosen] = np.arange(len(chosen))
    first = [int(np.flatnonzero(nearest == j)[0]) for j in range(len(chosen))]
    return np.asarray(top[np.sort(first)], dtype=np.intp)


def centres(X: Floats, count: int) -> Ints:
    """`count` row numbers of X (n, p), the first row and then always the one farthest from those before (k-center).

    At most twice as far from every point as the best choice would be (Gonzalez 1985).
    """
    chosen = [0]
    gap = _gaps(X, X[:1])[:, 0]
    while len(chosen) < min(count, len(X)):
        gap[chosen] = -1.0
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, _gaps(X, X[chosen[-1:]])[:, 0])
    return np.array(chosen, dtype=np.intp)


def _best_first(points: Floats, values: Floats) -> Ints:
    order = np.argsort(-values, kind="stable")
    repeats = np.ones(len(values), dtype=np.bool_)
    repeats[np.unique(points[order], axis=0, return_index=True)[1]] = False
    return np.asarray(order[np.lexsort((repeats, -values[order]))], dtype=np.intp)


def _gaps(A: Floats, B: Floats) -> Floats:
    return np.asarray(np.linalg.norm(A[:, None] - B[None], axis=2), dtype=np.float64)
