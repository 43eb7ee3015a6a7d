"""Checkpoints: values of a run on its way, up to 200 of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.errors import NotFoundError, PermissionDeniedError
from service.models import Checkpoint, TrainingRun
from service.paging import Order, Page, Window, walk
from service.schemas.fields import LARGEST_NUMBER, Name, Strict, Tagged, check_unique, parse_model
from service.schemas.result import check_metadata

__all__ = ["MOST_CHECKPOINTS", "NewCheckpoint", "checked_checkpoint", "counts", "create", "find", "listed"]

MOST_CHECKPOINTS: Final = 200
_Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class _Value(Tagged):
    name: Name
    value: _Number
    value_stddev: Annotated[_Number, Field(ge=0)] | None = None


class NewCheckpoint(Strict):
    """The body that keeps the values of a run."""

    values: Annotated[list[_Value], Field(max_length=1000)]
    metadata: dict[str, Any] | None = None


def create(session: Session, run: TrainingRun, body: Mapping[str, Any], *, now: datetime) -> Checkpoint:
    """Keep the values of a run that is on its way; a run that has become an observation takes none any more."""
    columns = checked_checkpoint(parse_model(NewCheckpoint, body))
    session.refresh(run, with_for_update=True)  # of two at once the second counts the first
    if run.observation_id is not None:
        message = f"Training run {run.id} has already been used to create observation: {run.observation_id}. "
        raise PermissionDeniedError(f"{message}No new checkpoints can be created.")
    if counts(session, [run.id]).get(run.id, 0) >= MOST_CHECKPOINTS:
        raise PermissionDeniedError(f"Training run {run.id} cannot exceed {MOST_CHECKPOINTS} checkpoints.")
    checkpoint = Checkpoint(training_run_id=run.id, created_at=now, **columns)
    session.add(checkpoint)
    run.updated_at = now
    session.flush()
    return checkpoint


def checked_checkpoint(given: NewCheckpoint) -> dict[str, Any]:
    """Return what is stored of a checkpoint, held against the rules between its parts."""
    check_unique((value.name for value in given.values), ".values", "metric")
    values = sorted((value.model_dump() for value in given.values), key=lambda value: value["name"])
    return {"values": values, "meta": check_metadata(given.metadata)}


def counts(session: Session, run_ids: Sequence[int]) -> dict[int, int]:
    """Return how many checkpoints runs have, by their ids; those without any are not named."""
    rows = session.execute(
        sa.select(Checkpoint.training_run_id, sa.func.count())
        .where(Checkpoint.training_run_id.in_(run_ids))
        .group_by(Checkpoint.training_run_id)
    )
    return {row[0]: row[1] for row in rows}


def find(session: Session, checkpoint_id: int, *, run_id: int) -> Checkpoint:
    """Return a checkpoint of this run, or raise `NotFoundError`."""
    row = session.get(Checkpoint, checkpoint_id)
    if row is None or row.training_run_id != run_id:
        raise NotFoundError(f"No checkpoint {checkpoint_id} in training run {run_id}")
    return row


def listed(session: Session, window: Window, *, run_id: int) -> tuple[Page[Checkpoint], int]:
    """Return one page of a run's checkpoints, and how many there are in all."""
    mine = sa.select(Checkpoint).where(Checkpoint.training_run_id == run_id)
    return walk(session, mine, Order((), Checkpoint.id), window), counts(session, [run_id]).get(run_id, 0)
