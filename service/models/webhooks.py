"""What happened, and who wants to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base, id_, to

__all__ = ["Attempt", "Delivery", "Endpoint", "Event"]

_waiting = sa.text("relayed_at IS NULL")


class Event(Base):
    """Something that happened, written with the change itself: the outbox, the history, what live pages follow."""

    __tablename__ = "events"
    __table_args__ = (sa.Index("ix_events_waiting", "id", postgresql_where=_waiting, sqlite_where=_waiting),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients")
    experiment_id: Mapped[int | None] = to("experiments", index=True)
    type: Mapped[str] = mapped_column(sa.String(64))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]


class Endpoint(Base):
    """An address that wants to be told: of one experiment or of all of a client's."""

    __tablename__ = "endpoints"
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients", index=True)
    experiment_id: Mapped[int | None] = to("experiments")
    url: Mapped[str] = mapped_column(sa.Text())
    secret: Mapped[str] = mapped_column(sa.String(128))
    old_secret: Mapped[str | None] = mapped_column(sa.String(128))
    old_secret_until: Mapped[datetime | None]
    description: Mapped[str | None] = mapped_column(sa.String(500))
    event_types: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(sa.String(16), default="active")
    failing_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Delivery(Base):
    """One event on its way to one endpoint. `message_id` and `body` are the same at every attempt."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "event_id"),
        sa.Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
        sa.Index("ix_deliveries_endpoint_id_state_next_attempt_at", "endpoint_id", "state", "next_attempt_at"),
    )
    id: Mapped[int] = id_()
    endpoint_id: Mapped[int] = to("endpoints")
    event_id: Mapped[int] = to("events")
    message_id: Mapped[str] = mapped_column(sa.String(64), unique=True)
    body: Mapped[str] = mapped_column(sa.Text())
    state: Mapped[str] = mapped_column(sa.String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class Attempt(Base):
    """One try of a delivery: when, how long, what came back."""

    __tablename__ = "attempts"
    id: Mapped[int] = id_()
    delivery_id: Mapped[int] = to("deliveries", index=True)
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_s: Mapped[float]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(sa.Text())
