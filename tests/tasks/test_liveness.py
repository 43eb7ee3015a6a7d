"""A process counts as alive by what it does."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from service.db import Database
from service.events import claim_waiting
from service.settings import Settings
from tasks import liveness
from tasks.liveness import ingest_trouble, relay_trouble
from tasks.stream import ResultStream
from tests.support import new_experiment


def test_an_ingester_is_alive_while_it_asks_the_stream(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(redis_url=redis_url, reader="one")
    assert "no such key" in (ingest_trouble(settings) or "")
    stream = ResultStream(redis_url, "one")
    stream.create_group()
    assert "no reader 'one'" in (ingest_trouble(settings) or "")
    stream.read(count=1, block_ms=1)
    assert ingest_trouble(settings) is None
    assert "no reader 'two'" in (ingest_trouble(Settings(redis_url=redis_url, reader="two")) or "")
    monkeypatch.setattr(liveness, "LONGEST_SILENCE_S", -1.0)
    assert "has not asked the stream" in (ingest_trouble(settings) or "")
    stream.close()


def test_a_redis_that_is_away_is_named() -> None:
    assert "Redis does not answer" in (ingest_trouble(Settings(redis_url="redis://127.0.0.1:1/0")) or "")


def test_a_relay_is_alive_while_no_event_waits_for_long(database: Database) -> None:
    settings = Settings(database_url=database.url.render_as_string(hide_password=False))
    assert relay_trouble(settings) is None
    with database.write() as session:
        new_experiment(session, now=database.now(session))
    assert relay_trouble(settings) is None
    with database.write() as session:
        new_experiment(session, now=database.now(session) - timedelta(hours=1))
    assert "an event has waited for" in (relay_trouble(settings) or "")
    with database.write() as session:
        claim_waiting(session, now=database.now(session))
    assert relay_trouble(settings) is None


def test_the_command_ends_with_the_reason_and_status_1(tmp_path: Path) -> None:
    environ = {**os.environ, "TRADESPACE_REDIS_URL": "redis://127.0.0.1:1/0", "TRADESPACE_READER": "one"}
    tradespace = Path(sys.executable).with_name("tradespace")
    ran = subprocess.run(
        [tradespace, "alive", "ingest"], cwd=tmp_path, env=environ, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "Redis does not answer" in ran.stderr
