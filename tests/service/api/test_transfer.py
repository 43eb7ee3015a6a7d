"""A whole experiment goes out and comes in again; tables come in; what is wrong is named before anything is stored."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.transfer import imports
from tests.service.api.conftest import Api


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough: what a transfer stores goes through use cases that are tested on both."""
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


SPACE = {
    "name": "everything",
    "parameters": [
        {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1}, "transformation": "log"},
        {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}, "conditions": {"family": ["tree", "forest"]}},
        {"name": "batch", "type": "int", "grid": [8, 16, 64]},
        {"name": "kind", "type": "categorical", "categorical_values": ["=1+1", "b"]},
    ],
    "conditionals": [{"name": "family", "values": ["tree", "forest", "line"]}],
    "linear_constraints": [
        {
            "type": "less_than",
            "threshold": 100,
            "terms": [{"name": "rate", "weight": 1}, {"name": "batch", "weight": 1}],
        }
    ],
    "metrics": [
        {"name": "accuracy", "threshold": 0.5},
        {"name": "latency_ms", "objective": "minimize"},
        {"name": "memory", "strategy": "constraint", "objective": "minimize", "threshold": 10},
        {"name": "note", "strategy": "store"},
    ],
    "observation_budget": 30,
    "parallel_bandwidth": 2,
    "metadata": {"team": "search", "n": 3},
    "seed": 11,
}
TREE = {"rate": 0.01, "depth": 3, "batch": 8, "kind": "=1+1", "family": "tree"}
LINE = {"rate": 0.1, "batch": 64, "kind": "b", "family": "line"}


def filled(api: Api) -> str:
    """An experiment with everything in it; return its id."""
    reply = api.post("/v1/experiments", SPACE)
    assert reply.status_code == 200, reply.text
    path = f"/v1/experiments/{reply.json['id']}"  # type: ignore[index]
    api.post(f"{path}/queued_suggestions", {"assignments": LINE})
    suggestion = api.post(f"{path}/suggestions", {"assignments": TREE, "metadata": {"by": "hand"}}).json
    api.post(f"{path}/suggestions", {"assignments": LINE})
    values = [{"name": name, "value": value} for name, value in VALUES.items()]
    values[0]["value_stddev"] = 0.01
    for body in (
        {"suggestion": suggestion["id"], "values": values, "metadata": {"host": "-a", "n": 1.5}},  # type: ignore[index]
        {"assignments": LINE, "values": values, "result_id": "mine"},
        {"assignments": LINE, "failed": True},
    ):
        assert api.post(f"{path}/observations", body).status_code == 200
    return str(reply.json["id"])  # type: ignore[index]


VALUES = {"accuracy": 0.75, "latency_ms": 3.5, "memory": 1e-3, "note": -2.0}


def exported(api: Api, experiment: str) -> dict[str, Any]:
    reply = api.get(f"/v1/experiments/{experiment}/export")
    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    assert "attachment" in reply.headers["Content-Disposition"]
    return json.loads(reply.data)  # type: ignore[no-any-return]


def imported(api: Api, file: Any, path: str = "/v1/experiments/import") -> Any:
    data = file if isinstance(file, bytes) else json.dumps(file).encode()
    return api.post(path, data=data, content_type="application/json")


def without_ids(document: dict[str, Any]) -> dict[str, Any]:
    """What a round trip keeps: all but ids, the moment of the export and that of the experiment's making."""
    suggestions = {item["id"]: number for number, item in enumerate(document["suggestions"])}
    return {
        **{key: value for key, value in document.items() if key != "exported"},
        "experiment": {key: value for key, value in document["experiment"].items() if key != "created"},
        "suggestions": [{**item, "id": suggestions[item["id"]]} for item in document["suggestions"]],
        "observations": [
            {**item, "suggestion": suggestions[item["suggestion"]]} if "suggestion" in item else item
            for item in document["observations"]
        ],
    }


def test_what_was_exported_and_imported_is_exported_the_same_up_to_ids(api: Api) -> None:
    before = exported(api, filled(api))
    reply = imported(api, before)
    assert reply.status_code == 200, reply.text
    assert (reply.json["observations"], reply.json["suggestions"]) == (3, 3)
    after = exported(api, reply.json["experiment"])
    assert without_ids(after) == without_ids(before)
    shown = api.get(f"/v1/experiments/{reply.json['experiment']}").json
    assert shown["progress"]["observation_count"] == 3  # type: ignore[index]


def test_an_imported_experiment_goes_on_and_counts_a_result_that_it_has_once(api: Api) -> None:
    document = exported(api, filled(api))
    key = imported(api, {**document, "experiment": {**document["experiment"], "state": "active"}}).json["experiment"]
    api.work(key)
    assert api.get(f"/v1/experiments/{key}/front").json["points"]  # type: ignore[index]
    suggestion = api.post(f"/v1/experiments/{key}/suggestions").json
    assert suggestion["source"] == "queue"  # type: ignore[index]
    again = {"assignments": LINE, "values": [{"name": n, "value": v} for n, v in VALUES.items()], "result_id": "mine"}
    again["values"][0]["value_stddev"] = 0.01
    api.post(f"/v1/experiments/{key}/observations", again)
    assert api.get(f"/v1/experiments/{key}/observations").json["count"] == 3  # type: ignore[index]


def test_a_deleted_experiment_stays_deleted_and_a_name_may_be_given(api: Api) -> None:
    document = exported(api, filled(api))
    document["experiment"]["state"] = "deleted"
    key = imported(api, document, "/v1/experiments/import?name=other").json["experiment"]
    shown = api.get(f"/v1/experiments/{key}").json
    assert (shown["state"], shown["name"]) == ("deleted", "other")  # type: ignore[index]


def test_a_file_of_a_form_is_taken_as_the_body_is(api: Api) -> None:
    text = json.dumps(exported(api, filled(api))).encode()
    reply = api.post("/v1/experiments/import", data={"file": (io.BytesIO(text), "x.json")})
    assert (reply.status_code, reply.json["observations"]) == (200, 3)  # type: ignore[index]


def change(**more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {**document, **more}


def change_first(name: str, /, **more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {**document, name: [{**document[name][0], **more}, *document[name][1:]]}


SPOILT: tuple[tuple[Callable[[dict[str, Any]], Any], str | None], ...] = (
    (change(format="other"), ".format"),
    (change(version=2), ".version"),
    (change(more=1), ".more"),
    (change(experiment={}), ".experiment.name"),
    (change(experiment=[]), ".experiment"),
    (lambda document: {"format": document["format"]}, ".experiment"),
    (lambda document: {"observations": document["observations"]}, ".experiment"),
    (change_first("suggestions", state="pooled"), ".suggestions[0].state"),
    (change_first("suggestions", assignments={}), ".suggestions[0].assignments"),
    (change_first("suggestions", created="yesterday"), ".suggestions[0].created"),
    (change_first("observations", suggestion="99"), ".observations[0].suggestion"),
    (change_first("observations", suggestion={}), ".observations[0].suggestion"),
    (change_first("observations", values=[]), ".observations[0].values"),
    (change_first("observations", result_id=None), ".observations[0].result_id"),
    (change_first("observations", result_id="mine"), ".observations[1].result_id"),
    (change(observations=[7]), ".observations[0]"),
    (lambda _: b"", None),
    (lambda _: b'{"format": "trade', None),
    (lambda _: b'{"a": NaN}', None),
    (lambda _: b"\xff\xfe", None),
    (lambda _: b'{"observations": [{}', ".experiment"),
    (lambda _: b"[" * 100_000, None),
    (lambda _: b'{"exported": ' + b"[" * 100_000, None),
)


def test_what_is_wrong_is_named_and_nothing_is_stored(api: Api) -> None:
    document = exported(api, filled(api))
    for spoil, field in SPOILT:
        reply = imported(api, spoil(document))
        assert reply.status_code == 400, reply.text
        assert field is None or reply.json["errors"][0]["field"].startswith(field), reply.json
    assert api.get("/v1/experiments?state=all").json["count"] == 1  # type: ignore[index]


# -- tables ----------------------------------------------------------------------------------------------------------


def table(api: Api, experiment: str) -> str:
    reply = api.get(f"/v1/experiments/{experiment}/export?format=csv")
    assert (reply.status_code, reply.mimetype) == (200, "text/csv")
    return str(reply.data.decode())


def test_a_table_has_sigopts_columns_and_no_cell_that_is_a_formula(api: Api) -> None:
    header, first, *rest = table(api, filled(api)).splitlines()
    assert header == (
        "parameter-batch,parameter-depth,parameter-kind,parameter-rate,conditional-family,value-accuracy,"
        "value_stddev-accuracy,value-latency_ms,value_stddev-latency_ms,value-memory,value_stddev-memory,value-note,"
        "value_stddev-note,failed,created,metadata-host,metadata-n,id,result_id,partial"
    )
    assert first.startswith("8,3,'=1+1,0.01,tree,0.75,0.01,3.5,,0.001,,-2.0,,false,")
    assert ",'-a,1.5," in first
    assert len(rest) == 2


def test_a_table_comes_in_again_and_a_second_time_adds_nothing(api: Api) -> None:
    text = table(api, filled(api))
    target = f"/v1/experiments/{api.post('/v1/experiments', SPACE).json['id']}"  # type: ignore[index]
    counts = [api.post(f"{target}/import", data=text.encode()).json["stored"] for _ in range(2)]  # type: ignore[index]
    assert counts == [3, 0]
    again = api.get(f"{target}/export?format=csv").data.decode()
    assert without_id_column(again) == without_id_column(text)


def without_id_column(text: str) -> list[list[str]]:
    rows = [line.split(",") for line in text.splitlines()]
    place = rows[0].index("id")
    return [row[:place] + row[place + 1 :] for row in rows]


def test_plain_column_names_do_as_well(api: Api) -> None:
    key = api.experiment()
    text = b"x,y,accuracy,accuracy.stddev,latency_ms,metadata-run,failed\n.5,1,.9,.01,3,7,\n0,0,,,,,true\n\n"
    reply = api.post(f"/v1/experiments/{key}/import", data=text, content_type="text/csv")
    assert (reply.status_code, reply.json["stored"]) == (200, 2), reply.text  # type: ignore[index]
    failed, done = api.get(f"/v1/experiments/{key}/observations").json["data"]  # type: ignore[index]
    assert (failed["failed"], done["metadata"]) == (True, {"run": 7})
    assert done["values"][0]["value_stddev"] == 0.01


WRONG_TABLES = (
    (b"", "empty"),
    (b"x,y,acuracy\n", "did you mean 'accuracy'"),
    (b"x,x\n", "twice"),
    (b"x,y,accuracy,latency_ms\n1,1,1,1\n1,1,one,1\n", "line 3: accuracy must be a number"),
    (b"x,y,accuracy,latency_ms\n1,1,1,1,1\n", "line 2: 5 cells under 4 columns"),
    (b"x,y,accuracy,latency_ms\n1,1,1,\n", "line 2: "),
    (b"x,y,accuracy,latency_ms\n1,1,nan,1\n", "line 2: accuracy must be a finite number"),
    (b"x,y,failed\n1,1,maybe\n", "line 2: failed must be true or false"),
    (b"x,y,accuracy,latency_ms,result_id\n1,1,1,1,a\n1,1,1,1,a\n", "stands twice"),
    (b"x,\xff\n", "UTF-8"),
    (b'x,"y\n', "not CSV"),
    (b"x,y,accuracy,latency_ms,created\n1,1,1,1,soon\n", "line 2: .created is not a time"),
)


def test_a_table_that_is_wrong_is_refused_with_its_line_and_nothing_is_stored(api: Api) -> None:
    key = api.experiment()
    for text, words in WRONG_TABLES:
        reply = api.post(f"/v1/experiments/{key}/import", data=text)
        assert (reply.status_code, words in reply.json["message"]) == (400, True), reply.text  # type: ignore[index]
    assert api.get(f"/v1/experiments/{key}/observations").json["count"] == 0  # type: ignore[index]


def test_an_import_may_be_larger_than_other_requests_and_is_stored_in_steps(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    key = api.experiment()
    rows = "".join(f"0.{n},0.5,{n},{n}\n" for n in range(15, 20))
    text = f"x,y,accuracy,latency_ms\n{rows}".encode() + b"\n" * 1024 * 1024
    assert api.post(f"/v1/experiments/{key}/import", data=text).json["stored"] == 5  # type: ignore[index]
    document = exported(api, key)
    assert [item["values"][0]["value"] for item in document["observations"]] == list(range(15, 20))
    assert imported(api, json.dumps(document).encode() + b" " * 1024 * 1024).json["observations"] == 5


def test_others_experiments_and_forms_that_are_not_offered_are_refused(api: Api) -> None:
    key = api.experiment()
    assert api.get(f"/v1/experiments/{int(key) + 1}/export").status_code == 404
    assert api.post(f"/v1/experiments/{int(key) + 1}/import", data=b"x\n").status_code == 404
    assert api.get(f"/v1/experiments/{key}/export?format=xml").status_code == 400
    api.call("DELETE", f"/v1/experiments/{key}")
    assert api.post(f"/v1/experiments/{key}/import", data=b"x\n").status_code == 409


def test_tasks_composites_and_partial_results_make_the_round_trip(api: Api) -> None:
    body = {
        "name": "more",
        "parameters": [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}],
        "metrics": [
            {"name": "profit", "expression": "3 * sales - cost"},
            {"name": "sales", "strategy": "store"},
            {"name": "cost", "objective": "minimize"},
        ],
        "tasks": [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1}],
        "observation_budget": 20,
    }
    key = api.post("/v1/experiments", body).json["id"]  # type: ignore[index]
    sales, cost = {"name": "sales", "value": 2.0}, {"name": "cost", "value": 1.0}
    for more in ({"values": [sales, cost], "task": "full"}, {"values": [cost], "task": "cheap", "partial": True}):
        reply = api.post(f"/v1/experiments/{key}/observations", {"assignments": {"x": 0.5}, **more})
        assert reply.status_code == 200, reply.text
    assert api.post(f"/v1/experiments/{key}/suggestions").status_code == 200
    before = exported(api, key)
    reply = imported(api, before)
    assert reply.status_code == 200, reply.text
    assert without_ids(exported(api, reply.json["experiment"])) == without_ids(before)


def test_an_observation_whose_suggestion_was_put_away_goes_out_with_its_place_and_comes_in(api: Api) -> None:
    key = api.experiment()
    suggestion = api.post(f"/v1/experiments/{key}/suggestions").json["id"]  # type: ignore[index]
    values = [{"name": name, "value": 1.0} for name in ("accuracy", "latency_ms")]
    api.post(f"/v1/experiments/{key}/observations", {"suggestion": suggestion, "values": values})
    assert api.call("DELETE", f"/v1/experiments/{key}/suggestions/{suggestion}").status_code == 200
    before = exported(api, key)
    reply = imported(api, before)
    assert reply.status_code == 200, reply.text
    assert without_ids(exported(api, reply.json["experiment"])) == without_ids(before)


# -- a study of Optuna's ---------------------------------------------------------------------------------------------

JOURNAL = Path(__file__).parents[1] / "transfer" / "optuna" / "v5.0.journal"
NDJSON = "application/x-ndjson"
NEWLINE = b"\n"


def test_a_journal_of_optunas_comes_in_as_an_experiment(api: Api) -> None:
    reply = api.post("/v1/experiments/import?study=one&name=other", data=JOURNAL.read_bytes(), content_type=NDJSON)
    assert reply.status_code == 200, reply.text
    assert reply.json is not None
    assert (reply.json["observations"], reply.json["left_out"]) == (4, {"PRUNED": 1})
    shown = api.get(f"/v1/experiments/{reply.json['experiment']}").json
    assert shown is not None
    assert (shown["name"], shown["progress"]["observation_count"]) == ("other", 4)


def test_a_journal_is_known_by_its_first_line_as_well(api: Api) -> None:
    for data in (
        {"data": JOURNAL.read_bytes(), "content_type": "application/json"},
        {"data": {"file": (io.BytesIO(JOURNAL.read_bytes()), "optuna.journal")}},
        {"data": JOURNAL.read_bytes(), "content_type": NDJSON, "headers": {"Idempotency-Key": "one"}},
    ):
        reply = api.post("/v1/experiments/import?study=two", **data)
        assert (reply.status_code, reply.json["suggestions"]) == (200, 2), reply.text  # type: ignore[index]


def test_a_journal_that_cannot_come_in_says_why_and_nothing_is_stored(api: Api) -> None:
    text = JOURNAL.read_bytes()
    for data, query, field, words in (
        (text, "", "study", "'constrained'"),
        (text, "?study=none", "study", "'constrained'"),
        (text + b"{}\n", "?study=one", f"line {text.count(NEWLINE) + 1}", "is no operation"),
        (b"", "", "study", "there are none"),
        (b"rubbish\n", "", "line 1", "is not JSON"),
    ):
        reply = api.post(f"/v1/experiments/import{query}", data=data, content_type=NDJSON)
        assert reply.status_code == 400, reply.text
        error = reply.json["errors"][0]  # type: ignore[index]
        assert (error["field"], words in reply.json["message"]) == (field, True), reply.text  # type: ignore[index]
    assert api.get("/v1/experiments?state=all").json["count"] == 0  # type: ignore[index]
