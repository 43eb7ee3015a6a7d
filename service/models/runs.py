"""Training runs, as SigOpt's AI module reports them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Json
from service.models.base import Base, id_, to

__all__ = ["Checkpoint", "File", "TrainingRun", "View"]


class TrainingRun(Base):
    """One run of a model, as SigOpt's AI module reports it; `document` is what runs accumulate by merging."""

    __tablename__ = "training_runs"
    __table_args__ = (sa.Index("ix_training_runs_client_id_project_id_id", "client_id", "project_id", "id"),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients")
    project_id: Mapped[int | None] = to("projects")
    experiment_id: Mapped[int | None] = to("experiments", index=True)
    suggestion_id: Mapped[int | None] = to("suggestions")
    observation_id: Mapped[int | None] = to("observations")
    name: Mapped[str] = mapped_column(sa.String(1000))
    state: Mapped[str] = mapped_column(sa.String(16), default="active")
    deleted: Mapped[bool] = mapped_column(default=False)
    favorite: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]]
    tags: Mapped[list[Any]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class Checkpoint(Base):
    """Values of a run on its way."""

    __tablename__ = "checkpoints"
    id: Mapped[int] = id_()
    training_run_id: Mapped[int] = to("training_runs", index=True)
    values: Mapped[list[Any]]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    created_at: Mapped[datetime]


class File(Base):
    """A picture or other file of a run; its bytes lie in a folder, under a name of ours."""

    __tablename__ = "files"
    id: Mapped[int] = id_()
    training_run_id: Mapped[int] = to("training_runs", index=True)
    name: Mapped[str | None] = mapped_column(sa.String(100))
    filename: Mapped[str] = mapped_column(sa.String(255))
    content_type: Mapped[str] = mapped_column(sa.String(255))
    content_length: Mapped[int]
    content_md5: Mapped[str] = mapped_column(sa.String(32))
    upload_key: Mapped[str] = mapped_column(sa.String(64))
    uploaded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class View(Base):
    """How somebody wants to see the runs of a project: filters, an order, columns. We keep it, we do not read it."""

    __tablename__ = "views"
    id: Mapped[int] = id_()
    project_id: Mapped[int] = to("projects", index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(100))
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
