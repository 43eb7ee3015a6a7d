"""A database of each kind for a whole module: for tests that read much and change nothing for good."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.db import Database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An open, migrated database."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "tradespace.db"
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, path)
        opened = Database(f"sqlite:///{path}")
        yield opened
        opened.close()
        return
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    name = f"t{uuid.uuid4().hex}"
    admin = Database(server.render_as_string(hide_password=False))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template_tradespace"))
        opened = Database(server.set(database=name).render_as_string(hide_password=False))
        yield opened
        opened.close()
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.close()
