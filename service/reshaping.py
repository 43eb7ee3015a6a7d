"""A search space that changes while its experiment runs: what is stored follows.

Results from before are given the default of a parameter that is new or came back, unless they were measured with a
value of it; what so becomes one configuration is pooled into one. The pool of suggestions and what the models learned
belong to the old space, and so does a refresh that is under way: it is overtaken, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Configuration, Experiment, Front, ModelState, Observation, Refresh, Suggestion
from service.pooling import Sums, pool
from service.refreshes import mark_changed, start_over
from service.schemas.assignments import assignments_key
from service.schemas.parameters import Parameter

__all__ = ["forget_models", "reshape"]

#: Rows that are written by one statement.
_AT_ONCE: Final = 1000

Fill = Callable[[Mapping[str, Any]], dict[str, Any]]


def reshape(
    session: Session, experiment: Experiment, refresh: Refresh, added: Sequence[Parameter], *, now: datetime
) -> None:
    """Have everything that is stored of an experiment follow its new parameters. The caller holds `refresh`."""
    if added:
        fill = _filler(added)
        _give_to_suggestions(session, experiment.id, fill)
        _give_to_configurations(session, experiment.id, fill)
    session.execute(sa.delete(Suggestion).where(_mine(experiment.id), Suggestion.state == "pooled"))
    forget_models(session, experiment, refresh, now=now)
    mark_changed(refresh, observations=0, failures=0, now=now)


def forget_models(session: Session, experiment: Experiment, refresh: Refresh, *, now: datetime) -> None:
    """Throw away what the models learned, and have them made anew from the data alone."""
    session.execute(sa.delete(ModelState).where(ModelState.experiment_id == experiment.id))
    start_over(refresh, now=now)


def _mine(experiment_id: int) -> sa.ColumnElement[bool]:
    return Suggestion.experiment_id == experiment_id


def _filler(added: Sequence[Parameter]) -> Fill:
    """Return what adds the defaults of parameters to assignments: of those that exist there and have no value yet."""

    def fill(assignments: Mapping[str, Any]) -> dict[str, Any]:
        filled = dict(assignments)
        for parameter in added:
            if all(assignments.get(name) in values for name, values in parameter.conditions.items()):
                filled.setdefault(parameter.name, _default(parameter))
        return dict(sorted(filled.items()))

    return fill


def _default(parameter: Parameter) -> Any:
    value = parameter.default_value
    return int(value) if parameter.type == "int" and value is not None else value


def _give_to_suggestions(session: Session, experiment_id: int, fill: Fill) -> None:
    rows = session.execute(
        sa.select(Suggestion.id, Suggestion.assignments, Suggestion.task).where(
            _mine(experiment_id), Suggestion.state != "pooled"
        )
    ).all()
    _write(session, Suggestion, (_document(row, fill) for row in rows))


def _document(row: Any, fill: Fill) -> dict[str, Any]:
    assignments = fill(row.assignments)
    return {"id": row.id, "assignments": assignments, "key": assignments_key(assignments, row.task)}


def _give_to_configurations(session: Session, experiment_id: int, fill: Fill) -> None:
    rows = session.execute(
        sa.select(Configuration.id, Configuration.assignments, Configuration.task, Configuration.key)
        .where(Configuration.experiment_id == experiment_id)
        .order_by(Configuration.id)
    ).all()
    kept: dict[str, dict[str, Any]] = {}
    merged: dict[int, int] = {}
    for row in rows:
        document = _document(row, fill)
        first = kept.setdefault(document["key"], document)
        if first is not document:
            merged[row.id] = first["id"]
    _merge(session, merged)
    before = {row.id: row.key for row in rows}
    _write(session, Configuration, (item for item in kept.values() if item["key"] != before[item["id"]]))
    by_id = {item["id"]: item["assignments"] for item in kept.values()}
    _follow_in_front(session, experiment_id, merged, by_id)


def _merge(session: Session, merged: Mapping[int, int]) -> None:
    """Make one configuration of those that have become equal: the first one takes the results of the others."""
    if not merged:
        return
    for gone, kept in merged.items():
        session.execute(
            sa.update(Observation).where(Observation.configuration_id == gone).values(configuration_id=kept)
        )
    session.execute(sa.delete(Configuration).where(Configuration.id.in_(merged)))
    for kept in sorted(set(merged.values())):
        sums, failures = _pooled(session, kept)
        session.execute(sa.update(Configuration).where(Configuration.id == kept).values(sums=sums, failures=failures))


def _pooled(session: Session, configuration_id: int) -> tuple[Sums, int]:
    """Pool a configuration's results as they would have been, had they come to it one by one."""
    rows = session.execute(
        sa.select(Observation.values, Observation.failed)
        .where(Observation.configuration_id == configuration_id, Observation.deleted_at.is_(None))
        .order_by(Observation.id)
    ).all()
    sums: Sums = {}
    for row in rows:
        for value in row.values:
            sums[value["name"]] = pool(sums.get(value["name"]), value["value"], value["value_stddev"])
    return sums, sum(row.failed for row in rows)


def _write(session: Session, table: type[Any], documents: Iterable[Mapping[str, Any]]) -> None:
    rows = list(documents)
    for start in range(0, len(rows), _AT_ONCE):
        session.execute(sa.update(table), [dict(row) for row in rows[start : start + _AT_ONCE]])


def _follow_in_front(
    session: Session, experiment_id: int, merged: Mapping[int, int], assignments: Mapping[int, dict[str, Any]]
) -> None:
    """Have the front that is shown until the next refresh point to the configurations as they are now."""
    front = session.scalars(
        sa.select(Front).where(Front.experiment_id == experiment_id, Front.points.is_not(None))
    ).one_or_none()
    if front is None or front.points is None:
        return
    points = {merged.get(point["configuration"], point["configuration"]): point for point in reversed(front.points)}
    front.points = [
        {**point, "configuration": key, "assignments": assignments.get(key, point["assignments"])}
        for key, point in reversed(points.items())
    ]
