"""/v1/clients/CID/projects: made, listed, changed, put away; notes about them; tags for runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, request

from service import projects, tags
from service.api.auth import caller, own_client, requires
from service.api.door import Door, read, write
from service.api.paging import window, windowed
from service.api.wire import asks_for_a_user, body, choice, epoch, reply, truth, unpaged
from service.models import Note, Project, Tag

__all__ = ["blueprint", "found_project"]

blueprint = Blueprint("projects", __name__)

#: Bytes of a request with the longest note: JSON may take six for a character.
LARGEST_NOTE: Final = 8 * projects.LONGEST_NOTE


def found_project(door: Door, client_id: str, project_id: str) -> Project:
    """Return the project of the path, if this caller may see it."""
    key = own_client(client_id)
    return projects.find(door.session, project_id, client_id=key, only=caller().project_id)


def shown_projects(door: Door, rows: Sequence[Project]) -> list[dict[str, Any]]:
    """Projects as SigOpt's clients read them, each with how much is in it."""
    counts = projects.counts(door.session, [row.id for row in rows])
    return [_shown(row, counts[row.id]) for row in rows]


def _shown(row: Project, counted: projects.Counts) -> dict[str, Any]:
    return {
        "object": "project",
        "id": row.reference,
        "name": row.name,
        "client": str(row.client_id),
        "user": None,
        "metadata": row.meta,
        "deleted": row.deleted,
        "experiment_count": counted.experiments,
        "training_run_count": counted.runs,
        "created": epoch(row.created_at),
        "updated": epoch(counted.updated_at),
    }


@blueprint.post("/v1/clients/<client_id>/projects")
@requires("write", development=True, for_project=False)
def create(client_id: str) -> Response:
    """Make a project."""
    key, given = own_client(client_id), body()
    with write() as door:
        row = projects.create(door.session, given, client_id=key, now=door.now)
        (shown,) = shown_projects(door, [row])
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/projects")
@requires("read", development=True)
def listed(client_id: str) -> Response:
    """List the projects by `sort`, updated or created; `deleted` shows those that were put away as well."""
    key, asked = own_client(client_id), window()
    sort, with_deleted = choice("sort", tuple(projects.SORTS), default="updated"), truth("deleted")
    if asks_for_a_user():  # there are no users here, so no project is anybody's
        return reply(unpaged([]))
    with read() as door:
        page, count = projects.listed(
            door.session, asked, client_id=key, sort=sort, with_deleted=with_deleted, only=caller().project_id
        )
        shown = shown_projects(door, page.rows)
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/clients/<client_id>/projects/<project_id>")
@requires("read", development=True)
def one(client_id: str, project_id: str) -> Response:
    """Return one project."""
    with read() as door:
        (shown,) = shown_projects(door, [found_project(door, client_id, project_id)])
    return reply(shown)


@blueprint.put("/v1/clients/<client_id>/projects/<project_id>")
@requires("write", development=True)
def update(client_id: str, project_id: str) -> Response:
    """Change a project, put it away (`deleted`) or take it out again."""
    given = body()
    with write() as door:
        row = found_project(door, client_id, project_id)
        projects.update(door.session, row, given, now=door.now)
        (shown,) = shown_projects(door, [row])
    return reply(shown)


@blueprint.post("/v1/clients/<client_id>/projects/<project_id>/notes")
@requires("write")
def write_note(client_id: str, project_id: str) -> Response:
    """Write the project's note anew; what it said before is kept."""
    request.max_content_length = LARGEST_NOTE
    given = body()
    with write() as door:
        row = found_project(door, client_id, project_id)
        shown = _note(row, projects.write_note(door.session, row, given, now=door.now))
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/projects/<project_id>/notes")
@requires("read")
def notes(client_id: str, project_id: str) -> Response:
    """Return the project's note as a list: of one, or of none."""
    with read() as door:
        row = found_project(door, client_id, project_id)
        newest = projects.newest_note(door.session, row)
        shown = [] if newest is None else [_note(row, newest)]
    return reply(unpaged(shown))


def _note(project: Project, note: Note) -> dict[str, Any]:
    return {
        "object": "project_note",
        "id": str(note.id),
        "client": str(project.client_id),
        "project": project.reference,
        "contents": note.contents,
        "user": None,
        "created": epoch(note.created_at),
    }


@blueprint.post("/v1/clients/<client_id>/tags")
@requires("write")
def create_tag(client_id: str) -> Response:
    """Make a tag."""
    key, given = own_client(client_id), body()
    with write() as door:
        shown = _tag(tags.create(door.session, given, client_id=key, now=door.now))
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/tags")
@requires("read")
def list_tags(client_id: str) -> Response:
    """List the client's tags, newest first."""
    key, asked = own_client(client_id), window()
    with read() as door:
        page, count = tags.listed(door.session, asked, client_id=key)
        shown = [_tag(row) for row in page.rows]
    return reply(windowed(shown, page, count=count))


def _tag(row: Tag) -> dict[str, Any]:
    return {
        "object": "tag",
        "id": str(row.id),
        "name": row.name,
        "color": row.color,
        "client": str(row.client_id),
    }
