"""What `tradespace doctor` looks at: each check is a function that returns findings, each finding says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from service import migrations, webhooks
from service.cli.shared import without_password
from service.db import Database
from service.errors import ServiceError
from service.models import Event, Refresh
from service.nudge import Nudge
from service.sealing import Seal
from service.settings import PREFIX, Settings

__all__ = ["DEAD", "GROUP", "STREAM", "Finding", "examine", "shown_settings"]

#: As tasks.stream has them; a test holds the two together, since nothing here may know tasks.
STREAM: Final = "tradespace:results"
DEAD: Final = "tradespace:results:dead"
GROUP: Final = "ingest"
#: An ingester asks every second.
_LONGEST_SILENCE_S: Final = 20.0
#: A relay looks four times a second, a worker is called at once.
_LONGEST_WAIT: Final = timedelta(seconds=30)
_LARGEST_SKEW: Final = timedelta(seconds=5)
_LEAST_FREE: Final = 1024**3
_MANY_WAITING: Final = 10_000

Status = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """What was found by one check, and what to do about it."""

    check: str
    status: Status
    message: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Return what every check finds, in the order in which one would look."""
    return [finding for check in _CHECKS for finding in check(settings)]


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return every setting by its variable, with no secret in it."""
    shown = {}
    for name, value in settings.model_dump().items():
        is_address = name.endswith("_url") and value is not None
        secret = "***" if name.endswith(("token", "secret", "password", "secret_keys")) and value else value
        shown[PREFIX + name.upper()] = without_password(value) if is_address else secret
    return shown


def _database(settings: Settings) -> Iterator[Finding]:
    """The database: does it answer, is its schema this version's, do its rows say that somebody works?"""
    where = without_password(settings.database_url)
    missing = _missing_file(settings)
    if missing is not None:
        remedy = f"`tradespace migrate` makes it; if it lies elsewhere, set {PREFIX}DATABASE_URL"
        yield Finding("database", "failure", f"there is no file {missing}", remedy)
        return
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            here, there = datetime.now(UTC), database.now(session)
        yield Finding("database", "ok", f"{where} answers")
        yield _clock("clock of the database", there - here)
        yield from _schema(database)
        yield from _secrets(database, settings)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        remedy = f"is the server running, and {PREFIX}DATABASE_URL right?"
        yield Finding("database", "failure", f"{where} does not answer: {reason}", remedy)
    finally:
        database.close()


def _missing_file(settings: Settings) -> Path | None:
    """Return the SQLite file that ought to be there: to open it would make an empty one."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    path = Path(url.database)
    return None if path.exists() else path


def _schema(database: Database) -> Iterator[Finding]:
    have, want = migrations.current(database.engine), migrations.head()
    if have != want:
        message = f"the schema is at {have}, this version needs {want}"
        yield Finding("schema", "failure", message, "run `tradespace migrate`")
        return
    yield Finding("schema", "ok", f"at {have}")
    with database.read() as session:
        now = database.now(session)
        oldest = session.scalar(sa.select(sa.func.min(Event.created_at)).where(Event.relayed_at.is_(None)))
        due = session.scalar(sa.select(sa.func.min(Refresh.due_at)).where(Refresh.due_at < now))
        failing = session.scalar(sa.select(sa.func.count()).where(Refresh.attempts > 1)) or 0
    yield _waiting("relay", "an event", now, oldest, "start `tradespace relay`, or `tradespace up` for everything")
    yield _waiting("refreshes", "an experiment", now, due, "start `tradespace worker`; more of them if they are busy")
    if failing:
        remedy = "see the workers' log and refreshes.last_error; suggestions come from simpler strategies meanwhile"
        yield Finding("models", "warning", f"{failing} experiments' models fail to be made", remedy)


def _secrets(database: Database, settings: Settings) -> Iterator[Finding]:
    """The secrets of webhooks: are they encrypted, and can they be read?"""
    if migrations.current(database.engine) != migrations.head():
        return
    try:
        seal = Seal.of(settings)
    except ServiceError as error:
        yield Finding("secrets", "failure", error.message, "webhooks cannot be signed before it can be read")
        return
    with database.read() as session:
        seen = webhooks.standing(session, seal=seal)
    if seen.unreadable:
        message = f"{seen.unreadable} webhooks' secrets are encrypted by a key that is missing: nothing is sent to them"
        yield Finding("secrets", "failure", message, f"add the key to {PREFIX}SECRET_KEYS, or rotate the secrets")
    elif not seal.has_key:
        message = f"{seen.current} webhooks' secrets are not encrypted: there is no key"
        yield Finding("secrets", "warning", message, f"set {PREFIX}SECRET_KEYS, then run `tradespace rekey`")
    elif seen.stale:
        message = f"{seen.stale} webhooks' secrets are not encrypted, or by an older key"
        yield Finding("secrets", "warning", message, "run `tradespace rekey`")
    else:
        yield Finding("secrets", "ok", f"{seen.current} webhooks' secrets are encrypted")


def _waiting(check: str, what: str, now: datetime, since: datetime | None, remedy: str) -> Finding:
    waited = timedelta(0) if since is None else now - since
    if waited > _LONGEST_WAIT:
        return Finding(check, "failure", f"{what} has waited for {waited.total_seconds():.0f} s", remedy)
    return Finding(check, "ok", "nothing waits for long")


def _clock(check: str, ahead: timedelta) -> Finding:
    seconds = ahead.total_seconds()
    if abs(ahead) > _LARGEST_SKEW:
        remedy = "let both machines set their clocks by NTP: leases and schedules are measured on the database's"
        return Finding(check, "warning", f"is {seconds:+.1f} s off this machine's", remedy)
    return Finding(check, "ok", f"is within {_LARGEST_SKEW.seconds} s of this machine's")


def _redis(settings: Settings) -> Iterator[Finding]:
    """Redis: does it answer, will it keep what it takes, does somebody read the stream?"""
    where = without_password(settings.redis_url)
    try:
        with _connected(settings.redis_url) as client:
            client.ping()
            yield Finding("redis", "ok", f"{where} answers")
            seconds, micros = client.time()
            yield _clock("clock of redis", datetime.fromtimestamp(seconds + micros / 1e6, UTC) - datetime.now(UTC))
            yield from _persistence(client)
            yield from _stream(client)
    except (redis.RedisError, OSError, ValueError) as error:
        message = f"{where} does not answer: {type(error).__name__}: {error}"
        remedy = f"is the server running, and {PREFIX}REDIS_URL right? `tradespace up` brings one of its own"
        yield Finding("redis", "failure", message, remedy)


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    options = {"socket_timeout": 3, "socket_connect_timeout": 3, "retry": Retry(NoBackoff(), 0)}
    with redis.Redis.from_url(url, decode_responses=True, **options) as client:
        yield client


#: Setting of the server -> what it has to be, and what happens otherwise.
_WANTED: Final[Mapping[str, tuple[str, str]]] = {
    "appendonly": ("yes", "results that were accepted may be lost"),
    "maxmemory-policy": ("noeviction", "results may be dropped when memory is short"),
}


def _persistence(client: Any) -> Iterator[Finding]:
    try:
        have = {name: client.config_get(name).get(name, wanted) for name, (wanted, _) in _WANTED.items()}
    except redis.exceptions.ResponseError:
        remedy = "ask who runs it: `appendonly yes` and `maxmemory-policy noeviction` are needed"
        yield Finding("persistence", "warning", "the server lets nobody ask for its settings", remedy)
        return
    for name, (wanted, otherwise) in _WANTED.items():
        if have[name] != wanted:
            message = f"{name} is {have[name]}: {otherwise}"
            yield Finding("persistence", "failure", message, f"CONFIG SET {name} {wanted}, and in its file")
    if all(have[name] == wanted for name, (wanted, _) in _WANTED.items()):
        yield Finding("persistence", "ok", "what it takes it keeps")
    if client.info("persistence").get("aof_last_write_status", "ok") != "ok":
        yield Finding("persistence", "failure", "the last write of its file failed", "is its disk full?")


def _stream(client: Any) -> Iterator[Finding]:
    groups = {group["name"]: group for group in client.xinfo_groups(STREAM)} if client.exists(STREAM) else {}
    remedy = "start `tradespace ingest`, or `tradespace up` for everything"
    if GROUP not in groups:
        yield Finding("stream", "failure", f"{STREAM} has no group {GROUP!r}: no ingester ever ran", remedy)
        return
    readers = [reader["idle"] / 1000 for reader in client.xinfo_consumers(STREAM, GROUP)]
    awake = [idle for idle in readers if idle <= _LONGEST_SILENCE_S]
    waiting = (groups[GROUP].get("lag") or 0) + groups[GROUP]["pending"]
    if not awake:
        yield Finding("ingesters", "failure", f"none reads; {waiting} results wait", remedy)
    elif waiting > _MANY_WAITING:
        yield Finding("ingesters", "warning", f"{waiting} results wait for {len(awake)} of them", "start another one")
    else:
        yield Finding("ingesters", "ok", f"{len(awake)} read; {waiting} results wait")
    dead = client.xlen(DEAD)
    if dead:
        look = f"XREVRANGE {DEAD} + - COUNT 10 shows the newest with their reasons"
        yield Finding("dead letters", "warning", f"{dead} results could not be taken", look)


def _workers(settings: Settings) -> Iterator[Finding]:
    """The workers: do they answer a call through the broker?"""
    names = Nudge(settings.celery_broker_url).workers()
    if names:
        yield Finding("workers", "ok", f"{len(names)} answer: {', '.join(names)}")
    else:
        remedy = "start `tradespace worker`, or `tradespace up` for everything"
        yield Finding("workers", "failure", "none answers: fronts and models stand still", remedy)


def _disk(settings: Settings) -> Iterator[Finding]:
    """The disk: is there room where this machine's files lie?"""
    folders: dict[str, Path] = {"files of runs": Path(settings.files_dir)}
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        folders["database"] = Path(url.database).parent
    for what, folder in folders.items():
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(there).free
        message = f"{free / 1024**3:.1f} GiB free at {there} ({what})"
        if free < _LEAST_FREE:
            yield Finding("disk", "failure", message, "make room: what cannot be written is refused")
        else:
            yield Finding("disk", "ok", message)


_CHECKS: Final[Sequence[Callable[[Settings], Iterator[Finding]]]] = (_database, _redis, _workers, _disk)
