"""/v1/experiments/ID/suggestions and queued_suggestions: the next configuration to try, and the people's own queue."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy.exc import IntegrityError

from service import experiments, observations, suggestions
from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, wait_until, write
from service.api.experiments import found
from service.api.wire import body, page, pagination, parse_id, refuse_unknown, reply
from service.errors import InvalidInputError
from service.models import Experiment, Suggestion
from service.schemas.fields import shorten
from service.schemas.result import check_metadata, check_result_id

__all__ = ["blueprint"]

blueprint = Blueprint("suggestions", __name__)

#: A result on the stream is stored within milliseconds; one that is not by then was refused, or nobody reads.
ARRIVES_S: Final = 0.5


@blueprint.post("/v1/experiments/<experiment_id>/suggestions")
@requires("suggest")
def create(experiment_id: str) -> Response:
    """Hand out the next configuration to try, or open the one that the caller names.

    `after_result` names a result that the caller has sent to the stream: the suggestion then waits for it, a little.
    """
    given = body()
    metadata = check_metadata(given.get("metadata"))
    if given.get("assignments") is not None:
        with write() as door:
            row = suggestions.explicit(
                door.session, found(door, experiment_id), given["assignments"], metadata=metadata, now=door.now
            )
            shown = _shown(door, row)
        return reply(shown)
    after = given.get("after_result")
    result_id = None if after is None else check_result_id(after, ".after_result")
    return reply(_next(experiment_id, _claim_key(), metadata, result_id))


def _claim_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        message = f"Idempotency-Key must be 1 to 255 printable ASCII characters, got {shorten(key)}"
        raise InvalidInputError(message, field="Idempotency-Key")
    return key


def _next(
    experiment_id: str, claim_key: str | None, metadata: dict[str, Any] | None, after: str | None
) -> dict[str, Any]:
    """Wait for a fresher pool while one is coming, then claim."""
    with read() as door:
        key = found(door, experiment_id).id
        before = suggestions.claimed_before(door.session, key, claim_key)
        if before is not None:
            return _shown(door, before)
    if after is not None:
        wait_until(lambda door: observations.generation_of(door.session, key, after) is not None, at_most_s=ARRIVES_S)
    with read() as door:
        newest = experiments.progress(door.session, [key])[key].data_generation
    wait_until(lambda door: not suggestions.is_pool_coming(door.session, key, generation=newest, now=door.now))
    try:
        with write() as door:
            row = suggestions.claim(
                door.session, found(door, experiment_id), claim_key=claim_key, metadata=metadata, now=door.now
            )
            return _shown(door, row)
    except IntegrityError:  # the same request, sent again, was faster: both get what it got
        with read() as door:
            before = suggestions.claimed_before(door.session, key, claim_key)
            if before is None:
                raise
            return _shown(door, before)


def _shown(door: Door, row: Suggestion) -> dict[str, Any]:
    progress = experiments.progress(door.session, [row.experiment_id])[row.experiment_id]
    return render.suggestion(row, data_generation=progress.data_generation)


@blueprint.get("/v1/experiments/<experiment_id>/suggestions")
@requires("read")
def recent(experiment_id: str) -> Response:
    """List the suggestions that were handed out, newest first; `state=open` leaves the closed ones out."""
    asked, state = page(), request.args.get("state")
    if state not in (None, "open"):
        raise InvalidInputError(f"Invalid state: {state}, expected open", field="state")
    states = ("open",) if state == "open" else ("open", "closed", "expired")
    with read() as door:
        row = found(door, experiment_id)
        rows, count = suggestions.recent(
            door.session, experiment_id=row.id, states=states, limit=asked.limit, before=asked.before
        )
        generation = experiments.progress(door.session, [row.id])[row.id].data_generation
        shown = [render.suggestion(item, data_generation=generation) for item in rows]
    return reply(pagination(shown, count=count, page=asked))


@blueprint.get("/v1/experiments/<experiment_id>/suggestions/<suggestion_id>")
@requires("read")
def one(experiment_id: str, suggestion_id: str) -> Response:
    """Return one suggestion that was handed out."""
    with read() as door:
        row = found(door, experiment_id)
        key = parse_id(suggestion_id, "suggestion")
        shown = _shown(door, suggestions.find(door.session, key, experiment_id=row.id))
    return reply(shown)


@blueprint.post("/v1/experiments/<experiment_id>/queued_suggestions")
@requires("write")
def enqueue(experiment_id: str) -> Response:
    """Put a configuration at the end of the queue: it is handed out before anything computed."""
    given = body()
    refuse_unknown(given, ("assignments",))
    with write() as door:
        row = suggestions.enqueue(
            door.session, found(door, experiment_id), given.get("assignments"), metadata=None, now=door.now
        )
        shown = render.queued_suggestion(row)
    return reply(shown)


@blueprint.get("/v1/experiments/<experiment_id>/queued_suggestions")
@requires("read")
def queue(experiment_id: str) -> Response:
    """List what waits in the queue, newest first."""
    asked = page()
    with read() as door:
        row: Experiment = found(door, experiment_id)
        rows, count = suggestions.recent(
            door.session, experiment_id=row.id, states=("queued",), limit=asked.limit, before=asked.before
        )
        shown = [render.queued_suggestion(item) for item in rows]
    return reply(pagination(shown, count=count, page=asked))
