"""Every route of the app with its guard, teams with one of everything, and calls of the one by the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from service import tokens
from service.api.auth import Guard, guard_of
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


def opened(path: Path, redis_url: str) -> Iterator[World]:
    """Open the app on a database of its own."""
    settings = Settings(
        database_url=f"sqlite:///{path}",
        redis_url=redis_url,
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
