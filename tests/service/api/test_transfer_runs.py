"""An AI experiment goes out with its runs and comes in again, here or at another client's; what is wrong is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.transfer import imports, runs
from tests.service.api.conftest import Api
from tests.service.api.test_transfer import SPACE, change, change_first, exported, imported, without_ids
from tests.support import new_client


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough: what a transfer stores goes through use cases that are tested on both."""
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


#: All that a run can say, with an empty part, and with what an assignment of the server's own carries.
SAID: dict[str, Any] = {
    "assignments": {"layers": 3, "optimizer": "adam"},
    "assignments_meta": {"layers": {"source": "by hand"}},
    "assignments_sources": {"by hand": {"sort": 2, "default_show": False}},
    "datasets": {"digits": {}},
    "dev_metadata": {"line": 7},
    "logs": {"stdout": {"content": "one\ntwo"}},
    "metadata": {"host": "a", "n": 1.5},
    "model": {"type": "tree"},
    "source_code": {"content": "print()", "hash": "abc"},
    "sys_metadata": {"feature_importances": {"type": "gain", "scores": {"batch": 1.0}}},
    "values": {"accuracy": {"value": 0.75, "value_stddev": 0.01}, "loss": {"value": 2.0}},
    "favorite": True,
}


def client_of(api: Api) -> str:
    return f"/v1/clients/{api.get('/v1/sessions').json['client']['id']}"  # type: ignore[index]


def project(api: Api, reference: str = "cats") -> str:
    path = client_of(api)
    api.post(f"{path}/projects", {"id": reference, "name": reference})
    return f"{path}/projects/{reference}"


def filled(api: Api) -> str:
    """An AI experiment with runs of every kind; return its id."""
    path = project(api)
    tag = api.post(f"{client_of(api)}/tags", {"name": "night", "color": "#112233"}).json["id"]  # type: ignore[index]
    body = {"name": "ai", "parameters": SPACE["parameters"][0:3:2], "metrics": [{"name": "accuracy"}], "budget": 9}
    made = api.post(f"{path}/aiexperiments", body).json
    assert made is not None
    path = f"/v1/aiexperiments/{made['id']}/training_runs"
    names = ("one", "two", "gone", "failed", "cut loose", "retracted")
    one, _, gone, failed, loose, retracted = (api.post(path, {"name": name}).json["id"] for name in names)  # type: ignore[index]
    for number in range(3):
        point = {"values": [{"name": "loss", "value": number / 2}], "metadata": {"epoch": number} if number else None}
        assert api.post(f"/v1/training_runs/{one}/checkpoints", point).status_code == 200
    api.post(f"/v1/training_runs/{one}/tags", {"id": tag})
    for run, said in (
        (one, {**SAID, "state": "completed"}),
        (failed, {"state": "failed", "favorite": True}),
        (retracted, {"values": {"accuracy": {"value": 1}}, "state": "completed"}),
    ):
        assert api.call("MERGE", f"/v1/training_runs/{run}", said).status_code == 200
    api.call("PUT", f"/v1/training_runs/{failed}", {"favorite": None, "logs": {}})
    api.call("DELETE", f"/v1/training_runs/{gone}")
    base = f"/v1/experiments/{made['id']}"
    newest = api.get(f"{base}/observations").json["data"][0]["id"]  # type: ignore[index]
    api.call("DELETE", f"{base}/observations/{newest}")
    suggestion = next(item["suggestion"] for item in exported(api, made["id"])["runs"] if item["id"] == loose)
    api.call("DELETE", f"{base}/suggestions/{suggestion}")
    ended = {
        "name": "told at the end",
        "assignments": {"rate": 0.5, "batch": 64},
        "values": {"accuracy": {"value": 0.5}},
    }
    assert api.post(path, {**ended, "state": "completed"}).status_code == 200
    return str(made["id"])


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    """What a round trip keeps of an export with runs: all but ids."""
    suggestions = {item["id"]: number for number, item in enumerate(document["suggestions"])}
    told = [
        {**run, "id": number, **({"suggestion": suggestions[run["suggestion"]]} if "suggestion" in run else {})}
        for number, run in enumerate(document["runs"])
    ]
    return {**without_ids(document), "runs": told}


def test_an_export_with_runs_says_what_each_said_and_leaves_out_what_was_put_away(api: Api) -> None:
    file = exported(api, filled(api))
    head = {name: file["experiment"].get(name) for name in ("runs_only", "project", "budget", "observation_budget")}
    assert head == {"runs_only": True, "project": "cats", "budget": 9, "observation_budget": None}
    assert file["tags"] == [{"name": "night", "color": "#112233"}]
    by_name = {run["name"]: run for run in file["runs"]}
    assert list(by_name) == ["one", "two", "failed", "cut loose", "retracted", "told at the end"]
    one = by_name["one"]
    assert {name: one[name] for name in SAID.keys() - {"assignments", "assignments_meta", "assignments_sources"}} == {
        name: SAID[name] for name in SAID.keys() - {"assignments", "assignments_meta", "assignments_sources"}
    }
    assert (one["tags"], [item["values"][0]["value"] for item in one["checkpoints"]]) == (["night"], [0, 0.5, 1])
    results = {item["result_id"] for item in file["observations"]}
    assert {name for name, run in by_name.items() if "result_id" in run} == {"one", "failed", "told at the end"}
    assert {run["result_id"] for run in by_name.values() if "result_id" in run} == results
    assert "suggestion" not in by_name["cut loose"]
    assert by_name["failed"]["favorite"] is False


def test_an_experiment_of_runs_that_was_exported_and_imported_is_exported_the_same_up_to_ids(api: Api) -> None:
    before = exported(api, filled(api))
    reply = imported(api, before)
    assert reply.status_code == 200, reply.text
    assert (reply.json["runs"], reply.json["observations"]) == (6, 3)
    after = exported(api, reply.json["experiment"])
    assert renamed(after) == renamed(before)
    shown = api.get(f"/v1/aiexperiments/{reply.json['experiment']}").json
    assert shown is not None
    assert shown["progress"]["total_run_count"] == 6


def test_imported_runs_go_on_as_runs_and_become_observations(api: Api) -> None:
    key = imported(api, exported(api, filled(api))).json["experiment"]
    file = exported(api, key)
    run = next(item for item in file["runs"] if item["name"] == "two")
    done = {"values": {"accuracy": {"value": 0.9}}, "state": "completed"}
    assert api.call("MERGE", f"/v1/training_runs/{run['id']}", done).status_code == 200
    api.call("MERGE", f"/v1/training_runs/{file['runs'][0]['id']}", {"values": {"accuracy": {"value": 0.8}}})
    values = [item["values"][0]["value"] for item in exported(api, key)["observations"] if "failed" not in item]
    assert sorted(values) == [0.5, 0.8, 0.9]
    api.work(key)
    best = api.get(f"/v1/aiexperiments/{key}/best_training_runs").json
    assert best is not None
    assert [item["name"] for item in best["data"]] == ["two"]


def test_a_later_run_never_takes_the_result_id_of_one_that_was_brought_in(api: Api) -> None:
    document = exported(api, filled(api))
    coming = str(int(document["runs"][-1]["id"]) + 6 + 1)  # the first that is made after the six that come in
    taken = f"training_run-{coming}"
    document["observations"][0]["result_id"] = document["runs"][0]["result_id"] = taken
    key = imported(api, document).json["experiment"]
    made = api.post(f"/v1/aiexperiments/{key}/training_runs", {"name": "next"}).json
    assert made is not None
    assert made["id"] == coming
    done = {"values": {"accuracy": {"value": 0.1}}, "state": "completed"}
    assert api.call("MERGE", f"/v1/training_runs/{coming}", done).status_code == 200
    assert len(exported(api, key)["observations"]) == 4


def elsewhere(api: Api) -> Api:
    """The same application, as another client sees it."""
    with api.database.write() as session:
        return Api(api.app, api.database, new_client(session, now=datetime.now(UTC))[1])


def test_another_client_gets_the_tags_as_well_and_says_which_project_the_runs_are_for(api: Api) -> None:
    before = exported(api, filled(api))
    other = elsewhere(api)
    refused = imported(other, before)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, ".experiment.project")
    project(other, "dogs")
    reply = imported(other, before, "/v1/experiments/import?project=dogs")
    assert reply.status_code == 200, reply.text
    after = exported(other, reply.json["experiment"])
    experiment = {**before["experiment"], "project": "dogs"}
    assert renamed(after) == renamed({**before, "experiment": experiment})
    assert other.get(f"{client_of(other)}/projects/dogs/training_runs").json["count"] == 6  # type: ignore[index]


SPOILT: tuple[tuple[Callable[[dict[str, Any]], Any], str], ...] = (
    (change_first("runs", name=None), ".runs[0].name"),
    (change_first("runs", state="over"), ".runs[0].state"),
    (change_first("runs", suggestion="99"), ".runs[0].suggestion"),
    (change_first("runs", result_id="other"), ".runs[0].result_id"),
    (change_first("runs", created="soon"), ".runs[0].created"),
    (change_first("runs", more=1), ".runs[0].more"),
    (change_first("runs", project="cats"), ".runs[0].project"),
    (change_first("runs", values={"accuracy": {"value": "much"}}), ".runs[0].values"),
    (change_first("runs", tags=[7]), ".runs[0].tags"),
    (change_first("runs", checkpoints=[{"values": [{"name": "loss"}]}]), ".runs[0].checkpoints[0].values"),
    (change_first("runs", checkpoints=[{"values": [], "created": "x"}]), ".runs[0].checkpoints[0].created"),
    (change_first("runs", checkpoints=[{"values": []}] * 201), ".runs[0].checkpoints"),
    (lambda file: {**file, "runs": [file["runs"][0], file["runs"][0]]}, ".runs[1].id"),
    (lambda file: {**file, "runs": [file["runs"][0], {**file["runs"][0], "id": "x"}]}, ".runs[1]."),
    (change(runs=[7]), ".runs[0]"),
    (change(tags=[{"name": "night", "color": "black"}]), ".tags[0].color"),
    (change(tags=[{"name": "n" * 101, "color": "#112233"}]), ".tags[0].name"),
    (change(tags=[{"name": "night", "color": "#112233"}] * 2), ".tags[1].name"),
    (lambda file: {"experiment": SPACE, "runs": file["runs"]}, ".runs"),
)


def test_what_is_wrong_with_a_run_is_named_and_nothing_is_stored(api: Api) -> None:
    document = exported(api, filled(api))
    for spoil, field in SPOILT:
        reply = imported(api, spoil(json.loads(json.dumps(document))))
        assert reply.status_code == 400, reply.text
        assert reply.json["errors"][0]["field"].startswith(field), reply.json
    assert api.get("/v1/aiexperiments?state=all").json["count"] == 1  # type: ignore[index]


def test_what_was_made_of_an_import_that_fails_half_way_is_seen_nowhere(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = exported(api, filled(api))
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(runs, "add_runs", failing_at_second(runs.add_runs))
    assert imported(api, document).status_code == 500
    assert api.get("/v1/aiexperiments").json["count"] == 1  # type: ignore[index]
    listed = api.get(f"{client_of(api)}/projects/cats/training_runs").json
    assert listed is not None
    assert [item["name"] for item in listed["data"] if item["deleted"]] == ["two", "one", "gone"]


def failing_at_second(call: Callable[..., None]) -> Callable[..., None]:
    """The same call, which goes well once."""
    done: list[int] = []

    def instead(*given: Any, **named: Any) -> None:
        if done:
            raise RuntimeError("the database has gone away")
        done.append(1)
        call(*given, **named)

    return instead


def test_an_export_with_any_of_its_parts_in_anothers_place_is_taken_or_refused(api: Api) -> None:
    document = exported(api, filled(api))
    lists = ("suggestions", "observations", "tags", "runs")
    items = [item for name in lists for item in document[name]]
    parts = [value for item in items for value in item.values()] + [None, -1, 1e300, "", "\u0001", [], {}, [None], True]
    dice = random.Random(3)
    outcomes = set()
    for _ in range(150):
        changed = json.loads(json.dumps(document))
        item = dice.choice(changed[dice.choice(lists)])
        item[dice.choice([*item, "more"])] = dice.choice(parts)
        reply = imported(api, changed)
        assert reply.status_code in (200, 400), (reply.text, item)
        outcomes.add(reply.status_code)
        if reply.status_code == 200:
            assert api.get(f"/v1/experiments/{reply.json['experiment']}/export").status_code == 200
    assert outcomes == {200, 400}
