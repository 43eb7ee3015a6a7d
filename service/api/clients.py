"""/v1/clients: the teams. Those who run the service make them; a team's admins name and end their own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service import clients, webhooks
from service.api.auth import own_client, requires
from service.api.door import read, write
from service.api.paging import window, windowed
from service.api.wire import body, epoch, reply
from service.models import Client

__all__ = ["blueprint", "shown_client"]

blueprint = Blueprint("clients", __name__)


def shown_client(row: Client) -> dict[str, Any]:
    """A client as SigOpt's clients read it. Each is an organization of its own."""
    shown: dict[str, Any] = {
        "object": "client",
        "id": str(row.id),
        "organization": str(row.id),
        "name": row.name,
        "created": epoch(row.created_at),
        "client_security": {"object": "client_security", "allow_users_to_see_experiments_by_others": True},
    }
    return shown if row.deleted_at is None else {**shown, "deleted": True}


@blueprint.post("/v1/clients")
@requires("operator")
def create() -> Response:
    """Make a client. Its tokens are made one by one, at /v1/clients/ID/tokens."""
    given = body()
    with write() as door:
        shown = shown_client(clients.create(door.session, given, now=door.now))
    return reply(shown)


@blueprint.get("/v1/clients")
@requires("operator")
def listed() -> Response:
    """List the clients of this service, newest first."""
    asked = window()
    with read() as door:
        page, count = clients.listed(door.session, asked)
        shown = [shown_client(row) for row in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/clients/<client_id>")
@requires("read", development=True)
def one(client_id: str) -> Response:
    """Return one client."""
    key = own_client(client_id, operated=True)
    with read() as door:
        shown = shown_client(clients.find(door.session, key))
    return reply(shown)


@blueprint.put("/v1/clients/<client_id>")
@requires("admin", for_project=False)
def update(client_id: str) -> Response:
    """Name a client anew."""
    key, given = own_client(client_id, operated=True), body()
    with write() as door:
        row = clients.find(door.session, key)
        clients.update(door.session, row, given)
        shown = shown_client(row)
    return reply(shown)


@blueprint.delete("/v1/clients/<client_id>")
@requires("admin", for_project=False)
def delete(client_id: str) -> Response:
    """Put a client away; its tokens open nothing from now on, and its webhooks are told nothing."""
    key = own_client(client_id, operated=True)
    with write() as door:
        clients.delete(door.session, clients.find(door.session, key), now=door.now)
        webhooks.delete_all(door.session, client_id=key)
    return reply({})
