"""Expressions compute what they say, refuse what is not arithmetic, and are modelled through their parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.composites import Expression
from objectives.errors import DataError
from objectives.fitting import fit
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Optimizer
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace

numbers = st.floats(0.1, 50.0)


@given(numbers, numbers, numbers)
def test_an_expression_is_what_python_would_say(a: float, b: float, c: float) -> None:
    text = "-(a - 2*b)**2 / c + max(a, b, 3) - sqrt(abs(c - b)) + log10(a)"
    got = Expression(text)({"a": np.array([a]), "b": np.array([b]), "c": np.array([c])})[0]
    expected = -((a - 2 * b) ** 2) / c + max(a, b, 3) - abs(c - b) ** 0.5 + np.log10(a)
    assert got == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.real",
        "a[0]",
        "(lambda: a)()",
        "[a for a in b]",
        "'a' + a",
        "a if a else b",
        "a and b",
        "a < b",
        "print(a)",
        "a @ b",
        "a // b",
        "True + a",
        "1j * a",
        "exp(a, b)",
        "max(a, key=b)",
        "exp(*a)",
        "a +",
        "",
        "3 + 4",
        "(" * 90 + "a" + ")" * 90 + "+",
        "-" * 60 + "a",
        "a + " * 300 + "a",
    ],
)
def test_whatever_is_not_arithmetic_over_metrics_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        Expression(text)


def test_values_that_do_not_exist_are_missing() -> None:
    value = Expression("log(a) / b")({"a": np.array([-1.0, 1.0, np.nan, np.e]), "b": np.array([1.0, 0.0, 1.0, 1.0])})
    assert np.isnan(value[:3]).all()
    assert value[3] == pytest.approx(1.0)


def test_a_missing_part_is_named() -> None:
    with pytest.raises(DataError, match="'b'"):
        Expression("a + b")({"a": np.zeros(1)})


@pytest.mark.parametrize("text", ["3*a - 2*b", "a*b", "a**2 + b", "exp(0.1*a) - b"])
def test_moments_are_those_of_samples(text: str) -> None:
    rng = np.random.default_rng(0)
    mean, var = {"a": np.array([2.0]), "b": np.array([3.0])}, {"a": np.array([0.09]), "b": np.array([0.04])}
    got_mean, got_var = Expression(text).moments(mean, var)
    samples = Expression(text)({n: mean[n] + np.sqrt(var[n]) * rng.normal(size=200_000) for n in "ab"})
    assert got_mean[0] == pytest.approx(samples.mean(), rel=0.01, abs=0.01)
    assert got_var[0] == pytest.approx(samples.var(), rel=0.03)


SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
PROFIT = Problem(
    SPACE,
    (
        Metric("profit", expression=Expression("120 * conversions - cost")),
        Metric("conversions", strategy="store"),
        Metric("cost", "minimize"),
    ),
)


def told(n: int = 25) -> Data:
    X = np.random.default_rng(0).random((n, 2))
    conversions, cost = np.sin(3 * X[:, 0]), 60 * X[:, 0] + 20 * X[:, 1] ** 2
    return Data(SPACE.decode(X), np.column_stack([np.full(n, np.nan), conversions, cost]))


def test_a_composite_is_filled_in_and_modelled_through_its_parts() -> None:
    data = told()
    models = fit(PROFIT, data, rng=np.random.default_rng(0))
    at = [{"x": 0.33, "y": 0.4}, {"x": 0.8, "y": 0.1}]
    mean, sd = models.predict(at)
    np.testing.assert_allclose(mean[:, 0], 120 * mean[:, 1] - mean[:, 2], rtol=1e-9)
    np.testing.assert_allclose(sd[:, 0] ** 2, 120**2 * sd[:, 1] ** 2 + sd[:, 2] ** 2, rtol=1e-6)
    front = observed_front(PROFIT, data)
    expected = 120 * data.values[:, 1] - data.values[:, 2]
    np.testing.assert_allclose(front.values[:, 0], expected[list(front.indices)])


def test_the_whole_loop_runs_with_a_composite() -> None:
    optimizer = Optimizer(PROFIT, seed=0)
    for _ in range(14):
        a = optimizer.ask()
        optimizer.tell(a, {"conversions": np.sin(3 * a["x"]), "cost": 60 * a["x"] + 20 * a["y"] ** 2})
    assert optimizer.models is not None
    assert len(optimizer.front) > 3


def test_a_composite_of_what_is_not_measured_is_refused() -> None:
    with pytest.raises(DataError, match="'clicks'"):
        Problem(SPACE, (Metric("profit", expression=Expression("2 * clicks")),))
