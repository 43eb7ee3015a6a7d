"""Who does a request that came with an `Idempotency-Key`: who reserved the key, until it ends or its lease does.

A process may die with a key in hand. Whether the work was done is no guess: what it changes and the mark that it did
are committed together (`mark`). So a reservation that was never marked is safe to take over when its lease has ended:
nothing was done, and should its holder only be slow, it finds its mark gone and takes everything back. A marked one is
never taken over: to do it again would make a second experiment, or another token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from flask import g, has_request_context
from sqlalchemy.orm import Session

from service.db import Database, insert_new
from service.errors import ConflictError
from service.models import Remembered

__all__ = ["DONE", "HEADER", "LEASE", "Reservation", "forget", "keep", "mark", "reserve", "take_over"]

HEADER: Final = "Idempotency-Key"
#: Well beyond the longest request: a wait of 30 s for a pool, an import of the largest body.
LEASE: Final = timedelta(seconds=120)
#: Instead of an HTTP status: the work is committed, the reply is not stored yet.
DONE: Final = 0


@dataclass(frozen=True)
class Reservation:
    """A key in hand. `since` tells this holder from one that took it over."""

    row_id: int
    since: datetime


def reserve(session: Session, *, client_id: int, key: str, request_hash: str, now: datetime) -> Reservation:
    """Take a key that nobody has; raise `ConflictError` if somebody was faster since the caller looked."""
    row = {"client_id": client_id, "key": key, "request_hash": request_hash, "created_at": now}
    new = insert_new(session, Remembered, [row], unique=("client_id", "key"), returning=("id",))
    if not new:
        raise _running()
    return _held(int(new[0].id), now)


def take_over(session: Session, row: Remembered, *, now: datetime) -> Reservation:
    """Take a key whose holder was not heard of for `LEASE` and did nothing; raise `ConflictError` otherwise."""
    if row.status == DONE:
        message = (
            "The first request with this Idempotency-Key was carried out, and its reply was lost: look what it made. "
            "It is not done again; for another one use a new key"
        )
        raise ConflictError(message, field=HEADER)
    if now - row.created_at < LEASE:
        raise _running()
    taken = sa.update(Remembered).where(*_mine(Reservation(row.id, row.created_at)), Remembered.status.is_(None))
    if session.scalar(taken.values(created_at=now).returning(Remembered.id)) is None:
        raise _running()
    return _held(row.id, now)


def mark(session: Session) -> None:
    """Note in the transaction of the work that it is done; raise `ConflictError` if the key has passed to another."""
    held: Reservation | None = g.get("reservation") if has_request_context() else None
    if held is None:
        return
    of_work = sa.or_(Remembered.status.is_(None), Remembered.status == DONE)
    marked = sa.update(Remembered).where(*_mine(held), of_work).values(status=DONE).returning(Remembered.id)
    if session.scalar(marked) is None:
        raise ConflictError("This request took so long that another with its Idempotency-Key took over", field=HEADER)


def forget(database: Database, held: Reservation, *, if_not_done: bool = False) -> None:
    """Give a key back: the request was refused, or (`if_not_done`) broke, perhaps before it did anything."""
    states = [Remembered.status.is_(None)] if if_not_done else []
    with database.write() as session:
        session.execute(sa.delete(Remembered).where(*_mine(held), *states))


def keep(database: Database, held: Reservation, *, status: int, body: str) -> None:
    """Store the reply for those who ask again."""
    with database.write() as session:
        session.execute(sa.update(Remembered).where(*_mine(held)).values(status=status, body=body))


def _held(row_id: int, since: datetime) -> Reservation:
    g.reservation = Reservation(row_id, since)
    return Reservation(row_id, since)


def _mine(held: Reservation) -> tuple[sa.ColumnElement[bool], ...]:
    return Remembered.id == held.row_id, Remembered.created_at == held.since


def _running() -> ConflictError:
    seconds = int(LEASE.total_seconds())
    message = (
        "The first request with this Idempotency-Key has not ended. Try again in a moment: if it broke off before it "
        f"did anything, this one is done {seconds} seconds after it came"
    )
    return ConflictError(message, field=HEADER)
