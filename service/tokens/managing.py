"""Tokens as people see to them: found, listed, renewed, rotated, ended.

Whoever renews or rotates a token takes it over, so here too nobody gets at what they do not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from service.models import Token
from service.paging import Order, Page, Window, count_of, walk
from service.schemas import fields
from service.tokens.callers import Caller
from service.tokens.granting import refuse_more
from service.tokens.issuing import issue
from service.tokens.secrets import PREFIX_LENGTH, digest

__all__ = ["TokenChange", "end", "find", "listed", "update"]


class TokenChange(fields.Strict):
    """The body of an update."""

    token: Literal["rotate"] | None = None
    expires: Literal["renew"] | None = None
    lasts_forever: bool | None = None
    overlap_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 0
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None


def find(session: Session, named: str, *, by: Caller) -> tuple[Token, str | None]:
    """Return a token by its secret, its id, its prefix or `self`; and the secret, if that is what was named.

    Tokens that `by` has nothing to do with do not exist for it.
    """
    token = _named(session, named, by)
    is_secret = token is not None and token.digest == digest(named)
    if token is None or token.revoked_at is not None or not _sees(by, token):
        raise NotFoundError(f"No token {named[:PREFIX_LENGTH]}", token=named[:PREFIX_LENGTH])
    return token, named if is_secret else None


def _named(session: Session, named: str, by: Caller) -> Token | None:
    if named == "self":
        return None if by.token_id is None else session.get(Token, by.token_id)
    exact = session.scalars(sa.select(Token).where(Token.digest == digest(named))).one_or_none()
    if exact is not None:
        return exact
    if named.isascii() and named.isdigit():
        return session.get(Token, int(named)) if len(named) < 19 else None
    alive = sa.select(Token).where(Token.client_id == by.client_id, Token.prefix == named, Token.revoked_at.is_(None))
    rows = session.scalars(alive.limit(2)).all()
    return rows[0] if len(rows) == 1 else None


def _sees(by: Caller, token: Token) -> bool:
    if by.token_id == token.id:
        return True
    if by.is_guest:
        return False
    return by.may("operator") or (by.client_id == token.client_id and by.project_id in (None, token.project_id))


def listed(
    session: Session, window: Window, *, client_id: int, kinds: Sequence[str], project_id: int | None
) -> tuple[Page[Token], int]:
    """Return one page of the list of a client's tokens that have not been ended, and how many there are in all."""
    wanted = sa.select(Token).where(Token.client_id == client_id, Token.revoked_at.is_(None), Token.type.in_(kinds))
    if project_id is not None:
        wanted = wanted.where(Token.project_id == project_id)
    return walk(session, wanted, Order((), Token.id), window), count_of(session, wanted)


def _refuse_foreign(by: Caller, token: Token) -> None:
    """Refuse to touch what is not one's own: guests' links are a writer's, all else an admin's, who may do as much."""
    if by.is_guest:
        message = "You don't have permission to do this action. Guests cannot change tokens."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret
    if token.id == by.token_id:
        return
    if token.type != "guest" and not by.may("admin"):
        message = "You don't have permission to do this action. It needs a token with scope admin."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret
    refuse_more(by, token.scopes, client_id=token.client_id, project_id=token.project_id)


def update(
    session: Session, token: Token, body: Mapping[str, Any], *, by: Caller, now: datetime
) -> tuple[Token, str | None]:
    """Rename, renew, keep for ever or rotate a token; return it with its new secret, if it was given one."""
    session.refresh(token, with_for_update=True)  # two rotations at once would leave two tokens in the place of one
    if token.revoked_at is not None:
        raise NotFoundError(f"No token {token.prefix}", token=token.prefix)
    _refuse_foreign(by, token)
    given = fields.parse_model(TokenChange, body)
    if token.successor_id is not None:
        message = f"this token was rotated: token {token.successor_id} is in its place"
        raise ConflictError(message, token=str(token.successor_id))
    if given.name is not None:
        token.name = given.name
    if given.expires == "renew":
        _renew(token, now)
    if given.lasts_forever is not None:
        _refuse_prolonging(by, token)
        token.expires_at = None if given.lasts_forever else now + _lease(token)
    session.flush()
    return _rotate(session, token, timedelta(seconds=given.overlap_s), now) if given.token else (token, None)


def _renew(token: Token, now: datetime) -> None:
    if token.type == "guest":
        message = "You don't have permission to do this action. A guest's token cannot be renewed: make a new one."
        raise PermissionDeniedError(message)
    if token.lease_s is None:
        message = "You don't have permission to do this action. It was made without a lease_length to renew it by."
        raise PermissionDeniedError(message)
    token.expires_at = now + timedelta(seconds=token.lease_s)


def _refuse_prolonging(by: Caller, token: Token) -> None:
    """Only an admin lets a token outlive what it was given; guests' links are a writer's to keep."""
    if token.type != "guest" and not by.may("admin"):
        message = "You don't have permission to do this action. It needs a token with scope admin."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret


def _lease(token: Token) -> timedelta:
    if token.lease_s is None:
        message = "this token was made without a lease_length, so it cannot be given an end again"
        raise InvalidInputError(message, field=".lasts_forever", expected="true, or a token with a lease_length")
    return timedelta(seconds=token.lease_s)


def _rotate(session: Session, token: Token, overlap: timedelta, now: datetime) -> tuple[Token, str]:
    """Put a new token into the place of this one, which ends now or after the overlap."""
    lease = None if token.lease_s is None else timedelta(seconds=token.lease_s)
    heir, secret = issue(
        session,
        client_id=token.client_id,
        name=token.name,
        scopes=token.scopes,
        token_type=token.type,
        project_id=token.project_id,
        experiment_id=token.experiment_id,
        training_run_id=token.training_run_id,
        expires_at=token.expires_at,
        lease=lease if token.expires_at is not None else None,
        now=now,
    )
    heir.lease_s = token.lease_s
    token.successor_id = heir.id
    if overlap:
        token.expires_at = now + overlap if token.expires_at is None else min(token.expires_at, now + overlap)
    else:
        token.revoked_at = now
    session.flush()
    return heir, secret


def end(session: Session, token: Token, *, by: Caller, now: datetime) -> None:
    """End a token: it opens nothing from now on."""
    _refuse_foreign(by, token)
    token.revoked_at = now
    session.flush()
