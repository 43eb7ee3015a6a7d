"""The thinnest whole path: data in, front, models, candidates out, on every kind of space. One promise a test."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from objectives.errors import DataError, SpaceExhaustedError
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Models, Optimizer, fit, suggest
from objectives.problem import Data, Problem
from objectives.sampling import quasi_random
from objectives.space import Categorical, Double, Grid, Int, LinearConstraint, SearchSpace
from objectives.strategies import STRATEGIES

MIXED = SearchSpace(
    (
        Categorical("model", ("forest", "svm", "linear")),
        Int("trees", 1, 200, log=True, conditions=(("model", frozenset({"forest"})),)),
        Categorical("kernel", ("rbf", "poly"), conditions=(("model", frozenset({"svm"})),)),
        Int("degree", 2, 5, conditions=(("kernel", frozenset({"poly"})),)),
        Double("c", 0.01, 100.0, log=True, conditions=(("model", frozenset({"svm", "linear"})),)),
        Grid("batch", (16, 32, 64, 256), log=True),
        Double("x", -1.0, 1.0),
    )
)
METRICS = (Metric("accuracy"), Metric("latency", "minimize"), Metric("memory", "minimize", "constraint", 3.0))


def measured(a: dict) -> list[float]:
    size = {"forest": a.get("trees", 0) / 50, "svm": math.log10(a.get("c", 1.0)) + 2, "linear": 0.5}[a["model"]]
    accuracy = 0.9 - (a["x"] - 0.3) ** 2 - 0.02 * abs(size - 2) + 0.05 * (a["model"] == "svm")
    return [accuracy, size + 0.01 * a["batch"], 1.0 + size + 0.2 * a["x"]]


def told(problem: Problem, n: int, seed: int = 0) -> Data:
    points = []
    for i in range(n):
        points.append(quasi_random(problem, seed=seed, index=i, avoid=points))
    return Data(points, np.array([measured(p) for p in points])[:, : problem.k])


@pytest.fixture(scope="module")
def mixed() -> tuple[Problem, Data, Models]:
    problem = Problem(MIXED, METRICS)
    data = told(problem, 30)
    return problem, data, fit(problem, data, rng=np.random.default_rng(0))


def test_candidates_are_valid_distinct_and_say_why(mixed) -> None:
    problem, data, models = mixed
    front = observed_front(problem, data)
    found = suggest(problem, data, front, models, count=4, rng=np.random.default_rng(1))
    keys = {MIXED.key(c.assignments) for c in found} | {MIXED.key(a) for a in data.assignments}
    assert len(keys) == 34
    for c in found:
        X = MIXED.encode([c.assignments])
        assert MIXED.decode(X)[0].keys() == c.assignments.keys()
        assert c.reason.endswith(".")
        assert set(c.predicted) == {"accuracy", "latency", "memory"}


def test_the_same_seed_and_data_give_the_same_candidates(mixed) -> None:
    problem, data, _ = mixed
    front = observed_front(problem, data)

    def once():
        rng = np.random.default_rng(5)
        return suggest(problem, data, front, fit(problem, data, rng=rng), count=2, rng=rng)

    assert once() == once()


def test_models_survive_json_and_start_the_next_fit(mixed) -> None:
    problem, data, models = mixed
    text = json.dumps(models.to_dict(), allow_nan=False)
    assert len(text) < 50_000
    again = fit(problem, data, previous=Models.from_dict(json.loads(text)), rng=np.random.default_rng(0), refit=False)
    for old, new in zip(models.predict(data.assignments), again.predict(data.assignments), strict=True):
        np.testing.assert_allclose(old, new, rtol=1e-3, atol=1e-3)


def test_stored_models_are_conditioned_by_suggest_itself(mixed) -> None:
    problem, data, models = mixed
    stored = Models.from_dict(models.to_dict())
    found = suggest(problem, data, observed_front(problem, data), stored, count=1, rng=np.random.default_rng(1))
    assert found[0].predicted is not None


def test_stored_models_do_no_harm_to_a_strategy_that_asks_none(mixed) -> None:
    problem, data, models = mixed
    stored, front = Models.from_dict(models.to_dict()), observed_front(problem, data)
    found = suggest(problem, data, front, stored, count=2, rng=np.random.default_rng(1), strategy="tpe")
    assert [c.predicted for c in found] == [None, None]


def test_few_results_lead_to_the_sobol_sequence() -> None:
    problem = Problem(MIXED, METRICS)
    data = told(problem, 3)
    found = suggest(problem, data, observed_front(problem, data), None, count=3, rng=np.random.default_rng(1))
    assert [c.strategy for c in found] == ["quasi_random"] * 3


def test_without_models_the_points_are_quasi_random_whatever_the_data() -> None:
    """What a worker falls back on when fitting fails again and again."""
    problem = Problem(MIXED, METRICS)
    data = told(problem, 24)
    found = suggest(problem, data, observed_front(problem, data), None, count=1, rng=np.random.default_rng(1))
    assert (found[0].strategy, found[0].predicted) == ("quasi_random", None)


def test_no_data_at_all_is_no_obstacle() -> None:
    problem = Problem(MIXED, METRICS)
    data = Data((), np.empty((0, 3)))
    models = fit(problem, data, rng=np.random.default_rng(0))
    found = suggest(problem, data, observed_front(problem, data), models, count=2, rng=np.random.default_rng(1))
    assert len(found) == 2


def test_a_finite_space_is_walked_to_its_end_and_then_says_so() -> None:
    space = SearchSpace((Int("a", 1, 3), Categorical("b", ("u", "v"))))
    optimizer = Optimizer(Problem(space, (Metric("y"), Metric("z", "minimize"))), seed=3)
    seen = set()
    for _ in range(6):
        a = optimizer.ask()
        seen.add(space.key(a))
        optimizer.tell(a, {"y": a["a"], "z": a["a"] ** 2 + (a["b"] == "v")})
    assert len(seen) == 6
    with pytest.raises(SpaceExhaustedError):
        optimizer.ask()


def test_linear_constraints_hold_for_every_candidate() -> None:
    space = SearchSpace(
        (Double("x", 0, 1), Double("y", 0, 1), Int("k", 0, 4)),
        (LinearConstraint({"x": -1.0, "y": -1.0}, -0.3), LinearConstraint({"k": 1.0, "x": 2.0}, 1.5)),
    )
    optimizer = Optimizer(Problem(space, (Metric("a"), Metric("b", "minimize"))), seed=3)
    for _ in range(14):
        a = optimizer.ask()
        assert a["x"] + a["y"] <= 0.3 + 1e-6
        assert a["k"] + 2 * a["x"] >= 1.5 - 1e-6
        optimizer.tell(a, {"a": a["x"] + a["y"], "b": a["k"] + a["x"]})


def test_failures_are_learned_from() -> None:
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
    optimizer = Optimizer(Problem(space, (Metric("a"), Metric("b"))), seed=3)
    failed = 0
    for t in range(40):
        a = optimizer.ask()
        bad = a["x"] + a["y"] > 1.2
        failed += bad and t >= 25
        optimizer.tell(a, None if bad else {"a": a["x"], "b": a["y"]})
    assert failed <= 10  # the best points lie on the border of the failing region, so some must fail


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_poor_data_degrades_with_notes(rows: int, m: int) -> None:
    problem = Problem(SearchSpace((Double("x", 0, 1),)), tuple(Metric(f"m{j}") for j in range(m)))
    data = Data([{"x": i / 2} for i in range(rows)], np.ones((rows, m)))
    models = fit(problem, data, rng=np.random.default_rng(0))
    assert len(models.notes) == m
    assert suggest(problem, data, observed_front(problem, data), models, count=2, rng=np.random.default_rng(0))


def test_constant_metrics_and_duplicates_do_no_harm() -> None:
    problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("a"), Metric("b")))
    x = np.r_[np.linspace(0, 1, 12), 0.5, 0.5]
    data = Data([{"x": v} for v in x], np.column_stack([np.sin(5 * x), np.full(14, 7.0)]))
    models = fit(problem, data, rng=np.random.default_rng(0))
    assert any("same" in note for note in models.notes)
    found = suggest(problem, data, observed_front(problem, data), models, count=3, rng=np.random.default_rng(0))
    assert all(np.isfinite(list(c.predicted.values())).all() for c in found)


def test_an_unknown_strategy_is_named() -> None:
    problem = Problem(MIXED, METRICS)
    data = told(problem, 3)
    with pytest.raises(DataError, match="best_of_all"):
        suggest(
            problem,
            data,
            observed_front(problem, data),
            None,
            count=1,
            rng=np.random.default_rng(1),
            strategy="best_of_all",
        )


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"auto", "several_solutions", "ucb"}))
def test_every_strategy_can_be_asked_for_by_name(mixed, strategy: str) -> None:
    problem, data, models = mixed
    front = observed_front(problem, data)
    found = suggest(problem, data, front, models, count=2, rng=np.random.default_rng(1), strategy=strategy)
    assert [c.strategy for c in found] == [strategy] * 2


def test_pending_points_push_the_next_ones_away(mixed) -> None:
    problem, data, models = mixed
    front = observed_front(problem, data)
    first = suggest(problem, data, front, models, count=1, rng=np.random.default_rng(1))[0]
    waiting = Data(data.assignments, data.values, pending=(first.assignments,))
    models = fit(problem, waiting, rng=np.random.default_rng(0))
    second = suggest(problem, waiting, front, models, count=1, rng=np.random.default_rng(1))[0]
    assert MIXED.key(second.assignments) != MIXED.key(first.assignments)


def test_quasi_random_is_cheap_enough_for_a_web_process() -> None:
    problem = Problem(MIXED, METRICS)
    quasi_random(problem, seed=1, index=0)
    took = []
    for i in range(20):
        start = time.perf_counter()
        quasi_random(problem, seed=1, index=1000 + i)
        took.append(time.perf_counter() - start)
    assert float(np.median(took)) < 0.01
