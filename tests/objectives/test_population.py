"""Moves keep to the space, and really move."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.errors import SpaceExhaustedError
from objectives.features import FeatureMap
from objectives.gp import fit_gp
from objectives.metrics import Metric
from objectives.population import differential, evolve, perturb
from objectives.problem import Problem
from objectives.sampling import uniform_points
from objectives.search import maximise
from objectives.space import Categorical, Double, Grid, Int, LinearConstraint, SearchSpace

SPACE = SearchSpace(
    (
        Double("x", 0, 1),
        Int("k", 1, 100),
        Grid("g", (1.0, 2.0, 8.0)),
        Categorical("c", tuple("abcd")),
        Double("z", 0, 1, conditions=(("c", frozenset({"a"})),)),
    ),
    (LinearConstraint({"x": -1.0, "k": -0.01}, -1.2),),
)


def test_every_move_is_snapped_and_valid() -> None:
    rng = np.random.default_rng(0)
    X = uniform_points(SPACE, 60, rng)
    for moved in (perturb(SPACE, X, 0.2, rng), perturb(SPACE, X, 1e-4, rng), differential(SPACE, X, X, rng)):
        np.testing.assert_array_equal(SPACE.snap(moved), moved)
        assert SPACE.valid(moved).all()


def test_even_the_smallest_step_reaches_the_next_integer_and_another_category() -> None:
    rng = np.random.default_rng(0)
    X = np.repeat(uniform_points(SPACE, 1, rng), 300, axis=0)
    moved = perturb(SPACE, X, 1e-5, rng)
    assert len(np.unique(moved[:, 1])) == 3
    assert len(np.unique(moved[:, 3])) == 4


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_what_would_leave_the_box_ends_on_its_edge_where_edges_are_wanted(edge: float) -> None:
    """An optimum on the edge is reached, and not only neared: half of what moves from close by lies exactly there."""
    space, rng = SearchSpace((Double("x", 0, 1), Double("y", 0, 1))), np.random.default_rng(0)
    near = np.full((400, 2), abs(edge - 1e-3))
    on_edge = (perturb(space, near, 0.1, rng, edges=True) == edge).any(axis=1)
    assert 0.3 < on_edge.mean() < 0.8
    far = np.tile([[0.2, 0.8], [0.8, 0.2]], (200, 1))
    assert not (perturb(space, near, 0.1, rng) == edge).any()
    assert (differential(space, near, far, rng, edges=True) == edge).any()


def test_moves_leave_their_input_alone() -> None:
    rng = np.random.default_rng(0)
    X = uniform_points(SPACE, 20, rng)
    before = X.copy()
    perturb(SPACE, X, 0.1, rng)
    differential(SPACE, X, X, rng)
    np.testing.assert_array_equal(X, before)


def test_the_population_finds_the_pareto_set_of_the_models() -> None:
    """Two parabolas with their tops at .2 and .7: the Pareto set is what lies between."""
    space = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
    problem = Problem(space, (Metric("a"), Metric("b")))
    X = np.random.default_rng(0).random((40, 2))
    owner = np.arange(2)
    gps = [fit_gp(X, owner, -((X[:, 0] - top) ** 2) - (X[:, 1] - 0.5) ** 2) for top in (0.2, 0.7)]
    population = evolve(
        problem, FeatureMap(space), gps, np.empty((0, 2)), X, rng=np.random.default_rng(1), generations=20
    )
    assert ((population[:, 0] > 0.15) & (population[:, 0] < 0.75)).mean() > 0.9
    assert np.abs(population[:, 1] - 0.5).mean() < 0.05


def test_no_configuration_is_in_the_population_twice() -> None:
    space = SearchSpace((Int("x", 0, 9), Int("y", 0, 9)))
    problem = Problem(space, (Metric("a"), Metric("b")))
    X = space.snap(np.random.default_rng(0).random((30, 2)))
    gps = [fit_gp(X, np.arange(2), X[:, 0]), fit_gp(X, np.arange(2), X[:, 1] - X[:, 0])]
    population = evolve(problem, FeatureMap(space), gps, X[:20], X, rng=np.random.default_rng(1))
    assert len(np.unique(population, axis=0)) == len(population)


def test_the_search_finds_the_top_of_a_hill_in_a_mixed_space() -> None:
    def hill(X: np.ndarray) -> np.ndarray:
        goal = np.array([0.3, 0.505, 1.0 / 7.0, 0.375])
        return -np.abs(X[:, :4] - goal).sum(axis=1)

    found = maximise(SPACE, hill, np.empty((0, 5)), taken=set(), rng=np.random.default_rng(0))
    assert found.assignments["k"] in (50, 51, 52)
    assert (found.assignments["g"], found.assignments["c"]) == (2.0, "b")
    assert found.assignments["x"] == pytest.approx(0.3, abs=0.02)


def test_the_search_lists_small_spaces_and_skips_what_is_taken() -> None:
    space = SearchSpace((Int("a", 0, 5), Int("b", 0, 5)))
    value = lambda X: X @ np.array([6.0, 1.0])  # noqa: E731
    taken: set = set()
    order = []
    for _ in range(36):
        found = maximise(space, value, np.empty((0, 2)), taken=taken, rng=np.random.default_rng(0))
        order.append((found.assignments["a"], found.assignments["b"]))
        taken.add(space.key(found.assignments))
    assert order == [(a, b) for a in range(5, -1, -1) for b in range(5, -1, -1)]
    with pytest.raises(SpaceExhaustedError):
        maximise(space, value, np.empty((0, 2)), taken=taken, rng=np.random.default_rng(0))


def test_nan_from_an_acquisition_never_wins() -> None:
    space = SearchSpace((Int("a", 0, 3),))
    value = lambda X: np.where(X[:, 0] > 0.6, np.nan, X[:, 0])  # noqa: E731
    assert maximise(space, value, np.empty((0, 1)), taken=set(), rng=np.random.default_rng(0)).assignments == {"a": 1}
