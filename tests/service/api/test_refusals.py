"""Whatever a caller sends gets a clear answer that names the field; never a 500, never a look at what is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import tokens
from tests.service.api.conftest import Api
from tests.support import BODY, new_client

NOW = datetime.now(UTC)
VALUES = [{"name": "accuracy", "value": 1}, {"name": "latency_ms", "value": 1}]

#: method, path (E is an experiment), body -> status, words of the message, field
REFUSED: dict[str, tuple[str, str, Any, int, str, str]] = {
    "unknown endpoint": ("GET", "/v1/nothing", None, 404, "Endpoint not found: /v1/nothing", ""),
    "wrong method": ("PATCH", "/v1/experiments", None, 405, "accepts only the following methods: GET, POST", ""),
    "no such experiment": ("GET", "/v1/experiments/999999", None, 404, "No experiment 999999", ""),
    "an id that is no number": ("GET", "/v1/experiments/abc", None, 404, "No experiment abc", ""),
    "an id larger than any": ("GET", f"/v1/experiments/{10**30}", None, 404, "No experiment", ""),
    "no such suggestion": ("GET", "/v1/experiments/E/suggestions/9", None, 404, "No suggestion 9", ""),
    "no such observation": ("GET", "/v1/experiments/E/observations/9", None, 404, "No observation 9", ""),
    "misspelt metric": (
        "POST",
        "/v1/experiments/E/observations",
        {"assignments": {"x": 0, "y": 0}, "values": [{"name": "acuracy", "value": 1}]},
        400,
        "unknown metric 'acuracy'; did you mean 'accuracy'?",
        ".values[0].name",
    ),
    "misspelt parameter": (
        "POST",
        "/v1/experiments/E/observations",
        {"assignments": {"x": 0, "yy": 0}, "values": VALUES},
        400,
        "parameter does not exist: yy",
        ".assignments.yy",
    ),
    "unknown key": (
        "POST",
        "/v1/experiments/E/observations",
        {"assignments": {"x": 0, "y": 0}, "valeus": VALUES},
        400,
        "Unknown json keys `valeus`",
        ".valeus",
    ),
    "a suggestion of nobody": (
        "POST",
        "/v1/experiments/E/observations",
        {"suggestion": "77", "values": VALUES},
        400,
        "No suggestion 77 in experiment",
        ".suggestion",
    ),
    "an empty result": ("POST", "/v1/experiments/E/observations", {}, 400, "neither is there", ".suggestion"),
    "text for assignments": (
        "POST",
        "/v1/experiments/E/suggestions",
        {"assignments": "x=1"},
        400,
        "expected type object",
        ".assignments",
    ),
    "an empty queue entry": (
        "POST",
        "/v1/experiments/E/queued_suggestions",
        {},
        400,
        'Missing required json key "assignments" in: {}',
        ".assignments",
    ),
    "unknown strategy": (
        "POST",
        "/v1/experiments",
        {**BODY, "strategy": "log_ehv"},
        400,
        "did you mean 'log_ehvi'?",
        ".strategy",
    ),
    "tasks": (
        "POST",
        "/v1/experiments",
        {**BODY, "tasks": [{"name": "cheap", "cost": 0.1}]},
        400,
        "At least 2 tasks are needed",
        ".tasks",
    ),
    "a list": ("POST", "/v1/experiments", [1], 400, "must be a JSON object", ""),
    "limit": ("GET", "/v1/experiments?limit=1001", None, 400, "Exceeded maximum limit: 1000", "limit"),
    "negative limit": ("GET", "/v1/experiments?limit=-1", None, 400, "Invalid limit", "limit"),
    "marker": ("GET", "/v1/experiments?before=%21%21", None, 400, "Invalid paging marker", "before"),
    "state": ("GET", "/v1/experiments/E/suggestions?state=odd", None, 400, "Invalid state", "state"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_has_status_message_and_field(api: Api, case: str) -> None:
    method, path, body, status, words, field = REFUSED[case]
    reply = api.call(method, path.replace("/E", f"/{api.experiment()}"), body)
    assert reply.status_code == status
    answer = reply.json
    assert answer is not None
    assert words in answer["message"]
    assert answer["status"] == status
    assert answer["errors"][0].get("field", "") == field


RAW: dict[str, bytes] = {
    "half an object": b'{"name": ',
    "not UTF-8": b'{"name": "\xff"}',
    "NaN": b'{"name": NaN}',
    "NUL": b'{"name": "a\\u0000"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "twice the same key": b'{"name": "a", "name": "b"}',
    "deep": b'{"a":' * 9000 + b"1" + b"}" * 9000,
    "a number without end": b'{"observation_budget": ' + b"9" * 4000 + b"}",
    "an infinite number": b'{"observation_budget": 1e999}',
}


@pytest.mark.parametrize("case", RAW)
def test_bytes_that_are_no_request_are_refused(api: Api, case: str) -> None:
    reply = api.call("POST", "/v1/experiments", data=RAW[case], content_type="application/json")
    assert reply.status_code == 400
    assert reply.json["message"]  # type: ignore[index]


def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    data = b'{"name": "' + b"x" * 2**20 + b'"}'
    assert api.call("POST", "/v1/experiments", data=data, content_type="application/json").status_code == 413


def test_a_form_is_read_as_json_as_the_contract_says(api: Api) -> None:
    data, kind = b'{"name": 3}', "application/x-www-form-urlencoded"
    reply = api.call("POST", "/v1/experiments", data=data, content_type=kind)
    assert "Invalid type for .name" in reply.json["message"]  # type: ignore[index]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("name", "parameters", "metrics", "conditionals", "linear_constraints", "metadata", "seed", "strategy", "type")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=3))
def test_no_experiment_whatever_ends_in_a_500(api: Api, changes: dict[str, Any]) -> None:
    assert api.post("/v1/experiments", {**BODY, **changes}).status_code in (200, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(("suggestion", "assignments", "values", "failed", "metadata", "result_id")), JSON_VALUES
    )
)
def test_no_result_whatever_ends_in_a_500(api: Api, body: dict[str, Any]) -> None:
    experiment = api.experiment()
    reply = api.post(f"/v1/experiments/{experiment}/observations", body)
    assert reply.status_code in (400, 404)


def test_without_a_token_one_is_asked_for(api: Api) -> None:
    reply = api.get("/v1/experiments", auth=None)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(("header", "status"), [("Basic !!!", 400), ("Negotiate x", 400), ("Bearer ts_nobody", 403)])
def test_a_header_that_opens_nothing_is_refused(api: Api, header: str, status: int) -> None:
    assert api.get("/v1/experiments", auth=None, headers={"Authorization": header}).status_code == status


def test_a_bearer_token_opens_as_well(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.secret}"}
    assert api.get("/v1/experiments", auth=None, headers=headers).status_code == 200


def test_a_token_that_only_reads_does_not_write(api: Api) -> None:
    experiment = api.experiment()
    guest = api.post(f"/v1/experiments/{experiment}/tokens").json
    assert guest is not None
    assert (guest["token_type"], guest["permissions"]) == ("guest", "read")
    auth = (guest["token"], "")
    assert api.get(f"/v1/experiments/{experiment}", auth=auth).status_code == 200
    for path in ("suggestions", "observations", "queued_suggestions", "tokens"):
        reply = api.post(f"/v1/experiments/{experiment}/{path}", auth=auth)
        assert (reply.status_code, reply.json["token_status"]) == (403, "invalid_permissions")  # type: ignore[index]


def test_a_guest_sees_its_one_experiment_and_no_other(api: Api) -> None:
    mine, other = api.experiment(), api.experiment()
    guest = api.post(f"/v1/experiments/{mine}/tokens").json["token"]  # type: ignore[index]
    auth = (guest, "")
    assert api.get(f"/v1/experiments/{other}", auth=auth).status_code == 404
    assert api.get(f"/v1/experiments/{other}/front", auth=auth).status_code == 404
    assert api.get("/v1/experiments", auth=auth).json["count"] == 1  # type: ignore[index]


def test_another_team_s_experiment_does_not_exist(api: Api) -> None:
    experiment = api.experiment()
    with api.database.write() as session:
        stranger = new_client(session, now=NOW)[1]
    for path in ("", "/suggestions", "/observations", "/front", "/best_assignments", "/queued_suggestions"):
        assert api.get(f"/v1/experiments/{experiment}{path}", auth=(stranger, "")).status_code == 404, path
    for path in ("/suggestions", "/observations", "/queued_suggestions", "/tokens"):
        assert api.post(f"/v1/experiments/{experiment}{path}", auth=(stranger, "")).status_code == 404, path


def test_a_broken_database_is_a_503_that_says_so(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_url="postgresql://nobody@127.0.0.1:1/none")
    reply = app.test_client().get("/v1/experiments", auth=(tokens.new_secret(), ""))
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]


def test_every_reply_carries_the_headers_that_protect_a_browser(api: Api) -> None:
    for path in ("/v1/experiments", "/livez", "/v1/nothing"):
        headers = api.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_name_contains_stays_text(api: Api) -> None:
    experiment = api.experiment(name="</script><img src=x onerror=alert(1)>")
    assert b"<img" not in api.get(f"/v1/experiments/{experiment}").data
