"""What making and changing an experiment share: metadata, the project, the budget of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import InvalidInputError
from service.models import Experiment, Project
from service.schemas.experiment import Definition
from service.schemas.grids import grid_size

__all__ = ["assigned", "grid_budget", "said", "touch"]


def said(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return metadata without what is null in it."""
    return None if metadata is None else {key: value for key, value in metadata.items() if value is not None}


def assigned(session: Session, reference: str, *, client_id: int, now: datetime) -> Project:
    """Return the project that an experiment is given to, as changed now."""
    project = session.scalars(
        sa.select(Project).where(Project.client_id == client_id, Project.reference == reference)
    ).one_or_none()
    if project is None:
        message = f"Could not assign to project `{reference[:40]}`, the project does not exist."
        raise InvalidInputError(message, field=".project", expected="the id of a project")
    project.updated_at = now
    return project


def touch(session: Session, experiment: Experiment, *, now: datetime) -> None:
    """Date the project of an experiment as changed with it."""
    if experiment.project_id is not None:
        session.execute(sa.update(Project).where(Project.id == experiment.project_id).values(updated_at=now))


def grid_budget(definition: Definition, given: int | None) -> int:
    """Return the number of combinations; refuse a budget that says otherwise."""
    size = grid_size(definition)
    if given not in (None, size):
        message = f"The budget of an experiment of type grid is the number of its combinations, {size}, not {given}"
        raise InvalidInputError(message, field=".observation_budget", expected=str(size))
    return size
