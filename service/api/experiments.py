"""/v1/experiments: one is made, shown, changed, put away. Lists have a file of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from flask import Blueprint, Response, request

from service import best, experiments, observations, refreshes
from service.api import render
from service.api.auth import caller, check_reach, own_client, requires
from service.api.door import Door, read, write
from service.api.kept import kept
from service.api.render.experiments import Measured
from service.api.wire import body, parse_id, reply
from service.errors import InvalidInputError, NotFoundError
from service.models import Experiment, Project, Refresh
from service.runs import lifecycle
from service.schemas.fields import shorten

__all__ = ["blueprint", "found", "found_again", "held", "put_away", "shown_in_list"]

blueprint = Blueprint("experiments", __name__)


def found(door: Door, experiment_id: str) -> Experiment:
    """Return the experiment of the path, if this caller may see it."""
    who = caller()
    key = parse_id(experiment_id, "experiment")
    row = experiments.find(door.session, key, client_id=who.client_id, only=who.experiment_id)
    check_reach(row)
    return row


def held(door: Door, experiment_id: str) -> Experiment:
    """Return the experiment of the path as it is until this transaction ends: nobody else changes it meanwhile."""
    row = found(door, experiment_id)
    refreshes.hold(door.session, [row.id])
    door.session.refresh(row)
    return row


def found_again(door: Door, row: Experiment, version: int) -> Experiment:
    """Hold an experiment that was found at this version, and return it; read anew if somebody has changed it since."""
    held = refreshes.hold(door.session, [row.id]).get(row.id)
    if held is None or held.version != version + 1:  # to hold it has counted its version up by one
        return found(door, str(row.id))
    door.session.add(row)
    return row


@blueprint.post("/v1/experiments")
@blueprint.post("/v1/clients/<client_id>/experiments")
@requires("write")
def create(client_id: str | None = None) -> Response:
    """Create an experiment."""
    given, who = body(), caller()
    owner = who.client_id if client_id is None else own_client(client_id)
    with write() as door:
        given = {**_own_project(door, given), **given}
        row = experiments.create(door.session, given, client_id=owner, now=door.now, development=who.development)
        shown = _shown(door, row)
    return reply(shown)


def _own_project(door: Door, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the project of a token that has one: it makes experiments there, and none may go elsewhere."""
    own = caller().project_id
    if own is None:
        return {}
    reference = door.session.get_one(Project, own).reference
    if given.get("project", reference) != reference:
        message = f"No project {shorten(given['project'])}: this token is for project {reference} only"
        raise NotFoundError(message, field=".project")
    return {"project": reference}


@blueprint.get("/v1/experiments/<experiment_id>")
@requires("read")
@kept
def one(experiment_id: str) -> Response:
    """Return one experiment with its progress. One that is made of runs has moved to /v1/aiexperiments."""
    with read() as door:
        row = found(door, experiment_id)
        if row.runs_only:
            return _moved(row)
        shown = _shown(door, row)
    return reply(shown)


def _moved(row: Experiment) -> Response:
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    where = f"{request.script_root}/v1/aiexperiments/{row.id}{query}"
    response = reply({"message": f"Experiment {row.id} is an AI experiment", "status": 301, "location": where}, 301)
    response.location = where
    return response


@blueprint.put("/v1/experiments/<experiment_id>")
@requires("write")
def update(experiment_id: str) -> Response:
    """Change an experiment, or restore a deleted one with state `active`."""
    given = body()
    with write() as door:
        row = found(door, experiment_id)
        _own_project(door, given)
        experiments.update(door.session, row, given, now=door.now)
        shown = _shown(door, row)
    return reply(shown)


@blueprint.delete("/v1/experiments/<experiment_id>")
@requires("write")
def delete(experiment_id: str) -> Response:
    """Put an experiment away: it stays readable, and `PUT` with state `active` restores it."""
    return put_away(experiment_id)


def put_away(experiment_id: str) -> Response:
    """Put the experiment of the path away, with its runs if the query says so."""
    with_runs = _include_runs()
    with write() as door:
        row = found(door, experiment_id)
        experiments.delete(door.session, row, now=door.now)
        if with_runs:
            lifecycle.delete_all(door.session, row.id, token_id=caller().token_id, now=door.now)
    return reply({})


def _include_runs() -> bool:
    """Read whether an experiment's training runs go with it."""
    asked = request.args.get("include_runs") or "false"
    if asked.lower() not in {"true", "false"}:
        message = f"Invalid include_runs: {asked[:40]}, expected true or false"
        raise InvalidInputError(message, field="include_runs", expected="true or false")
    return asked.lower() == "true"


def _shown(door: Door, row: Experiment) -> dict[str, Any]:
    progress = experiments.progress(door.session, [row.id])[row.id]
    project = experiments.project_references(door.session, [row]).get(row.project_id)
    if row.runs_only:
        runs = lifecycle.counts(door.session, [row.id])[row.id]
        return render.experiment(row, progress, project=project, runs=runs)
    first, last = observations.ends(door.session, row.id)
    key = _best_id(door, row, progress)
    best_one = None if key is None else observations.find(door.session, key, experiment_id=row.id)
    return render.experiment(row, progress, project=project, first=first, last=last, best=best_one)


def _best_id(door: Door, row: Experiment, progress: Refresh) -> int | None:
    """Return the best observation, which exists only where a single metric is optimized; composites are computed."""
    if not any(metric.get("expression") for metric in row.metrics):
        return observations.best_id(door.session, row, progress)
    if sum(metric["strategy"] == "optimize" for metric in row.metrics) != 1:
        return None
    chosen = best.best(door.session, row)
    return chosen[0].id if chosen else None


class _Milestones(TypedDict, total=False):
    """The observations that progress shows, as `render.experiment` calls them."""

    first: Measured
    last: Measured
    best: Measured | None


def _milestones(door: Door, rows: Sequence[Experiment], progress: Mapping[int, Refresh]) -> dict[int, _Milestones]:
    """Return the first, the last and the best observation of each experiment that has any, read together."""
    measured = {row.id: row for row in rows if not row.runs_only and progress[row.id].observation_count}
    if not measured:
        return {}
    ends = observations.ends_of(door.session, list(measured))
    best_ids = {key: _best_id(door, measured[key], progress[key]) for key in ends}
    keys = {key for pair in ends.values() for key in pair} | {key for key in best_ids.values() if key is not None}
    found = observations.found(door.session, sorted(keys))
    return {
        key: {"first": found[first], "last": found[last], "best": found.get(best_ids[key] or 0)}
        for key, (first, last) in ends.items()
    }


def shown_in_list(door: Door, rows: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Return experiments as lists show them: as they are shown themselves."""
    ids = [row.id for row in rows]
    progress, projects = experiments.progress(door.session, ids), experiments.project_references(door.session, rows)
    runs = lifecycle.counts(door.session, [row.id for row in rows if row.runs_only])
    milestones = _milestones(door, rows, progress)
    shown = []
    for row in rows:
        project = projects.get(row.project_id)
        if row.runs_only:
            shown.append(render.aiexperiment(row, progress[row.id], project=project, runs=runs[row.id]))
        else:
            shown.append(render.experiment(row, progress[row.id], project=project, **milestones.get(row.id, {})))
    return shown
