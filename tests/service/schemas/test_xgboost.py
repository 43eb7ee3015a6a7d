"""An experiment of `sigopt.xgboost.experiment` begins where XGBoost's parameters usually lie."""

from __future__ import annotations

from typing import Any, Final

import pytest

from service.schemas.experiment import Definition, parse_experiment
from service.schemas.parameters import Parameter
from service.schemas.xgboost import with_usual_priors

MARKED: Final = {"_IS_XGB_EXPERIMENT": "True"}


def definition(**parameter: Any) -> Definition:
    given = {"name": "min_child_weight", "type": "double", "bounds": {"min": 0.1, "max": 1000}, **parameter}
    return parse_experiment({"name": "x", "parameters": [given]})[1]


def only(found: Definition) -> Parameter:
    (parameter,) = found.parameters
    return parameter


def test_bounds_far_beyond_what_is_usual_get_a_prior_inside_it() -> None:
    prior = only(with_usual_priors(definition(), MARKED)).prior
    assert prior is not None
    assert (prior.name, prior.mean, prior.scale) == ("normal", pytest.approx(2.55), pytest.approx(0.98))


UNCHANGED: Final[dict[str, dict[str, Any]]] = {
    "bounds about what is usual": {"bounds": {"min": 0, "max": 9}},
    "bounds beside what is usual": {"bounds": {"min": 4, "max": 400}},
    "a prior of the caller": {"prior": {"name": "beta", "shape_a": 1, "shape_b": 3}},
    "a logarithmic scale": {"transformation": "log"},
    "whole numbers": {"type": "int", "bounds": {"min": 1, "max": 1000}},
    "a grid": {"bounds": None, "grid": [1, 50, 1000]},
    "a name that is none of XGBoost's": {"name": "weight"},
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_other_parameters_stay_as_they_were_given(case: str) -> None:
    given = definition(**UNCHANGED[case])
    assert with_usual_priors(given, MARKED) == given


@pytest.mark.parametrize("metadata", [None, {}, {"team": "search"}])
def test_other_experiments_stay_as_they_were_given(metadata: dict[str, Any] | None) -> None:
    assert with_usual_priors(definition(), metadata) == definition()
