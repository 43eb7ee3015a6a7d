"""The doctor names what is wrong and what to do, keeps secrets to itself, and says by its status how it went."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import redis as redis_client

from service.cli import checks
from service.db import Database
from service.events import EventType, record
from service.models import Client
from service.settings import Settings
from tasks import stream
from tests.conftest import free_port
from tests.service.cli.conftest import Run


def found(settings: Settings) -> dict[str, checks.Finding]:
    return {finding.check: finding for finding in checks.examine(settings)}


def test_it_looks_at_the_stream_that_the_ingester_reads() -> None:
    assert (checks.STREAM, checks.DEAD, checks.GROUP) == (stream.STREAM, stream.DEAD, stream.GROUP)


def test_a_system_without_workers_is_told_what_to_start(database_url: str, redis_url: str) -> None:
    findings = found(Settings(database_url=database_url, redis_url=redis_url))
    for check in ("database", "schema", "redis", "relay", "refreshes", "clock of the database", "clock of redis"):
        assert findings[check].status == "ok", findings[check]
    assert findings["workers"].status == findings["stream"].status == "failure"
    assert "tradespace worker" in findings["workers"].remedy
    assert findings["persistence"].status == "ok"


def test_what_waits_and_what_died_is_found(database: Database, database_url: str, redis: redis_client.Redis) -> None:
    with database.write() as session:
        long_ago = database.now(session) - timedelta(hours=1)
        client = Client(name="team", created_at=long_ago)
        session.add(client)
        session.flush()
        record(session, EventType.WEBHOOK_PING, client_id=client.id, experiment_id=None, data={}, now=long_ago)
    redis.xadd(stream.STREAM, {"data": "{}"})
    redis.xadd(stream.DEAD, {"data": "{}"})
    redis.xgroup_create(stream.STREAM, stream.GROUP, id="0")
    redis.xreadgroup(stream.GROUP, "me", {stream.STREAM: ">"})
    port = redis.connection_pool.connection_kwargs["port"]
    findings = found(Settings(database_url=database_url, redis_url=f"redis://127.0.0.1:{port}/0"))
    assert findings["relay"].status == "failure"
    assert "an event has waited for 36" in findings["relay"].message
    assert findings["ingesters"].message == "1 read; 1 results wait"
    assert findings["dead letters"].status == "warning"


def test_servers_that_are_away_are_failures_and_no_password_is_shown(run: Run) -> None:
    port = free_port()
    ran = run(
        "doctor",
        "--json",
        TRADESPACE_DATABASE_URL=f"postgresql://me:secret@127.0.0.1:{port}/x",
        TRADESPACE_REDIS_URL=f"redis://:secret@127.0.0.1:{port}/0",
        TRADESPACE_ADMIN_TOKEN="a very secret token",
    )
    assert ran.exit_code == 1
    report = json.loads(ran.stdout)
    statuses = {finding["check"]: finding["status"] for finding in report["findings"]}
    assert (statuses["database"], statuses["redis"], statuses["workers"]) == ("failure", "failure", "failure")
    assert "secret" not in ran.output
    assert report["settings"]["TRADESPACE_ADMIN_TOKEN"] == "***"


def test_a_database_that_is_not_there_is_not_made_by_looking(run: Run, tmp_path: Path) -> None:
    ran = run(
        "doctor",
        TRADESPACE_DATABASE_URL=f"sqlite:///{tmp_path}/none/x.db",
        TRADESPACE_REDIS_URL="redis://127.0.0.1:1/0",
    )
    assert ran.exit_code == 1
    assert "tradespace migrate" in ran.output
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_names_the_system_that_runs_on_it(run: Run, tmp_path: Path, database_url: str) -> None:
    """`database_url` is that of a database in `tmp_path`, where `tradespace up --data` would have it."""
    (tmp_path / "secret.key").write_text("k" * 32)
    ran = run("doctor", "--json", "--data", str(tmp_path), "--redis-port", str(free_port()))
    report = json.loads(ran.stdout)
    assert report["settings"]["TRADESPACE_SECRET_KEYS"] == "***"
    assert report["settings"]["TRADESPACE_DATABASE_URL"] == database_url
    statuses = {finding["check"]: finding["status"] for finding in report["findings"]}
    assert (statuses["database"], statuses["schema"], statuses["redis"]) == ("ok", "ok", "failure")
    named = run("doctor", "--json", "--data", str(tmp_path), TRADESPACE_REDIS_URL="redis://127.0.0.1:1/0")
    assert json.loads(named.stdout)["settings"]["TRADESPACE_REDIS_URL"] == "redis://127.0.0.1:1/0"
    assert run("doctor", "--data", str(tmp_path / "none")).exit_code == 2
