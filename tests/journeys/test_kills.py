"""Every process is killed once in mid-run, and nothing of the run is lost, doubled or wrong at its end."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import httpx
import moocore
import numpy as np
import sqlalchemy as sa

from service.db import Database
from service.models import Delivery, Event, Observation, Refresh
from tests.service.webhooks.receivers import Receiver, receiver
from tests.support import BODY
from tests.system import System, eventually
from tradespace import Client, Producer

#: Each is killed in mid-run, one after the other, with this many more results in between.
KILLS = ("ingest", "worker", "relay", "web", "valkey")
BETWEEN = 8
#: How long a trial takes its producer, so that the run outlasts the kills without thousands of results.
TRIAL_S = 0.1


def measure(assignments: dict[str, Any]) -> dict[str, float]:
    x, y = assignments["x"], assignments["y"]
    return {"accuracy": 1 - (x - 0.3) ** 2 - 0.1 * y, "latency_ms": 5 * x + math.exp(-3 * y)}


class Run:
    """What producers do that ask over HTTP and publish to Redis, until they are told that it is enough."""

    def __init__(self, system: System, experiment: str) -> None:
        self._system = system
        self._experiment = experiment
        self._lock = threading.Lock()
        self.sent: dict[str, dict[str, float]] = {}
        self.errors: list[BaseException] = []
        self.enough = threading.Event()

    def produce(self) -> None:
        try:
            with (
                Client(self._system.url, self._system.token, timeout=90) as client,
                Producer(self._system.redis_url, timeout=90) as producer,
            ):
                while not self.enough.wait(TRIAL_S):
                    suggestion = client.next_suggestion(self._experiment)
                    values = measure(dict(suggestion.assignments))
                    result_id = producer.publish(self._experiment, values, suggestion=suggestion)
                    with self._lock:
                        self.sent[result_id] = values
        except BaseException as error:
            self.errors.append(error)
            raise

    def has_sent(self, more: int) -> None:
        """Wait until this many more results were sent."""
        goal = len(self.sent) + more
        eventually(lambda: len(self.sent) >= goal or self.errors, what=f"{more} more results", within_s=90)


def kill(system: System, name: str) -> None:
    """Kill a child as the kernel's out-of-memory killer does, and wait for its successor."""
    before = system.pids()["children"][name]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: system.pids()["children"].get(name) not in (None, before), what=f"{name} is started again")


def test_a_run_survives_the_death_of_every_process(system: System, rows: Database) -> None:
    with receiver() as told:
        experiment = str(system.http.post("/v1/experiments", json=BODY).json()["id"])
        secret = system.http.post("/v1/webhooks", json={"url": told.url}).json()["secret"]
        early = events_recorded(rows)  # before anybody wanted to be told, or just then
        run = Run(system, experiment)
        producers = [threading.Thread(target=run.produce) for _ in range(2)]
        for thread in producers:
            thread.start()
        try:
            for name in KILLS:
                run.has_sent(BETWEEN)
                kill(system, name)
            run.has_sent(BETWEEN)
        finally:
            run.enough.set()
            for thread in producers:
                thread.join(120)
        assert run.errors == []

        refreshed = lambda: caught_up(rows, int(experiment), len(run.sent))  # noqa: E731
        eventually(refreshed, what="everything is stored, and front and models have seen it", within_s=60)
        assert stored_ids(rows) == sorted(run.sent)
        eventually(lambda: is_up(system), what="the web server answers again")
        assert front_of(system, experiment) == expected_front(list(run.sent.values()))
        eventually(lambda: undelivered(rows) == 0, what="every webhook is delivered", within_s=60)
        assert events_told(told, secret) | early == events_recorded(rows)


def caught_up(rows: Database, experiment: int, count: int) -> bool:
    with rows.read() as session:
        row = session.get_one(Refresh, experiment)
        return row.observation_count == count and row.model_generation == row.front_generation == row.data_generation


def stored_ids(rows: Database) -> list[str]:
    with rows.read() as session:
        return sorted(session.scalars(sa.select(Observation.result_id)))


def is_up(system: System) -> bool:
    try:
        return system.http.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def front_of(system: System, experiment: str) -> list[list[float]]:
    points = system.http.get(f"/v1/experiments/{experiment}/front").json()["points"]
    return sorted([value["value"] for value in point["values"]] for point in points)


def expected_front(values: list[dict[str, float]]) -> list[list[float]]:
    both = np.unique([[-value["accuracy"], value["latency_ms"]] for value in values], axis=0)
    front = both[moocore.is_nondominated(both, keep_weakly=True)]
    return sorted([-accuracy, latency] for accuracy, latency in front.tolist())


def undelivered(rows: Database) -> int:
    with rows.read() as session:
        waiting = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.state != "delivered")
        unseen = sa.select(sa.func.count()).select_from(Event).where(Event.relayed_at.is_(None))
        return (session.scalar(waiting) or 0) + (session.scalar(unseen) or 0)


def events_told(told: Receiver, secret: str) -> set[int]:
    """Return the events that arrived with a valid signature; one may arrive twice, under the same id."""
    payloads = {got.id: got.verified(secret) for got in told.received}
    return {int(payload["data"]["sequence"]) for payload in payloads.values()}


def events_recorded(rows: Database) -> set[int]:
    public: Callable[[Any], Any] = Event.type.in_
    with rows.read() as session:
        return set(session.scalars(sa.select(Event.id).where(public(("front.changed", "suggestion.ready")))))
