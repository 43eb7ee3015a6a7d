"""The example's measurement and definition: what it reports is what was measured, and the service takes it."""

from __future__ import annotations

import math

import pytest

from examples.digits import measure as digits
from examples.digits import space
from service.schemas.assignments import check_assignments
from service.schemas.experiment import parse_experiment

#: One configuration of each family, cheap to train.
CONFIGURATIONS = {
    "logistic_regression": {"family": "logistic_regression", "components": 10, "logistic_c": 0.1},
    "svm": {"family": "svm", "components": 10, "svm_c": 1.0, "svm_gamma": 0.02},
    "random_forest": {"family": "random_forest", "components": 10, "trees": 5, "depth": 4},
    "nearest_neighbours": {"family": "nearest_neighbours", "components": 10, "neighbours": 3},
}


def quick(assignments: dict[str, object]) -> dict[str, tuple[float, float]]:
    return digits.measure(assignments, folds=2, rounds=2)


@pytest.mark.parametrize("family", space.FAMILIES)
def test_every_metric_of_every_family_is_a_positive_number_with_its_standard_error(family: str) -> None:
    measured = quick(CONFIGURATIONS[family])
    assert set(measured) == {metric["name"] for metric in space.definition(budget=1, producers=1)["metrics"]}
    assert all(math.isfinite(value) and value > 0 for value, _ in measured.values())
    assert all(math.isfinite(error) and error >= 0 for _, error in measured.values())


@pytest.mark.parametrize("family", space.FAMILIES)
def test_the_same_configuration_has_the_same_accuracy_every_time(family: str) -> None:
    assert quick(CONFIGURATIONS[family])["accuracy"] == quick(CONFIGURATIONS[family])["accuracy"]


def test_the_classifiers_learn_the_digits() -> None:
    accuracy, error = digits.measure(CONFIGURATIONS["nearest_neighbours"], rounds=2)["accuracy"]
    assert 0.85 < accuracy < 1
    assert 0 < error < 0.05


@pytest.mark.parametrize(
    ("hopeless", "reason"),
    [
        ({"family": "nearest_neighbours", "components": 65, "neighbours": 1}, "n_components=65"),
        ({"family": "logistic_regression", "components": 12, "logistic_c": 1e6}, "ConvergenceWarning"),
    ],
)
def test_a_configuration_that_cannot_be_trained_says_why(hopeless: dict[str, object], reason: str) -> None:
    with pytest.raises(digits.FailedConfigurationError, match=reason):
        quick(hopeless)


def test_a_mistake_in_the_program_is_not_taken_for_a_configuration_that_failed() -> None:
    with pytest.raises(KeyError, match="svm_gamma"):
        quick({"family": "svm", "components": 10, "svm_c": 1.0})


def test_a_larger_model_costs_more() -> None:
    small = {"family": "random_forest", "components": 10, "trees": 5, "depth": 2}
    large = {"family": "random_forest", "components": 10, "trees": 60, "depth": 16}
    assert quick(small)["cost_usd"][0] < quick(large)["cost_usd"][0]


def test_the_service_takes_the_definition_and_every_family_has_its_own_parameters() -> None:
    _, definition = parse_experiment(space.definition(budget=40, producers=2))
    for assignments in CONFIGURATIONS.values():
        assert check_assignments(definition, assignments) == assignments
