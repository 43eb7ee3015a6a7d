"""Long tails: the warp is a smooth increasing change of units, and a model behind it still sees the good values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.fitting import fit
from objectives.gp import GP, condition, fit_gp
from objectives.metrics import Metric
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace
from objectives.warping import LINEAR, Warp, crossing, tail

values = st.floats(-1e6, 1e6)
warps = st.builds(Warp, low=st.floats(-5, 0), high=st.floats(0, 5) | st.just(np.inf), scale=st.floats(0.1, 10))
SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))


@given(warps, values, values)
def test_a_warp_keeps_the_order_and_can_be_undone(warp: Warp, a: float, b: float) -> None:
    low, high = sorted((a, b))
    warped = warp.forward(np.array([low, high]))
    assert warped[0] <= warped[1]
    np.testing.assert_allclose(warp.backward(warped), [low, high], rtol=1e-6, atol=1e-6)


@given(warps, st.floats(-100, 100))
def test_the_slope_is_the_derivative(warp: Warp, y: float) -> None:
    up, down = warp.forward(np.array([y + 1e-5, y - 1e-5]))
    assert float(warp.slope(np.array([y]))[0]) == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-6)


def test_without_a_tail_nothing_is_warped() -> None:
    even = np.linspace(-1, 1, 30)
    assert tail(even).linear
    assert crossing(even, 0.0).linear
    assert tail(np.full(30, 2.0)).linear
    assert crossing(np.full(30, 2.0), 2.0).linear
    np.testing.assert_array_equal(LINEAR.forward(np.array([-np.inf, 3.0])), [-np.inf, 3.0])


def test_the_tail_begins_below_the_threshold_and_what_is_acceptable_is_left_as_it_is() -> None:
    y = np.append(np.linspace(-1, 0, 20), [-1e3, -1e5])
    warp = tail(y, kept=-0.9)
    assert warp.low == -0.9
    np.testing.assert_array_equal(warp.forward(y[y > -0.9]), y[y > -0.9])


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
def test_the_unit_of_a_metric_changes_only_the_unit(scale: float) -> None:
    y = np.append(np.linspace(-1, 0, 20), [-1e3, -1e5])
    for one, other in ((tail(y), tail(scale * y)), (crossing(y, -0.5), crossing(scale * y, -0.5 * scale))):
        assert not one.linear
        np.testing.assert_allclose(scale * one.forward(y), other.forward(scale * y), rtol=1e-9)


def test_the_side_of_a_limit_is_kept() -> None:
    y = np.array([-1e6, -3.0, -1e-3, 1e-3, 0.5, 0.7, 2.0, 1e6])
    warp = crossing(y, 0.0)
    np.testing.assert_array_equal(np.sign(warp.forward(y)), np.sign(y))


def steep(X: np.ndarray) -> np.ndarray:
    """A deflection: thousands at one corner, hundredths at the other."""
    return -1.0 / (X[:, 0] ** 3 * X[:, 1] + 1e-5)


def test_good_values_are_foretold_beside_a_tail_of_a_thousand_times_as_much() -> None:
    rng = np.random.default_rng(0)
    X, at = rng.random((60, 2)), 0.5 + 0.5 * rng.random((200, 2))
    problem = Problem(SPACE, (Metric("deflection"),))
    gp = fit(problem, Data(SPACE.decode(X), steep(X)[:, None]), rng=rng).gps[0]
    assert gp is not None
    plain = fit_gp(X, np.arange(2), steep(X))
    missed = [np.abs(one.predict(at)[0] - steep(at)).mean() for one in (gp, plain)]
    assert missed[0] < 0.2 * missed[1]


def test_what_is_on_the_front_is_left_as_it_is() -> None:
    """The second metric's tail is the price of the first metric's best values: hypervolume counts it."""
    X = np.random.default_rng(0).random((40, 2))
    Y = np.column_stack([X[:, 0], -1.0 / (1.001 - X[:, 0]) ** 2])
    both = Problem(SPACE, (Metric("gain"), Metric("price")))
    bounded = Problem(SPACE, (Metric("gain"), Metric("price", threshold=-4.0)))
    for problem, low in ((both, Y[:, 1].min()), (bounded, -4.0)):
        gp = fit(problem, Data(SPACE.decode(X), Y), rng=np.random.default_rng(0)).gps[1]
        assert isinstance(gp, GP)
        assert gp.warp.linear or gp.warp.low <= low
    assert not gp.warp.linear


def test_predictions_of_a_warped_model_are_in_the_metrics_units_and_finite() -> None:
    rng = np.random.default_rng(1)
    X = rng.random((40, 2))
    warp = tail(steep(X))
    gp = fit_gp(X, np.arange(2), steep(X), warp=warp)
    mean, var = gp.predict(X)
    assert not warp.linear
    np.testing.assert_allclose(mean, steep(X), rtol=0.2, atol=0.5)
    assert np.isfinite(gp.predict(rng.random((200, 2)))).all()
    assert (var > 0).all()
    np.testing.assert_allclose(gp.unstandardise(gp.standardise(steep(X))), steep(X), rtol=1e-9)


def test_what_is_added_to_a_warped_model_is_warped_too() -> None:
    rng = np.random.default_rng(2)
    X = rng.random((40, 2))
    warp, theta = tail(steep(X[:30])), np.array([0.5, 0.2, 0.1, -6.0])
    gp = fit_gp(X[:30], np.arange(2), steep(X[:30]), warp=warp, starts=(theta,), refit=False)
    longer = condition(gp, X[30:], steep(X[30:]), known=np.zeros(10))
    np.testing.assert_allclose(longer.standard(X[30:])[0], gp.standardise(steep(X[30:])), atol=1e-3)
