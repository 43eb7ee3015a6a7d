"""What an experiment may be, and that every refusal names the field and what was expected."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.errors import InvalidInputError
from service.schemas.experiment import Definition, parse_experiment

GOOD: dict[str, Any] = {
    "name": "classifier",
    "parameters": [
        {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1.0}, "transformation": "log"},
        {"name": "trees", "type": "int", "bounds": {"min": 1, "max": 99}, "conditions": {"family": "forest"}},
        {"name": "kernel", "type": "categorical", "categorical_values": ["rbf", "linear"]},
        {"name": "batch", "type": "int", "grid": [8, 16, 32]},
        {
            "name": "mix",
            "type": "double",
            "bounds": {"min": 0, "max": 1},
            "prior": {"name": "normal", "mean": 0.5, "scale": 0.1},
        },
        {"name": "rest", "type": "double", "bounds": {"min": 0, "max": 1}},
    ],
    "conditionals": [{"name": "family", "values": ["forest", "line"]}],
    "linear_constraints": [
        {
            "type": "less_than",
            "terms": [{"name": "mix", "weight": 1.0}, {"name": "rest", "weight": 1.0}],
            "threshold": 1.0,
        }
    ],
    "metrics": [
        "accuracy",
        {"name": "latency_ms", "objective": "minimize", "threshold": 20},
        {"name": "memory", "objective": "minimize", "strategy": "constraint", "threshold": 512},
        {"name": "epochs", "strategy": "store"},
    ],
    "observation_budget": 60,
    "metadata": {"team": "search", "version": 3},
}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return body


def test_every_kind_of_parameter_and_metric_is_taken_and_kept() -> None:
    body, definition = parse_experiment(GOOD)
    assert body.observation_budget == 60
    assert [parameter.name for parameter in definition.parameters] == sorted(p["name"] for p in GOOD["parameters"])
    assert [metric.name for metric in definition.metrics] == ["accuracy", "epochs", "latency_ms", "memory"]
    assert definition.parameter_by_name["kernel"].choices == ("rbf", "linear")


def test_what_is_stored_reads_back_as_the_same_definition() -> None:
    definition = parse_experiment(GOOD)[1]
    row = type("Row", (), definition.documents())
    assert Definition.of(row) == definition


def test_without_metrics_one_nameless_metric_is_maximised() -> None:
    body = {key: value for key, value in GOOD.items() if key != "metrics"}
    (metric,) = parse_experiment(body)[1].metrics
    assert (metric.name, metric.objective, metric.strategy) == (None, "maximize", "optimize")


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no name": ({"parameters": GOOD["parameters"]}, ".name", 'Missing required json key "name"'),
    "unknown key": (changed(("budgett",), 3), ".budgett", "Unknown json keys `budgett`"),
    "wrong type": (changed(("name",), 3), ".name", "expected type string"),
    "boolean for a number": (
        changed(("parameters", 0, "bounds", "min"), True),
        ".parameters[0].bounds.min",
        "expected type number",
    ),
    "infinite bound": (
        changed(("parameters", 5, "bounds", "max"), float("inf")),
        ".parameters[5].bounds.max",
        "finite",
    ),
    "empty parameters": (changed(("parameters",), []), ".parameters", "greater than or equal to 1"),
    "twice the same name": (changed(("parameters", 2, "name"), "rate"), ".parameters", "stands twice"),
    "a conditional's name": (changed(("parameters", 2, "name"), "family"), ".parameters", "stands twice"),
    "no bounds": (changed(("parameters", 0, "bounds"), None), ".parameters[0].bounds", "needs bounds"),
    "bounds the wrong way": (
        changed(("parameters", 5, "bounds"), {"min": 2, "max": 1}),
        ".parameters[5].bounds",
        "greater than",
    ),
    "log from zero": (changed(("parameters", 0, "bounds", "min"), 0), ".parameters[0].bounds.min", "positive"),
    "fraction of an int": (changed(("parameters", 1, "bounds", "max"), 9.5), ".parameters[1].bounds", "whole numbers"),
    "one category": (
        changed(("parameters", 2, "categorical_values"), ["rbf"]),
        ".parameters[2].categorical_values",
        "at least 2",
    ),
    "grid with bounds": (
        changed(("parameters", 3, "bounds"), {"min": 1, "max": 2}),
        ".parameters[3].grid",
        "can't have bounds",
    ),
    "prior outside": (
        changed(("parameters", 4, "prior", "mean"), 7),
        ".parameters[4].prior.mean",
        "outside the bounds",
    ),
    "unknown conditional": (
        changed(("parameters", 1, "conditions"), {"famly": "forest"}),
        ".parameters[1].conditions.famly",
        "did you mean 'family'?",
    ),
    "unknown condition": (
        changed(("parameters", 1, "conditions"), {"family": "forrest"}),
        ".parameters[1].conditions.family",
        "did you mean 'forest'?",
    ),
    "constraint nobody meets": (
        changed(("linear_constraints", 0, "threshold"), -1),
        ".linear_constraints[0].threshold",
        "no configuration meets",
    ),
    "constraint on nothing": (
        changed(("linear_constraints", 0, "terms", 0, "name"), "mixx"),
        ".linear_constraints[0].terms",
        "did you mean 'mix'?",
    ),
    "no metric": (changed(("metrics",), []), ".metrics", "must contain a metric"),
    "only stored metrics": (changed(("metrics",), [GOOD["metrics"][3]]), ".metrics", "At least one metric"),
    "constraint without threshold": (
        changed(("metrics", 2, "threshold"), None),
        ".metrics[2].threshold",
        "needs a threshold",
    ),
    "threshold on a stored metric": (
        changed(("metrics", 3, "threshold"), 1),
        ".metrics[3].threshold",
        "can't have a threshold",
    ),
    "unknown objective": (
        changed(("metrics", 1, "objective"), "min"),
        ".metrics[1].objective",
        "not one of the allowed values: maximize, minimize",
    ),
    "budget of nothing": (changed(("observation_budget",), 0), ".observation_budget", "greater than 0"),
    "nested metadata": (changed(("metadata", "team"), {"a": 1}), ".metadata.team", "metadata"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_the_field_and_what_was_expected(case: str) -> None:
    body, field, words = REFUSED[case]
    with pytest.raises(InvalidInputError) as refused:
        parse_experiment(body)
    assert refused.value.facts["field"].startswith(field)
    assert words in refused.value.message
