"""/v1/experiments/ID/…: what the models know (predictions, models, importances) and which option to take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from service import experiments, fronts, knowledge
from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, wait_until, write
from service.api.experiments import found
from service.api.fronts import wait_for_front
from service.api.wire import body, refuse_unknown, reply, unpaged
from service.errors import InvalidInputError, UnprocessableError, did_you_mean
from service.models import Experiment
from service.reports import read_model, recommendation
from service.reports.values import Report
from service.schemas.fields import parse_json_object, shorten

__all__ = ["blueprint"]

blueprint = Blueprint("knowledge", __name__)


@blueprint.get("/v1/experiments/<experiment_id>/metric_importances")
@requires("read")
def metric_importances(experiment_id: str) -> Response:
    """Return how much each parameter matters for each metric; waits a bounded time while a worker finds out."""
    with read() as door:
        key = found(door, experiment_id).id
    wait_until(lambda door: not _is_expected(door, key))
    with read() as door:
        row = knowledge.importances(door.session, key)
        if row is None:
            raise UnprocessableError("Not enough observations to calculate parameter importances.")
        shown = render.metric_importances(row)
    return reply(unpaged(shown))


def _is_expected(door: Door, key: int) -> bool:
    """Whether a worker is about to work importances out, for the first time or as somebody asked."""
    row = door.session.get_one(Experiment, key)
    refresh = experiments.progress(door.session, [key])[key]
    is_there = knowledge.importances(door.session, key) is not None
    return not is_there and knowledge.are_importances_expected(row, refresh)


@blueprint.put("/v1/experiments/<experiment_id>/metric_importances")
@requires("write")
def update_metric_importances(experiment_id: str) -> Response:
    """Have the importances worked out anew; the reply does not wait for it."""
    refuse_unknown(body(), ())
    with write() as door:
        knowledge.ask_for_importances(door.session, found(door, experiment_id), now=door.now)
    return reply({})


@blueprint.post("/v1/experiments/<experiment_id>/predictions")
@requires("read")
def predictions(experiment_id: str) -> Response:
    """Return what the models expect of up to a thousand configurations."""
    given = body()
    refuse_unknown(given, ("assignments",))
    with read() as door:
        row = found(door, experiment_id)
        newest = fronts.latest(door.session, row.id)
        rivals = [] if newest is None or newest.points is None else [point["assignments"] for point in newest.points]
        asked, expected, state = knowledge.predictions(door.session, row, given.get("assignments"), front=rivals)
        progress = experiments.progress(door.session, [row.id])[row.id]
        shown = render.predictions(asked, expected, state, progress)
    return reply(shown)


@blueprint.get("/v1/experiments/<experiment_id>/models")
@requires("read")
def models(experiment_id: str) -> Response:
    """Return how good the models are: each metric foretold from all others (leave-one-out), and what was degraded."""
    with read() as door:
        key = found(door, experiment_id).id
        progress = experiments.progress(door.session, [key])[key]
        shown = render.models(fronts.model_state(door.session, key), progress)
    return reply(shown)


@blueprint.get("/v1/experiments/<experiment_id>/recommendation")
@requires("read")
def recommendation_for_query(experiment_id: str) -> Response:
    """Return the option to take; `weights` or `goals` of the query are JSON objects."""
    given = {name: parse_json_object(request.args[name].encode(), what=name) for name in _WAYS if name in request.args}
    return _recommended(experiment_id, given)


@blueprint.post("/v1/experiments/<experiment_id>/recommendation")
@requires("read")
def recommendation_for_body(experiment_id: str) -> Response:
    """Return the option to take for the caller's weights or goals; without either the balanced one."""
    given = body()
    refuse_unknown(given, tuple(_WAYS))
    return _recommended(experiment_id, {name: value for name, value in given.items() if value is not None})


_WAYS = {"weights": recommendation.by_weights, "goals": recommendation.by_goals}


def _recommended(experiment_id: str, given: Mapping[str, Any]) -> Response:
    if len(given) > 1:
        raise InvalidInputError("expected either weights or goals: both are there", field=".goals", expected="nothing")
    wait_for_front(experiment_id)
    with read() as door:
        report = read_model.read(door.session, found(door, experiment_id), now=door.now)
        taken = recommendation.usual(report)
        for name, numbers in given.items():
            taken = _WAYS[name](report, _numbers(report, name, numbers))
        shown = render.recommendation(report, taken)
    return reply(shown)


def _numbers(report: Report, way: str, given: Any) -> dict[str, float]:
    """Read a number for some of the optimized metrics; weights are not negative, and one at least is not 0."""
    if not isinstance(given, Mapping) or not given:
        message = f"Invalid type for .{way}: {shorten(given)} - expected type object with a number for a metric"
        raise InvalidInputError(message, field=f".{way}", expected="a number for each of some metrics")
    known = [metric.name for metric in report.optimized]
    for name, value in given.items():
        if name not in known:
            message = f"{name!r} is no optimized metric{did_you_mean(name, known)}"
            raise InvalidInputError(message, field=f".{way}.{name}", expected=", ".join(known))
        _check_number(value, f".{way}.{name}", least=0.0 if way == "weights" else -math.inf)
    if way == "weights" and not any(given.values()):
        raise InvalidInputError("at least one weight must be greater than 0", field=".weights")
    return {name: float(value) for name, value in given.items()}


def _check_number(value: Any, field: str, *, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"Invalid type for {field}: {shorten(value)} - expected type number"
        raise InvalidInputError(message, field=field, expected="a number")
    if not max(least, -1e100) <= value <= 1e100:
        message = f"{field} must be greater than or equal to {least}, and finite, got {shorten(value)}"
        raise InvalidInputError(message, field=field, expected="a finite number")
