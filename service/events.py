"""Events: what happened, recorded in the caller's transaction. The relay reads them after the commit (tasks/relay.py).

One row serves four readers: the relay's table of follow-ups, webhooks, live pages, the experiment's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Event

__all__ = ["PUBLIC", "RECORDED", "EventType", "are_waiting", "claim_waiting", "record"]

#: Key of `session.info` that says that events were recorded in this transaction.
RECORDED: Final = "events_recorded"


class EventType(StrEnum):
    """Every kind of event. Those in `PUBLIC` go to webhooks."""

    EXPERIMENT_CREATED = "experiment.created"
    EXPERIMENT_CHANGED = "experiment.changed"
    OBSERVATION_RECORDED = "observation.recorded"
    OBSERVATION_CORRECTED = "observation.corrected"
    POOL_LOW = "pool.low"
    FRONT_CHANGED = "front.changed"
    SUGGESTION_READY = "suggestion.ready"
    SUGGESTION_EXPIRED = "suggestion.expired"
    MODEL_DEGRADED = "model.degraded"
    WEBHOOK_PING = "webhook.ping"
    ENDPOINT_DISABLED = "endpoint.disabled"


#: What a webhook endpoint may subscribe to.
PUBLIC = frozenset(
    {
        EventType.FRONT_CHANGED,
        EventType.SUGGESTION_READY,
        EventType.SUGGESTION_EXPIRED,
        EventType.MODEL_DEGRADED,
        EventType.WEBHOOK_PING,
        EventType.ENDPOINT_DISABLED,
    }
)


def record(
    session: Session,
    kind: EventType,
    *,
    client_id: int,
    experiment_id: int | None,
    data: dict[str, Any],
    now: datetime,
) -> Event:
    """Add an event to the caller's transaction: it exists exactly if the change does."""
    event = Event(client_id=client_id, experiment_id=experiment_id, type=kind.value, data=data, created_at=now)
    session.add(event)
    session.info[RECORDED] = True  # the door that commits sends one nudge for all of them
    return event


def are_waiting(session: Session) -> bool:
    """Whether there are events that no relay has taken."""
    return bool(session.scalar(_ARE_WAITING))


_ARE_WAITING: Final = sa.select(sa.exists().where(Event.relayed_at.is_(None)))


def claim_waiting(session: Session, *, now: datetime, limit: int = 200) -> Sequence[Event]:
    """Take the oldest events that no relay has taken, in order, and mark them as taken in the same transaction."""
    waiting = session.scalars(
        sa.select(Event)
        .where(Event.relayed_at.is_(None))
        .order_by(Event.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for event in waiting:
        event.relayed_at = now
    return waiting
