"""Who is asking: what a token may do, and what it may do it to. One indexed select a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import AuthenticationError, PermissionDeniedError
from service.models import Client, Refresh, Token
from service.tokens.secrets import digest, is_mistyped

__all__ = ["PERMISSIONS", "SCOPES", "Caller", "Visit", "authenticate", "permission_of", "visit"]

#: What a token may do, one by one: look; report results; ask for suggestions; make and change experiments; see to a
#: client's tokens and name; see to the clients themselves.
SCOPES: Final = ("read", "report", "suggest", "write", "admin", "operator")
#: Names for the usual sets of scopes; each includes those before it.
PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "read": SCOPES[:1],
    "write": SCOPES[:4],
    "admin": SCOPES[:5],
    "operator": SCOPES,
}


def permission_of(scopes: frozenset[str]) -> str:
    """Return the word that SigOpt's clients know for a set of scopes.

    >>> permission_of(frozenset({"read", "report"}))
    'read'
    """
    return next((name for name in ("admin", "write") if name in scopes), "read")


@dataclass(frozen=True)
class Caller:
    """Who is asking: a client's token, perhaps for one project, experiment or training run only.

    `development` tokens see development experiments only, the others only those that are not.
    """

    client_id: int
    scopes: frozenset[str]
    experiment_id: int | None = None
    training_run_id: int | None = None
    project_id: int | None = None
    token_id: int | None = None
    type: str = "client-api"

    @property
    def development(self) -> bool:
        """Whether this is a development token."""
        return self.type == "client-dev"

    @property
    def is_guest(self) -> bool:
        """Whether this is less than a member of the team: somebody with a link, or a token for one thing only."""
        return self.type == "guest" or self.experiment_id is not None or self.training_run_id is not None

    def may(self, scope: str) -> bool:
        """Whether this caller's token has `scope`.

        >>> Caller(1, frozenset(PERMISSIONS["write"])).may("read")
        True
        """
        return scope in self.scopes

    def reaches(self, client_id: int, *, experiment_id: int | None, project_id: int | None) -> bool:
        """Whether an experiment of this client and project exists for this caller."""
        return (
            self.training_run_id is None
            and client_id == self.client_id
            and self.experiment_id in (None, experiment_id)
            and self.project_id in (None, project_id)
        )


@dataclass(frozen=True)
class Visit:
    """A caller, and the version of the experiment that the request is about: None where it is about none."""

    caller: Caller
    version: int | None


#: All that a request needs to know of its token, and in the same breath of the experiment that it names.
_COLUMNS: Final = (
    Token.client_id,
    Token.scopes,
    Token.experiment_id,
    Token.training_run_id,
    Token.project_id,
    Token.id,
    Token.type,
    Token.revoked_at,
    Token.expires_at,
    Client.deleted_at,
    sa.select(Refresh.version).where(Refresh.experiment_id == sa.bindparam("e")).scalar_subquery().label("version"),
)
_FIND: Final = sa.select(*_COLUMNS).join(Client, Client.id == Token.client_id).where(Token.digest == sa.bindparam("d"))


def authenticate(session: Session, secret: str, *, now: Callable[[], datetime] | datetime) -> Caller:
    """Return who `secret` belongs to, or raise: no token, unknown, revoked, of a deleted client, expired."""
    return visit(session, secret, experiment_id=None, now=now).caller


def visit(session: Session, secret: str, *, experiment_id: int | None, now: Callable[[], datetime] | datetime) -> Visit:
    """Return who comes with `secret`, as `authenticate` does, and how far the experiment is, whoever's it may be.

    The clock may be a function: it is asked only where a token can expire.
    """
    if not secret:
        raise AuthenticationError("This endpoint requires an API token: give it as HTTP Basic user name or as Bearer")
    asked = {"d": digest(secret), "e": experiment_id}
    found = None if is_mistyped(secret) else session.execute(_FIND, asked).one_or_none()
    if found is None or found.revoked_at is not None or found.deleted_at is not None:
        message = "This endpoint requires a valid API token. The one given is not known here."
        raise PermissionDeniedError(message, token_status="revoked")  # noqa: S106 a status, not a secret
    if found.expires_at is not None and found.expires_at <= (now() if callable(now) else now):
        raise PermissionDeniedError("This API token has expired.", token_status="expired")  # noqa: S106
    return Visit(_caller(found), found.version)


def _caller(found: sa.Row[Any]) -> Caller:
    return Caller(
        client_id=found.client_id,
        scopes=frozenset(found.scopes),
        experiment_id=found.experiment_id,
        training_run_id=found.training_run_id,
        project_id=found.project_id,
        token_id=found.id,
        type=found.type,
    )
