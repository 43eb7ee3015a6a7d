"""Claims: which deliveries are due, and who sends them now.

Stop "deliver" of the webhook journey; tasks.deliver asks. The row is the truth: `next_attempt_at` says when a delivery
is due, `lease_until` that somebody is sending it. The endpoint is locked while its deliveries are claimed, so two
processes never take the same one, and no more than two are on their way to one receiver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import UtcDateTime
from service.models import Client, Delivery, Endpoint
from service.webhooks.endpoints import DeliveryState, EndpointState

__all__ = ["LEASE", "MAX_IN_FLIGHT", "Prepared", "claim_due", "has_due"]

#: After this a delivery whose sender was not heard of is sent again: well beyond the deadline of a call.
LEASE: Final = timedelta(seconds=60)
#: Calls to one endpoint at a time.
MAX_IN_FLIGHT: Final = 2


@dataclass(frozen=True)
class Prepared:
    """All that is needed to send one delivery. The claim is the sender's until `lease_until`."""

    delivery_id: int
    endpoint_id: int
    message_id: str
    url: str = field(repr=False)  # an address may hold a key
    body: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)  # as they are stored: sealed
    lease_until: datetime
    is_failing: bool  # the last that was heard of its endpoint was a failure


# The statements are built once: they run several times a delivery, and to build them costs more than to run them.

_NOW: Final = sa.bindparam("now", type_=UtcDateTime())
_HORIZON: Final = sa.bindparam("horizon", type_=UtcDateTime())

#: A client that was put away is told nothing more, not even what was on its way.
_IS_ACTIVE: Final = sa.and_(
    Endpoint.state == EndpointState.ACTIVE.value,
    sa.exists().where(Client.id == Endpoint.client_id, Client.deleted_at.is_(None)),
)
_IS_PENDING: Final = Delivery.state == DeliveryState.PENDING.value
_IS_DUE: Final = sa.and_(_IS_PENDING, Delivery.next_attempt_at <= _NOW)

#: How many are on their way to each endpoint. The horizon lets the index find them.
_IN_FLIGHT: Final = (
    sa.select(Delivery.endpoint_id, sa.func.count(Delivery.id))
    .where(_IS_PENDING, Delivery.next_attempt_at.between(_NOW, _HORIZON), Delivery.lease_until > _NOW)
    .group_by(Delivery.endpoint_id)
)
_BUSY: Final = _IN_FLIGHT.having(sa.func.count(Delivery.id) >= MAX_IN_FLIGHT).with_only_columns(Delivery.endpoint_id)
_DUE: Final = (
    sa.select(Endpoint.id, sa.func.min(Delivery.next_attempt_at).label("oldest"))
    .join(Delivery, Delivery.endpoint_id == Endpoint.id)
    .where(_IS_DUE, _IS_ACTIVE, Endpoint.id.not_in(_BUSY))
    .group_by(Endpoint.id)
    .subquery()
)
_ANY_DUE: Final = sa.select(sa.true()).where(sa.select(_DUE.c.id).exists())
#: The endpoints to lock, those in good health first; one that another process has in hand is passed by.
_CLAIMABLE: Final = (
    sa.select(Endpoint)
    .join(_DUE, _DUE.c.id == Endpoint.id)
    .where(_IS_ACTIVE)
    .order_by(Endpoint.failing_since.is_not(None), _DUE.c.oldest, Endpoint.id)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
    .with_for_update(of=Endpoint, key_share=True, skip_locked=True)
    .execution_options(populate_existing=True)
)
_RANKED: Final = (
    sa.select(
        Delivery.id,
        sa.func.row_number()
        .over(partition_by=Delivery.endpoint_id, order_by=(Delivery.next_attempt_at, Delivery.id))
        .label("place"),
    )
    .where(Delivery.endpoint_id.in_(sa.bindparam("endpoint_ids", expanding=True)), _IS_DUE)
    .subquery()
)
#: Each endpoint's first comes before any second.
_FIRST_DUE: Final = (
    sa.select(Delivery, _RANKED.c.place)
    .join(_RANKED, _RANKED.c.id == Delivery.id)
    .where(_RANKED.c.place <= MAX_IN_FLIGHT)
    .order_by(_RANKED.c.place, Delivery.next_attempt_at, Delivery.id)
    .execution_options(populate_existing=True)
)


def has_due(session: Session, now: datetime) -> bool:
    """Whether `claim_due` may find something: a look that takes no lock."""
    return session.scalar(_ANY_DUE, _times(now)) is not None


def claim_due(session: Session, now: datetime, limit: int, *, failing_limit: int | None = None) -> list[Prepared]:
    """Take up to `limit` deliveries that are due, the longest waiting endpoints first, two at a time to each endpoint.

    Endpoints that fail come last and get no more than `failing_limit`: they are the ones that keep a caller waiting.
    The lease is stored as the next time the delivery is due: a sender that dies needs no one to notice.
    """
    if limit < 1:
        return []
    endpoints = {row.id: row for row in session.scalars(_CLAIMABLE, {**_times(now), "limit": limit})}
    due = _first_due(session, list(endpoints), now)
    healthy = [delivery for delivery in due if endpoints[delivery.endpoint_id].failing_since is None]
    failing = [delivery for delivery in due if endpoints[delivery.endpoint_id].failing_since is not None]
    taken = [*healthy, *failing[:failing_limit]][:limit]
    if not taken:
        return []
    session.execute(
        sa.update(Delivery)
        .where(Delivery.id.in_([delivery.id for delivery in taken]))
        .values(lease_until=now + LEASE, next_attempt_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return [_prepared(delivery, endpoints[delivery.endpoint_id], now) for delivery in taken]


def _times(now: datetime) -> dict[str, Any]:
    # Twice the lease: another process may have read the clock a little later.
    return {"now": now, "horizon": now + 2 * LEASE}


def _first_due(session: Session, endpoint_ids: list[int], now: datetime) -> list[Delivery]:
    """Return the due deliveries that fit into their endpoint's share of calls.

    These statements come after the lock, and so see all that was committed before it.
    """
    if not endpoint_ids:
        return []
    in_flight = {row[0]: row[1] for row in session.execute(_IN_FLIGHT, _times(now))}
    rows = session.execute(_FIRST_DUE, {**_times(now), "endpoint_ids": endpoint_ids})
    return [row for row, place in rows if place <= MAX_IN_FLIGHT - in_flight.get(row.endpoint_id, 0)]


def _prepared(delivery: Delivery, endpoint: Endpoint, now: datetime) -> Prepared:
    return Prepared(
        delivery_id=delivery.id,
        endpoint_id=endpoint.id,
        message_id=delivery.message_id,
        url=endpoint.url,
        body=delivery.body,
        secrets=_secrets(endpoint, now),
        lease_until=now + LEASE,
        is_failing=endpoint.failing_since is not None,
    )


def _secrets(endpoint: Endpoint, now: datetime) -> tuple[str, ...]:
    """Return what to sign with: the secret, and for a while after a change of it the one before."""
    if endpoint.old_secret is None or endpoint.old_secret_until is None or endpoint.old_secret_until <= now:
        return (endpoint.secret,)
    return (endpoint.secret, endpoint.old_secret)
