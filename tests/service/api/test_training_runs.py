"""Runs over HTTP: told bit by bit, merged, limited, listed, tagged, with checkpoints and files."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service.db import Database
from service.runs import checkpoints
from tests.service.api.conftest import Api

#: What the database does is the same for both kinds: tests/service/runs and the tests without this mark see to that.
ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def project(api: Api) -> str:
    """The path of a project."""
    client = api.get("/v1/tokens/self").json["client"]
    assert api.post(f"/v1/clients/{client}/projects", {"id": "p-1", "name": "one"}).status_code == 200
    return f"/v1/clients/{client}/projects/p-1"


def make(api: Api, project: str, **body: Any) -> dict[str, Any]:
    reply = api.post(f"{project}/training_runs", {"name": "run", **body})
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def change(api: Api, method: str, run: Mapping[str, Any], **body: Any) -> TestResponse:
    return api.call(method, f"/v1/training_runs/{run['id']}", body)


@ON_SQLITE
def test_a_new_run_has_every_key_that_the_client_reads(api: Api, project: str) -> None:
    run = make(api, project)
    assert run == api.get(f"/v1/training_runs/{run['id']}").json
    assert {key: run[key] for key in sorted(run.keys() - {"id", "client", "created", "updated"})} == {
        "object": "training_run", "name": "run", "project": "p-1", "user": None, "experiment": None, "suggestion": None,
        "observation": None, "state": "active", "finished": False, "completed": None, "deleted": False,
        "favorite": False, "assignments": {}, "assignments_meta": {}, "assignments_sources": {}, "values": {},
        "metadata": None, "dev_metadata": {}, "sys_metadata": {}, "datasets": {}, "logs": {},
        "model": {"object": "model", "type": None},
        "source_code": {"object": "source_code", "content": None, "hash": None},
        "tags": [], "files": [], "checkpoint_count": 0,
    }  # fmt: skip
    assert run["created"] == run["updated"]
    assert run["id"].isdigit()


def test_what_is_put_takes_the_place_of_what_was_there_and_what_is_merged_is_added(api: Api, project: str) -> None:
    run = make(api, project, metadata={"a": 1, "b": 2}, values={"m": {"value": 1, "value_stddev": 0.1}})
    merged = change(api, "MERGE", run, metadata={"b": None, "c": "x"}, values={"m": {"value": 2}, "n": {"value": 3}})
    assert merged.json["metadata"] == {"a": 1, "c": "x"}
    assert merged.json["values"] == {
        "m": {"object": "metric_evaluation", "name": "m", "value": 2.0, "value_stddev": None},
        "n": {"object": "metric_evaluation", "name": "n", "value": 3.0, "value_stddev": None},
    }
    assert change(api, "MERGE", run, metadata={}, logs={}).json["metadata"] == {"a": 1, "c": "x"}
    put = change(api, "PUT", run, metadata={"d": 4}, values=None)
    assert (put.json["metadata"], put.json["values"]) == ({"d": 4}, {})
    assert change(api, "MERGE", run, source_code={"hash": "f"}).json["source_code"]["hash"] == "f"
    both = change(api, "MERGE", run, source_code={"content": "1 + 1"}).json["source_code"]
    assert (both["content"], both["hash"]) == ("1 + 1", "f")


def test_what_several_processes_merge_at_once_is_all_there(api: Api, project: str) -> None:
    run = make(api, project)

    def tell(worker: int) -> list[int]:
        return [change(api, "MERGE", run, metadata={f"{worker}-{n}": n}).status_code for n in range(8)]

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(tell, range(4))) == {200}
    assert len(api.get(f"/v1/training_runs/{run['id']}").json["metadata"]) == 32


def test_any_text_is_a_key(api: Api, project: str) -> None:
    run = make(api, project)
    for key in ("{}", "{'}", '{"}', "{'\"\\}"):
        told = {"assignments": {key: 1}, "datasets": {key: {}}, "values": {key: {"value": 1}}, "metadata": {key: 1}}
        shown = change(api, "MERGE", run, **told).json
        assert all(key in shown[part] for part in told), key


REFUSED: Final[list[dict[str, Any]]] = [
    {"name": None}, {"name": ""}, {"name": 1}, {"name": " "}, {"name": "x" * 1001}, {"favorite": "no"}, {"deleted": 1},
    {"state": None}, {"state": "over"}, {"state": 1}, {"source_code": {"hash": 1}}, {"source_code": []},
    {"values": []}, {"values": 1}, {"values": {"m": {}}}, {"values": {"m": {"value": "1"}}},
    {"values": {"m": {"value": 1, "value_stddev": -1}}}, {"logs": {"l": {}}}, {"logs": {"l": {"text": ""}}},
    {"metadata": {"a": True}}, {"metadata": {"a": []}}, {"metadata": {"a": "x" * 501}}, {"metadata": "1"},
    {"metadata": {str(i): i for i in range(1001)}}, {"assignments": {"x" * 101: 1}}, {"model": "1"},
    {"sys_metadata": 1}, {"observation": "1"}, {"completed": 0}, {"experiment": "1"}, {"unknown": None},
    {"assignments_meta": {"y": {"source": "abc"}}}, {"assignments_meta": {"x": {"source": "SigOpt"}}},
    {"assignments_meta": {"x": {"source": "a" * 31}}},
    {"assignments_sources": {"a" * 31: {"sort": 1, "default_show": True}}},
]  # fmt: skip


@ON_SQLITE
def test_what_is_not_a_run_is_refused_by_every_verb(api: Api, project: str) -> None:
    run = make(api, project, assignments={"x": 1})
    for body in REFUSED:
        replies = [
            api.post(f"{project}/training_runs", {"name": "run", "assignments": {"x": 1}, **body}),
            change(api, "PUT", run, **body),
            change(api, "MERGE", run, **body),
        ]
        assert [reply.status_code for reply in replies] == [400, 400, 400], body
        assert all(reply.json["errors"][0]["field"].startswith(".") for reply in replies), body
    assert api.post(f"{project}/training_runs", {}).status_code == 400
    assert api.post(f"{project}/training_runs", {"name": "run", "project": "p-1"}).status_code == 400
    assert change(api, "PUT", run, project="no-such").status_code == 400
    assert api.get(f"/v1/training_runs/{run['id']}").json == run


@ON_SQLITE
def test_descriptions_of_assignments_come_back_with_them(api: Api, project: str) -> None:
    told = {
        "assignments": {"a": 1, "b": "text"},
        "assignments_meta": {"a": {"source": "mine"}},
        "assignments_sources": {"mine": {"sort": 2, "default_show": False}},
    }
    run = change(api, "MERGE", make(api, project), **told).json
    assert run["assignments"] == {"a": 1, "b": "text"}
    assert run["assignments_meta"] == {"a": {"object": "assignments_meta", "source": "mine"}}
    assert run["assignments_sources"]["mine"] == {"object": "assignments_sources", "sort": 2, "default_show": False}
    assert change(api, "PUT", run, assignments={"b": 1}).json["assignments_meta"] == {}


@ON_SQLITE
def test_a_long_log_is_cut_and_a_run_ends_once(api: Api, project: str) -> None:
    run = change(api, "MERGE", make(api, project), logs={"stdout": {"content": "a" * 3000}}).json
    assert len(run["logs"]["stdout"]["content"]) == 1124
    ended = change(api, "PUT", run, state="completed").json
    assert (ended["finished"], ended["completed"] >= run["created"]) == (True, True)
    assert change(api, "PUT", run, state="failed").json["completed"] == ended["completed"]


def test_what_people_say_of_a_run_is_kept_however_much_it_is(api: Api, project: str) -> None:
    """SigOpt limited what one request says of it, not what comes together; the client sends one key at a time."""
    run = make(api, project, name=f"  {'lr=0.1 ' * 40} ")
    assert run["name"] == ("lr=0.1 " * 40).strip()
    for begin in (0, 90):
        said = {f"k{n}": n for n in range(begin, begin + 90)}
        run = change(api, "MERGE", run, metadata=said, logs={key: {"content": "x"} for key in said}).json
    assert (len(run["metadata"]), len(run["logs"])) == (180, 180)
    assert change(api, "MERGE", run, datasets={"iris": {"version": 7}}).json["datasets"] == {
        "iris": {"object": "dataset"}
    }
    assert change(api, "PUT", run, name="n" * 1001).status_code == 400


@ON_SQLITE
def test_a_run_is_put_away_and_brought_back(api: Api, project: str) -> None:
    run = make(api, project)
    path = f"/v1/training_runs/{run['id']}"
    assert api.call("DELETE", path).json["deleted"] is True
    assert api.call("DELETE", path).json["deleted"] is True
    assert api.get(path).json["deleted"] is True
    assert change(api, "PUT", run, deleted=False).json["deleted"] is False


def test_many_runs_are_made_at_once_or_none(api: Api, project: str) -> None:
    runs = [{"name": f"b{n}", "values": {"m": {"value": n}}, "state": "completed"} for n in range(3)]
    made = api.post(f"{project}/training_runs/batch", {"runs": runs}).json
    assert [(run["name"], run["state"]) for run in made["data"]] == [(f"b{n}", "completed") for n in range(3)]
    short = api.post(f"{project}/training_runs/batch", {"runs": runs, "fields": "id,state"}).json["data"]
    assert [set(run) for run in short] == [{"id", "state"}] * 3
    wrong = api.post(f"{project}/training_runs/batch", {"runs": [runs[0], {"name": 7}]})
    assert wrong.status_code == 400
    assert wrong.json["message"].startswith("Error in run 2/2: Invalid type for .name")
    assert api.post(f"{project}/training_runs/batch", {"runs": [runs[0]] * 10_001}).status_code == 400
    assert api.get(f"{project}/training_runs").json["count"] == 6


@ON_SQLITE
def test_lists_are_filtered_sorted_and_say_which_fields_there_are(api: Api, project: str) -> None:
    for n in range(4):
        make(api, project, name=f"r{n}", values={"acc": {"value": n / 10}})
    make(api, project, name="other")
    above = json.dumps([{"field": "values.acc.value", "operator": ">", "value": 0.05}])
    page = api.get(f"{project}/training_runs", query_string={"filters": above, "sort": "values.acc.value", "limit": 2})
    assert [run["name"] for run in page.json["data"]] == ["r3", "r2"]
    assert page.json["count"] == 3
    field = next(field for field in page.json["defined_fields"] if field["key"] == "values.acc.value")
    assert field == {
        "object": "field", "key": "values.acc.value", "name": "values.acc.value", "type": "numeric", "sortable": True,
        "count": 3,
    }  # fmt: skip
    counts = {field["key"]: field["count"] for field in page.json["defined_fields"]}
    assert counts["optimized_suggestion"] == counts["checkpoint_count"] == 3, "every run has an answer to them"
    shown = json.dumps([{"field": "name", "operator": "==", "value": "r1", "enabled": True}])
    assert api.get(f"{project}/training_runs", query_string={"filters": shown}).json["count"] == 1, "as views keep them"
    more = {"filters": above, "sort": "values.acc.value", "before": page.json["paging"]["before"]}
    rest = api.get(f"{project}/training_runs", query_string=more).json
    assert ([run["name"] for run in rest["data"]], rest["paging"]["before"]) == (["r1"], None)
    client = project.split("/")[3]
    assert api.get(f"/v1/clients/{client}/training_runs?search=R").json["count"] == 5
    assert api.get(f"{project}/training_runs", query_string={"filters": '[], "a": 1'}).status_code == 400
    for bad in ('"\\ud800"', '"\\u0000"', "NaN"):
        asked = {"filters": f'[{{"field": "metadata.a", "operator": "==", "value": {bad}}}]'}
        assert api.get(f"{project}/training_runs", query_string=asked).status_code == 400, bad
    for query in ("filters=[", "filters={}", "filters=[1]", "sort=nope", "filters=[{}]"):
        assert api.get(f"{project}/training_runs?{query}").status_code == 400, query


def test_checkpoints_are_kept_up_to_two_hundred(api: Api, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoints.MOST_CHECKPOINTS == 200
    monkeypatch.setattr(checkpoints, "MOST_CHECKPOINTS", 3)
    path = f"/v1/training_runs/{make(api, project)['id']}/checkpoints"
    values = [{"name": "z", "value": 1}, {"name": "a", "value": 2, "value_stddev": 0.5}]
    made = api.post(path, {"values": values, "metadata": {"epoch": 1}}).json
    assert [(v["name"], v["value"], v["value_stddev"]) for v in made["values"]] == [("a", 2, 0.5), ("z", 1, None)]
    assert api.get(f"{path}/{made['id']}").json == made
    for body in ({}, {"values": [{"value": 1}]}, {"values": [*values, values[0]]}, {"values": {}}, {"value": 1}):
        assert api.post(path, body).status_code == 400, body
    for _ in range(2):
        assert api.post(path, {"values": []}, headers={"X-Response-Content": "skip"}).status_code == 204
    assert api.post(path, {"values": []}).status_code == 403
    page = api.get(f"{path}?limit=1").json
    assert (page["count"], int(page["data"][0]["id"]) > int(made["id"])) == (3, True)
    assert api.get(f"{path}?limit=1&ascending=true").json["data"] == [made]
    rest = api.get(f"{path}?before={page['paging']['before']}").json
    assert api.get(f"{path}?after={rest['paging']['after']}").json["data"] == page["data"]
    assert api.get(path.removesuffix("/checkpoints")).json["checkpoint_count"] == 3


def test_a_run_carries_tags(api: Api, project: str) -> None:
    run = make(api, project)
    client = project.split("/")[3]
    tags = [api.post(f"/v1/clients/{client}/tags", {"name": n, "color": "#0a0B0c"}).json for n in "ab"]
    path = f"/v1/training_runs/{run['id']}"
    for tag in (*tags, tags[0]):
        assert api.post(f"{path}/tags", {"id": tag["id"]}).json == tag
    assert api.get(path).json["tags"] == [tag["id"] for tag in tags]
    assert api.call("DELETE", f"{path}/tags/{tags[0]['id']}").json == tags[0]
    assert api.get(path).json["tags"] == [tags[1]["id"]]
    assert api.post(f"{path}/tags", {"id": 0}).status_code == 422
    assert api.post(f"{path}/tags", {"id": 10**6}).status_code == 422
    assert api.post(f"{path}/tags", {"id": "x"}).status_code == 400
    assert api.call("DELETE", f"{path}/tags/0").status_code == 404


CONTENT: Final = b"this\nis\na\ntest\n"


def announced(content: bytes = CONTENT, **changes: Any) -> dict[str, Any]:
    digest = base64.b64encode(md5(content, usedforsecurity=False).digest()).decode()
    return {
        "name": "a picture", "filename": "ü.txt", "content_length": len(content), "content_md5": digest,
        "content_type": "text/plain", **changes,
    }  # fmt: skip


def put(api: Api, address: str, content: bytes) -> TestResponse:
    return api.app.test_client().put(address, data=content)


@ON_SQLITE
def test_a_file_is_announced_uploaded_and_fetched_without_a_token(
    make_app: Callable[..., Flask], database: Database, api: Api, project: str, tmp_path: Path
) -> None:
    api.app = make_app(files_dir=str(tmp_path / "files"))
    path = f"/v1/training_runs/{make(api, project)['id']}"
    file = api.post(f"{path}/files", announced()).json
    assert api.get(path).json["files"] == [file["id"]]
    assert api.get(f"/v1/files/{file['id']}").json["download"] is None
    upload = file["upload"]
    assert (upload["method"], upload["headers"]["Content-Type"]) == ("PUT", "text/plain")
    assert put(api, upload["url"], b"something else\n").status_code == 400
    assert put(api, upload["url"], CONTENT + b"and more").status_code == 400
    assert put(api, upload["url"].replace("signature=", "signature=0"), CONTENT).status_code == 403
    assert put(api, upload["url"].replace("expires=", "expires=1"), CONTENT).status_code == 403
    assert put(api, f"{upload['url'].partition('/v1/')[0]}/v1/files/999/content", CONTENT).status_code == 403
    assert list((tmp_path / "files").rglob(".*")) == []
    for _ in range(2):  # an upload that is sent again does no harm
        assert put(api, upload["url"], CONTENT).status_code == 200
    facts = api.get(f"/v1/files/{file['id']}").json
    fetched = api.app.test_client().get(facts["download"]["url"])
    assert (fetched.status_code, fetched.data) == (200, CONTENT)
    assert fetched.headers["Content-Disposition"].startswith("attachment;")
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"
    assert api.app.test_client().get(upload["url"]).status_code == 403
    fetched.close()


@ON_SQLITE
def test_what_is_no_file_is_refused(make_app: Callable[..., Flask], api: Api, project: str) -> None:
    path = f"/v1/training_runs/{make(api, project)['id']}/files"
    wrong: dict[str, list[Any]] = {
        "content_length": [None, "1", -1, 0, {}, [], "", 33 * 1024 * 1024],
        "content_md5": [None, "1", -1, {}, "", "aGhlbGxv"],
        "content_type": [None, "1", 0, [], "hello/world", "image", "image/", "image/ ", "image/<>", "text/a\r\nb: c"],
        "filename": [1, "x" * 101, "a\nb"],
    }
    for field, values in wrong.items():
        for value in values:
            reply = api.post(path, announced(**{field: value}))
            assert (reply.status_code, reply.json["errors"][0]["field"]) == (400, f".{field}"), (field, value)
    assert api.post(path, announced(name=None, filename=None)).status_code == 400
    api.app = make_app(files_mb_per_client=1)
    assert api.post(path, announced(content_length=1024 * 1024)).status_code == 200
    assert api.post(path, announced()).status_code == 403


@ON_SQLITE
def test_a_guest_sees_the_run_that_was_shared_and_nothing_else(api: Api, project: str) -> None:
    run, other = make(api, project), make(api, project)
    guest = api.post(f"/v1/training_runs/{run['id']}/tokens").json["token"]
    auth = {"auth": (guest, "")}
    assert api.get(f"/v1/training_runs/{run['id']}", **auth).json["id"] == run["id"]
    assert api.get(f"/v1/training_runs/{run['id']}/checkpoints", **auth).status_code == 200
    assert api.get(f"/v1/training_runs/{other['id']}", **auth).status_code == 404
    assert api.get(f"{project}/training_runs", **auth).status_code == 403
    assert api.call("MERGE", f"/v1/training_runs/{run['id']}", {"name": "x"}, **auth).status_code == 403
