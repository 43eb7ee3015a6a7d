"""Clients and their tokens over HTTP: made by who runs the service, kept apart, rotated, renewed, ended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service import tokens
from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.models import Endpoint, Token
from service.settings import Settings
from tests.factories import NO_REDIS
from tests.support import BODY


@dataclass
class Service:
    """The application with somebody who runs it."""

    app: Flask
    database: Database
    operator: str

    def call(self, method: str, path: str, secret: str, body: Any = None) -> TestResponse:
        return self.app.test_client().open(path, method=method, auth=(secret, ""), json=body)

    def ok(self, method: str, path: str, secret: str, body: Any = None) -> dict[str, Any]:
        response = self.call(method, path, secret, body)
        assert response.status_code == 200, response.text
        return dict(response.json or {})

    def refused(self, status: int, method: str, path: str, secret: str, body: Any = None) -> dict[str, Any]:
        response = self.call(method, path, secret, body)
        assert response.status_code == status, response.text
        return dict(response.json or {})

    def team(self, **token: Any) -> tuple[str, str]:
        """Make a client with a token; return its id and the token."""
        client = self.ok("POST", "/v1/clients", self.operator, {"name": "A team"})["id"]
        return client, self.token(client, **token)

    def token(self, client: str, **given: Any) -> str:
        body = given if "scopes" in given else {"permissions": "admin", **given}
        return str(self.ok("POST", f"/v1/clients/{client}/tokens", self.operator, body)["token"])

    def experiment(self, secret: str, **more: Any) -> str:
        return str(self.ok("POST", "/v1/experiments", secret, {**BODY, **more})["id"])


def _service(url: str) -> Service:
    limits = {"limit_reads_per_s": 0, "limit_writes_per_s": 0}
    app = create_app(Settings(database_url=url, redis_url=NO_REDIS, suggestion_wait_s=0, **limits))
    database: Database = app.extensions[EXTENSION].database
    with database.write() as session:
        secret = tokens.bootstrap(session, preset=None, now=datetime.now(UTC))
    assert secret is not None
    return Service(app, database, secret)


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all, since each test has a client of its own; what differs between databases is in the first test."""
    path = tmp_path_factory.mktemp("tenants") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    made = _service(f"sqlite:///{path}")
    yield made
    made.database.close()


def test_a_tenant_is_made_over_http_and_put_away_again(database_url: str) -> None:
    service = _service(database_url)
    client = service.ok("POST", "/v1/clients", service.operator, {"name": "A team"})
    assert client["organization"] == client["id"]
    assert client["client_security"]["allow_users_to_see_experiments_by_others"] is True
    path = f"/v1/clients/{client['id']}"
    admin = service.ok("POST", f"{path}/tokens", service.operator, {"permissions": "admin", "name": "first"})
    assert service.ok("PUT", path, admin["token"], {"name": "Renamed"})["name"] == "Renamed"
    reader = service.ok("POST", f"{path}/tokens", admin["token"], {"permissions": "read"})
    listed = service.ok("GET", f"{path}/tokens?limit=1", reader["token"])
    assert (listed["count"], [item["id"] for item in listed["data"]]) == (2, [reader["id"]])
    older = service.ok("GET", f"{path}/tokens?limit=1&before={listed['paging']['before']}", reader["token"])
    assert [item["name"] for item in older["data"]] == ["first"]
    project = service.ok("POST", f"{path}/projects", admin["token"], {"id": "p", "name": "P"})
    assert project["id"] == "p"
    service.refused(409, "POST", f"{path}/projects", admin["token"], {"id": "p", "name": "P"})
    service.ok("POST", f"{path}/tags", admin["token"], {"name": "t", "color": "#abcdef"})
    service.refused(409, "POST", f"{path}/tags", admin["token"], {"name": "t", "color": "#abcdef"})
    assert [item["id"] for item in service.ok("GET", "/v1/clients?limit=1", service.operator)["data"]] == [client["id"]]
    hook = service.ok("POST", "/v1/webhooks", admin["token"], {"url": "https://example.com/hook"})["id"]
    assert service.ok("DELETE", path, admin["token"]) == {}
    with service.database.read() as session:
        assert session.get_one(Endpoint, int(hook)).state == "deleted"
    assert service.refused(403, "GET", path, reader["token"])["token_status"] == "revoked"
    service.refused(404, "GET", path, service.operator)
    service.database.close()


def test_a_client_that_runs_the_service_cannot_be_put_away(service: Service) -> None:
    own = service.ok("GET", "/v1/sessions", service.operator)["client"]["id"]
    service.refused(409, "DELETE", f"/v1/clients/{own}", service.operator)
    service.refused(409, "DELETE", f"/v1/clients/{own}", service.token(own))


def test_a_token_is_shown_in_the_shape_of_sigopt(service: Service) -> None:
    client, admin = service.team(name="mine")
    shown = service.ok("GET", "/v1/tokens/self", admin)
    assert {
        "object": "token",
        "all_experiments": True,
        "client": client,
        "development": False,
        "experiment": None,
        "expires": None,
        "lease_length": None,
        "organization": None,
        "permissions": "admin",
        "scope": "all_endpoints",
        "token": admin,
        "token_type": "client-api",
        "training_run": None,
        "user": None,
    }.items() <= shown.items()
    assert (shown["name"], shown["prefix"]) == ("mine", admin[:8])
    session = service.ok("GET", "/v1/sessions", admin)
    assert (session["api_token"], session["client"]["id"], session["user"]) == (shown, client, None)


def test_lists_and_ids_never_show_a_token(service: Service) -> None:
    client, admin = service.team()
    other = service.token(client, permissions="write")
    key = service.ok("GET", "/v1/tokens/self", other)["id"]
    for path in (f"/v1/clients/{client}/tokens", f"/v1/tokens/{key}", f"/v1/tokens/{other[:8]}"):
        assert other not in service.call("GET", path, admin).text
    assert service.ok("GET", f"/v1/tokens/{other}", admin)["token"] == other


def test_guests_stand_in_the_list_only_where_they_are_asked_for(service: Service) -> None:
    client, admin = service.team()
    guest = service.ok("POST", f"/v1/experiments/{service.experiment(admin)}/tokens", admin)
    path = f"/v1/clients/{client}/tokens"
    assert guest["id"] not in [item["id"] for item in service.ok("GET", path, admin)["data"]]
    assert [item["id"] for item in service.ok("GET", f"{path}?token_type=guest", admin)["data"]] == [guest["id"]]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"permissions": "operator"}, 403, None),
        ({"scopes": ["read", "operator"]}, 403, None),
        ({"permissions": "all"}, 400, ".permissions"),
        ({"scopes": ["reed"]}, 400, ".scopes[0]"),
        ({"scopes": []}, 400, ".permissions"),
        ({"name": "no scopes"}, 400, ".permissions"),
        ({"permissions": "read", "scopes": ["read"]}, 400, ".scopes"),
        ({"permissions": "read", "token_type": "user"}, 400, ".token_type"),
        ({"scopes": ["admin"], "token_type": "client-dev"}, 400, ".permissions"),
        ({"permissions": "write", "token_type": "guest"}, 400, ".permissions"),
        ({"token_type": "guest"}, 400, ".experiment"),
        ({"permissions": "read", "experiment": "99"}, 404, ".experiment"),
        ({"permissions": "read", "project": "nowhere"}, 404, ".project"),
        ({"permissions": "read", "expires": 1}, 400, ".expires"),
        ({"permissions": "read", "expires": 10**12}, 400, ".expires"),
        ({"permissions": "read", "lease_length": 0}, 400, ".lease_length"),
        ({"permissions": "read", "lease_length": 60, "expires": 2_000_000_000}, 400, ".lease_length"),
        ({"permissions": "read", "colour": "red"}, 400, ".colour"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_the_reason(
    service: Service, body: dict[str, Any], status: int, field: str | None
) -> None:
    client, admin = service.team()
    answer = service.refused(status, "POST", f"/v1/clients/{client}/tokens", admin, body)
    assert answer["errors"][0].get("field") == field
    assert admin not in str(answer)


def test_nobody_gives_or_takes_over_what_they_do_not_have(service: Service) -> None:
    own = service.ok("GET", "/v1/sessions", service.operator)["client"]["id"]
    admin, writer = service.token(own), service.token(own, permissions="write")
    operator, peer = (service.ok("GET", "/v1/tokens/self", secret)["id"] for secret in (service.operator, admin))
    for method, body in (("PUT", {"token": "rotate"}), ("PUT", {"lasts_forever": True}), ("DELETE", None)):
        service.refused(403, method, f"/v1/tokens/{operator}", admin, body)
        service.refused(403, method, f"/v1/tokens/{peer}", writer, body)
    narrow = service.token(own, scopes=["write", "admin"])
    answer = service.refused(403, "POST", f"/v1/clients/{own}/tokens", narrow, {"permissions": "read"})
    assert answer["token_status"] == "invalid_permissions"


def test_a_rotated_token_is_another_one_and_the_old_one_ends(service: Service) -> None:
    _, admin = service.team(name="mine")
    new = service.ok("PUT", "/v1/tokens/self", admin, {"token": "rotate"})
    assert new["token"] not in (None, admin)
    assert service.ok("GET", "/v1/tokens/self", new["token"])["name"] == "mine"
    assert service.refused(403, "PUT", "/v1/tokens/self", admin, {"token": "rotate"})["token_status"] == "revoked"


def test_with_an_overlap_the_old_token_goes_on_for_a_while_and_cannot_prolong_itself(service: Service) -> None:
    _, admin = service.team()
    new = service.ok("PUT", "/v1/tokens/self", admin, {"token": "rotate", "overlap_s": 3600})
    old = service.ok("GET", "/v1/tokens/self", admin)
    assert old["successor"] == new["id"]
    assert 3500 < old["expires"] - datetime.now(UTC).timestamp() < 3700
    for body in ({"token": "rotate"}, {"lasts_forever": True}):
        service.refused(409, "PUT", "/v1/tokens/self", admin, body)
    _shift(service, old["id"], -timedelta(hours=2))
    assert service.refused(403, "GET", "/v1/tokens/self", admin)["token_status"] == "expired"


def _shift(service: Service, token_id: str, by: timedelta) -> None:
    with service.database.write() as session:
        row = session.get_one(Token, int(token_id))
        assert row.expires_at is not None
        row.expires_at += by


def test_a_lease_is_renewed_in_time_or_not_at_all(service: Service) -> None:
    _, leased = service.team(permissions="write", lease_length=3600)
    before = service.ok("GET", "/v1/tokens/self", leased)
    _shift(service, before["id"], -timedelta(minutes=30))
    assert service.ok("PUT", "/v1/tokens/self", leased, {"expires": "renew"})["expires"] >= before["expires"]
    service.refused(403, "PUT", "/v1/tokens/self", leased, {"lasts_forever": True})
    _shift(service, before["id"], -timedelta(hours=2))
    service.refused(403, "PUT", "/v1/tokens/self", leased, {"expires": "renew"})
    _, endless = service.team()
    assert "lease_length" in service.refused(403, "PUT", "/v1/tokens/self", endless, {"expires": "renew"})["message"]
    answer = service.refused(400, "PUT", "/v1/tokens/self", endless, {"lasts_forever": False})
    assert answer["errors"][0]["field"] == ".lasts_forever"


def test_a_guests_link_is_kept_for_ever_shortened_again_and_ended_by_a_writer(service: Service) -> None:
    client, _ = service.team()
    writer = service.token(client, permissions="write")
    guest = service.ok("POST", f"/v1/experiments/{service.experiment(writer)}/tokens", writer)
    assert (guest["permissions"], guest["scope"], guest["token_type"]) == ("read", "shared_experiment", "guest")
    path = f"/v1/tokens/{guest['token']}"
    for forever, expires in ((True, False), (False, True)):
        shown = service.ok("PUT", path, writer, {"lasts_forever": forever})
        assert (shown["token"], shown["expires"] is not None) == (guest["token"], expires)
    service.refused(403, "PUT", path, writer, {"expires": "renew"})
    for body in ({}, {"lasts_forever": True}, {"token": "rotate"}):
        service.refused(403, "PUT", "/v1/tokens/self", guest["token"], body)
    assert service.ok("GET", path, guest["token"])["experiment"] == guest["experiment"]
    service.refused(404, "GET", f"/v1/tokens/{writer}", guest["token"])
    service.refused(403, "DELETE", path, guest["token"])
    service.ok("DELETE", path, writer)
    service.refused(403, "GET", path, guest["token"])


@pytest.mark.parametrize("path", ["", "/tokens", "/projects", "/tags", "/experiments", "/permissions"])
def test_guests_are_no_members_of_the_client(service: Service, path: str) -> None:
    client, admin = service.team()
    guest = service.ok("POST", f"/v1/experiments/{service.experiment(admin)}/tokens", admin)["token"]
    service.ok("GET", f"/v1/clients/{client}{path}", admin)
    service.refused(403, "GET", f"/v1/clients/{client}{path}", guest)


def test_the_token_of_an_empty_body_can_ask_who_it_is_and_nothing_else(service: Service) -> None:
    client, admin = service.team()
    made = service.ok("POST", f"/v1/clients/{client}/tokens", admin, {})
    assert (made["scope"], made["scopes"]) == ("signup", [])
    assert service.ok("GET", "/v1/sessions", made["token"])["client"]["id"] == client
    service.ok("GET", f"/v1/organizations/{client}", made["token"])
    for path in (f"/v1/clients/{client}", f"/v1/clients/{client}/experiments", "/v1/experiments"):
        service.refused(403, "GET", path, made["token"])


def test_development_and_production_are_kept_apart(service: Service) -> None:
    client, admin = service.team()
    dev = service.token(client, permissions="admin", token_type="client-dev")
    assert service.ok("GET", "/v1/tokens/self", dev)["permissions"] == "write"
    made, real = service.experiment(dev), service.experiment(admin)
    assert service.ok("GET", f"/v1/experiments/{made}", dev)["development"] is True
    source = service.ok("POST", f"/v1/experiments/{made}/suggestions", dev)["source"]
    assert "random" in source
    other = service.refused(403, "GET", f"/v1/experiments/{real}", dev)["message"]
    assert other.startswith(f"Attempting to access production experiment {real} with development token.")
    back = service.refused(403, "GET", f"/v1/experiments/{made}", admin)["message"]
    assert back.startswith(f"Attempting to access development experiment {made} with production token.")
    listed = service.ok("GET", f"/v1/clients/{client}/experiments", dev)
    assert [item["id"] for item in listed["data"]] == [made]
    for method, path in (("PUT", ""), ("GET", "/tokens"), ("POST", "/tokens")):
        answer = service.refused(403, method, f"/v1/clients/{client}{path}", dev, None if method == "GET" else {})
        assert answer["message"] == "Development tokens cannot access this endpoint."
    service.refused(403, "POST", f"/v1/experiments/{made}/tokens", dev)
    service.ok("POST", f"/v1/clients/{client}/projects", dev, {"id": "tried", "name": "tried"})


def test_a_token_for_a_project_sees_and_makes_what_is_in_it(service: Service) -> None:
    client, admin = service.team()
    for name in ("a", "b"):
        service.ok("POST", f"/v1/clients/{client}/projects", admin, {"id": name, "name": name})
    mine, theirs = service.experiment(admin, project="a"), service.experiment(admin, project="b")
    bound = service.token(client, project="a")
    assert service.ok("GET", "/v1/tokens/self", bound)["project"] == "a"
    assert [item["id"] for item in service.ok("GET", "/v1/experiments", bound)["data"]] == [mine]
    service.refused(404, "GET", f"/v1/experiments/{theirs}", bound)
    assert [item["id"] for item in service.ok("GET", f"/v1/clients/{client}/projects", bound)["data"]] == ["a"]
    service.refused(404, "GET", f"/v1/clients/{client}/projects/b", bound)
    service.refused(403, "POST", f"/v1/clients/{client}/projects", bound, {"id": "c", "name": "c"})
    assert service.ok("GET", f"/v1/experiments/{service.experiment(bound)}", bound)["project"] == "a"
    service.refused(404, "POST", "/v1/experiments", bound, {**BODY, "project": "b"})
    service.refused(403, "POST", f"/v1/clients/{client}/tokens", bound, {"permissions": "read"})
    service.ok("POST", f"/v1/clients/{client}/tokens", bound, {"permissions": "read", "project": "a"})
    assert service.ok("GET", f"/v1/clients/{client}/tokens", bound)["count"] == 2


def test_what_sigopt_had_for_people_says_what_is_in_its_place(service: Service) -> None:
    client, admin = service.team()
    for status, method, path in (
        (404, "GET", "/v1/users/1"),
        (404, "PUT", "/v1/users/1"),
        (403, "POST", "/v1/users"),
        (403, "POST", f"/v1/clients/{client}/invites"),
        (400, "POST", "/v1/sessions"),
        (400, "PUT", "/v1/sessions"),
        (403, "PUT", f"/v1/organizations/{client}"),
    ):
        body = {"email": "a@example.com", "password": "p"} if path == "/v1/sessions" else {}
        answer = service.refused(status, method, path, admin, None if method == "GET" else body)
        assert "There are no users here" in answer["message"]
    assert service.ok("GET", f"/v1/clients/{client}/permissions", admin)["data"] == []
    listed = service.ok("GET", f"/v1/organizations/{client}/clients", admin)
    assert [item["id"] for item in listed["data"]] == [client]
    security = {"client_security": {"allow_users_to_see_experiments_by_others": False}}
    service.refused(400, "PUT", f"/v1/clients/{client}", admin, security)
