"""What a browser keeps of a visit to the pages: the token it signed in with, and a number that its forms must know.

The cookie is signed, with the time, by the service's own key (`service.tokens.service_key`): a changed or old one
counts for nothing. It holds the token itself, not a stand-in, so that a copy of the database, key and all, still opens
nothing, and a token that is ended ends every visit with it. Scripts cannot read the cookie, other sites' forms do not
send it, and the API under /v1 never looks at it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, cast

from flask import Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from service.api.door import services
from service.errors import InvalidInputError
from service.tokens import service_key

__all__ = ["CSRF_FIELD", "Visit", "check_form", "csrf_token", "forget", "keep", "visit"]

NAME: Final = "tradespace"
LASTS_S: Final = 14 * 86_400
#: The hidden field of every form.
CSRF_FIELD: Final = "csrf_token"
_KEY: Final = "tradespace-service-key"


@dataclass(frozen=True)
class Visit:
    """What the cookie says; `number` is new with every sign-in, `secret` is None before it."""

    number: str
    secret: str | None = None

    @classmethod
    def of(cls, secret: str | None) -> Visit:
        """Begin a visit."""
        return cls(secrets.token_urlsafe(16), secret)


def visit() -> Visit | None:
    """Return what this browser has kept, if it is ours and not too old."""
    if "visit" not in g:
        g.visit = _read(request.cookies.get(NAME))
    return cast("Visit | None", g.visit)


def _read(text: str | None) -> Visit | None:
    if text is None:
        return None
    try:
        value = _serializer().loads(text, max_age=LASTS_S)
    except BadSignature:
        return None
    return Visit(**value)


def keep(response: Response, kept: Visit) -> None:
    """Have the browser keep `kept`, out of reach of scripts and of other sites."""
    value: Any = {"number": kept.number, "secret": kept.secret}
    response.set_cookie(
        NAME,
        _serializer().dumps(value),
        max_age=LASTS_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def forget(response: Response) -> None:
    """Have the browser forget the visit."""
    response.delete_cookie(NAME, httponly=True, samesite="Lax", secure=request.is_secure)


def csrf_token(kept: Visit) -> str:
    """Return what a form of this visit has to say: other sites cannot know it."""
    return hmac.new(_service_key().encode(), f"form {kept.number}".encode(), sha256).hexdigest()


def check_form() -> Visit:
    """Return the visit that a form was sent from, or refuse a form that another site made."""
    kept = visit()
    given = request.form.get(CSRF_FIELD, "")
    if kept is None or not hmac.compare_digest(given.encode(), csrf_token(kept).encode()):
        message = "This form has expired, or did not come from this page. Load the page again and send it once more."
        raise InvalidInputError(message, field=CSRF_FIELD)
    return kept


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_service_key(), salt="tradespace visit", signer_kwargs={"digest_method": sha256})


def _service_key() -> str:
    """Return the service's key: read once a process, made by whoever needs it first."""
    known = current_app.extensions.get(_KEY)
    if known is None:
        database = services().database
        with database.read() as session:
            known = service_key(session)
        if known is None:
            with database.write() as session:
                known = service_key(session, now=database.now(session))
        current_app.extensions[_KEY] = known
    return cast("str", known)
