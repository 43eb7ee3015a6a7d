"""/v1/web_data: views of a project's runs. The address is one for all of them: bodies and queries say which."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from service.api.auth import requires
from service.api.door import Door, read, write
from service.api.projects import found_project
from service.api.wire import body, epoch, reply, unpaged
from service.models import Project, View
from service.runs import views
from service.schemas.fields import parse_id
from service.schemas.view import Views, parse_change, parse_new, parse_views

__all__ = ["blueprint"]

blueprint = Blueprint("web_data", __name__)

#: What a query says of the views that it is about.
_SAID: Final = ("parent_resource_type", "parent_resource_id", "web_data_type", "display_name")


def _owner(door: Door, wanted: Views) -> Project:
    owner = wanted.parent_resource_id
    parse_id(owner.client, ".parent_resource_id.client")
    return found_project(door, owner.client, owner.project)


def _shown(row: View, project: Project) -> dict[str, Any]:
    return {
        "object": "web_data",
        "id": str(row.id),
        "created": epoch(row.created_at),
        "created_by": None,
        "updated": epoch(row.updated_at),
        "display_name": row.name,
        "web_data_type": row.kind,
        "parent_resource_type": "project",
        "parent_resource_id": {
            "object": "project_resource_id",
            "client": str(project.client_id),
            "project": project.reference,
        },
        "payload": row.document,
    }


@blueprint.post("/v1/web_data")
@requires("write")
def create() -> Response:
    """Keep a view of a project's runs: up to a hundred of a kind."""
    given = body()
    parsed = parse_new(given)
    with write() as door:
        project = _owner(door, parsed)
        shown = _shown(views.create(door.session, project, parsed, given["payload"], now=door.now), project)
    return reply(shown)


@blueprint.get("/v1/web_data")
@requires("read")
def listed() -> Response:
    """List the views of a project, newest first and all at once."""
    wanted = parse_views(_asked())
    with read() as door:
        project = _owner(door, wanted)
        shown = [_shown(row, project) for row in views.listed(door.session, project, wanted.web_data_type)]
    return reply(unpaged(shown))


def _asked() -> dict[str, str]:
    return {name: request.args[name] for name in _SAID if name in request.args}


@blueprint.put("/v1/web_data")
@requires("write")
def update() -> Response:
    """Put other content into a view, or give it another name; it stays in its project."""
    given = body()
    parsed = parse_change(given)
    with write() as door:
        project = _owner(door, parsed)
        shown = _shown(views.change(door.session, project, parsed, given["payload"], now=door.now), project)
    return reply(shown)


@blueprint.delete("/v1/web_data")
@requires("write")
def delete() -> Response:
    """Forget a view."""
    wanted, key = parse_views(_asked()), parse_id(request.args.get("id"), "id")
    with write() as door:
        views.end(door.session, _owner(door, wanted), wanted.web_data_type, key)
    return reply({})
