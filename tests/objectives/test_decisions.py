"""What is said about a front is true of it, also where a front is one point or a metric never varies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.decisions import balance, knee_strength, marginal_rates, nearest_to_goals, picks, weighed
from objectives.errors import DataError
from objectives.metrics import Metric
from objectives.pareto import nondominated
from objectives.problem import Problem
from objectives.space import Double, SearchSpace

SPACE = SearchSpace((Double("x", 0, 1),))


def problem(m: int, **kinds: float) -> Problem:
    return Problem(SPACE, tuple(Metric(f"m{j}", "minimize" if j % 2 else "maximize") for j in range(m)))


def front(seed: int, m: int) -> np.ndarray:
    Y = np.random.default_rng(seed).normal(size=(25, m))
    signs = np.array([x.sign for x in problem(m).optimized])
    return Y[nondominated(Y)] * signs


@given(st.integers(0, 500), st.integers(1, 4))
def test_champions_are_best_and_every_pick_is_on_the_front(seed: int, m: int) -> None:
    values = front(seed, m)
    found = {pick.kind: pick for pick in picks(problem(m), values)}
    for j, metric in enumerate(problem(m).optimized):
        column = metric.to_max(values[:, j])
        assert column[found[f"champion:{metric.name}"].index] == column.max()
    assert all(0 <= share <= 1 for pick in found.values() for share in pick.facts["share"].values())


@given(st.integers(0, 500), st.integers(2, 4), st.floats(0.01, 100))
def test_units_do_not_change_a_recommendation(seed: int, m: int, scale: float) -> None:
    values = front(seed, m)
    kinds = [(p.kind, p.index) for p in picks(problem(m), values)]
    assert kinds == [(p.kind, p.index) for p in picks(problem(m), values * scale)]


@given(st.integers(0, 500), st.integers(2, 4))
def test_rates_gain_and_cost_what_the_rows_say(seed: int, m: int) -> None:
    values = front(seed, m)
    columns = {x.name: x.to_max(values[:, j]) for j, x in enumerate(problem(m).optimized)}
    for rate in marginal_rates(problem(m), values):
        assert rate.gain == pytest.approx(columns[rate.gained][rate.end] - columns[rate.gained][rate.start])
        assert rate.cost == pytest.approx(columns[rate.paid][rate.start] - columns[rate.paid][rate.end])
        assert rate.gain > 0
        assert rate.cost > 0


def test_two_objectives_have_a_step_each_way_between_all_neighbours() -> None:
    values = front(3, 2)
    assert len(marginal_rates(problem(2), values)) == 2 * (len(values) - 1)


def test_the_balanced_point_is_the_middle_of_an_even_front() -> None:
    values = np.column_stack([np.linspace(0, 1, 11), np.linspace(0, 1, 11)])
    assert picks(problem(2), values)[0].index == 5


def test_thresholds_move_the_balance() -> None:
    values = np.column_stack([np.linspace(0, 1, 11), np.linspace(0, 1, 11)])
    strict = Problem(SPACE, (Metric("m0", threshold=-9.0), Metric("m1", "minimize", threshold=1.0)))
    assert np.argmax(balance(strict, values)) < 5


def test_a_straight_front_has_no_knee_and_a_bent_one_has_it_at_the_bend() -> None:
    t = np.linspace(0, 1, 11)
    assert knee_strength(problem(2), np.column_stack([t, t])).max() == pytest.approx(0.0, abs=1e-9)
    bent = np.column_stack([np.minimum(2 * t, 1.0) + 0.01 * t, np.maximum(0, 2 * t - 1) + 0.01 * t])
    assert np.argmax(knee_strength(problem(2), bent)) == 5


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]], []])
def test_tiny_fronts_are_well_defined(values: list) -> None:
    V = np.array(values, dtype=float).reshape(-1, 2)
    assert len(picks(problem(2), V)) == (3 if len(V) else 0)
    assert marginal_rates(problem(2), V) == ()


def test_one_metric_needs_no_trade() -> None:
    found = picks(problem(1), np.array([[3.0]]))
    assert [p.kind for p in found] == ["balanced", "champion:m0"]


FRONT = np.array([[10.0, 9.0], [8.0, 2.0], [1.0, 1.0]])
CHOICE = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("gain"), Metric("cost", "minimize")))


def test_goals_that_a_point_reaches_are_reached() -> None:
    assert nearest_to_goals(CHOICE, FRONT, np.array([7.0, 3.0])).index == 1
    assert nearest_to_goals(CHOICE, FRONT, np.array([9.5, np.nan])).index == 0
    assert nearest_to_goals(CHOICE, FRONT, np.array([np.nan, 1.0])).index == 2


def test_goals_that_none_reaches_are_missed_by_least() -> None:
    assert nearest_to_goals(CHOICE, FRONT, np.array([12.0, np.nan])).index == 0
    assert nearest_to_goals(CHOICE, FRONT, np.array([9.0, 1.5])).index == 1


def test_nothing_can_be_chosen_from_an_empty_front() -> None:
    with pytest.raises(DataError):
        weighed(CHOICE, np.empty((0, 2)), np.ones(2))
