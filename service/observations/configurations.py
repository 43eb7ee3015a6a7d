"""The configurations that results belong to: found or made, their running sums added to, or made anew.

Who calls holds the row of `refreshes`: nobody else makes or changes configurations of the experiment meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import insert_new
from service.models import Configuration, Observation
from service.pooling import Sums, pool
from service.schemas.assignments import Assignments
from service.schemas.result import Result

__all__ = ["Placed", "clear", "of_one", "rebuild", "take_in"]


@dataclass(frozen=True)
class Placed:
    """A result with the configuration it belongs to; `index` is where it stands in its batch."""

    index: int
    result: Result
    assignments: Assignments
    task: str | None
    key: str


# Built once, and of the table, not the class: to build a statement costs what running it does; objects more than rows.
_TABLE: Final = cast("sa.Table", Configuration.__table__)
_KNOWN: Final = sa.select(_TABLE.c.id, _TABLE.c.key, _TABLE.c.sums, _TABLE.c.failures).where(
    _TABLE.c.experiment_id == sa.bindparam("mine"), _TABLE.c.key.in_(sa.bindparam("keys", expanding=True))
)
_UPDATE: Final = sa.update(_TABLE).where(_TABLE.c.id == sa.bindparam("row_id"))


def take_in(session: Session, experiment_id: int, placed: Sequence[Placed]) -> dict[str, int]:
    """Add new results to the sums of their configurations, in their order. Return the ids by the keys.

    Most results are of configurations that nobody measured before, so all are inserted, and only those that turn out
    to be known are looked at: one statement for a new configuration, three for a known one, however many come.
    """
    by_key: dict[str, list[Placed]] = {}
    for item in placed:
        by_key.setdefault(item.key, []).append(item)
    made = [_row(experiment_id, items[0], *_added({}, 0, items)) for items in by_key.values()]
    new = insert_new(session, Configuration, made, unique=("experiment_id", "key"), returning=("key", "id"))
    ids: dict[str, int] = {row.key: row.id for row in new}
    if len(ids) < len(by_key):
        ids |= _add_to_known(session, experiment_id, {key: by_key[key] for key in by_key.keys() - ids.keys()})
    return ids


def _add_to_known(session: Session, experiment_id: int, by_key: Mapping[str, Sequence[Placed]]) -> dict[str, int]:
    known = session.execute(_KNOWN, {"mine": experiment_id, "keys": sorted(by_key)}).all()
    changed = []
    for row in known:
        sums, failures = _added(row.sums, row.failures, by_key[row.key])
        changed.append({"row_id": row.id, "sums": sums, "failures": failures})
    session.execute(_UPDATE, changed)
    return {row.key: row.id for row in known}


def _added(sums: Sums, failures: int, placed: Sequence[Placed]) -> tuple[Sums, int]:
    """Return sums and failures with those of more results."""
    added = dict(sums)
    for item in placed:
        add(added, item.result.documents)
    return added, failures + sum(item.result.failed for item in placed)


def _row(experiment_id: int, item: Placed, sums: Sums, failures: int) -> dict[str, Any]:
    return {
        "experiment_id": experiment_id,
        "key": item.key,
        "assignments": item.assignments,
        "task": item.task,
        "sums": sums,
        "failures": failures,
    }


def add(sums: Sums, values: Iterable[Mapping[str, Any]]) -> None:
    """Add the values of one result to sums."""
    for value in values:
        sums[value["name"]] = pool(sums.get(value["name"]), value["value"], value["value_stddev"])


def of_one(session: Session, experiment_id: int, placed: Placed) -> Configuration:
    """Return the configuration of a result that was moved; its sums are left as they are."""
    mine = sa.select(Configuration).where(Configuration.experiment_id == experiment_id, Configuration.key == placed.key)
    found = session.scalars(mine).one_or_none()
    if found is None:
        found = Configuration(**_row(experiment_id, placed, {}, 0))
        session.add(found)
        session.flush()
    return found


def rebuild(session: Session, configuration_ids: Collection[int]) -> None:
    """Make the sums of configurations anew from the observations that are left of them, in the order of their ids.

    Taking a measurement out of running sums would leave rounding behind; this gives to the last digit what the
    remaining observations give when they are pooled in one go. Costs a read of those observations.
    """
    session.flush()
    rows = session.execute(
        sa.select(Observation.configuration_id, Observation.values, Observation.failed)
        .where(Observation.configuration_id.in_(configuration_ids), Observation.deleted_at.is_(None))
        .order_by(Observation.id)
    )
    sums: dict[int, Sums] = {key: {} for key in configuration_ids}
    failures: Counter[int] = Counter()
    for row in rows:
        add(sums[row.configuration_id], row.values)
        failures[row.configuration_id] += row.failed
    for configuration in session.scalars(sa.select(Configuration).where(Configuration.id.in_(configuration_ids))):
        configuration.sums = sums[configuration.id]
        configuration.failures = failures[configuration.id]


def clear(session: Session, experiment_id: int) -> None:
    """Empty the sums of an experiment of which no observation is left."""
    session.execute(
        sa.update(Configuration).where(Configuration.experiment_id == experiment_id).values(sums={}, failures=0)
    )
