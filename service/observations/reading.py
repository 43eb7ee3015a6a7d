"""Observations are looked up: one, the first and the last, the best, a page of them in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import InvalidInputError, NotFoundError, did_you_mean
from service.models import Configuration, Experiment, Observation, Refresh
from service.observations import counts
from service.observations.expressions import assigned, measured
from service.paging import By, Order, Page, Window, walk
from service.schemas.experiment import Definition

__all__ = ["best", "ends", "ends_of", "find", "found", "generation_of", "listed", "of_configurations", "order_of"]

Found = tuple[Observation, Configuration]

_BY_ID: Final = Order((), Observation.id)


def find(session: Session, observation_id: int, *, experiment_id: int) -> Found:
    """Return an observation of this experiment with its configuration, or raise `NotFoundError`. Deleted ones too."""
    row = session.get(Observation, observation_id)
    if row is None or row.experiment_id != experiment_id:
        raise NotFoundError(f"No observation {observation_id} in experiment {experiment_id}")
    return row, session.get_one(Configuration, row.configuration_id)


def found(session: Session, ids: Sequence[int]) -> dict[int, Found]:
    """Return observations with their configurations, by their ids."""
    session.flush()
    return {row[0].id: (row[0], row[1]) for row in session.execute(_FOUND, {"ids": list(ids)})}


def generation_of(session: Session, experiment_id: int, result_id: str) -> int | None:
    """Return the data generation that took this result in, None while it is not stored."""
    return session.scalar(
        sa.select(Observation.generation).where(
            Observation.experiment_id == experiment_id, Observation.result_id == result_id
        )
    )


def ends(session: Session, experiment_id: int) -> tuple[Found | None, Found | None]:
    """Return the first and the last observation of an experiment, each None before the first."""
    rows = [(row[0], row[1]) for row in session.execute(_ENDS, {"experiment_id": experiment_id})]
    return (rows[0], rows[-1]) if rows else (None, None)


def ends_of(session: Session, experiment_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return the ids of the first and the last observation of experiments; those without any are left out."""
    rows = session.execute(_ENDS_OF, {"experiment_ids": list(experiment_ids)})
    return {row.experiment_id: (row.first, row.last) for row in rows if row.first is not None}


def best(session: Session, experiment: Experiment) -> Found | None:
    """Return the best observation, which exists only where a single metric is optimized."""
    key = counts.best_id(session, experiment, session.get_one(Refresh, experiment.id))
    return None if key is None else find(session, key, experiment_id=experiment.id)


def of_configurations(session: Session, configuration_ids: Sequence[int]) -> dict[int, Found]:
    """Return the newest successful observation of each configuration; none of those that lost theirs since."""
    newest = (
        sa.select(sa.func.max(Observation.id))
        .where(
            Observation.configuration_id.in_(configuration_ids),
            Observation.failed.is_(False),
            Observation.deleted_at.is_(None),
        )
        .group_by(Observation.configuration_id)
    )
    joined = sa.select(Observation, Configuration).join(Configuration, Configuration.id == Observation.configuration_id)
    rows = session.execute(joined.where(Observation.id.in_(newest)))
    return {row[1].id: (row[0], row[1]) for row in rows}


def _with_configuration(experiment_id: Any, *, deleted: bool = False) -> sa.Select[Observation, Configuration]:
    return (
        sa.select(Observation, Configuration)
        .join(Configuration, Configuration.id == Observation.configuration_id)
        .where(*_wanted(experiment_id, deleted=deleted))
    )


def _wanted(experiment_id: Any, *, deleted: bool) -> tuple[sa.ColumnElement[bool], ...]:
    is_wanted = Observation.deleted_at.is_not(None) if deleted else Observation.deleted_at.is_(None)
    return (Observation.experiment_id == experiment_id, is_wanted)


# Built once: every reply with an experiment asks for both, and to build a statement costs as much as to run it.
_FOUND: Final = (
    sa.select(Observation, Configuration)
    .join(Configuration, Configuration.id == Observation.configuration_id)
    .where(Observation.id.in_(sa.bindparam("ids", expanding=True)))
)
_IDS: Final = sa.select(Observation.id).where(*_wanted(sa.bindparam("experiment_id"), deleted=False)).limit(1)
_ENDS: Final = (
    sa.select(Observation, Configuration)
    .join(Configuration, Configuration.id == Observation.configuration_id)
    .where(
        sa.or_(
            Observation.id == _IDS.order_by(Observation.id).correlate(None).scalar_subquery(),
            Observation.id == _IDS.order_by(Observation.id.desc()).correlate(None).scalar_subquery(),
        )
    )
    .order_by(Observation.id)
)
#: Of each a look at both ends of its index: to group all of their observations would read these.
_OF_EACH: Final = (
    sa.select(Observation.id).where(*_wanted(Refresh.experiment_id, deleted=False)).limit(1).correlate(Refresh)
)
_ENDS_OF: Final = sa.select(
    Refresh.experiment_id,
    _OF_EACH.order_by(Observation.id).scalar_subquery().label("first"),
    _OF_EACH.order_by(Observation.id.desc()).scalar_subquery().label("last"),
).where(Refresh.experiment_id.in_(sa.bindparam("experiment_ids", expanding=True)))


def listed(
    session: Session, experiment: Experiment, *, sort: str, window: Window, deleted: bool = False
) -> tuple[Page[Found], int]:
    """Return a page of observations, each with its configuration, and how many there are in all.

    By id a page costs what the page holds. Any other order has the database look at all observations of the experiment,
    since what they are sorted by lies inside documents; it sorts those keys alone, and then the page's rows are read.
    """
    order, count = order_of(session, experiment, sort), _count(session, experiment.id, deleted=deleted)
    if not order.by:
        return walk(session, _with_configuration(experiment.id, deleted=deleted), order, window), count
    keys = sa.select(Observation.id).where(*_wanted(experiment.id, deleted=deleted))
    if sort.startswith("parameter-"):
        keys = keys.join(Configuration, Configuration.id == Observation.configuration_id)
    page = _sorted(session, keys, order, window)
    rows = found(session, page.rows)
    return Page(tuple(rows[key] for key in page.rows), page.before, page.after), count


def _sorted(session: Session, wanted: sa.Select[int], order: Order, window: Window) -> Page[int]:
    """Return a page of ids. What is sorted by is worked out once a row: a planner would do it wherever it stands."""
    expressions = [by.expression.label(f"by_{number}") for number, by in enumerate(order.by)]
    keys = wanted.add_columns(*expressions).cte("keys").prefix_with("MATERIALIZED")
    columns = tuple(replace(by, expression=keys.c[f"by_{number}"]) for number, by in enumerate(order.by))
    return walk(session, sa.select(keys.c.id), Order(columns, keys.c.id), window)


def _count(session: Session, experiment_id: int, *, deleted: bool) -> int:
    if not deleted:
        return session.get_one(Refresh, experiment_id).observation_count
    mine = sa.select(sa.func.count()).where(
        Observation.experiment_id == experiment_id, Observation.deleted_at.is_not(None)
    )
    return session.scalar(mine) or 0


def order_of(session: Session, experiment: Experiment, sort: str) -> Order:
    """Return the order that is called `sort`: id, timestamp, task, value[-METRIC], value_stddev[-METRIC],
    parameter-NAME. What an observation lacks (a failure all values) counts as the largest. Those of one task come by
    the first optimized metric."""
    kind, _, name = sort.partition("-")
    definition = Definition.of(experiment)
    if kind in ("value", "value_stddev") and sort != f"{kind}-":
        name = name if "-" in sort else next(iter(definition.metric_by_name))
        if name in definition.metric_by_name:
            return Order((By(measured(session, name, "value" if kind == "value" else "value_stddev")),), Observation.id)
        raise _no_such(sort, name, definition.metric_by_name)
    if kind == "parameter":
        return Order((_by_parameter(session, definition, sort, name),), Observation.id)
    match sort:
        case "id":
            return _BY_ID
        case "timestamp":
            return Order((By(Observation.created_at, "time", is_nullable=False),), Observation.id)
        case "task":
            return Order((By(_cost(experiment)), *_by_first_optimized(session, definition)), Observation.id)
    raise InvalidInputError(f"Invalid sort: {sort[:100]}", field="sort", expected=_SORTS)


_SORTS: Final = "id, timestamp, task, value, value-METRIC, value_stddev, value_stddev-METRIC or parameter-NAME"


def _no_such(sort: str, name: str, known: Any) -> InvalidInputError:
    return InvalidInputError(f"Invalid sort: {sort[:100]}{did_you_mean(name, known)}", field="sort", expected=_SORTS)


def _by_parameter(session: Session, definition: Definition, sort: str, name: str) -> By:
    parameter = definition.parameter_by_name.get(name)
    if parameter is None and name not in definition.conditional_by_name:
        raise _no_such(sort, name, {**definition.parameter_by_name, **definition.conditional_by_name})
    is_text = parameter is None or parameter.type == "categorical"
    return By(assigned(session, name, is_text=is_text), "text" if is_text else "number")


def _by_first_optimized(session: Session, definition: Definition) -> tuple[By, ...]:
    """By what was measured of the first optimized metric; by nothing where there is none."""
    names = [name for name in definition.reported if definition.metric_by_name[name].strategy == "optimize"]
    return tuple(By(measured(session, name, "value")) for name in names[:1])


def _cost(experiment: Experiment) -> Any:
    costs = {task["name"]: float(task["cost"]) for task in experiment.tasks}
    if not costs:
        return sa.cast(sa.null(), sa.Double)
    return sa.case(costs, value=Observation.task, else_=sa.cast(sa.null(), sa.Double))
