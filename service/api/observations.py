"""/v1/experiments/ID/observations: report what was measured, one at a time, and read it again."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, request

from service import observations
from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, write
from service.api.experiments import found
from service.api.wire import body, page, pagination, parse_id, refuse_unknown, reply
from service.errors import ConflictError
from service.models import Experiment
from service.schemas.experiment import Definition
from service.schemas.result import check_result, parse_document

__all__ = ["blueprint"]

blueprint = Blueprint("observations", __name__)

#: `result_id` and `schema_version` as in the stream's document, so that one document fits every door.
_KNOWN = ("suggestion", "assignments", "values", "failed", "metadata", "no_optimize", "result_id", "schema_version")


@blueprint.post("/v1/experiments/<experiment_id>/observations")
@requires("report")
def create(experiment_id: str) -> Response:
    """Store a result: answered once committed. With an `Idempotency-Key` it counts once however often it comes."""
    given = body()
    refuse_unknown(given, _KNOWN)
    with write() as door:
        row = found(door, experiment_id)
        if row.state != "active":
            raise ConflictError(f"Experiment {row.id} is deleted: restore it first", field="state")
        stored = _store(door, row, given)
        shown = render.observation(*observations.find(door.session, stored, experiment_id=row.id))
    return reply(shown)


def _store(door: Door, row: Experiment, given: dict[str, Any]) -> int:
    document = {name: value for name, value in given.items() if name != "no_optimize"}
    key = request.headers.get("Idempotency-Key")
    if document.get("result_id") is None:
        document["result_id"] = key
    message = parse_document({**document, "experiment": row.id}, result_id=uuid.uuid4().hex)
    result = check_result(message, Definition.of(row))
    outcome = observations.store(door.session, [result], source="http", now=door.now)[0]
    if isinstance(outcome, observations.Refused):
        raise outcome.error
    return outcome.observation_id


@blueprint.get("/v1/experiments/<experiment_id>/observations")
@requires("read")
def recent(experiment_id: str) -> Response:
    """List observations, newest first."""
    asked = page()
    with read() as door:
        row = found(door, experiment_id)
        rows, count = observations.recent(door.session, experiment_id=row.id, limit=asked.limit, before=asked.before)
        shown = [render.observation(*item) for item in rows]
    return reply(pagination(shown, count=count, page=asked))


@blueprint.get("/v1/experiments/<experiment_id>/observations/<observation_id>")
@requires("read")
def one(experiment_id: str, observation_id: str) -> Response:
    """Return one observation."""
    with read() as door:
        row = found(door, experiment_id)
        key = parse_id(observation_id, "observation")
        shown = render.observation(*observations.find(door.session, key, experiment_id=row.id))
    return reply(shown)
