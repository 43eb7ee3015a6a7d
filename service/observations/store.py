"""What was measured becomes rows, each result exactly once (third stop of a result's journey)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from service.db import UtcDateTime
from service.errors import ConflictError, InvalidInputError, ServiceError
from service.events import EventType, record
from service.models import Experiment, Observation, Refresh, Suggestion
from service.observations import configurations, counts
from service.observations.configurations import Placed
from service.refreshes import hold, mark_changed
from service.schemas.assignments import Assignments, assignments_key
from service.schemas.result import Result

__all__ = ["Duplicate", "Outcome", "Refused", "Stored", "place", "store"]


@dataclass(frozen=True)
class Stored:
    """A new observation: its id, its other columns, the assignments of its configuration."""

    observation_id: int
    columns: Mapping[str, Any]
    assignments: Assignments


@dataclass(frozen=True)
class Duplicate:
    """The same result again: it was stored before and is not counted twice."""

    observation_id: int


@dataclass(frozen=True)
class Refused:
    """A result that cannot be stored, and why."""

    error: ServiceError


Outcome = Stored | Duplicate | Refused

# Built once, and of the table, not the class: to build a statement costs what running it does; objects more than rows.
_TABLE: Final = cast("sa.Table", Observation.__table__)
_KNOWN: Final = sa.select(_TABLE.c.experiment_id, _TABLE.c.result_id, _TABLE.c.id, _TABLE.c.payload_hash).where(
    _TABLE.c.experiment_id.in_(sa.bindparam("mine", expanding=True)),
    _TABLE.c.result_id.in_(sa.bindparam("ids", expanding=True)),
)
_INSERT: Final = sa.insert(_TABLE).returning(_TABLE.c.result_id, _TABLE.c.id)
_GIVEN: Final = cast("sa.Table", Suggestion.__table__)
_SUGGESTED: Final = sa.select(_GIVEN.c.id, _GIVEN.c.experiment_id, _GIVEN.c.assignments, _GIVEN.c.task).where(
    _GIVEN.c.id.in_(sa.bindparam("ids", expanding=True)), _GIVEN.c.state.not_in(("pooled", "queued"))
)
_CLOSE: Final = (
    sa.update(_GIVEN)
    .where(
        _GIVEN.c.experiment_id == sa.bindparam("mine"),
        _GIVEN.c.id.in_(sa.bindparam("ids", expanding=True)),
        _GIVEN.c.state.not_in(("pooled", "queued")),
    )
    .values(
        state=sa.case((_GIVEN.c.closed_at.is_(None), "closed"), else_=_GIVEN.c.state),
        closed_at=sa.func.coalesce(_GIVEN.c.closed_at, sa.bindparam("at", type_=UtcDateTime())),
    )
    .returning(_GIVEN.c.id, _GIVEN.c.experiment_id, _GIVEN.c.assignments, _GIVEN.c.task)
)
_EXPERIMENTS: Final = cast("sa.Table", Experiment.__table__)
_TOUCH: Final = (
    sa.update(_EXPERIMENTS)
    .where(_EXPERIMENTS.c.id == sa.bindparam("key"))
    .values(updated_at=sa.bindparam("at", type_=UtcDateTime()))
)


def store(session: Session, results: Sequence[Result], *, source: str, now: datetime) -> list[Outcome]:
    """Store a batch of checked results, each exactly once, and say for each what became of it.

    The rows of `refreshes` are locked first: of two batches with results of one experiment the second waits, so what is
    known of result ids and sums here stays true until the commit. A result id that comes again with the same payload
    is a duplicate; with another payload the first one stays and the second is refused.
    """
    rows = hold(session, [result.experiment_id for result in results])
    outcomes: dict[int, Outcome] = {}
    fresh = _without_known(session, results, outcomes)
    placed = _place(session, fresh, outcomes, now=now)
    for experiment_id in sorted({item.result.experiment_id for item in placed}):
        mine = [item for item in placed if item.result.experiment_id == experiment_id]
        outcomes |= _store_one(session, rows[experiment_id], mine, source=source, now=now)
    return [outcomes[index] for index in range(len(results))]


def _without_known(
    session: Session, results: Sequence[Result], outcomes: dict[int, Outcome]
) -> list[tuple[int, Result]]:
    """Leave out results whose id is stored already or stands earlier in the batch; note what they are."""
    known = _known(session, results)
    fresh: list[tuple[int, Result]] = []
    first: dict[tuple[int, str], int] = {}
    for index, result in enumerate(results):
        identity = (result.experiment_id, result.result_id)
        if identity in known:
            observation_id, payload_hash = known[identity]
            outcomes[index] = _again(result, payload_hash, observation_id)
        elif identity in first:
            outcomes[index] = _again(result, results[first[identity]].payload_hash, 0)
        else:
            first[identity] = index
            fresh.append((index, result))
    return fresh


def _known(session: Session, results: Sequence[Result]) -> dict[tuple[int, str], tuple[int, str]]:
    named = [result for result in results if not result.is_new]
    if not named:
        return {}
    found = session.execute(
        _KNOWN,
        {
            "mine": list({result.experiment_id for result in named}),
            "ids": list({result.result_id for result in named}),
        },
    )
    return {(row.experiment_id, row.result_id): (row.id, row.payload_hash) for row in found}


def _again(result: Result, payload_hash: str, observation_id: int) -> Outcome:
    if result.payload_hash == payload_hash:
        return Duplicate(observation_id)
    message = f"result_id {result.result_id!r} is taken by another result of this experiment; the first one stays"
    return Refused(ConflictError(message, field=".result_id"))


def _place(
    session: Session, fresh: Sequence[tuple[int, Result]], outcomes: dict[int, Outcome], *, now: datetime
) -> list[Placed]:
    """Place each result, and close its suggestion; refuse results of suggestions that the experiment never made."""
    closed = _close(session, [result for _, result in fresh], now)
    placed = []
    for index, result in fresh:
        assignments, task = _placed(result, closed)
        if assignments is None:
            message = f"No suggestion {result.suggestion_id} in experiment {result.experiment_id}"
            outcomes[index] = Refused(InvalidInputError(message, field=".suggestion"))
        else:
            placed.append(Placed(index, result, assignments, task, assignments_key(assignments, task)))
    return placed


def place(session: Session, result: Result) -> tuple[Assignments | None, str | None]:
    """Return a result's assignments and task: its own, or its suggestion's; None where there is no such.

    Deleted and expired suggestions count: what was measured of them is taken, however late it comes.
    """
    ids = [] if result.suggestion_id is None else [result.suggestion_id]
    return _placed(result, _by_place(session.execute(_SUGGESTED, {"ids": ids})) if ids else {})


#: The id and the experiment of a suggestion -> its assignments and task.
_Places = Mapping[tuple[int, int], tuple[Assignments, str | None]]


def _by_place(rows: Iterable[sa.Row[Any]]) -> _Places:
    return {(row.id, row.experiment_id): (row.assignments, row.task) for row in rows}


def _placed(result: Result, found: _Places) -> tuple[Assignments | None, str | None]:
    if result.assignments is not None:
        return result.assignments, result.task
    return found.get((result.suggestion_id or 0, result.experiment_id), (None, None))


def _close(session: Session, results: Sequence[Result], now: datetime) -> _Places:
    """Close suggestions that have a result now, expired and deleted ones too, and return what they suggested."""
    wanted: dict[int, set[int]] = {}
    for result in results:
        if result.suggestion_id is not None:
            wanted.setdefault(result.experiment_id, set()).add(result.suggestion_id)
    rows = [
        row
        for experiment_id, ids in sorted(wanted.items())
        for row in session.execute(_CLOSE, {"mine": experiment_id, "ids": sorted(ids), "at": now})
    ]
    return _by_place(rows)


def _store_one(
    session: Session, row: Refresh, placed: Sequence[Placed], *, source: str, now: datetime
) -> dict[int, Outcome]:
    """Store the new results of one experiment: rows, running sums, closed suggestions, counts, the event."""
    failures = sum(item.result.failed for item in placed)
    generation = mark_changed(row, observations=len(placed), failures=failures, now=now)
    experiment = session.get_one(Experiment, row.experiment_id)
    session.execute(_TOUCH, {"key": experiment.id, "at": now})
    set_committed_value(experiment, "updated_at", now)
    places = configurations.take_in(session, row.experiment_id, placed)
    rows = [_row(item, places[item.key], source, generation, now) for item in placed]
    ids = _insert(session, rows)
    counts.add(session, experiment, row, placed, ids)
    record(
        session,
        EventType.OBSERVATION_RECORDED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data={"data_generation": generation, "count": len(placed)},
        now=now,
    )
    return {
        item.index: Stored(observation_id, columns, item.assignments)
        for item, columns, observation_id in zip(placed, rows, ids, strict=True)
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert the rows in their order, so that ids rise with it: sums are pooled in the order of ids."""
    # Both databases number the rows of a statement in its order; that of what they return is not promised, and sorting
    # costs a statement a row.
    inserted = session.execute(_INSERT, rows)
    ids = {row.result_id: row.id for row in inserted}
    return [ids[row["result_id"]] for row in rows]


def _row(item: Placed, configuration_id: int, source: str, generation: int, now: datetime) -> dict[str, Any]:
    result = item.result
    return {
        "experiment_id": result.experiment_id,
        "configuration_id": configuration_id,
        "suggestion_id": result.suggestion_id,
        "result_id": result.result_id,
        "payload_hash": result.payload_hash,
        "values": result.documents,
        "failed": result.failed,
        "partial": result.partial,
        "task": item.task,
        "metadata": result.metadata,
        "source": source,
        "generation": generation,
        "created_at": now,
    }
