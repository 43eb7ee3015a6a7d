"""Tokens are made: by people over HTTP, by the command, and the very first one at the service's first start."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import insert_new
from service.models import Client, ServiceKey, Token
from service.tokens.callers import PERMISSIONS, SCOPES
from service.tokens.secrets import digest, new_secret, prefix_of

__all__ = ["GUEST_LASTS", "bootstrap", "first_client", "issue", "service_key"]

#: How long a link that was shared opens something.
GUEST_LASTS: Final = timedelta(days=30)


def issue(
    session: Session,
    *,
    client_id: int,
    name: str,
    now: datetime,
    permission: str | None = None,
    scopes: Sequence[str] = (),
    token_type: str | None = None,
    project_id: int | None = None,
    experiment_id: int | None = None,
    training_run_id: int | None = None,
    expires_at: datetime | None = None,
    lease: timedelta | None = None,
    secret: str | None = None,
) -> tuple[Token, str]:
    """Make a token and return it with its secret, which is shown this once.

    `permission` names a usual set of scopes. With a `lease` it expires unless it is renewed.
    """
    secret = secret or new_secret()
    granted = scopes if permission is None else PERMISSIONS[permission]
    is_bound = experiment_id is not None or training_run_id is not None
    token = Token(
        client_id=client_id,
        project_id=project_id,
        experiment_id=experiment_id,
        training_run_id=training_run_id,
        name=name,
        prefix=prefix_of(secret),
        digest=digest(secret),
        type=token_type or ("guest" if is_bound else "client-api"),
        scopes=[scope for scope in SCOPES if scope in granted],
        created_at=now,
        expires_at=expires_at if lease is None else now + lease,
        lease_s=None if lease is None else int(lease.total_seconds()),
    )
    session.add(token)
    session.flush()
    return token, secret


def bootstrap(session: Session, *, preset: str | None, now: datetime) -> str | None:
    """See to it that there is a client, an operator's token and the service's key.

    Return the token's secret if it was made just now. A preset token is valid after every start, so that it can be
    changed where it is set.
    """
    service_key(session, now=now)
    client = first_client(session, now=now)
    if preset is not None:
        if session.scalars(sa.select(Token.id).where(Token.digest == digest(preset))).one_or_none() is None:
            issue(session, client_id=client.id, name="preset admin", permission="operator", now=now, secret=preset)
        return None
    if _has_operator(session, now):
        return None
    return issue(session, client_id=client.id, name="first admin", permission="operator", now=now)[1]


def _has_operator(session: Session, now: datetime) -> bool:
    """Whether anybody can get in as operator. It walks the key from the oldest token, which most often is one."""
    alive = sa.select(Token.id).join(Client).where(Token.revoked_at.is_(None), Client.deleted_at.is_(None))
    lasting = sa.or_(Token.expires_at.is_(None), Token.expires_at > now)
    is_operator = sa.cast(Token.scopes, sa.Text).like('%"operator"%')
    found = session.scalars(alive.where(lasting, is_operator).order_by(Token.id).limit(1))
    return found.one_or_none() is not None


def first_client(session: Session, *, now: datetime) -> Client:
    """Return the oldest client that there is; make one where there is none."""
    alive = sa.select(Client).where(Client.deleted_at.is_(None))
    client = session.scalars(alive.order_by(Client.id).limit(1)).one_or_none()
    if client is None:
        client = Client(name="default", created_at=now)
        session.add(client)
        session.flush()
    return client


_SIGNING: Final = "pages"


def service_key(session: Session, *, now: datetime | None = None) -> str | None:
    """Return the key that signs what the pages put into browsers; make it if there is none and `now` is given."""
    if now is not None:
        row = {"name": _SIGNING, "value": secrets.token_hex(32), "created_at": now}
        insert_new(session, ServiceKey, [row], unique=("name",), returning=("name",))
    return session.scalars(sa.select(ServiceKey.value).where(ServiceKey.name == _SIGNING)).one_or_none()
