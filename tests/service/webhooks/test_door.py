"""/v1/webhooks over HTTP: the shapes, the refusals, who may see what, and that a secret is shown once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient

from service import tokens, webhooks
from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.models import Event
from service.settings import Settings
from service.webhooks import Failed, Succeeded
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event, an_experiment

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def http(database_url: str, redis_url: str) -> Iterator[FlaskClient]:
    settings = Settings(database_url=database_url, redis_url=redis_url, webhook_allow_hosts="127.0.0.1")
    app = create_app(settings)
    yield app.test_client()
    app.extensions[EXTENSION].database.close()


@pytest.fixture
def mine(database: Database) -> int:
    with database.write() as session:
        return a_client(session)


def caller(http: FlaskClient, database: Database, client_id: int, permission: str = "write", **bound: int) -> Call:
    """Return a function that calls the API with a token of this client."""
    with database.write() as session:
        now = database.now(session)
        _, secret = tokens.issue(
            session, client_id=client_id, name="t", permission=permission, now=now, experiment_id=bound.get("only")
        )

    def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = http.open(path, method=method, json=body, headers={"Authorization": f"Bearer {secret}"})
        return reply.status_code, reply.get_json()

    return call


def test_a_webhook_is_created_shown_listed_and_deleted_and_its_secret_shown_once(
    http: FlaskClient, database: Database, mine: int
) -> None:
    with database.write() as session:
        experiment = str(an_experiment(session, mine))
    call = caller(http, database, mine)
    body = {"url": "http://127.0.0.1:9000/x", "experiment": experiment, "event_types": ["front.changed"]}
    status, created = call("POST", "/v1/webhooks", body)
    assert status == 200
    assert created.pop("secret").startswith("whsec_")
    assert created.pop("created") > 0
    key = created["id"]
    assert created == {
        "object": "webhook",
        "id": key,
        "url": "http://127.0.0.1:9000/x",
        "experiment": experiment,
        "event_types": ["front.changed"],
        "description": None,
        "state": "active",
        "failing_since": None,
        "old_secret_until": None,
    }
    assert key.isdigit()
    status, shown = call("GET", f"/v1/webhooks/{key}")
    assert (status, {**created, "created": shown["created"]}) == (200, shown)
    status, listed = call("GET", "/v1/webhooks")
    assert (status, listed["object"], listed["count"], listed["data"]) == (200, "pagination", 1, [shown])
    assert "whsec_" not in f"{shown}{listed}"
    assert call("DELETE", f"/v1/webhooks/{key}") == (200, {})
    assert call("GET", f"/v1/webhooks/{key}")[0] == 404
    assert call("GET", "/v1/webhooks")[1]["data"] == []


def test_only_an_address_is_required(http: FlaskClient, database: Database, mine: int) -> None:
    status, created = caller(http, database, mine)("POST", "/v1/webhooks", {"url": "https://example.com/"})
    assert (status, created["experiment"], created["event_types"]) == (200, None, [])


def test_every_refusal_names_the_field_and_what_was_expected(http: FlaskClient, database: Database, mine: int) -> None:
    call = caller(http, database, mine)
    refusals: list[tuple[Any, str, str]] = [
        ({}, ".url", "url"),
        ({"url": 7}, ".url", "expected type string"),
        ({"url": None}, ".url", "expected type string"),
        ({"url": "http://example.com/"}, ".url", "https://"),
        ({"url": "https://169.254.169.254/latest"}, ".url", "169.254.169.254"),
        ({"url": "https://example.com/\x00"}, ".url", "NUL"),
        ({"url": "https://example.com/", "experiment": True}, ".experiment", "digits"),
        ({"url": "https://example.com/", "experiment": "x"}, ".experiment", "digits"),
        ({"url": "https://example.com/", "event_types": "front.changed"}, ".event_types", "array"),
        ({"url": "https://example.com/", "event_types": [1]}, ".event_types[0]", "string"),
        ({"url": "https://example.com/", "event_types": ["front.change"]}, ".event_types", "did you mean"),
        ({"url": "https://example.com/", "event": []}, ".event", "Unknown json keys `event`"),
        ({"url": "https://example.com/", "secret": "whsec_AAAA"}, ".secret", "Unknown json keys"),
    ]
    for body, field, words in refusals:
        status, problem = call("POST", "/v1/webhooks", body)
        assert (status, problem["status"]) == (400, 400), body
        assert problem["errors"][0]["field"] == field, problem
        assert words in problem["message"], problem
    assert call("POST", "/v1/webhooks", [1])[0] == 400
    assert call("GET", "/v1/webhooks")[1]["count"] == 0


def test_what_is_not_there_or_not_the_callers_is_not_found(http: FlaskClient, database: Database, mine: int) -> None:
    with database.write() as session:
        stranger = a_client(session)
        theirs = an_endpoint(session, stranger).id
        their_experiment = an_experiment(session, stranger)
    call = caller(http, database, mine)
    for key in (theirs, 999_999, "x", "0", "-1", 2**63, 10**30):
        for method, path in (
            ("GET", f"/v1/webhooks/{key}"),
            ("DELETE", f"/v1/webhooks/{key}"),
            ("POST", f"/v1/webhooks/{key}/ping"),
            ("GET", f"/v1/webhooks/{key}/deliveries"),
            ("GET", f"/v1/webhooks/{key}/deliveries/1"),
            ("POST", f"/v1/webhooks/{key}/deliveries/1/replay"),
            ("POST", f"/v1/webhooks/{key}/replay"),
            ("PUT", f"/v1/webhooks/{key}"),
            ("POST", f"/v1/webhooks/{key}/rotate"),
        ):
            assert call(method, path)[0] == 404, path
    body = {"url": "https://example.com/", "experiment": str(their_experiment)}
    assert call("POST", "/v1/webhooks", body)[0] == 404


def test_without_a_token_that_may_write_there_is_nothing_to_see(
    http: FlaskClient, database: Database, mine: int
) -> None:
    with database.write() as session:
        key = an_endpoint(session, mine).id
    guest = caller(http, database, mine, permission="read")
    for method, path in (
        ("POST", "/v1/webhooks"),
        ("GET", "/v1/webhooks"),
        ("GET", f"/v1/webhooks/{key}"),
        ("DELETE", f"/v1/webhooks/{key}"),
        ("POST", f"/v1/webhooks/{key}/ping"),
        ("GET", f"/v1/webhooks/{key}/deliveries"),
    ):
        assert http.open(path, method=method).status_code == 401
        assert guest(method, path)[0] == 403


def test_a_token_for_one_experiment_knows_the_webhooks_of_that_one_alone(
    http: FlaskClient, database: Database, mine: int
) -> None:
    with database.write() as session:
        here, elsewhere = an_experiment(session, mine), an_experiment(session, mine)
        everywhere = an_endpoint(session, mine).id
    call = caller(http, database, mine, only=here)
    status, created = call("POST", "/v1/webhooks", {"url": "https://example.com/"})
    assert (status, created["experiment"]) == (200, str(here))
    assert call("POST", "/v1/webhooks", {"url": "https://example.com/", "experiment": elsewhere})[0] == 404
    assert [item["id"] for item in call("GET", "/v1/webhooks")[1]["data"]] == [created["id"]]
    assert call("GET", f"/v1/webhooks/{everywhere}")[0] == 404
    assert call("DELETE", f"/v1/webhooks/{everywhere}")[0] == 404


def test_a_ping_is_an_event_that_becomes_a_delivery_with_its_attempts(
    http: FlaskClient, database: Database, mine: int
) -> None:
    call = caller(http, database, mine)
    key = call("POST", "/v1/webhooks", {"url": "https://example.com/"})[1]["id"]
    status, event = call("POST", f"/v1/webhooks/{key}/ping")
    assert (status, event["object"], event["type"]) == (200, "event", "webhook.ping")
    with database.write() as session:
        now = database.now(session)
        row = session.get_one(Event, int(event["id"]))
        assert webhooks.fan_out(session, row, now) == 1
        (prepared,) = webhooks.claim_due(session, now, 10)
        failed = Failed(error="answered 500 Internal Server Error", duration_s=0.12345, status_code=500)
        webhooks.record_outcome(session, prepared, failed, now, rng=_Dice())
    status, listed = call("GET", f"/v1/webhooks/{key}/deliveries")
    assert status == 200
    (delivery,) = listed["data"]
    (attempt,) = delivery.pop("attempts")
    assert delivery.pop("next_attempt") >= delivery.pop("created")
    assert delivery == {
        "object": "delivery",
        "id": str(prepared.delivery_id),
        "event_type": "webhook.ping",
        "message_id": prepared.message_id,
        "state": "pending",
    }
    assert attempt.pop("started") > 0
    assert attempt == {
        "object": "attempt",
        "number": 1,
        "duration_s": 0.123,
        "status_code": 500,
        "error": "answered 500 Internal Server Error",
    }
    assert call("POST", f"/v1/webhooks/{key}/ping", {"x": 1})[0] == 400


def test_long_lists_come_in_pages(http: FlaskClient, database: Database, mine: int) -> None:
    with database.write() as session:
        endpoint = an_endpoint(session, mine)
        for _ in range(3):
            webhooks.fan_out(session, an_event(session, mine), START)
        for prepared in webhooks.claim_due(session, START, 10):
            webhooks.record_outcome(session, prepared, Succeeded(200, 0.1), START, rng=_Dice())
    call = caller(http, database, mine)
    path = f"/v1/webhooks/{endpoint.id}/deliveries"
    first = call("GET", f"{path}?limit=2")[1]
    rest = call("GET", f"{path}?limit=2&before={first['paging']['before']}")[1]
    assert call("GET", f"{path}?limit=2&after={rest['paging']['after']}")[1]["data"] == first["data"]
    ids = [int(item["id"]) for item in first["data"] + rest["data"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), first["count"]) == (3, 3)
    assert [item["state"] for item in first["data"] + rest["data"]] == ["pending", "delivered", "delivered"]
    assert rest["data"][0]["next_attempt"] is None


def test_a_disabled_webhook_says_so_and_cannot_be_pinged(http: FlaskClient, database: Database, mine: int) -> None:
    with database.write() as session:
        endpoint = an_endpoint(session, mine)
        webhooks.fan_out(session, an_event(session, mine), START)
        (prepared,) = webhooks.claim_due(session, START, 1)
        webhooks.record_outcome(session, prepared, Failed("answered 410 Gone", 0.1, 410), START, rng=_Dice())
    call = caller(http, database, mine)
    assert call("GET", f"/v1/webhooks/{endpoint.id}")[1]["state"] == "disabled"
    assert call("POST", f"/v1/webhooks/{endpoint.id}/ping")[0] == 409


def test_a_webhook_is_changed_given_another_secret_and_sent_again_what_it_missed(
    http: FlaskClient, database: Database, mine: int
) -> None:
    with database.write() as session:
        endpoint = an_endpoint(session, mine)
        webhooks.fan_out(session, an_event(session, mine), START)
        (prepared,) = webhooks.claim_due(session, START, 1)
        webhooks.record_outcome(session, prepared, Failed("answered 410 Gone", 0.1, 410), START, rng=_Dice())
    call, path = caller(http, database, mine), f"/v1/webhooks/{endpoint.id}"
    delivery = f"{path}/deliveries/{prepared.delivery_id}"
    assert call("GET", delivery)[1]["state"] == "cancelled"
    assert call("POST", f"{delivery}/replay")[0] == 409
    status, changed = call("PUT", path, {"state": "active", "url": "https://example.com/two", "description": "two"})
    assert (status, changed["state"], changed["url"], changed["failing_since"]) == (
        200,
        "active",
        "https://example.com/two",
        None,
    )
    assert "secret" not in changed
    assert call("POST", f"{path}/replay", {"since": int(START.timestamp())})[1]["count"] == 1
    assert call("POST", f"{delivery}/replay")[1]["state"] == "pending"
    assert call("GET", f"{path}/deliveries?state=pending&since=0")[1]["count"] == 1
    status, rotated = call("POST", f"{path}/rotate", {"overlap_s": 60})
    assert (status, rotated["secret"][:6]) == (200, "whsec_")
    assert rotated["old_secret_until"] > 0


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "", {"state": "deleted"}, ".state"),
        ("PUT", "", {"description": "x" * 501}, ".description"),
        ("PUT", "", {"secret": "x"}, ".secret"),
        ("POST", "/rotate", {"overlap_s": -1}, ".overlap_s"),
        ("POST", "/rotate", {"overlap_s": 10**9}, ".overlap_s"),
        ("POST", "/replay", {"since": 1.5}, ".since"),
        ("GET", "/deliveries?state=lost", None, "state"),
        ("GET", "/deliveries?since=yesterday", None, "since"),
    ],
)
def test_what_a_change_or_a_filter_cannot_be_is_refused_with_its_field(
    http: FlaskClient, database: Database, mine: int, method: str, path: str, body: Any, field: str
) -> None:
    with database.write() as session:
        key = an_endpoint(session, mine).id
    status, problem = caller(http, database, mine)(method, f"/v1/webhooks/{key}{path}", body)
    assert (status, problem["errors"][0]["field"]) == (400, field)


class _Dice(Random):
    """Dice for those who do not care."""
