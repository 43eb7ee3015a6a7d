"""Keys to the API: made, looked up, ended. Only a digest is stored, so a copy of the database opens nothing."""

from __future__ import annotations

import hmac
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import AuthenticationError, PermissionDeniedError
from service.models import Client, Token

__all__ = ["PERMISSIONS", "SCOPES", "Caller", "authenticate", "bootstrap", "issue", "issue_for_default", "new_secret"]

#: What a token may do, one by one: look; report results; ask for suggestions; make and change experiments; see to a
#: client's tokens; see to the clients themselves.
SCOPES: Final = ("read", "report", "suggest", "write", "admin", "operator")
#: Names for the usual sets of scopes; each includes those before it.
PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {"read": SCOPES[:1], "write": SCOPES[:4], "admin": SCOPES}
_MARK: Final = "ts_"
_ALPHABET: Final = string.digits + string.ascii_letters
_RANDOM: Final = 32
_CHECK: Final = 6


@dataclass(frozen=True)
class Caller:
    """Who is asking: a client's token, perhaps for one experiment only."""

    client_id: int
    scopes: frozenset[str]
    experiment_id: int | None

    def may(self, scope: str) -> bool:
        """Whether this caller's token has `scope`.

        >>> Caller(1, frozenset(PERMISSIONS["write"]), None).may("read")
        True
        """
        return scope in self.scopes


def new_secret() -> str:
    """Make a token: `ts_`, 32 random characters (190 bits), and a checksum, so that a mistyped one is known as such."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{_MARK}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    number, out = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        out = _ALPHABET[digit] + out
    return out


def _is_mistyped(secret: str) -> bool:
    """Whether it looks like one of ours and its checksum is wrong: refused without asking the database."""
    if not secret.startswith(_MARK) or len(secret) != len(_MARK) + _RANDOM + _CHECK:
        return False
    body = secret[len(_MARK) : -_CHECK]
    return not hmac.compare_digest(secret[-_CHECK:].encode(), _checksum(body).encode())


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def issue(
    session: Session,
    *,
    client_id: int,
    name: str,
    permission: str,
    now: datetime,
    experiment_id: int | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> tuple[Token, str]:
    """Make a token and return it with its secret, which is shown this once."""
    secret = secret or new_secret()
    token = Token(
        client_id=client_id,
        experiment_id=experiment_id,
        name=name,
        prefix=secret[:8],
        digest=_digest(secret),
        type="client-api" if experiment_id is None else "guest",
        scopes=list(PERMISSIONS[permission]),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    return token, secret


def authenticate(session: Session, secret: str, *, now: datetime) -> Caller:
    """Return who `secret` belongs to, or raise: no token, unknown, revoked, expired."""
    if not secret:
        raise AuthenticationError("This endpoint requires an API token: give it as HTTP Basic user name or as Bearer")
    token = None if _is_mistyped(secret) else _find(session, secret)
    if token is None or token.revoked_at is not None:
        message = "This endpoint requires a valid API token. The one given is not known here."
        raise PermissionDeniedError(message, token_status="revoked")  # noqa: S106 a status, not a secret
    if token.expires_at is not None and token.expires_at <= now:
        raise PermissionDeniedError("This API token has expired.", token_status="expired")  # noqa: S106
    return Caller(token.client_id, frozenset(token.scopes), token.experiment_id)


def _find(session: Session, secret: str) -> Token | None:
    return session.scalars(sa.select(Token).where(Token.digest == _digest(secret))).one_or_none()


def bootstrap(session: Session, *, preset: str | None, now: datetime) -> str | None:
    """See to it that there is a client and an admin token. Return the token's secret if it was made just now.

    A preset token is valid after every start, so that it can be changed where it is set.
    """
    client = _default_client(session) or _new_client(session, now)
    if preset is not None:
        if _find(session, preset) is None:
            issue(session, client_id=client.id, name="preset admin", permission="admin", now=now, secret=preset)
        return None
    if any("operator" in scopes for scopes in session.scalars(sa.select(Token.scopes))):
        return None
    return issue(session, client_id=client.id, name="first admin", permission="admin", now=now)[1]


def issue_for_default(session: Session, *, name: str, permission: str, now: datetime) -> str:
    """Make a token of the first client and return its secret."""
    client = _default_client(session) or _new_client(session, now)
    return issue(session, client_id=client.id, name=name, permission=permission, now=now)[1]


def _default_client(session: Session) -> Client | None:
    return session.scalars(sa.select(Client).order_by(Client.id).limit(1)).one_or_none()


def _new_client(session: Session, now: datetime) -> Client:
    client = Client(name="default", created_at=now)
    session.add(client)
    session.flush()
    return client
