"""The posterior density of hyperparameters, against finite differences and the textbook."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.errors import FitError
from objectives.features import FeatureMap
from objectives.kernels import KERNELS
from objectives.likelihood import SEARCH_ROWS, Likelihood, Prior, Sample, search, thinned
from objectives.space import Categorical, Double, Int, SearchSpace

seeds = st.integers(0, 10_000)
TREE = SearchSpace(
    (
        Categorical("kind", ("a", "b", "c")),
        Double("x", 0, 1, conditions=(("kind", frozenset({"a"})),)),
        Int("k", 1, 5, conditions=(("kind", frozenset({"a", "b"})),)),
        Double("y", 0, 1),
    )
)


def sample(seed: int, n: int = 12, d: int = 3) -> Sample:
    rng = np.random.default_rng(seed)
    Z = rng.random((n, d))
    y = np.sin(5 * Z[:, 0]) + Z[:, -1] ** 2
    return Sample(Z, np.arange(d), (y - y.mean()) / y.std(), rng.uniform(0, 0.1, n), rng.uniform(0.2, 1, n))


def dense(s: Sample, theta: np.ndarray, kernel: str) -> float:
    """Minus the log density, with every matrix written out."""
    stretched = s.Z * np.exp(0.5 * theta[:-2])[s.owner]
    K = np.exp(theta[-2]) * KERNELS[kernel].between(stretched, stretched, s.owner) + np.diag(s.noise(theta))
    log_density = -0.5 * s.y @ np.linalg.solve(K, s.y) - 0.5 * np.linalg.slogdet(2 * np.pi * K)[1]
    return float(Prior().cost(theta)[0] - log_density)


@given(seeds, st.sampled_from(sorted(KERNELS)))
@settings(max_examples=30)
def test_the_density_is_that_of_the_textbook(seed: int, kernel: str) -> None:
    s, theta = sample(seed), np.random.default_rng(seed).normal(size=5) - np.array([0, 0, 0, 0, 4])
    assert Likelihood(s, Prior())(theta, kernel)[0] == pytest.approx(dense(s, theta, kernel), rel=1e-6, abs=1e-6)


@given(seeds, st.sampled_from(sorted(KERNELS)))
@settings(max_examples=10)
def test_a_search_ends_no_worse_than_it_began(seed: int, kernel: str) -> None:
    likelihood, start = Likelihood(sample(seed), Prior()), np.random.default_rng(seed).normal(size=5)
    optimum = search(likelihood, (start, Prior().start(3)), kernel)
    assert optimum.kernel == kernel
    assert optimum.cost <= min(likelihood(theta, kernel)[0] for theta in (start, Prior().start(3)))
    assert optimum.cost == likelihood(optimum.theta, kernel)[0]


def test_many_observations_are_thinned_evenly() -> None:
    few = thinned(sample(0, n=1000))
    assert len(few) == SEARCH_ROWS
    assert len(thinned(sample(0, n=SEARCH_ROWS))) == SEARCH_ROWS


def test_what_is_no_number_is_an_error() -> None:
    with pytest.raises(FitError):
        Likelihood(sample(0), Prior())(np.array([np.nan, 0.0, 0.0, 0.0, -3.0]))


@given(seeds, st.floats(-6.5, 6.5), st.floats(-5.5, 5.5), st.floats(-20.0, 0.9))
@settings(max_examples=40)
def test_the_gradient_is_the_finite_difference_even_far_out(seed: int, w: float, scale: float, noise: float) -> None:
    theta = np.array([w, -w / 2, w / 3, scale, noise])
    likelihood = Likelihood(sample(seed), Prior())
    _, gradient = likelihood(theta)
    for i, step in enumerate(1e-5 * np.eye(5)):
        up, down = (likelihood(theta + s)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=2e-4, abs=2e-3)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_holds_for_categories_and_conditions(kernel: str) -> None:
    X = TREE.spread(np.random.default_rng(3).random((15, 4)))
    features = FeatureMap(TREE)
    y = np.random.default_rng(4).normal(size=15)
    s = Sample(features(X), features.owner, y, np.zeros(15), np.ones(15))
    theta = np.array([0.3, 1.0, -0.5, 0.7, 0.2, -3.0])
    gradient = Likelihood(s, Prior())(theta, kernel)[1]
    for i, step in enumerate(1e-5 * np.eye(6)):
        up, down = (Likelihood(s, Prior())(theta + e, kernel)[0] for e in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_holds_for_every_kernel(kernel: str) -> None:
    theta, s = np.array([0.4, 1.0, -0.5, 0.3, -3.0]), sample(11)
    gradient = Likelihood(s, Prior())(theta, kernel)[1]
    for i, step in enumerate(1e-5 * np.eye(5)):
        up, down = (Likelihood(s, Prior())(theta + e, kernel)[0] for e in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)
