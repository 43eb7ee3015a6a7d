"""Whose things these are: clients, their projects and tags, their keys, and what is remembered for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Json
from service.models.base import Base, id_, to

__all__ = ["Client", "Note", "Project", "Remembered", "ServiceKey", "Tag", "Token"]


class Client(Base):
    """A team: whose experiments and tokens these are."""

    __tablename__ = "clients"
    id: Mapped[int] = id_()
    name: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Project(Base):
    """A folder of a client's experiments and runs, called by the reference that people chose."""

    __tablename__ = "projects"
    __table_args__ = (sa.UniqueConstraint("client_id", "reference"),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients")
    reference: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(100))
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    deleted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Note(Base):
    """What people wrote about a project; each writing is a version of its own, the newest counts."""

    __tablename__ = "notes"
    id: Mapped[int] = id_()
    project_id: Mapped[int] = to("projects", index=True)
    contents: Mapped[str] = mapped_column(sa.Text())
    created_at: Mapped[datetime]


class Tag(Base):
    """A word with a colour that runs can carry."""

    __tablename__ = "tags"
    __table_args__ = (sa.UniqueConstraint("client_id", "name"),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients")
    name: Mapped[str] = mapped_column(sa.String(100))
    color: Mapped[str] = mapped_column(sa.String(7))
    created_at: Mapped[datetime]


class Token(Base):
    """A key to the API. Only its digest is kept; `prefix` is what people may see of it again.

    `scopes` is what it may do; `project_id`, `experiment_id` and `training_run_id` narrow what it may do it to. A
    rotated token names its successor and lasts until the overlap ends.
    """

    __tablename__ = "tokens"
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients", index=True)
    project_id: Mapped[int | None] = to("projects")
    experiment_id: Mapped[int | None] = to("experiments")
    training_run_id: Mapped[int | None] = to("training_runs")
    type: Mapped[str] = mapped_column(sa.String(16), default="client-api")
    name: Mapped[str] = mapped_column(sa.String(100))
    prefix: Mapped[str] = mapped_column(sa.String(16))
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lease_s: Mapped[int | None]
    revoked_at: Mapped[datetime | None]
    successor_id: Mapped[int | None] = to("tokens")


class ServiceKey(Base):
    """A key of the service's own, made at its first start: what signs the cookies of the pages."""

    __tablename__ = "service_keys"
    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(128))
    created_at: Mapped[datetime]


class Remembered(Base):
    """The reply to a request that came with an Idempotency-Key, so that the same request gets the same reply."""

    __tablename__ = "remembered"
    __table_args__ = (sa.UniqueConstraint("client_id", "key"),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients")
    key: Mapped[str] = mapped_column(sa.String(255))
    request_hash: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(sa.Text())
    created_at: Mapped[datetime] = mapped_column(index=True)
