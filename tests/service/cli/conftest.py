"""The command in this process, and a real server on a socket for those commands that speak to one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from service.api.door import EXTENSION
from service.app import create_app
from service.cli import main
from service.db import Database
from service.settings import Settings
from tests.support import new_client

Run = Callable[..., Result]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough: what commands do goes through what is tested on both."""
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


@pytest.fixture
def run() -> Run:
    """Run the command with these words and variables, in this process."""

    def call(*words: str, stdin: str | None = None, **environ: str | None) -> Result:
        return CliRunner().invoke(main, words, input=stdin, env=environ)

    return call


@pytest.fixture
def served(database_url: str, redis_url: str) -> Iterator[dict[str, str]]:
    """A running server; the variables that name it and a token for it."""
    app = create_app(Settings(database_url=database_url, redis_url=redis_url, suggestion_wait_s=0.0))
    database: Database = app.extensions[EXTENSION].database
    with database.write() as session:
        secret = new_client(session, now=datetime.now(UTC))[1]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield {"TRADESPACE_URL": f"http://127.0.0.1:{server.server_port}", "TRADESPACE_TOKEN": secret}
    server.shutdown()
    thread.join()
    server.server_close()
    database.close()
