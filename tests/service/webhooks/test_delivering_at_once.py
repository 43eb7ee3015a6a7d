"""Relay and senders work side by side: nobody blocks another, nothing is lost or doubled."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.models import Attempt, Delivery
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event
from tests.service.webhooks.sending import (
    GOOD,
    claim,
    conclude,
)


def test_claims_outcomes_and_fan_outs_at_once_neither_block_each_other_nor_lose_anything(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoints = [an_endpoint(session, client).id for _ in range(3)]

    def make() -> int:
        made = 0
        for _ in range(5):
            with database.write() as session:
                made += sum(webhooks.fan_out(session, an_event(session, client), START) for _ in range(2))
        return made

    def send(making: Future[int]) -> None:
        while (claimed := claim(database, START, limit=4)) or not making.done() or _unfinished(database):
            for prepared in claimed:
                conclude(database, prepared, GOOD, START)

    with ThreadPoolExecutor(4) as pool:
        making = pool.submit(make)
        for sending in [pool.submit(send, making) for _ in range(3)]:
            sending.result()
    assert making.result() == 30
    with database.read() as session:
        counts = sa.select(Delivery.endpoint_id, sa.func.count(Attempt.id)).join(Attempt).group_by(Delivery.endpoint_id)
        assert {(row[0], row[1]) for row in session.execute(counts)} == {(key, 10) for key in endpoints}
        assert set(session.scalars(sa.select(Delivery.state))) == {"delivered"}


def _unfinished(database: Database) -> bool:
    with database.read() as session:
        return session.scalar(sa.select(Delivery.id).where(Delivery.state == "pending").limit(1)) is not None
