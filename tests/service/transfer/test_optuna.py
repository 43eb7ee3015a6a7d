"""Optuna's storages come in: each form, every state of a trial, and what cannot come in says why."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.errors import InvalidInputError
from service.transfer import Import, optuna
from service.transfer.optuna.space import space_of
from service.transfer.optuna.study import State, Study, Trial

FILES = Path(__file__).parent / "optuna"


@pytest.fixture(params=["v2.10.sql", "v5.0.sql", "v5.0.journal"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A storage as Optuna left it."""
    given = FILES / request.param
    if given.suffix == ".journal":
        return str(given)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as connection:
        connection.executescript(given.read_text(encoding="utf-8"))
    return str(tmp_path / "optuna.db")


def converted(study: Study) -> tuple[dict[str, Any], optuna.Report]:
    """The study as our JSON, checked by what takes it in."""
    file = io.StringIO()
    report = optuna.write(study, file)
    task = Import(io.BytesIO(file.getvalue().encode()), client_id=1)
    task.check()
    assert task.counts == {"suggestions": report.suggestions, "observations": report.observations, "runs": 0}
    return json.loads(file.getvalue()), report


def by_name(source: str) -> dict[str, Study]:
    return {study.name: study for study in optuna.studies(source)}


def test_every_trial_of_a_study_is_an_observation_or_a_suggestion(source: str) -> None:
    document, report = converted(by_name(source)["two"])
    assert (report.observations, report.suggestions, dict(report.left_out)) == (7, 2, {})
    experiment = document["experiment"]
    assert [metric["objective"] for metric in experiment["metrics"]] == ["maximize", "minimize"]
    assert experiment["metadata"] == {"team": "search", "fixed": "only"}
    assert experiment["conditionals"] == [{"name": "family", "values": ["tree", "line", "null"]}]
    parameters = {parameter.pop("name"): parameter for parameter in experiment["parameters"]}
    assert parameters == {
        "rate": {"type": "double", "bounds": {"min": 1e-4, "max": 1.0}, "transformation": "log"},
        "batch": {"type": "int", "grid": [8, 16, 24, 32, 40, 48, 56, 64]},
        "drop": {"type": "double", "grid": [0, 0.1, 0.2, 0.3, 0.4, 0.5]},
        "flag": {"type": "categorical", "categorical_values": ["true", "false"]},
        "depth": {"type": "int", "bounds": {"min": 1, "max": 9}, "conditions": {"family": ["tree"]}},
    }
    first, failed = document["observations"][0], document["observations"][6]
    assert first["assignments"]["rate"] == first["values"][0]["value"]
    assert first["values"][1]["value"] == first["assignments"]["batch"] + first["assignments"]["drop"]
    assert (first["metadata"], first["result_id"], failed["failed"]) == ({"host": "h0"}, "optuna-0", True)
    running, waiting = document["suggestions"]
    assert (running["state"], waiting["state"]) == ("open", "queued")
    assert waiting["assignments"] == {
        "family": "tree", "rate": 0.5, "batch": 16, "drop": 0.2, "flag": "true", "depth": 4
    }  # fmt: skip


def test_metrics_have_the_names_that_were_given_and_else_numbers(source: str) -> None:
    study = by_name(source)["two"]
    assert study.metric_names == study.system_attrs.get("study:metric_names", ["value_0", "value_1"])


def test_infinite_values_are_failures_and_pruned_trials_are_counted(source: str) -> None:
    study = by_name(source)["one"]
    document, report = converted(study)
    assert dict(report.left_out) == {"PRUNED": 1}
    assert [item.get("failed", False) for item in document["observations"]] == [False, False, True, False]
    assert document["experiment"]["metrics"] == [{"name": "value", "objective": "minimize"}]
    assert all(item["created"].startswith("2026-11-23T12:3") for item in document["observations"])


def test_constraints_become_constraint_metrics(source: str) -> None:
    document, _ = converted(by_name(source)["constrained"])
    limits = [metric for metric in document["experiment"]["metrics"] if metric.get("strategy") == "constraint"]
    assert [(metric["name"], metric["threshold"]) for metric in limits] == [("constraint_0", 0), ("constraint_1", 0)]
    values = {value["name"]: value["value"] for value in document["observations"][2]["values"]}
    assert (values["constraint_0"], values["constraint_1"]) == (1.0, -0.5)


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"name": "FloatDistribution", "attributes": {"low": low, "high": high, "step": None, "log": False}}


def test_ranges_that_grew_are_joined_and_what_nothing_explains_is_refused() -> None:
    trials = [
        Trial(0, State.COMPLETE, {"x": 0.1}, {"x": uniform(0, 1)}),
        Trial(1, State.COMPLETE, {"x": 1.5, "y": 0.5}, {"x": uniform(0.5, 2), "y": uniform(0, 1)}),
    ]
    with pytest.raises(InvalidInputError, match="parameter 'y' is there in some trials only"):
        space_of(trials)
    del trials[1].params["y"], trials[1].distributions["y"]
    assert space_of(trials).parameters == [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 2}}]
    trials[1].distributions["x"] = {"name": "Odd", "attributes": {}}
    with pytest.raises(InvalidInputError, match="'Odd'"):
        space_of(trials)
    with pytest.raises(InvalidInputError, match="no trial"):
        space_of([])


STARTED = b'{"op_code": 0, "study_name": "s", "directions": [1]}\n{"op_code": 4, "study_id": 0}\n'


def parameter(trial: int = 0, value: object = 0.5, **attributes: object) -> bytes:
    """A line that gives a trial a parameter."""
    given = {"low": 0, "high": 1, **attributes}
    distribution = json.dumps({"name": "FloatDistribution", "attributes": given})
    line = {"op_code": 5, "trial_id": trial, "param_name": "x", "param_value_internal": value}
    return json.dumps({**line, "distribution": distribution}).encode() + b"\n"


WRONG_LINES: tuple[bytes, ...] = (
    b"[]\n",
    b'{"op_code": []}\n',
    b'{"op_code": 4, "study_id": []}\n',
    b'{"op_code": 4, "study_id": 0, "datetime_start": "0001-01-01T00:00:00+23:00"}\n',
    b'{"op_code": 4, "study_id": 0, "values": [1, 2]}\n',
    b'{"op_code": 6, "trial_id": 0, "state": -1}\n',
    b'{"op_code": 6, "trial_id": -1, "state": 1}\n',
    b'{"op_code": 6, "trial_id": 0, "state": 1, "values": ["much"]}\n',
    b'{"op_code": 8, "trial_id": 0, "user_attr": 7}\n',
    b'{"op_code": 2, "study_id": 0, "user_attr": {"half": "\\ud800"}}\n',
    b'{"op_code": 0, "study_name": 7, "directions": [1]}\n',
    b'{"op_code": 0, "study_name": "t", "directions": []}\n',
    b'{"op_code": 5, "trial_id": 0, "param_name": "x", "param_value_internal": 0, "distribution": "{}"}\n',
    parameter(value="a"),
    parameter(value=float("inf")),
    parameter(low="a"),
    parameter(low=2),
    parameter(step=0),
    b"[" * 100_000 + b"\n",
    b"\xff\n",
)


@pytest.mark.parametrize("line", WRONG_LINES, ids=range(len(WRONG_LINES)))
def test_a_line_that_no_journal_has_is_named_by_its_number(line: bytes) -> None:
    with pytest.raises(InvalidInputError, match="line 3 ") as refused:
        optuna.read_journal(io.BytesIO(STARTED + line))
    assert refused.value.facts["field"] == "line 3"


def test_a_line_without_an_end_is_not_held_in_memory_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optuna.journal, "LONGEST_LINE", 1000)
    with pytest.raises(InvalidInputError, match="line 3 is longer than 1000"):
        optuna.read_journal(io.BytesIO(STARTED + b'{"op_code": 2, "more": "' + b"x" * 1000 + b'"}\n'))


def test_a_journal_with_any_of_its_parts_put_in_anothers_place_is_read_or_refused() -> None:
    lines = [json.loads(line) for line in (FILES / "v5.0.journal").read_bytes().splitlines()]
    parts = [value for line in lines for value in line.values()] + [None, -1, 1e400, 10**400, "", [], {}, [None]]
    dice = random.Random(7)
    outcomes = set()
    for _ in range(400):
        changed = [dict(line) for line in lines]
        line = dice.choice(changed)
        line[dice.choice(list(line))] = dice.choice(parts)
        text = b"".join(json.dumps(item).encode() + b"\n" for item in changed)
        try:
            for study in optuna.read_journal(io.BytesIO(text)):
                file = io.StringIO()
                optuna.write(study, file)
                Import(io.BytesIO(file.getvalue().encode()), client_id=1).check()
            outcomes.add("read")
        except InvalidInputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_times_without_a_zone_are_taken_as_utc() -> None:
    given = b'{"op_code": 4, "study_id": 0, "datetime_start": "2026-11-23T12:30:06"}\n'
    (study,) = optuna.read_journal(io.BytesIO(STARTED + given))
    assert str(study.trials[1].started_at) == "2026-11-23 12:30:06+00:00"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing\n", "line 1 is not JSON"),
        (b'{"op_code": 5, "trial_id": 3}\n', "line 1 is no operation"),
        (b"SQLite format 3\x00 and then rubbish", "cannot be read"),
    ],
)
def test_a_file_that_is_something_else_says_so(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InvalidInputError, match=words):
        optuna.studies(str(tmp_path / "x"))


def test_a_database_of_somebody_else_or_of_another_schema_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (a)")
    with pytest.raises(InvalidInputError, match="the table studies is missing"):
        optuna.studies(str(path))
    with closing(sqlite3.connect(tmp_path / "y.db")) as connection:
        connection.executescript((FILES / "v5.0.sql").read_text(encoding="utf-8"))
        connection.execute("UPDATE version_info SET schema_version = 99")
        connection.commit()
    with pytest.raises(InvalidInputError, match="schema version 99"):
        optuna.studies(f"sqlite:///{tmp_path / 'y.db'}")


def test_the_last_line_of_a_journal_may_be_cut_off(tmp_path: Path) -> None:
    text = (FILES / "v5.0.journal").read_bytes()
    (tmp_path / "j").write_bytes(text[:-20])
    assert len(optuna.studies(str(tmp_path / "j"))) == 3
