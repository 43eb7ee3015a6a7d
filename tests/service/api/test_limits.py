"""Rate limits: counted together in Redis, alone in memory while it is away, said in every reply, never in the way."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from service.api.limits import Limits, Window
from service.settings import Settings
from tests.conftest import free_port
from tests.service.api.conftest import Api

AWAY = f"redis://127.0.0.1:{free_port()}/0"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Iterator[Callable[..., Limits]]:
    made: list[Limits] = []

    def make(url: str, clock: Callable[[], float] = time.time) -> Limits:
        made.append(Limits(Settings(redis_url=url), clock=clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=["redis", "memory"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("redis_url")) if request.param == "redis" else AWAY


def test_a_window_ends_with_its_second(limits: Callable[..., Limits], url: str) -> None:
    clock, window = Clock(), Window("reads", 2, 1)
    counter = limits(url, clock)
    standings = [counter.count(window, "7") for _ in range(3)]
    assert [one.is_over for one in standings if one] == [False, False, True]
    assert counter.count(window, "8").count == 1  # type: ignore[union-attr]
    clock.now += 1
    assert counter.count(window, "7").count == 1  # type: ignore[union-attr]


def test_what_is_taken_back_counts_no_more(limits: Callable[..., Limits], url: str) -> None:
    counter, window = limits(url, Clock()), Window("logins", 5, 600)
    for _ in range(9):
        counter.count(window, "there")
        counter.count(window, "there", by=-1)
    assert counter.count(window, "there").count == 1  # type: ignore[union-attr]


def test_processes_count_together(limits: Callable[..., Limits], redis_url: str) -> None:
    window, clock = Window("writes", 5, 1), Clock()
    first, second = limits(redis_url, clock), limits(redis_url, clock)
    assert [counter.count(window, "7").count for counter in (first, second, first)] == [1, 2, 3]  # type: ignore[union-attr]


def test_a_counted_window_leaves_redis_by_itself(limits: Callable[..., Limits], redis_url: str) -> None:
    counter = limits(redis_url)
    counter.count(Window("reads", 5, 1), "7")
    (key,) = counter._redis.keys("tradespace:limit:*")
    assert 0 < counter._redis.ttl(key) <= 2


def test_counting_costs_less_than_a_millisecond(limits: Callable[..., Limits], url: str) -> None:
    counter, window, took = limits(url), Window("reads", 10**6, 1), []
    counter.count(window, "7")
    for _ in range(200):
        start = time.perf_counter()
        counter.count(window, "7")
        took.append(time.perf_counter() - start)
    assert statistics.median(took) < 0.001


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """On SQLite alone: no database has a say in this."""
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


@pytest.fixture
def limited(make_app: Callable[..., Flask], api: Api) -> Api:
    app = make_app(limit_reads_per_s=3, limit_writes_per_s=2)
    return Api(app, api.database, api.secret)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_request_too_many_is_told_when_to_come_back(limited: Api, method: str) -> None:
    path, most = "/v1/experiments", {"GET": 3, "POST": 2}[method]
    for _ in range(5):  # a second may end in between
        replies = [limited.call(method, path, None if method == "GET" else {}) for _ in range(most + 1)]
        if replies[-1].status_code == 429:
            break
    last = replies[-1]
    assert last.status_code == 429
    assert last.json is not None
    assert last.json["message"].startswith("Your account has been temporarily disabled because of too many requests.")
    assert int(last.headers["Retry-After"]) >= 1
    assert (last.headers["RateLimit-Limit"], last.headers["RateLimit-Remaining"]) == (str(most), "0")
    other = "POST" if method == "GET" else "GET"
    assert limited.call(other, path, None if other == "GET" else {}).status_code != 429
    assert limited.get("/livez").status_code == 200


def test_without_a_limit_nothing_is_counted(make_app: Callable[..., Flask], api: Api) -> None:
    free = Api(make_app(limit_reads_per_s=0), api.database, api.secret)
    assert "RateLimit-Limit" not in free.get("/v1/experiments").headers


def test_a_proxy_is_believed_only_where_the_settings_say_so(make_app: Callable[..., Flask], api: Api) -> None:
    for proxies, secure in ((0, False), (1, True)):
        app = make_app(trusted_proxies=proxies)
        reply = app.test_client().get("/login", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.2.3"})
        assert ("Secure" in reply.headers["Set-Cookie"]) is secure
