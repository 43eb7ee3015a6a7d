"""Observations: what was measured becomes rows, each result exactly once (third stop of a result's journey)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import insert_new
from service.errors import ConflictError, NotFoundError, ServiceError
from service.events import EventType, record
from service.models import Configuration, Experiment, Observation, Refresh, Suggestion
from service.pooling import Sums, pool
from service.refreshes import hold, mark_changed
from service.schemas.assignments import Assignments, assignments_key
from service.schemas.result import Result

__all__ = [
    "Duplicate",
    "Outcome",
    "Refused",
    "Stored",
    "ends",
    "find",
    "generation_of",
    "of_configurations",
    "recent",
    "store",
]


@dataclass(frozen=True)
class Stored:
    """A new observation."""

    observation_id: int


@dataclass(frozen=True)
class Duplicate:
    """The same result again: it was stored before and is not counted twice."""

    observation_id: int


@dataclass(frozen=True)
class Refused:
    """A result that cannot be stored, and why."""

    error: ServiceError


Outcome = Stored | Duplicate | Refused


@dataclass(frozen=True)
class _Placed:
    """A result with the configuration it belongs to."""

    index: int
    result: Result
    assignments: Assignments
    key: str


def store(session: Session, results: Sequence[Result], *, source: str, now: datetime) -> list[Outcome]:
    """Store a batch of checked results, each exactly once, and say for each what became of it.

    The rows of `refreshes` are locked first: of two batches with results of one experiment the second waits, so what is
    known of result ids and sums here stays true until the commit. A result id that comes again with the same payload
    is a duplicate; with another payload the first one stays and the second is refused.
    """
    rows = hold(session, [result.experiment_id for result in results])
    outcomes: dict[int, Outcome] = {}
    fresh = _without_known(session, results, outcomes)
    placed = _place(session, fresh, outcomes)
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
    table = Observation
    found = session.execute(
        sa.select(table.experiment_id, table.result_id, table.id, table.payload_hash).where(
            table.experiment_id.in_({result.experiment_id for result in results}),
            table.result_id.in_({result.result_id for result in results}),
        )
    )
    return {(row.experiment_id, row.result_id): (row.id, row.payload_hash) for row in found}


def _again(result: Result, payload_hash: str, observation_id: int) -> Outcome:
    if result.payload_hash == payload_hash:
        return Duplicate(observation_id)
    message = f"result_id {result.result_id!r} is taken by another result of this experiment; the first one stays"
    return Refused(ConflictError(message, field=".result_id"))


def _place(session: Session, fresh: Iterable[tuple[int, Result]], outcomes: dict[int, Outcome]) -> list[_Placed]:
    """Look up the configurations of suggestions; refuse results of suggestions that the experiment never made."""
    fresh = list(fresh)
    wanted = {result.suggestion_id for _, result in fresh if result.suggestion_id is not None}
    found = {row.id: row for row in session.scalars(sa.select(Suggestion).where(Suggestion.id.in_(wanted)))}
    placed = []
    for index, result in fresh:
        if result.assignments is not None:
            key = assignments_key(result.assignments)
            placed.append(_Placed(index, result, result.assignments, key))
            continue
        suggestion = found.get(result.suggestion_id or 0)
        if suggestion is None or suggestion.experiment_id != result.experiment_id or suggestion.state == "pooled":
            message = f"No suggestion {result.suggestion_id} in experiment {result.experiment_id}"
            outcomes[index] = Refused(NotFoundError(message, field=".suggestion"))
        else:
            placed.append(_Placed(index, result, suggestion.assignments, suggestion.key))
    return placed


def _store_one(
    session: Session, row: Refresh, placed: Sequence[_Placed], *, source: str, now: datetime
) -> dict[int, Outcome]:
    """Store the new results of one experiment: rows, running sums, closed suggestions, counts, the event."""
    failures = sum(item.result.failed for item in placed)
    generation = mark_changed(row, observations=len(placed), failures=failures, now=now)
    configurations = _configurations(session, row.experiment_id, placed)
    ids = _insert(session, placed, configurations, source=source, generation=generation, now=now)
    _add_to_sums(configurations, placed)
    _close(session, [item.result.suggestion_id for item in placed if item.result.suggestion_id is not None], now)
    experiment = session.get_one(Experiment, row.experiment_id)
    record(
        session,
        EventType.OBSERVATION_RECORDED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data={"data_generation": generation, "count": len(placed)},
        now=now,
    )
    return {item.index: Stored(ids[item.result.result_id]) for item in placed}


def _configurations(session: Session, experiment_id: int, placed: Sequence[_Placed]) -> dict[str, Configuration]:
    by_key = {item.key: item.assignments for item in placed}
    insert_new(
        session,
        Configuration,
        [
            {"experiment_id": experiment_id, "key": key, "assignments": assignments, "sums": {}, "failures": 0}
            for key, assignments in by_key.items()
        ],
        unique=("experiment_id", "key"),
        returning=("id",),
    )
    found = session.scalars(
        sa.select(Configuration)
        .where(Configuration.experiment_id == experiment_id, Configuration.key.in_(by_key))
        .execution_options(populate_existing=True)
    )
    return {row.key: row for row in found}


def _insert(
    session: Session,
    placed: Sequence[_Placed],
    configurations: Mapping[str, Configuration],
    *,
    source: str,
    generation: int,
    now: datetime,
) -> dict[str, int]:
    rows = [_row(item, configurations[item.key].id, source, generation, now) for item in placed]
    inserted = session.execute(sa.insert(Observation).returning(Observation.result_id, Observation.id), rows)
    return {row.result_id: row.id for row in inserted}


def _row(item: _Placed, configuration_id: int, source: str, generation: int, now: datetime) -> dict[str, Any]:
    result = item.result
    return {
        "experiment_id": result.experiment_id,
        "configuration_id": configuration_id,
        "suggestion_id": result.suggestion_id,
        "result_id": result.result_id,
        "payload_hash": result.payload_hash,
        "values": [{"name": v.name, "value": v.value, "value_stddev": v.stddev} for v in result.values],
        "failed": result.failed,
        "meta": result.metadata,
        "source": source,
        "generation": generation,
        "created_at": now,
    }


def _add_to_sums(configurations: Mapping[str, Configuration], placed: Sequence[_Placed]) -> None:
    sums: dict[str, Sums] = {key: dict(row.sums) for key, row in configurations.items()}
    failures = Counter(item.key for item in placed if item.result.failed)
    for item in placed:
        for value in item.result.values:
            sums[item.key][value.name] = pool(sums[item.key].get(value.name), value.value, value.stddev)
    for key, row in configurations.items():
        row.sums = sums[key]
        row.failures += failures[key]


def _close(session: Session, suggestion_ids: Sequence[int], now: datetime) -> None:
    session.execute(
        sa.update(Suggestion)
        .where(Suggestion.id.in_(suggestion_ids), Suggestion.closed_at.is_(None))
        .values(state="closed", closed_at=now)
    )


def find(session: Session, observation_id: int, *, experiment_id: int) -> tuple[Observation, Configuration]:
    """Return an observation of this experiment with its configuration, or raise `NotFoundError`."""
    row = session.get(Observation, observation_id)
    if row is None or row.experiment_id != experiment_id:
        raise NotFoundError(f"No observation {observation_id} in experiment {experiment_id}")
    return row, session.get_one(Configuration, row.configuration_id)


def generation_of(session: Session, experiment_id: int, result_id: str) -> int | None:
    """Return the data generation that took this result in, None while it is not stored."""
    return session.scalar(
        sa.select(Observation.generation).where(
            Observation.experiment_id == experiment_id, Observation.result_id == result_id
        )
    )


def ends(
    session: Session, experiment_id: int
) -> tuple[tuple[Observation, Configuration] | None, tuple[Observation, Configuration] | None]:
    """Return the first and the last observation of an experiment, each None before the first."""
    both = _with_configuration().where(Observation.experiment_id == experiment_id).limit(1)
    first = session.execute(both.order_by(Observation.id)).one_or_none()
    last = session.execute(both.order_by(Observation.id.desc())).one_or_none()
    return (first and (first[0], first[1]), last and (last[0], last[1]))


def of_configurations(
    session: Session, configuration_ids: Sequence[int]
) -> dict[int, tuple[Observation, Configuration]]:
    """Return the newest successful observation of each configuration."""
    newest = (
        sa.select(sa.func.max(Observation.id))
        .where(Observation.configuration_id.in_(configuration_ids), Observation.failed.is_(False))
        .group_by(Observation.configuration_id)
    )
    rows = session.execute(_with_configuration().where(Observation.id.in_(newest)))
    return {row[1].id: (row[0], row[1]) for row in rows}


def _with_configuration() -> sa.Select[Observation, Configuration]:
    return sa.select(Observation, Configuration).join(Configuration, Configuration.id == Observation.configuration_id)


def recent(
    session: Session, *, experiment_id: int, limit: int, before: int | None = None
) -> tuple[Sequence[tuple[Observation, Configuration]], int]:
    """Return up to `limit` observations, newest first, each with its configuration, and how many there are in all."""
    page = (
        _with_configuration()
        .where(Observation.experiment_id == experiment_id)
        .order_by(Observation.id.desc())
        .limit(limit)
    )
    if before is not None:
        page = page.where(Observation.id < before)
    count = session.scalar(sa.select(Refresh.observation_count).where(Refresh.experiment_id == experiment_id)) or 0
    return [(row[0], row[1]) for row in session.execute(page)], count
