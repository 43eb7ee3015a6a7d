"""One trial result walks all the way through, from a shell's line to a verified webhook."""

from __future__ import annotations

from typing import Any

import redis as redis_client
import sqlalchemy as sa
from celery import Celery

from service.db import Database
from service.models import Experiment, Observation, Rejection
from tests.service.webhooks.receivers import Receiver, receiver
from tests.support import BODY
from tests.system import System, eventually
from tradespace import Client


def create(system: System) -> str:
    return str(system.http.post("/v1/experiments", json=BODY).json()["id"])


def front_of(system: System, experiment: str) -> dict[str, Any]:
    front: dict[str, Any] = system.http.get(f"/v1/experiments/{experiment}/front").json()
    return front


def test_from_the_stream_to_page_and_webhook(system: System, rows: Database) -> None:
    with receiver() as told, redis_client.Redis.from_url(system.redis_url) as redis:
        experiment = create(system)
        hook = {"url": told.url, "event_types": ["front.changed", "suggestion.ready"]}
        secret = system.http.post("/v1/webhooks", json=hook).json()["secret"]
        suggestion = system.http.post(f"/v1/experiments/{experiment}/suggestions", json={}).json()

        # What `redis-cli XADD tracespace:results '*' experiment … suggestion … accuracy …` sends.
        line = ["experiment", experiment, "suggestion", suggestion["id"], "accuracy", "0.913", "latency_ms", "12.4"]
        redis.execute_command("XADD", "tradespace:results", "*", *line)

        eventually(lambda: stored(rows, experiment) == 1, what="the result is a row")
        eventually(lambda: front_of(system, experiment)["points"], what="the result is the front")
        (point,) = front_of(system, experiment)["points"]
        assert [(value["name"], value["value"]) for value in point["values"]] == [
            ("accuracy", 0.913),
            ("latency_ms", 12.4),
        ]
        following = system.http.post(f"/v1/experiments/{experiment}/suggestions", json={}).json()
        assert (following["model_generation"], following["data_generation"]) == (1, 1)

        page = system.http.get(f"/experiments/{experiment}/report")
        assert page.status_code == 200
        assert "0.913" in page.text
        assert "<svg" in page.text

        eventually(lambda: {"front.changed", "suggestion.ready"} <= kinds(told), what="both webhooks arrive")
        payloads = [got.verified(secret) for got in told.received]
        changed = next(payload for payload in payloads if payload["type"] == "front.changed")
        assert changed["data"]["experiment"] == experiment
        assert changed["data"]["added"] == [point["id"]]


def stored(rows: Database, experiment: str) -> int:
    with rows.read() as session:
        mine = sa.select(sa.func.count()).where(Observation.experiment_id == int(experiment))
        return session.scalar(mine) or 0


def kinds(told: Receiver) -> set[str]:
    return {got.body.split('"type":"')[1].split('"')[0] for got in told.received}


def test_a_link_of_the_sdk_opens_the_report_without_a_token(system: System) -> None:
    experiment = create(system)
    with Client(system.url, system.token) as client:
        link = client.report_url(experiment)
    page = system.http.get(link, auth=None)
    assert page.status_code == 200
    assert BODY["name"] in page.text
    assert system.http.get(link.split("?")[0], auth=None).status_code == 401


def test_a_producer_that_speaks_celery_is_heard(system: System, rows: Database) -> None:
    experiment = create(system)
    celery = Celery(broker=system.redis_url, set_as_current=False)
    celery.conf.task_default_queue = "tradespace"
    good = {"experiment": experiment, "assignments": {"x": 0.5, "y": 0.5}, "values": {"accuracy": 1, "latency_ms": 2}}
    celery.send_task("tradespace.submit_result", kwargs=good)
    celery.send_task("tradespace.submit_result", kwargs={**good, "values": {"acuracy": 1, "latency_ms": 2}})
    eventually(lambda: stored(rows, experiment) == 1, what="the good one is a row")
    eventually(lambda: reasons(rows), what="the bad one is a dead letter")
    assert reasons(rows) == ["unknown metric 'acuracy'; did you mean 'accuracy'?"]
    with redis_client.Redis.from_url(system.redis_url) as redis:
        eventually(lambda: redis.xlen("tradespace:results:dead") == 1, what="and stands in the stream")
    celery.close()


def reasons(rows: Database) -> list[str]:
    with rows.read() as session:
        return list(session.scalars(sa.select(Rejection.reason)))


def test_nothing_is_forgotten_over_a_stop_and_a_start(system: System, rows: Database) -> None:
    experiment = create(system)
    body = {
        "assignments": {"x": 0.25, "y": 0.5},
        "values": [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 2}],
    }
    assert system.http.post(f"/v1/experiments/{experiment}/observations", json=body).status_code == 200
    eventually(lambda: front_of(system, experiment)["points"], what="the front")
    before = front_of(system, experiment)
    system.stop()
    with rows.read() as session:
        assert session.get_one(Experiment, int(experiment)).name == BODY["name"]
    system.start()
    assert front_of(system, experiment) == before
