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

__all__ = ["KERNELS", "Kernel", "Towards", "apart", "matern32", "matern52", "squared_distances"]

SQRT3, SQRT5 = np.sqrt(3.0), np.sqrt(5.0)
#: part of the additive kernel's variance that is left to what parameters do together
TOGETHER = 0.02

#: numbers held at once on the way to correlations along lines
BLOCK = 250_000

#: squared distances to correlations, and minus twice their derivatives
Profile = Callable[[Floats], tuple[Floats, Floats]]
#: weights (pairs,) of correlations to the derivatives (d,) of their weighted sum by w
Slopes = Callable[[Floats], Floats]
#: stretched features (a, p) to their correlations (a, b) with points that are known beforehand
Towards = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Kernel:
    """A correlation in the two forms in which it is asked for.

    towards: stretched features (b, p) and their owners to a function of others, whose correlations with them it gives:
    for predictions, many from the same points. of_pairs: w (d,) and squared differences (d, pairs) to correlations
    (pairs,) and how they change with w, for the likelihood.
    """

    towards: Callable[[Floats, Ints], Towards]
    of_pairs: Callable[[Floats, Floats], tuple[Floats, Slopes]]

    def between(self, A: Floats, B: Floats, owner: Ints) -> Floats:
        """Correlations (a, b) of stretched features (a, p) and (b, p)."""
        return self.towards(B, owner)(A)


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Pairwise squared Euclidean distances (a, b) of already weighted features; never negative. O(a b p) in one
    product."""
    return _distances_from(B)(A)


def _distances_from(B: Floats) -> Towards:
    twice, own = -2.0 * B.T, np.einsum("ij,ij->i", B, B)

    def squared(A: Floats) -> Floats:
        r2: Floats = A @ twice
        r2 += np.einsum("ij,ij->i", A, A)[:, None]
        r2 += own
        return np.maximum(r2, 0.0, out=r2)

    return squared


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
    slope = np.sqrt(r2)
    slope *= SQRT5
    decay = np.negative(slope)
    np.exp(decay, out=decay)
    slope += 1.0
    slope *= decay
    slope *= 5.0 / 3.0
    decay *= r2
    decay *= 5.0 / 3.0
    decay += 0.6 * slope
    return decay, slope


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

    def towards(B: Floats, owner: Ints) -> Towards:  # noqa: ARG001 - their columns are alike
        squared = _distances_from(B)

        def correlate(A: Floats) -> Floats:
            r = squared(A)
            np.sqrt(r, out=r)
            r *= root
            return value(r)

        return correlate

    def of_pairs(w: Floats, differences: Floats) -> tuple[Floats, Slopes]:
        correlations, slope = profile(w @ differences)
        return correlations, lambda A: -0.5 * (differences @ (slope * A))

    return Kernel(towards, of_pairs)


def _additive_towards(B: Floats, owner: Ints) -> Towards:
    d, widths = int(owner[-1]) + 1, np.bincount(owner)
    together = KERNELS["matern52"].towards(B, owner)
    alone = np.flatnonzero(widths[owner] == 1)
    wide = [np.flatnonzero(owner == k) for k in np.flatnonzero(widths > 1).tolist()]
    parts = [(columns, KERNELS["matern52"].towards(B[:, columns], owner[columns])) for columns in wide]
    lines = _Lines.through(B.T if d == len(owner) else B.T[alone])

    def correlate(A: Floats) -> Floats:
        out = lines(A.T if d == len(owner) else A.T[alone])
        for columns, part in parts:
            out += part(A[:, columns])
        out *= (1.0 - TOGETHER) / d
        rest = together(A)
        rest *= TOGETHER
        out += rest
        return out

    return correlate


@dataclass(frozen=True)
class _Lines:
    """Points y (lines, b); called with x (lines, a), the sum (a, b) over lines of Matern-5/2 correlations along them.

    On a line it takes no exponential a pair: for x >= y, (1 + r + r^2/3) e^-r with r = x - y is a product of something
    of x and something of y, a matrix product of rank 3; for x < y another one, and of the two the smaller is right.
    middle (lines, 1): of the points, which keeps exponents small. of_points (2 lines, 3, b): the part of y, upwards and
    downwards.
    """

    middle: Floats
    of_points: Floats

    @classmethod
    def through(cls, y: Floats) -> _Lines:
        """Those of points y (lines, b), stretched."""
        middle = y.mean(axis=1, keepdims=True)
        both = np.concatenate([y - middle, middle - y])
        both *= SQRT5
        of_points = np.empty((len(both), 3, y.shape[1]))
        np.exp(both, out=of_points[:, 0])
        np.multiply(of_points[:, 0], -both, out=of_points[:, 1])
        np.multiply(of_points[:, 1], -both, out=of_points[:, 2])
        return cls(middle, of_points)

    def __call__(self, x: Floats) -> Floats:
        rows = max(1, BLOCK // max(self.of_points[: len(x), 0].size, 1))
        if x.shape[1] > rows:
            return np.vstack([self._sum(x[:, i : i + rows]) for i in range(0, x.shape[1], rows)])
        return self._sum(x)

    def _sum(self, x: Floats) -> Floats:
        lines = len(x)
        below = np.empty((2 * lines, x.shape[1]))
        np.subtract(self.middle, x, out=below[:lines])
        below[:lines] *= SQRT5
        np.negative(below[:lines], out=below[lines:])
        of_x = np.empty((*below.shape, 3))
        decay = np.exp(below)
        decay *= 1.0 / 3.0
        of_x[:, :, 2] = decay
        np.multiply(3.0 - 2.0 * below, decay, out=of_x[:, :, 1])
        square = below - 3.0
        square *= below
        square += 3.0
        np.multiply(square, decay, out=of_x[:, :, 0])
        both = of_x @ self.of_points
        return np.asarray(np.minimum(both[:lines], both[lines:], out=both[:lines]).sum(axis=0), dtype=np.float64)


def _additive_pairs(w: Floats, differences: Floats) -> tuple[Floats, Slopes]:
    share = (1.0 - TOGETHER) / len(w)
    each, slopes = matern52(w[:, None] * differences)
    joint, slope = matern52(w @ differences)

    def changes(A: Floats) -> Floats:
        weights = slopes * (share * A)
        weights += (TOGETHER * slope) * A
        return np.asarray(-0.5 * np.einsum("ij,ij->i", weights, differences), dtype=np.float64)

    return share * each.sum(axis=0) + TOGETHER * joint, changes


#: the additive one (Duvenaud, Nickisch & Rasmussen 2011) learns a wave along one parameter from all points at once,
#: wherever they lie in the others: for separable metrics that is worth more than anything else that was tried
KERNELS: dict[str, Kernel] = {
    "matern52": _joint(matern52, _smooth, float(SQRT5)),
    "matern32": _joint(matern32, _abrupt, float(SQRT3)),
    "additive": Kernel(_additive_towards, _additive_pairs),
}
