"""/v1/experiments/ID/queued_suggestions: configurations that people want tried before anything computed."""

from __future__ import annotations

from flask import Blueprint, Response

from service import suggestions
from service.api.auth import requires
from service.api.door import read, write
from service.api.experiments import found, held
from service.api.paging import window, windowed
from service.api.render.suggestions import queued_suggestion as render
from service.api.wire import body, parse_id, reply
from service.errors import InvalidInputError
from service.schemas.fields import shorten

__all__ = ["blueprint"]

blueprint = Blueprint("queued_suggestions", __name__)


@blueprint.post("/v1/experiments/<experiment_id>/queued_suggestions")
@requires("write")
def enqueue(experiment_id: str) -> Response:
    """Put a configuration at the end of the queue: it is handed out before anything computed.

    Keys that are not known here are passed over, as of suggestions.
    """
    given = body()
    with write() as door:
        row = held(door, experiment_id)
        if "assignments" not in given:
            message = f'Missing required json key "assignments" in: {shorten(given)}'
            raise InvalidInputError(message, field=".assignments", expected="an object")
        item = suggestions.enqueue(
            door.session, row, given.get("assignments"), task=given.get("task"), metadata=None, now=door.now
        )
        shown = render(item, tasks=row.tasks)
    return reply(shown)


@blueprint.get("/v1/experiments/<experiment_id>/queued_suggestions")
@requires("read")
def listed(experiment_id: str) -> Response:
    """List what waits in the queue, newest first."""
    asked = window()
    with read() as door:
        row = found(door, experiment_id)
        page, count = suggestions.queue(door.session, row.id, window=asked)
        shown = [render(item, tasks=row.tasks) for item in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/experiments/<experiment_id>/queued_suggestions/<suggestion_id>")
@requires("read")
def one(experiment_id: str, suggestion_id: str) -> Response:
    """Return one configuration of the queue."""
    with read() as door:
        row = found(door, experiment_id)
        key = parse_id(suggestion_id, "queued suggestion")
        shown = render(suggestions.find_queued(door.session, key, experiment_id=row.id), tasks=row.tasks)
    return reply(shown)


@blueprint.delete("/v1/experiments/<experiment_id>/queued_suggestions/<suggestion_id>")
@requires("write")
def delete(experiment_id: str, suggestion_id: str) -> Response:
    """Take a configuration out of the queue."""
    with write() as door:
        row = found(door, experiment_id)
        suggestions.delete_queued(door.session, row, parse_id(suggestion_id, "queued suggestion"))
    return reply({})
