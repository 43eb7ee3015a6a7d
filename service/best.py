"""The best assignments of an experiment, as SigOpt's callers know them: single observations, as they were reported.

The front that the worker keeps pools what was measured at one configuration; here every observation counts by itself.
That is looked up at once, so that it is true at any moment, and for as many observations as a request can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.arrays import Best, Reported, best_of, chosen_of
from service.models import Configuration, Experiment, Observation
from service.schemas.experiment import Definition

__all__ = ["MOST", "best"]

#: With more observations than this the front that the worker keeps answers instead.
MOST: Final = 5_000


def best(session: Session, experiment: Experiment) -> tuple[Best, ...] | None:
    """Return the best observations, best first; None where there are too many to look through in a request.

    Several optimized metrics: what nothing beats, with every threshold met. None: everything that meets the thresholds.
    One: the best alone, or with `num_solutions` the best of as many clusters of the best fifth.
    """
    definition = Definition.of(experiment)
    reported = _reported(session, experiment, definition)
    if reported is None:
        return None
    wanted, optimized = experiment.num_solutions or 1, sum(m.strategy == "optimize" for m in definition.metrics)
    return chosen_of(definition, reported, wanted) if wanted > 1 and optimized == 1 else best_of(definition, reported)


def _reported(session: Session, experiment: Experiment, definition: Definition) -> list[Reported] | None:
    """What was measured in earnest, in the order in which it came; None for more than `MOST`."""
    table = Observation
    mine = (
        sa.select(table.id, table.configuration_id, table.values, table.partial, Configuration.assignments)
        .join(Configuration, Configuration.id == table.configuration_id)
        .where(table.experiment_id == experiment.id, table.deleted_at.is_(None), table.failed.is_(False))
        .order_by(table.id)
        .limit(MOST + 1)
    )
    in_earnest = next((task.name for task in definition.tasks if task.cost == 1), None)
    if in_earnest is not None:
        mine = mine.where(table.task == in_earnest)
    rows = session.execute(mine).all()
    return None if len(rows) > MOST else _joined(rows)


def _joined(rows: Sequence[Any]) -> list[Reported]:
    """Partial observations of one configuration count as one, under the id of the newest, each metric by its mean."""
    whole = [Reported(row.id, row.assignments, _by_name(row.values)) for row in rows if not row.partial]
    parts: dict[int, list[Any]] = {}
    for row in rows:
        if row.partial:
            parts.setdefault(row.configuration_id, []).append(row)
    joined = [Reported(group[-1].id, group[-1].assignments, _means(group)) for group in parts.values()]
    return sorted([*whole, *joined], key=lambda item: item.id)


def _by_name(values: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float | None]]:
    return {value["name"]: (value["value"], value["value_stddev"]) for value in values}


def _means(group: Sequence[Any]) -> dict[str, tuple[float, float | None]]:
    found: dict[str, list[tuple[float, float | None]]] = {}
    for row in group:
        for name, pair in _by_name(row.values).items():
            found.setdefault(name, []).append(pair)
    return {
        name: pairs[0] if len(pairs) == 1 else (sum(value for value, _ in pairs) / len(pairs), None)
        for name, pairs in found.items()
    }
