"""People see every attempt, and may have a delivery sent again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.errors import ConflictError, NotFoundError
from service.events import EventType
from service.models import Attempt, Endpoint
from service.paging import Window
from service.webhooks.delivery import SCHEDULE
from tests.service.webhooks.given import START, a_client, an_event
from tests.service.webhooks.sending import (
    DAY,
    GOOD,
    HOUR,
    SECOND,
    bad,
    claim,
    conclude,
    the_delivery,
    told,
)


@pytest.mark.parametrize("outcomes", [[GOOD], [bad()] * 10])
def test_a_delivery_can_be_replayed_under_the_same_message_id(
    database: Database, outcomes: list[webhooks.Outcome]
) -> None:
    with database.write() as session:
        client = told(session)
    now = START
    for outcome in outcomes:
        now = the_delivery(database).next_attempt_at or now
        (prepared,) = claim(database, now)
        conclude(database, prepared, outcome, now)
    assert claim(database, now + 30 * DAY) == []
    with database.write() as session:
        webhooks.replay(
            session, prepared.delivery_id, endpoint_id=prepared.endpoint_id, client_id=client, now=now + DAY
        )
    (again,) = claim(database, now + DAY)
    assert (again.message_id, again.body) == (prepared.message_id, prepared.body)
    conclude(database, again, bad(), now + DAY)
    assert the_delivery(database).next_attempt_at == now + DAY + SCHEDULE[1]
    with database.read() as session:
        numbers = session.scalars(sa.select(Attempt.number).order_by(Attempt.id)).all()
    assert numbers == list(range(1, len(outcomes) + 2))


def test_to_replay_what_is_being_sent_changes_nothing(database: Database) -> None:
    with database.write() as session:
        client = told(session)
    (prepared,) = claim(database, START)
    with database.write() as session:
        webhooks.replay(
            session, prepared.delivery_id, endpoint_id=prepared.endpoint_id, client_id=client, now=START + SECOND
        )
    assert claim(database, START + SECOND) == []
    conclude(database, prepared, GOOD, START + SECOND)
    assert the_delivery(database).state == "delivered"


def test_a_replay_is_for_its_owner_and_for_an_endpoint_that_is_active(database: Database) -> None:
    with database.write() as session:
        client, stranger = told(session), a_client(session)
    (prepared,) = claim(database, START)
    conclude(database, prepared, bad(410), START)
    with database.write() as session:
        with pytest.raises(NotFoundError):
            webhooks.replay(
                session, prepared.delivery_id, endpoint_id=prepared.endpoint_id, client_id=stranger, now=START
            )
        with pytest.raises(ConflictError, match="disabled"):
            webhooks.replay(
                session, prepared.delivery_id, endpoint_id=prepared.endpoint_id, client_id=client, now=START
            )


def test_the_history_tells_every_attempt_newest_delivery_first(database: Database) -> None:
    with database.write() as session:
        client = told(session)
        webhooks.fan_out(session, an_event(session, client, kind=EventType.SUGGESTION_READY), START)
    first, second = claim(database, START)
    conclude(database, first, bad(500), START)
    conclude(database, second, GOOD, START)
    (first,) = claim(database, START + HOUR)
    conclude(database, first, GOOD, START + HOUR)
    with database.read() as session:
        endpoint = session.scalars(sa.select(Endpoint)).one()
        newest, oldest = webhooks.history(session, endpoint, Window())[0].rows
        page, count = webhooks.history(session, endpoint, Window(limit=1, before=(newest.delivery.id,)))
    assert [newest.event_type, oldest.event_type] == ["suggestion.ready", "front.changed"]
    assert [(attempt.number, attempt.status_code) for attempt in oldest.attempts] == [(1, 500), (2, 204)]
    assert ([told.delivery.id for told in page.rows], count) == ([oldest.delivery.id], 2)
