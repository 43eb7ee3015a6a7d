"""Endpoints: the addresses that want to be told. Made, looked up, tried out (`ping`), disabled and deleted.

Stop "create" of the webhook journey. `Endpoint.secret` is for signing, sealed by `service.sealing` (where there
is a key); the doors show it once, at creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError, NotFoundError, did_you_mean
from service.events import PUBLIC, EventType, record
from service.models import Delivery, Endpoint, Event, Experiment
from service.paging import Order, Page, Window, count_of, walk
from service.sealing import Seal
from service.webhooks import targets
from service.webhooks.signing import new_secret

__all__ = [
    "MAX_ENDPOINTS",
    "DeliveryState",
    "EndpointState",
    "cancel",
    "create",
    "delete",
    "delete_all",
    "disable",
    "find",
    "known_types",
    "listed",
    "locked",
    "ping",
]

#: Endpoints a client may have at a time: each event costs one delivery an endpoint.
MAX_ENDPOINTS: Final = 100


class EndpointState(StrEnum):
    """Whether an endpoint is told anything. A disabled one was given up: it said 410 Gone, or failed for days."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class DeliveryState(StrEnum):
    """Where a delivery is: `exhausted` after the last attempt failed, `cancelled` when its endpoint was given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


def create(
    session: Session,
    *,
    client_id: int,
    experiment_id: int | None,
    url: str,
    event_types: Iterable[str],
    now: datetime,
    allowed_private_hosts: Set[str],
    seal: Seal,
    description: str | None = None,
) -> Endpoint:
    """Add an endpoint for the events of `experiment_id`, or of all the client's experiments; none given: all types."""
    kinds = known_types(event_types)
    target = targets.check(url, allowed_private_hosts=allowed_private_hosts)
    _require_experiment(session, client_id, experiment_id)
    if count_of(session, _visible(client_id, None)) >= MAX_ENDPOINTS:
        raise ConflictError(f"{MAX_ENDPOINTS} webhooks exist already: delete one first", limit=MAX_ENDPOINTS)
    endpoint = Endpoint(
        client_id=client_id,
        experiment_id=experiment_id,
        url=target.url,
        secret=seal.sealed(new_secret()),
        description=description,
        event_types=kinds,
        state=EndpointState.ACTIVE.value,
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    return endpoint


def listed(session: Session, window: Window, *, client_id: int, only: int | None = None) -> tuple[Page[Endpoint], int]:
    """Return one page of the client's endpoints, and how many there are in all.

    `only` is the experiment that the caller is bound to, here and below: the others' endpoints do not exist for it.
    """
    mine = _visible(client_id, only)
    return walk(session, mine, Order((), Endpoint.id), window), count_of(session, mine)


def find(session: Session, endpoint_id: int, *, client_id: int, only: int | None = None) -> Endpoint:
    """Return one endpoint; raise `NotFoundError` if there is none, or none that this caller may see."""
    return _found(session.scalar(_visible(client_id, only).where(Endpoint.id == endpoint_id)), endpoint_id)


def delete(session: Session, endpoint_id: int, *, client_id: int, only: int | None = None) -> None:
    """Forget an endpoint's secret and cancel what was on its way. What was delivered stays in the history."""
    _forget(session, locked(session, endpoint_id, client_id=client_id, only=only))


def delete_all(session: Session, *, client_id: int) -> int:
    """Forget every endpoint of a client that is put away. Return how many there were."""
    mine = _visible(client_id, None).order_by(Endpoint.id).with_for_update(key_share=True)
    endpoints = session.scalars(mine.execution_options(populate_existing=True)).all()
    for endpoint in endpoints:
        _forget(session, endpoint)
    return len(endpoints)


def _forget(session: Session, endpoint: Endpoint) -> None:
    endpoint.state = EndpointState.DELETED.value
    endpoint.secret, endpoint.old_secret = "", None
    cancel(session, endpoint.id)
    session.flush()


def ping(session: Session, endpoint_id: int, *, client_id: int, now: datetime, only: int | None = None) -> Event:
    """Record an event for this endpoint alone, whatever it subscribed to, so that its owner sees a delivery arrive."""
    endpoint = find(session, endpoint_id, client_id=client_id, only=only)
    if endpoint.state != EndpointState.ACTIVE:
        raise ConflictError(f"webhook {endpoint_id} is {endpoint.state}: nothing is sent to it", state=endpoint.state)
    event = record(
        session,
        EventType.WEBHOOK_PING,
        client_id=client_id,
        experiment_id=endpoint.experiment_id,
        data={"webhook": str(endpoint.id)},
        now=now,
    )
    session.flush()  # it is answered with its number
    return event


def disable(session: Session, endpoint: Endpoint, *, reason: str, now: datetime) -> None:
    """Give up an endpoint that the caller has locked: cancel its deliveries, and tell the client's other endpoints."""
    endpoint.state = EndpointState.DISABLED.value
    cancel(session, endpoint.id)
    record(
        session,
        EventType.ENDPOINT_DISABLED,
        client_id=endpoint.client_id,
        experiment_id=endpoint.experiment_id,
        data={"webhook": str(endpoint.id), "reason": reason},
        now=now,
    )


def _visible(client_id: int, only: int | None) -> sa.Select[Endpoint]:
    query = sa.select(Endpoint).where(Endpoint.client_id == client_id, Endpoint.state != EndpointState.DELETED.value)
    return query if only is None else query.where(Endpoint.experiment_id == only)


def locked(session: Session, endpoint_id: int, *, client_id: int, only: int | None = None) -> Endpoint:
    """Return one endpoint for a change of it or of its deliveries: a second one waits, and sees it as it is then."""
    query = _visible(client_id, only).where(Endpoint.id == endpoint_id).with_for_update(key_share=True)
    return _found(session.scalar(query.execution_options(populate_existing=True)), endpoint_id)


def _found(endpoint: Endpoint | None, endpoint_id: int) -> Endpoint:
    if endpoint is None:
        raise NotFoundError(f"No webhook {endpoint_id}", webhook=str(endpoint_id))
    return endpoint


def cancel(session: Session, endpoint_id: int) -> None:
    """End what is on its way to an endpoint that the caller has locked."""
    session.execute(
        sa.update(Delivery)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == DeliveryState.PENDING.value)
        .values(state=DeliveryState.CANCELLED.value, next_attempt_at=None, lease_until=None)
        .execution_options(synchronize_session="fetch")
    )


def known_types(event_types: Iterable[str]) -> list[str]:
    """Return the event types that an endpoint may subscribe to; raise `InvalidInputError` for one that is not there."""
    given, known = set(event_types), {kind.value for kind in PUBLIC}
    for name in sorted(given - known):
        raise InvalidInputError(
            f"unknown event type {name[:100]!r}{did_you_mean(name[:100], known)}",
            field=".event_types",
            expected=f"some of {', '.join(sorted(known))}; or none of them, for all",
        )
    return sorted(given)


def _require_experiment(session: Session, client_id: int, experiment_id: int | None) -> None:
    if experiment_id is None:
        return
    query = sa.select(Experiment.id).where(
        Experiment.id == experiment_id, Experiment.client_id == client_id, Experiment.state == "active"
    )
    if session.scalar(query) is None:
        raise NotFoundError(f"No experiment {experiment_id}", experiment=str(experiment_id))
