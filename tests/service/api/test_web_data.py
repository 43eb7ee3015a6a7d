"""Views of runs over HTTP: kept, listed, changed and forgotten as SigOpt's pages did it with /v1/web_data."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from service import tokens
from service.runs import views
from tests.factories import NOW, make_client
from tests.service.api.conftest import Api

FILTER: Final = {"operator": ">=", "field": "values.acc.value", "value": 0.5, "enabled": True}
SHOWN: Final = {
    "filters": [FILTER, {"operator": "==", "field": "name", "value": "a", "enabled": False}],
    "sort": [{"key": "created", "ascending": True}],
    "column_state": "anything at all",
}
GRID: Final = {
    "columnState": [{"colId": "f", "hide": False, "width": 1, "pinned": None, "rowGroupIndex": None}],
    "columnGroupState": [{"groupId": "2", "open": False}],
    "sortModel": [{"colId": "values.acc.value", "sort": "desc"}],
    "filterModel": {},
}


@pytest.fixture
def owner(api: Api) -> dict[str, str]:
    """A project with a neighbour."""
    client = api.get("/v1/tokens/self").json["client"]  # type: ignore[index]
    for name in ("p", "q"):
        assert api.post(f"/v1/clients/{client}/projects", {"id": name, "name": name}).status_code == 200
    return {"client": client, "project": "p"}


def new(owner: dict[str, str], **more: Any) -> dict[str, Any]:
    which = {"parent_resource_type": "project", "web_data_type": "run_view", "parent_resource_id": owner}
    return {**which, "display_name": "mine", "payload": SHOWN, **more}


def made(api: Api, owner: dict[str, str], **more: Any) -> dict[str, Any]:
    reply = api.post("/v1/web_data", new(owner, **more))
    assert reply.status_code == 200, reply.text
    return dict(reply.json or {})


def asked(api: Api, method: str, owner: dict[str, str], **more: Any) -> TestResponse:
    which = {"parent_resource_type": "project", "web_data_type": "run_view", "parent_resource_id": json.dumps(owner)}
    return api.call(method, "/v1/web_data", query_string={**which, **more})


def listed(api: Api, owner: dict[str, str], **more: Any) -> list[str]:
    page = asked(api, "GET", owner, **more).json
    assert page is not None
    assert (page["count"], page["paging"]) == (len(page["data"]), {"before": None, "after": None})
    return [item["id"] for item in page["data"]]


@pytest.mark.parametrize(("kind", "payload"), [("run_view", SHOWN), ("ag_run_view", GRID)])
def test_a_view_is_kept_as_it_was_given(api: Api, owner: dict[str, str], kind: str, payload: dict[str, Any]) -> None:
    view = made(api, owner, web_data_type=kind, payload=payload)
    assert (view.pop("created"), view.pop("id").isdigit()) == (view.pop("updated"), True)
    assert view == {
        "object": "web_data",
        "created_by": None,
        "display_name": "mine",
        "web_data_type": kind,
        "parent_resource_type": "project",
        "parent_resource_id": {"object": "project_resource_id", **owner},
        "payload": payload,
    }


def test_views_are_listed_newest_first_by_kind_and_project(api: Api, owner: dict[str, str]) -> None:
    ids = [made(api, owner)["id"] for _ in range(3)]
    grid = made(api, owner, web_data_type="ag_run_view", payload=GRID)["id"]
    there = made(api, {**owner, "project": "q"})["id"]
    assert listed(api, owner) == ids[::-1]
    assert listed(api, owner, web_data_type="ag_run_view") == [grid]
    assert listed(api, {**owner, "project": "q"}) == [there]


def test_a_view_changes_in_its_place_only(api: Api, owner: dict[str, str]) -> None:
    view = made(api, owner)
    other = {**SHOWN, "column_state": "others"}
    nameless = {key: value for key, value in new(owner, id=view["id"], payload=other).items() if key != "display_name"}
    changed = api.call("PUT", "/v1/web_data", nameless).json
    assert changed is not None
    assert changed["payload"] == other
    assert {**changed, "payload": SHOWN, "updated": view["updated"]} == view
    renamed = api.call("PUT", "/v1/web_data", new(owner, id=view["id"], display_name="yours"))
    assert renamed.json["display_name"] == "yours"  # type: ignore[index]
    moved = api.call("PUT", "/v1/web_data", new({**owner, "project": "q"}, id=view["id"]))
    assert moved.status_code == 403
    assert api.call("PUT", "/v1/web_data", new(owner, id="999")).status_code == 403
    assert api.call("PUT", "/v1/web_data", new(owner)).status_code == 400


def test_a_view_is_forgotten_where_it_is(api: Api, owner: dict[str, str]) -> None:
    kept, ended = made(api, owner)["id"], made(api, owner)["id"]
    assert asked(api, "DELETE", {**owner, "project": "q"}, id=ended).status_code == 404
    assert asked(api, "DELETE", owner, id=ended, web_data_type="ag_run_view").status_code == 404
    assert asked(api, "DELETE", owner, id=ended).json == {}
    assert asked(api, "DELETE", owner, id=ended).status_code == 404
    assert listed(api, owner) == [kept]


def test_a_project_has_a_hundred_views_of_a_kind(api: Api, owner: dict[str, str]) -> None:
    for _ in range(views.MOST_VIEWS):
        made(api, owner)
    refused = api.post("/v1/web_data", new(owner))
    assert (refused.status_code, "There are 100 run_views" in refused.text) == (403, True)
    made(api, owner, web_data_type="ag_run_view", payload=GRID)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "7"},
        {"web_data_type": "ran_view"},
        {"web_data_type": ["run_view"]},
        {"parent_resource_type": "client"},
        {"parent_resource_id": "{"},
        {"parent_resource_id": None},
        {"parent_resource_id": {"client": "1"}},
        {"parent_resource_id": {"client": "albatross", "project": "p"}},
        {"parent_resource_id": {"client": "1", "project": 5}},
        {"display_name": "n" * 101},
        {"display_name": None},
        {"payload": {}},
        {"payload": {**SHOWN, "sort": "created"}},
        {"payload": {**SHOWN, "sort": [{"key": 33, "ascending": True}]}},
        {"payload": {**SHOWN, "sort": [{"key": "a", "ascending": True}] * 2}},
        {"payload": {**SHOWN, "name": "x"}},
        {"payload": {**SHOWN, "filters": [{**FILTER, "x": 1}]}},
        {"payload": {**SHOWN, "filters": [{**FILTER, "value": [23]}]}},
        {"payload": {**SHOWN, "filters": [{**FILTER, "operator": "like"}]}},
        {"payload": {**SHOWN, "filters": [{"operator": "==", "value": 1, "enabled": True}]}},
        {"web_data_type": "ag_run_view"},
        {"web_data_type": "ag_run_view", "payload": {**GRID, "sortModel": [{"colId": "a", "sort": "up"}]}},
        {"web_data_type": "ag_run_view", "payload": {**GRID, "columnState": [{}]}},
    ],
)
def test_what_is_no_view_is_refused(api: Api, owner: dict[str, str], wrong: dict[str, Any]) -> None:
    reply = api.post("/v1/web_data", {**new(owner), **wrong})
    assert reply.status_code == 400, reply.text
    assert api.call("PUT", "/v1/web_data", {**new(owner, id="1"), **wrong, "id": "-3"}).status_code == 400
    assert listed(api, owner) == []


def test_lists_say_what_they_are_of(api: Api, owner: dict[str, str]) -> None:
    view = made(api, owner)["id"]
    for wrong in ({"web_data_type": "ran_view"}, {"parent_resource_type": "x"}, {"parent_resource_id": "p"}):
        assert asked(api, "GET", owner, **wrong).status_code == 400, wrong
        assert asked(api, "DELETE", owner, id=view, **wrong).status_code == 400, wrong
    for wrong_id in ("saskatchewan", "-3", ""):
        assert asked(api, "DELETE", owner, id=wrong_id).status_code == 400, wrong_id
    assert api.get("/v1/web_data").status_code == 400
    assert asked(api, "DELETE", owner).status_code == 400
    assert listed(api, owner) == [view]


def test_another_teams_views_do_not_exist(api: Api, owner: dict[str, str]) -> None:
    view = made(api, owner)["id"]
    with api.database.write() as session:
        other = make_client(session)
        secret = tokens.issue(session, client_id=other.id, name="t", permission="write", now=NOW)[1]
        reader = tokens.issue(session, client_id=int(owner["client"]), name="t", permission="read", now=NOW)[1]
    stranger, looker = Api(api.app, api.database, secret), Api(api.app, api.database, reader)
    assert stranger.post("/v1/web_data", new(owner)).status_code == 404
    assert stranger.call("PUT", "/v1/web_data", new(owner, id=view)).status_code == 404
    assert asked(stranger, "GET", owner).status_code == 404
    assert asked(stranger, "DELETE", owner, id=view).status_code == 404
    assert looker.post("/v1/web_data", new(owner)).status_code == 403
    assert listed(looker, owner) == [view]
