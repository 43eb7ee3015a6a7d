"""The search for a bounded minimum, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from objectives.descent import minimise


@given(st.integers(0, 5000), st.integers(1, 8))
@settings(max_examples=50)
def test_the_minimum_of_a_bounded_bowl_is_scipys(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(d, d))
    H, centre = A @ A.T + np.eye(d), 3.0 * rng.normal(size=d)

    def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(0.5 * (x - centre) @ H @ (x - centre)), H @ (x - centre)

    low, high = -np.ones(d), 2.0 * np.ones(d)
    x, value = minimise(bowl, 5.0 * rng.normal(size=d), low, high, steps=100)
    best = minimize(bowl, np.zeros(d), jac=True, bounds=list(zip(low, high, strict=True)), method="L-BFGS-B")
    assert ((x >= low) & (x <= high)).all()
    assert value <= bowl(x)[0]
    assert value <= best.fun + 0.02 * max(abs(best.fun), 1.0)


def test_a_bent_valley_is_followed_to_its_end() -> None:
    x, value = minimise(
        lambda x: (rosen(x), rosen_der(x)), np.array([-1.2, 1.0]), *np.array([[-5, -5], [5, 5]]), steps=200
    )
    assert value < 1e-2
    np.testing.assert_allclose(x, 1.0, atol=0.1)


@given(st.integers(0, 5000))
@settings(max_examples=30)
def test_the_value_never_rises(seed: int) -> None:
    """Whatever the function: here waves on a slope."""
    seen: list[float] = []

    def waves(x: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append(float(np.sin(5 * x).sum() + 0.1 * x @ x))
        return seen[-1], 5 * np.cos(5 * x) + 0.2 * x

    start = np.random.default_rng(seed).uniform(-3, 3, 3)
    _, value = minimise(waves, start, np.full(3, -4.0), np.full(3, 4.0), steps=20)
    assert value == min(seen)
    assert value <= seen[0]


@pytest.mark.parametrize("slope", [0.0, 1e-3])
def test_where_it_is_flat_nothing_moves(slope: float) -> None:
    start = np.array([0.3, -0.2])
    x, _ = minimise(lambda _: (1.0, np.full(2, slope)), start, np.full(2, -1.0), np.full(2, 1.0), steps=5)
    np.testing.assert_array_equal(x, start)
