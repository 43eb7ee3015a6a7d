"""The command says what is wrong and what to do, and keeps to its exit codes."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service import migrations, tokens
from service.db import Database
from tests.conftest import free_port

TRADESPACE = str(Path(sys.executable).with_name("tradespace"))


def run(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRADESPACE_")}
    return subprocess.run(
        [TRADESPACE, *words],
        check=False,
        cwd=cwd,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


RUNNING = ("up", "serve", "worker", "ingest", "relay", "alive", "migrate", "rekey")


def test_help_teaches(tmp_path: Path) -> None:
    ran = run("--help", cwd=tmp_path)
    assert ran.returncode == 0
    for command in (*RUNNING, "token", "client", "experiment", "import", "export", "doctor"):
        assert f"\n  {command} " in ran.stdout
    assert "Start here" in ran.stdout
    assert "--redis-port" in run("up", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("words", [["nothing"], ["up", "--port", "x"], ["token", "create"]])
def test_wrong_use_ends_with_status_2(tmp_path: Path, words: list[str]) -> None:
    ran = run(*words, cwd=tmp_path)
    assert ran.returncode == 2
    assert "Usage:" in ran.stderr


def test_a_misspelt_setting_stops_the_start(tmp_path: Path) -> None:
    ran = run("migrate", cwd=tmp_path, TRADESPACE_REDIS_ULR="redis://x")
    assert ran.returncode == 1
    assert "did you mean 'TRADESPACE_REDIS_URL'?" in ran.stderr


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = run("up", "--port", str(free_port()), "--redis-port", port, cwd=tmp_path)
    assert ran.returncode == 1
    assert f"port {port} is taken by another program; choose another one with --redis-port" in ran.stderr


def test_a_folder_that_another_system_runs_on_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = run("up", "--data", str(tmp_path), cwd=tmp_path)
    assert ran.returncode == 1
    assert f"another Tradespace runs on {tmp_path}; choose another folder with --data" in ran.stderr


def test_migrate_makes_schema_and_first_token_once(tmp_path: Path) -> None:
    first, second = run("migrate", cwd=tmp_path), run("migrate", cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"The schema is at {migrations.head()}." in second.stdout
    assert "ts_" in first.stdout
    assert "ts_" not in second.stdout


def test_a_token_is_made_and_opens(tmp_path: Path) -> None:
    run("migrate", cwd=tmp_path)
    ran = run("token", "create", "--name", "ci", "--permission", "read", "--json", cwd=tmp_path)
    made = json.loads(ran.stdout)
    database = Database(f"sqlite:///{tmp_path}/var/tradespace.db")
    with database.read() as session:
        who = tokens.authenticate(session, made["token"], now=database.now(session))
    database.close()
    assert (who.scopes, made["name"]) == ({"read"}, "ci")


def test_a_token_without_a_schema_says_what_to_do(tmp_path: Path) -> None:
    ran = run("token", "create", "--name", "ci", cwd=tmp_path)
    assert ran.returncode == 1
    assert "Run `tradespace migrate` first." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    ran = run("migrate", cwd=tmp_path, TRADESPACE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert ran.returncode == 1
    assert "the database cannot be used" in ran.stderr
    assert "Traceback" not in ran.stderr
