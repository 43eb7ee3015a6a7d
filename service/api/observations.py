"""/v1/experiments/ID/observations: report what was measured, read it in any order, correct it, take it back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from flask import Blueprint, Response, request

from service import experiments, observations
from service.api import render
from service.api.auth import caller, requires
from service.api.door import Door, look, read, write
from service.api.experiments import found, found_again, held
from service.api.kept import kept
from service.api.paging import window, windowed
from service.api.render.observations import correction
from service.api.wire import body, parse_id, refuse_unknown, reply, truth, unpaged
from service.errors import InvalidInputError, PermissionDeniedError, ServiceError
from service.models import Configuration, Experiment, Observation
from service.observations import Duplicate, Refused, Stored
from service.schemas import result as schema
from service.schemas.experiment import Definition
from service.schemas.fields import shorten
from service.schemas.result import Result

__all__ = ["blueprint", "refuse_runs_only"]

blueprint = Blueprint("observations", __name__)

MOST_AT_ONCE: Final = 2500
#: Bytes of a batch: a few kilobytes for each of its results.
LARGEST_BATCH: Final = 8 * 1024 * 1024
#: `result_id` and `schema_version` as in the stream's document, so that one document fits every door.
_KNOWN: Final = (
    "suggestion", "assignments", "task", "values", "failed", "partial", "metadata", "no_optimize", "result_id",
    "schema_version",
)  # fmt: skip
_LEGACY: Final = ("value", "value_stddev")


@blueprint.before_request
def _allow_large_batches() -> None:
    """Let a batch be larger than any other request, before anybody reads it."""
    if request.endpoint == "observations.create_batch":
        request.max_content_length = LARGEST_BATCH


@blueprint.post("/v1/experiments/<experiment_id>/observations")
@requires("report")
def create(experiment_id: str) -> Response:
    """Store a result: answered once committed. With an `Idempotency-Key` it counts once however often it comes."""
    given, key = body(), request.headers.get("Idempotency-Key")
    with look() as door:
        row = _active(found(door, experiment_id))
        version = experiments.progress(door.session, [row.id])[row.id].version
        checked = _checked(given, row, Definition.of(row), key)
    with write() as door:
        again = _active(found_again(door, row, version))
        if again is not row:  # what it is held against may be another by now
            checked = _checked(given, again, Definition.of(again), key)
        shown = _stored(door, again, [checked])
    return reply(shown[0])


@blueprint.post("/v1/experiments/<experiment_id>/observations/batch")
@requires("report")
def create_batch(experiment_id: str) -> Response:
    """Store many results, all or none; with `dry_run` none, and the reply shows what would be stored, without ids."""
    given = body()
    with write() as door:
        row = _active(held(door, experiment_id))
        documents = _documents(given)
        schema.truth(given, "no_optimize")
        dry_run = schema.truth(given, "dry_run")
        definition = Definition.of(row)
        checked = []
        for index, (document, key) in enumerate(zip(documents, _keys(len(documents)), strict=True)):
            with _numbered(index, len(documents)):
                checked.append(_checked(document, row, definition, key))
        shown = _stored(door, row, checked)
        if dry_run:
            door.session.rollback()
            shown = [{**item, "id": None} for item in shown]
    return reply(unpaged(shown))


def _documents(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    refuse_unknown(given, ("observations", "dry_run", "no_optimize"))
    if "observations" not in given:
        message = f'Missing required json key "observations" in: {shorten(dict(given))}'
        raise InvalidInputError(message, field=".observations", expected="an array of observations")
    documents = given["observations"]
    if not isinstance(documents, list):
        message = f"Invalid type for .observations: {shorten(documents)} - expected type array"
        raise InvalidInputError(message, field=".observations", expected="an array of observations")
    if len(documents) > MOST_AT_ONCE:
        message = f"You cannot upload more than {MOST_AT_ONCE} observations at once, got {len(documents)}"
        raise InvalidInputError(message, field=".observations", expected=f"at most {MOST_AT_ONCE}")
    return documents


def _keys(count: int) -> Sequence[str | None]:
    """Return a result id for each item of a batch that came with an `Idempotency-Key`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return [None] * count
    short = key if len(key) <= 100 else blake2b(key.encode(), digest_size=16).hexdigest()
    return [f"{short}/{index}" for index in range(1, count + 1)]


@contextmanager
def _numbered(index: int, count: int) -> Iterator[None]:
    """Have a refusal say which item of the batch it is about."""
    try:
        yield
    except InvalidInputError as error:
        raise _in_batch(error, index, count) from error


def _in_batch(error: ServiceError, index: int, count: int) -> ServiceError:
    facts = {**error.facts, "field": f".observations[{index}]{error.facts.get('field', '')}"}
    return type(error)(f"Error in observation {index + 1}/{count}: {error.message}", **facts)


def _active(row: Experiment) -> Experiment:
    refuse_runs_only(row, "Observations")
    if row.state != "active":
        message = f"Cannot create observations for deleted experiment {row.id}: restore it first"
        raise InvalidInputError(message, field="state")
    return row


def refuse_runs_only(row: Experiment, what: str) -> None:
    """Refuse what an AI experiment gets from its training runs alone."""
    if row.runs_only:
        message = f"{what} cannot be created directly for experiment {row.id}, please create runs instead"
        raise PermissionDeniedError(message)


def _checked(given: Any, row: Experiment, definition: Definition, key: str | None) -> Result:
    if not isinstance(given, Mapping):
        message = f"Invalid type for observation: {shorten(given)} - expected type object"
        raise InvalidInputError(message, expected="an object")
    for name in _LEGACY:
        if given.get(name) is not None:
            message = f".{name} is no longer supported: expected it inside an item of `values`"
            raise InvalidInputError(message, field=f".{name}", expected="values")
    refuse_unknown(given, (*_KNOWN, *_LEGACY))
    schema.truth(given, "no_optimize")
    document = {name: value for name, value in given.items() if name not in ("no_optimize", *_LEGACY)}
    if document.get("result_id") is None:
        document["result_id"] = key
    parsed = schema.parse_document({**document, "experiment": row.id}, result_id=uuid.uuid4().hex)
    checked = schema.check_result(parsed, definition)
    return replace(checked, is_new=document["result_id"] is None)


def _stored(door: Door, row: Experiment, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Store results, all or none, and show their observations."""
    outcomes = observations.store(door.session, results, source="http", now=door.now)
    ids: list[int] = []
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, Refused):
            raise outcome.error if len(results) == 1 else _in_batch(outcome.error, index, len(results))
        ids.append(_id_of(outcome, results[index], results, ids))
    known = {outcome.observation_id: _as_found(outcome) for outcome in outcomes if isinstance(outcome, Stored)}
    before = set(ids) - known.keys()
    rows = {**known, **(observations.found(door.session, list(before)) if before else {})}
    return [render.observation(*rows[key], tasks=row.tasks) for key in ids]


def _as_found(new: Stored) -> tuple[Observation, Configuration]:
    """Return what a look at a new observation would find, without one: a third of storing it."""
    columns = {"meta" if name == "metadata" else name: value for name, value in new.columns.items()}
    return Observation(id=new.observation_id, revision=1, **columns), Configuration(assignments=new.assignments)


def _id_of(outcome: Stored | Duplicate, result: Result, results: Sequence[Result], ids: Sequence[int]) -> int:
    """Return an observation's id; an item that stands in its batch twice is what its first was stored as."""
    if outcome.observation_id:
        return outcome.observation_id
    first = next(index for index, other in enumerate(results) if other.result_id == result.result_id)
    return ids[first]


@blueprint.get("/v1/experiments/<experiment_id>/observations")
@requires("read")
@kept
def listed(experiment_id: str) -> Response:
    """List observations in any order, both ways, newest first unless asked otherwise; or those that were deleted."""
    asked, deleted = window(), truth("deleted")
    with read() as door:
        row = found(door, experiment_id)
        sort = request.args.get("sort") or "id"
        page, count = observations.listed(door.session, row, sort=sort, window=asked, deleted=deleted)
        shown = [render.observation(*item, tasks=row.tasks) for item in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/experiments/<experiment_id>/observations/<observation_id>")
@requires("read")
@kept
def one(experiment_id: str, observation_id: str) -> Response:
    """Return one observation."""
    with read() as door:
        row, observation = _found(door, experiment_id, observation_id)
        shown = _shown(door, row, observation)
    return reply(shown)


def _found(door: Door, experiment_id: str, observation_id: str) -> tuple[Experiment, Observation]:
    row = found(door, experiment_id)
    key = parse_id(observation_id, "observation")
    return row, observations.find(door.session, key, experiment_id=row.id)[0]


def _shown(door: Door, row: Experiment, observation: Observation) -> dict[str, Any]:
    return render.observation(*observations.find(door.session, observation.id, experiment_id=row.id), tasks=row.tasks)


@blueprint.put("/v1/experiments/<experiment_id>/observations/<observation_id>")
@requires("report")
def update(experiment_id: str, observation_id: str) -> Response:
    """Correct an observation: what the body names changes. What it was before stays in its history."""
    given = body()
    with write() as door:
        row, observation = _found(door, experiment_id, observation_id)
        observations.update(door.session, row, observation.id, given, token_id=caller().token_id, now=door.now)
        shown = _shown(door, row, observation)
    return reply(shown)


@blueprint.delete("/v1/experiments/<experiment_id>/observations/<observation_id>")
@requires("write")
def delete(experiment_id: str, observation_id: str) -> Response:
    """Take an observation back: it stays readable and does not count any longer. Its suggestion stays closed."""
    truth("no_optimize")
    with write() as door:
        row, observation = _found(door, experiment_id, observation_id)
        observations.delete(door.session, row, observation.id, token_id=caller().token_id, now=door.now)
    return reply({})


@blueprint.delete("/v1/experiments/<experiment_id>/observations")
@requires("write")
def delete_all(experiment_id: str) -> Response:
    """Take every observation of an experiment back."""
    with write() as door:
        row = found(door, experiment_id)
        observations.delete_all(door.session, row, token_id=caller().token_id, now=door.now)
    return reply({})


@blueprint.get("/v1/experiments/<experiment_id>/observations/<observation_id>/history")
@requires("read")
@kept
def history(experiment_id: str, observation_id: str) -> Response:
    """List what an observation was before each of its corrections, oldest first."""
    with read() as door:
        _, observation = _found(door, experiment_id, observation_id)
        shown = [correction(item) for item in observations.history(door.session, observation.id)]
    return reply(unpaged(shown))
