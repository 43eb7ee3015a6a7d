"""AI experiments: runs that begin with a suggestion and end as an observation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from tests.service.api.conftest import Api

BODY: Final[Mapping[str, Any]] = {
    "name": "ai",
    "metrics": [{"name": "profit"}],
    "budget": 3,
    "parameters": [
        {"name": "a", "type": "int", "bounds": {"min": 1, "max": 50}},
        {"name": "b", "type": "double", "bounds": {"min": -50, "max": 0}},
        {"name": "c", "type": "categorical", "categorical_values": [{"name": "d"}, {"name": "e"}]},
    ],
}
WHOLE: Final = {"a": 7, "b": -1.5, "c": "e"}


#: What the database does is the same for both kinds: tests/service/runs and the tests without this mark see to that.
ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def project(api: Api) -> str:
    client = api.get("/v1/tokens/self").json["client"]
    assert api.post(f"/v1/clients/{client}/projects", {"id": "p", "name": "p"}).status_code == 200
    return f"/v1/clients/{client}/projects/p"


@pytest.fixture
def experiment(api: Api, project: str) -> str:
    """The path of an AI experiment."""
    reply = api.post(f"{project}/aiexperiments", dict(BODY))
    assert reply.status_code == 200, reply.text
    return f"/v1/aiexperiments/{reply.json['id']}"


def start(api: Api, experiment: str, **body: Any) -> dict[str, Any]:
    reply = api.post(f"{experiment}/training_runs", {"name": "run", **body})
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def tell(api: Api, run: Mapping[str, Any], **body: Any) -> dict[str, Any]:
    reply = api.call("MERGE", f"/v1/training_runs/{run['id']}", body)
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def observations(api: Api, experiment: str) -> list[dict[str, Any]]:
    key = experiment.rpartition("/")[2]
    return list(api.get(f"/v1/experiments/{key}/observations").json["data"])


def test_it_counts_runs_and_has_a_budget_of_them(api: Api, project: str, experiment: str) -> None:
    shown = api.get(experiment).json
    assert (shown["object"], shown["project"], shown["budget"]) == ("aiexperiment", "p", 3)
    assert not {"observation_budget", "development"} & shown.keys()
    assert shown["progress"]["remaining_budget"] == 3
    runs = [start(api, experiment) for _ in range(3)]
    tell(api, runs[0], state="failed")
    api.call("DELETE", f"/v1/training_runs/{runs[1]['id']}")
    progress = api.get(experiment).json["progress"]
    wanted = ("finished_run_count", "active_run_count", "total_run_count", "remaining_budget")
    assert tuple(progress[key] for key in wanted) == (1, 1, 2, 1)


def test_a_run_begins_with_a_suggestion_and_ends_as_its_observation(api: Api, experiment: str) -> None:
    run = start(api, experiment, assignments={"mine": 1}, metadata={"by": "me"})
    assert set(run["assignments"]) == {"a", "b", "c", "mine"}
    assert {name for name, meta in run["assignments_meta"].items() if meta["source"] == "SigOpt"} == {"a", "b", "c"}
    assert run["assignments_sources"]["SigOpt"] == {"object": "assignments_sources", "sort": 1, "default_show": True}
    tell(api, run, values={"profit": {"value": 4, "value_stddev": 0.5}, "other": {"value": 1}})
    assert observations(api, experiment) == []
    ended = tell(api, run, state="completed")
    (observation,) = observations(api, experiment)
    assert (ended["observation"], ended["finished"]) == (observation["id"], True)
    assert observation["suggestion"] == run["suggestion"]
    assert [(v["name"], v["value"], v["value_stddev"]) for v in observation["values"]] == [("profit", 4, 0.5)]
    tell(api, run, state="completed", values={"profit": {"value": 5}})  # a late word corrects it
    (observation,) = observations(api, experiment)
    assert [(v["value"], v["value_stddev"]) for v in observation["values"]] == [(5, None)]


@ON_SQLITE
def test_a_run_without_its_metrics_or_that_failed_is_a_failure(api: Api, experiment: str) -> None:
    for body in ({"state": "completed"}, {"state": "failed", "values": {"profit": {"value": 1}}}):
        tell(api, start(api, experiment), **body)
    assert [(o["failed"], o["values"]) for o in observations(api, experiment)] == [(True, [])] * 2


@ON_SQLITE
def test_assignments_of_ones_own_are_tried_as_they_are(api: Api, experiment: str) -> None:
    whole = start(api, experiment, assignments={**WHOLE, "mine": 1})
    assert whole["assignments"] == {**WHOLE, "mine": 1}
    assert whole["suggestion"] is not None
    part = start(api, experiment, assignments={"a": 1})
    assert (part["assignments"], part["suggestion"]) == ({"a": 1}, None)
    assert tell(api, part, state="completed")["observation"] is None  # nobody knows where it was measured
    tell(api, part, assignments=WHOLE, values={"profit": {"value": 2}}, state="completed")
    assert [(o["assignments"], o["failed"]) for o in observations(api, experiment)] == [(WHOLE, False)]
    over = start(api, experiment, assignments=WHOLE, values={"profit": {"value": 3}}, state="completed")
    assert (over["suggestion"], over["observation"] is not None, over["finished"]) == (None, True, True)


@ON_SQLITE
def test_a_run_that_left_its_suggestion_is_observed_where_it_ended(api: Api, experiment: str) -> None:
    run = start(api, experiment)
    tell(api, run, assignments=WHOLE, values={"profit": {"value": 1}}, state="completed")
    (observation,) = observations(api, experiment)
    assert (observation["assignments"], observation["suggestion"]) == (WHOLE, None)
    key = experiment.rpartition("/")[2]
    assert api.get(f"/v1/experiments/{key}/suggestions?state=open").json["count"] == 0


def test_an_archived_run_takes_its_observation_along_and_brings_it_back(api: Api, experiment: str) -> None:
    run = tell(api, start(api, experiment), values={"profit": {"value": 1}}, state="completed")
    api.call("DELETE", f"/v1/training_runs/{run['id']}")
    assert observations(api, experiment) == []
    tell(api, run, deleted=False)
    assert [o["id"] for o in observations(api, experiment)] == [run["observation"]]
    assert api.call("DELETE", f"{experiment}?include_runs=true").json == {}
    assert api.get(f"/v1/training_runs/{run['id']}").json["deleted"] is True
    assert api.get(experiment).json["state"] == "deleted"
    assert api.post(f"{experiment}/training_runs", {"name": "late"}).status_code == 400
    assert api.call("PUT", experiment, {"state": "active"}).json["state"] == "active"


@ON_SQLITE
def test_the_best_runs_are_those_of_the_front(api: Api, project: str) -> None:
    body = {**BODY, "metrics": [{"name": "revenue"}, {"name": "sales"}], "budget": 50}
    experiment = f"/v1/aiexperiments/{api.post(f'{project}/aiexperiments', body).json['id']}"
    made = [
        tell(api, start(api, experiment), values={"revenue": {"value": r}, "sales": {"value": s}}, state="completed")
        for r, s in ((0, 0), (10, 0), (0, 10), (7, 7), (5, 0), (0, 5))
    ]
    api.work(experiment.rpartition("/")[2])
    path = f"{experiment}/best_training_runs"
    assert [run["id"] for run in api.get(path).json["data"]] == [made[i]["id"] for i in (1, 3, 2)]
    walked, query = [], ""
    while query is not None:
        page = api.get(f"{path}?limit=1{query}").json
        assert page["count"] == 3
        walked += [run["id"] for run in page["data"]]
        query = page["paging"]["before"] and f"&before={page['paging']['before']}"
    assert walked == [made[i]["id"] for i in (1, 3, 2)]


def test_runs_of_an_experiment_are_found_by_it(api: Api, project: str, experiment: str) -> None:
    chosen, named = start(api, experiment), start(api, experiment, assignments=WHOLE)

    def found(*filters: Any) -> list[str]:
        text = json.dumps([{"field": f, "operator": "==", "value": v} for f, v in filters])
        page = api.get(f"{project}/training_runs", query_string={"filters": text}).json
        return [run["id"] for run in page["data"]]

    key = experiment.rpartition("/")[2]
    assert found(("experiment", key)) == [named["id"], chosen["id"]]
    assert found(("experiment", int(key)), ("optimized_suggestion", True)) == [chosen["id"]]
    assert found(("optimized_suggestion", False)) == [named["id"]]


@ON_SQLITE
def test_what_only_other_experiments_have_is_refused(api: Api, project: str, experiment: str) -> None:
    wrong: list[Mapping[str, Any]] = [
        {"observation_budget": 3}, {"project": "p"}, {"runs_only": True}, {"tasks": []}, {"metrics": ["profit"]},
        {"metrics": None}, {"name": None}, {"parameters": None}, {"budget": 0}, {"budget": "1"}, {"foo": 1},
    ]  # fmt: skip
    for change in wrong:
        assert api.post(f"{project}/aiexperiments", {**BODY, **change}).status_code == 400, change
    for change in ({"project": None}, {"project": "p"}, {"observation_budget": 3}, {"tasks": []}):
        assert api.call("PUT", experiment, change).status_code == 400, change
    assert api.post(f"{project}x/aiexperiments", dict(BODY)).status_code == 404
    assert api.get(f"/v1/aiexperiments/{api.experiment()}").status_code == 404
    key = experiment.rpartition("/")[2]
    for resource in ("observations", "suggestions"):
        assert api.post(f"/v1/experiments/{key}/{resource}", {}).status_code == 403, resource
    assert api.get(f"/v1/experiments/{key}").headers["Location"].endswith(experiment)


@ON_SQLITE
def test_it_changes_while_it_runs(api: Api, experiment: str) -> None:
    changes: list[dict[str, Any]] = [
        {"budget": 13}, {"budget": None}, {"metadata": {"x": 1}}, {"metadata": {}}, {"metadata": None},
        {"name": "new"}, {"parallel_bandwidth": 3}, {"parallel_bandwidth": None}, {"state": "deleted"},
        {"state": "active"},
    ]  # fmt: skip
    before = api.get(experiment).json
    assert {**api.call("PUT", experiment, {}).json, "updated": 0} == {**before, "updated": 0}
    for change in changes:
        reply: TestResponse = api.call("PUT", experiment, change)
        assert {key: reply.json[key] for key in change} == change
        assert api.get(experiment).json == reply.json


@ON_SQLITE
def test_lists_show_ai_experiments_and_those_of_a_project(api: Api, project: str, experiment: str) -> None:
    api.experiment()
    client, key = project.split("/")[3], experiment.rpartition("/")[2]
    for path in ("/v1/aiexperiments", f"/v1/clients/{client}/aiexperiments", f"{project}/aiexperiments"):
        page = api.get(f"{path}?search=AI&sort=recent&ascending=true").json
        assert ([item["id"] for item in page["data"]], page["count"]) == ([key], 1)
        assert page["data"][0] == api.get(experiment).json
        assert api.get(f"{path}?state=deleted").json["count"] == 0
