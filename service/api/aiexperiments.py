"""/v1/aiexperiments: experiments whose observations are made by training runs, as SigOpt's AI module knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request

from service import experiments, fronts, suggestions
from service.api import markers
from service.api.auth import caller, own_client, requires
from service.api.door import Door, read, wait_until, write
from service.api.experiment_lists import search
from service.api.experiments import found, put_away, shown_in_list
from service.api.fronts import wait_for_front
from service.api.paging import as_page, read_limit, window, windowed
from service.api.projects import found_project
from service.api.training_runs import shown_run, shown_runs
from service.api.wire import asks_for_a_user, body, choice, reply
from service.errors import InvalidInputError, NotFoundError
from service.models import Experiment, Project
from service.runs import lifecycle
from service.schemas.fields import refuse, shorten
from service.schemas.run import parse_new_run

__all__ = ["blueprint"]

blueprint = Blueprint("aiexperiments", __name__)

#: What an experiment of runs has not, and what it has in its place.
_NOT_HERE: Final[Mapping[str, str]] = {
    "observation_budget": "see budget",
    "project": "it stands in the path",
    "runs_only": "experiments made here always are",
    "tasks": "runs have none",
}
_REQUIRED: Final = ("name", "parameters", "metrics")


def found_ai(door: Door, experiment_id: str) -> Experiment:
    """Return the AI experiment of the path, if this caller may see it; others do not exist here."""
    row = found(door, experiment_id)
    if not row.runs_only:
        raise NotFoundError(f"No AI experiment {row.id}", experiment=str(row.id))
    return row


@blueprint.post("/v1/clients/<client_id>/projects/<project_id>/aiexperiments")
@requires("write")
def create(client_id: str, project_id: str) -> Response:
    """Make an AI experiment in a project."""
    given = body()
    with write() as door:
        project = found_project(door, client_id, project_id)
        _check(given)
        for name in _REQUIRED:
            if given.get(name) is None:
                raise InvalidInputError(f'Missing required json key "{name}" in: {shorten(given)}', field=f".{name}")
        whole = {**given, "runs_only": True, "project": project.reference}
        row = experiments.create(door.session, whole, client_id=project.client_id, now=door.now)
        shown = _shown(door, row)
    return reply(shown)


def _check(given: Mapping[str, Any]) -> None:
    for name, instead in _NOT_HERE.items():
        if name in given:
            refuse(f".{name}", f"Unknown json keys `{name}` in: {shorten(dict(given))}; {instead}")
    metrics = given.get("metrics")
    for index, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        if not isinstance(metric, Mapping):
            where = f".metrics[{index}]"
            refuse(where, f"Invalid type for {where}: {shorten(metric)} - expected type object")


def _shown(door: Door, row: Experiment) -> dict[str, Any]:
    return shown_in_list(door, [row])[0]


@blueprint.get("/v1/aiexperiments")
@requires("read", development=True)
def mine() -> Response:
    """List the caller's AI experiments, newest first unless it asks for another order."""
    with read() as door:
        shown = _listed(door, None)
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/aiexperiments")
@requires("read", development=True)
def of_client(client_id: str) -> Response:
    """List a client's AI experiments."""
    own_client(client_id)
    return mine()


@blueprint.get("/v1/clients/<client_id>/projects/<project_id>/aiexperiments")
@requires("read", development=True)
def of_project(client_id: str, project_id: str) -> Response:
    """List a project's AI experiments."""
    with read() as door:
        shown = _listed(door, found_project(door, client_id, project_id))
    return reply(shown)


def _listed(door: Door, project: Project | None) -> dict[str, Any]:
    who = caller()
    listing = experiments.Listing(
        window=window(),
        sort=choice("sort", tuple(experiments.SORTS), default="id"),
        state=choice("state", ("active", "deleted", "all"), default="active"),
        search=search(),
        development=who.development,
        runs_only=True,
        project_id=who.project_id if project is None else project.id,
        nobody=asks_for_a_user(),
    )
    page, count = experiments.listed(door.session, listing, client_id=who.client_id, only=who.experiment_id)
    return windowed(shown_in_list(door, page.rows), page, count=count)


@blueprint.get("/v1/aiexperiments/<experiment_id>")
@requires("read")
def one(experiment_id: str) -> Response:
    """Return one AI experiment with the progress of its runs."""
    with read() as door:
        shown = _shown(door, found_ai(door, experiment_id))
    return reply(shown)


@blueprint.put("/v1/aiexperiments/<experiment_id>")
@requires("write")
def update(experiment_id: str) -> Response:
    """Change an AI experiment, or restore a deleted one with state `active`."""
    given = body()
    with write() as door:
        row = found_ai(door, experiment_id)
        _check(given)
        experiments.update(door.session, row, given, now=door.now)
        shown = _shown(door, row)
    return reply(shown)


@blueprint.delete("/v1/aiexperiments/<experiment_id>")
@requires("write")
def delete(experiment_id: str) -> Response:
    """Put an AI experiment away, with `include_runs` its runs as well."""
    with read() as door:
        found_ai(door, experiment_id)
    return put_away(experiment_id)


@blueprint.post("/v1/aiexperiments/<experiment_id>/training_runs")
@requires("write")
def start(experiment_id: str) -> Response:
    """Make a run with the next suggestion, or with the assignments that the body names."""
    given = body()
    with read() as door:
        row = found_ai(door, experiment_id)
        parsed = parse_new_run(given)
        key, is_searched = row.id, suggestions.is_searched(row)
        newest = experiments.progress(door.session, [key])[key].data_generation
    if is_searched and not parsed.assignments and parsed.state in (None, "active"):
        wait_until(lambda door: not suggestions.is_pool_coming(door.session, key, generation=newest, now=door.now))
    with write() as door:
        run = lifecycle.start(door.session, found_ai(door, experiment_id), parsed, now=door.now)
        shown = shown_run(door, run)
    return reply(shown)


@blueprint.get("/v1/aiexperiments/<experiment_id>/best_training_runs")
@requires("read")
def best_training_runs(experiment_id: str) -> Response:
    """Return the runs whose observations are the front, best of the first metric first; waits a little for it."""
    limit, begin = read_limit(), _begin()
    wait_for_front(experiment_id)
    with read() as door:
        front = fronts.latest(door.session, found_ai(door, experiment_id).id)
        points = [] if front is None else front.points or []
        runs = lifecycle.best(door.session, [point["configuration"] for point in points])
        page = runs[begin : begin + limit]
        more = markers.encode([begin + limit]) if begin + limit < len(runs) else None
        shown = as_page(shown_runs(door, page), len(runs), more, None)
    return reply(shown)


def _begin() -> int:
    """Read how many of the best have been shown: they have no order but their place."""
    text = request.args.get("before")
    if text is None:
        return 0
    place = markers.decode(text, "before")
    if len(place) != 1 or type(place[0]) is not int or place[0] < 0:
        raise InvalidInputError(
            f"Invalid paging marker: {text[:40]!a}", field="before", expected="a marker of `paging`"
        )
    return place[0]
