"""What became of deliveries: told to people, and sent again when they ask for it.

Whoever sends again locks the endpoint first, as all do that change its deliveries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError, NotFoundError
from service.models import Attempt, Delivery, Endpoint, Event
from service.paging import Order, Page, Window, count_of, walk
from service.webhooks.endpoints import DeliveryState, EndpointState, locked

__all__ = ["Asked", "Told", "history", "one_of", "replay", "replay_failed"]

_LOST: Final = (DeliveryState.EXHAUSTED.value, DeliveryState.CANCELLED.value)


@dataclass(frozen=True)
class Told:
    """One delivery with its history, for people."""

    delivery: Delivery
    event_type: str
    attempts: Sequence[Attempt]


@dataclass(frozen=True)
class Asked:
    """Which of an endpoint's deliveries are wanted; what is None does not narrow them."""

    state: DeliveryState | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def narrow(self, query: sa.Select[Delivery, str]) -> sa.Select[Delivery, str]:
        """Return `query`, which joins deliveries and events, for these alone."""
        if self.state is not None:
            query = query.where(Delivery.state == self.state.value)
        if self.event_type is not None:
            query = query.where(Event.type == self.event_type)
        if self.since is not None:
            query = query.where(Delivery.created_at >= self.since)
        return query if self.until is None else query.where(Delivery.created_at < self.until)


def _of(endpoint: Endpoint) -> sa.Select[Delivery, str]:
    return sa.select(Delivery, Event.type).join(Event).where(Delivery.endpoint_id == endpoint.id)


def history(
    session: Session, endpoint: Endpoint, window: Window, *, asked: Asked | None = None
) -> tuple[Page[Told], int]:
    """Return one page of the deliveries of `endpoint`, with their attempts, and how many there are in all."""
    mine = (asked or Asked()).narrow(_of(endpoint))
    page = walk(session, mine, Order((), Delivery.id), window)
    count = count_of(session, mine.with_only_columns(Delivery.id))
    return Page(tuple(_told(session, page.rows)), page.before, page.after), count


def one_of(session: Session, endpoint: Endpoint, delivery_id: int) -> Told:
    """Return one delivery of `endpoint` with its attempts, or raise `NotFoundError`."""
    for told in _told(session, session.execute(_of(endpoint).where(Delivery.id == delivery_id)).all()):
        return told
    raise NotFoundError(f"No delivery {delivery_id} of webhook {endpoint.id}", delivery=str(delivery_id))


def _told(session: Session, rows: Sequence[Any]) -> list[Told]:
    attempts: dict[int, list[Attempt]] = {delivery.id: [] for delivery, _ in rows}
    for attempt in session.scalars(
        sa.select(Attempt).where(Attempt.delivery_id.in_(attempts)).order_by(Attempt.number, Attempt.id)
    ):
        attempts[attempt.delivery_id].append(attempt)
    return [Told(delivery, kind, attempts[delivery.id]) for delivery, kind in rows]


def replay(
    session: Session, delivery_id: int, *, endpoint_id: int, client_id: int, now: datetime, only: int | None = None
) -> Told:
    """Send a delivery again from the start of the schedule, under the same message id, whatever became of it."""
    endpoint = _listening(session, endpoint_id, client_id, only)
    told = one_of(session, endpoint, delivery_id)
    delivery = told.delivery
    if delivery.state == DeliveryState.PENDING and delivery.lease_until is not None and delivery.lease_until > now:
        return told  # it is being sent at this moment
    delivery.state = DeliveryState.PENDING.value
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.lease_until = delivery.delivered_at = None
    session.flush()
    return told


def replay_failed(
    session: Session,
    endpoint_id: int,
    *,
    client_id: int,
    now: datetime,
    since: datetime | None = None,
    only: int | None = None,
) -> int:
    """Send again what was made since then and never arrived: the last attempt failed, or the endpoint was given up."""
    endpoint = _listening(session, endpoint_id, client_id, only)
    lost = sa.update(Delivery).where(Delivery.endpoint_id == endpoint.id, Delivery.state.in_(_LOST))
    sent = session.execute(
        (lost if since is None else lost.where(Delivery.created_at >= since))
        .values(state=DeliveryState.PENDING.value, attempts=0, next_attempt_at=now, lease_until=None)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(sent.all())


def _listening(session: Session, endpoint_id: int, client_id: int, only: int | None) -> Endpoint:
    endpoint = locked(session, endpoint_id, client_id=client_id, only=only)
    if endpoint.state != EndpointState.ACTIVE:
        message = f"webhook {endpoint.id} is {endpoint.state}: nothing is sent to it; PUT it with state active first"
        raise ConflictError(message, field="state")
    return endpoint
