"""Covariance of two configurations: Matern-5/2 or 3/2 of an ARD distance, with the derivatives that fitting needs.

Notation: `Z (n, p)` features, `owner (p,)` their parameters, `w (d,)` inverse squared length scales. Squared distance
r2 = sum over columns of w[owner] (z - z')^2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from objectives.shapes import Floats, Ints

__all__ = ["KERNELS", "Kernel", "matern32", "matern52", "squared_distances", "weight_gradient"]

SQRT3, SQRT5 = np.sqrt(3.0), np.sqrt(5.0)

#: squared distances to correlations, and minus twice their derivatives
Kernel = Callable[[Floats], tuple[Floats, Floats]]


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Pairwise squared Euclidean distances (a, b) of already weighted features; never negative. O(a b p) in one
    product."""
    r2 = -2.0 * (A @ B.T)
    r2 += np.einsum("ij,ij->i", A, A)[:, None]
    r2 += np.einsum("ij,ij->i", B, B)
    return np.maximum(r2, 0.0, out=r2)


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


KERNELS: dict[str, Kernel] = {"matern52": matern52, "matern32": matern32}


def weight_gradient(G: Floats, Z: Floats, w: Floats, owner: Ints) -> Floats:
    """sum_ij G_ij d r2_ij / d log w_k for symmetric G (n, n), as (d,): one product instead of d distance matrices."""
    per_column = 2.0 * (G.sum(axis=1) @ (Z * Z) - np.einsum("ij,ij->j", Z, G @ Z))
    return w * np.bincount(owner, weights=per_column, minlength=len(w))
