"""/livez speaks for the process alone, /readyz for what requests need."""

from __future__ import annotations

from collections.abc import Callable

import redis as redis_client
from flask import Flask

from service import migrations
from service.db import Database
from tests.service.api.conftest import Api


def test_all_is_well(api: Api, redis: redis_client.Redis) -> None:
    redis.config_set("appendonly", "yes")
    assert api.get("/livez", auth=None).json == {"status": "ok"}
    ready = api.get("/readyz", auth=None)
    assert (ready.status_code, ready.json["status"]) == (200, "ok")  # type: ignore[index]


def test_without_redis_requests_are_served_and_it_is_said(make_app: Callable[..., Flask]) -> None:
    reply = make_app(redis_url="redis://127.0.0.1:1/0").test_client().get("/readyz")
    assert (reply.status_code, reply.json["status"]) == (200, "degraded")  # type: ignore[index]
    assert "does not answer" in reply.json["checks"]["redis"]  # type: ignore[index]


def test_a_redis_that_may_drop_results_is_named(api: Api, redis: redis_client.Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        checks = api.get("/readyz", auth=None).json["checks"]  # type: ignore[index]
        assert "maxmemory-policy is allkeys-lru" in checks["redis"]
    finally:
        redis.config_set("maxmemory-policy", "noeviction")


def test_without_a_database_it_is_alive_and_not_ready(make_app: Callable[..., Flask]) -> None:
    client = make_app(database_url="postgresql://nobody@127.0.0.1:1/none").test_client()
    assert client.get("/livez").status_code == 200
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json["status"]) == (503, "unavailable")  # type: ignore[index]


def test_an_old_schema_is_not_ready_and_says_what_to_do(api: Api, database: Database) -> None:
    migrations.downgrade(database.engine, "base")
    reply = api.get("/readyz", auth=None)
    assert reply.status_code == 503
    assert "tradespace migrate" in reply.json["checks"]["migrations"]  # type: ignore[index]
