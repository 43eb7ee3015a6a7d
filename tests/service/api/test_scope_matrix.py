"""Every route by every token: read off the app's own table, so that a new route is held to it from its first day.

Each view says by `requires` what it asks of a token. Here every route is called with tokens of every scope alone and of
every usual set, with none, with a development token, a guest's, and with another team's: a route that nobody guards,
one that lets the wrong token in, and one that tells a stranger what exists, fail.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from service import tokens
from service.api.auth import ANYBODY, Guard, guard_of, is_for_development
from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.models import (
    Base,
    Checkpoint,
    Client,
    Delivery,
    Endpoint,
    Event,
    File,
    Observation,
    Project,
    Suggestion,
    Tag,
    TrainingRun,
)
from service.settings import Settings
from tests.factories import make_configuration, make_experiment, make_observation, make_suggestion

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: Routes that ask no token: of machines, of who is about to sign in, and of what says so itself.
OPEN = {
    "/livez",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/<name>",
    "/problems",
    "/problems/<code>",
    "/login",
    "/logout",
    "POST /v1/sessions",
    "DELETE /v1/sessions",
    "POST /v1/users",
    # The address itself is the key: it is signed, for one file and for a while.
    "PUT /v1/files/<file_id>/content",
    "GET /v1/files/<file_id>/content",
}
#: What belongs to a project, or to nothing that a token for another project may see.
IN_PROJECTS = {"experiment_id", "aiexperiment_id", "project_id", "training_run_id", "file_id", "webhook_id", "token"}
SETS = {**{scope: (scope,) for scope in tokens.SCOPES}, "all of them": tokens.SCOPES}
NOBODY = "99999999"
#: Once a client is gone, nothing of it is left to ask for.
LAST = "/v1/clients/<client_id>"


@dataclass(frozen=True)
class Route:
    method: str
    rule: str
    guard: Guard | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:[a-z]+:)?(\w+)>", self.rule)

    def path(self, values: Mapping[str, str]) -> str:
        return re.sub(r"<(?:[a-z]+:)?(\w+)>", lambda found: values[found[1]], self.rule)


@dataclass
class Team:
    """A client with one of everything; `ids` are what its paths are made of."""

    client_id: int
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    app: Flask
    database: Database

    def routes(self) -> list[Route]:
        """Every route with its guard; what takes things away comes last, and a whole client last of all."""
        found = [
            Route(method, rule.rule, guard_of(self.app.view_functions[rule.endpoint]))
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if not rule.endpoint.endswith("static")
        ]
        return sorted(found, key=lambda r: (r.method == "DELETE", r.rule == LAST, -len(r.rule), r.name))

    def guarded(self) -> list[tuple[Route, Guard]]:
        return [(route, route.guard) for route in self.routes() if route.guard is not None]

    def team(self) -> Team:
        """Make a client with one of everything."""
        with self.database.write() as session:

            def add(row: Base) -> Any:
                session.add(row)
                session.flush()
                return row

            client = add(Client(name="A team", created_at=NOW))
            spare, _ = tokens.issue(session, client_id=client.id, name="spare", permission="read", now=NOW)
            project = add(
                Project(client_id=client.id, reference=f"p-{client.id}", name="p", created_at=NOW, updated_at=NOW)
            )
            tag = add(Tag(client_id=client.id, name="t", color="#000000", created_at=NOW))
            experiment = make_experiment(session, client=client)
            configuration = make_configuration(session, experiment, {"accuracy": 0.5, "latency_ms": 3.0})
            observation: Observation = make_observation(session, experiment, configuration)
            suggestion: Suggestion = make_suggestion(session, experiment)
            queued: Suggestion = make_suggestion(session, experiment, state="queued")
            endpoint = add(
                Endpoint(
                    client_id=client.id, url="https://example.com", secret="whsec_eA==", event_types=[], created_at=NOW
                )
            )
            event = add(Event(client_id=client.id, experiment_id=experiment.id, type="ping", data={}, created_at=NOW))
            delivery = add(
                Delivery(
                    endpoint_id=endpoint.id, event_id=event.id, message_id=f"m{event.id}", body="{}", created_at=NOW
                )
            )
            ai = make_experiment(session, client=client, runs_only=True, project_id=project.id)
            run = add(
                TrainingRun(
                    client_id=client.id, project_id=project.id, name="r", document={}, created_at=NOW, updated_at=NOW
                )
            )
            checkpoint = add(Checkpoint(training_run_id=run.id, values=[], created_at=NOW))
            file = add(
                File(
                    training_run_id=run.id,
                    filename="f",
                    content_type="text/plain",
                    content_length=1,
                    content_md5="0",
                    upload_key=f"k{run.id}",
                    created_at=NOW,
                )
            )
            rows = {
                "client_id": client,
                "organization_id": client,
                "experiment_id": experiment,
                "aiexperiment_id": ai,
                "observation_id": observation,
                "suggestion_id": suggestion,
                "queued_suggestion_id": queued,
                "queued_id": queued,
                "tag_id": tag,
                "webhook_id": endpoint,
                "delivery_id": delivery,
                "training_run_id": run,
                "run_id": run,
                "checkpoint_id": checkpoint,
                "file_id": file,
                "token": spare,
            }
            ids = {name: str(row.id) for name, row in rows.items()}
        words = {
            "project_id": project.reference,
            "user_id": "1",
            "_rest": "permissions",
            "code": "x",
            "name": "x",
            "metric": "accuracy",
        }
        return Team(int(ids["client_id"]), ids | words)

    def token(self, team: Team, scopes: tuple[str, ...], **more: Any) -> str:
        with self.database.write() as session:
            return tokens.issue(session, client_id=team.client_id, name="t", scopes=scopes, now=NOW, **more)[1]

    def call(self, route: Route, values: Mapping[str, str], secret: str | None) -> TestResponse:
        body = {} if route.method == "GET" else {"json": {}}
        with self.app.test_client() as http:
            return http.open(route.path(values), method=route.method, auth=(secret, "") if secret else None, **body)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[World]:
    path = tmp_path_factory.mktemp("matrix") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    settings = Settings(
        database_url=f"sqlite:///{path}",
        redis_url=valkey_server,
        suggestion_wait_s=0,
        limit_reads_per_s=0,
        limit_writes_per_s=0,
        files_dir=str(path.parent / "files"),
    )
    app = create_app(settings)
    database: Database = app.extensions[EXTENSION].database
    yield World(app, database)
    database.close()


def message(response: TestResponse) -> str:
    """What a refusal says, in JSON or on a page."""
    if response.is_json:
        return str((response.json or {}).get("message", ""))
    said = re.search(r'<p class="lead">(.*?)</p>', response.text, re.DOTALL)
    return "" if said is None else said[1]


def lacks(scope: str) -> str:
    return f"It needs a token with scope {scope}."


def naked(world: World) -> list[str]:
    """Return the routes that nobody guards although they are not known to be open."""
    return [route.name for route in world.routes() if route.guard is None and not {route.name, route.rule} & OPEN]


def test_a_route_that_nobody_guards_is_found(world: World) -> None:
    forgotten = Flask("forgotten")
    forgotten.add_url_rule("/v1/forgotten", view_func=lambda: "secret", methods=["POST"], endpoint="forgotten")
    assert naked(World(forgotten, world.database)) == ["POST /v1/forgotten"]


def test_every_route_says_which_token_it_takes(world: World) -> None:
    assert naked(world) == [], "guard these views with service.api.auth.requires, or say in OPEN why they ask no token"


def test_every_scope_that_a_route_names_exists(world: World) -> None:
    assert {guard.scope for _, guard in world.guarded()} <= {ANYBODY, *tokens.SCOPES}


def test_the_matrix_knows_what_every_path_is_made_of(world: World) -> None:
    known = world.team().ids
    unknown = {name for route in world.routes() for name in route.parameters} - set(known)
    assert unknown == set(), "let World.team make one of these"


def test_without_a_token_every_guarded_route_asks_for_one(world: World) -> None:
    team = world.team()
    replies = {route.name: world.call(route, team.ids, None).status_code for route, _ in world.guarded()}
    assert {name: status for name, status in replies.items() if status != 401} == {}


@pytest.mark.parametrize("name", SETS)
def test_a_token_may_what_its_scopes_say_and_nothing_else(world: World, name: str) -> None:
    team, scopes = world.team(), SETS[name]
    secret = world.token(team, scopes)
    wrong = []
    for route, guard in world.guarded():
        response = world.call(route, team.ids, secret)
        refused = response.status_code == 403 and lacks(guard.scope) in message(response)
        expected = guard.scope != ANYBODY and guard.scope not in scopes
        if refused != expected or response.status_code in (401, 500, 501, 502):
            wrong.append((route.name, guard.scope, response.status_code, message(response)[:100]))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_another_team_has_does_not_exist(world: World) -> None:
    """The answer is the one about what nobody has, word for word; also where only the path's last part is theirs."""
    theirs, mine = world.team(), world.team()
    secret = world.token(mine, tokens.PERMISSIONS["admin"])
    nobody = dict.fromkeys(theirs.ids, NOBODY) | {"_rest": "permissions"}
    wrong = []
    for route, _ in world.guarded():
        if not route.parameters:
            continue
        last = route.parameters[-1]
        for real, fake in (
            (theirs.ids, nobody),
            (mine.ids | {last: theirs.ids[last]}, mine.ids | {last: nobody[last]}),
        ):
            there, nowhere = world.call(route, real, secret), world.call(route, fake, secret)
            same = unnamed(message(there), real) == unnamed(message(nowhere), fake)
            if not 400 <= there.status_code < 500 or there.status_code != nowhere.status_code or not same:
                wrong.append((route.name, there.status_code, message(there)[:80], nowhere.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def unnamed(text: str, ids: Mapping[str, str]) -> str:
    for value in sorted(set(ids.values()), key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(value)}\b", "ID", text)
    return text


def test_a_development_token_stays_with_development(world: World) -> None:
    team = world.team()
    secret = world.token(team, tokens.PERMISSIONS["write"], token_type="client-dev")
    wrong = []
    for route, guard in world.guarded():
        response = world.call(route, team.ids, secret)
        refused = "Development tokens cannot access this endpoint." in message(response)
        if refused == is_for_development(route.rule, guard) or response.status_code >= 500:
            wrong.append((route.name, response.status_code, message(response)[:100]))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_guest_looks_at_one_experiment_and_changes_nothing(world: World) -> None:
    team = world.team()
    with world.database.write() as session:
        secret = tokens.share(session, client_id=team.client_id, experiment_id=int(team.ids["experiment_id"]), now=NOW)[
            1
        ]
        other = make_experiment(session, client=session.get_one(Client, team.client_id))
        others = team.ids | {"experiment_id": str(other.id)}
    wrong = []
    for route, _ in world.guarded():
        response = world.call(route, team.ids, secret)
        if route.method != "GET" and response.status_code < 400:
            wrong.append((route.name, response.status_code))
        if "experiment_id" in route.parameters and world.call(route, others, secret).status_code < 400:
            wrong.append((f"{route.name} of another experiment", response.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_token_for_one_project_reaches_no_other(world: World) -> None:
    team = world.team()
    with world.database.write() as session:
        given = {"client_id": team.client_id, "reference": "own", "name": "own", "created_at": NOW, "updated_at": NOW}
        project = Project(**given)
        session.add(project)
        session.flush()
        own = project.id
    secret = world.token(team, tokens.PERMISSIONS["admin"], project_id=own)
    reached = [
        (route.name, response.status_code, response.text[:200])
        for route, _ in world.guarded()
        if set(route.parameters) & IN_PROJECTS
        and (response := world.call(route, team.ids, secret)).status_code not in (400, 403, 404, 422)
    ]
    assert not reached, "\n".join(map(str, reached))


TELLTALE = "nobody may tell of this"


def hide(world: World, team: Team) -> None:
    """Give a team more than it has: of each kind one thing with a name that must not be seen."""
    with world.database.write() as session:
        client = session.get_one(Client, team.client_id)
        given = {"client_id": team.client_id, "name": TELLTALE, "created_at": NOW, "updated_at": NOW}
        project = Project(reference="hidden", **given)
        session.add(project)
        session.flush()
        make_experiment(session, client=client, name=TELLTALE, project_id=project.id)
        make_experiment(session, client=client, name=TELLTALE, project_id=project.id, runs_only=True)
        session.add(TrainingRun(project_id=project.id, document={}, **given))
        url = f"https://example.com/{TELLTALE}"
        session.add(Endpoint(client_id=team.client_id, url=url, secret="whsec_eA==", event_types=[], created_at=NOW))
        tokens.issue(session, client_id=team.client_id, name=TELLTALE, permission="read", now=NOW)


@pytest.mark.parametrize("who", ["another team", "a guest of an experiment", "a guest of a run", "a project's token"])
def test_nobody_is_told_of_what_is_out_of_reach(world: World, who: str) -> None:
    team = world.team()
    hide(world, team)
    with world.database.write() as session:
        project = session.query(Project).filter_by(reference=team.ids["project_id"], client_id=team.client_id).one()
        shared = {"client_id": team.client_id, "now": NOW}
        secret = {
            "another team": lambda: stranger(session),
            "a guest of an experiment": lambda: tokens.share(
                session, experiment_id=int(team.ids["experiment_id"]), **shared
            )[1],
            "a guest of a run": lambda: tokens.share(
                session, training_run_id=int(team.ids["training_run_id"]), **shared
            )[1],
            "a project's token": lambda: tokens.issue(
                session, name="t", permission="admin", project_id=project.id, **shared
            )[1],
        }[who]()
    assert telling(world, team, secret) == set()


def test_what_is_hidden_from_others_is_there_for_its_team(world: World) -> None:
    """Without this the promise above could be kept by showing nothing."""
    team = world.team()
    hide(world, team)
    whole = telling(world, team, world.token(team, tokens.PERMISSIONS["admin"]))
    assert {"GET /", "GET /v1/experiments", "GET /v1/aiexperiments", "GET /v1/webhooks"} <= whole
    assert {f"GET /v1/clients/<client_id>/{what}" for what in ("projects", "training_runs", "tokens")} <= whole


def telling(world: World, team: Team, secret: str) -> set[str]:
    """Return the routes that tell of what is hidden."""
    looks = [route for route, _ in world.guarded() if route.method == "GET"]
    return {route.name for route in looks if TELLTALE in world.call(route, team.ids, secret).text}


def stranger(session: Session) -> str:
    client = Client(name="Another team", created_at=NOW)
    session.add(client)
    session.flush()
    return tokens.issue(session, client_id=client.id, name="t", permission="admin", now=NOW)[1]
