"""Projects, their notes, and tags, as SigOpt's clients know them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from service import tokens
from service.api.door import EXTENSION
from service.app import create_app
from service.models import Experiment, Project
from service.projects import LONGEST_NOTE
from service.settings import Settings
from tests.factories import NO_REDIS, NOW, make_client, make_experiment
from tests.service.api.conftest import Api


class Team(Api):
    client_id: int

    @property
    def path(self) -> str:
        return f"/v1/clients/{self.client_id}"

    def project(self, name: str = "p", **more: Any) -> dict[str, Any]:
        reply = self.post(f"{self.path}/projects", {"id": name, "name": name, **more})
        assert reply.status_code == 200, reply.text
        return dict(reply.json or {})


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    path = tmp_path_factory.mktemp("projects") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    made = create_app(Settings(database_url=f"sqlite:///{path}", redis_url=NO_REDIS))
    yield made
    made.extensions[EXTENSION].database.close()


@pytest.fixture
def team(app: Flask) -> Team:
    """A client of its own for each test."""
    database = app.extensions[EXTENSION].database
    with database.write() as session:
        client = make_client(session)
        secret = tokens.issue(session, client_id=client.id, name="t", permission="write", now=NOW)[1]
    made = Team(app, database, secret)
    made.client_id = client.id
    return made


def test_a_project_is_shown_in_the_shape_of_sigopt(team: Team) -> None:
    made = team.project("cats.v2_x-1", metadata={"a": "b", "c": None})
    assert made == team.get(f"{team.path}/projects/cats.v2_x-1").json
    times = made.pop("created"), made.pop("updated")
    assert times[0] == times[1] > 0
    assert made == {
        "object": "project",
        "id": "cats.v2_x-1",
        "name": "cats.v2_x-1",
        "client": str(team.client_id),
        "user": None,
        "metadata": {"a": "b"},
        "deleted": False,
        "experiment_count": 0,
        "training_run_count": 0,
    }


def test_a_reference_is_taken_once(team: Team) -> None:
    team.project("p")
    reply = team.post(f"{team.path}/projects", {"id": "p", "name": "again"})
    assert reply.status_code == 409
    assert reply.json is not None
    assert reply.json["message"] == "The experiment project with id `p` already exists."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "p"},
        {"id": "", "name": "p"},
        {"id": "a/b", "name": "p"},
        {"id": "..", "name": "p"},
        {"id": "x" * 33, "name": "p"},
        {"id": "p", "name": ""},
        {"id": "p", "name": "x" * 101},
        {"id": "p", "name": "p", "metadata": []},
        {"id": "p", "name": "p", "colour": 1},
    ],
)
def test_what_is_no_project_is_refused(team: Team, body: dict[str, Any]) -> None:
    assert team.post(f"{team.path}/projects", body).status_code == 400


def test_a_change_leaves_what_it_does_not_name(team: Team) -> None:
    team.project("p", metadata={"a": 1})
    path = f"{team.path}/projects/p"

    def put(**body: Any) -> dict[str, Any]:
        return dict(team.call("PUT", path, body).json or {})

    assert put(name="new")["metadata"] == {"a": 1}
    assert put()["name"] == "new"
    assert put(metadata=None)["metadata"] is None
    assert put(deleted=True)["deleted"] is True
    assert team.get(f"{team.path}/projects").json["count"] == 0  # type: ignore[index]
    assert team.get(f"{team.path}/projects?deleted=true").json["count"] == 1  # type: ignore[index]
    assert put(deleted=None)["deleted"] is True
    assert put(deleted=False)["deleted"] is False
    for wrong in ({"name": None}, {"name": ""}, {"client": "1"}, {"created": 0}, {"id": "q"}, {"deleted": 1}):
        assert team.call("PUT", path, wrong).status_code == 400, wrong
    assert team.call("PUT", f"{team.path}/projects/q", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("sort", ["created", "updated"])
@pytest.mark.parametrize("ascending", [True, False])
def test_a_list_is_walked_in_every_order(team: Team, sort: str, ascending: bool) -> None:
    for name in "abcde":
        team.project(name)
    with team.database.write() as session:
        rows = session.query(Project).filter_by(client_id=team.client_id).order_by(Project.id).all()
        for index, row in enumerate(rows):
            row.created_at = NOW + timedelta(seconds=index // 2)  # some at the same moment
            row.updated_at = NOW - timedelta(seconds=index // 2)
    key = {"created": lambda p: (p.created_at, p.id), "updated": lambda p: (p.updated_at, p.id)}[sort]
    expected = [row.reference for row in sorted(rows, key=key, reverse=not ascending)]
    found: list[str] = []
    query, way = "", "after" if ascending else "before"
    while True:
        page = team.get(f"{team.path}/projects?limit=2&sort={sort}&ascending={ascending}{query}").json
        assert page is not None
        assert page["count"] == 5
        found += [item["id"] for item in page["data"]]
        if page["paging"][way] is None:
            break
        query = f"&{way}={page['paging'][way]}"
    assert found == expected


def test_the_project_that_changed_last_comes_first(team: Team) -> None:
    for name in "abc":
        team.project(name)
    with team.database.write() as session:
        for row in session.query(Project).filter_by(client_id=team.client_id):
            row.updated_at = NOW - timedelta(seconds=row.reference != "b")
    assert [item["id"] for item in team.get(f"{team.path}/projects").json["data"]] == ["b", "c", "a"]  # type: ignore[index]


def test_a_project_counts_what_is_in_it(team: Team) -> None:
    team.project("p")
    with team.database.write() as session:
        project = session.query(Project).filter_by(client_id=team.client_id).one()
        for state in ("active", "active", "deleted"):
            row: Experiment = make_experiment(session, project_id=project.id, state=state)
            row.client_id = team.client_id
    assert team.get(f"{team.path}/projects/p").json["experiment_count"] == 2  # type: ignore[index]


def test_the_newest_note_counts(team: Team) -> None:
    team.project("p")
    path = f"{team.path}/projects/p/notes"
    assert team.get(path).json["data"] == []  # type: ignore[index]
    team.post(path, {"contents": "first"})
    second = team.post(path, {"contents": "second"}).json
    listed = team.get(path).json
    assert listed is not None
    assert (listed["count"], listed["data"]) == (1, [second])
    assert second is not None
    assert (second["project"], second["client"], second["contents"]) == ("p", str(team.client_id), "second")
    assert team.post(path, {"contents": "ü" * LONGEST_NOTE}).status_code == 200
    for wrong in ({}, {"contents": 123}, {"contents": "x" * (LONGEST_NOTE + 1)}, {"additional": "property"}):
        assert team.post(path, wrong).status_code == 400


@pytest.mark.parametrize("color", ["#000000", "#AAAAAA", "#ffffff", "#1a2B3c"])
def test_a_tag_has_a_colour_in_capitals(team: Team, color: str) -> None:
    made = team.post(f"{team.path}/tags", {"name": "t", "color": color}).json
    assert made is not None
    assert made["color"] == color.upper()
    assert team.get(f"{team.path}/tags").json["data"] == [made]  # type: ignore[index]
    assert team.post(f"{team.path}/tags", {"name": "t", "color": color}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"color": "#123456"},
        {"name": "t"},
        {"name": "", "color": "#123456"},
        {"name": "t", "color": "#123456", "more": True},
        *({"name": "t", "color": color} for color in ("", " ", "red", "#a", "#123", "#EGBDFA", "#-12885", "#123456\n")),
    ],
)
def test_what_is_no_tag_is_refused(team: Team, body: dict[str, Any]) -> None:
    assert team.post(f"{team.path}/tags", body).status_code == 400


def test_a_project_is_as_new_as_the_newest_result_of_its_experiments(api: Api) -> None:
    client = api.get("/v1/sessions").json["client"]["id"]  # type: ignore[index]
    path = f"/v1/clients/{client}/projects"
    for name in ("quiet", "busy", "empty"):
        assert api.post(path, {"id": name, "name": name}).status_code == 200
    api.experiment(project="quiet")
    busy = api.experiment(project="busy")
    result = f"/v1/experiments/{busy}/observations"

    def newest() -> list[str]:
        return [item["id"] for item in api.get(path, query_string={"sort": "updated"}).json["data"]]  # type: ignore[index]

    def grown_old() -> None:
        with api.database.write() as session:
            for days, name in enumerate(("empty", "quiet", "busy")):
                at = NOW - timedelta(days=days)
                row = session.scalars(sa.select(Project).where(Project.reference == name)).one()
                row.updated_at = at
                session.execute(sa.update(Experiment).where(Experiment.project_id == row.id).values(updated_at=at))

    grown_old()
    assert newest() == ["empty", "quiet", "busy"]
    made = api.observe(busy, 0.1, 0.2).json
    assert made is not None
    shown = api.get(f"{path}/busy").json
    assert shown is not None
    assert (newest(), shown["updated"]) == (["busy", "empty", "quiet"], made["created"])
    for change in ("PUT", "DELETE"):
        grown_old()
        body = {"metadata": {"by": "hand"}} if change == "PUT" else None
        assert api.call(change, f"{result}/{made['id']}", body).status_code == 200
        assert newest() == ["busy", "empty", "quiet"]
