"""The direct road to L-BFGS-B: the same answers as scipy's wrapper, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from objectives import descent
from objectives.descent import descend
from objectives.shapes import Floats

LOW, HIGH = np.array([-2.0, 0.5, -3.0]), np.array([2.0, 4.0, 3.0])


def rosenbrock(x: Floats) -> tuple[float, Floats]:
    a, b, c = x
    value = 100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 + (c - 5.0) ** 2
    return float(value), np.array([-400.0 * a * (b - a * a) - 2.0 * (1.0 - a), 200.0 * (b - a * a), 2.0 * (c - 5.0)])


@pytest.mark.parametrize("steps", [1, 4, 15, 200])
@pytest.mark.parametrize("seed", range(5))
def test_the_direct_road_ends_exactly_where_the_wrapper_does(
    steps: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = np.random.default_rng(seed).uniform(-3.0, 5.0, 3)
    x, value = descend(rosenbrock, start, LOW, HIGH, steps=steps, ftol=1e-9, gtol=1e-6)
    monkeypatch.setattr(descent, "KNOWN", ())
    wrapped_x, wrapped_value = descend(rosenbrock, start, LOW, HIGH, steps=steps, ftol=1e-9, gtol=1e-6)
    assert x.tolist() == wrapped_x.tolist()
    assert value == wrapped_value


def uphill(x: Floats) -> tuple[float, Floats]:
    return float(x @ x), -2.0 * x


def without_digits(x: Floats) -> tuple[float, Floats]:
    return (float(x @ x), 2.0 * x) if x[0] > 0.5 else (float("nan"), np.full(3, np.nan))


@pytest.mark.parametrize("function", [uphill, without_digits])
def test_where_no_step_helps_both_roads_give_up_alike(function: descent.Value, monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.array([1.0, 1.5, 1.0])
    x, value = descend(function, start, LOW, HIGH, steps=30, ftol=1e-9, gtol=1e-8)
    monkeypatch.setattr(descent, "KNOWN", ())
    wrapped_x, wrapped_value = descend(function, start, LOW, HIGH, steps=30, ftol=1e-9, gtol=1e-8)
    assert x.tolist() == wrapped_x.tolist() == start.tolist()
    np.testing.assert_equal(value, wrapped_value)


def test_an_optimum_beyond_a_bound_is_found_on_it() -> None:
    x, value = descend(rosenbrock, np.array([0.8, 0.9, 0.0]), LOW, HIGH, steps=200, ftol=1e-12, gtol=1e-8)
    assert np.allclose(x, [1.0, 1.0, 3.0], atol=1e-3)
    assert value == pytest.approx(4.0, abs=1e-4)


def test_what_is_told_stays_as_it_was() -> None:
    start, low = np.array([9.0, 9.0, 9.0]), LOW.copy()
    descend(rosenbrock, start, low, HIGH, steps=5, ftol=1e-9, gtol=1e-6)
    assert start.tolist() == [9.0, 9.0, 9.0]
    assert low.tolist() == LOW.tolist()


def test_an_error_of_the_function_comes_through() -> None:
    def broken(_: Floats) -> tuple[float, Floats]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        descend(broken, np.ones(3), LOW, HIGH, steps=5, ftol=1e-9, gtol=1e-6)
