"""Kernels: their derivatives, their two forms against each other and the written-out sum, and what they learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.features import FeatureMap
from objectives.gp import fit_gp
from objectives.kernels import KERNELS, TOGETHER, apart, matern32, matern52
from objectives.space import Categorical, Double, SearchSpace

seeds = st.integers(0, 10_000)
SPACE = SearchSpace((Double("x", 0, 1), Categorical("kind", ("a", "b", "c")), Double("y", 0, 1)))
PAIRS = np.triu_indices(12, 1)


def features(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, owners and w of random configurations with a category."""
    rng = np.random.default_rng(seed)
    to = FeatureMap(SPACE)
    return to(SPACE.snap(rng.random((n, 3)))), to.owner, np.exp(rng.normal(size=3))


@pytest.mark.parametrize("profile", [matern52, matern32])
def test_the_slope_of_a_profile_is_minus_twice_its_derivative(profile) -> None:
    r2 = np.array([1e-4, 0.01, 0.5, 2.0, 30.0])
    numeric = (profile(r2 * (1 + 1e-6))[0] - profile(r2 * (1 - 1e-6))[0]) / (2e-6 * r2)
    np.testing.assert_allclose(-2 * numeric, profile(r2)[1], rtol=1e-4)
    assert profile(np.zeros(1))[0][0] == 1.0


@pytest.mark.parametrize("kernel", KERNELS)
@given(seed=seeds)
@settings(max_examples=20)
def test_both_forms_of_a_kernel_are_the_same_correlations(kernel: str, seed: int) -> None:
    Z, owner, w = features(seed)
    stretched = Z * np.sqrt(w)[owner]
    before = stretched.copy()
    whole = KERNELS[kernel].between(stretched, stretched, owner)
    values, _ = KERNELS[kernel].of_pairs(w, apart(Z, owner, *PAIRS))
    np.testing.assert_allclose(whole[PAIRS], values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.diag(whole), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(stretched, before)


@pytest.mark.parametrize("kernel", KERNELS)
@given(seed=seeds)
@settings(max_examples=20)
def test_no_kernel_gives_a_negative_variance(kernel: str, seed: int) -> None:
    Z, owner, w = features(seed, n=30)
    assert (
        np.linalg.eigvalsh(KERNELS[kernel].between(Z * np.sqrt(w)[owner], Z * np.sqrt(w)[owner], owner)).min() > -1e-9
    )


@given(seeds)
@settings(max_examples=20)
def test_the_additive_kernel_is_the_mean_over_parameters_and_a_little_of_them_together(seed: int) -> None:
    Z, owner, w = features(seed)
    stretched = Z * np.sqrt(w)[owner]
    r2 = [((stretched[:, None, owner == k] - stretched[None, :, owner == k]) ** 2).sum(axis=2) for k in range(3)]
    wanted = (1 - TOGETHER) * np.mean([matern52(part)[0] for part in r2], axis=0) + TOGETHER * matern52(sum(r2))[0]
    np.testing.assert_allclose(KERNELS["additive"].between(stretched, stretched, owner), wanted, rtol=1e-6, atol=1e-9)


def test_a_separable_metric_is_foretold_where_no_point_is_near() -> None:
    """Waves along each of four parameters, seen at fifty points; a joint kernel has to see every corner."""
    rng = np.random.default_rng(0)
    Z, at = rng.random((50, 4)), rng.random((200, 4))
    waves = lambda X: np.sin(12 * X).sum(axis=1)  # noqa: E731
    both = ("matern52", "matern32", "additive")
    gp = fit_gp(Z, np.arange(4), waves(Z), kernels=both)
    assert gp.kernel == "additive"
    joint = fit_gp(Z, np.arange(4), waves(Z))
    missed = [np.square(one.predict(at)[0] - waves(at)).mean() for one in (gp, joint)]
    assert missed[0] < 0.05 * missed[1]


def test_a_metric_of_what_parameters_do_together_has_a_joint_kernel() -> None:
    Z = np.random.default_rng(0).random((50, 2))
    gp = fit_gp(Z, np.arange(2), np.cos(6 * (Z[:, 0] - Z[:, 1])), kernels=("additive", "matern52", "matern32"))
    assert gp.kernel != "additive"
