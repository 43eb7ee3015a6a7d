"""Points without models: even, valid, distinct, and the same for the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.errors import SpaceExhaustedError
from objectives.metrics import Metric
from objectives.problem import Problem
from objectives.sampling import quasi_random, quasi_random_points, sobol, uniform_points
from objectives.space import Categorical, Double, Int, LinearConstraint, SearchSpace

SIMPLEX = SearchSpace(
    tuple(Double(f"x{i}", 0, 1) for i in range(6)),
    (
        LinearConstraint({f"x{i}": -1.0 for i in range(6)}, -0.4),
        LinearConstraint({f"x{i}": 1.0 for i in range(6)}, 0.3),
    ),
)


def test_the_sequence_can_be_entered_anywhere() -> None:
    whole = sobol(5, seed=3, index=0, count=70)
    for i in (0, 1, 17, 36, 63, 64, 69):
        np.testing.assert_array_equal(whole[i], sobol(5, seed=3, index=i)[0])


def test_every_aligned_block_visits_every_cell_of_each_axis() -> None:
    points = sobol(4, seed=9, index=0, count=64)
    for j in range(4):
        assert len(set((points[:, j] * 64).astype(int))) == 64


def test_tight_constraints_are_met_by_every_point() -> None:
    problem = Problem(SIMPLEX, (Metric("y"),))
    points = [quasi_random(problem, seed=1, index=i) for i in range(12)]
    assert SIMPLEX.valid(SIMPLEX.encode(points)).all()
    assert len({SIMPLEX.key(p) for p in points}) == 12


def test_a_corner_no_chance_would_find_is_found() -> None:
    space = SearchSpace(
        tuple(Double(f"x{i}", 0, 1) for i in range(12)), (LinearConstraint({f"x{i}": 1.0 for i in range(12)}, 11.5),)
    )
    X = uniform_points(space, 20, np.random.default_rng(0))
    assert space.valid(X).all()
    assert np.ptp(X, axis=0).max() > 0


def test_thousands_of_branches_are_no_obstacle() -> None:
    """Architecture-like: twenty layers, each with a parameter of its own under one of four kinds."""
    kinds = ("conv", "pool", "skip", "dense")
    layers = tuple(Categorical(f"layer{i}", kinds) for i in range(20))
    widths = tuple(Int(f"w{i}", 1, 8, conditions=((f"layer{i}", frozenset({"dense"})),)) for i in range(20))
    space = SearchSpace((*layers, *widths))
    assert 4**20 < space.size < np.inf
    problem = Problem(space, (Metric("y"),))
    points = [quasi_random(problem, seed=0, index=i) for i in range(5)]
    assert len({space.key(p) for p in points}) == 5


def test_constraints_that_leave_nothing_say_so() -> None:
    space = SearchSpace((Double("x", 0, 1), Int("k", 0, 3)), (LinearConstraint({"x": 1.0, "k": 1.0}, 9.0),))
    with pytest.raises(SpaceExhaustedError):
        uniform_points(space, 1, np.random.default_rng(0))


def test_avoiding_walks_a_finite_space_to_its_end() -> None:
    space = SearchSpace((Int("a", 0, 3), Categorical("b", ("u", "v", "w"))))
    problem = Problem(space, (Metric("y"),))
    seen: list[dict] = []
    for i in range(12):
        seen.append(quasi_random(problem, seed=2, index=i, avoid=seen))
    assert len({space.key(a) for a in seen}) == 12
    with pytest.raises(SpaceExhaustedError):
        quasi_random(problem, seed=2, index=12, avoid=seen)


def test_a_block_with_invalid_points_is_filled_up() -> None:
    X = quasi_random_points(SIMPLEX, seed=0, index=3, count=9, rng=np.random.default_rng(1))
    assert X.shape == (9, 6)
    assert SIMPLEX.valid(X).all()


def test_uniform_points_under_a_constraint_are_uniform() -> None:
    """Against plain rejection in a triangle: the mean of a triangle with corners (0,0), (1,0), (0,1) is a third."""
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)), (LinearConstraint({"x": -1.0, "y": -1.0}, -1.0),))
    X = uniform_points(space, 3000, np.random.default_rng(0))
    np.testing.assert_allclose(X.mean(axis=0), 1 / 3, atol=0.02)
