"""/livez and /readyz: for machines that restart and route. Neither asks for a token."""

from __future__ import annotations

import redis
import sqlalchemy as sa
from flask import Blueprint, Response
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from service import migrations
from service.api.door import services
from service.api.wire import reply
from service.db import Database

__all__ = ["blueprint"]

blueprint = Blueprint("health", __name__)

_OK = "ok"


@blueprint.get("/livez")
def live() -> Response:
    """Whether this process answers; it asks nobody else."""
    return reply({"status": _OK})


@blueprint.get("/readyz")
def ready() -> Response:
    """Whether requests can be served. Without Redis they can, but no result comes in by the stream."""
    held = services()
    checks = {"database": _database(held.database), "redis": _redis(held.settings.redis_url)}
    checks["migrations"] = _migrations(held.database) if checks["database"] == _OK else "not known"
    serves = checks["database"] == _OK and checks["migrations"] == _OK
    status = "unavailable" if not serves else _OK if checks["redis"] == _OK else "degraded"
    return reply({"status": status, "checks": checks}, 200 if serves else 503)


def _database(database: Database) -> str:
    try:
        with database.read() as session:
            session.execute(sa.text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"does not answer ({type(error).__name__})"
    return _OK


def _migrations(database: Database) -> str:
    have, want = migrations.current(database.engine), migrations.head()
    return _OK if have == want else f"at {have}, this version needs {want}: run `tradespace migrate`"


def _redis(url: str) -> str:
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        with client:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
            aof = client.config_get("appendonly").get("appendonly", "yes")
    except redis.exceptions.NoPermissionError:
        return _OK  # it answers; a server that lets nobody ask for its settings is not thereby wrong
    except redis.RedisError as error:
        return f"does not answer ({type(error).__name__})"
    if policy != "noeviction":
        return f"may drop results: maxmemory-policy is {policy}, expected noeviction"
    return _OK if aof == "yes" else "may lose results: appendonly is no, expected yes"
