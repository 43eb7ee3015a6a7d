"""A result is checked where it is made: what is wrong is named, with what was expected."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tradespace import InvalidInputError, Result, TradespaceError


def result(**change: Any) -> Result:
    given = {"experiment": 12, "values": {"accuracy": 0.91}, "suggestion": 7, "result_id": "r-1"}
    return Result(**{**given, **change})


def test_a_result_becomes_the_message_of_the_contract() -> None:
    message = result(values={"accuracy": 0.91, "latency_ms": (12.4, 0.3)}, metadata={"host": "a", "seed": 3}).message()
    assert message == {
        "experiment": "12",
        "suggestion": "7",
        "values": [
            {"name": "accuracy", "value": 0.91},
            {"name": "latency_ms", "value": 12.4, "value_stddev": 0.3},
        ],
        "result_id": "r-1",
        "metadata": {"host": "a", "seed": 3},
    }


def test_a_failed_trial_has_no_values() -> None:
    assert result(values=None, failed=True).body() == {"suggestion": "7", "failed": True}


def test_an_unknown_standard_deviation_is_left_out() -> None:
    assert result(values={"accuracy": (0.9, None)}).body()["values"] == [{"name": "accuracy", "value": 0.9}]


@pytest.mark.parametrize("half", [np.float32(0.5), np.float64(0.5), Fraction(1, 2), Decimal("0.5")])
def test_every_kind_of_number_is_a_number(half: Any) -> None:
    assert result(values={"accuracy": (half, half)}).body()["values"][0] == {
        "name": "accuracy",
        "value": 0.5,
        "value_stddev": 0.5,
    }


def test_whole_numbers_stay_whole() -> None:
    assignments = result(suggestion=None, assignments={"depth": np.int64(4), "rate": 0.1, "family": "svm"}).body()
    assert json.dumps(assignments["assignments"]) == '{"depth": 4, "rate": 0.1, "family": "svm"}'


def test_each_result_gets_an_id_of_its_own_and_later_ones_sort_later() -> None:
    ids = [Result(12, {"accuracy": 0.9}, suggestion=7).result_id for _ in range(100)]
    assert len(set(ids)) == 100
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)


WRONG = {
    "a missing value": ({"values": None}, "values", "a mapping of each metric"),
    "no values": ({"values": {}}, "values", "a mapping of each metric"),
    "NaN": ({"values": {"accuracy": float("nan")}}, "values.accuracy", "a finite number"),
    "infinity": ({"values": {"accuracy": float("inf")}}, "values.accuracy", "a finite number"),
    "a number too large": ({"values": {"accuracy": 10**400}}, "values.accuracy", "a finite number"),
    "a number too far out": ({"values": {"accuracy": 1e101}}, "values.accuracy", "a finite number"),
    "a signalling NaN": ({"values": {"accuracy": Decimal("sNaN")}}, "values.accuracy", "a finite number"),
    "a text for a number": ({"values": {"accuracy": "0.9"}}, "values.accuracy", "a finite number"),
    "a truth value": ({"values": {"accuracy": True}}, "values.accuracy", "a finite number"),
    "numpy's truth value": ({"values": {"accuracy": np.bool_(True)}}, "values.accuracy", "a finite number"),
    "an array": ({"values": {"accuracy": np.array([0.9])}}, "values.accuracy", "a finite number"),
    "a complex number": ({"values": {"accuracy": 1j}}, "values.accuracy", "a finite number"),
    "None as value": ({"values": {"accuracy": None}}, "values.accuracy", "a finite number"),
    "three for a pair": ({"values": {"accuracy": (1, 2, 3)}}, "values.accuracy", "(value, stddev)"),
    "a list for a pair": ({"values": {"accuracy": [1, 2]}}, "values.accuracy", "(value, stddev)"),
    "a negative deviation": ({"values": {"accuracy": (1, -1)}}, "values.accuracy.stddev", "not below zero"),
    "a NaN deviation": ({"values": {"accuracy": (1, float("nan"))}}, "values.accuracy.stddev", "not below zero"),
    "a nameless metric": ({"values": {"": 1}}, "a name in values", "1 to 100"),
    "a number for a name": ({"values": {3: 1}}, "a name in values", "a text"),
    "a list of values": ({"values": [0.9]}, "values", "a mapping"),
    "values of a failure": ({"failed": True}, "values", "none"),
    "a word for failed": ({"failed": "no"}, "failed", "True or False"),
    "neither": ({"suggestion": None}, "suggestion, assignments", "one of the two"),
    "both": ({"assignments": {"a": 1}}, "suggestion, assignments", "one of the two"),
    "no assignments": ({"suggestion": None, "assignments": {}}, "assignments", "a mapping"),
    "NaN assigned": ({"suggestion": None, "assignments": {"a": float("nan")}}, "assignments.a", "a finite number"),
    "a list assigned": ({"suggestion": None, "assignments": {"a": [1]}}, "assignments.a", "a text or a finite"),
    "a NUL": ({"suggestion": None, "assignments": {"a": "x\0"}}, "assignments.a", "without NUL"),
    "half a pair": ({"suggestion": None, "assignments": {"a": "x\ud800"}}, "assignments.a", "without NUL"),
    "a word for an id": ({"experiment": "digits"}, "experiment", "digits"),
    "zero for an id": ({"experiment": 0}, "experiment", "digits"),
    "a truth value for an id": ({"suggestion": True}, "suggestion", "digits"),
    "a float for an id": ({"suggestion": 7.0}, "suggestion", "digits"),
    "an empty result id": ({"result_id": ""}, "result_id", "1 to 128"),
    "a long result id": ({"result_id": "x" * 129}, "result_id", "128"),
    "a result id of two lines": ({"result_id": "a\nb"}, "result_id", "printable"),
    "nested metadata": ({"metadata": {"a": {}}}, "metadata.a", "a text, a number or None"),
    "a list of metadata": ({"metadata": ["a"]}, "metadata", "a mapping"),
    "long metadata": ({"metadata": {"a": "x" * 501}}, "metadata.a", "500"),
    "too much metadata": ({"metadata": {str(i): i for i in range(101)}}, "metadata", "100"),
    "too long a message": ({"values": {f"{i:0>99}": i for i in range(3000)}}, "message", "262144 bytes"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_sent_is_named_with_what_was_expected(case: str) -> None:
    change, field, expected = WRONG[case]
    with pytest.raises(InvalidInputError) as caught:
        result(**change)
    assert caught.value.field == field
    assert expected in caught.value.expected
    assert str(caught.value).startswith(f"{field}: expected ")
    assert len(str(caught.value)) < 300
    assert isinstance(caught.value, TradespaceError)
    assert isinstance(caught.value, ValueError)


def test_checking_a_result_does_not_change_what_was_handed_in() -> None:
    values = {"accuracy": (0.9, None)}
    assignments = {"depth": np.int64(4)}
    result(values=values, suggestion=None, assignments=assignments).message()
    assert values == {"accuracy": (0.9, None)}
    assert type(assignments["depth"]) is np.int64


def test_a_result_is_what_it_was_when_it_was_made_and_travels_between_processes() -> None:
    values = {"accuracy": 0.9}
    made = result(values=values)
    values["accuracy"] = float("nan")
    assert json.loads(made.data)["values"] == [{"name": "accuracy", "value": 0.9}]
    again = pickle.loads(pickle.dumps(result()))
    assert (again, again.data) == (result(), result().data)
