"""/v1/experiments/ID/front and best_assignments: the Pareto front as the worker stored it last."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service import best, experiments, fronts, observations
from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, wait_until
from service.api.experiments import found
from service.api.kept import kept, not_this_time
from service.api.wire import reply, unpaged
from service.models import Experiment
from service.reports import read_model
from service.reports.sentences import headline
from service.reports.values import Report
from service.suggestions import is_pool_coming

__all__ = ["blueprint", "wait_for_front"]

blueprint = Blueprint("fronts", __name__)


@blueprint.get("/v1/experiments/<experiment_id>/front")
@requires("read")
@kept
def front(experiment_id: str) -> Response:
    """Return the Pareto front with the recommended option; waits a bounded time for one that has seen every result."""
    with read() as door:
        row = found(door, experiment_id)
        shown = _front(door, row) if _is_settled(door, row.id) else None
    if shown is None:
        _wait(row.id)
        with read() as door:
            shown = _front(door, found(door, experiment_id))
    return reply(shown)


def _front(door: Door, row: Experiment) -> dict[str, Any]:
    newest = fronts.latest(door.session, row.id)
    report = read_model.decision(door.session, row, newest, now=door.now)
    progress = experiments.progress(door.session, [row.id])[row.id]
    return render.front(newest, progress, recommended=_recommended(report))


def _recommended(report: Report) -> dict[str, Any] | None:
    """Return the option to take if there is no time to weigh, with the report's sentence about it."""
    pick = report.advice.recommended
    if pick is None:
        return None
    option = report.option(pick.option)
    return {
        "id": str(option.configuration_id),
        "assignments": dict(option.assignments),
        "values": render.values({name: (value.mean, value.stddev) for name, value in option.values.items()}),
        "title": pick.title,
        "reason": pick.reason,
        "sentence": headline(report),
    }


@blueprint.get("/v1/experiments/<experiment_id>/best_assignments")
@requires("read")
@kept
def best_assignments(experiment_id: str) -> Response:
    """Return the best observations, best of the first metric first; beyond 50,000 the points of the front."""
    with read() as door:
        row = found(door, experiment_id)
        shown = _best(door, row)
    if shown is None:
        key = wait_for_front(experiment_id)
        with read() as door:
            shown = _of_front(door, key)
    return reply(unpaged(shown))


def _best(door: Door, row: Experiment) -> list[dict[str, Any]] | None:
    """Return the best observations if they can be looked up at once."""
    chosen = best.best(door.session, row)
    if chosen is None:
        return None
    rows = observations.found(door.session, [one.id for one in chosen])
    return [render.best_assignments(*rows[one.id], one.values) for one in chosen]


def _of_front(door: Door, key: int) -> list[dict[str, Any]]:
    """Return the points of the stored front, each by its newest observation."""
    newest = fronts.latest(door.session, key)
    points = [] if newest is None or newest.points is None else newest.points
    rows = observations.of_configurations(door.session, [point["configuration"] for point in points])
    known = [point for point in points if point["configuration"] in rows]
    return [render.best_assignments(*rows[point["configuration"]], point["values"]) for point in known]


def wait_for_front(experiment_id: str) -> int:
    """Wait while a worker is computing a front that has seen every result of now, and return the experiment's id."""
    with read() as door:
        key = found(door, experiment_id).id
        is_settled = _is_settled(door, key)
    if not is_settled:
        _wait(key)
    return key


def _wait(key: int) -> None:
    not_this_time()
    with read() as door:
        newest = experiments.progress(door.session, [key])[key].data_generation
    wait_until(lambda door: _is_settled(door, key, newest))


def _is_settled(door: Door, key: int, newest: int | None = None) -> bool:
    """Whether the front has seen data generation `newest` (that of now), or nobody is about to compute one."""
    row = experiments.progress(door.session, [key])[key]
    wanted = row.data_generation if newest is None else newest
    return row.front_generation >= wanted or not is_pool_coming(door.session, key, generation=wanted, now=door.now)
