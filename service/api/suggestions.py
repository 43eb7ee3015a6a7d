"""/v1/experiments/ID/suggestions: the next configurations to try, and what becomes of those that were handed out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from flask import Blueprint, Response, request
from sqlalchemy.exc import IntegrityError

from service import experiments, observations, suggestions
from service.api.auth import requires
from service.api.door import Door, look, read, wait_until, write
from service.api.experiments import found, found_again
from service.api.idempotency import check_key
from service.api.kept import kept
from service.api.observations import refuse_runs_only
from service.api.paging import window, windowed
from service.api.render.suggestions import suggestion as render
from service.api.suggestion_bodies import Wanted, parse_heartbeat, parse_wanted
from service.api.wire import body, choice, id_list, parse_id, reply, truth, unpaged
from service.models import Experiment, Refresh, Suggestion
from service.schemas.result import check_metadata

__all__ = ["blueprint"]

blueprint = Blueprint("suggestions", __name__)

#: A result on the stream is stored within milliseconds; one that is not by then was refused, or nobody reads.
ARRIVES_S: Final = 0.5


@blueprint.post("/v1/experiments/<experiment_id>/suggestions")
@requires("suggest")
def create(experiment_id: str) -> Response:
    """Hand out the next configuration to try (`count` of them in a list), or open the one that the caller names.

    `lease_s` has it expire unless it is renewed. `after_result` names a result that the caller has sent to the stream:
    the suggestion then waits for it, a little. A request that is sent again with its `Idempotency-Key` gets the same.
    """
    wanted = parse_wanted(body(), check_key(request.headers.get("Idempotency-Key")))
    with look() as door:
        row = found(door, experiment_id)
        refuse_runs_only(row, "Suggestions")
        seen = experiments.progress(door.session, [row.id])[row.id]
        shown = _shown(door, row, _before(door, row, wanted))
        waits = not shown and _is_worth_waiting(door, row, seen, wanted)
    if waits:
        _wait(row, wanted.after_result)
    if not shown:
        shown = _made(row, seen.version, wanted)
    return reply(shown[0] if wanted.count is None else unpaged(shown))


def _before(door: Door, row: Experiment, wanted: Wanted) -> Sequence[Suggestion]:
    """Return what the same request got when it came before."""
    if wanted.count is not None:
        return suggestions.claimed_together(door.session, row.id, wanted.claim_key, count=wanted.count)
    before = suggestions.claimed_before(door.session, row.id, wanted.claim_key)
    return [] if before is None else [before]


def _is_worth_waiting(door: Door, row: Experiment, seen: Refresh, wanted: Wanted) -> bool:
    """Whether a result or a fresher pool is on its way. Most often there is nothing to wait for."""
    if wanted.assignments is not None or wanted.task is not None:
        return False
    return wanted.after_result is not None or (
        suggestions.is_searched(row)
        and row.state == "active"
        and door.settings.suggestion_wait_s > 0
        and suggestions.is_pool_coming(door.session, row.id, generation=seen.data_generation, now=door.now)
    )


def _wait(row: Experiment, after: str | None) -> None:
    """Wait for a result that is on its way, and for a fresher pool while one is coming."""
    if after is not None:
        wait_until(
            lambda door: observations.generation_of(door.session, row.id, after) is not None, at_most_s=ARRIVES_S
        )
    if suggestions.is_searched(row) and row.state == "active":
        with read() as door:
            newest = experiments.progress(door.session, [row.id])[row.id].data_generation
        wait_until(lambda door: not suggestions.is_pool_coming(door.session, row.id, generation=newest, now=door.now))


def _made(row: Experiment, version: int, wanted: Wanted) -> list[dict[str, Any]]:
    key = str(row.id)  # a transaction that comes to nothing takes what it knows of the row with it
    try:
        with write() as door:
            row = found_again(door, row, version)
            return _shown(door, row, _make(door, row, wanted))
    except IntegrityError:  # the same request, sent again, was faster: both get what it got
        with read() as door:
            row = found(door, key)
            before = _before(door, row, wanted)
            if not before:
                raise
            return _shown(door, row, before)


def _make(door: Door, row: Experiment, wanted: Wanted) -> Sequence[Suggestion]:
    asked: dict[str, Any] = {
        "claim_key": wanted.claim_key, "metadata": wanted.metadata, "lease_s": wanted.lease_s, "now": door.now,
    }  # fmt: skip
    if wanted.assignments is not None or wanted.task is not None:
        return [suggestions.explicit(door.session, row, wanted.assignments, task=wanted.task, **asked)]
    if wanted.count is None:
        return [suggestions.claim(door.session, row, **asked)]
    return suggestions.claim_many(door.session, row, count=wanted.count, **asked)


def _shown(door: Door, row: Experiment, rows: Sequence[Suggestion]) -> list[dict[str, Any]]:
    if not rows:
        return []
    generation = experiments.progress(door.session, [row.id])[row.id].data_generation
    return [render(item, data_generation=generation, tasks=row.tasks) for item in rows]


@blueprint.get("/v1/experiments/<experiment_id>/suggestions")
@requires("read")
@kept
def listed(experiment_id: str) -> Response:
    """List what was handed out, newest first: by `state`, by `id`, or what was deleted."""
    asked, deleted, ids = window(), truth("deleted"), id_list("id")
    state = choice("state", tuple(suggestions.STATES), default="all")
    with read() as door:
        row = found(door, experiment_id)
        page, count = suggestions.listed(door.session, row.id, state=state, window=asked, deleted=deleted, ids=ids)
        shown = _shown(door, row, page.rows)
    return reply(windowed(shown, page, count=count))


@blueprint.delete("/v1/experiments/<experiment_id>/suggestions")
@requires("suggest")
def delete_all(experiment_id: str) -> Response:
    """Put everything away that was handed out; with `state=open` only what is being tried."""
    state: Literal["open", "all"] = "open" if choice("state", ("open", "all"), default="all") == "open" else "all"
    with write() as door:
        suggestions.delete_all(door.session, found(door, experiment_id), state=state, now=door.now)
    return reply({})


@blueprint.get("/v1/experiments/<experiment_id>/suggestions/<suggestion_id>")
@requires("read")
@kept
def one(experiment_id: str, suggestion_id: str) -> Response:
    """Return one suggestion that was handed out."""
    with read() as door:
        row = found(door, experiment_id)
        item = suggestions.find(door.session, parse_id(suggestion_id, "suggestion"), experiment_id=row.id)
        shown = _shown(door, row, [item])
    return reply(shown[0])


@blueprint.put("/v1/experiments/<experiment_id>/suggestions/<suggestion_id>")
@requires("suggest")
def update(experiment_id: str, suggestion_id: str) -> Response:
    """Change a suggestion's metadata; null takes it away. Nothing else of a suggestion can change."""
    given = body()
    metadata = check_metadata(given.get("metadata"))
    with write() as door:
        row = found(door, experiment_id)
        key = parse_id(suggestion_id, "suggestion")
        item = suggestions.find(door.session, key, experiment_id=row.id)
        if "metadata" in given:
            item = suggestions.update(door.session, row.id, key, metadata=metadata)
        shown = _shown(door, row, [item])
    return reply(shown[0])


@blueprint.delete("/v1/experiments/<experiment_id>/suggestions/<suggestion_id>")
@requires("suggest")
def delete(experiment_id: str, suggestion_id: str) -> Response:
    """Put a suggestion away. A late result of it is taken all the same."""
    with write() as door:
        row = found(door, experiment_id)
        suggestions.delete(door.session, row, parse_id(suggestion_id, "suggestion"), now=door.now)
    return reply({})


@blueprint.post("/v1/experiments/<experiment_id>/suggestions/<suggestion_id>/heartbeat")
@requires("suggest")
def heartbeat(experiment_id: str, suggestion_id: str) -> Response:
    """Renew a suggestion's lease: its holder is still at work."""
    lease_s = parse_heartbeat(body())
    with write() as door:
        row = found(door, experiment_id)
        key = parse_id(suggestion_id, "suggestion")
        item = suggestions.heartbeat(door.session, row, key, lease_s=lease_s, now=door.now)
        shown = _shown(door, row, [item])
    return reply(shown[0])
