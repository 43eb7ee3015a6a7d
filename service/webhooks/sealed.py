"""How the secrets of endpoints stand in the database: as they are, or encrypted, and by which key.

`tradespace rekey` encrypts them anew, `tradespace doctor` looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Endpoint
from service.sealing import Seal

__all__ = ["Standing", "reseal", "standing"]


@dataclass(frozen=True)
class Standing:
    """Of how many endpoints the secrets are as they should be, could be sealed anew, or can't be read at all."""

    current: int
    stale: int
    unreadable: int


def standing(session: Session, *, seal: Seal) -> Standing:
    """Return how the secrets stand. A deleted endpoint has none."""
    rows = session.execute(sa.select(Endpoint.secret, Endpoint.old_secret).where(Endpoint.secret != "")).all()
    unreadable = sum(not all(map(seal.can_open, _given(*row))) for row in rows)
    current = sum(all(map(seal.is_current, _given(*row))) for row in rows)
    return Standing(current, len(rows) - current - unreadable, unreadable)


def reseal(session: Session, *, seal: Seal) -> int:
    """Encrypt by the first key what is plain or was encrypted by another. Return of how many endpoints.

    Raise `UnavailableError` if one can't be read: its key is missing.
    """
    endpoints = session.scalars(
        sa.select(Endpoint).where(Endpoint.secret != "").order_by(Endpoint.id).with_for_update(key_share=True)
    ).all()
    stale = [row for row in endpoints if not all(map(seal.is_current, _given(row.secret, row.old_secret)))]
    for row in stale:
        row.secret = seal.renewed(row.secret)
        row.old_secret = None if row.old_secret is None else seal.renewed(row.old_secret)
    session.flush()
    return len(stale)


def _given(secret: str, old_secret: str | None) -> list[str]:
    return [secret] if old_secret is None else [secret, old_secret]
