"""Clients: the teams that this service is for. What one has, the others never see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError, NotFoundError
from service.models import Client, Token
from service.paging import Order, Page, Window, count_of, walk
from service.schemas import fields

__all__ = ["ClientChange", "NewClient", "create", "delete", "find", "listed", "update"]


class ClientSecurity(fields.Strict):
    allow_users_to_see_experiments_by_others: bool = True


class NewClient(fields.Strict):
    """The body of a create."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    client_security: ClientSecurity | None = None


class ClientChange(fields.Strict):
    """The body of an update."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = ""
    client_security: ClientSecurity | None = None


def create(session: Session, body: Mapping[str, Any], *, now: datetime) -> Client:
    """Make a client; it has no token yet."""
    given = fields.parse_model(NewClient, body)
    _refuse_secrets_inside(given.client_security)
    client = Client(name=given.name, created_at=now)
    session.add(client)
    session.flush()
    return client


def _refuse_secrets_inside(security: ClientSecurity | None) -> None:
    if security is not None and not security.allow_users_to_see_experiments_by_others:
        message = (
            "allow_users_to_see_experiments_by_others can only be true: there are no users here whose experiments "
            "could be hidden from each other. Tokens for one project do that: give the token a project."
        )
        field = ".client_security.allow_users_to_see_experiments_by_others"
        raise InvalidInputError(message, field=field, expected="true")


def find(session: Session, client_id: int) -> Client:
    """Return a client, or raise `NotFoundError`: a deleted one is not found either."""
    client = session.get(Client, client_id)
    if client is None or client.deleted_at is not None:
        raise NotFoundError(f"No client {client_id}", client=str(client_id))
    return client


def listed(session: Session, window: Window) -> tuple[Page[Client], int]:
    """Return one page of the list of clients, and how many there are in all."""
    wanted = sa.select(Client).where(Client.deleted_at.is_(None))
    return walk(session, wanted, Order((), Client.id), window), count_of(session, wanted)


def update(session: Session, client: Client, body: Mapping[str, Any]) -> None:
    """Change what `body` names."""
    given = fields.parse_model(ClientChange, body)
    _refuse_secrets_inside(given.client_security)
    if given.name:
        client.name = given.name
    session.flush()


def delete(session: Session, client: Client, *, now: datetime) -> None:
    """Put a client away with all it has: its tokens open nothing from now on."""
    if _runs_the_service(session, client.id, now):
        message = f"Client {client.id} has a token that runs the service (scope operator): end that one first"
        raise ConflictError(message, client=str(client.id))
    client.deleted_at = now
    session.flush()


def _runs_the_service(session: Session, client_id: int, now: datetime) -> bool:
    alive = sa.select(Token.scopes).where(Token.client_id == client_id, Token.revoked_at.is_(None))
    lasting = sa.or_(Token.expires_at.is_(None), Token.expires_at > now)
    return any("operator" in scopes for scopes in session.scalars(alive.where(lasting)))
