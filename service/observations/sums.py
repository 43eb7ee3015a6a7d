"""The running sums of configurations: added to as results come, made anew from what is left when results change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Configuration, Observation
from service.pooling import Sums, pool
from service.schemas.result import Result

__all__ = ["add", "clear", "rebuild"]


class _Placed(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def result(self) -> Result: ...


def add(configurations: Mapping[str, Configuration], placed: Sequence[_Placed]) -> None:
    """Add new results to the sums of their configurations, in their order."""
    sums: dict[str, Sums] = {key: dict(row.sums) for key, row in configurations.items()}
    failures = Counter(item.key for item in placed if item.result.failed)
    for item in placed:
        _pool(sums[item.key], item.result.documents)
    for key, row in configurations.items():
        row.sums = sums[key]
        row.failures += failures[key]


def _pool(sums: Sums, values: Iterable[Mapping[str, Any]]) -> None:
    for value in values:
        sums[value["name"]] = pool(sums.get(value["name"]), value["value"], value["value_stddev"])


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
        _pool(sums[row.configuration_id], row.values)
        failures[row.configuration_id] += row.failed
    for configuration in session.scalars(sa.select(Configuration).where(Configuration.id.in_(configuration_ids))):
        configuration.sums = sums[configuration.id]
        configuration.failures = failures[configuration.id]


def clear(session: Session, experiment_id: int) -> None:
    """Empty the sums of an experiment of which no observation is left."""
    session.execute(
        sa.update(Configuration).where(Configuration.experiment_id == experiment_id).values(sums={}, failures=0)
    )
