"""The headline and its companions say what is so, with the right number of everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from objectives.metrics import Metric
from service.reports.sentences import besides, digits_of, freshness, headline, models_state, price, rate, unit_of
from service.reports.tradeoffs import price_list
from service.reports.values import Limit, Models
from tests.service.reports.given import COST, GAIN, NOW, a_report, gain_and_cost, options

THREE = [[9.0, 9.0], [8.0, 2.0], [1.0, 1.0]]


def test_the_headline_names_how_many_options_and_what_the_balanced_one_reaches() -> None:
    report = gain_and_cost(THREE, observations=48, budget=60)
    expected = "After 48 of 60 trials, 3 options are worth considering; the balanced one reaches gain 8 at cost 2."
    assert headline(report) == expected


def test_one_trial_and_one_option_are_singular() -> None:
    report = gain_and_cost([[8.0, 2.0]], observations=1)
    assert headline(report) == "After 1 trial, 1 option is worth considering: it reaches gain 8 at cost 2."


def test_one_metric_has_a_best_instead_of_a_trade_off() -> None:
    report = a_report((GAIN,), options((GAIN,), [[0.98123], [0.98123]]), observations=30)
    assert headline(report) == "After 30 trials, the best option reaches gain 0.981."


def test_without_a_result_it_waits() -> None:
    assert headline(a_report(observations=0)) == "Waiting for the first result."


def test_results_that_the_worker_has_not_seen_are_being_worked_out() -> None:
    report = a_report(observations=2, front_generation=0)
    assert headline(report) == "2 results are there; the first front is being worked out."


def test_when_all_failed_it_says_so() -> None:
    assert headline(a_report(observations=1, failures=1)) == "The only result so far is a failure."
    assert headline(a_report(observations=3, failures=3)) == "All 3 results so far are failures."


def test_when_nothing_is_feasible_it_names_the_threshold_most_missed() -> None:
    metrics = (GAIN, Metric("latency_ms", "minimize", threshold=5.0))
    limits = (
        Limit("latency_ms", 5.0, inferred=False, missed=12, missed_alone=9, looked_at=12),
        Limit("gain", 0.5, inferred=False, missed=3, missed_alone=0, looked_at=12),
    )
    report = a_report(metrics, observations=12, limits=limits)
    assert headline(report) == "After 12 trials, nothing is feasible yet: 12 of 12 miss latency_ms ≤ 5."


def test_when_no_configuration_is_complete_it_says_that() -> None:
    assert headline(a_report(observations=2)) == "After 2 trials, no configuration has all its metrics measured yet."


def test_a_front_that_has_seen_everything_is_fresh() -> None:
    report = gain_and_cost(THREE, front_at=NOW - timedelta(minutes=2))
    assert freshness(report) == "The front has seen every result, and last changed 2 minutes ago."


def test_a_front_that_is_behind_says_by_how_much() -> None:
    report = gain_and_cost(THREE, data_generation=4, front_generation=3)
    assert freshness(report).startswith("The front is 1 change of the data behind")


def test_a_refresh_that_failed_is_not_kept_quiet() -> None:
    report = gain_and_cost(THREE, data_generation=4, front_generation=3, is_failing=True)
    assert "the last attempt to bring it up to date failed" in freshness(report)


def test_models_say_when_they_were_fitted_and_what_they_have_not_seen() -> None:
    models = Models(3, NOW - timedelta(seconds=5), 0.42, {}, ())
    report = gain_and_cost(THREE, models=models, data_generation=3)
    assert models_state(report) == "Models fitted 5 seconds ago (0.42 s of work), on every result."
    assert models_state(replace(report, data_generation=5)).endswith("2 changes of the data ago.")


def test_the_price_of_a_step_is_told_in_the_units_of_both_metrics() -> None:
    report = gain_and_cost(THREE)
    (step,) = [step for step in price_list(report, gained="gain", paid="cost") if step.end == 1]
    assert price(report, step, digits_of(report)) == "1 more gain for 7 more cost"
    assert rate(step, 0.1) == "each 0.1 of gain costs 0.7 cost"


def test_gaining_in_a_minimised_metric_means_less_of_it() -> None:
    report = gain_and_cost(THREE)
    (step,) = [step for step in price_list(report, gained="cost", paid="gain") if step.start == 1]
    assert price(report, step, digits_of(report)) == "7 less cost for 1 less gain"


def test_what_else_changes_on_the_way_is_told_too() -> None:
    metrics = (GAIN, COST, Metric("size", "minimize"))
    report = a_report(metrics, options(metrics, [[9.0, 9.0, 1.0], [8.0, 2.0, 4.0]]))
    (step,) = price_list(report, gained="gain", paid="cost")
    assert besides(step, digits_of(report)) == "3 less size"


def test_steps_of_one_list_are_priced_in_one_round_unit() -> None:
    report = gain_and_cost([[9.0, 90.0], [8.97, 50.0], [8.9, 20.0], [5.0, 1.0]])
    steps = price_list(report, gained="gain", paid="cost")
    assert sorted(round(step.gain, 6) for step in steps) == [0.03, 0.07, 3.9]
    assert unit_of(steps) == 0.01
