"""`tradespace up`, and one process of the system each: serve, worker, ingest, relay; migrate; alive."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from service import embedded, migrations, tokens
from service.cli.keys import make_key
from service.cli.shared import console, read_settings, say, without_password
from service.db import Database
from service.embedded import Plan
from service.sealing import KEY_FILE
from service.settings import Settings
from service.supervisor import Supervisor

__all__ = ["COMMANDS"]

_COLORS: Final = {"web": "cyan", "worker": "magenta", "ingest": "green", "relay": "yellow", "valkey": "blue"}
_FOREVER_S: Final = 60.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the web server listens on.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(1, 65535), help="Port of the web server.")
@click.option(
    "--redis-port", default=8322, show_default=True, type=click.IntRange(1, 65535), help="Port of the embedded Valkey."
)
@click.option(
    "--data", default="var", show_default=True, type=click.Path(file_okay=False, path_type=Path), help="Data folder."
)
def up(host: str, port: int, redis_port: int, data: Path) -> None:
    """Run the whole system: Valkey, web server, worker, ingester, relay.

    Data stay in the folder given by --data. TRADESPACE_REDIS_URL and TRADESPACE_DATABASE_URL switch to servers of
    your own. Ends with Ctrl-C; nothing is lost, and the next start goes on from there.
    """
    settings = read_settings()
    plan = _plan(settings, host, port, redis_port, data)
    with _owned(plan.data):
        if plan.key_file is not None:
            make_key(plan.key_file)
        _run(plan, settings)
    say("Tradespace has ended.")


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """Hold the data folder while the block runs: two systems on one append-only file would ruin it."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another Tradespace runs on {folder}; choose another folder with --data"
            raise click.ClickException(message) from error
        yield


def _run(plan: Plan, settings: Settings) -> None:
    state_file = plan.data / "processes.json"
    supervisor = Supervisor(embedded.commands(plan), say=_say, state_file=state_file)
    if not plan.has_own_redis:
        _refuse_taken_port(plan.redis_port, "--redis-port")
        supervisor.start("valkey")
    _refuse_taken_port(plan.port, "--port")
    database = Database(plan.database_url)
    try:
        _prepare(database, settings)
        _wait_for_redis(plan.redis_url)
    except click.ClickException:
        supervisor.stop()
        supervisor.run()
        raise
    finally:
        database.close()
    threading.Thread(target=_announce, args=(plan,), daemon=True).start()
    supervisor.run()
    Database(plan.database_url).tidy()


def _announce(plan: Plan) -> None:
    """Say where everything is, once the web server answers."""
    here = "127.0.0.1" if plan.host == "0.0.0.0" else plan.host  # noqa: S104 compared, not listened on
    while not _answers(f"http://{here}:{plan.port}/livez"):
        time.sleep(0.1)
    shown = "localhost" if here == "127.0.0.1" else here
    results = f"{without_password(plan.redis_url)} tradespace:results"
    say(f"Ready. Pages and API: http://{shown}:{plan.port}  Results: {results}")
    say(f"Data: {plan.data}  Stop with Ctrl-C.")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _plan(settings: Settings, host: str, port: int, redis_port: int, data: Path) -> Plan:
    data.mkdir(parents=True, exist_ok=True)
    placed = embedded.located(settings, data, redis_port)
    return Plan(
        host=host,
        port=port,
        redis_port=redis_port,
        data=data.resolve(),
        redis_url=placed.redis_url,
        database_url=placed.database_url,
        has_own_redis="redis_url" in settings.model_fields_set,
        files_dir=placed.files_dir,
        key_file=None if settings.secret_keys else data.resolve() / KEY_FILE,
    )


def _refuse_taken_port(port: int, option: str) -> None:
    if embedded.is_taken(port):
        raise click.ClickException(f"port {port} is taken by another program; choose another one with {option}")


def _prepare(database: Database, settings: Settings) -> None:
    """Bring the schema up to date and see to it that somebody can get in."""
    try:
        migrations.upgrade(database.engine)
        with database.write() as session:
            secret = tokens.bootstrap(session, preset=settings.admin_token, now=database.now(session))
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database cannot be used: {error}") from error
    if secret is not None:
        say(f"Admin token, shown this once: {secret}")


def _wait_for_redis(url: str) -> None:
    end = time.monotonic() + _FOREVER_S
    client = redis.Redis.from_url(url, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    while True:
        try:
            client.ping()
            return
        except redis.BusyLoadingError:
            time.sleep(0.2)  # it reads its file: that may take as long as the file is large
        except redis.RedisError as error:
            if time.monotonic() > end:
                raise click.ClickException(f"Redis at {without_password(url)} does not answer: {error}") from error
            time.sleep(0.05)


def _say(name: str, line: str) -> None:
    console.print(Text(f"{name:>8} | ", style=_COLORS.get(name, "")) + Text(line))


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date, and make the first admin token if there is none."""
    settings = read_settings()
    database = Database(settings.database_url)
    _prepare(database, settings)
    say(f"The schema is at {migrations.current(database.engine)}.")
    database.close()


def _become(*argv: str) -> None:
    """Go on as another command: one process, one set of signals."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606 our own commands


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8321, show_default=True, type=click.IntRange(1, 65535))
@click.option("--processes", default=embedded.WEB_PROCESSES, show_default=True, type=click.IntRange(1, 64))
def serve(host: str, port: int, processes: int) -> None:
    """Run the web server alone."""
    read_settings()
    _become(*embedded.web_arguments(host, port, processes=processes))


@click.command()
@click.option("--concurrency", default=embedded.WORKERS, show_default=True, type=click.IntRange(1, 64))
def worker(concurrency: int) -> None:
    """Run a Celery worker alone: it keeps fronts and models current."""
    read_settings()
    _become(*embedded.worker_arguments(concurrency))


@click.command()
def ingest() -> None:
    """Run an ingester alone: it reads the result stream."""
    read_settings()
    _become("tasks.ingest")


@click.command()
def relay() -> None:
    """Run the relay alone: events, lost wake-ups, webhooks."""
    read_settings()
    _become("tasks.relay")


@click.command()
@click.argument("process", type=click.Choice(["ingest", "relay"]))
def alive(process: str) -> None:
    """Say by the exit status whether the ingester or the relay does its work: for health checks."""
    read_settings()
    _become("tasks.liveness", process)


COMMANDS: Final = (up, serve, worker, ingest, relay, alive, migrate)
