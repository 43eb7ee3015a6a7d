"""The best assignments of an experiment, as SigOpt's callers know them: single observations, as they were reported.

The front that the worker keeps pools what was measured at one configuration; here every observation counts by itself.
That is looked up at once, so that it is true at any moment. Of more observations than a request can read, the database
leaves out what some known ones beat: whatever these are, what is left has all of the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import fronts
from service.arrays import Best, Reported, best_of, chosen_of
from service.models import Configuration, Experiment, Observation, Refresh
from service.observations.expressions import measured
from service.schemas.experiment import Definition
from service.schemas.metrics import Metric

__all__ = ["MOST", "best"]

#: Observations that a request reads; of more, the database looks through them first …
MOST: Final = 5_000
#: … up to this many, for a quarter of a second. With more, or if too many are left, the worker's front answers instead.
MOST_SCANNED: Final = 50_000
#: Observations by which others are found to be beaten.
MOST_ANCHORS: Final = 32


def best(session: Session, experiment: Experiment) -> tuple[Best, ...] | None:
    """Return the best observations, best first; None where there are too many to look through in a request.

    Several optimized metrics: what nothing beats, with every threshold met. None: everything that meets the thresholds.
    One: the best alone, or with `num_solutions` the best of as many clusters of the best fifth.
    """
    definition = Definition.of(experiment)
    wanted, optimized = experiment.num_solutions or 1, sum(m.strategy == "optimize" for m in definition.metrics)
    is_choice = wanted > 1 and optimized == 1
    reported = _reported(session, _in_earnest(experiment, definition))
    if reported is None and not is_choice:
        reported = _unbeaten(session, experiment, definition)
    if reported is None:
        return None
    return chosen_of(definition, reported, wanted) if is_choice else best_of(definition, reported)


def _in_earnest(experiment: Experiment, definition: Definition) -> tuple[sa.ColumnElement[bool], ...]:
    """What of an experiment's observations can be the best."""
    task = next((task.name for task in definition.tasks if task.cost == 1), None)
    return (
        Observation.experiment_id == experiment.id,
        Observation.deleted_at.is_(None),
        Observation.failed.is_(False),
        *(() if task is None else (Observation.task == task,)),
    )


def _reported(session: Session, which: Sequence[sa.ColumnElement[bool]]) -> list[Reported] | None:
    """What these observations say, in the order in which they came; None for more than `MOST`."""
    table = Observation
    wanted = (
        sa.select(table.id, table.configuration_id, table.values, table.partial, Configuration.assignments)
        .join(Configuration, Configuration.id == table.configuration_id)
        .where(*which)
        .order_by(table.id)
        .limit(MOST + 1)
    )
    rows = session.execute(wanted).all()
    return None if len(rows) > MOST else _joined(rows)


def _unbeaten(session: Session, experiment: Experiment, definition: Definition) -> list[Reported] | None:
    """What is left when the database has left out what misses a threshold and what an anchor beats.

    An anchor is an observation, so what it beats is none of the best, whichever are chosen; parts of one result are all
    left, since only together they say where they stand. None where that is too much, or where values are computed.
    """
    mine = _in_earnest(experiment, definition)
    if session.get_one(Refresh, experiment.id).observation_count > MOST_SCANNED:
        return None
    decisive = [metric for metric in definition.metrics if metric.strategy != "store"]
    if any(metric.expression for metric in decisive):
        return None
    columns = [measured(session, metric.name or "", "value").label(f"v{j}") for j, metric in enumerate(decisive)]
    keys = sa.select(Observation.id, Observation.partial, *columns).where(*mine).cte("keys").prefix_with("MATERIALIZED")
    values = [keys.c[f"v{j}"] for j in range(len(decisive))]
    limits = [
        _meets(value, metric) for value, metric in zip(values, decisive, strict=True) if metric.threshold is not None
    ]
    optimized = [
        (value, metric) for value, metric in zip(values, decisive, strict=True) if metric.strategy == "optimize"
    ]
    anchors = _anchors(session, experiment, definition) if optimized else []
    beaten = [_is_beaten(optimized, anchor) for anchor in anchors]
    left = sa.select(keys.c.id).where(sa.or_(keys.c.partial, sa.and_(*limits, sa.not_(sa.or_(sa.false(), *beaten)))))
    return _reported(session, (Observation.id.in_(left),))


def _meets(value: Any, metric: Metric) -> sa.ColumnElement[bool]:
    met: sa.ColumnElement[bool] = (
        value >= metric.threshold if metric.objective == "maximize" else value <= metric.threshold
    )
    return met


def _is_beaten(optimized: Sequence[tuple[Any, Metric]], anchor: Best) -> sa.ColumnElement[bool]:
    """Whether an anchor is as good in every optimized metric, and better in one."""
    theirs = [anchor.values[metric.name or ""][0] for _, metric in optimized]
    pairs = [(value, than, metric.objective) for (value, metric), than in zip(optimized, theirs, strict=True)]
    no_better = [value <= than if objective == "maximize" else value >= than for value, than, objective in pairs]
    return sa.and_(*no_better, sa.or_(*(value != than for value, than, _ in pairs)))


def _anchors(session: Session, experiment: Experiment, definition: Definition) -> list[Best]:
    """The best observations at the newest front's configurations, evenly taken; the middle, which beats most, leads."""
    front = fronts.latest(session, experiment.id)
    points = [] if front is None else [point["configuration"] for point in front.points or ()]
    which = (Observation.configuration_id.in_(points), Observation.partial.is_(False))
    reported = _reported(session, (*_in_earnest(experiment, definition), *which)) if points else None
    found = best_of(definition, reported or ())
    last = len(found) - 1
    taken = {round(last * n / (MOST_ANCHORS - 1)) for n in range(MOST_ANCHORS)} if found else set()
    return [found[i] for i in sorted(taken, key=lambda i: abs(i - last / 2))]


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
