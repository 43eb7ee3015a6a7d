"""Where nothing is optimized, many different configurations that meet every threshold are found."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Optimizer, fit
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, SearchSpace
from objectives.strategies import State
from objectives.strategies.constraint_active_search import Coverage

PLANE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
#: two islands: around (0.2, 0.3) and (0.8, 0.7)
SEARCH = Problem(PLANE, (Metric("near", "minimize", "constraint", 0.15), Metric("note", strategy="store")))


def near(a: dict) -> float:
    x, y = a["x"], a["y"]
    return float(min(np.hypot(x - 0.2, y - 0.3), np.hypot(x - 0.8, y - 0.7)))


def state_of(points: list[tuple[float, float]], *, open_points: tuple[tuple[float, float], ...] = ()) -> State:
    """Everything measured satisfies."""
    data = Data([{"x": x, "y": y} for x, y in points], np.array([[0.0, 0.0]] * len(points)))
    models = fit(SEARCH, data, rng=np.random.default_rng(0))
    front = observed_front(SEARCH, data)
    pending = np.array(open_points).reshape(-1, 2)
    return State(SEARCH, data, front, models, pending, frozenset(), len(points), 0, 30)


def test_the_front_of_a_search_is_all_that_meets_the_thresholds() -> None:
    data = Data([{"x": 0.2, "y": v / 10} for v in range(5)], np.array([[v / 20, np.nan] for v in range(5)]))
    assert observed_front(SEARCH, data).indices == (0, 1, 2, 3)


def test_ground_that_is_covered_is_worth_less_than_new_ground() -> None:
    points = [(0.5, 0.5), (0.45, 0.5), (0.5, 0.45), (0.55, 0.5), (0.5, 0.55), (0.52, 0.52)]
    coverage = Coverage(state_of(points), SEARCH.thresholds_max, np.random.default_rng(0))
    middle, corner = coverage.gain(np.array([[0.501, 0.5], [0.9, 0.9]])) - coverage.log_chance(
        np.array([[0.501, 0.5], [0.9, 0.9]])
    )
    assert corner > middle + 1.0


def test_what_is_open_counts_as_ground_that_is_likely_covered() -> None:
    points = [(x / 10, 0.1) for x in range(6)]
    there = np.array([[0.9, 0.9]])
    free = Coverage(state_of(points), SEARCH.thresholds_max, np.random.default_rng(0)).gain(there)
    taken = Coverage(state_of(points, open_points=((0.9, 0.9),)), SEARCH.thresholds_max, np.random.default_rng(0))
    assert taken.gain(there)[0] < free[0] - 0.5


def test_another_category_is_other_ground() -> None:
    space = SearchSpace((Double("x", 0, 1), Categorical("c", ("a", "b"))))
    problem = Problem(space, (Metric("ok", "maximize", "constraint", 0.0),))
    data = Data([{"x": v / 8, "c": "a"} for v in range(9)], np.ones((9, 1)))
    models = fit(problem, data, rng=np.random.default_rng(0))
    state = State(problem, data, observed_front(problem, data), models, np.empty((0, 2)), frozenset(), 9, 0, 20)
    coverage = Coverage(state, problem.thresholds_max, np.random.default_rng(0))
    same, other = coverage.gain(space.encode([{"x": 0.5, "c": "a"}, {"x": 0.5, "c": "b"}]))
    assert other > same


def covered(found: list[dict]) -> float:
    """Share of the two islands within 0.07 of a point that satisfies."""
    grid = np.array([(x, y) for x in np.linspace(0, 1, 41) for y in np.linspace(0, 1, 41)])
    inside = np.array([near({"x": x, "y": y}) <= 0.15 for x, y in grid])
    good = np.array([(a["x"], a["y"]) for a in found if near(a) <= 0.15]).reshape(-1, 2)
    if not len(good):
        return 0.0
    gaps = np.sqrt(((grid[inside][:, None] - good[None]) ** 2).sum(axis=2)).min(axis=1)
    return float((gaps <= 0.07).mean())


def walk(strategy: str, turns: int = 40, seed: int = 2) -> list[dict]:
    optimizer, asked = Optimizer(SEARCH, seed=seed, strategy=strategy, budget=turns), []
    for _ in range(turns):
        asked.append(optimizer.ask())
        optimizer.tell(asked[-1], {"near": near(asked[-1]), "note": 1.0})
    return asked


def test_both_islands_are_covered_and_better_than_by_chance() -> None:
    found = walk("auto")
    assert covered(found) > 0.85
    assert covered(found) > 1.5 * covered(walk("quasi_random"))


@pytest.mark.parametrize("wanted", [2, 4])
def test_several_solutions_come_from_every_good_region(wanted: int) -> None:
    problem = Problem(PLANE, (Metric("near", "minimize"),))
    optimizer, asked = Optimizer(problem, seed=1, budget=40, solutions=wanted), []
    for _ in range(40):
        asked.append(optimizer.ask())
        optimizer.tell(asked[-1], {"near": near(asked[-1])})
    assert min(near(a) for a in asked if a["x"] < 0.5) < 0.02
    assert min(near(a) for a in asked if a["x"] > 0.5) < 0.02
