"""The application on both databases, with a worker that the test calls by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service.api.door import EXTENSION
from service.api.kept import EXTENSION as REPLIES
from service.app import create_app
from service.db import Database
from service.settings import Settings
from tasks.optimize import refresh_once
from tests.service.api.described import check_described
from tests.service.api.matrix import World, opened
from tests.service.api.suspicious import Suspicious
from tests.support import BODY, new_client


@dataclass
class Api:
    """Calls with a token, as a client would make them."""

    app: Flask
    database: Database
    secret: str

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        more.setdefault("auth", (self.secret, ""))
        if body is not None:
            more["json"] = body
        reply = self.app.test_client().open(path, method=method, **more)
        is_whole = "fields" not in f"{path}{more.get('query_string')}" and "fields" not in (body or ())
        check_described(self.app, reply, is_whole=is_whole)
        return reply

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, {} if body is None and "data" not in more else body, **more)

    def experiment(self, **changes: Any) -> str:
        reply = self.post("/v1/experiments", {**BODY, **changes})
        assert reply.status_code == 200, reply.text
        return str(reply.json["id"])  # type: ignore[index]

    def observe(self, experiment: str, x: float, y: float, **values: float) -> TestResponse:
        named = values or {"accuracy": 1 - (x - 0.3) ** 2, "latency_ms": x + y}
        body = {
            "assignments": {"x": x, "y": y},
            "values": [{"name": name, "value": value} for name, value in named.items()],
        }
        return self.post(f"/v1/experiments/{experiment}/observations", body)

    def work(self, experiment: str) -> None:
        """Do what a worker does."""
        while refresh_once(self.database, int(experiment), pool_size=3):
            pass


@pytest.fixture
def make_app(database_url: str, redis_url: str) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        given = {"database_url": database_url, "redis_url": redis_url, "suggestion_wait_s": 0.0, **changes}
        made.append(create_app(Settings(**given)))
        made[-1].extensions[REPLIES] = Suspicious()
        return made[-1]

    yield make
    for app in made:
        app.extensions[EXTENSION].database.close()


@pytest.fixture
def api(make_app: Callable[..., Flask], database: Database) -> Api:
    with database.write() as session:
        secret = new_client(session, now=datetime.now(UTC))[1]
    return Api(make_app(), database, secret)


@pytest.fixture(scope="module")
def shared_api(sqlite_template: Path, valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One application for a whole file, on SQLite: for what is the same on both databases."""
    path = tmp_path_factory.mktemp("shared") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        secret = new_client(session, now=datetime.now(UTC))[1]
    app = create_app(Settings(database_url=f"sqlite:///{path}", redis_url=valkey_server, suggestion_wait_s=0.0))
    yield Api(app, database, secret)
    app.extensions[EXTENSION].database.close()
    database.close()


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[World]:
    """Every route of an app of its own, with whatever their paths are made of."""
    path = tmp_path_factory.mktemp("matrix") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    yield from opened(path, valkey_server)
