"""Covariance of two configurations: Matern-5/2 or 3/2 of an ARD distance, with the derivatives that fitting needs.

Notation: `Z (n, p)` features, `owner (p,)` their parameters, `w (d,)` inverse squared length scales. Squared distance
r2 = sum over columns of w[owner] (z - z')^2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from objectives.shapes import Floats, Ints

__all__ = ["CORRELATIONS", "KERNELS", "Kernel", "apart", "matern32", "matern52", "squared_distances"]

SQRT3, SQRT5 = np.sqrt(3.0), np.sqrt(5.0)

#: squared distances to correlations, and minus twice their derivatives
Kernel = Callable[[Floats], tuple[Floats, Floats]]


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


def _value52(r2: Floats) -> Floats:
    r = np.sqrt(r2)
    r *= SQRT5
    value = r * (1.0 / 3.0)
    value += 1.0
    value *= r
    value += 1.0
    np.exp(np.negative(r, out=r), out=r)
    value *= r
    return value


def _value32(r2: Floats) -> Floats:
    r = np.sqrt(r2)
    r *= SQRT3
    value = r + 1.0
    np.exp(np.negative(r, out=r), out=r)
    value *= r
    return value


KERNELS: dict[str, Kernel] = {"matern52": matern52, "matern32": matern32}
#: the correlations alone, for predictions: in place as far as that goes
CORRELATIONS: dict[str, Callable[[Floats], Floats]] = {"matern52": _value52, "matern32": _value32}
