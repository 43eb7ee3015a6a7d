"""Suggestions over HTTP: one or many, named or generated, with a lease or without, listed both ways, put away."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from service.models import Suggestion
from service.nudge import Nudge
from tasks.housekeeping import expire_leases
from tests.service.api.conftest import Api

TASKS = [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1.0}]
HERE = {"x": 0.5, "y": 0.25}
VALUES = [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 2}]


def path(experiment: str, rest: str = "") -> str:
    return f"/v1/experiments/{experiment}/suggestions{rest}"


def taken(api: Api, experiment: str, **body: Any) -> dict[str, Any]:
    reply = api.post(path(experiment), body)
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json  # type: ignore[assignment]
    return shown


def listed(api: Api, experiment: str, **query: Any) -> list[str]:
    reply = api.get(path(experiment), query_string=query).json
    assert reply is not None
    assert "limit" in query or reply["count"] == len(reply["data"])
    return [item["id"] for item in reply["data"]]


def report(api: Api, experiment: str, suggestion: str) -> None:
    reply = api.post(f"/v1/experiments/{experiment}/observations", {"suggestion": suggestion, "values": VALUES})
    assert reply.status_code == 200, reply.text


def test_many_at_once_are_distinct_and_come_in_a_list(api: Api) -> None:
    experiment = api.experiment()
    api.work(experiment)
    batch = taken(api, experiment, count=7, metadata={"worker": 1}, lease_s=60)
    assert (batch["object"], batch["count"]) == ("pagination", 7)
    assert [item["source"] for item in batch["data"]] == ["pool"] * 3 + ["quasi_random"] * 4
    assert len({str(item["assignments"]) for item in batch["data"]}) == 7
    assert all(item["metadata"] == {"worker": 1} and item["lease_s"] == 60 for item in batch["data"])
    assert len(listed(api, experiment, state="open")) == 7


def test_a_request_that_is_sent_again_gets_the_same(api: Api) -> None:
    experiment = api.experiment()
    for body in ({}, {"count": 3}, {"assignments": HERE}, {"count": 1}):
        first, again = (
            api.post(path(experiment), body, headers={"Idempotency-Key": f"k{body}"}).json for _ in range(2)
        )
        assert first == again
    assert len(listed(api, experiment)) == 6


def test_the_same_batch_from_many_threads_is_made_once(api: Api) -> None:
    experiment = api.experiment()
    got: list[Any] = []

    def ask() -> None:
        got.append(api.post(path(experiment), {"count": 3}, headers={"Idempotency-Key": "k"}).json)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(item["id"] for item in reply["data"]) for reply in got}) == 1
    assert len(listed(api, experiment)) == 3


REFUSED: list[tuple[Any, str]] = [
    ({"count": 0}, ".count"),
    ({"count": 101}, ".count"),
    ({"count": "3"}, ".count"),
    ({"count": 2, "assignments": HERE}, ".count"),
    ({"lease_s": 0}, ".lease_s"),
    ({"lease_s": 1.5}, ".lease_s"),
    ({"task": "cheap"}, ".task"),
    ({"task": "cheap", "assignments": HERE}, ".task"),
    ({"assignments": {"x": 1}}, ".assignments.y"),
    ({"metadata": ["a"]}, ".metadata"),
]


def test_what_makes_no_sense_is_refused(api: Api) -> None:
    experiment = api.experiment()
    for body, field in REFUSED:
        reply = api.post(path(experiment), body)
        assert reply.status_code == 400
        assert reply.json["errors"][0]["field"] == field  # type: ignore[index]


def test_lists_by_state_id_and_deletion(api: Api) -> None:
    experiment = api.experiment()
    closed, closed_and_deleted, opened, open_and_deleted = (taken(api, experiment)["id"] for _ in range(4))
    for one in (closed, closed_and_deleted):
        report(api, experiment, one)
    for one in (closed_and_deleted, open_and_deleted):
        assert api.call("DELETE", path(experiment, f"/{one}")).json == {}
    assert listed(api, experiment) == [opened, closed]
    assert listed(api, experiment, state="open", deleted="False") == [opened]
    assert listed(api, experiment, state="closed") == [closed]
    assert listed(api, experiment, deleted="True") == [open_and_deleted, closed_and_deleted]
    assert listed(api, experiment, deleted="true", state="open") == [open_and_deleted]
    assert listed(api, experiment, id=f"{closed},{opened},999") == [opened, closed]
    assert listed(api, experiment, id=closed) == [closed]
    assert api.get(path(experiment), query_string={"state": "ajar"}).status_code == 400
    assert api.get(path(experiment), query_string={"id": "one"}).status_code == 400
    gone = api.get(path(experiment, f"/{open_and_deleted}")).json
    assert gone is not None
    assert (gone["deleted"], gone["state"]) == (True, "open")
    assert api.call("DELETE", path(experiment), query_string={"state": "open"}).json == {}
    assert listed(api, experiment) == [closed]
    assert api.call("DELETE", path(experiment)).json == {}
    assert listed(api, experiment) == []


def test_pages_lead_on_and_back(api: Api) -> None:
    experiment = api.experiment()
    ids = [taken(api, experiment)["id"] for _ in range(6)][::-1]
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for number in range(3):
        page = api.get(path(experiment), query_string=query).json
        assert page is not None
        found += [item["id"] for item in page["data"]]
        assert (page["count"], page["paging"]["after"] is None) == (6, False)
        assert (page["paging"]["before"] is None) == (number == 2)
        query = {"limit": 2, "before": page["paging"]["before"]}
    assert found == ids
    assert listed(api, experiment, limit=2, after=page["paging"]["after"]) == ids[2:4]
    assert listed(api, experiment, limit=3, ascending="true") == ids[::-1][:3]
    assert listed(api, experiment, limit=0) == []
    assert api.get(path(experiment), query_string={"before": "xyz"}).status_code == 400


def test_only_the_metadata_of_a_suggestion_changes(api: Api) -> None:
    experiment = api.experiment()
    one = taken(api, experiment, metadata={"a": 1})
    at = path(experiment, f"/{one['id']}")
    assert api.call("PUT", at, {"metadata": {"b": 2}}).json == {**one, "metadata": {"b": 2}}
    assert api.call("PUT", at, {"assignments": HERE, "task": "x"}).json == {**one, "metadata": {"b": 2}}
    assert api.call("PUT", at, {"metadata": None}).json == {**one, "metadata": None}
    assert api.call("PUT", at, {"metadata": {"a": []}}).status_code == 400
    other = api.experiment()
    for method in ("GET", "PUT", "DELETE"):
        assert api.call(method, path(other, f"/{one['id']}"), {}).status_code == 404


def test_the_queue_is_served_in_its_order_and_can_be_changed_until_then(api: Api) -> None:
    experiment = api.experiment()
    queue = f"/v1/experiments/{experiment}/queued_suggestions"
    first, second, _ = (api.post(queue, {"assignments": {"x": x, "y": 0}}).json for x in (0.1, 0.2, 0.3))
    assert first is not None
    assert second is not None
    assert api.get(f"{queue}/{second['id']}").json == second
    assert api.get(path(experiment, f"/{second['id']}")).status_code == 404
    assert api.call("DELETE", f"{queue}/{first['id']}").json == {}
    assert api.call("DELETE", f"{queue}/{first['id']}").status_code == 404
    assert api.get(queue).json["count"] == 2  # type: ignore[index]
    batch = taken(api, experiment, count=3)["data"]
    assert [item["source"] for item in batch] == ["queue", "queue", "quasi_random"]
    assert [item["assignments"]["x"] for item in batch[:2]] == [0.2, 0.3]
    assert api.get(queue).json["count"] == 0  # type: ignore[index]
    assert api.post(queue, {}).status_code == 400


def expire(api: Api, suggestion: str) -> None:
    """Let a lease have ended, and the clock's work be done."""
    with api.database.write() as session:
        row = session.get_one(Suggestion, int(suggestion))
        assert row.lease_until is not None
        row.lease_until -= timedelta(seconds=120)
    expire_leases(api.database, Nudge("redis://127.0.0.1:1/0"))


def test_a_lease_is_renewed_until_it_ends_and_a_late_result_is_taken(api: Api) -> None:
    experiment = api.experiment()
    one = taken(api, experiment, lease_s=100)
    beat = path(experiment, f"/{one['id']}/heartbeat")
    renewed = api.post(beat, {"lease_s": 110}).json
    assert renewed is not None
    assert renewed["lease_until"] >= one["lease_until"] + 10
    expire(api, one["id"])
    assert listed(api, experiment, state="expired") == [one["id"]]
    assert listed(api, experiment, state="open") == []
    ended = api.post(beat)
    assert (ended.status_code, "has expired" in ended.json["message"]) == (409, True)  # type: ignore[index]
    report(api, experiment, one["id"])
    assert api.get(path(experiment, f"/{one['id']}")).json["state"] == "closed"  # type: ignore[index]
    assert "is closed" in api.post(beat).json["message"]  # type: ignore[index]


def test_what_has_no_lease_left_is_not_renewed(api: Api) -> None:
    experiment = api.experiment()
    without, deleted = taken(api, experiment), taken(api, experiment, lease_s=60)
    beat = path(experiment, f"/{without['id']}/heartbeat")
    assert api.post(beat).status_code == 400
    assert api.post(beat, {"lease_s": 5}).json["lease_s"] == 5  # type: ignore[index]
    assert api.post(beat, {"lease": 5}).status_code == 400
    api.call("DELETE", path(experiment, f"/{deleted['id']}"))
    assert api.post(path(experiment, f"/{deleted['id']}/heartbeat")).status_code == 409
    assert api.post(path(experiment, "/999/heartbeat")).status_code == 404


def test_what_expired_or_was_deleted_is_not_pending_any_longer(api: Api) -> None:
    experiment = api.experiment()
    api.work(experiment)
    kept, expired, deleted = (taken(api, experiment, lease_s=60) for _ in range(3))
    api.call("DELETE", path(experiment, f"/{deleted['id']}"))
    expire(api, expired["id"])
    api.work(experiment)
    again = taken(api, experiment, count=3)["data"]
    assert kept["assignments"] not in [item["assignments"] for item in again]
    with api.database.read() as session:
        pooled = sa.select(sa.func.count()).where(Suggestion.state == "open", Suggestion.deleted_at.is_(None))
        assert session.scalar(pooled) == 4


def test_suggestions_of_an_experiment_with_tasks_name_one(api: Api) -> None:
    experiment = api.experiment(metrics=["a"], tasks=TASKS, observation_budget=9)
    shown = [taken(api, experiment) for _ in range(6)]
    assert {item["task"]["name"] for item in shown} == {"cheap", "full"}
    assert shown[0]["task"]["object"] == "task"
    named = taken(api, experiment, assignments=HERE, task=shown[0]["task"])
    assert named["task"] == shown[0]["task"]
    for body in ({"assignments": HERE}, {"task": "cheap"}, {"assignments": HERE, "task": "cheapy"}):
        assert api.post(path(experiment), body).status_code == 400
    queue = f"/v1/experiments/{experiment}/queued_suggestions"
    waiting = api.post(queue, {"assignments": HERE, "task": "full"}).json
    assert waiting is not None
    served = taken(api, experiment)
    assert (served["assignments"], served["task"]["name"]) == (HERE, waiting["task"]["name"])
    observed = api.post(
        f"/v1/experiments/{experiment}/observations", {"suggestion": served["id"], "values": [{"value": 1}]}
    ).json
    assert observed is not None
    assert observed["task"] == served["task"]
    api.work(experiment)
    assert taken(api, experiment)["task"]["name"] in ("cheap", "full")


def test_grids_and_chance_are_served_without_a_pool(api: Api) -> None:
    grid = {"type": "grid", "metrics": ["a"], "parameters": [{"name": "k", "type": "int", "grid": [1, 2, 3]}]}
    experiment = api.experiment(**grid)
    api.work(experiment)
    assert [taken(api, experiment)["assignments"]["k"] for _ in range(3)] == [1, 2, 3]
    by_chance = api.experiment(type="random")
    api.work(by_chance)
    shown = [taken(api, by_chance) for _ in range(4)]
    assert {item["source"] for item in shown} == {"quasi_random"}
    assert "asks for chance" in shown[0]["reason"]
