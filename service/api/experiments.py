"""/v1/experiments: create, list, one, its changes, its end; a guest's token for one of them."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, request

from service import experiments, observations
from service.api import render
from service.api.auth import caller, check_reach, requires
from service.api.door import Door, read, write
from service.api.wire import body, parse_id, reply, walk, walked
from service.errors import InvalidInputError
from service.models import Experiment

__all__ = ["blueprint", "found"]

blueprint = Blueprint("experiments", __name__)


def found(door: Door, experiment_id: str) -> Experiment:
    """Return the experiment of the path, if this caller may see it."""
    who = caller()
    key = parse_id(experiment_id, "experiment")
    row = experiments.find(door.session, key, client_id=who.client_id, only=who.experiment_id)
    check_reach(row)
    return row


@blueprint.post("/v1/experiments")
@requires("write")
def create() -> Response:
    """Create an experiment."""
    given = body()
    with write() as door:
        row = experiments.create(door.session, given, client_id=caller().client_id, now=door.now)
        shown = _shown(door, row)
    return reply(shown)


@blueprint.get("/v1/experiments")
@requires("read")
def listed() -> Response:
    """List the caller's experiments, newest first unless it asks for another order."""
    asked, who = walk(experiments.SORTS), caller()
    listing = experiments.Listing(
        limit=asked.limit,
        state=_state(),
        search=_search(),
        sort=asked.sort,
        ascending=asked.ascending,
        before=asked.before,
        after=asked.after,
    )
    with read() as door:
        rows, count = experiments.listed(door.session, listing, client_id=who.client_id, only=who.experiment_id)
        progress = experiments.progress(door.session, [row.id for row in rows])
        shown = [render.experiment(row, progress[row.id]) for row in rows]
    return reply(walked(shown, [experiments.key_of(row, asked.sort) for row in rows], count=count, walk=asked))


def _state() -> Literal["active", "deleted", "all"]:
    match request.args.get("state", "active"):
        case "active" | "deleted" | "all" as state:
            return state
        case other:
            message = f"Invalid state: {other[:40]}, expected active, deleted or all"
            raise InvalidInputError(message, field="state", expected="active, deleted or all")


def _search() -> str:
    """Read a part of a name: no longer than names are, and of characters that a name can have."""
    text = request.args.get("search", "")
    if len(text) > 100 or "\x00" in text:
        message = f"Invalid search: {text[:40]!a}, expected a part of a name, up to 100 characters"
        raise InvalidInputError(message, field="search", expected="up to 100 characters")
    return text


@blueprint.get("/v1/experiments/<experiment_id>")
@requires("read")
def one(experiment_id: str) -> Response:
    """Return one experiment with its progress."""
    with read() as door:
        shown = _shown(door, found(door, experiment_id))
    return reply(shown)


@blueprint.put("/v1/experiments/<experiment_id>")
@requires("write")
def update(experiment_id: str) -> Response:
    """Change an experiment, or restore a deleted one with state `active`."""
    given = body()
    with write() as door:
        row = found(door, experiment_id)
        experiments.update(door.session, row, given, now=door.now)
        shown = _shown(door, row)
    return reply(shown)


@blueprint.delete("/v1/experiments/<experiment_id>")
@requires("write")
def delete(experiment_id: str) -> Response:
    """Put an experiment away: it stays readable, and `PUT` with state `active` restores it."""
    _check_include_runs()
    with write() as door:
        experiments.delete(door.session, found(door, experiment_id), now=door.now)
    return reply({})


def _check_include_runs() -> None:
    """Take what SigOpt's clients may ask for; there are no runs here that could go along or stay."""
    asked = request.args.get("include_runs")
    if asked is not None and asked.lower() not in {"true", "false"}:
        message = f"Invalid include_runs: {asked[:40]}, expected true or false"
        raise InvalidInputError(message, field="include_runs", expected="true or false")


def _shown(door: Door, row: Experiment) -> dict[str, Any]:
    progress = experiments.progress(door.session, [row.id])[row.id]
    first, last = observations.ends(door.session, row.id)
    return render.experiment(row, progress, first=first, last=last, best=observations.best(door.session, row))
