"""/v1/training_runs and …/projects/PID/training_runs: runs told bit by bit, in one or by the thousand, and listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, Response, request

from service.api import render
from service.api.auth import caller, own_client, requires
from service.api.door import Door, read, write
from service.api.paging import window, windowed
from service.api.projects import found_project
from service.api.wire import body, parse_id, refuse_unknown, reply, unpaged
from service.errors import InvalidInputError, NotFoundError
from service.models import Project, TrainingRun
from service.runs import checkpoints, files, lifecycle, listing
from service.runs.defined import defined_fields
from service.schemas.fields import parse_json_object, shorten
from service.schemas.run import parse_batch, parse_new_run, parse_run

__all__ = ["blueprint", "found_run", "shown_run", "shown_runs"]

blueprint = Blueprint("training_runs", __name__)

#: Ten thousand runs in one request, of a few hundred bytes each and some of much more.
LARGEST_BATCH: Final = 32 * 1024 * 1024


def found_run(door: Door, training_run_id: str) -> TrainingRun:
    """Return the run of the path, if this caller may see it: a guest sees the one, or those of the one experiment."""
    who, key = caller(), parse_id(training_run_id, "training run")
    run = lifecycle.find(door.session, key, client_id=who.client_id)
    reached = (
        who.training_run_id in (None, run.id)
        and who.experiment_id in (None, run.experiment_id)
        and who.project_id in (None, run.project_id)
    )
    if not reached:
        raise NotFoundError(f"Training run {key} not found", training_run=str(key))
    return run


def shown_runs(door: Door, rows: Sequence[TrainingRun]) -> list[dict[str, Any]]:
    """Runs with what lies beside them, in three queries however many they are."""
    ids = [row.id for row in rows]
    counted, held = checkpoints.counts(door.session, ids), files.ids_of(door.session, ids)
    wanted = {row.project_id for row in rows}
    found = door.session.execute(sa.select(Project.id, Project.reference).where(Project.id.in_(wanted)))
    references: dict[int | None, str] = {row.id: row.reference for row in found}
    return [
        render.training_run(
            row,
            project=references.get(row.project_id),
            checkpoint_count=counted.get(row.id, 0),
            files=held.get(row.id, ()),
        )
        for row in rows
    ]


def shown_run(door: Door, row: TrainingRun) -> dict[str, Any]:
    """One run with what lies beside it."""
    return shown_runs(door, [row])[0]


@blueprint.post("/v1/clients/<client_id>/projects/<project_id>/training_runs")
@requires("write", development=True)
def create(client_id: str, project_id: str) -> Response:
    """Make a run of a project. One of an experiment is made there."""
    given = body()
    with write() as door:
        project = found_project(door, client_id, project_id)
        (run,) = lifecycle.create(door.session, project, [parse_new_run(given)], now=door.now)
        shown = shown_run(door, run)
    return reply(shown)


@blueprint.post("/v1/clients/<client_id>/projects/<project_id>/training_runs/batch")
@requires("write", development=True)
def create_batch(client_id: str, project_id: str) -> Response:
    """Make up to 10,000 runs of a project: all of them or, if one is wrong, none."""
    request.max_content_length = LARGEST_BATCH
    given = body()
    refuse_unknown(given, ("runs",))
    runs = parse_batch(given.get("runs", []))
    with write() as door:
        project = found_project(door, client_id, project_id)
        rows = lifecycle.create(door.session, project, runs, now=door.now)
        shown = [render.training_run(row, project=project.reference) for row in rows]
    return reply(unpaged(shown))


@blueprint.get("/v1/clients/<client_id>/training_runs")
@requires("read", development=True)
def of_client(client_id: str) -> Response:
    """List a client's runs; takes `filters`, `search`, `sort` and the marks of pages."""
    own_client(client_id)
    with read() as door:
        return reply(_listed(door, project_id=caller().project_id))


@blueprint.get("/v1/organizations/<organization_id>/training_runs")
@requires("read", development=True)
def of_organization(organization_id: str) -> Response:
    """List the runs of an organization: each client is one of its own, with the same id."""
    return of_client(organization_id)


@blueprint.get("/v1/clients/<client_id>/projects/<project_id>/training_runs")
@requires("read", development=True)
def of_project(client_id: str, project_id: str) -> Response:
    """List a project's runs; takes `filters`, `search`, `sort` and the marks of pages."""
    with read() as door:
        project = found_project(door, client_id, project_id)
        return reply(_listed(door, project_id=project.id))


def _listed(door: Door, *, project_id: int | None) -> dict[str, Any]:
    asked = listing.Listing(
        sort=request.args.get("sort", "id"),
        window=window(),
        filters=_filters(),
        search=_search(),
        project_id=project_id,
    )
    found = listing.wanted(door.session, asked, client_id=caller().client_id)
    fields = defined_fields(door.session, found)
    page = listing.listed(door.session, asked, client_id=caller().client_id)
    shown = windowed(shown_runs(door, page.rows), page, count=next(item.count for item in fields if item.key == "id"))
    return {**shown, "defined_fields": [render.defined_field(item) for item in fields]}


def _filters() -> tuple[listing.Filter, ...]:
    """Read the filters as strictly as a body is read: what no database keeps can't be looked for either."""
    text = request.args.get("filters", "")
    if not text:
        return ()
    whole = parse_json_object(f'{{"filters": {text}}}', what="filters")
    if whole.keys() != {"filters"}:
        raise InvalidInputError(f"Could not parse JSON for filters: {shorten(text)}", field="filters")
    return listing.check_filters(whole["filters"])


def _search() -> str:
    text = request.args.get("search", "")
    if len(text) > 100:
        raise InvalidInputError(f"Invalid search: {text[:40]!a}…", field="search", expected="up to 100 characters")
    return text


@blueprint.get("/v1/training_runs/<training_run_id>")
@requires("read", development=True)
def one(training_run_id: str) -> Response:
    """Return one run."""
    with read() as door:
        shown = shown_run(door, found_run(door, training_run_id))
    return reply(shown)


@blueprint.route("/v1/training_runs/<training_run_id>", methods=["PUT", "MERGE"])
@requires("write", development=True)
def change(training_run_id: str) -> Response:
    """Change what the body names: `PUT` puts it in the place of what was there, `MERGE` adds to it, key by key.

    A run of an experiment that says that it is over becomes an observation.
    """
    parsed = parse_run(body())
    with write() as door:
        run = found_run(door, training_run_id)
        lifecycle.change(
            door.session, run, parsed, merge=request.method == "MERGE", token_id=caller().token_id, now=door.now
        )
        shown = shown_run(door, run)
    return reply(shown)


@blueprint.delete("/v1/training_runs/<training_run_id>")
@requires("write", development=True)
def delete(training_run_id: str) -> Response:
    """Put a run away, with its suggestion and its observation; `PUT` with deleted `false` brings them back."""
    with write() as door:
        run = found_run(door, training_run_id)
        lifecycle.change(
            door.session, run, parse_run({"deleted": True}), merge=True, token_id=caller().token_id, now=door.now
        )
        shown = shown_run(door, run)
    return reply(shown)
