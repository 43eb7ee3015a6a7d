"""Experiments are changed, deleted and restored, by those alone who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from service import tokens
from service.models import Event, Experiment, Refresh
from tests.service.api.conftest import Api
from tests.support import new_client

NOW = datetime.now(UTC)

#: What changes an experiment: method and body.
WRITES: dict[str, tuple[str, Any]] = {"change": ("PUT", {"name": "mine"}), "delete": ("DELETE", None)}


def shown(api: Api, experiment: str) -> dict[str, Any]:
    return api.get(f"/v1/experiments/{experiment}").json  # type: ignore[return-value]


def test_a_deleted_experiment_stays_readable_and_leaves_the_list(api: Api) -> None:
    kept, deleted = api.experiment(name="kept"), api.experiment(name="deleted")
    reply = api.call("DELETE", f"/v1/experiments/{deleted}")
    assert (reply.status_code, reply.json) == (200, {})
    assert shown(api, deleted)["state"] == "deleted"
    listed = api.get("/v1/experiments").json
    assert listed is not None
    assert ([item["id"] for item in listed["data"]], listed["count"]) == ([kept], 1)


def test_a_deleted_experiment_takes_no_results_and_gives_no_suggestions(api: Api) -> None:
    experiment = api.experiment()
    api.call("DELETE", f"/v1/experiments/{experiment}")
    assert api.observe(experiment, 0.5, 0.5).status_code == 400
    assert api.post(f"/v1/experiments/{experiment}/suggestions").status_code == 400


def test_deleting_twice_is_deleting_once(api: Api) -> None:
    experiment = api.experiment()
    for include_runs in ("true", "False"):
        path = f"/v1/experiments/{experiment}?include_runs={include_runs}"
        assert api.call("DELETE", path).status_code == 200
    assert shown(api, experiment)["state"] == "deleted"


def test_include_runs_is_true_or_false(api: Api) -> None:
    experiment = api.experiment()
    for value in ("maybe", "1"):
        reply = api.call("DELETE", f"/v1/experiments/{experiment}", query_string={"include_runs": value})
        assert reply.status_code == 400
        assert reply.json["errors"][0]["field"] == "include_runs"  # type: ignore[index]
    assert shown(api, experiment)["state"] == "active"


@pytest.mark.parametrize("write", WRITES)
def test_who_may_only_read_changes_nothing(api: Api, write: str) -> None:
    method, body = WRITES[write]
    experiment = api.experiment()
    guest = api.post(f"/v1/experiments/{experiment}/tokens").json["token"]  # type: ignore[index]
    with api.database.write() as session:
        client_id = tokens.authenticate(session, api.secret, now=NOW).client_id
        reader = tokens.issue(session, client_id=client_id, name="reader", permission="read", now=NOW)[1]
    before = shown(api, experiment)
    for secret in (guest, reader):
        reply = api.call(method, f"/v1/experiments/{experiment}", body, auth=(secret, ""))
        assert (reply.status_code, reply.json["token_status"]) == (403, "invalid_permissions")  # type: ignore[index]
    assert shown(api, experiment) == before


@pytest.mark.parametrize("write", WRITES)
def test_what_is_not_yours_does_not_exist(make_app: Callable[..., Flask], api: Api, write: str) -> None:
    method, body = WRITES[write]
    experiment = api.experiment()
    with api.database.write() as session:
        secret = new_client(session, now=NOW)[1]
    stranger = Api(make_app(), api.database, secret)
    foreign = stranger.call(method, f"/v1/experiments/{experiment}", body)
    missing = stranger.call(method, "/v1/experiments/999999", body)
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json["message"] == f"No experiment {experiment}"  # type: ignore[index]
    assert shown(api, experiment)["state"] == "active"


def change(api: Api, experiment: str, **body: Any) -> dict[str, Any]:
    reply = api.call("PUT", f"/v1/experiments/{experiment}", body)
    assert reply.status_code == 200, reply.text
    return reply.json  # type: ignore[return-value]


def refreshed(api: Api, experiment: str) -> Refresh:
    with api.database.read() as session:
        return session.get_one(Refresh, int(experiment))


def test_a_change_touches_what_it_names_and_nothing_else(api: Api) -> None:
    experiment = api.experiment(observation_budget=10, parallel_bandwidth=2, metadata={"team": "search"})
    before = shown(api, experiment)
    after = change(
        api,
        experiment,
        name="renamed",
        observation_budget=30,
        parallel_bandwidth=None,
        metadata={"stage": 2, "nothing": None},
        no_optimize=True,
        project=None,
    )
    assert after == shown(api, experiment)
    assert after == {
        **before,
        "name": "renamed",
        "observation_budget": 30,
        "parallel_bandwidth": None,
        "metadata": {"stage": 2},
        "updated": after["updated"],
    }
    cleared = change(api, experiment, observation_budget=None, metadata=None)
    assert (cleared["observation_budget"], cleared["metadata"], cleared["name"]) == (None, None, "renamed")


def test_a_deleted_experiment_is_restored_with_all_it_had(api: Api) -> None:
    experiment = api.experiment()
    api.observe(experiment, 0.5, 0.5)
    api.call("DELETE", f"/v1/experiments/{experiment}")
    assert change(api, experiment, state="active")["progress"]["observation_count"] == 1
    assert api.observe(experiment, 0.6, 0.5).status_code == 200
    assert change(api, experiment, state="deleted")["state"] == "deleted"


@pytest.mark.parametrize("body", [{}, {"name": "renamed"}, {"state": "active"}])
def test_every_change_is_dated(api: Api, body: dict[str, Any]) -> None:
    experiment = api.experiment()
    with api.database.write() as session:
        session.get_one(Experiment, int(experiment)).updated_at = NOW - timedelta(days=1)
    before = shown(api, experiment)["updated"]
    assert change(api, experiment, **body)["updated"] >= before + 86_399
    assert shown(api, experiment)["created"] > before


def test_a_change_is_in_the_history_with_the_fields_it_named(api: Api) -> None:
    experiment = api.experiment()
    change(api, experiment, observation_budget=5, name="renamed")
    api.call("DELETE", f"/v1/experiments/{experiment}")
    api.call("DELETE", f"/v1/experiments/{experiment}")
    with api.database.read() as session:
        told = session.scalars(sa.select(Event.data).where(Event.type == "experiment.changed").order_by(Event.id)).all()
    assert told == [{"fields": ["name", "observation_budget"]}, {"fields": ["state"]}]


def test_new_thresholds_have_the_front_made_anew(api: Api) -> None:
    experiment = api.experiment()
    for number in range(12):
        api.observe(experiment, number / 12, (number * 5 % 12) / 12)
    api.work(experiment)
    front = api.get(f"/v1/experiments/{experiment}/front").json
    assert front is not None
    assert front["ref_point"]["latency_ms"]["inferred"] is True
    after = change(api, experiment, metrics=["accuracy", {"name": "latency_ms", "threshold": 1}])
    assert [metric["threshold"] for metric in after["metrics"]] == [None, 1.0]
    assert (after["progress"]["data_generation"], after["progress"]["observation_count"]) == (13, 12)
    api.work(experiment)
    row = refreshed(api, experiment)
    assert (row.front_generation, row.model_generation, row.last_error) == (13, 13, None)
    front = api.get(f"/v1/experiments/{experiment}/front").json
    assert front is not None
    assert front["ref_point"]["latency_ms"] == {"value": 1.0, "inferred": False}
    suggestion = api.post(f"/v1/experiments/{experiment}/suggestions").json
    assert suggestion is not None
    assert (suggestion["source"], suggestion["model_generation"]) == ("pool", 13)


def test_a_constraint_that_is_tightened_takes_points_off_the_front(api: Api) -> None:
    metrics = [{"name": "accuracy"}, {"name": "latency_ms", "objective": "minimize", "strategy": "constraint"}]
    experiment = api.experiment(metrics=[metrics[0], {**metrics[1], "threshold": 5}])
    api.observe(experiment, 0.3, 0.9)
    api.observe(experiment, 0.1, 0.1)
    api.work(experiment)
    assert shown(api, experiment)["progress"]["best_observation"]["assignments"]["x"] == 0.3
    change(api, experiment, metrics=[metrics[0], {**metrics[1], "threshold": 0.5}])
    api.work(experiment)
    assert shown(api, experiment)["progress"]["best_observation"]["assignments"]["x"] == 0.1


def test_a_threshold_stays_when_left_out_and_goes_with_null(api: Api) -> None:
    experiment = api.experiment(metrics=[{"name": "accuracy", "threshold": 0.5}, {"name": "cost", "threshold": 2}])
    after = change(api, experiment, metrics=[{"name": "cost", "threshold": None}, {"name": "accuracy"}])
    assert [metric["threshold"] for metric in after["metrics"]] == [0.5, None]


@pytest.mark.parametrize(
    "body", [{"name": "renamed"}, {"state": "active"}, {"metrics": ["latency_ms", {"name": "accuracy"}]}]
)
def test_what_changes_no_threshold_leaves_the_models_as_they_are(api: Api, body: dict[str, Any]) -> None:
    experiment = api.experiment()
    api.work(experiment)
    change(api, experiment, **body)
    row = refreshed(api, experiment)
    assert (row.data_generation, row.due_at) == (0, None)


def test_what_a_reply_says_of_the_metrics_can_be_sent_back(api: Api) -> None:
    experiment = api.experiment()
    metrics = shown(api, experiment)["metrics"]
    metrics[0]["threshold"] = 0.25
    assert change(api, experiment, metrics=metrics)["metrics"] == metrics


def test_the_threshold_of_a_metric_without_a_name_can_change(api: Api) -> None:
    experiment = api.experiment(metrics=None)
    assert change(api, experiment, metrics=[{"name": None, "threshold": 3}])["metrics"][0]["threshold"] == 3


METRICS = ["accuracy", {"name": "latency_ms", "objective": "minimize"}, {"name": "cost", "strategy": "store"}]

#: body -> words of the message, field
REFUSED: dict[str, tuple[Any, str, str]] = {
    "type": ({"type": "random"}, "can't be changed", ".type"),
    "conditionals": ({"conditionals": []}, "can't be changed", ".conditionals"),
    "linear constraints": ({"linear_constraints": []}, "can't be changed", ".linear_constraints"),
    "tasks": ({"tasks": []}, "can't be changed", ".tasks"),
    "number of solutions": ({"num_solutions": 3}, "can't be changed", ".num_solutions"),
    "strategy": ({"strategy": "log_ehvi"}, "can't be changed", ".strategy"),
    "no parameters": ({"parameters": []}, "greater than or equal to 1", ".parameters"),
    "parameters of nothing": ({"parameters": None}, "expected type array", ".parameters"),
    "a parameter of nothing": ({"parameters": ["x"]}, "expected type object", ".parameters[0]"),
    "another type": ({"parameters": [{"name": "x", "type": "int"}]}, 'it is "double"', ".parameters[0].type"),
    "another scale": (
        {"parameters": [{"name": "x", "transformation": "log"}]},
        "can't be changed",
        ".parameters[0].transformation",
    ),
    "a new parameter without a default": (
        {"parameters": [{"name": "x"}, {"name": "z", "type": "int", "bounds": {"min": 1, "max": 3}}]},
        "needs a default_value",
        ".parameters[1].default_value",
    ),
    "a default out of bounds": (
        {"parameters": [{"name": "x", "default_value": 1.5}]},
        "lies outside",
        ".parameters[0].default_value",
    ),
    "a parameter twice": ({"parameters": [{"name": "x"}, {"name": "x"}]}, "Duplicate name", ".parameters"),
    "budget": ({"budget": 3}, "see observation_budget", ".budget"),
    "project": ({"project": "p"}, "Could not assign to project `p`, the project does not exist.", ".project"),
    "misspelt": ({"nmae": "x"}, "did you mean 'name'?", ".nmae"),
    "no name": ({"name": None}, "Invalid type for .name", ".name"),
    "empty name": ({"name": ""}, ".name", ".name"),
    "state": ({"state": "odd"}, "is not one of the allowed values: active, deleted", ".state"),
    "no state": ({"state": None}, ".state", ".state"),
    "no budget at all": ({"observation_budget": 0}, ".observation_budget", ".observation_budget"),
    "bandwidth": ({"parallel_bandwidth": 1.5}, "expected type integer", ".parallel_bandwidth"),
    "metadata": ({"metadata": {"k": "x" * 501}}, "less than or equal to 500", ".metadata.k"),
    "no_optimize": ({"no_optimize": 1}, "expected type boolean", ".no_optimize"),
    "no metrics": ({"metrics": None}, "expected type array", ".metrics"),
    "too few metrics": ({"metrics": METRICS[:2]}, "cost missing", ".metrics"),
    "a metric twice": ({"metrics": [*METRICS, "cost"]}, "Duplicate metric", ".metrics"),
    "a new metric": ({"metrics": [*METRICS, "costs"]}, "did you mean 'cost'?", ".metrics[3].name"),
    "objective": (
        {"metrics": [{"name": "accuracy", "objective": "minimize"}, *METRICS[1:]]},
        "it is maximize, got minimize",
        ".metrics[0].objective",
    ),
    "metric's strategy": (
        {"metrics": [{"name": "accuracy", "strategy": "store"}, *METRICS[1:]]},
        "it is optimize, got store",
        ".metrics[0].strategy",
    ),
    "threshold of a stored metric": (
        {"metrics": [*METRICS[:2], {"name": "cost", "threshold": 1}]},
        "can't have a threshold",
        ".metrics[2].threshold",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_change_names_the_field_and_changes_nothing(api: Api, case: str) -> None:
    body, words, field = REFUSED[case]
    experiment = api.experiment(metrics=METRICS)
    before = shown(api, experiment)
    reply = api.call("PUT", f"/v1/experiments/{experiment}", {"observation_budget": 7, **body})
    assert reply.status_code == 400
    answer = reply.json
    assert answer is not None
    assert words in answer["message"]
    assert answer["errors"][0]["field"] == field
    assert shown(api, experiment) == before


def test_a_constraint_keeps_a_threshold(api: Api) -> None:
    constraint = {"name": "cost", "strategy": "constraint", "threshold": 1}
    experiment = api.experiment(metrics=["accuracy", constraint])
    reply = api.call(
        "PUT", f"/v1/experiments/{experiment}", {"metrics": ["accuracy", {**constraint, "threshold": None}]}
    )
    assert reply.status_code == 400
    assert reply.json["errors"][0]["field"] == ".metrics[1].threshold"  # type: ignore[index]
