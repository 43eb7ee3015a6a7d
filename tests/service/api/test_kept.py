"""A kept reply is never old, never somebody else's, and saves the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from service.api import fronts
from service.api.kept import EXTENSION, Kept, Replies
from tests.service.api.conftest import Api
from tests.support import new_client

VIEWS = (
    "",
    "/front",
    "/best_assignments",
    "/observations",
    "/observations?sort=value-accuracy&limit=2",
    "/suggestions",
    "/suggestions?state=open",
)


def looks(api: Api, path: str) -> list[TestResponse]:
    return [api.get(path + view) for view in VIEWS]


def open_suggestion(api: Api, path: str) -> str:
    return str(api.post(f"{path}/suggestions").json["id"])  # type: ignore[index]


def observed(api: Api, path: str) -> str:
    return str(api.observe(path.rsplit("/", 1)[1], 0.1, 0.9).json["id"])  # type: ignore[index]


def change_metadata(api: Api, path: str) -> None:
    api.call("PUT", f"{path}/suggestions/{open_suggestion(api, path)}", {"metadata": {"host": "b"}})


def take_suggestion_back(api: Api, path: str) -> None:
    api.call("DELETE", f"{path}/suggestions/{open_suggestion(api, path)}")


def beat(api: Api, path: str) -> None:
    held = api.post(f"{path}/suggestions", {"lease_s": 60}).json["id"]  # type: ignore[index]
    api.post(f"{path}/suggestions/{held}/heartbeat", {"lease_s": 600})


def correct(api: Api, path: str) -> None:
    values = [{"name": "accuracy", "value": 0.123}, {"name": "latency_ms", "value": 9}]
    api.call("PUT", f"{path}/observations/{observed(api, path)}", {"values": values})


def take_observation_back(api: Api, path: str) -> None:
    api.call("DELETE", f"{path}/observations/{observed(api, path)}")


#: Every kind of change of what belongs to an experiment. Each does one thing more than once, with looks in between.
CHANGES: tuple[Callable[[Api, str], Any], ...] = (
    open_suggestion,
    observed,
    change_metadata,
    take_suggestion_back,
    beat,
    correct,
    take_observation_back,
    lambda api, path: api.call("DELETE", f"{path}/observations"),
    lambda api, path: api.call("DELETE", f"{path}/suggestions?state=open"),
    lambda api, path: api.call("PUT", path, {"name": "another"}),
    lambda api, path: api.call("PUT", path, {"metrics": [{"name": "latency_ms", "threshold": 0.5}]}),
    lambda api, path: api.call("DELETE", path),
    lambda api, path: api.call("PUT", path, {"state": "active"}),
    lambda api, path: api.post(f"{path}/queued_suggestions", {"assignments": {"x": 0.5, "y": 0.5}}),
    lambda api, path: api.work(path.rsplit("/", 1)[1]),
)


def test_after_every_change_a_look_shows_it(api: Api) -> None:
    path = f"/v1/experiments/{api.experiment()}"
    observed(api, path)
    looks(api, path)
    for change in CHANGES:
        change(api, path)
        looks(api, path)
        looks(api, path)
    assert api.app.extensions[EXTENSION].compared > len(CHANGES)  # else nothing was held against anything


@pytest.fixture
def keeping(api: Api) -> Api:
    """The application as it is in earnest."""
    api.app.extensions[EXTENSION] = Replies()
    return api


def test_what_did_not_change_is_not_made_again(keeping: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/v1/experiments/{keeping.experiment()}/front"
    first = keeping.get(path)
    monkeypatch.setattr(fronts, "read", lambda: pytest.fail("it was made again"))
    again = keeping.get(path)
    assert again.text == first.text
    of_each = ("X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset")
    assert {**again.headers, **dict.fromkeys(of_each)} == {**first.headers, **dict.fromkeys(of_each)}


def test_what_one_request_adds_to_a_kept_reply_is_its_own(make_app: Callable[..., Flask], api: Api) -> None:
    keeping = Api(make_app(cors_origins="https://a.example"), api.database, api.secret)
    keeping.app.extensions[EXTENSION] = Replies()
    path = f"/v1/experiments/{keeping.experiment()}"
    for _ in range(2):
        keeping.get(path, headers={"Origin": "https://a.example"})
    other = keeping.get(path, headers={"Origin": "https://b.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_kept_reply_is_not_sent_to_somebody_who_has_it(keeping: Api) -> None:
    path = f"/v1/experiments/{keeping.experiment()}"
    tag = keeping.get(path).headers["ETag"]
    assert keeping.get(path, headers={"If-None-Match": tag}).status_code == 304
    again = keeping.get(path)
    assert (again.status_code, again.headers["Content-Length"]) == (200, str(len(again.data)))


def test_a_kept_reply_is_for_those_who_may_see_it(keeping: Api) -> None:
    path = f"/v1/experiments/{keeping.experiment()}"
    assert keeping.get(path).status_code == 200
    with keeping.database.write() as session:
        _, secret = new_client(session, now=keeping.database.now(session))
    assert keeping.get(path, auth=(secret, "")).status_code == 404


def test_another_question_is_another_reply(keeping: Api) -> None:
    path = f"/v1/experiments/{keeping.experiment()}"
    keeping.get(path)
    assert set(keeping.get(f"{path}?fields=name").json) == {"name"}  # type: ignore[arg-type]


def kept(size: int, version: int = 1) -> Kept:
    return Kept(version, b"x" * size, Headers())


def test_what_was_not_used_for_longest_makes_room() -> None:
    replies = Replies(most_bytes=10)
    for name in "abc":
        replies.put(name, kept(3))
    replies.get("a", 1)
    replies.put("d", kept(3))
    assert [name for name in "abcd" if replies.get(name, 1)] == ["a", "c", "d"]


def test_a_reply_of_another_version_is_not_found() -> None:
    replies = Replies()
    replies.put("a", kept(1, version=1))
    assert replies.get("a", 2) is None
    replies.put("a", kept(1, version=2))
    assert replies.get("a", 2) is not None
    assert replies.get("a", 1) is None


def test_many_threads_never_keep_more_than_there_is_room_for() -> None:
    replies = Replies(most_bytes=1000)

    def put(start: int) -> None:
        for number in range(start, start + 500):
            replies.put(number % 40, kept(100))

    threads = [threading.Thread(target=put, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(replies.get(number, 1) is not None for number in range(40)) == 10


def test_every_kept_view_is_of_one_experiment(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    rules = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules()}
    marked = [name for name, view in app.view_functions.items() if getattr(view, "is_kept", False)]
    assert marked
    assert all("<experiment_id>" in rules[name] for name in marked)
