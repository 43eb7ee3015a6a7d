"""/v1/experiments/ID/front and best_assignments: the Pareto front as the worker stored it last."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service import experiments, fronts, observations
from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, wait_until
from service.api.experiments import found
from service.api.wire import Page, pagination, reply
from service.reports import read_model
from service.reports.sentences import headline
from service.reports.values import Report
from service.suggestions import is_pool_coming

__all__ = ["blueprint", "wait_for_front"]

blueprint = Blueprint("fronts", __name__)


@blueprint.get("/v1/experiments/<experiment_id>/front")
@requires("read")
def front(experiment_id: str) -> Response:
    """Return the Pareto front with the recommended option; waits a bounded time for one that has seen every result."""
    key = wait_for_front(experiment_id)
    with read() as door:
        row = found(door, experiment_id)
        progress = experiments.progress(door.session, [key])[key]
        report = read_model.read(door.session, row, now=door.now)
        shown = render.front(fronts.latest(door.session, key), progress, recommended=_recommended(report))
    return reply(shown)


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
def best_assignments(experiment_id: str) -> Response:
    """Return the points of the front, best of the first metric first."""
    key = wait_for_front(experiment_id)
    with read() as door:
        newest = fronts.latest(door.session, key)
        points = [] if newest is None or newest.points is None else newest.points
        rows = observations.of_configurations(door.session, [point["configuration"] for point in points])
        shown = [render.best_assignments(point, rows[point["configuration"]][0]) for point in points]
    return reply(pagination(shown, count=len(shown), page=Page(limit=0, before=None)))


def wait_for_front(experiment_id: str) -> int:
    """Wait while a worker is computing a front that has seen every result of now, and return the experiment's id."""
    with read() as door:
        key = found(door, experiment_id).id
        newest = experiments.progress(door.session, [key])[key].data_generation
    wait_until(lambda door: _is_settled(door, key, newest))
    return key


def _is_settled(door: Door, key: int, newest: int) -> bool:
    row = experiments.progress(door.session, [key])[key]
    return row.front_generation >= newest or not is_pool_coming(door.session, key, generation=newest, now=door.now)
