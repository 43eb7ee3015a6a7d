"""What workers computed last: fronts, models, importances."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from service.models.base import Base, id_, to

__all__ = ["Front", "Importances", "ModelState"]


class Front(Base):
    """The Pareto front after a change of it. The newest row holds the points, the older ones only their facts.

    `progress` is the hypervolume after each configuration, `[[observations, hypervolume], ...]`, all against the
    reference point of this row, so that the curve can be compared with itself.
    """

    __tablename__ = "fronts"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "generation"),)
    id: Mapped[int] = id_()
    experiment_id: Mapped[int] = to("experiments")
    generation: Mapped[int]
    observation_count: Mapped[int]
    size: Mapped[int]
    feasible_count: Mapped[int]
    infeasible_count: Mapped[int]
    hypervolume: Mapped[float | None]
    ref_point: Mapped[list[Any]]
    points: Mapped[list[Any] | None]
    progress: Mapped[list[Any] | None]
    created_at: Mapped[datetime]


class ModelState(Base):
    """What an experiment's models learned last: enough to start the next fit from, and to say how good they are."""

    __tablename__ = "model_states"
    experiment_id: Mapped[int] = to("experiments", primary_key=True)
    generation: Mapped[int]
    epoch: Mapped[int]
    state: Mapped[dict[str, Any]]
    quality: Mapped[dict[str, Any]]
    notes: Mapped[list[Any]]
    fit_s: Mapped[float]
    fitted_at: Mapped[datetime]


class Importances(Base):
    """How much each parameter matters for each metric, as a worker computed it last."""

    __tablename__ = "importances"
    experiment_id: Mapped[int] = to("experiments", primary_key=True)
    generation: Mapped[int]
    by_metric: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
