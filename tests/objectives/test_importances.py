"""What is said of parameters and fronts agrees with functions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.errors import FitError
from objectives.fitting import conditioned, fit
from objectives.hypervolume import observed_front
from objectives.importances import importances, probability_feasible, probability_on_front, probability_to_join
from objectives.metrics import Metric
from objectives.models import Models
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, SearchSpace


def test_total_indices_of_a_sum_are_its_shares_of_variance() -> None:
    """y = 2a + b: variances 4 and 1 of 5."""
    problem = Problem(SearchSpace((Double("a", 0, 1), Double("b", 0, 1), Double("c", 0, 1))), (Metric("y"),))
    X = np.random.default_rng(0).random((40, 3))
    models = fit(problem, Data(problem.space.decode(X), X @ [[2.0], [1.0], [0.0]]), rng=np.random.default_rng(0))
    found = importances(models, rng=np.random.default_rng(1), count=2048)["y"]
    assert found["a"] == pytest.approx(0.8, abs=0.06)
    assert found["b"] == pytest.approx(0.2, abs=0.04)
    assert found["c"] < 0.02


def test_a_conditional_parameter_counts_only_where_it_exists() -> None:
    space = SearchSpace(
        (Categorical("kind", tuple("abcd")), Double("x", 0, 1, conditions=(("kind", frozenset({"a"})),)))
    )
    problem = Problem(space, (Metric("y"), Metric("flat")))
    X = space.spread(np.random.default_rng(0).random((60, 2)))
    values = np.array([[a.get("x", 0.5), 3.0] for a in space.decode(X)])
    models = fit(problem, Data(space.decode(X), values), rng=np.random.default_rng(0))
    found = importances(models, rng=np.random.default_rng(1))
    assert found["y"]["x"] > 0.5
    assert max(found["flat"].values()) == 0.0


def test_a_sure_front_is_sure_and_the_dominated_are_not_on_it() -> None:
    problem = Problem(SearchSpace((Double("x", 0, 1), Double("y", 0, 1))), (Metric("a"), Metric("b", "minimize")))
    X = np.random.default_rng(0).random((25, 2))
    data = Data(problem.space.decode(X), np.column_stack([X[:, 0], X[:, 0] ** 2 + X[:, 1]]))
    models = fit(problem, data, rng=np.random.default_rng(0))
    chance = probability_on_front(models, data.assignments, rng=np.random.default_rng(0), draws=50)
    on = np.zeros(25, dtype=bool)
    on[list(observed_front(problem, data).indices)] = True
    assert chance[on].min() > 0.5
    assert chance[~on].mean() < 0.1


def test_models_without_data_cannot_say() -> None:
    with pytest.raises(FitError):
        importances(Models(), rng=np.random.default_rng(0))


def trade_off() -> tuple[Problem, Data]:
    """gain = x, cost = x^2 up to a threshold: everything with x <= 0.5 is on the front."""
    problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("gain"), Metric("cost", "minimize", threshold=0.25)))
    x = np.linspace(0.0, 0.9, 10)
    return problem, Data([{"x": float(v)} for v in x], np.column_stack([x, x * x]))


def test_who_breaks_a_threshold_is_neither_feasible_nor_on_the_front() -> None:
    problem, data = trade_off()
    models = fit(problem, data, rng=np.random.default_rng(0))
    asked, front = [{"x": 0.25}, {"x": 0.95}], [{"x": v} for v in (0.0, 0.1, 0.2, 0.3)]
    assert probability_feasible(models, asked) == pytest.approx([1.0, 0.0], abs=0.02)
    joined = probability_to_join(models, asked, front, rng=np.random.default_rng(1))
    assert joined[0] > 0.9
    assert joined[1] < 0.05


def test_a_point_of_the_front_is_not_its_own_rival() -> None:
    problem, data = trade_off()
    models = fit(problem, data, rng=np.random.default_rng(0))
    front = [{"x": v} for v in (0.1, 0.2, 0.3)]
    assert probability_to_join(models, front, front, rng=np.random.default_rng(1)) == pytest.approx([1.0] * 3, abs=0.02)


def test_stored_models_say_the_same_as_those_that_were_fitted() -> None:
    problem, data = trade_off()
    models = fit(problem, data, rng=np.random.default_rng(0))
    again = conditioned(problem, data, Models.from_dict(models.to_dict()))
    where = [{"x": 0.33}, {"x": 0.77}]
    for one, other in zip(models.predict(where), again.predict(where), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_nothing_is_searched_for_a_metric_that_the_stored_models_do_not_know() -> None:
    problem, data = trade_off()
    blind = conditioned(problem, data, Models(generation=1, thetas={}))
    assert blind.gps == (None, None)
