"""Deliveries: made from an event, moved on by what an attempt came to.

Stops "fan out" and "store" of the webhook journey: tasks.relay calls `fan_out`, tasks.deliver `record_outcome`. Whoever
changes an endpoint's deliveries locks the endpoint first; so two processes never wait for each other in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from secrets import token_hex
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import insert_new
from service.events import PUBLIC, EventType
from service.models import Attempt, Client, Delivery, Endpoint, Event
from service.webhooks.claims import Prepared
from service.webhooks.endpoints import DeliveryState, EndpointState, disable
from service.webhooks.outcomes import Failed, Outcome, Succeeded
from service.webhooks.payloads import body_of

__all__ = [
    "GIVE_UP_AFTER",
    "MAX_RETRY_AFTER",
    "SCHEDULE",
    "fan_out",
    "record_outcome",
]

#: How long each attempt waits after the one before it: ten attempts in 75 h 35 min 5 s.
SCHEDULE: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: Each wait is this much longer or shorter by chance, so that what failed together does not come back together.
JITTER: Final = 0.1
#: A receiver's Retry-After is honoured up to this.
MAX_RETRY_AFTER: Final = timedelta(hours=24)
#: An endpoint of which nothing but failures was heard for this long is disabled.
GIVE_UP_AFTER: Final = timedelta(days=5)
_GONE: Final = 410


def fan_out(session: Session, event: Event, now: datetime) -> int:
    """Make a delivery of `event` for each endpoint that wants it; return how many are new. A second time makes none."""
    if event.type not in PUBLIC:
        return 0
    wanted = [endpoint.id for endpoint in _listeners(session, event) if _wants(endpoint, event)]
    body = body_of(event)
    rows = [
        {
            "endpoint_id": endpoint_id,
            "event_id": event.id,
            "message_id": f"msg_{token_hex(16)}",
            "body": body,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "next_attempt_at": now + SCHEDULE[0],
            "created_at": now,
        }
        for endpoint_id in wanted
    ]
    return len(insert_new(session, Delivery, rows, unique=["endpoint_id", "event_id"], returning=["id"]))


def _listeners(session: Session, event: Event) -> Sequence[Endpoint]:
    # FOR SHARE: an endpoint that is being disabled right now is waited for, so that it gets no delivery that would
    # stay pending for ever.
    return session.scalars(
        sa.select(Endpoint)
        .where(
            Endpoint.client_id == event.client_id,
            Endpoint.state == EndpointState.ACTIVE.value,
            sa.exists().where(Client.id == Endpoint.client_id, Client.deleted_at.is_(None)),
            sa.or_(Endpoint.experiment_id.is_(None), Endpoint.experiment_id == event.experiment_id),
        )
        .order_by(Endpoint.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).all()


def _wants(endpoint: Endpoint, event: Event) -> bool:
    if event.type == EventType.WEBHOOK_PING:
        return event.data.get("webhook") == str(endpoint.id)
    return not endpoint.event_types or event.type in endpoint.event_types


def record_outcome(session: Session, prepared: Prepared, outcome: Outcome, now: datetime, *, rng: Random) -> None:
    """Store the attempt and move its delivery on: delivered, due again by the schedule, exhausted, or cancelled.

    If the lease has passed to somebody else meanwhile, a failure only leaves its attempt: what follows is the other's
    to say. A success is a success whoever reports it.
    """
    endpoint = session.get_one(
        Endpoint, prepared.endpoint_id, with_for_update={"key_share": True}, populate_existing=True
    )
    delivery = session.get_one(Delivery, prepared.delivery_id, with_for_update=True, populate_existing=True)
    _add_attempt(session, prepared, outcome, now)
    if isinstance(outcome, Succeeded):
        endpoint.failing_since = None
        _mark_delivered(delivery, now)
    else:
        held = delivery.state == DeliveryState.PENDING and delivery.lease_until == prepared.lease_until
        endpoint.failing_since = endpoint.failing_since or now
        if held:
            _reschedule(delivery, outcome, now, rng)
        _give_up(session, endpoint, outcome, now)
    session.flush()


def _add_attempt(session: Session, prepared: Prepared, outcome: Outcome, now: datetime) -> None:
    before = sa.select(sa.func.count(Attempt.id)).where(Attempt.delivery_id == prepared.delivery_id)
    session.add(
        Attempt(
            delivery_id=prepared.delivery_id,
            number=(session.scalar(before) or 0) + 1,
            started_at=now - timedelta(seconds=outcome.duration_s),
            duration_s=outcome.duration_s,
            status_code=outcome.status_code,
            error=outcome.error if isinstance(outcome, Failed) else None,
        )
    )


def _mark_delivered(delivery: Delivery, now: datetime) -> None:
    delivery.attempts += 1
    delivery.state = DeliveryState.DELIVERED.value
    delivery.delivered_at = delivery.delivered_at or now
    delivery.next_attempt_at = delivery.lease_until = None


def _reschedule(delivery: Delivery, failed: Failed, now: datetime, rng: Random) -> None:
    delivery.attempts += 1
    delivery.lease_until = None
    if delivery.attempts >= len(SCHEDULE):
        delivery.state = DeliveryState.EXHAUSTED.value
        delivery.next_attempt_at = None
        return
    wait = SCHEDULE[delivery.attempts] * rng.uniform(1 - JITTER, 1 + JITTER)
    asked = min(failed.retry_after or timedelta(0), MAX_RETRY_AFTER)
    delivery.next_attempt_at = now + max(wait, asked)


def _give_up(session: Session, endpoint: Endpoint, failed: Failed, now: datetime) -> None:
    if endpoint.state != EndpointState.ACTIVE or endpoint.failing_since is None:
        return
    if failed.status_code == _GONE:
        disable(session, endpoint, reason="it answered 410 Gone", now=now)
    elif now - endpoint.failing_since >= GIVE_UP_AFTER:
        disable(session, endpoint, reason=f"every attempt of {GIVE_UP_AFTER.days} days failed", now=now)
