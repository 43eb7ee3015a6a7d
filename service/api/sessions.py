"""/v1/sessions: who one is, and the pages' login. What SigOpt had beside it, users and organizations, is refused here.

There are no users: a client's tokens take their place, and each client is an organization of its own. What lists people
is empty, and what would make or change one says so.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from service import clients, tokens
from service.api import cookies, limits
from service.api.auth import ANYBODY, caller, identify, own_client, own_secret, requires
from service.api.clients import shown_client
from service.api.door import Door, read
from service.api.tokens import shown_token
from service.api.wire import body, reply, unpaged
from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from service.schemas import fields
from service.tokens import Caller

__all__ = ["Login", "blueprint"]

blueprint = Blueprint("sessions", __name__)

_NO_USERS: Final = "There are no users here: a client's tokens take their place (POST /v1/clients/ID/tokens)."


class Login(fields.Strict):
    """The body of a login."""

    token: str


@blueprint.get("/v1/sessions")
@requires(ANYBODY, development=True)
def who_am_i() -> Response:
    """Return the caller's token and client."""
    with read() as door:
        shown = _session(door, caller(), secret=own_secret())
    return reply(shown)


def _session(door: Door, who: Caller, *, secret: str) -> dict[str, Any]:
    row, _ = tokens.find(door.session, "self", by=who)
    return {
        "object": "session",
        "api_token": shown_token(door, row, secret),
        "client": shown_client(clients.find(door.session, who.client_id)),
        "code": None,
        "needs_password_reset": False,
        "user": None,
    }


@blueprint.post("/v1/sessions")
def log_in() -> Response:
    """Open the pages to a browser: with a token, which its cookie then stands for. Refused after too many tries."""
    given = body()
    if {"email", "password", "code"} & set(given):
        raise InvalidInputError(f"Invalid email/password. {_NO_USERS}", field=".token", expected="a token")
    secret = fields.parse_model(Login, given).token
    with limits.count_login():
        who = identify(secret)
    with read() as door:
        shown = _session(door, who, secret=secret)
    response = reply(shown)
    cookies.keep(response, cookies.Visit.of(secret))
    return response


@blueprint.put("/v1/sessions")
@requires(ANYBODY)
def change_password() -> Response:
    """Refuse: a token is rotated, not changed."""
    message = f"{_NO_USERS} A token is rotated by PUT /v1/tokens/self with token: rotate."
    raise InvalidInputError(message, field=".new_password", expected="PUT /v1/tokens/self")


@blueprint.delete("/v1/sessions")
def log_out() -> Response:
    """Close the pages again; the token stays what it is."""
    if request.args.get("email"):
        raise InvalidInputError(f"No password can be reset. {_NO_USERS}", field="email", expected="nothing")
    response = reply({})
    cookies.forget(response)
    return response


@blueprint.get("/v1/organizations/<organization_id>")
@requires(ANYBODY, development=True)
def organization(organization_id: str) -> Response:
    """Return the organization of a client, which is that client."""
    with read() as door:
        client = clients.find(door.session, _own_organization(organization_id))
    shown = {name: value for name, value in shown_client(client).items() if name in ("id", "name", "created")}
    return reply({"object": "organization", **shown, "client_for_email_signup": None, "email_domains": []})


def _own_organization(organization_id: str) -> int:
    who = caller()
    if organization_id != str(who.client_id):
        raise NotFoundError(f"No organization {organization_id}", organization=organization_id)
    return who.client_id


@blueprint.get("/v1/organizations/<organization_id>/clients")
@requires("read", development=True)
def organization_clients(organization_id: str) -> Response:
    """List the one client of an organization."""
    with read() as door:
        shown = [shown_client(clients.find(door.session, _own_organization(organization_id)))]
    return reply(unpaged(shown))


@blueprint.route("/v1/organizations/<organization_id>", methods=["PUT", "DELETE"])
@blueprint.post("/v1/organizations/<organization_id>/clients")
@blueprint.get("/v1/organizations/<organization_id>/memberships")
@requires("read")
def change_organization(organization_id: str) -> Response:
    """Refuse: there is nothing to an organization but its client."""
    _own_organization(organization_id)
    raise PermissionDeniedError(f"An organization is its client here: see PUT and POST /v1/clients. {_NO_USERS}")


@blueprint.get("/v1/clients/<client_id>/permissions")
@blueprint.get("/v1/clients/<client_id>/pending_permissions")
@requires("read")
def permissions(client_id: str) -> Response:
    """List whom a client has let in: nobody, since tokens do that."""
    own_client(client_id)
    return reply(unpaged([]))


@blueprint.route("/v1/clients/<client_id>/invites", methods=["POST", "PUT", "DELETE"])
@requires("read")
def invite(client_id: str) -> Response:
    """Refuse: nobody is invited, a token is made."""
    own_client(client_id)
    raise PermissionDeniedError(f"Nobody can be invited. {_NO_USERS}")


@blueprint.post("/v1/users")
def create_user() -> Response:
    """Refuse: nobody can sign up."""
    raise PermissionDeniedError(f"Nobody can sign up. {_NO_USERS}")


@blueprint.route("/v1/users/<user_id>", methods=["GET", "PUT", "DELETE"])
@blueprint.route("/v1/users/<user_id>/<path:_rest>", methods=["GET", "POST", "PUT", "DELETE"])
@requires("read")
def user(user_id: str, _rest: str = "") -> Response:
    """Refuse: nobody is a user."""
    if caller().is_guest:
        raise PermissionDeniedError("You don't have permission to do this action.")
    raise NotFoundError(f"No user {user_id}. {_NO_USERS}", user=user_id)
