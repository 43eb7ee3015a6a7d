"""The observed front against its definition, and hypervolumes that can be compared over time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.hypervolume import closest_to_feasible, contributions, observed_front
from objectives.metrics import Metric
from objectives.pareto import hypervolume
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace

SPACE = SearchSpace((Double("x", 0, 100),))
METRICS = (
    Metric("gain"),
    Metric("cost", "minimize", threshold=4.0),
    Metric("safety", "maximize", "constraint", 2.0),
    Metric("note", strategy="store"),
)
PROBLEM = Problem(SPACE, METRICS)
cells = st.one_of(st.just(float("nan")), st.integers(0, 6).map(float))
tables = st.lists(st.tuples(cells, cells, cells, cells), min_size=0, max_size=12)


def told(rows: list) -> Data:
    return Data([{"x": i} for i in range(len(rows))], np.array(rows, dtype=float).reshape(len(rows), 4))


def slow_front(rows: list) -> list[int]:
    good = [i for i, (g, c, s, _) in enumerate(rows) if not np.isnan([g, c, s]).any() and c <= 4 and s >= 2]

    def beaten(i: int) -> bool:
        (g, c, *_), others = rows[i], [rows[k] for k in good]
        return any(h >= g and d <= c and (h > g or d < c) for h, d, *_ in others)

    return sorted((i for i in good if not beaten(i)), key=lambda i: (-rows[i][0], rows[i][1], i))


@given(tables)
def test_the_front_is_feasible_complete_and_not_dominated(rows: list) -> None:
    front = observed_front(PROBLEM, told(rows))
    assert list(front.indices) == slow_front(rows)
    np.testing.assert_array_equal(front.values, np.array([rows[i][:2] for i in front.indices]).reshape(-1, 2))


@given(tables)
def test_hypervolume_never_falls_with_more_rows(rows: list) -> None:
    ref = np.array([0.0, np.nan])
    volumes = [observed_front(PROBLEM, told(rows[:i]), ref_point=ref).hypervolume for i in range(len(rows) + 1)]
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(volumes))


@given(tables, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list, random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    a, b = observed_front(PROBLEM, told(rows)), observed_front(PROBLEM, told([rows[i] for i in order]))
    np.testing.assert_array_equal(a.values, b.values)
    assert a.hypervolume == pytest.approx(b.hypervolume)
    assert (a.feasible_count, a.infeasible_count) == (b.feasible_count, b.infeasible_count)


def test_turning_a_metric_round_changes_only_its_sign() -> None:
    rng = np.random.default_rng(0)
    V = rng.normal(size=(30, 2))
    data = lambda values: Data([{"x": i} for i in range(30)], values)  # noqa: E731
    up = observed_front(Problem(SPACE, (Metric("a"), Metric("b"))), data(V))
    down = observed_front(Problem(SPACE, (Metric("a"), Metric("b", "minimize"))), data(V * [1, -1]))
    assert up.indices == down.indices
    assert up.hypervolume == pytest.approx(down.hypervolume)
    np.testing.assert_allclose(down.ref_point, up.ref_point * [1, -1])


def test_thresholds_are_the_reference_point_and_take_precedence() -> None:
    front = observed_front(PROBLEM, told([(5, 1, 3, 0), (3, 0.5, 3, 0)]), ref_point=np.array([1.0, 99.0]))
    assert front.ref_point.tolist() == [1.0, 4.0]
    assert front.ref_point_inferred == (True, False)
    assert front.hypervolume == pytest.approx(hypervolume(np.array([[5.0, -1.0], [3.0, -0.5]]), np.array([1.0, -4.0])))


def test_an_inferred_point_lies_below_everything_seen() -> None:
    problem = Problem(SPACE, (Metric("a"), Metric("b", "minimize")))
    V = np.random.default_rng(0).normal(size=(20, 2))
    front = observed_front(problem, Data([{"x": i} for i in range(20)], V))
    assert front.ref_point[0] < V[:, 0].min()
    assert front.ref_point[1] > V[:, 1].max()
    assert front.hypervolume > 0


def test_one_metric_has_its_best_rows_ties_included() -> None:
    problem = Problem(SPACE, (Metric("a", "minimize"),))
    front = observed_front(problem, Data([{"x": i} for i in range(4)], np.array([[3.0], [1.0], [2.0], [1.0]])))
    assert front.indices == (1, 3)


def test_without_optimized_metrics_every_feasible_row_is_there() -> None:
    problem = Problem(SPACE, (Metric("a", "minimize", "constraint", 2.0),))
    front = observed_front(problem, Data([{"x": i} for i in range(4)], np.array([[3.0], [1.0], [2.0], [np.nan]])))
    assert front.indices == (1, 2)
    assert front.hypervolume == 0.0


def test_nothing_seen_is_an_empty_front() -> None:
    front = observed_front(PROBLEM, Data((), np.empty((0, 4))))
    assert (len(front), front.hypervolume, front.values.shape) == (0, 0.0, (0, 2))


def test_contributions_are_what_is_lost() -> None:
    front = observed_front(PROBLEM, told([(5, 3, 3, 0), (3, 1, 3, 0), (3, 1, 3, 0)]), ref_point=np.array([0.0, 4.0]))
    np.testing.assert_allclose(contributions(front, PROBLEM), [2.0, 0.0, 0.0])


def test_nearest_to_feasible_comes_first() -> None:
    data = told([(5, 1, 0, 0), (3, 4.5, 2, 0), (3, np.nan, 3, 0), (1, 9, 0, 0)])
    assert closest_to_feasible(PROBLEM, data) == (1, 0, 3)
