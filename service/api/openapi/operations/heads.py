"""Clients, their tokens, projects and tags; sessions, and what SigOpt had for users and organizations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.api.openapi.operation import WALKS, Operation
from service.api.openapi.parameters import query, truth, words
from service.api.sessions import Login
from service.clients import ClientChange, NewClient
from service.projects import NewNote, NewProject, ProjectChange
from service.tags import NewTag
from service.tokens import NewToken, TokenChange

__all__ = ["OPERATIONS"]

OPERATIONS: Final[Mapping[str, Operation]] = {
    "clients.create": Operation(reply="client", body=NewClient, example={"name": "pricing team"}),
    "clients.listed": Operation(page="client", query=WALKS),
    "clients.one": Operation(reply="client"),
    "clients.update": Operation(reply="client", body=ClientChange, example={"name": "pricing and churn"}),
    "clients.delete": Operation(),
    "tokens.create": Operation(
        reply="token", body=NewToken, example={"name": "worker", "permissions": "write", "token_type": "client-api"}
    ),
    "tokens.listed": Operation(
        page="token",
        query=(*WALKS, words("token_type", "Only these.", "all", "client-api", "client-dev", "guest")),
    ),
    "tokens.one": Operation(reply="token"),
    "tokens.update": Operation(reply="token", body=TokenChange, example={"name": "worker of the night"}),
    "tokens.delete": Operation(),
    "tokens.share_experiment": Operation(reply="token", body={"type": "object", "maxProperties": 0}, example={}),
    "tokens.share_run": Operation(reply="token", body={"type": "object", "maxProperties": 0}, example={}),
    "projects.create": Operation(
        reply="project", body=NewProject, example={"id": "churn", "name": "Churn", "metadata": {"owner": "pricing"}}
    ),
    "projects.listed": Operation(
        page="project",
        query=(
            *WALKS,
            words("sort", "The order; by `updated` unless you ask for another.", "created", "updated"),
            truth("deleted", "Those that were put away as well."),
            query("user", "There are no users here: with one, the list is empty.", {"type": "integer"}),
        ),
    ),
    "projects.one": Operation(reply="project"),
    "projects.update": Operation(reply="project", body=ProjectChange, example={"name": "Churn, all regions"}),
    "projects.write_note": Operation(
        reply="project_note", body=NewNote, example={"contents": "Latency counts from 20 ms on."}
    ),
    "projects.notes": Operation(page="project_note"),
    "projects.create_tag": Operation(reply="tag", body=NewTag, example={"name": "baseline", "color": "#3A7BD5"}),
    "projects.list_tags": Operation(page="tag", query=WALKS),
    "sessions.who_am_i": Operation(reply="session"),
    "sessions.log_in": Operation(
        reply="session",
        body=Login,
        example={"token": "ts_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9"},
        errors=(401, 403, 404, 429),
    ),
    "sessions.log_out": Operation(query=(query("email", "SigOpt's way to reset a password: refused."),)),
    "sessions.change_password": Operation(refuses=400),
    "sessions.organization": Operation(reply="organization"),
    "sessions.organization_clients": Operation(page="client"),
    "sessions.change_organization": Operation(refuses=403),
    "sessions.permissions": Operation(page="nothing"),
    "sessions.invite": Operation(refuses=403),
    "sessions.create_user": Operation(refuses=403),
    "sessions.user": Operation(refuses=404),
}
