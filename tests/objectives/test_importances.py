"""What is said of parameters and fronts agrees with functions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.errors import FitError
from objectives.hypervolume import observed_front
from objectives.importances import importances, probability_on_front
from objectives.metrics import Metric
from objectives.models import Models, fit
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
