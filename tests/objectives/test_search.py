"""The search for the best candidate: it finds the way in many dimensions and never leaves the space."""

from __future__ import annotations

import numpy as np

from objectives.sampling import uniform_points
from objectives.search import maximise
from objectives.space import Categorical, Double, Int, LinearConstraint, SearchSpace

MANY = SearchSpace(tuple(Double(f"x{i}", 0, 1) for i in range(40)))
BEST = np.linspace(-0.2, 1.0, 40)


def test_with_many_parameters_the_search_climbs_to_the_top_and_to_the_walls() -> None:
    rng = np.random.default_rng(0)
    found = maximise(MANY, lambda X: -np.square(X - BEST).sum(axis=1), np.empty((0, 40)), taken=set(), rng=rng)
    assert np.abs(found.x - np.clip(BEST, 0, 1)).max() < 0.1


def test_a_climb_keeps_to_constraints_and_leaves_categories_alone() -> None:
    space = SearchSpace(
        (*MANY.parameters, Int("k", 1, 9), Categorical("c", ("a", "b"))),
        (LinearConstraint({f"x{i}": -1.0 for i in range(40)}, -15.0),),
    )
    rng = np.random.default_rng(0)
    starts = uniform_points(space, 20, rng)
    found = maximise(space, lambda X: X.sum(axis=1), starts, taken=set(), rng=rng)
    assert space.valid(found.x[None])[0]
    assert found.log_value > starts.sum(axis=1).max()
    assert space.decode(found.x[None])[0] == found.assignments
