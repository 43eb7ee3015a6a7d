"""A result from either door is read the same way, and whatever is wrong is said so that a person understands it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidInputError
from service.schemas.experiment import Definition, parse_experiment
from service.schemas.result import Result, check_result, parse_document, parse_message

DEFINITION: Definition = parse_experiment(
    {
        "name": "x",
        "parameters": [
            {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1}, "transformation": "log"},
            {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}, "conditions": {"family": "tree"}},
            {"name": "kernel", "type": "categorical", "categorical_values": ["rbf", "linear"]},
        ],
        "conditionals": [{"name": "family", "values": ["tree", "line"]}],
        "metrics": ["accuracy", {"name": "latency_ms", "objective": "minimize"}],
    }
)[1]
TREE = {"family": "tree", "rate": 0.1, "depth": 3, "kernel": "rbf"}
VALUES = [{"name": "accuracy", "value": 0.9, "value_stddev": 0.01}, {"name": "latency_ms", "value": 12}]


def of_json(**document: Any) -> Result:
    fields = {b"data": json.dumps({"experiment": 12, **document}).encode()}
    return check_result(parse_message(fields, message_id="1-0"), DEFINITION)


def of_flat(**fields: str) -> Result:
    raw = {name.replace("__", ".").encode(): text.encode() for name, text in fields.items()}
    return check_result(parse_message({b"experiment": b"12", **raw}, message_id="1-0"), DEFINITION)


def test_the_shell_s_form_and_json_say_the_same() -> None:
    flat = of_flat(suggestion="7", accuracy="0.9", accuracy__stddev="0.01", latency_ms="12")
    document = of_json(suggestion="7", values=VALUES)
    assert flat == document
    assert flat.payload_hash == document.payload_hash
    assert (flat.experiment_id, flat.suggestion_id, flat.result_id) == (12, 7, "1-0")


def test_a_mapping_of_values_says_the_same_as_a_list() -> None:
    listed = of_json(suggestion=7, values=[{"name": "accuracy", "value": 0.9}, {"name": "latency_ms", "value": 12}])
    assert of_json(suggestion=7, values={"latency_ms": 12, "accuracy": 0.9}) == listed


def test_assignments_can_be_flat_too() -> None:
    flat = of_flat(
        assignments__family="tree",
        assignments__rate="0.1",
        assignments__depth="3",
        assignments__kernel="rbf",
        accuracy="0.9",
        accuracy__stddev="0.01",
        latency_ms="12",
    )
    assert flat == of_json(assignments=TREE, values=VALUES)
    assert isinstance((flat.assignments or {})["depth"], int)


def test_a_failure_has_no_values() -> None:
    assert of_flat(suggestion="7", failed="true").values == ()
    assert of_json(suggestion=7, failed=True).failed


def test_a_number_outside_the_bounds_is_taken_since_it_was_measured() -> None:
    assert (of_json(assignments={**TREE, "rate": 5.0}, values=VALUES).assignments or {})["rate"] == 5.0


def test_a_name_for_a_metric_that_has_none_is_refused_and_told_so() -> None:
    parameters = [{"name": "k", "type": "categorical", "categorical_values": ["a", "b"]}]
    nameless = parse_experiment({"name": "x", "parameters": parameters})[1]
    document = {"experiment": 12, "suggestion": 7, "values": [{"name": "accuracy", "value": 1}]}
    message = 'unknown metric "accuracy": the metric of this experiment has no name'
    with pytest.raises(InvalidInputError, match=message):
        check_result(parse_document(document, result_id="r"), nameless)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt metric": (
        {"suggestion": 7, "values": {"acuracy": 0.9}},
        "unknown metric 'acuracy'; did you mean 'accuracy'?",
    ),
    "missing metric": ({"suggestion": 7, "values": {"accuracy": 0.9}}, "metric 'latency_ms' is missing"),
    "metric twice": ({"suggestion": 7, "values": [VALUES[0], VALUES[0]]}, "stands twice"),
    "boolean": ({"suggestion": 7, "values": {"accuracy": True, "latency_ms": 1}}, "expected type number"),
    "text": ({"suggestion": 7, "values": {"accuracy": "0.9", "latency_ms": 1}}, "expected type number"),
    "huge whole number": ({"suggestion": 7, "values": {"accuracy": 10**400, "latency_ms": 1}}, "must be a number from"),
    "negative deviation": (
        {"suggestion": 7, "values": [{"name": "accuracy", "value": 1, "value_stddev": -1}, VALUES[1]]},
        "greater than or equal to 0",
    ),
    "values of a failure": ({"suggestion": 7, "failed": True, "values": VALUES}, "a failed observation has no values"),
    "neither": ({"values": VALUES}, "neither is there"),
    "both": ({"suggestion": 7, "assignments": TREE, "values": VALUES}, "both are there"),
    "misspelt field": ({"sugestion": 7, "values": VALUES}, "unknown field 'sugestion'; did you mean 'suggestion'?"),
    "unknown version": ({"suggestion": 7, "values": VALUES, "schema_version": 2}, "expected 1"),
    "failed is a word": ({"suggestion": 7, "failed": "yes"}, "failed must be true or false"),
    "missing parameter": (
        {"assignments": {"family": "tree", "rate": 0.1, "kernel": "rbf"}, "values": VALUES},
        "Missing assignment for parameter: depth",
    ),
    "unknown parameter": (
        {"assignments": {**TREE, "dept": 3}, "values": VALUES},
        "parameter does not exist: dept; did you mean 'depth'?",
    ),
    "parameter that does not matter": (
        {"assignments": {**TREE, "family": "line"}, "values": VALUES},
        "Do not provide assignment for unsatisfied parameter: depth",
    ),
    "unknown category": (
        {"assignments": {**TREE, "kernel": "rfb"}, "values": VALUES},
        "did you mean 'rbf'?",
    ),
    "fraction for an int": ({"assignments": {**TREE, "depth": 2.5}, "values": VALUES}, "expected type integer"),
    "log of nothing": ({"assignments": {**TREE, "rate": 0}, "values": VALUES}, "must be greater than 0"),
    "nested metadata": ({"suggestion": 7, "values": VALUES, "metadata": {"a": []}}, "metadata.a must be"),
    "experiment is a word": ({"experiment": "twelve", "suggestion": 7, "values": VALUES}, "is not an id"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_what_was_wrong_and_what_was_expected(case: str) -> None:
    document, words = REFUSED[case]
    with pytest.raises(InvalidInputError) as refused:
        of_json(**document)
    assert words in refused.value.message


RAW_REFUSED = {
    "not JSON": (b"{", "Malformed json"),
    "not an object": (b"[1]", "must be a JSON object"),
    "NaN": (b'{"experiment": 12, "suggestion": 7, "values": {"accuracy": NaN}}', "NaN is not JSON"),
    "overflow": (b'{"experiment": 12, "suggestion": 7, "values": {"accuracy": 1e999}}', "too large"),
    "twice the same key": (b'{"experiment": 12, "experiment": 13}', "Duplicate key"),
    "not UTF-8": (b'{"experiment": "\xff"}', "not UTF-8"),
    "NUL": (b'{"experiment": 12, "result_id": "a\\u0000b"}', "NUL"),
    "half a surrogate pair": (b'{"experiment": 12, "result_id": "\\ud800"}', "surrogate"),
    "deep nesting": (b'{"a":' * 30 + b"1" + b"}" * 30, "nested deeper"),
    "bottomless nesting": (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "Malformed json"),
    "digits without end": (b'{"experiment": ' + b"9" * 5000 + b"}", "Malformed json"),
    "a large message": (b'{"experiment": 12, "metadata": {"a": "' + b"x" * 300_000 + b'"}}', "larger than"),
}


@pytest.mark.parametrize("case", RAW_REFUSED)
def test_bytes_that_are_no_result_are_refused(case: str) -> None:
    data, words = RAW_REFUSED[case]
    with pytest.raises(InvalidInputError) as refused:
        parse_message({b"data": data}, message_id="1-0")
    assert words in refused.value.message


FLAT_REFUSED = {
    "misspelt metric": ({"suggestion": "7", "acuracy": "1"}, "unknown metric 'acuracy'; did you mean 'accuracy'?"),
    "not a number": ({"suggestion": "7", "accuracy": "good", "latency_ms": "1"}, "accuracy must be a number"),
    "NaN": ({"suggestion": "7", "accuracy": "nan", "latency_ms": "1"}, "accuracy must be a finite number"),
    "infinite": ({"suggestion": "7", "accuracy": "1e999", "latency_ms": "1"}, "accuracy must be a finite number"),
    "deviation alone": (
        {"suggestion": "7", "accuracy__stddev": "1", "latency_ms": "1"},
        "accuracy.stddev is there and accuracy is missing",
    ),
}


@pytest.mark.parametrize("case", FLAT_REFUSED)
def test_flat_fields_are_refused_in_the_same_words(case: str) -> None:
    fields, words = FLAT_REFUSED[case]
    with pytest.raises(InvalidInputError) as refused:
        of_flat(**fields)
    assert words in refused.value.message


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=60), max_size=6))
def test_no_bytes_whatever_end_in_anything_but_a_refusal_or_a_result(fields: dict[bytes, bytes]) -> None:
    with suppress(InvalidInputError):
        assert check_result(parse_message(fields, message_id="1-0"), DEFINITION).result_id


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"experiment": JSON_VALUES},
        optional=dict.fromkeys(("suggestion", "assignments", "values", "failed", "metadata", "result_id"), JSON_VALUES),
    )
)
def test_no_document_whatever_ends_in_anything_but_a_refusal_or_a_result(document: dict[str, Any]) -> None:
    with suppress(InvalidInputError):
        assert check_result(parse_document(document, result_id="r"), DEFINITION).result_id
