"""What is kept for a while only: events that everybody has seen, what became of their deliveries, tokens that ended.

And files of runs that were announced and never came.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from service.models import Attempt, Correction, Delivery, Event, File, Token

__all__ = ["clear", "clear_announced"]

#: Rows of each table in one transaction, so that nobody waits long for it.
_AT_ONCE: Final = 1000


def clear(session: Session, *, before: datetime) -> int:
    """Delete a part of what ended before `before`. Return how many rows went, so that there may be more of them."""
    return _deliveries(session, before) + _events(session, before) + _tokens(session, before)


def clear_announced(session: Session, *, before: datetime) -> int:
    """Delete a part of the files that were announced before `before` and never uploaded; return how many went.

    The address that would have taken them has ended by then, and they count against their client's share.
    """
    never_came = sa.select(File.id).where(File.uploaded_at.is_(None), File.created_at < before)
    ids = session.scalars(never_came.order_by(File.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(File).where(File.id.in_(ids)))
    return len(ids)


def _deliveries(session: Session, before: datetime) -> int:
    """A delivery that is still being tried stays."""
    is_over = sa.and_(Delivery.created_at < before, Delivery.state != "pending")
    ids = session.scalars(sa.select(Delivery.id).where(is_over).order_by(Delivery.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(Attempt).where(Attempt.delivery_id.in_(ids)))
    session.execute(sa.delete(Delivery).where(Delivery.id.in_(ids)))
    return len(ids)


def _events(session: Session, before: datetime) -> int:
    """An event that waits for the relay, or for a delivery, stays."""
    is_waited_for = sa.exists().where(Delivery.event_id == Event.id)
    old = sa.select(Event.id).where(Event.created_at < before, Event.relayed_at.is_not(None), ~is_waited_for)
    ids = session.scalars(old.order_by(Event.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(Event).where(Event.id.in_(ids)))
    return len(ids)


def _tokens(session: Session, before: datetime) -> int:
    """A token that corrected something stays, since the correction says whose it was; so does one that succeeded it."""
    other = aliased(Token)
    has_ended = sa.or_(Token.expires_at < before, Token.revoked_at < before)
    is_named = sa.or_(
        sa.exists().where(Correction.token_id == Token.id), sa.exists().where(other.successor_id == Token.id)
    )
    ids = session.scalars(sa.select(Token.id).where(has_ended, ~is_named).order_by(Token.id).limit(_AT_ONCE)).all()
    session.execute(sa.delete(Token).where(Token.id.in_(ids)))
    return len(ids)
