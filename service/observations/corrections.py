"""Observations are corrected: changed or taken back; what they were is kept, and what follows from them made new.

Whatever is done here ends as if what is left had been reported in the first place: the sums of the configurations, the
counts, and after the next refresh the front and the models. A suggestion that had a result stays closed, unless the
result turns out to be of another one and was its only one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError
from service.events import EventType, record
from service.models import Configuration, Correction, Experiment, Observation, Refresh, Suggestion, TrainingRun
from service.observations import configurations, counts
from service.observations.configurations import Placed
from service.observations.store import place
from service.refreshes import hold, mark_changed
from service.schemas.assignments import assignments_key
from service.schemas.correction import corrected
from service.schemas.experiment import Definition
from service.schemas.result import Result
from service.schemas.values import Value

__all__ = ["delete", "delete_all", "history", "restore", "update"]

#: Rows that are written by one statement.
_CHUNK: Final = 1000
#: All that a correction keeps, and where its sums are.
_FACTS: Final = (
    Observation.id, Observation.configuration_id, Observation.suggestion_id, Observation.task, Observation.values,
    Observation.failed, Observation.partial, Observation.meta, Observation.revision, Observation.deleted_at,
    Configuration.assignments,
)  # fmt: skip


def update(
    session: Session,
    experiment: Experiment,
    observation_id: int,
    body: Mapping[str, Any],
    *,
    token_id: int | None,
    now: datetime,
) -> None:
    """Change what `body` names of an observation and leave the rest; a body that changes nothing leaves no trace."""
    refresh = hold(session, [experiment.id])[experiment.id]
    session.refresh(experiment)  # it may have other parameters since the caller read it
    row = session.get_one(Observation, observation_id, populate_existing=True)
    if row.deleted_at is not None:
        raise ConflictError(f"Observation {row.id} is deleted: it can't be changed any more", field="observation")
    old = session.get_one(Configuration, row.configuration_id)
    before = _as_result(row, old)
    after = corrected(before, body, Definition.of(experiment))
    placed = _placed(session, after)
    if after == before:
        return
    session.add(Correction(**_kept(row, old.assignments, token_id, now)))
    new = configurations.of_one(session, experiment.id, placed)
    counts.take_out(refresh, [row.task])
    counts.count_tasks(refresh, [placed.task], by=1)
    failures = after.failed - row.failed
    _write(row, after, new.id, placed.task, now)
    _close(session, after.suggestion_id, now)
    if before.suggestion_id not in (None, after.suggestion_id):
        _reopen(session, before.suggestion_id)
    configurations.rebuild(session, {old.id, new.id})
    _note(session, experiment, refresh, observations=0, failures=failures, ids=[row.id], change="updated", now=now)


def _as_result(row: Observation, configuration: Configuration) -> Result:
    """Return a row as the result it would be today."""
    return Result(
        experiment_id=row.experiment_id,
        suggestion_id=row.suggestion_id,
        assignments=configuration.assignments if row.suggestion_id is None else None,
        values=tuple(Value(v["name"], v["value"], v["value_stddev"]) for v in row.values),
        failed=row.failed,
        metadata=row.meta,
        result_id=row.result_id,
        task=row.task,
        partial=row.partial,
    )


def _placed(session: Session, result: Result) -> Placed:
    assignments, task = place(session, result)
    if assignments is None:
        message = f"No suggestion {result.suggestion_id} in experiment {result.experiment_id}"
        raise InvalidInputError(message, field=".suggestion")
    return Placed(0, result, assignments, task, assignments_key(assignments, task))


def _write(row: Observation, after: Result, configuration_id: int, task: str | None, now: datetime) -> None:
    row.suggestion_id = after.suggestion_id
    row.configuration_id = configuration_id
    row.task = task
    row.values = after.documents
    row.failed = after.failed
    row.partial = after.partial
    row.meta = after.metadata
    row.revision += 1
    row.updated_at = now


def _close(session: Session, suggestion_id: int | None, now: datetime) -> None:
    suggestion = None if suggestion_id is None else session.get_one(Suggestion, suggestion_id)
    if suggestion is not None and suggestion.closed_at is None:
        suggestion.state, suggestion.closed_at = "closed", now


def _reopen(session: Session, suggestion_id: int | None) -> None:
    """Have a suggestion tried again that no result, not even one taken back, and no run refers to any longer."""
    session.flush()
    refers = [sa.exists().where(table.suggestion_id == suggestion_id) for table in (Observation, TrainingRun)]
    if session.scalar(sa.select(sa.or_(*refers))):
        return
    suggestion = session.get_one(Suggestion, suggestion_id, populate_existing=True)
    suggestion.state, suggestion.closed_at = "open", None


def _kept(row: Any, assignments: Any, token_id: int | None, now: datetime) -> dict[str, Any]:
    """Return the correction that keeps what an observation is now."""
    before = {
        "assignments": assignments,
        "suggestion": None if row.suggestion_id is None else str(row.suggestion_id),
        "task": row.task,
        "values": row.values,
        "failed": row.failed,
        "partial": row.partial,
        "metadata": row.meta,
        "deleted": row.deleted_at is not None,
    }
    return {
        "observation_id": row.id, "revision": row.revision, "before": before, "token_id": token_id, "created_at": now,
    }  # fmt: skip


def delete(
    session: Session, experiment: Experiment, observation_id: int, *, token_id: int | None, now: datetime
) -> None:
    """Take an observation back: it stays readable and does not count any longer. Once more changes nothing."""
    refresh = hold(session, [experiment.id])[experiment.id]
    rows = _take_back(session, Observation.id == observation_id, token_id=token_id, now=now)
    if rows:
        configurations.rebuild(session, {row.configuration_id for row in rows})
        _count_out(session, experiment, refresh, rows, now=now)


def restore(
    session: Session, experiment: Experiment, observation_id: int, *, token_id: int | None, now: datetime
) -> None:
    """Let an observation that was taken back count again. Once more changes nothing."""
    refresh = hold(session, [experiment.id])[experiment.id]
    row = session.get_one(Observation, observation_id, populate_existing=True)
    if row.deleted_at is None:
        return
    configuration = session.get_one(Configuration, row.configuration_id)
    session.add(Correction(**_kept(row, configuration.assignments, token_id, now)))
    row.revision += 1
    row.updated_at, row.deleted_at = now, None
    configurations.rebuild(session, {row.configuration_id})
    counts.put_back(refresh, [row.task])
    _note(session, experiment, refresh, observations=1, failures=row.failed, ids=[row.id], change="restored", now=now)


def delete_all(session: Session, experiment: Experiment, *, token_id: int | None, now: datetime) -> int:
    """Take every observation of an experiment back. Return how many there were."""
    refresh = hold(session, [experiment.id])[experiment.id]
    rows = _take_back(session, Observation.experiment_id == experiment.id, token_id=token_id, now=now)
    if rows:
        configurations.clear(session, experiment.id)
        _count_out(session, experiment, refresh, rows, now=now)
    return len(rows)


def _take_back(
    session: Session, which: sa.ColumnElement[bool], *, token_id: int | None, now: datetime
) -> Sequence[Any]:
    """Mark observations as taken back, each with what it was; rows and not objects, since there may be very many."""
    is_there = sa.and_(which, Observation.deleted_at.is_(None))
    rows = session.execute(
        sa.select(*_FACTS)
        .join(Configuration, Configuration.id == Observation.configuration_id)
        .where(is_there)
        .order_by(Observation.id)
    ).all()
    for start in range(0, len(rows), _CHUNK):
        kept = [_kept(row, row.assignments, token_id, now) for row in rows[start : start + _CHUNK]]
        session.execute(sa.insert(Correction), kept)
    session.execute(
        sa.update(Observation)
        .where(is_there)
        .values(deleted_at=now, updated_at=now, revision=Observation.revision + 1)
        .execution_options(synchronize_session="fetch" if len(rows) == 1 else False)
    )
    return rows


def _count_out(
    session: Session, experiment: Experiment, refresh: Refresh, rows: Sequence[Any], *, now: datetime
) -> None:
    counts.take_out(refresh, [row.task for row in rows])
    failures = sum(row.failed for row in rows)
    _note(
        session, experiment, refresh, observations=-len(rows), failures=-failures, ids=[row.id for row in rows],
        change="deleted", now=now,
    )  # fmt: skip


def _note(
    session: Session,
    experiment: Experiment,
    refresh: Refresh,
    *,
    observations: int,
    failures: int,
    ids: Sequence[int],
    change: str,
    now: datetime,
) -> None:
    """Have the front and the models follow, and say what happened."""
    generation = mark_changed(refresh, observations=observations, failures=failures, now=now)
    experiment.updated_at = now
    data: dict[str, Any] = {"data_generation": generation, "change": change, "count": len(ids)}
    if len(ids) == 1:
        data["observation"] = str(ids[0])
    record(
        session,
        EventType.OBSERVATION_CORRECTED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data=data,
        now=now,
    )


def history(session: Session, observation_id: int) -> Sequence[Correction]:
    """Return what an observation was before each of its corrections, oldest first."""
    mine = sa.select(Correction).where(Correction.observation_id == observation_id)
    return session.scalars(mine.order_by(Correction.revision)).all()
