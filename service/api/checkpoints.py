"""/v1/training_runs/ID/checkpoints and tags: values of a run on its way, and the words that it carries."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import render
from service.api.auth import requires
from service.api.door import read, write
from service.api.paging import window, windowed
from service.api.training_runs import found_run
from service.api.wire import body, parse_id, refuse_unknown, reply
from service.runs import checkpoints, tagging

__all__ = ["blueprint"]

blueprint = Blueprint("checkpoints", __name__)


@blueprint.post("/v1/training_runs/<training_run_id>/checkpoints")
@requires("write", development=True)
def create(training_run_id: str) -> Response:
    """Keep the values of a run that is on its way: up to 200 times."""
    given = body()
    with write() as door:
        row = checkpoints.create(door.session, found_run(door, training_run_id), given, now=door.now)
        shown = render.checkpoint(row)
    return reply(shown)


@blueprint.get("/v1/training_runs/<training_run_id>/checkpoints")
@requires("read", development=True)
def listed(training_run_id: str) -> Response:
    """List a run's checkpoints, newest first."""
    asked = window()
    with read() as door:
        run = found_run(door, training_run_id)
        page, count = checkpoints.listed(door.session, asked, run_id=run.id)
        shown = [render.checkpoint(row) for row in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/training_runs/<training_run_id>/checkpoints/<checkpoint_id>")
@requires("read", development=True)
def one(training_run_id: str, checkpoint_id: str) -> Response:
    """Return one checkpoint."""
    with read() as door:
        run = found_run(door, training_run_id)
        row = checkpoints.find(door.session, parse_id(checkpoint_id, "checkpoint"), run_id=run.id)
        shown = render.checkpoint(row)
    return reply(shown)


@blueprint.post("/v1/training_runs/<training_run_id>/tags")
@requires("write", development=True)
def add_tag(training_run_id: str) -> Response:
    """Let a run carry a tag."""
    given = body()
    refuse_unknown(given, ("id",))
    with write() as door:
        shown = render.tag(tagging.add(door.session, found_run(door, training_run_id), given, now=door.now))
    return reply(shown)


@blueprint.delete("/v1/training_runs/<training_run_id>/tags/<tag_id>")
@requires("write", development=True)
def remove_tag(training_run_id: str, tag_id: str) -> Response:
    """Take a tag away from a run; the reply shows the tag."""
    with write() as door:
        shown = render.tag(tagging.remove(door.session, found_run(door, training_run_id), tag_id, now=door.now))
    return reply(shown)
