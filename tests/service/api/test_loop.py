"""Create, suggest, observe: in the shapes that SigOpt's clients read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.service.api.conftest import Api


def test_an_experiment_is_made_and_shown_in_every_key_of_the_contract(api: Api) -> None:
    made = api.post(
        "/v1/experiments",
        {
            "name": "classifier",
            "parameters": [
                {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1}, "transformation": "log"},
                {"name": "kernel", "type": "categorical", "categorical_values": ["rbf", "linear"]},
                {"name": "batch", "type": "int", "grid": [8, 16], "conditions": {"family": "net"}},
            ],
            "conditionals": [{"name": "family", "values": ["net", "tree"]}],
            "metrics": [{"name": "accuracy"}, {"name": "cost", "objective": "minimize", "threshold": 3}],
            "observation_budget": 30,
            "parallel_bandwidth": 2,
            "metadata": {"team": "search", "empty": None},
        },
    ).json
    assert made is not None
    shown = api.get(f"/v1/experiments/{made['id']}").json
    assert shown == made
    assert set(made) >= {
        "client", "conditionals", "created", "development", "id", "linear_constraints", "metadata", "metrics", "name",
        "num_solutions", "object", "observation_budget", "parallel_bandwidth", "parameters", "progress", "project",
        "runs_only", "state", "type", "updated", "user",
    }  # fmt: skip
    assert made["metadata"] == {"team": "search"}
    batch, kernel, rate = made["parameters"]
    assert (batch["grid"], batch["conditions"]) == ([8, 16], {"family": ["net"]})
    assert batch["bounds"] == {"object": "bounds", "min": 8.0, "max": 16.0}
    assert kernel["categorical_values"][0] == {"object": "categorical_value", "name": "rbf", "enum_index": 1}
    assert rate["bounds"] == {"object": "bounds", "min": 0.0001, "max": 1.0}
    assert "grid" not in rate
    assert made["metrics"][1] == {
        "object": "metric",
        "name": "cost",
        "objective": "minimize",
        "strategy": "optimize",
        "threshold": 3.0,
    }


def test_what_clients_send_along_unused_is_taken(api: Api) -> None:
    unused = ("project", "num_solutions", "tasks", "runs_only", "conditionals", "linear_constraints", "metadata")
    nothing = dict.fromkeys((*unused, "type", "observation_budget", "parallel_bandwidth"))
    assert api.experiment(**nothing)


def test_the_loop_of_a_client_ends_with_a_front(api: Api) -> None:
    experiment = api.experiment()
    sources = []
    for _ in range(10):
        api.work(experiment)
        suggestion = api.post(f"/v1/experiments/{experiment}/suggestions").json
        assert suggestion is not None
        sources.append((suggestion["source"], suggestion["strategy"]))
        assert suggestion["model_generation"] == suggestion["data_generation"]
        x, y = suggestion["assignments"]["x"], suggestion["assignments"]["y"]
        values = [{"name": "accuracy", "value": 1 - (x - 0.3) ** 2}, {"name": "latency_ms", "value": x + y}]
        observed = api.post(
            f"/v1/experiments/{experiment}/observations", {"suggestion": suggestion["id"], "values": values}
        ).json
        assert observed is not None
        assert (observed["suggestion"], observed["failed"]) == (suggestion["id"], False)
        assert observed["source"] == "http"
        assert observed["assignments"] == suggestion["assignments"]
    assert {source for source, _ in sources} == {"pool"}
    assert sources[-1][1] == "log_ehvi"
    api.work(experiment)
    best = api.get(f"/v1/experiments/{experiment}/best_assignments").json
    assert best is not None
    assert best["object"] == "pagination"
    assert best["count"] == len(best["data"]) > 0
    accuracies = [item["values"][0]["value"] for item in best["data"]]
    assert accuracies == sorted(accuracies, reverse=True)
    progress = api.get(f"/v1/experiments/{experiment}").json["progress"]  # type: ignore[index]
    assert progress["observation_count"] == 10
    assert progress["best_observation"] is None
    assert int(progress["first_observation"]["id"]) < int(progress["last_observation"]["id"])


def test_the_front_comes_with_what_to_take(api: Api) -> None:
    experiment = api.experiment()
    for number in range(12):
        api.observe(experiment, number / 12, (number * 5 % 12) / 12)
    api.work(experiment)
    front = api.get(f"/v1/experiments/{experiment}/front").json
    assert front is not None
    assert front["generation"] == front["data_generation"] == 12
    assert front["ref_point"]["accuracy"]["inferred"] is True
    assert front["hypervolume"] > 0
    assert front["recommended"]["id"] in {point["id"] for point in front["points"]}
    assert front["recommended"]["sentence"].startswith("After 12 trials")


def test_a_single_metric_has_a_best_observation(api: Api) -> None:
    experiment = api.experiment(metrics=[{"name": "accuracy"}])
    for x in (0.1, 0.3, 0.9):
        api.observe(experiment, x, 0.5, accuracy=1 - (x - 0.3) ** 2)
    api.work(experiment)
    best = api.get(f"/v1/experiments/{experiment}").json["progress"]["best_observation"]  # type: ignore[index]
    assert best["assignments"]["x"] == 0.3


def test_a_metric_without_a_name_is_reported_without_one(api: Api) -> None:
    body = {"name": "x", "parameters": [{"name": "a", "type": "double", "bounds": {"min": 0, "max": 1}}]}
    experiment = api.post("/v1/experiments", body).json["id"]  # type: ignore[index]
    path = f"/v1/experiments/{experiment}/observations"
    observed = api.post(path, {"assignments": {"a": 0.5}, "values": [{"value": 3}]})
    assert observed.json["values"] == [  # type: ignore[index]
        {"object": "metric_evaluation", "name": None, "value": 3.0, "value_stddev": None}
    ]
    api.work(experiment)
    best = api.get(f"/v1/experiments/{experiment}/best_assignments").json["data"]  # type: ignore[index]
    assert best[0]["values"][0]["name"] is None


def test_suggestions_come_while_no_worker_lives(api: Api) -> None:
    experiment = api.experiment()
    replies = [api.post(f"/v1/experiments/{experiment}/suggestions").json for _ in range(6)]
    assert {reply["source"] for reply in replies if reply} == {"quasi_random"}
    assert len({str(reply["assignments"]) for reply in replies if reply}) == 6
    assert all(reply["model_generation"] is None for reply in replies if reply)


def test_a_person_s_queue_goes_first(api: Api) -> None:
    experiment = api.experiment()
    api.work(experiment)
    queued = api.post(f"/v1/experiments/{experiment}/queued_suggestions", {"assignments": {"x": 0.5, "y": 0.25}}).json
    assert queued is not None
    assert queued["object"] == "queued_suggestion"
    listed = api.get(f"/v1/experiments/{experiment}/queued_suggestions").json
    assert listed is not None
    assert [item["id"] for item in listed["data"]] == [queued["id"]]
    suggestion = api.post(f"/v1/experiments/{experiment}/suggestions").json
    assert suggestion is not None
    assert (suggestion["source"], suggestion["assignments"]) == ("queue", {"x": 0.5, "y": 0.25})
    assert api.get(f"/v1/experiments/{experiment}/queued_suggestions").json["count"] == 0  # type: ignore[index]


def test_a_retried_request_gets_the_same_suggestion(api: Api) -> None:
    experiment = api.experiment()
    path, headers = f"/v1/experiments/{experiment}/suggestions", {"Idempotency-Key": "k1"}
    first, again = (api.post(path, headers=headers).json for _ in range(2))
    other = api.post(path, headers={"Idempotency-Key": "k2"}).json
    assert first is not None
    assert other is not None
    assert first == again
    assert other["id"] != first["id"]


def test_a_retried_result_counts_once(api: Api) -> None:
    experiment = api.experiment()
    body = {
        "assignments": {"x": 0.1, "y": 0.2},
        "values": [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 1}],
    }
    path = f"/v1/experiments/{experiment}/observations"
    first = api.post(path, body, headers={"Idempotency-Key": "r1"})
    again = api.post(path, {**body, "result_id": "r1"})
    assert first.json == again.json
    assert api.get(path).json["count"] == 1  # type: ignore[index]
    conflict = api.post(path, {**body, "assignments": {"x": 0.9, "y": 0.2}}, headers={"Idempotency-Key": "r1"})
    assert conflict.status_code == 409


def test_lists_come_in_pages_newest_first(api: Api) -> None:
    experiment = api.experiment()
    for number in range(7):
        api.observe(experiment, number / 10, 0.5)
    path, seen, before = f"/v1/experiments/{experiment}/observations", [], None
    while True:
        page = api.get(path, query_string={"limit": 3, **({"before": before} if before else {})}).json
        assert page is not None
        assert page["count"] == 7
        seen += [item["assignments"]["x"] for item in page["data"]]
        before = page["paging"]["before"]
        if before is None:
            break
    assert seen == [0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert api.get(path, query_string={"limit": 0}).json["count"] == 7  # type: ignore[index]


def test_experiments_and_suggestions_can_be_listed_and_read(api: Api) -> None:
    ids = [api.experiment(name=f"e{n}") for n in range(3)]
    listed = api.get("/v1/experiments").json
    assert listed is not None
    assert [item["id"] for item in listed["data"]] == ids[::-1]
    suggestion = api.post(f"/v1/experiments/{ids[0]}/suggestions").json
    assert suggestion is not None
    assert api.get(f"/v1/experiments/{ids[0]}/suggestions/{suggestion['id']}").json == suggestion
    body = {"suggestion": suggestion["id"], "failed": True}
    assert api.post(f"/v1/experiments/{ids[0]}/observations", body).json["failed"] is True  # type: ignore[index]
    closed = api.get(f"/v1/experiments/{ids[0]}/suggestions/{suggestion['id']}").json
    assert closed is not None
    assert closed["state"] == "closed"
    path = f"/v1/experiments/{ids[0]}/suggestions"
    assert api.get(path, query_string={"state": "open"}).json["count"] == 0  # type: ignore[index]
    assert api.get(path).json["count"] == 1  # type: ignore[index]


def test_a_request_waits_for_the_result_that_it_names(make_app: Callable[..., Flask], api: Api) -> None:
    """The result is on its way through the stream; the worker is faster than the bound."""
    experiment = api.experiment()
    api.work(experiment)
    waiting = Api(make_app(suggestion_wait_s=20), api.database, api.secret)
    replies: list[Any] = []
    path, body = f"/v1/experiments/{experiment}/suggestions", {"after_result": "r1"}
    asking = threading.Thread(target=lambda: replies.append(waiting.post(path, body).json))
    asking.start()
    values = [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 1}]
    result = {"assignments": {"x": 0.5, "y": 0.5}, "values": values, "result_id": "r1"}
    api.post(f"/v1/experiments/{experiment}/observations", result)
    api.work(experiment)
    asking.join()
    assert (replies[0]["source"], replies[0]["model_generation"]) == ("pool", 1)


def test_a_result_that_never_comes_is_not_waited_for_long(make_app: Callable[..., Flask], api: Api) -> None:
    waiting = Api(make_app(suggestion_wait_s=20), api.database, api.secret)
    experiment = api.experiment()
    api.work(experiment)
    assert waiting.post(f"/v1/experiments/{experiment}/suggestions", {"after_result": "never"}).status_code == 200
    refused = api.post(f"/v1/experiments/{experiment}/suggestions", {"after_result": 7})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, ".after_result")  # type: ignore[index]
