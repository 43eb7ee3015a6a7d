"""Covariance of two configurations, with the derivatives that fitting needs.

Matern-5/2 or 3/2 of one ARD distance, and a sum of Matern functions of one parameter each.
Notation: `Z (n, p)` features, `owner (p,)` their parameters, `w (d,)` inverse squared length scales. Squared distance
r2 = sum over columns of w[owner] (z - z')^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from objectives.shapes import Floats, Ints

__all__ = ["KERNELS", "Kernel", "apart", "matern32", "matern52", "squared_distances"]

SQRT3, SQRT5 = np.sqrt(3.0), np.sqrt(5.0)
#: part of the additive kernel's variance that is left to what parameters do together
TOGETHER = 0.02

#: numbers held at once on the way to correlations along lines
BLOCK = 250_000

#: squared distances to correlations, and minus twice their derivatives
Profile = Callable[[Floats], tuple[Floats, Floats]]
#: weights (pairs,) of correlations to the derivatives (d,) of their weighted sum by w
Slopes = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Kernel:
    """A correlation in the two forms in which it is asked for.

    between: stretched features (a, p) and (b, p) and their owners to correlations (a, b), for predictions. of_pairs: w
    (d,) and squared differences (d, pairs) to correlations (pairs,) and how they change with w, for the likelihood.
    """

    between: Callable[[Floats, Floats, Ints], Floats]
    of_pairs: Callable[[Floats, Floats], tuple[Floats, Slopes]]


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Pairwise squared Euclidean distances (a, b) of already weighted features; never negative. O(a b p) in one
    product."""
    r2 = A @ (-2.0 * B.T)
    r2 += np.einsum("ij,ij->i", A, A)[:, None]
    r2 += np.einsum("ij,ij->i", B, B)
    return np.maximum(r2, 0.0, out=r2)


def apart(Z: Floats, owner: Ints, rows: Ints, columns: Ints) -> Floats:
    """Squared differences (d, pairs) of the pairs (rows, columns) of Z (n, p), summed over each owner's columns.

    A weighted sum of its rows is the squared distance: with it at hand, a change of length scales costs one product.
    """
    out = np.zeros((int(owner.max()) + 1, len(rows)))
    for k, column in zip(owner.tolist(), Z.T, strict=True):
        gap = column[rows]
        gap -= column[columns]
        gap *= gap
        out[k] += gap
    return out


def matern52(r2: Floats) -> tuple[Floats, Floats]:
    """Matern-5/2 correlation (1 + r + r^2/3) e^-r with r = sqrt(5 r2), and minus twice its derivative by r2.

    Twice differentiable sample paths: smooth, but not as stiff as the Gaussian (Stein 1999).

    >>> value, slope = matern52(np.array([0.0, 1.0]))
    >>> value.round(4).tolist(), slope.round(4).tolist()
    ([1.0, 0.524], [1.6667, 0.5764])
    """
    r = SQRT5 * np.sqrt(r2)
    decay = np.exp(-r)
    slope = (1.0 + r) * decay
    value = slope + (5.0 / 3.0) * r2 * decay
    slope *= 5.0 / 3.0
    return value, slope


def matern32(r2: Floats) -> tuple[Floats, Floats]:
    """Matern-3/2 correlation (1 + r) e^-r with r = sqrt(3 r2), and minus twice its derivative by r2.

    Once differentiable: for metrics that change abruptly, and rugged ones.

    >>> value, slope = matern32(np.array([0.0, 1.0]))
    >>> value.round(4).tolist(), slope.round(4).tolist()
    ([1.0, 0.4834], [3.0, 0.5308])
    """
    r = SQRT3 * np.sqrt(r2)
    decay = np.exp(-r)
    return (1.0 + r) * decay, 3.0 * decay


def _smooth(r: Floats) -> Floats:
    """Matern-5/2 of r = sqrt(5 r2), which is overwritten."""
    value = r * (1.0 / 3.0)
    value += 1.0
    value *= r
    value += 1.0
    np.exp(np.negative(r, out=r), out=r)
    value *= r
    return value


def _abrupt(r: Floats) -> Floats:
    """Matern-3/2 of r = sqrt(3 r2), which is overwritten."""
    value = r + 1.0
    np.exp(np.negative(r, out=r), out=r)
    value *= r
    return value


def _joint(profile: Profile, value: Callable[[Floats], Floats], root: float) -> Kernel:
    """The kernel of the distance in all parameters together; `value` is `profile` alone, of root times the distance."""

    def between(A: Floats, B: Floats, owner: Ints) -> Floats:  # noqa: ARG001 - their columns are alike
        r = np.sqrt(squared_distances(A, B))
        r *= root
        return value(r)

    def of_pairs(w: Floats, differences: Floats) -> tuple[Floats, Slopes]:
        correlations, slope = profile(w @ differences)
        return correlations, lambda A: -0.5 * (differences @ (slope * A))

    return Kernel(between, of_pairs)


def _additive_between(A: Floats, B: Floats, owner: Ints) -> Floats:
    d = int(owner[-1]) + 1
    if d == len(owner):
        out = _along_lines(A.T, B.T)
    else:
        widths = np.bincount(owner)
        alone = widths[owner] == 1
        out = _along_lines(A[:, alone].T, B[:, alone].T)
        for k in np.flatnonzero(widths > 1).tolist():
            out += _smooth(SQRT5 * np.sqrt(squared_distances(A[:, owner == k], B[:, owner == k])))
    out *= (1.0 - TOGETHER) / d
    out += TOGETHER * KERNELS["matern52"].between(A, B, owner)
    return out


def _along_lines(x: Floats, y: Floats) -> Floats:
    """Sum (a, b) over lines of the Matern-5/2 correlations of points x (lines, a) and y (lines, b) along them.

    On a line it takes no exponential a pair: for x >= y it is a product of something of x and something of y, for
    x < y another one, and of the two the smaller is right. A third of the time of the other way.
    """
    middle = y.mean(axis=1, keepdims=True)
    x, y = SQRT5 * (x - middle), SQRT5 * (y - middle)
    rows = max(1, BLOCK // max(y.size, 1))
    if x.shape[1] > rows:
        return np.vstack([_sum_of_lines(x[:, i : i + rows], y) for i in range(0, x.shape[1], rows)])
    return _sum_of_lines(x, y)


def _sum_of_lines(x: Floats, y: Floats) -> Floats:
    above = _ascending(x, y)
    return np.asarray(np.minimum(above, _ascending(-x, -y), out=above).sum(axis=0), dtype=np.float64)


def _ascending(x: Floats, y: Floats) -> Floats:
    """(1 + r + r^2/3) e^-r (lines, a, b) with r = x - y, whatever its sign, as a product of matrices of rank 3."""
    of_x, of_y = np.empty((*x.shape, 3)), np.empty((len(y), 3, y.shape[1]))
    np.multiply(np.exp(-x), 1.0 / 3.0, out=of_x[:, :, 2])
    np.multiply(of_x[:, :, 2], 2.0 * x + 3.0, out=of_x[:, :, 1])
    np.multiply(of_x[:, :, 2], x * x + 3.0 * x + 3.0, out=of_x[:, :, 0])
    np.exp(y, out=of_y[:, 0])
    np.multiply(of_y[:, 0], -y, out=of_y[:, 1])
    np.multiply(of_y[:, 1], -y, out=of_y[:, 2])
    return np.asarray(of_x @ of_y, dtype=np.float64)


def _additive_pairs(w: Floats, differences: Floats) -> tuple[Floats, Slopes]:
    each, slopes = matern52(w[:, None] * differences)
    joint, slope = matern52(w @ differences)
    slopes *= (1.0 - TOGETHER) / len(w)
    slopes += TOGETHER * slope
    slopes *= differences
    return (1.0 - TOGETHER) * each.mean(axis=0) + TOGETHER * joint, lambda A: -0.5 * (slopes @ A)


#: the additive one (Duvenaud, Nickisch & Rasmussen 2011) learns a wave along one parameter from all points at once,
#: wherever they lie in the others: for separable metrics that is worth more than anything else that was tried
KERNELS: dict[str, Kernel] = {
    "matern52": _joint(matern52, _smooth, float(SQRT5)),
    "matern32": _joint(matern32, _abrupt, float(SQRT3)),
    "additive": Kernel(_additive_between, _additive_pairs),
}
