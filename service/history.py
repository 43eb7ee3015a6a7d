"""What is kept for a while only: events that everybody has seen, and what became of their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Attempt, Delivery, Event

__all__ = ["clear"]

#: Rows of each table in one transaction, so that nobody waits long for it.
_AT_ONCE: Final = 1000


def clear(session: Session, *, before: datetime) -> int:
    """Delete a part of the finished deliveries and relayed events of before `before`. Return how many rows went.

    A delivery that is still being tried stays, with its event.
    """
    is_over = sa.and_(Delivery.created_at < before, Delivery.state != "pending")
    deliveries = session.scalars(sa.select(Delivery.id).where(is_over).order_by(Delivery.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(Attempt).where(Attempt.delivery_id.in_(deliveries)))
    session.execute(sa.delete(Delivery).where(Delivery.id.in_(deliveries)))
    is_waited_for = sa.exists().where(Delivery.event_id == Event.id)
    old = sa.select(Event.id).where(Event.created_at < before, Event.relayed_at.is_not(None), ~is_waited_for)
    events = session.scalars(old.order_by(Event.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(Event).where(Event.id.in_(events)))
    return len(deliveries) + len(events)
