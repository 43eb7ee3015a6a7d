"""Acquisition against slow obvious twins, Monte Carlo, and where digits run out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from objectives.acquisition import _log_ehvi_slow, log_ehvi, log_ei, log_feasibility, log_scalarized_hvi
from objectives.boxes import Boxes, boxes_above
from objectives.pareto import hypervolume
from objectives.safe_math import log_h, log_ndtr, log_sub_exp, log_sum_exp, psi
from objectives.scalarization import sphere_weights

seeds = st.integers(0, 10_000)


def problem(seed: int, m: int, n: int = 6, c: int = 5):
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(n, m))
    return Y, np.full(m, -1.0), rng.normal(size=(c, m)), rng.uniform(0.1, 1.0, (c, m)), rng


# -- one objective
# -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("z", [-1e5, -9e3, -300.0, -40.0, -6.0, -1.5, -1.0, -0.5, 0.0, 3.0, 60.0])
def test_log_h_has_the_derivative_it_must_have(z: float) -> None:
    """h' = Phi, so (log h)' = exp(log Phi - log h), at moderate and extreme points alike."""
    step = 1e-5 * max(1.0, abs(z))
    slope = (log_h(np.array(z + step)) - log_h(np.array(z - step))) / (2 * step)
    assert slope == pytest.approx(np.exp(log_ndtr(z) - log_h(np.array(z))), rel=1e-4)


def test_log_h_and_psi_agree_while_psi_is_a_number() -> None:
    z = np.linspace(-35, 10, 400)
    np.testing.assert_allclose(np.log(psi(z)), log_h(z), rtol=1e-9, atol=1e-9)


@given(st.floats(-3, 3), st.floats(0.05, 3), st.floats(-3, 3))
def test_expected_improvement_is_its_integral(mean: float, sd: float, best: float) -> None:
    y = np.linspace(best, mean + 9 * sd + 1, 20_001)
    integral = np.trapezoid((y - best) * norm.pdf(y, mean, sd), y) if y[-1] > best else 0.0
    assert np.exp(log_ei(np.array([mean]), np.array([sd]), best))[0] == pytest.approx(integral, rel=1e-3, abs=1e-6)


def test_hopeless_candidates_can_still_be_ranked() -> None:
    value = log_ei(np.array([-1.0, -2.0, -3.0]), np.full(3, 1e-3), 0.0)
    assert np.isfinite(value).all()
    assert (np.diff(value) < 0).all()


def test_sums_and_differences_in_logarithms() -> None:
    a = np.array([[-1000.0, -1001.0], [-np.inf, -np.inf]])
    np.testing.assert_allclose(log_sum_exp(a), [-1000 + np.log1p(np.exp(-1)), -np.inf])
    np.testing.assert_allclose(log_sub_exp(np.array([-1000.0, 1.0]), np.array([-1001.0, 1.0])), [-1000.458675, -np.inf])


# -- many objectives
# -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_ehvi_is_the_mean_of_sampled_improvements(m: int) -> None:
    Y, ref, mean, sd, rng = problem(m, m)
    exact = np.exp(log_ehvi(mean, sd, boxes_above(Y, ref)))
    have = hypervolume(Y, ref)
    for i in range(2):
        draws = mean[i] + sd[i] * rng.normal(size=(4000, m))
        gains = np.array([hypervolume(np.vstack([Y, y]), ref) - have for y in draws])
        assert abs(gains.mean() - exact[i]) < 4 * gains.std() / np.sqrt(len(gains)) + 1e-9


@given(seeds, st.integers(1, 4))
@settings(max_examples=30)
def test_the_fast_sum_and_the_sum_in_logarithms_agree(seed: int, m: int) -> None:
    Y, ref, mean, sd, _ = problem(seed, m)
    boxes = boxes_above(Y, ref)
    np.testing.assert_allclose(log_ehvi(mean, sd, boxes), _log_ehvi_slow(mean, sd, boxes), rtol=1e-6, atol=1e-6)


def test_one_objective_is_plain_expected_improvement() -> None:
    Y, ref, mean, sd, _ = problem(3, 1)
    expected = log_ei(mean[:, 0], sd[:, 0], float(Y.max()))
    np.testing.assert_allclose(log_ehvi(mean, sd, boxes_above(Y, ref)), expected, rtol=1e-9, atol=1e-9)


@given(seeds, st.integers(2, 4))
@settings(max_examples=30)
def test_dominated_points_and_the_order_of_points_change_nothing(seed: int, m: int) -> None:
    Y, ref, mean, sd, rng = problem(seed, m)
    more = rng.permutation(np.vstack([Y, Y - 0.3, Y[:2]]))
    np.testing.assert_allclose(
        log_ehvi(mean, sd, boxes_above(Y, ref)), log_ehvi(mean, sd, boxes_above(more, ref)), rtol=1e-9
    )


@given(seeds, st.integers(2, 4))
@settings(max_examples=30)
def test_scales_and_the_order_of_objectives_change_nothing_but_the_unit(seed: int, m: int) -> None:
    Y, ref, mean, sd, rng = problem(seed, m)
    scale, shift, order = rng.uniform(0.5, 20, m), rng.normal(size=m), rng.permutation(m)

    def moved(A: np.ndarray) -> np.ndarray:
        return (A * scale + shift)[..., order]

    plain = log_ehvi(mean, sd, boxes_above(Y, ref))
    turned = log_ehvi(moved(mean), (sd * scale)[:, order], boxes_above(moved(Y), moved(ref)))
    np.testing.assert_allclose(turned - np.log(scale).sum(), plain, rtol=1e-6, atol=1e-6)


def test_better_or_more_uncertain_candidates_are_worth_more() -> None:
    Y, ref, mean, sd, _ = problem(5, 3)
    boxes = boxes_above(Y, ref)
    assert (log_ehvi(mean + 0.1, sd, boxes) > log_ehvi(mean, sd, boxes)).all()
    assert (log_ehvi(mean - 5.0, sd * 1.5, boxes) > log_ehvi(mean - 5.0, sd, boxes)).all()


def test_far_below_everything_the_logarithm_is_finite_and_ranks() -> None:
    Y, ref, _, _, _ = problem(5, 3)
    mean = np.array([[-30.0] * 3, [-31.0] * 3, [-300.0] * 3])
    value = log_ehvi(mean, np.full((3, 3), 0.1), boxes_above(Y, ref))
    assert np.isfinite(value).all()
    assert (np.diff(value) < 0).all()


def test_the_estimate_for_many_objectives_ranks_like_the_exact_value() -> None:
    Y, ref, mean, sd, rng = problem(8, 4, c=40)
    exact = log_ehvi(mean, sd, boxes_above(Y, ref))
    guess = log_scalarized_hvi(
        mean, sd, Y, ref, dice=rng.normal(size=(64, 4)), weights=sphere_weights(200, 4, rng)
    )  # fmt: skip
    ranks = lambda v: np.argsort(np.argsort(v))  # noqa: E731
    assert np.corrcoef(ranks(exact), ranks(guess))[0, 1] > 0.9


def test_feasibility_is_a_product_of_tails() -> None:
    mean, sd, limits = np.array([[0.0, 1.0]]), np.array([[1.0, 2.0]]), np.array([0.0, 0.0])
    assert np.exp(log_feasibility(mean, sd, limits))[0] == pytest.approx(0.5 * norm.cdf(0.5))
    assert np.isfinite(log_feasibility(mean - 1e4, sd, limits)).all()
    assert log_feasibility(mean[:, :0], sd[:, :0], limits[:0]).tolist() == [0.0]


def test_stairs_and_boxes_give_the_same_gain() -> None:
    rng = np.random.default_rng(4)
    boxes = boxes_above(rng.random((30, 2)), np.zeros(2))
    assert boxes is not None
    assert boxes.stairs
    mean, sd = rng.normal(size=(50, 2)), 0.1 + rng.random((50, 2))
    turned = Boxes(boxes.lower[::-1], boxes.upper[::-1])
    assert not turned.stairs
    np.testing.assert_allclose(log_ehvi(mean, sd, boxes), log_ehvi(mean, sd, turned), rtol=1e-12)


def test_where_enough_candidates_have_digits_the_hopeless_are_not_told_apart() -> None:
    boxes = boxes_above(np.array([[0.0, 1.0], [1.0, 0.0]]), np.full(2, -1.0))
    assert boxes is not None
    mean, sd = np.vstack([np.zeros((5, 2)), np.full((3, 2), -90.0)]), np.ones((8, 2))
    exact = log_ehvi(mean, sd, boxes)
    assert np.isfinite(exact).all()
    assert log_ehvi(mean, sd, boxes, ranked=5).tolist() == exact.tolist()
    assert log_ehvi(mean, sd, boxes, ranked=4).tolist() == [*exact[:5].tolist(), -np.inf, -np.inf, -np.inf]
