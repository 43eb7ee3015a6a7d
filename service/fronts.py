"""Pareto fronts as they were stored by the worker: one computation, read by the API, pages, webhooks alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.events import EventType, record
from service.models import Configuration, Experiment, Front, ModelState

__all__ = ["NewFront", "latest", "model_state", "publish", "save_models"]

#: Points of the progress curve that are kept; beyond it every second one goes.
_LONGEST_PROGRESS: Final = 200


@dataclass(frozen=True)
class NewFront:
    """A front as the worker computed it.

    `points` are `{configuration, values, contribution}`, best of the first metric first.
    """

    generation: int
    observation_count: int
    feasible_count: int
    infeasible_count: int
    hypervolume: float | None
    ref_point: Sequence[Mapping[str, Any]]
    points: Sequence[Mapping[str, Any]]
    progress: Sequence[tuple[int, float]]


def latest(session: Session, experiment_id: int) -> Front | None:
    """Return the newest front of an experiment, None before the first."""
    return session.scalars(
        sa.select(Front).where(Front.experiment_id == experiment_id).order_by(Front.generation.desc()).limit(1)
    ).one_or_none()


def publish(session: Session, experiment: Experiment, new: NewFront, *, now: datetime) -> bool:
    """Store a front if it differs from the newest one, with its event. Return whether it did.

    What lies off the front may change the counts, the reference point or nothing: the newest row follows quietly.
    """
    old = latest(session, experiment.id)
    points = _with_assignments(session, new.points)
    if old is not None and _facts(old.points) == _facts(points):
        old.points = points
        old.feasible_count, old.infeasible_count = new.feasible_count, new.infeasible_count
        old.ref_point, old.hypervolume = [dict(item) for item in new.ref_point], new.hypervolume
        old.progress = _thinned(new.progress)
        return False
    if old is None and not points:
        return False
    added, removed = _difference(old, points)
    _forget_points(session, experiment.id)
    session.add(
        Front(
            experiment_id=experiment.id,
            generation=new.generation,
            observation_count=new.observation_count,
            size=len(points),
            feasible_count=new.feasible_count,
            infeasible_count=new.infeasible_count,
            hypervolume=new.hypervolume,
            ref_point=[dict(item) for item in new.ref_point],
            points=points,
            progress=_thinned(new.progress),
            created_at=now,
        )
    )
    data = {
        "generation": new.generation,
        "observation_count": new.observation_count,
        "hypervolume": new.hypervolume,
        "size": len(points),
        "added": added,
        "removed": removed,
    }
    record(
        session,
        EventType.FRONT_CHANGED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data=data,
        now=now,
    )
    return True


def _with_assignments(session: Session, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the points the assignments of their configurations, which one select finds."""
    keys = [point["configuration"] for point in points]
    rows = session.execute(sa.select(Configuration.id, Configuration.assignments).where(Configuration.id.in_(keys)))
    assignments = {row.id: row.assignments for row in rows}
    return [{**point, "assignments": assignments[point["configuration"]]} for point in points]


def _facts(points: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """What a point is. What it contributes follows from the others and from the reference point."""
    return [{key: value for key, value in point.items() if key != "contribution"} for point in points or ()]


def _difference(old: Front | None, points: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    before = {point["configuration"] for point in (old.points or [])} if old is not None else set()
    after = {point["configuration"] for point in points}
    return [str(key) for key in sorted(after - before)], [str(key) for key in sorted(before - after)]


def _forget_points(session: Session, experiment_id: int) -> None:
    """Leave the points to the newest row alone: histories are read for their facts."""
    session.execute(
        sa.update(Front)
        .where(Front.experiment_id == experiment_id, Front.points.is_not(None))
        .values(points=None, progress=None)
    )


def _thinned(progress: Sequence[tuple[int, float]]) -> list[list[float]]:
    steps = [list(step) for step in progress]
    while len(steps) > _LONGEST_PROGRESS:
        steps = steps[::2] if len(steps) % 2 else [*steps[::2], steps[-1]]
    return steps


def model_state(session: Session, experiment_id: int) -> ModelState | None:
    """Return what the models of an experiment learned last, None before the first fit."""
    return session.get(ModelState, experiment_id)


def save_models(
    session: Session,
    experiment_id: int,
    *,
    generation: int,
    epoch: int,
    state: dict[str, Any],
    quality: dict[str, Any],
    notes: Sequence[str],
    fit_s: float,
    now: datetime,
) -> None:
    """Keep what the models learned, in the place of what they knew before."""
    session.merge(
        ModelState(
            experiment_id=experiment_id,
            generation=generation,
            epoch=epoch,
            state=state,
            quality=quality,
            notes=list(notes),
            fit_s=fit_s,
            fitted_at=now,
        )
    )
