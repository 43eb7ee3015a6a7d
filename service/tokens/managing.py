"""Tokens as people see to them: asked for, found, listed, renewed, rotated, ended.

Nobody hands out what they do not have: a token that someone makes, renews or rotates may do no more than their own, and
to no more. Only those who run the service (operator) may give anything to anyone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError, did_you_mean
from service.models import Experiment, Project, Token, TrainingRun
from service.paging import Order, Page, Window, count_of, walk
from service.schemas import fields
from service.tokens.callers import PERMISSIONS, SCOPES, Caller
from service.tokens.issuing import GUEST_LASTS, issue
from service.tokens.secrets import PREFIX_LENGTH, digest

__all__ = ["KINDS", "NewToken", "TokenChange", "create", "end", "find", "listed", "share", "update"]

#: Kinds of tokens: for production, for trying things out, and for people who only look.
KINDS: Final = ("client-api", "client-dev", "guest")
_LONGEST_LEASE_S: Final = 10 * 366 * 86_400
#: Beyond this there are no dates.
_LATEST: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())

_Seconds = Annotated[int, Field(ge=1, le=_LONGEST_LEASE_S)]


class NewToken(fields.Strict):
    """The body of a create. `scopes` says one by one what `permissions` says in a word."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    permissions: Literal["read", "write", "admin", "operator"] | None = None
    scopes: list[str] | None = None
    token_type: Literal["client-api", "client-dev", "guest"] | None = None
    project: str | None = None
    experiment: Any = None
    training_run: Any = None
    expires: Annotated[int, Field(le=_LATEST)] | None = None
    lease_length: _Seconds | None = None


class TokenChange(fields.Strict):
    """The body of an update."""

    token: Literal["rotate"] | None = None
    expires: Literal["renew"] | None = None
    lasts_forever: bool | None = None
    overlap_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 0
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None


def create(
    session: Session, body: Mapping[str, Any], *, client_id: int, by: Caller, now: datetime
) -> tuple[Token, str]:
    """Make a token of a client and return it with its secret.

    An empty body makes what it made at SigOpt: a token that can ask who it is, and nothing else.
    """
    given = fields.parse_model(NewToken, body)
    kind = given.token_type or ("client-api" if given.model_fields_set else "guest")
    experiment_id = _of_client(session, Experiment, given.experiment, "experiment", client_id)
    run_id = _of_client(session, TrainingRun, given.training_run, "training_run", client_id)
    scopes = _scopes(given, kind)
    if kind == "guest" and scopes and experiment_id is None and run_id is None:
        message = "a guest's token opens one experiment or training run: name it"
        raise InvalidInputError(message, field=".experiment", expected="the id of an experiment")
    project_id = _project(session, given.project, client_id)
    _refuse_more(by, scopes, client_id=client_id, project_id=project_id)
    return issue(
        session,
        client_id=client_id,
        name=given.name or kind,
        scopes=scopes,
        token_type=kind,
        project_id=project_id,
        experiment_id=experiment_id,
        training_run_id=run_id,
        now=now,
        **_end(given, kind, now),
    )


def _scopes(given: NewToken, kind: str) -> tuple[str, ...]:
    """Return what the token may do, in one of the two ways of saying it."""
    if given.permissions is not None and given.scopes is not None:
        message = "permissions and scopes say the same thing in two ways: expected one of them"
        raise InvalidInputError(message, field=".scopes", expected="permissions or scopes")
    asked = PERMISSIONS[given.permissions] if given.permissions else tuple(given.scopes or ())
    for index, scope in enumerate(asked):
        if scope not in SCOPES:
            message = f"{fields.shorten(scope)} is not one of the allowed values: {', '.join(SCOPES)}"
            hint = did_you_mean(scope, SCOPES)
            raise InvalidInputError(f"{message}{hint}", field=f".scopes[{index}]", expected=", ".join(SCOPES))
    return _fitting(asked, given, kind)


def _fitting(asked: tuple[str, ...], given: NewToken, kind: str) -> tuple[str, ...]:
    if kind == "guest":
        if asked not in ((), PERMISSIONS["read"]):
            raise InvalidInputError("a guest's token only reads", field=".permissions", expected="read")
        return PERMISSIONS["read"] if given.model_fields_set else ()
    if not asked:
        message = f'Missing required json key "permissions" in: {fields.shorten(given.model_dump(exclude_unset=True))}'
        raise InvalidInputError(message, field=".permissions", expected=f"one of {', '.join(PERMISSIONS)}, or scopes")
    is_narrow = kind == "client-dev" or given.experiment is not None or given.training_run is not None
    if is_narrow and not set(asked) <= set(PERMISSIONS["write"]):
        message = "a development token, or one for a single experiment, sees to no tokens: at most write"
        raise InvalidInputError(message, field=".permissions", expected="read or write")
    if given.project is not None and "operator" in asked:
        raise InvalidInputError("who runs the service is not bound to a project", field=".project", expected="null")
    return asked


def _end(given: NewToken, kind: str, now: datetime) -> dict[str, Any]:
    """Return when it ends: at a moment, a while after each renewal, or never; links of guests after thirty days."""
    if given.expires is not None and given.lease_length is not None:
        message = "expires is a moment, lease_length a time from now on: expected one of them"
        raise InvalidInputError(message, field=".lease_length", expected="expires or lease_length")
    if given.lease_length is not None:
        return {"lease": timedelta(seconds=given.lease_length)}
    if given.expires is None:
        return {"lease": GUEST_LASTS if kind == "guest" else None}
    if given.expires <= now.timestamp():
        message = f".expires must be greater than {int(now.timestamp())} (now), got {given.expires}"
        raise InvalidInputError(message, field=".expires", expected="a moment to come, in seconds since 1970")
    return {"expires_at": datetime.fromtimestamp(given.expires, UTC)}


def _of_client(session: Session, table: Any, given: Any, what: str, client_id: int) -> int | None:
    if given is None:
        return None
    key = fields.parse_id(given, f".{what}")
    row = session.get(table, key)
    if row is None or row.client_id != client_id:
        raise NotFoundError(f"No {what} {key}", field=f".{what}")
    return key


def _project(session: Session, reference: str | None, client_id: int) -> int | None:
    if reference is None:
        return None
    wanted = sa.select(Project.id).where(Project.client_id == client_id, Project.reference == reference)
    key = session.scalars(wanted).one_or_none()
    if key is None:
        raise NotFoundError(f"No project {reference[:40]}", field=".project")
    return key


def _refuse_more(by: Caller, scopes: Sequence[str], *, client_id: int, project_id: int | None) -> None:
    """Refuse to give what `by` does not have."""
    if by.may("operator"):
        return
    missing = [scope for scope in scopes if not by.may(scope)]
    if missing or client_id != by.client_id or by.project_id not in (None, project_id) or by.is_guest:
        what = f"the scope {missing[0]}" if missing else "more than its own project"
        message = f"You don't have permission to do this action. A token that lacks {what} cannot give it."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret


def share(
    session: Session,
    *,
    client_id: int,
    now: datetime,
    experiment_id: int | None = None,
    training_run_id: int | None = None,
    name: str = "guest",
) -> tuple[Token, str]:
    """Make a token that only reads one experiment or run: for a link that can be shared."""
    return issue(
        session,
        client_id=client_id,
        experiment_id=experiment_id,
        training_run_id=training_run_id,
        name=name,
        permission="read",
        token_type="guest",  # noqa: S106 a kind, not a secret
        now=now,
        lease=GUEST_LASTS,
    )


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
    _refuse_more(by, token.scopes, client_id=token.client_id, project_id=token.project_id)


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
        token.expires_at = None if given.lasts_forever else now + _lease(token, ".lasts_forever")
    session.flush()
    return _rotate(session, token, timedelta(seconds=given.overlap_s), now) if given.token else (token, None)


def _renew(token: Token, now: datetime) -> None:
    if token.type == "guest":
        message = "You don't have permission to do this action. A guest's token cannot be renewed: make a new one."
        raise PermissionDeniedError(message)
    token.expires_at = now + _lease(token, ".expires")


def _refuse_prolonging(by: Caller, token: Token) -> None:
    """Only an admin lets a token outlive what it was given; guests' links are a writer's to keep."""
    if token.type != "guest" and not by.may("admin"):
        message = "You don't have permission to do this action. It needs a token with scope admin."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret


def _lease(token: Token, field: str) -> timedelta:
    if token.lease_s is None:
        message = "this token was made without a lease_length, so there is nothing to renew it by"
        raise InvalidInputError(message, field=field, expected="a token with a lease_length")
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
