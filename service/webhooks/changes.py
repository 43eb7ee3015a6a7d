"""Changes of an endpoint: another address, other events, off and on again, another secret.

A secret is changed with an overlap: until it ends each delivery carries two signatures, one by the new secret and one
by the old, so that the receiver changes over when it suits it and nothing is lost in between.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from service.models import Endpoint
from service.sealing import Seal
from service.webhooks import targets
from service.webhooks.endpoints import EndpointState, cancel, known_types, locked
from service.webhooks.signing import new_secret

__all__ = ["LONGEST_OVERLAP", "Change", "change", "rotate"]

#: How long an old secret may go on signing beside the new one.
LONGEST_OVERLAP: Final = timedelta(days=7)


@dataclass(frozen=True)
class Change:
    """What is to be changed: what is None stays, but for the description, which `describes` says is given."""

    url: str | None = None
    event_types: tuple[str, ...] | None = None
    state: EndpointState | None = None
    describes: bool = False
    description: str | None = None


def change(
    session: Session,
    endpoint_id: int,
    asked: Change,
    *,
    client_id: int,
    allowed_private_hosts: Set[str],
    only: int | None = None,
) -> Endpoint:
    """Change an endpoint as `asked`. Another address starts with a clean record; pending deliveries go to it."""
    kinds = None if asked.event_types is None else known_types(asked.event_types)
    target = None if asked.url is None else targets.check(asked.url, allowed_private_hosts=allowed_private_hosts)
    endpoint = locked(session, endpoint_id, client_id=client_id, only=only)
    if kinds is not None:
        endpoint.event_types = kinds
    if asked.describes:
        endpoint.description = asked.description
    if target is not None and target.url != endpoint.url:
        endpoint.url, endpoint.failing_since = target.url, None
    if asked.state is not None:
        _switch(session, endpoint, asked.state)
    session.flush()
    return endpoint


def _switch(session: Session, endpoint: Endpoint, state: EndpointState) -> None:
    """Put an endpoint into `state`. One that is active again has five days to fail before it; nothing is replayed."""
    if endpoint.state == state:
        return
    endpoint.state, endpoint.failing_since = state.value, None
    if state is EndpointState.DISABLED:
        cancel(session, endpoint.id)


def rotate(
    session: Session,
    endpoint_id: int,
    *,
    client_id: int,
    overlap: timedelta,
    now: datetime,
    seal: Seal,
    only: int | None = None,
) -> Endpoint:
    """Give an endpoint a new secret; the one before signs too for as long as `overlap`."""
    endpoint = locked(session, endpoint_id, client_id=client_id, only=only)
    endpoint.old_secret = seal.renewed(endpoint.secret) if overlap else None
    endpoint.old_secret_until = now + overlap if overlap else None
    endpoint.secret = seal.sealed(new_secret())
    session.flush()
    return endpoint
