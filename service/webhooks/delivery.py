"""Deliveries: made from an event, claimed when due, moved on by what an attempt came to, replayed by hand.

Stops "fan out" and "deliver" of the webhook journey: tasks.relay calls `fan_out`, tasks.deliver the rest. The row is
the truth: `next_attempt_at` says when it is due, `lease_until` that somebody is sending it now. Whoever changes an
endpoint's deliveries locks the endpoint first; so two processes neither take the same one nor wait for each other in
a ring, and no more than two are on their way to one receiver.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from secrets import token_hex
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import insert_new
from service.errors import ConflictError, NotFoundError
from service.events import PUBLIC, EventType
from service.models import Attempt, Delivery, Endpoint, Event
from service.webhooks.endpoints import DeliveryState, EndpointState, disable
from service.webhooks.outcomes import Failed, Outcome, Succeeded
from service.webhooks.payloads import body_of

__all__ = [
    "GIVE_UP_AFTER",
    "LEASE",
    "MAX_IN_FLIGHT",
    "MAX_RETRY_AFTER",
    "SCHEDULE",
    "Prepared",
    "Told",
    "claim_due",
    "fan_out",
    "has_due",
    "history",
    "record_outcome",
    "replay",
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
#: After this a delivery whose sender was not heard of is sent again: well beyond the deadline of a call.
LEASE: Final = timedelta(seconds=60)
MAX_IN_FLIGHT: Final = 2
_GONE: Final = 410


@dataclass(frozen=True)
class Prepared:
    """All that is needed to send one delivery. The claim is the sender's until `lease_until`."""

    delivery_id: int
    endpoint_id: int
    message_id: str
    url: str = field(repr=False)  # an address may hold a key
    body: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    lease_until: datetime


@dataclass(frozen=True)
class Told:
    """One delivery with its history, for people."""

    delivery: Delivery
    event_type: str
    attempts: Sequence[Attempt]


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


def has_due(session: Session, now: datetime) -> bool:
    """Whether `claim_due` may find something: a look that takes no lock."""
    return session.scalar(sa.select(sa.true()).where(_due_endpoints(now).exists())) is not None


def claim_due(session: Session, now: datetime, limit: int) -> list[Prepared]:
    """Take up to `limit` deliveries that are due, the longest waiting endpoints first, two at a time to each endpoint.

    The lease is stored as the next time the delivery is due: a sender that dies needs no one to notice.
    """
    if limit < 1:
        return []
    endpoints = {row.id: row for row in session.scalars(_claimable(now, limit))}
    taken = _first_due(session, endpoints, now)[:limit]
    if not taken:
        return []
    session.execute(
        sa.update(Delivery)
        .where(Delivery.id.in_([delivery.id for delivery in taken]))
        .values(lease_until=now + LEASE, next_attempt_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return [_prepared(delivery, endpoints[delivery.endpoint_id], now + LEASE) for delivery in taken]


def _due_endpoints(now: datetime) -> sa.Select[int, datetime | None]:
    return (
        sa.select(Endpoint.id, sa.func.min(Delivery.next_attempt_at).label("oldest"))
        .join(Delivery, Delivery.endpoint_id == Endpoint.id)
        .where(_is_due(now), Endpoint.state == EndpointState.ACTIVE.value, Endpoint.id.not_in(_busy(now)))
        .group_by(Endpoint.id)
    )


def _claimable(now: datetime, limit: int) -> sa.Select[Endpoint]:
    """Lock the endpoints that are due; one that another process has in hand is passed by."""
    due = _due_endpoints(now).subquery()
    return (
        sa.select(Endpoint)
        .join(due, due.c.id == Endpoint.id)
        .order_by(due.c.oldest, Endpoint.id)
        .limit(limit)
        .with_for_update(of=Endpoint, key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Delivery.state == DeliveryState.PENDING.value, Delivery.next_attempt_at <= now)


def _in_flight(now: datetime) -> sa.Select[int, int]:
    return (
        sa.select(Delivery.endpoint_id, sa.func.count(Delivery.id))
        .where(
            Delivery.state == DeliveryState.PENDING.value,
            # Lets the index find them; twice, since another process may have read the clock a little later.
            Delivery.next_attempt_at.between(now, now + 2 * LEASE),
            Delivery.lease_until > now,
        )
        .group_by(Delivery.endpoint_id)
    )


def _busy(now: datetime) -> sa.Select[int]:
    return _in_flight(now).having(sa.func.count(Delivery.id) >= MAX_IN_FLIGHT).with_only_columns(Delivery.endpoint_id)


def _first_due(session: Session, endpoint_ids: Collection[int], now: datetime) -> list[Delivery]:
    """Return the due deliveries that fit into their endpoint's share; each endpoint's first comes before any second.

    This is a statement of its own: it sees what was committed before the endpoints were locked, and they are locked.
    """
    ids = list(endpoint_ids)
    in_flight = {row[0]: row[1] for row in session.execute(_in_flight(now))}
    place = sa.func.row_number().over(
        partition_by=Delivery.endpoint_id, order_by=(Delivery.next_attempt_at, Delivery.id)
    )
    ranked = sa.select(Delivery.id, place.label("place")).where(Delivery.endpoint_id.in_(ids), _is_due(now)).subquery()
    rows = session.execute(
        sa.select(Delivery, ranked.c.place)
        .join(ranked, ranked.c.id == Delivery.id)
        .where(ranked.c.place <= MAX_IN_FLIGHT)
        .order_by(ranked.c.place, Delivery.next_attempt_at, Delivery.id)
        .execution_options(populate_existing=True)
    )
    return [row for row, place in rows if place <= MAX_IN_FLIGHT - in_flight.get(row.endpoint_id, 0)]


def _prepared(delivery: Delivery, endpoint: Endpoint, lease_until: datetime) -> Prepared:
    return Prepared(
        delivery_id=delivery.id,
        endpoint_id=endpoint.id,
        message_id=delivery.message_id,
        url=endpoint.url,
        body=delivery.body,
        secrets=(endpoint.secret,),
        lease_until=lease_until,
    )


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


def replay(session: Session, delivery_id: int, *, client_id: int, now: datetime) -> Delivery:
    """Send a delivery again from the start of the schedule, under the same message id, whatever became of it."""
    row = session.execute(
        sa.select(Delivery, Endpoint)
        .join(Endpoint, Endpoint.id == Delivery.endpoint_id)
        .where(Delivery.id == delivery_id, Endpoint.client_id == client_id)
        .with_for_update(of=Endpoint, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"No delivery {delivery_id}", delivery=str(delivery_id))
    delivery, endpoint = row
    if endpoint.state != EndpointState.ACTIVE:
        raise ConflictError(f"webhook {endpoint.id} is {endpoint.state}: nothing is sent to it", state=endpoint.state)
    if delivery.state == DeliveryState.PENDING and delivery.lease_until is not None and delivery.lease_until > now:
        return delivery  # it is being sent at this moment
    delivery.state = DeliveryState.PENDING.value
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.lease_until = delivery.delivered_at = None
    session.flush()
    return delivery


def history(session: Session, endpoint: Endpoint, *, limit: int, before: int | None = None) -> tuple[list[Told], int]:
    """Return up to `limit` deliveries of `endpoint` with their attempts, newest first, and how many there are."""
    mine = sa.select(Delivery, Event.type).join(Event).where(Delivery.endpoint_id == endpoint.id)
    count = session.scalar(sa.select(sa.func.count()).where(Delivery.endpoint_id == endpoint.id)) or 0
    page = mine if before is None else mine.where(Delivery.id < before)
    rows = session.execute(page.order_by(Delivery.id.desc()).limit(limit)).all()
    attempts: dict[int, list[Attempt]] = {delivery.id: [] for delivery, _ in rows}
    for attempt in session.scalars(
        sa.select(Attempt).where(Attempt.delivery_id.in_(attempts)).order_by(Attempt.number, Attempt.id)
    ):
        attempts[attempt.delivery_id].append(attempt)
    return [Told(delivery, kind, attempts[delivery.id]) for delivery, kind in rows], count
