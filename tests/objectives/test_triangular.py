"""Cholesky factors against numpy's own dense answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.errors import FitError
from objectives.triangular import cholesky, extend, solve, symmetric_inverse, whiten, whitener


def covariance(seed: int, n: int) -> np.ndarray:
    A = np.random.default_rng(seed).normal(size=(n, n))
    return A @ A.T + n * np.eye(n)


@given(st.integers(0, 1000), st.integers(1, 9))
def test_a_factor_solves_whitens_and_inverts(seed: int, n: int) -> None:
    K = covariance(seed, n)
    L, jitter = cholesky(K)
    W, y = whitener(L), np.arange(n, dtype=float)
    assert jitter == 0.0
    np.testing.assert_allclose(L @ L.T, K)
    np.testing.assert_allclose(W @ L, np.eye(n), atol=1e-12)
    np.testing.assert_allclose(solve(L, y), np.linalg.solve(K, y))
    np.testing.assert_allclose(symmetric_inverse(L), np.linalg.inv(K))
    k = np.random.default_rng(seed).normal(size=(4, n))
    np.testing.assert_allclose(whiten(W, k.copy()), np.linalg.solve(L, k.T).T)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 4))
def test_an_extended_factor_is_the_factor_of_the_whole(seed: int, n: int, c: int) -> None:
    K = covariance(seed, n + c)
    L = cholesky(K[:n, :n])[0]
    longer, inverse, jitter = extend(L, whitener(L), K[n:, :n].copy(), K[n:, n:])
    np.testing.assert_allclose(longer, np.linalg.cholesky(K), atol=1e-10)
    np.testing.assert_allclose(inverse @ longer, np.eye(n + c), atol=1e-12)
    assert jitter == 0.0


def test_jitter_is_the_least_that_helps_and_is_reported() -> None:
    K = np.ones((3, 3))
    L, jitter = cholesky(K)
    assert 0 < jitter <= 1e-8
    np.testing.assert_allclose(L @ L.T, K, atol=1e-7)
    with pytest.raises(FitError):
        cholesky(np.full((2, 2), np.nan))
