"""Signs turn in one place, thresholds are inclusive, and definitions that cannot work are refused by name."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from objectives.errors import DataError, SpaceError
from objectives.metrics import Metric
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace

SPACE = SearchSpace((Double("x", 0, 1),))


@pytest.mark.parametrize("objective", ["maximize", "minimize"])
def test_there_and_back_is_where_we_were(objective: str) -> None:
    metric = Metric("y", objective)
    values = np.array([-2.5, 0.0, 7.0, np.nan])
    np.testing.assert_array_equal(metric.from_max(metric.to_max(values)), values)


def test_better_is_larger_inside() -> None:
    assert Metric("cost", "minimize").to_max(np.array([1.0])) > Metric("cost", "minimize").to_max(np.array([2.0]))


@pytest.mark.parametrize(
    ("objective", "expected"), [("maximize", [False, True, True]), ("minimize", [True, True, False])]
)
def test_thresholds_are_inclusive_in_natural_units(objective: str, expected: list[bool]) -> None:
    metric = Metric("y", objective, threshold=1.0)
    assert metric.acceptable(np.array([0.9, 1.0, 1.1])).tolist() == expected


def test_a_missing_value_is_never_acceptable_unless_only_stored() -> None:
    assert not Metric("y", threshold=0.0).acceptable(np.array([np.nan]))[0]
    assert Metric("y", strategy="store").acceptable(np.array([np.nan]))[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"objective": "larger"},
        {"strategy": "ignore"},
        {"strategy": "constraint"},
        {"threshold": math.inf},
    ],
)
def test_impossible_metrics_are_refused_by_name(wrong: dict) -> None:
    with pytest.raises(DataError, match="'speed'"):
        Metric("speed", **wrong)


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(DataError):
        Problem(SPACE, (Metric("y"), Metric("y")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": np.array([[np.inf], [1.0]])},
        {"values": np.array([[1e200], [1.0]])},
        {"values": np.array([[1.0]])},
        {"variances": np.array([[-1.0], [1.0]])},
        {"counts": np.array([[1.0]])},
        {"failures": np.array([1.0, 2.0, 3.0])},
        {"failures": np.array([np.inf, 2.0])},
    ],
)
def test_data_that_disagrees_is_refused(wrong: dict) -> None:
    with pytest.raises(DataError):
        Data(**{"assignments": [{"x": 0}, {"x": 1}], "values": np.array([[1.0], [2.0]]), **wrong})


def test_data_is_frozen_and_leaves_its_source_alone() -> None:
    source = np.array([[1.0], [2.0]])
    data = Data([{"x": 0}, {"x": 1}], source)
    with pytest.raises(ValueError, match="read-only"):
        data.values[0, 0] = 9.0
    source[0, 0] = 5.0
    assert data.values[0, 0] == 1.0


def test_errors_keep_their_facts_through_pickling() -> None:
    error = pickle.loads(pickle.dumps(SpaceError("no", parameter="x", low=1)))
    assert (type(error), str(error), error.facts) == (SpaceError, "no", {"parameter": "x", "low": 1})
