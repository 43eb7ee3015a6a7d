"""Picks and prices are those of objectives.decisions, one card an option, in words."""

from __future__ import annotations

from objectives.metrics import Metric
from objectives.problem import Problem
from objectives.space import Double, SearchSpace
from service.reports.tradeoffs import advise, most_conflicting, nearest_to_feasible, price_list
from tests.service.reports.given import COST, GAIN, a_report, beaten, gain_and_cost, options

SPACE = SearchSpace((Double("x", 0.0, 1.0),))


def test_the_recommended_option_is_the_balanced_one() -> None:
    advice = gain_and_cost([[9.0, 9.0], [8.0, 2.0], [1.0, 1.0]]).advice
    assert advice.recommended is not None
    assert (advice.recommended.option, advice.recommended.title) == (2, "balanced")


def test_an_option_that_is_picked_twice_has_one_card() -> None:
    advice = gain_and_cost([[8.0, 2.0]]).advice
    assert [(pick.option, pick.title, pick.also) for pick in advice.picks] == [
        (1, "balanced", ("best gain", "best cost"))
    ]


def test_without_options_there_is_no_advice() -> None:
    assert advise(Problem(SPACE, (GAIN, COST)), ()).recommended is None


def test_the_most_conflicting_pair_is_the_one_whose_ranks_disagree_most() -> None:
    metrics = (GAIN, COST, Metric("size", "minimize"))
    front = options(metrics, [[9.0, 3.0, 5.0], [8.0, 2.0, 1.0], [7.0, 1.0, 4.0]])
    assert most_conflicting(metrics, front) == ("gain", "cost")


def test_a_gain_smaller_than_its_standard_deviation_is_noise() -> None:
    """Two ends of deviation 0.1 make a difference of deviation 0.14."""
    report = a_report(front=options((GAIN, COST), [[8.12, 3.0], [8.0, 2.0], [1.0, 1.0]], stddev=0.1))
    steps = {(step.start, step.end): step for step in price_list(report, gained="gain", paid="cost")}
    assert abs(steps[2, 1].noise - 0.02**0.5) < 1e-12
    assert {key: step.is_noise for key, step in steps.items()} == {(3, 2): False, (2, 1): True}


def test_where_no_deviation_is_known_no_gain_is_noise() -> None:
    steps = price_list(gain_and_cost([[8.0001, 3.0], [8.0, 2.0]]), gained="gain", paid="cost")
    assert [(step.noise, step.is_noise) for step in steps] == [(0.0, False)]


def test_a_metric_that_does_not_vary_conflicts_with_nothing() -> None:
    metrics = (Metric("a"), Metric("b"), Metric("c"))
    front = options(metrics, [[1.0, 1.0, 3.0], [1.0, 2.0, 2.0], [1.0, 3.0, 1.0]])
    assert most_conflicting(metrics, front) == ("b", "c")


def test_one_metric_has_no_pair_and_an_empty_front_has_the_first_one() -> None:
    assert most_conflicting((GAIN,), ()) is None
    assert most_conflicting((GAIN, COST), ()) == ("gain", "cost")


def test_while_nothing_is_feasible_the_nearest_come_first() -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=5.0))
    tried = beaten(metrics, [[1.0, 30.0], [1.0, 6.0], [1.0, 9.0], [1.0, 7.0]], missed=("cost",))
    nearest = nearest_to_feasible(Problem(SPACE, metrics), tried)
    assert [option.values["cost"].mean for option in nearest] == [6.0, 7.0, 9.0]
