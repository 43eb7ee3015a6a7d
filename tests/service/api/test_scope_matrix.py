"""Every route by every token: read off the app's own table, so that a new route is held to it from its first day.

Each view says by `requires` what it asks of a token. Here every route is called with tokens of every scope alone and of
every usual set, with none, with a development token, a guest's, and with another team's: a route that nobody guards,
one that lets the wrong token in, and one that tells a stranger what exists, fail.
"""

from __future__ import annotations

import pytest
from flask import Flask

from service import tokens
from service.api.auth import ANYBODY, is_for_development
from tests.service.api.matrix import World, message

#: Routes that ask no token: of machines, of who is about to sign in, and of what says so itself.
OPEN = {
    "/livez",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/<name>",
    "/problems",
    "/problems/<code>",
    "/login",
    "/logout",
    "POST /v1/sessions",
    "DELETE /v1/sessions",
    "POST /v1/users",
    # The address itself is the key: it is signed, for one file and for a while.
    "PUT /v1/files/<file_id>/content",
    "GET /v1/files/<file_id>/content",
}
SETS = {**{scope: (scope,) for scope in tokens.SCOPES}, "all of them": tokens.SCOPES}


def lacks(scope: str) -> str:
    return f"It needs a token with scope {scope}."


def naked(world: World) -> list[str]:
    """Return the routes that nobody guards although they are not known to be open."""
    return [route.name for route in world.routes() if route.guard is None and not {route.name, route.rule} & OPEN]


def test_a_route_that_nobody_guards_is_found(world: World) -> None:
    forgotten = Flask("forgotten")
    forgotten.add_url_rule("/v1/forgotten", view_func=lambda: "secret", methods=["POST"], endpoint="forgotten")
    assert naked(World(forgotten, world.database)) == ["POST /v1/forgotten"]


def test_every_route_says_which_token_it_takes(world: World) -> None:
    assert naked(world) == [], "guard these views with service.api.auth.requires, or say in OPEN why they ask no token"


def test_every_scope_that_a_route_names_exists(world: World) -> None:
    assert {guard.scope for _, guard in world.guarded()} <= {ANYBODY, *tokens.SCOPES}


def test_the_matrix_knows_what_every_path_is_made_of(world: World) -> None:
    known = world.team().ids
    unknown = {name for route in world.routes() for name in route.parameters} - set(known)
    assert unknown == set(), "let World.team make one of these"


def test_without_a_token_every_guarded_route_asks_for_one(world: World) -> None:
    team = world.team()
    replies = {route.name: world.call(route, team.ids, None).status_code for route, _ in world.guarded()}
    assert {name: status for name, status in replies.items() if status != 401} == {}


@pytest.mark.parametrize("name", SETS)
def test_a_token_may_what_its_scopes_say_and_nothing_else(world: World, name: str) -> None:
    team, scopes = world.team(), SETS[name]
    secret = world.token(team, scopes)
    wrong = []
    for route, guard in world.guarded():
        response = world.call(route, team.ids, secret)
        refused = response.status_code == 403 and lacks(guard.scope) in message(response)
        expected = guard.scope != ANYBODY and guard.scope not in scopes
        if refused != expected or response.status_code in (401, 500, 501, 502):
            wrong.append((route.name, guard.scope, response.status_code, message(response)[:100]))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_development_token_stays_with_development(world: World) -> None:
    team = world.team()
    secret = world.token(team, tokens.PERMISSIONS["write"], token_type="client-dev")
    wrong = []
    for route, guard in world.guarded():
        response = world.call(route, team.ids, secret)
        refused = "Development tokens cannot access this endpoint." in message(response)
        if refused == is_for_development(route.rule, guard) or response.status_code >= 500:
            wrong.append((route.name, response.status_code, message(response)[:100]))
    assert not wrong, "\n".join(map(str, wrong))
