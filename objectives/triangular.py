"""Cholesky factors: made, used, inverted and extended. LAPACK and BLAS called directly, since small matrices are many.

Notation: `L (n, n)` lower factor in Fortran order, zeros above the diagonal; `W = L^-1`, the whitener.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

from objectives.errors import FitError
from objectives.shapes import Floats

__all__ = ["cholesky", "extend", "solve", "symmetric_inverse", "unusable", "whiten", "whitener"]

#: what is added to a diagonal that needs it, least first
JITTERS = (0.0, *(10.0**e for e in range(-10, -1)))


def cholesky(K: Floats) -> tuple[Floats, float]:
    """Lower factor of K and the jitter that had to be added to its diagonal: 0, or the least of 1e-10, 1e-9 .. 1e-2.

    FitError when even that does not help, as for NaN.
    """
    for jitter in JITTERS:
        L, info = lapack.dpotrf(K + jitter * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0 and np.isfinite(L[-1, -1]):
            return L, jitter
    raise unusable(len(K))


def unusable(n: int) -> FitError:
    """The error for a covariance (n, n) that no jitter helps."""
    return FitError("a covariance matrix is not positive definite, even with jitter 0.01", n=n)


def solve(L: Floats, y: Floats) -> Floats:
    """The solution of L L^T x = y. O(n^2)."""
    return np.asarray(lapack.dpotrs(L, y, lower=1)[0], dtype=np.float64)


def whitener(L: Floats) -> Floats:
    """W = L^-1, in Fortran order. O(n^3), a little more than the factor cost; a product with it is half a solution."""
    return np.asarray(lapack.dtrtri(L, lower=1)[0], dtype=np.float64)


def whiten(W: Floats, k: Floats) -> Floats:
    """The rows W k_i of k (c, n), as (c, n); `k`, in C order, is overwritten. O(c n^2)."""
    return np.asarray(blas.dtrmm(1.0, W, k.T, lower=1, overwrite_b=1), dtype=np.float64).T


def symmetric_inverse(L: Floats) -> Floats:
    """The inverse of L L^T, both triangles."""
    half: Floats = lapack.dpotri(L, lower=1)[0]
    whole = half + half.T
    whole[np.diag_indices(len(L))] *= 0.5
    return whole


def extend(L: Floats, W: Floats, k: Floats, corner: Floats) -> tuple[Floats, Floats, float]:
    """Factor, its inverse and jitter of a covariance (n + c) of which the first n rows have the factor L = W^-1.

    k (c, n): covariance with the new rows, overwritten; corner (c, c): among them. O(n^2 c + c^3), not (n + c)^3.
    """
    n, c = len(L), len(corner)
    side = whiten(W, k)
    rest = corner - side @ side.T
    if c == 1 and rest[0, 0] > 0.0:
        return _extend_by_one(L, W, side, np.sqrt(rest[0, 0]))
    L22, jitter = cholesky(rest)
    W22 = whitener(L22)
    longer, inverse = np.zeros((2, n + c, n + c))
    longer, inverse = longer.T, inverse.T
    longer[:n, :n], longer[n:, :n], longer[n:, n:] = L, side, L22
    inverse[:n, :n], inverse[n:, n:] = W, W22
    inverse[n:, :n] = -W22 @ blas.dtrmm(1.0, W, side, side=1, lower=1)
    return longer, inverse, jitter


def _extend_by_one(L: Floats, W: Floats, side: Floats, last: float) -> tuple[Floats, Floats, float]:
    """`extend` by one row that needs no jitter: its covariance, whitened (1, n), and its own entry on the diagonal."""
    n = len(L)
    longer, inverse = (np.zeros((n + 1, n + 1), order="F") for _ in range(2))
    longer[:n, :n], longer[n, :n], longer[n, n] = L, side[0], last
    inverse[:n, :n], inverse[n, n] = W, 1.0 / last
    inverse[n, :n] = -inverse[n, n] * blas.dtrmm(1.0, W, side, side=1, lower=1)[0]
    return longer, inverse, 0.0
