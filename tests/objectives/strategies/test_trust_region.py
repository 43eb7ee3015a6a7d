"""The box around the best: where it lies among numbers and among categories, and whatever else the problem has."""

from __future__ import annotations

import numpy as np

from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Optimizer, fit
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, SearchSpace
from objectives.strategies import State
from objectives.strategies.ehvi import Outlook
from objectives.strategies.trust_region import _around
from objectives.tasks import Task


def test_the_smaller_the_box_the_fewer_categories_change_and_any_other_one_may_come() -> None:
    space = SearchSpace(tuple(Categorical(f"c{k}", ("a", "b", "d", "e")) for k in range(12)))
    problem = Problem(space, (Metric("y"),))
    X = space.spread(np.random.default_rng(0).random((30, 12)))
    data = Data(space.decode(X), np.random.default_rng(1).random((30, 1)))
    models = fit(problem, data, rng=np.random.default_rng(0))
    front = observed_front(problem, data)
    outlook = Outlook(State(problem, data, front, models, np.empty((0, 12)), frozenset(), 30, 0, 60))
    centre = space.encode(data.assignments)[:1]
    near, far = (_around(outlook, centre, side, 400, np.random.default_rng(2)) for side in (0.1, 0.6))
    changed = [(np.abs(Z - centre) > 1e-9).sum(axis=1).mean() for Z in (near, far)]
    assert changed[0] < 2.0 < changed[1] < 5.0
    assert all(len(np.unique(far[:, k].round(6))) == 4 for k in range(12))


def test_tasks_are_no_coordinate_of_the_box() -> None:
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
    problem = Problem(space, (Metric("v"),), (Task("quick", 0.2), Task("real", 1.0)))
    optimizer = Optimizer(problem, seed=1, strategy="trust_region", budget=30)
    asked = set()
    for _ in range(12):
        found = optimizer.propose()[0]
        a = found.assignments
        optimizer.tell(a, {"v": -((a["x"] - 0.4) ** 2) - (a["y"] - 0.6) ** 2}, task=found.task)
        asked.add(found.strategy)
    assert "trust_region" in asked
