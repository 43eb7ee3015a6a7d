"""The Gaussian process against closed forms, finite differences and itself with other steps in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.errors import FitError
from objectives.features import FeatureMap
from objectives.gp import GP, condition, fit_gp
from objectives.kernels import matern52, squared_distances
from objectives.likelihood import Sample
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


def data(seed: int, n: int = 12, d: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    Z = np.random.default_rng(seed).random((n, d))
    return Z, np.arange(d), np.sin(5 * Z[:, 0]) + Z[:, -1] ** 2


# -- what distances mean
# -------------------------------------------------------------------------------------------------
def distance(a: dict, b: dict) -> float:
    features = FeatureMap(TREE)
    Z = features(TREE.encode([a, b]))
    return float(squared_distances(Z[:1], Z[1:])[0, 0])


def test_two_inactive_parameters_are_no_apart_and_an_active_one_is_a_constant_away() -> None:
    c = {"kind": "c", "y": 0.5}
    assert distance(c, {**c, "x": 0.1, "k": 5}) == 0.0
    apart = [distance(c, {"kind": "a", "x": x, "k": k, "y": 0.5}) for x in (0.0, 0.3, 1.0) for k in (1, 3)]
    np.testing.assert_allclose(apart, apart[0])


def test_categories_are_as_far_apart_as_each_other() -> None:
    space = SearchSpace((Categorical("kind", tuple("abcdefg")),))
    Z = FeatureMap(space)(space.enumerate(10))
    np.testing.assert_allclose(squared_distances(Z, Z), 1.0 - np.eye(7), atol=1e-12)


def test_a_kernel_over_conditions_is_a_kernel() -> None:
    Z = FeatureMap(TREE)(TREE.spread(np.random.default_rng(0).random((60, 4))))
    assert np.linalg.eigvalsh(matern52(squared_distances(Z, Z))[0]).min() > -1e-10


# -- the posterior
# -------------------------------------------------------------------------------------------------------
@given(seeds)
@settings(max_examples=15)
def test_without_noise_the_posterior_goes_through_the_data(seed: int) -> None:
    Z, owner, y = data(seed)
    gp = fit_gp(Z, owner, y, starts=(np.array([0.0, 0.0, 0.0, 0.0, -20.0]),), refit=False)
    mean, var = gp.predict(Z)
    np.testing.assert_allclose(mean, y, atol=1e-5)
    assert (var < 1e-5).all()


def dense(gp: GP, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The textbook formula with an explicit inverse."""
    s, w = gp.sample, np.sqrt(np.exp(gp.theta[:-2]))[gp.sample.owner]
    k = lambda A, B: gp.scale * matern52(((A[:, None] - B[None]) ** 2 * w**2).sum(axis=2))[0]  # noqa: E731
    K = k(s.Z, s.Z) + np.diag(s.noise(gp.theta))
    inverse = np.linalg.inv(K)
    mean = k(Z, s.Z) @ inverse @ s.y
    var = gp.scale - np.einsum("ij,jk,ik->i", k(Z, s.Z), inverse, k(Z, s.Z))
    return gp.mean + gp.sd * mean, gp.sd**2 * var


@given(seeds)
@settings(max_examples=20)
def test_prediction_is_the_textbook_formula(seed: int) -> None:
    Z, owner, y = data(seed)
    gp = fit_gp(Z, owner, y, known=np.full(12, 0.01), counts=np.arange(1.0, 13.0))
    at = np.random.default_rng(seed + 1).random((7, 3))
    for got, wanted in zip(gp.predict(at), dense(gp, at), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@given(seeds, st.integers(1, 5))
@settings(max_examples=20)
def test_conditioning_in_steps_is_conditioning_at_once(seed: int, first: int) -> None:
    Z, owner, y = data(seed)
    steps = {"starts": (np.array([0.5, 0.2, -0.5, 0.1, -4.0]),), "refit": False}
    base = fit_gp(Z[:6], owner, y[:6], **steps)
    some = fit_gp(Z[: 6 + first], owner, y[: 6 + first], **steps, last=base)
    twice, once = fit_gp(Z, owner, y, **steps, last=some), fit_gp(Z, owner, y, **steps)
    at = np.random.default_rng(seed).random((5, 3))
    for a, b, c in zip(once.predict(at), twice.predict(at), dense(once, at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(a, c, rtol=1e-6, atol=1e-8)
    assert len(base) == 6


@given(seeds, st.integers(1, 5))
@settings(max_examples=20)
def test_seeing_more_is_the_textbook_formula_of_everything_seen(seed: int, first: int) -> None:
    """Hyperparameters and scale kept; what is believed stays believed."""
    Z, owner, y = data(seed)
    base = fit_gp(Z[:6], owner, y[:6], starts=(np.array([0.5, 0.2, -0.5, 0.1, -4.0]),), refit=False)
    rest, at = slice(6, 6 + first), np.random.default_rng(seed).random((5, 3))
    known = np.full(first, 0.01)
    longer = condition(base, Z[rest], y[rest], known=known)
    for got, wanted in zip(longer.predict(at), dense(longer, at), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(longer.sample.known[6:], 0.01 / base.sd**2)
    believed = condition(base.believe(at[:2]), Z[rest], y[rest], known=known)
    for got, wanted in zip(believed.predict(at), longer.believe(at[:2]).predict(at), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-8)
    assert len(base) == 6


@pytest.mark.parametrize("changed", ["theta", "row", "known"])
def test_a_gp_that_is_not_the_beginning_of_another_is_not_continued(changed: str) -> None:
    Z, owner, y = data(0)
    theta = np.array([0.5, 0.2, -0.5, 0.1, -4.0])
    last = fit_gp(Z[:6], owner, y[:6], starts=(theta,), refit=False)
    theta = theta + (changed == "theta")
    Z = Z + 0.01 * (changed == "row")
    known = np.full(12, 0.1 * (changed == "known"))
    options = {"known": known, "starts": (theta,), "refit": False}
    at = np.random.default_rng(0).random((5, 3))
    gp = fit_gp(Z, owner, y, **options, last=last)
    np.testing.assert_array_equal(gp.predict(at), fit_gp(Z, owner, y, **options).predict(at))


@given(seeds, st.integers(1, 3))
@settings(max_examples=20)
def test_belief_is_having_seen_the_own_mean(seed: int, first: int) -> None:
    """One after the other or all at once: the posterior given these values too, at the scale it was."""
    Z, owner, y = data(seed)
    theta = np.array([0.5, 0.2, -0.5, 0.1, -4.0])
    gp = fit_gp(Z, owner, y, starts=(theta,), refit=False)
    more, at = np.random.default_rng(seed).random((4, 3)), np.random.default_rng(seed + 1).random((6, 3))
    s = gp.sample
    joined = Sample(
        np.vstack([s.Z, more]),
        owner,
        np.append(s.y, gp.standard_mean(more)),
        np.append(s.known, np.zeros(4)),
        np.append(s.shares, np.ones(4)),
    )
    mean, var = dense(replace(gp, sample=joined), at)
    steps = gp.believe(more[:first]).believe(more[first:])
    for believed in (gp.believe(more), steps):
        np.testing.assert_allclose(believed.predict(at)[0], mean, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(believed.predict(at)[1], var, rtol=1e-5, atol=1e-9)
    spread = np.cov(steps.draws(at, 20_000, np.random.default_rng(0)).T)
    np.testing.assert_allclose(np.diag(spread), steps.standard(at)[1], rtol=0.1, atol=1e-6)


def test_belief_keeps_every_mean_and_takes_away_doubt() -> None:
    Z, owner, y = data(1)
    gp = fit_gp(Z, owner, y)
    at = np.random.default_rng(0).random((20, 3))
    believed = gp.believe(at[:4])
    np.testing.assert_allclose(believed.predict(at)[0], gp.predict(at)[0], atol=1e-7)
    assert (believed.predict(at)[1] <= gp.predict(at)[1] + 1e-12).all()


@given(seeds)
@settings(max_examples=10)
def test_leave_one_out_is_leaving_one_out(seed: int) -> None:
    Z, owner, y = data(seed, n=8)
    gp = fit_gp(Z, owner, y)
    mean, var = gp.leave_one_out()
    for i in range(8):
        rest = np.arange(8) != i
        s = gp.sample
        less = GP(
            Sample(s.Z[rest], s.owner, s.y[rest], s.known[rest], s.shares[rest]),
            gp.theta, gp.mean, gp.sd, gp.L, gp.alpha, 0.0, 0.0,
        )  # fmt: skip
        expected, spread = dense(less, Z[i : i + 1])
        assert mean[i] == pytest.approx((expected[0] - gp.mean) / gp.sd, rel=1e-4, abs=1e-5)
        assert var[i] == pytest.approx(spread[0] / gp.sd**2 + s.noise(gp.theta)[i], rel=1e-3, abs=1e-6)


def test_log_marginal_likelihood_is_the_normal_density() -> None:
    Z, owner, y = data(2)
    gp = fit_gp(Z, owner, y, starts=(np.array([0.5, 0.2, -0.5, 0.1, -4.0]),), refit=False)
    K = gp.L @ gp.L.T
    expected = -0.5 * gp.y @ np.linalg.solve(K, gp.y) - 0.5 * np.linalg.slogdet(2 * np.pi * K)[1]
    assert gp.log_marginal_likelihood == pytest.approx(expected)


# -- invariance
# ----------------------------------------------------------------------------------------------------------
@given(seeds, st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
@settings(max_examples=15)
def test_units_of_the_metric_change_nothing_but_the_unit(seed: int, scale: float, shift: float) -> None:
    Z, owner, y = data(seed)
    at = np.random.default_rng(0).random((4, 3))
    plain, scaled = fit_gp(Z, owner, y), fit_gp(Z, owner, scale * y + shift * scale)
    np.testing.assert_allclose(
        scaled.predict(at)[0], scale * (plain.predict(at)[0] + shift), rtol=1e-3, atol=1e-3 * scale
    )
    np.testing.assert_allclose(scaled.predict(at)[1], scale**2 * plain.predict(at)[1], rtol=2e-2, atol=1e-5 * scale**2)


def test_the_sign_turns_the_mean_and_leaves_the_doubt() -> None:
    Z, owner, y = data(5)
    a, b = fit_gp(Z, owner, y), fit_gp(Z, owner, -y)
    np.testing.assert_allclose(a.predict(Z)[0], -b.predict(Z)[0], atol=1e-8)
    np.testing.assert_allclose(a.predict(Z)[1], b.predict(Z)[1], atol=1e-10)


def test_replicates_pooled_are_replicates_apart() -> None:
    """Four measurements of one point, as four rows and as their mean with a count of four: the same posterior."""
    Z, owner, y = data(6)
    theta = np.array([0.5, 0.2, -0.5, 0.1, -2.0])
    noisy = y[0] + np.array([0.3, -0.1, 0.2, 0.0])
    apart = fit_gp(np.vstack([Z[1:], Z[[0] * 4]]), owner, np.append(y[1:], noisy), starts=(theta,), refit=False)
    pooled = fit_gp(np.vstack([Z[1:], Z[:1]]), owner, np.append(y[1:], noisy.mean()),
                    counts=np.append(np.ones(11), 4.0), starts=(theta,), refit=False)  # fmt: skip
    at = np.random.default_rng(0).random((5, 3))
    a, b = apart.standard(at)[1], pooled.standard(at)[1]
    np.testing.assert_allclose(a, b, rtol=1e-3)


def test_known_noise_is_believed() -> None:
    rng = np.random.default_rng(0)
    Z = np.linspace(0, 1, 40)[:, None]
    truth = np.sin(6 * Z[:, 0])
    sd = np.where(Z[:, 0] < 0.5, 0.01, 0.5)
    gp = fit_gp(Z, np.array([0]), truth + sd * rng.normal(size=40), known=sd**2)
    doubt = np.sqrt(gp.predict(Z)[1])
    assert doubt[:18].mean() < 0.3 * doubt[22:].mean()
    assert np.abs(gp.predict(Z)[0] - truth)[:18].max() < 0.05


# -- poor data
# -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [1e-300, 1e-300], [0.0, 0.0, 0.0], [1e15, 1e15 + 1]])
def test_hardly_any_information_is_no_error(values: list[float]) -> None:
    Z = np.linspace(0, 1, len(values))[:, None]
    mean, var = fit_gp(Z, np.array([0]), np.array(values)).predict(Z)
    assert np.isfinite(mean).all()
    assert (var > 0).all()


def test_the_same_point_many_times_needs_no_error_either() -> None:
    gp = fit_gp(np.full((6, 1), 0.5), np.array([0]), np.array([1.0, 1.1, 0.9, 1.0, 1.2, 0.8]))
    assert gp.predict(np.array([[0.5]]))[0][0] == pytest.approx(1.0, abs=0.1)


def test_no_data_is_an_error() -> None:
    with pytest.raises(FitError):
        fit_gp(np.empty((0, 1)), np.array([0]), np.empty(0))
