"""/v1/experiments/ID/…: whether to stop, best practices, advice; and forgetting what the models learned."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from service import advice, best, experiments, observations
from service.api.auth import requires
from service.api.door import Door, read, write
from service.api.experiments import found
from service.api.wire import reply
from service.models import Experiment

__all__ = ["blueprint"]

blueprint = Blueprint("advice", __name__)


@blueprint.get("/v1/experiments/<experiment_id>/stopping_criteria")
@requires("read")
def stopping_criteria(experiment_id: str) -> Response:
    """Say whether it is time to stop, and why."""
    with read() as door:
        row = found(door, experiment_id)
        reasons = observations.stopping_criteria(door.session, row, best=lambda: best.best(door.session, row))
    return reply({"object": "stopping_criteria", "should_stop": bool(reasons), "reasons": reasons})


@blueprint.get("/v1/experiments/<experiment_id>/best_practices")
@requires("read")
def best_practices(experiment_id: str) -> Response:
    """List what is against best practice, as SigOpt's clients know it."""
    with read() as door:
        row = found(door, experiment_id)
        spent = _consumed(door, row)
        violations = advice.best_practices(door.session, row, consumed=spent, now=door.now)
    return reply({"object": "best_practices", "violations": violations})


@blueprint.get("/v1/experiments/<experiment_id>/advice")
@requires("read")
def advised(experiment_id: str) -> Response:
    """List what is worth doing, the worst first, with what it would bring where that is known."""
    with read() as door:
        row = found(door, experiment_id)
        items = advice.advice(door.session, row, consumed=_consumed(door, row), now=door.now)
    return reply({"object": "advice", "experiment": str(row.id), "items": [_shown(item) for item in items]})


def _consumed(door: Door, row: Experiment) -> float:
    return observations.consumed(row, experiments.progress(door.session, [row.id])[row.id])


def _shown(item: advice.Advice) -> dict[str, Any]:
    shown = asdict(item)
    del shown["is_violation"]
    return {"object": "advice_item", **shown}


@blueprint.delete("/v1/experiments/<experiment_id>/hyperparameters")
@requires("write")
def forget_hyperparameters(experiment_id: str) -> Response:
    """Have the models forget what they learned: the next fit searches from the start."""
    with write() as door:
        experiments.forget_hyperparameters(door.session, found(door, experiment_id), now=door.now)
    return reply({})
