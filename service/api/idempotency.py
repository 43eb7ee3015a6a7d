"""`Idempotency-Key` on every POST: a request that is sent again is done once, and answered as it was the first time.

The key is kept for a day, apart for each client. While the first request runs, another with its key is told so (409),
and takes over if it never ends (`service.api.reservations`); the same key with anything else in the request is a
mistake (422). A refusal is not kept: mended, the request may come with its key again. Suggestions and results have
deeper ways to count once (`suggestions.claim_key`, `result_id`), which also hold between HTTP and the stream; they see
to their keys themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVar, cast

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy.orm import Session

from service.api import reservations
from service.api.replies import json_text
from service.api.reservations import HEADER, Reservation
from service.db import Database
from service.errors import InvalidInputError, ServiceError, UnprocessableError
from service.models import Remembered
from service.schemas.fields import shorten
from service.tokens import Caller

__all__ = ["HEADER", "REMEMBERED_FOR", "check_key", "once"]

R = TypeVar("R")

REMEMBERED_FOR: Final = timedelta(days=1)
#: Whose keys are seen to by their use cases, also by the paths that name the client.
_DEEPER: Final = ("/suggestions", "/observations", "/observations/batch")
#: What is shown once is not kept, here no more than elsewhere.
_SECRETS: Final = frozenset(("token", "secret"))


def once(view: Callable[[], R], who: Caller, database: Database) -> R:
    """Run the view of a POST, or answer as it did when the same request came before."""
    key = check_key(request.headers.get(HEADER))
    if key is None or request.method != "POST" or request.path.endswith(_DEEPER):
        return view()
    fingerprint = _fingerprint(who)
    with database.write() as session:
        held = _begin(session, who.client_id, key, fingerprint, now=database.now(session))
    if isinstance(held, Response):
        return cast("R", held)
    try:
        response = view()
    except ServiceError:
        reservations.forget(database, held)
        raise
    except Exception:
        reservations.forget(database, held, if_not_done=True)
        raise
    _keep(database, held, cast("Response", response))
    return response


def check_key(key: str | None) -> str | None:
    """Return the key of a request, if it can be one."""
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        message = f"Idempotency-Key must be 1 to 255 printable ASCII characters, got {shorten(key)}"
        raise InvalidInputError(message, field=HEADER, expected="1 to 255 printable ASCII characters")
    return key


def _fingerprint(who: Caller) -> str:
    """Return the same for the same request by a caller who may see the same."""
    reach = (who.experiment_id, who.project_id, who.training_run_id, who.development)
    parts = (request.path, request.query_string.decode("latin-1"), repr(reach))
    return sha256("\n".join(parts).encode() + b"\n" + request.get_data()).hexdigest()


def _begin(session: Session, client_id: int, key: str, fingerprint: str, *, now: datetime) -> Reservation | Response:
    """Return the reply that was given before, or the right to do the request now."""
    session.execute(sa.delete(Remembered).where(Remembered.created_at < now - REMEMBERED_FOR))
    wanted = sa.select(Remembered).where(Remembered.client_id == client_id, Remembered.key == key)
    row = session.scalars(wanted).one_or_none()
    if row is None:
        return reservations.reserve(session, client_id=client_id, key=key, request_hash=fingerprint, now=now)
    if row.request_hash != fingerprint:
        message = "This Idempotency-Key was used for another request: give every request a key of its own"
        raise UnprocessableError(message, field=HEADER, expected="a new key")
    if not row.status:
        return reservations.take_over(session, row, now=now)
    response = Response(row.body, status=row.status, mimetype="application/json")
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _keep(database: Database, held: Reservation, response: Response) -> None:
    if response.status_code != 204 and response.mimetype != "application/json":
        return reservations.forget(database, held)
    body = _without_secrets(response.get_data(as_text=True))
    return reservations.keep(database, held, status=response.status_code, body=body)


def _without_secrets(text: str) -> str:
    shown = json.loads(text) if text else {}
    if not _SECRETS & shown.keys():
        return text
    return json_text({name: None if name in _SECRETS else value for name, value in shown.items()})
