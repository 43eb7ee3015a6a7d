"""The whole application over a database, as a browser or curl would meet it, but without the socket."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.models import Client, Experiment
from service.settings import Settings
from service.tokens import issue
from tests.factories import NO_REDIS, make_client


@dataclass(frozen=True)
class Site:
    """A client of the application with the tokens of one team."""

    http: FlaskClient
    database: Database
    client_id: int
    token: str

    def get(self, path: str, *, token: str | None = None) -> TestResponse:
        """Ask for a page with a token (the team's own unless another is given)."""
        return self.http.get(path, auth=(token or self.token, ""))

    def tell(self, story: Callable[[Session, Client], Experiment]) -> int:
        """Make an experiment of this team; return its id."""
        with self.database.write() as session:
            return story(session, session.get_one(Client, self.client_id)).id

    def guest(self, experiment_id: int) -> str:
        """Make a token for one experiment."""
        with self.database.write() as session:
            now = self.database.now(session)
            made = issue(
                session,
                client_id=self.client_id,
                name="guest",
                permission="read",
                now=now,
                experiment_id=experiment_id,
            )
            return made[1]


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[Site]:
    """The application, and one team that may read.

    On SQLite alone: what reads the database has been held to both (tests/service/reports/test_read_model.py).
    """
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'tradespace.db'}", redis_url=NO_REDIS)
    app = create_app(settings)
    database: Database = app.extensions[EXTENSION].database
    with database.write() as session:
        client = make_client(session)
        _, token = issue(session, client_id=client.id, name="reader", permission="read", now=database.now(session))
    with app.test_client() as http:
        yield Site(http, database, client.id, token)
    database.close()
