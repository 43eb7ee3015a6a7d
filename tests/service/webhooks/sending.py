"""What tests of deliveries do again and again: claim, conclude, look at the one that there is."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import webhooks
from service.db import Database
from service.models import Delivery, Endpoint
from service.webhooks import Failed, Prepared, Succeeded
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GOOD = Succeeded(status_code=204, duration_s=0.25)


def bad(status: int | None = 500, **options: Any) -> Failed:
    return Failed(error=f"answered {status}", duration_s=0.5, status_code=status, **options)


class Middle(Random):
    """Dice that always fall in the middle: no jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def claim(database: Database, now: datetime, limit: int = 100) -> list[Prepared]:
    with database.write() as session:
        return webhooks.claim_due(session, now, limit)


def conclude(
    database: Database, prepared: Prepared, outcome: webhooks.Outcome, now: datetime, *, rng: Random | None = None
) -> None:
    with database.write() as session:
        webhooks.record_outcome(session, prepared, outcome, now, rng=rng or Middle())


def told(session: Session) -> int:
    """Start a client with one endpoint and one delivery on its way to it; return the client."""
    client = a_client(session)
    an_endpoint(session, client)
    assert webhooks.fan_out(session, an_event(session, client), START) == 1
    return client


def the_delivery(database: Database) -> Delivery:
    with database.read() as session:
        return session.scalars(sa.select(Delivery)).one()


def the_endpoint(database: Database) -> Endpoint:
    with database.read() as session:
        return session.scalars(sa.select(Endpoint)).one()
