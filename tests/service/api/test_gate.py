"""A few requests of a process are at work at a time, and nobody who merely waits holds up another."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from io import BytesIO, RawIOBase

import pytest
from flask import Flask

from service.api.door import EXTENSION
from service.api.gate import PLACES, Gate
from tests.service.api.conftest import Api


def test_no_more_are_inside_than_there_are_places_and_everybody_gets_in() -> None:
    app, gate, lock = Flask("x"), Gate(), threading.Lock()
    inside, most, done = 0, 0, 0

    def request() -> None:
        nonlocal inside, most, done
        with app.app_context(), gate.inside():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.005)
            with lock:
                inside -= 1
                done += 1

    threads = [threading.Thread(target=request) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (PLACES, 20)


def test_a_request_that_is_inside_gets_in_again_and_leaves_its_place_when_it_breaks() -> None:
    app, gate = Flask("x"), Gate(places=1)
    for _ in range(2):
        with app.app_context():
            with pytest.raises(ZeroDivisionError), gate.inside(), gate.inside():
                raise ZeroDivisionError
            with gate.inside():
                pass


@pytest.fixture
def narrow(api: Api, make_app: Callable[..., Flask]) -> Api:
    """An application with a single place, whose claims wait long for a fresher pool."""
    app = make_app(suggestion_wait_s=30)
    app.extensions[EXTENSION] = dataclasses.replace(app.extensions[EXTENSION], gate=Gate(places=1))
    return Api(app, api.database, api.secret)


def test_a_claim_that_waits_for_a_pool_is_not_at_work(narrow: Api) -> None:
    experiment = narrow.experiment()
    narrow.work(experiment)
    narrow.observe(experiment, 0.1, 0.2)
    claims: list[str] = []

    def claim() -> None:
        claims.append(narrow.post(f"/v1/experiments/{experiment}/suggestions").json["source"])  # type: ignore[index]

    waiting = threading.Thread(target=claim)
    waiting.start()
    for _ in range(5):
        assert narrow.get(f"/v1/experiments/{experiment}").status_code == 200
    assert claims == []
    narrow.work(experiment)
    waiting.join()
    assert claims == ["pool"]


DATA = b'{"name": "slow", "parameters": [], "metrics": []}'


class _Slow(RawIOBase):
    """A body that comes when it is let."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)
        self.asked, self.let = threading.Event(), threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self.asked.set()
        self.let.wait()
        return self._data.readinto(buffer)


def test_a_body_that_takes_its_time_holds_up_nobody(narrow: Api) -> None:
    body = _Slow(DATA)
    given = {"wsgi.input": body, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(DATA))}
    replies: list[int] = []

    def send() -> None:
        replies.append(narrow.post("/v1/experiments", data=DATA, environ_overrides=given).status_code)

    sending = threading.Thread(target=send)
    sending.start()
    assert body.asked.wait(30)
    assert narrow.get("/v1/experiments").status_code == 200
    body.let.set()
    sending.join()
    assert replies == [400]


def test_conditional_changes_look_at_what_they_change_from_inside(narrow: Api) -> None:
    path = f"/v1/experiments/{narrow.experiment()}"
    tag = narrow.get(path).headers["ETag"]
    assert narrow.call("PUT", path, {"name": "new"}, headers={"If-Match": tag}).status_code == 200
