"""Each strategy keeps its own promise; all of them keep to the space."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Optimizer, fit, suggest
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, Grid, Int, LinearConstraint, SearchSpace
from objectives.strategies import MODEL_FREE, STRATEGIES
from objectives.strategies.grid import grid_sizes
from objectives.strategies.nsga3 import directions, survivors
from objectives.strategies.policy_gradient import Policy
from objectives.strategies.tpe import log_density
from objectives.strategies.trust_region import box_length, improvements

SPACE = SearchSpace(
    (
        Double("x", 0, 1),
        Int("k", 1, 20),
        Categorical("c", ("a", "b", "d")),
        Double("z", 0, 1, conditions=(("c", frozenset({"a"})),)),
    ),
    (LinearConstraint({"x": -1.0, "k": -0.05}, -1.5),),
)
TWO = Problem(SPACE, (Metric("gain"), Metric("cost", "minimize")))


def measure(a: dict) -> dict[str, float]:
    bonus = {"a": 0.3 + a.get("z", 0.0) * 0.2, "b": 0.1, "d": 0.0}[a["c"]]
    return {"gain": a["x"] + bonus, "cost": a["x"] ** 2 + 0.05 * abs(a["k"] - 7)}


def play(problem: Problem, strategy: str, turns: int, *, pending: int = 0) -> list[dict]:
    optimizer = Optimizer(problem, seed=4, strategy=strategy)
    asked = []
    for _ in range(turns):
        asked.append(optimizer.ask())
        if len(asked) > pending:
            done = asked[len(asked) - 1 - pending]
            optimizer.tell(done, {m.name: measure(done)[m.name] for m in problem.metrics})
    return asked


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_every_point_is_valid_new_and_complete(strategy: str) -> None:
    asked = play(TWO, strategy, 18, pending=2)
    X = SPACE.encode(asked)
    assert SPACE.valid(X).all()
    assert len({SPACE.key(a) for a in asked}) == 18
    assert SPACE.decode(X)[0].keys() == asked[0].keys()


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_one_metric_and_no_results_are_enough(strategy: str) -> None:
    assert len(play(Problem(SPACE, (Metric("gain"),)), strategy, 13)) == 13


@pytest.mark.parametrize("strategy", ["auto", "ucb", "log_ehvi", "trust_region", "tpe", "nsga2", "thompson"])
def test_what_learns_beats_chance(strategy: str) -> None:
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1), Double("w", 0, 1)))
    problem = Problem(space, (Metric("y"),))

    def best(name: str, seed: int) -> float:
        optimizer = Optimizer(problem, seed=seed, strategy=name)
        for _ in range(60 if name in MODEL_FREE else 30):
            a = optimizer.ask()
            optimizer.tell(a, {"y": -sum((v - 0.37) ** 2 for v in a.values())})
        return float(optimizer.front.values[0, 0])

    assert np.mean([best(strategy, s) for s in range(2)]) > np.mean([best("random", s) for s in range(6)])


def test_the_policy_learns_which_category_pays() -> None:
    space = SearchSpace(tuple(Categorical(f"layer{i}", ("conv", "pool", "skip")) for i in range(6)))
    policy, rng = Policy(space), np.random.default_rng(0)
    for x in policy.draw(60, rng):
        chosen = space.decode(x)[0]
        policy.learn(x, sum(v == "conv" for v in chosen.values()) / 3.0 - 1.0)
    assert np.mean([policy.chances(k)[0] for k in range(6)]) > 0.6


def test_the_niches_of_nsga3_keep_every_part_of_a_front_and_nothing_that_is_beaten() -> None:
    rng = np.random.default_rng(0)
    front = -np.abs(rng.normal(size=(120, 4)))
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    crowded = np.vstack([front, np.tile(front[:1], (60, 1)) - 1e-6 * rng.random((60, 4)), 1.5 * front[:20]])
    kept = survivors(crowded, 24, rng)
    assert len(set(kept.tolist())) == 24
    assert (kept < 180).all()
    assert (np.isin(kept, range(120, 180))).sum() <= 2
    gaps = np.arccos(
        np.clip(-directions(4, 24) @ crowded[kept].T / np.linalg.norm(directions(4, 24), axis=1)[:, None], -1, 1)
    )
    assert gaps.min(axis=1).max() < 0.75


def test_the_density_of_good_rows_is_higher_where_they_are() -> None:
    rows = SPACE.encode([{"x": 0.2, "k": 5, "c": "a", "z": 0.9}] * 4)
    near, far = SPACE.encode([{"x": 0.25, "k": 6, "c": "a", "z": 0.8}, {"x": 0.9, "k": 1, "c": "d"}])
    assert log_density(SPACE, rows, near[None])[0] > log_density(SPACE, rows, far[None])[0]


def test_a_box_grows_with_success_and_shrinks_without() -> None:
    assert box_length(np.array([], dtype=bool), 10) < box_length(np.array([True] * 3), 10)
    assert box_length(np.zeros(40, dtype=bool), 10) < 0.05


@pytest.mark.parametrize(
    ("parameter", "first"), [(partial(Categorical, values=("a", "b")), 10), (partial(Int, low=0, high=9), 24)]
)
def test_models_are_asked_sooner_where_every_parameter_is_a_category(parameter: Callable, first: int) -> None:
    space = SearchSpace(tuple(parameter(name=f"p{i}") for i in range(12)))
    optimizer, rng = Optimizer(Problem(space, (Metric("y"),))), np.random.default_rng(3)
    asked = []
    for _ in range(first + 1):
        asked.append(optimizer.propose()[0])
        optimizer.tell(asked[-1].assignments, {"y": float(rng.random())})
    assert [c.strategy == "quasi_random" for c in asked] == [True] * first + [False]


@pytest.mark.parametrize("m", [1, 2])
def test_a_result_improved_what_no_earlier_one_beats(m: int) -> None:
    """Equal ones count, since neither dominates; one column or two that agree are the same question."""
    column = np.array([3.0, 1.0, 2.0, 3.0, 4.0, 4.0, 1.0])
    state = SimpleNamespace(design_size=2)
    outlook = SimpleNamespace(values=np.repeat(column[:, None], m, axis=1), feasible=column < 9, state=state)
    assert improvements(outlook).tolist() == [False, True, True, True, False]


def test_a_grid_has_every_level_of_small_parameters_and_fits_the_budget() -> None:
    space = SearchSpace((Categorical("c", ("a", "b", "d")), Grid("g", (1.0, 2.0)), Double("x", 0, 1)))
    assert grid_sizes(space, 30) == [3, 2, 5]
    optimizer = Optimizer(Problem(space, (Metric("y"),)), strategy="grid", budget=30)
    seen = []
    for _ in range(30):
        seen.append(optimizer.ask())
        optimizer.tell(seen[-1], {"y": 0.0})
    assert len({(a["c"], a["g"]) for a in seen}) == 6
    assert len({a["x"] for a in seen}) == 5


def test_parego_names_its_weights_and_ucb_its_breadth() -> None:
    rng = np.random.default_rng(0)
    X = np.random.default_rng(1).random((20, 4))
    points = SPACE.decode(SPACE.spread(X))
    data = Data(points, np.array([[measure(a)["gain"], measure(a)["cost"]] for a in points]))
    front = observed_front(TWO, data)
    models = fit(TWO, data, rng=rng)
    found = suggest(TWO, data, front, models, count=1, rng=rng, strategy="parego")[0]
    assert "gain 0." in found.reason
    assert "cost 0." in found.reason


@pytest.mark.parametrize("m", [6, 12])
def test_many_objectives_stay_affordable(m: int) -> None:
    space = SearchSpace(tuple(Double(f"x{i}", 0, 1) for i in range(4)))
    problem = Problem(space, tuple(Metric(f"m{j}") for j in range(m)))
    X = np.random.default_rng(0).random((30, 4))
    C = np.random.default_rng(1).random((m, 4))
    data = Data(space.decode(X), -((X[:, None] - C[None]) ** 2).sum(axis=2))
    models = fit(problem, data, rng=np.random.default_rng(0))
    front = observed_front(problem, data)
    assert front.hypervolume > 0
    assert suggest(problem, data, front, models, count=1, rng=np.random.default_rng(0))[0].strategy == "log_ehvi"


def test_some_thresholds_given_and_some_not_is_said() -> None:
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
    problem = Problem(space, (Metric("a", threshold=0.0), Metric("b", "minimize")))
    X = np.random.default_rng(0).random((20, 2))
    data = Data(space.decode(X), np.column_stack([X[:, 0], X[:, 0] ** 2 + X[:, 1]]))
    front = observed_front(problem, data)
    assert front.ref_point_inferred == (False, True)
    models = fit(problem, data, rng=np.random.default_rng(0))
    found = suggest(problem, data, front, models, count=3, rng=np.random.default_rng(0))
    assert any("part of the reference point" in c.reason for c in found)


def test_while_nothing_is_feasible_the_thresholds_are_sought() -> None:
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
    problem = Problem(space, (Metric("a"), Metric("b"), Metric("safe", "maximize", "constraint", 0.9)))
    optimizer = Optimizer(problem, seed=2)
    found = False
    for _ in range(25):
        a = optimizer.ask()
        safe = 1.0 - 4 * ((a["x"] - 0.83) ** 2 + (a["y"] - 0.12) ** 2) ** 0.5
        found |= safe >= 0.9
        optimizer.tell(a, {"a": a["x"], "b": a["y"], "safe": safe})
    assert found
