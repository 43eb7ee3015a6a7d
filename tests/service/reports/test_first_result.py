"""The line that a waiting page shows is accepted as it stands, by the parser that reads the stream."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from objectives.metrics import Metric
from service.reports.first_result import redis_command, sample_assignments
from service.schemas.experiment import parse_experiment
from service.schemas.result import check_result, parse_message
from tests.service.reports.given import a_report

URL = "redis://127.0.0.1:8322/0"


def fields_of(command: str) -> dict[bytes, bytes]:
    words = shlex.split(command)
    told = words[words.index("*") + 1 :]
    return {name.encode(): value.encode() for name, value in zip(told[::2], told[1::2], strict=True)}


BODIES: list[dict[str, Any]] = [
    {
        "name": "plain",
        "parameters": [
            {"name": "rate", "type": "double", "bounds": {"min": 1e-5, "max": 1.0}, "transformation": "log"},
            {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}},
            {"name": "kind of model", "type": "categorical", "categorical_values": ["it's", "b"]},
            {"name": "batch", "type": "double", "grid": [8, 16, 32]},
        ],
        "metrics": [{"name": "accuracy"}, {"name": "latency_ms", "objective": "minimize", "threshold": 0.125}],
    },
    {
        "name": "conditional",
        "conditionals": [{"name": "family", "values": ["svm", "forest"]}],
        "parameters": [
            {"name": "c", "type": "double", "bounds": {"min": 0.001, "max": 0.0011}, "conditions": {"family": ["svm"]}},
            {"name": "trees", "type": "int", "bounds": {"min": 1, "max": 9}, "conditions": {"family": ["forest"]}},
        ],
        "metrics": [{"name": "accuracy"}],
    },
    {
        "name": "names that a flat message cannot carry",
        "parameters": [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}],
        "metrics": [{"name": "failed"}, {"name": "a.stddev"}, {"name": "assignments.x"}],
    },
    {"name": "one metric without a name", "parameters": [{"name": "x", "type": "int", "bounds": {"min": 0, "max": 3}}]},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body["name"])
def test_the_line_is_accepted_as_it_stands(body: dict[str, Any]) -> None:
    _, definition = parse_experiment(body)
    documents = definition.documents()
    metrics = tuple(Metric(m.name or "", m.objective, m.strategy, m.threshold) for m in definition.metrics)
    report = a_report(
        metrics,
        parameters=tuple(documents["parameters"]),
        conditionals=tuple(documents["conditionals"]),
        observations=0,
    )
    message = parse_message(fields_of(redis_command(report, URL)), message_id="1-0")
    result = check_result(message, definition)
    assert message.experiment_id == report.experiment_id
    assert {value.name for value in result.values} == {metric.name for metric in metrics}


def test_the_line_names_the_server_but_never_its_password() -> None:
    line = redis_command(a_report(), "rediss://:s3cret@cache.example:6390/2")
    assert "s3cret" not in line
    assert line.startswith("redis-cli -h cache.example -p 6390 -n 2 --tls --askpass XADD tradespace:results '*'")


def test_a_server_on_the_usual_port_of_this_machine_needs_no_options() -> None:
    assert redis_command(a_report(), "redis://localhost").startswith("redis-cli XADD ")


def test_a_hostile_name_stays_one_word_of_the_line() -> None:
    report = a_report((Metric("'; rm -rf / #"),))
    assert b"'; rm -rf / #" in fields_of(redis_command(report, URL))


def test_a_sample_lies_inside_the_bounds_however_narrow() -> None:
    narrow = {"name": "x", "type": "double", "bounds": {"min": 0.12345678, "max": 0.12345679}}
    sample = sample_assignments(a_report(parameters=(narrow,)))
    assert 0.12345678 <= sample["x"] <= 0.12345679
