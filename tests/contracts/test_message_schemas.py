"""The contracts hold: schemas, the service's own reader and writers, and the thin client say the same thing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import redis as redis_client
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from service.db import Database
from service.errors import InvalidInputError
from service.fronts import NewFront, publish
from service.models import Event
from service.schemas.result import check_result, parse_document, parse_message
from service.webhooks.payloads import body_of
from tasks.stream import DEAD, STREAM, DeadLetter, ResultStream
from tests.contracts.contracts import SCHEMAS, check, experiment, fits, taken, taken_flat
from tests.factories import NOW, make_configuration, make_experiment
from tradespace import Result as SentResult


# -- the schemas themselves --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_and_its_examples_fit(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:tradespace:{name}:1"
    assert schema["description"]
    assert schema["examples"]
    for example in schema["examples"]:
        check(name, example)


# -- results in --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("example", SCHEMAS["result-message"]["examples"])
def test_the_service_takes_each_example_of_a_result(example: dict[str, Any]) -> None:
    assert taken(example).experiment_id == 12


@pytest.mark.parametrize("example", SCHEMAS["result-message-flat"]["examples"])
def test_the_service_takes_each_example_in_flat_fields(example: dict[str, str]) -> None:
    assert taken_flat(example).experiment_id == 12


def test_the_flat_form_and_the_json_form_mean_the_same() -> None:
    flat = {"experiment": "12", "suggestion": "7", "accuracy": "0.9", "accuracy.stddev": "1e-2", "latency_ms": "12"}
    document = {
        "experiment": 12,
        "suggestion": 7,
        "values": [
            {"name": "accuracy", "value": 0.9, "value_stddev": 0.01},
            {"name": "latency_ms", "value": 12},
            {"name": "cost_usd", "value": 0.8},
        ],
    }
    assert taken_flat({**flat, "cost_usd": "+.8"}) == taken(document)


VALUES = {"accuracy": 0.9, "latency_ms": 12, "cost_usd": 0.8}
GOOD = {"experiment": "12", "suggestion": "7", "values": VALUES}
STILL_GOOD: dict[str, dict[str, Any]] = {
    "null for a missing key": {**GOOD, "assignments": None, "metadata": None, "result_id": None},
    "ids as numbers": {**GOOD, "experiment": 12, "suggestion": 7},
    "the version": {**GOOD, "schema_version": 1},
    "an unknown deviation": {
        **GOOD,
        "values": [{"name": n, "value": v, "value_stddev": None} for n, v in VALUES.items()],
    },
    "what a reply says": {
        **GOOD,
        "values": [{"object": "metric_evaluation", "name": n, "value": v} for n, v in VALUES.items()],
    },
    "a failure with no values": {"experiment": "12", "suggestion": "7", "failed": True, "values": []},
    "not failed": {**GOOD, "failed": False},
    "null for false": {**GOOD, "failed": None, "partial": None, "task": None},
    "a part of the metrics": {**GOOD, "partial": True, "values": {"latency_ms": 12}},
    "the largest number there is": {**GOOD, "values": {**VALUES, "accuracy": -1.7976931348623157e308}},
    "metadata of every kind": {**GOOD, "metadata": {"a": "x", "b": 1.5, "c": 3, "d": None}},
    "a long result id": {**GOOD, "result_id": "ä" * 128},
}
BAD: dict[str, dict[str, Any]] = {
    "no experiment": {"suggestion": "7", "values": VALUES},
    "an experiment by name": {**GOOD, "experiment": "digits"},
    "experiment zero": {**GOOD, "experiment": 0},
    "an id of 20 digits": {**GOOD, "experiment": "1" * 20},
    "an id as a truth value": {**GOOD, "suggestion": True},
    "an id as a fraction": {**GOOD, "suggestion": 7.5},
    "neither suggestion nor assignments": {"experiment": "12", "values": VALUES},
    "both suggestion and assignments": {**GOOD, "assignments": {"family": "svm", "depth": 3, "rate": 0.1}},
    "assignments as a list": {"experiment": "12", "assignments": [1], "values": VALUES},
    "a truth value assigned": {"experiment": "12", "assignments": {"family": "svm", "depth": True, "rate": 0.1}},
    "no values": {"experiment": "12", "suggestion": "7"},
    "an empty list of values": {**GOOD, "values": []},
    "an empty object of values": {**GOOD, "values": {}},
    "values as a number": {**GOOD, "values": 0.9},
    "a text for a value": {**GOOD, "values": {**VALUES, "accuracy": "0.9"}},
    "a truth value for a value": {**GOOD, "values": {**VALUES, "accuracy": True}},
    "null for a value": {**GOOD, "values": {**VALUES, "accuracy": None}},
    "a value too far out": {**GOOD, "values": {**VALUES, "accuracy": 10**309}},
    "a negative deviation": {**GOOD, "values": [{"name": "accuracy", "value": 1, "value_stddev": -1}]},
    "an unknown key of a value": {**GOOD, "values": [{"name": "accuracy", "value": 1, "stddev": 1}]},
    "no value in a value": {**GOOD, "values": [{"name": "accuracy"}]},
    "values of a failure": {**GOOD, "failed": True},
    "a word for failed": {**GOOD, "failed": "yes"},
    "a word for partial": {**GOOD, "partial": "yes"},
    "a partial one without values": {**GOOD, "partial": True, "values": {}},
    "a task of a suggestion": {**GOOD, "task": "cheap"},
    "a number for a task": {"experiment": "12", "assignments": {"family": "svm"}, "values": VALUES, "task": 1},
    "a mistyped key": {**GOOD, "sugestion": "7"},
    "another version": {**GOOD, "schema_version": 2},
    "an empty result id": {**GOOD, "result_id": ""},
    "a result id of two lines": {**GOOD, "result_id": "a\nb"},
    "a result id too long": {**GOOD, "result_id": "x" * 129},
    "a number for a result id": {**GOOD, "result_id": 7},
    "nested metadata": {**GOOD, "metadata": {"a": {}}},
    "truth in metadata": {**GOOD, "metadata": {"a": True}},
    "a list of metadata": {**GOOD, "metadata": []},
    "too much metadata": {**GOOD, "metadata": {str(number): number for number in range(101)}},
}


@pytest.mark.parametrize("case", STILL_GOOD)
def test_what_the_schema_allows_the_service_takes(case: str) -> None:
    check("result-message", STILL_GOOD[case])
    assert taken(STILL_GOOD[case]).experiment_id == 12


@pytest.mark.parametrize("case", BAD)
def test_what_the_schema_forbids_the_service_refuses(case: str) -> None:
    assert not fits("result-message", BAD[case])
    with pytest.raises(InvalidInputError):
        taken(BAD[case])


FLAT = {"experiment": "12", "suggestion": "7", "accuracy": "0.9", "latency_ms": "12", "cost_usd": "0.8"}
BAD_FLAT = {
    "no experiment": {name: value for name, value in FLAT.items() if name != "experiment"},
    "neither suggestion nor assignments": {name: value for name, value in FLAT.items() if name != "suggestion"},
    "both suggestion and assignments": {**FLAT, "assignments.depth": "3"},
    "a word for a metric": {**FLAT, "accuracy": "high"},
    "NaN": {**FLAT, "accuracy": "nan"},
    "infinity": {**FLAT, "accuracy": "-inf"},
    "nothing for a metric": {**FLAT, "accuracy": ""},
    "no metrics": {"experiment": "12", "suggestion": "7"},
    "metrics of a failure": {**FLAT, "failed": "true"},
    "a word for failed": {**FLAT, "failed": "maybe"},
    "a word for partial": {**FLAT, "partial": "maybe"},
    "a partial one without metrics": {"experiment": "12", "suggestion": "7", "partial": "true"},
    "a task of a suggestion": {**FLAT, "task": "cheap"},
    "a version": {**FLAT, "schema_version": "two"},
    "an empty result id": {**FLAT, "result_id": ""},
}


@pytest.mark.parametrize("case", BAD_FLAT)
def test_what_the_flat_schema_forbids_the_service_refuses(case: str) -> None:
    assert not fits("result-message-flat", BAD_FLAT[case])
    with pytest.raises(InvalidInputError):
        taken_flat(BAD_FLAT[case])


numbers = st.one_of(st.integers(-(2**63) + 1, 2**63 - 1), st.floats(-1e100, 1e100))
deviations = st.one_of(st.none(), st.floats(0, 1e100))
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(
    values=st.dictionaries(words, st.one_of(numbers, st.tuples(numbers, deviations)), min_size=1, max_size=4),
    configuration=st.one_of(
        st.fixed_dictionaries({"suggestion": st.integers(1, 2**62)}),
        st.fixed_dictionaries({"assignments": st.dictionaries(words, st.one_of(numbers, words), min_size=1)}),
    ),
    failed=st.booleans(),
    metadata=st.one_of(st.none(), st.dictionaries(words, st.one_of(st.none(), numbers, words))),
)
def test_whatever_the_thin_client_takes_fits_the_schema(
    values: Any, configuration: Any, failed: bool, metadata: Any
) -> None:
    result = SentResult(12, None if failed else values, **configuration, failed=failed, metadata=metadata)
    message = json.loads(json.dumps(result.message()))
    check("result-message", message)
    assert parse_document(message, result_id="other").result_id == result.result_id


# -- what comes out ----------------------------------------------------------------------------------------------------
def test_a_dead_letter_in_the_stream_fits_its_schema(redis: redis_client.Redis, redis_url: str) -> None:
    stream = ResultStream(redis_url, "contract")
    stream.create_group()
    redis.xadd(STREAM, {"experiment": "12", "suggestion": "7", "acuracy": "0.9"})
    (entry,) = stream.read(count=10)
    with pytest.raises(InvalidInputError) as refused:
        check_result(parse_message(entry.fields, message_id=entry.id), experiment())
    raw = {name.decode(): value.decode() for name, value in entry.fields.items()}
    stream.finish([entry.id], [DeadLetter(entry.id, refused.value.code, refused.value.message, raw)])
    stream.close()
    ((_, fields),) = redis.xrange(DEAD)
    letter = {name.decode(): value.decode() for name, value in fields.items()}
    check("dead-letter", letter)
    assert json.loads(letter["raw"]) == {"experiment": "12", "suggestion": "7", "acuracy": "0.9"}


FRONT_CHANGED = {
    "generation": 57,
    "observation_count": 57,
    "hypervolume": None,
    "size": 2,
    "added": ["88", "91"],
    "removed": [],
}


def event(kind: str, data: dict[str, Any]) -> Event:
    return Event(id=341, client_id=1, experiment_id=12, type=kind, data=data, created_at=datetime.now(UTC))


def test_what_a_webhook_sends_fits_its_schema() -> None:
    check("webhook-front-changed", json.loads(body_of(event("front.changed", FRONT_CHANGED))))
    ready = {"model_generation": 57, "count": 4}
    check("webhook-suggestion-ready", json.loads(body_of(event("suggestion.ready", ready))))


def test_what_the_worker_records_of_a_front_fits_the_schema(database: Database) -> None:
    with database.write() as session:
        row = make_experiment(session)
        configurations = [make_configuration(session, row, {"accuracy": 0.9, "latency_ms": ms}) for ms in (5, 6)]
        for generation, on_front in enumerate((configurations[1:], configurations[:1]), start=1):
            front = NewFront(
                generation=generation,
                observation_count=generation,
                feasible_count=1,
                infeasible_count=0,
                hypervolume=0.5,
                ref_point=[],
                points=[{"configuration": one.id, "values": {}} for one in on_front],
                progress=[],
            )
            assert publish(session, row, front, now=NOW)
        bodies = [json.loads(body_of(one)) for one in session.scalars(sa.select(Event).order_by(Event.id))]
        sent = [body for body in bodies if body["type"] == "front.changed"]
        ids = [str(one.id) for one in configurations]
    for body in sent:
        check("webhook-front-changed", body)
    assert [body["data"]["added"] for body in sent] == [ids[1:], ids[:1]]
    assert sent[0]["data"]["sequence"] < sent[1]["data"]["sequence"]


def test_a_webhook_too_large_to_send_whole_still_fits_its_schema() -> None:
    many = {**FRONT_CHANGED, "added": [str(number) for number in range(10_000)]}
    sent = json.loads(body_of(event("front.changed", many)))
    check("webhook-front-changed", sent)
    assert sent["data"]["omitted"] == ["added", "removed"]


@pytest.mark.parametrize("missing", ["generation", "added", "experiment", "sequence"])
def test_a_webhook_that_lacks_something_does_not_fit(missing: str) -> None:
    sent = json.loads(body_of(event("front.changed", FRONT_CHANGED)))
    del sent["data"][missing]
    assert not fits("webhook-front-changed", sent)
