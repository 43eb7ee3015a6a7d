"""Experiments are deleted and restored, by those alone who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from service import tokens
from tests.service.api.conftest import Api
from tests.support import new_client

NOW = datetime.now(UTC)

#: What changes an experiment: method and body.
WRITES: dict[str, tuple[str, Any]] = {"delete": ("DELETE", None)}


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
    assert api.observe(experiment, 0.5, 0.5).status_code == 409
    assert api.post(f"/v1/experiments/{experiment}/suggestions").status_code == 409


def test_deleting_twice_is_deleting_once(api: Api) -> None:
    experiment = api.experiment()
    for include_runs in ("true", "False"):
        path = f"/v1/experiments/{experiment}?include_runs={include_runs}"
        assert api.call("DELETE", path).status_code == 200
    assert shown(api, experiment)["state"] == "deleted"


def test_include_runs_is_true_or_false(api: Api) -> None:
    experiment = api.experiment()
    for value in ("maybe", "", "1"):
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
