"""Observations over HTTP: what may be said, what is refused, and what is done to them later."""

from __future__ import annotations

import sys
from typing import Any

from service.models import Experiment
from tests.service.api.conftest import Api

UNNAMED = {"metrics": None}
TASKS = [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1.0}]
VALUES = [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 2, "value_stddev": 0.5}]
HERE = {"x": 0.5, "y": 0.25}


def path(experiment: str, rest: str = "") -> str:
    return f"/v1/experiments/{experiment}/observations{rest}"


def made(api: Api, experiment: str, **body: Any) -> dict[str, Any]:
    reply = api.post(path(experiment), {"assignments": HERE, "values": VALUES, **body})
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json  # type: ignore[assignment]
    return shown


def test_an_observation_is_shown_in_every_key_of_the_contract(api: Api) -> None:
    shown = made(api, api.experiment(), metadata={"host": "a", "none": None})
    assert shown["values"] == [
        {"object": "metric_evaluation", "name": "accuracy", "value": 1.0, "value_stddev": None},
        {"object": "metric_evaluation", "name": "latency_ms", "value": 2.0, "value_stddev": 0.5},
    ]
    expected = {
        "object": "observation", "assignments": HERE, "failed": False, "metadata": {"host": "a"}, "suggestion": None,
        "partial": False, "deleted": False, "revision": 1, "updated": None,
    }  # fmt: skip
    assert {key: shown[key] for key in expected} == expected
    assert not {"value", "value_stddev", "task"} & set(shown)


def test_any_finite_number_comes_back_as_it_was_reported(api: Api) -> None:
    experiment = api.experiment(**UNNAMED)
    largest, smallest = sys.float_info.max, sys.float_info.min
    for value in (0.0, largest, smallest, -largest, 2**63):
        shown = made(api, experiment, values=[{"value": value}])
        assert shown["values"][0]["value"] == value
        assert api.get(path(experiment)).json["data"][0]["values"] == shown["values"]  # type: ignore[index]
    api.work(experiment)
    assert api.get(f"/v1/experiments/{experiment}").json["progress"]["model_generation"] == 5  # type: ignore[index]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too few values": ({"values": VALUES[:1]}, "must be equal"),
    "too many values": ({"values": [*VALUES, {"name": "cost", "value": 1}]}, "must be equal"),
    "values without names": ({"values": [{"value": 1}, {"value": 2}]}, "Missing required json key"),
    "values that are numbers": ({"values": [1, 2]}, "Invalid type for"),
    "the old form of a value": ({"values": None, "value": 1}, "no longer supported"),
    "the old form of its deviation": ({"value_stddev": 1}, "no longer supported"),
    "a negative deviation": ({"values": [{**VALUES[0], "value_stddev": -1}, VALUES[1]]}, "greater than or equal to 0"),
    "failed with values": ({"failed": True}, "has no values"),
    "suggestion zero": ({"suggestion": 0, "assignments": None}, "not an id"),
    "a task where there are none": ({"task": "cheap"}, "only for experiments that have tasks"),
    "a null among assignments": ({"assignments": {"x": None, "y": 1}}, "Missing"),
    "a word for no_optimize": ({"no_optimize": "yes"}, "true or false"),
    "an unknown key": ({"foo": 1}, "Unknown json keys"),
}


def test_what_cannot_be_taken_is_refused_with_a_reason_and_a_field(api: Api) -> None:
    experiment = api.experiment()
    for case, (body, words) in REFUSED.items():
        reply = api.post(path(experiment), {"assignments": HERE, "values": VALUES, **body})
        assert reply.status_code == 400, case
        assert words in reply.json["message"], case  # type: ignore[index]
        assert reply.json["errors"][0]["field"], case  # type: ignore[index]
    assert api.get(path(experiment)).json["count"] == 0  # type: ignore[index]


def test_a_batch_is_stored_whole_or_not_at_all(api: Api) -> None:
    experiment = api.experiment()
    good = {"assignments": HERE, "values": VALUES, "no_optimize": True}
    bad = {"observations": [good, good, {**good, "values": VALUES[:1]}]}
    refused = api.post(path(experiment, "/batch"), bad)
    assert refused.status_code == 400
    assert refused.json["message"].startswith("Error in observation 3/3: ")  # type: ignore[index]
    assert refused.json["errors"][0]["field"] == ".observations[2].values"  # type: ignore[index]
    nobody = api.post(path(experiment, "/batch"), {"observations": [good, {"suggestion": 99, "values": VALUES}]})
    assert nobody.json["message"] == f"Error in observation 2/2: No suggestion 99 in experiment {experiment}"  # type: ignore[index]
    dry = api.post(path(experiment, "/batch"), {"observations": [good], "dry_run": True}).json
    assert dry is not None
    assert [item["id"] for item in dry["data"]] == [None]
    assert api.get(path(experiment)).json["count"] == 0  # type: ignore[index]
    done = api.post(path(experiment, "/batch"), {"observations": [good, {**good, "values": None, "failed": True}]}).json
    assert done is not None
    assert (done["object"], done["count"]) == ("pagination", 2)
    assert [item["failed"] for item in done["data"]] == [False, True]
    assert api.post(path(experiment, "/batch"), {"observations": []}).json["count"] == 0  # type: ignore[index]


def test_a_batch_may_be_as_large_as_its_results(api: Api) -> None:
    experiment = api.experiment()
    large = {"assignments": HERE, "values": VALUES, "metadata": {"note": "x" * 4000}}
    reply = api.post(path(experiment, "/batch"), {"observations": [large] * 400}, headers={"Idempotency-Key": "k"})
    assert reply.status_code == 200
    assert reply.json["count"] == api.get(path(experiment)).json["count"] == 400  # type: ignore[index]
    assert api.post(path(experiment, "/batch"), {"observations": [large] * 2500}).status_code == 413
    assert api.post(path(experiment), {**large, "metadata": {"note": "x" * 2_000_000}}).status_code == 413


def test_a_batch_that_is_sent_again_counts_once(api: Api) -> None:
    experiment = api.experiment()
    good = {"assignments": HERE, "values": VALUES}
    batch = {"observations": [good, good, {**good, "result_id": "mine"}, {**good, "result_id": "mine"}]}
    first, again = (
        api.post(path(experiment, "/batch"), batch, headers={"Idempotency-Key": "k" * 200}).json for _ in range(2)
    )
    assert first == again
    assert first is not None
    assert len({item["id"] for item in first["data"]}) == 3
    assert api.get(path(experiment)).json["count"] == 3  # type: ignore[index]


NO_BATCHES: list[tuple[Any, str]] = [
    ({}, 'Missing required json key "observations"'),
    ({"observations": {}}, "expected type array"),
    ({"observations": [1]}, "Error in observation 1/1: Invalid type"),
    ({"observations": [{}] * 2501}, "more than 2500"),
    ({"observations": [], "dry": True}, "Unknown json keys"),
]


def test_a_batch_that_is_none_is_refused(api: Api) -> None:
    experiment = api.experiment()
    for body, words in NO_BATCHES:
        reply = api.post(path(experiment, "/batch"), body)
        assert reply.status_code == 400
        assert words in reply.json["message"]  # type: ignore[index]


def test_an_observation_is_corrected_and_its_history_told(api: Api) -> None:
    experiment = api.experiment()
    one = path(experiment, f"/{made(api, experiment)['id']}")
    late = api.call("PUT", one, {"values": {"accuracy": 3, "latency_ms": 4}, "metadata": {"why": "unit"}}).json
    assert late is not None
    assert (late["revision"], late["metadata"], late["values"][0]["value"]) == (2, {"why": "unit"}, 3.0)
    assert late["values"][1]["value_stddev"] == 0.5
    assert api.get(one).json == late
    assert api.call("DELETE", f"{one}?no_optimize=True").json == {}
    gone = api.get(one).json
    assert gone is not None
    assert (gone["deleted"], gone["revision"]) == (True, 3)
    history = api.get(f"{one}/history").json
    assert history is not None
    assert [(item["revision"], item["before"]["values"][0]["value"]) for item in history["data"]] == [
        (1, 1.0),
        (2, 3.0),
    ]
    assert all(item["token"] for item in history["data"])
    assert api.call("PUT", one, {"metadata": None}).status_code == 409


def test_deleted_observations_do_not_count_and_the_front_follows(api: Api) -> None:
    experiment = api.experiment()
    for x in (0.1, 0.2, 0.3):
        api.observe(experiment, x, 0.5)
    api.work(experiment)
    newest = api.get(path(experiment), query_string={"limit": 1}).json["data"][0]["id"]  # type: ignore[index]
    api.call("DELETE", path(experiment, f"/{newest}"))
    api.work(experiment)
    front = api.get(f"/v1/experiments/{experiment}/front").json
    assert front is not None
    assert 0.3 not in {point["assignments"]["x"] for point in front["points"]}
    assert api.call("DELETE", path(experiment)).json == {}
    assert api.get(f"/v1/experiments/{experiment}/best_assignments").status_code == 200
    api.work(experiment)
    assert api.get(f"/v1/experiments/{experiment}/front").json["points"] == []  # type: ignore[index]
    progress = api.get(f"/v1/experiments/{experiment}").json["progress"]  # type: ignore[index]
    assert (progress["observation_count"], progress["last_observation"]) == (0, None)
    assert api.get(path(experiment)).json["count"] == 0  # type: ignore[index]
    assert api.get(path(experiment), query_string={"deleted": "true"}).json["count"] == 3  # type: ignore[index]


def test_what_lies_outside_the_bounds_is_taken_and_the_models_live_with_it(api: Api) -> None:
    experiment = api.experiment()
    for x in (-5.0, 0.2, 0.5, 0.7, 1e9):
        assert api.observe(experiment, x, 0.5).status_code == 200
    outside = api.post(f"/v1/experiments/{experiment}/suggestions", {"assignments": {"x": 7, "y": -7}}).json
    assert outside is not None
    assert outside["assignments"] == {"x": 7.0, "y": -7.0}
    api.work(experiment)
    suggestion = api.post(f"/v1/experiments/{experiment}/suggestions").json
    assert suggestion is not None
    assert suggestion["source"] == "pool"
    assert 0 <= suggestion["assignments"]["x"] <= 1


def test_tasks_are_named_with_assignments_and_shown_with_their_cost(api: Api) -> None:
    experiment = api.experiment(metrics=["a"], tasks=TASKS, observation_budget=5)
    body = {"assignments": HERE, "values": [{"name": "a", "value": 1}]}
    assert api.post(path(experiment), body).status_code == 400
    for task in ("cheap", {"object": "task", "name": "cheap", "cost": 0.1}):
        shown = api.post(path(experiment), {**body, "task": task}).json
        assert shown is not None
        assert shown["task"] == {"object": "task", "name": "cheap", "cost": 0.1}
    for wrong in ("cheapy", {"name": "cheap", "cost": 1}, 7):
        refused = api.post(path(experiment), {**body, "task": wrong})
        assert refused.status_code == 400
    assert api.get(path(experiment), query_string={"sort": "task", "ascending": "true"}).json["count"] == 2  # type: ignore[index]
    progress = api.get(f"/v1/experiments/{experiment}").json["progress"]  # type: ignore[index]
    assert progress["observation_budget_consumed"] == 0.2
    assert progress["best_observation"] is None


def test_partial_results_of_one_configuration_are_put_together(api: Api) -> None:
    experiment = api.experiment()
    assert made(api, experiment, values=VALUES[1:], partial=True)["partial"] is True
    assert made(api, experiment, values=VALUES[:1], partial=True)["partial"] is True
    assert made(api, experiment, partial=True)["partial"] is False
    api.work(experiment)
    (point,) = api.get(f"/v1/experiments/{experiment}/front").json["points"]  # type: ignore[index]
    assert [value["value"] for value in point["values"]] == [1.0, 2.0]


def test_deleted_experiments_and_those_of_runs_take_no_results(api: Api) -> None:
    experiment = api.experiment()
    with api.database.write() as session:
        session.get_one(Experiment, int(experiment)).runs_only = True
    batch = {"observations": []}
    for rest, body in (("", {"assignments": HERE, "values": VALUES}), ("/batch", batch)):
        assert api.post(path(experiment, rest), body).status_code == 403
    assert api.post(f"/v1/experiments/{experiment}/suggestions").status_code == 403
    with api.database.write() as session:
        session.get_one(Experiment, int(experiment)).runs_only = False
    api.call("DELETE", f"/v1/experiments/{experiment}")
    for rest, body in (("", {"assignments": HERE, "values": VALUES}), ("/batch", batch)):
        assert api.post(path(experiment, rest), body).status_code == 400
    for resource in ("suggestions", "queued_suggestions"):
        assert api.post(f"/v1/experiments/{experiment}/{resource}", {"assignments": HERE}).status_code == 400
    assert api.post(f"/v1/experiments/{experiment}/suggestions").status_code == 400
