"""An event becomes one delivery for each endpoint that wants it, with one body for all attempts."""

from __future__ import annotations

import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.events import PUBLIC, EventType
from service.models import Delivery
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event, an_experiment
from tests.service.webhooks.sending import (
    bad,
    claim,
    conclude,
    the_delivery,
    told,
)


def test_an_event_reaches_each_endpoint_that_wants_it_and_no_other(database: Database) -> None:
    with database.write() as session:
        client, stranger = a_client(session), a_client(session)
        here, elsewhere = an_experiment(session, client), an_experiment(session, client)
        wanted = {
            an_endpoint(session, client).id,
            an_endpoint(session, client, experiment_id=here).id,
            an_endpoint(session, client, experiment_id=here, event_types=["front.changed"]).id,
        }
        an_endpoint(session, client, event_types=["suggestion.ready"])
        an_endpoint(session, client, experiment_id=elsewhere)
        an_endpoint(session, stranger)
        event = an_event(session, client, experiment_id=here)
        assert webhooks.fan_out(session, event, START) == 3
        assert set(session.scalars(sa.select(Delivery.endpoint_id))) == wanted


def test_to_fan_out_twice_makes_one_delivery(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        an_endpoint(session, client)
        event = an_event(session, client)
        assert [webhooks.fan_out(session, event, START) for _ in range(2)] == [1, 0]
    assert the_delivery(database).message_id.startswith("msg_")
    assert "." not in the_delivery(database).message_id


def test_only_public_events_leave_the_house(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        for kind in EventType:
            event = an_event(session, client, kind=kind, data={"webhook": str(endpoint.id)})
            assert webhooks.fan_out(session, event, START) == (1 if kind in PUBLIC else 0)


def test_the_body_is_written_once_and_is_the_same_at_every_attempt(database: Database) -> None:
    with database.write() as session:
        told(session)
    bodies, ids = set(), set()
    now = START
    for _ in range(4):
        (prepared,) = claim(database, now)
        bodies.add(prepared.body)
        ids.add(prepared.message_id)
        conclude(database, prepared, bad(), now)
        now = the_delivery(database).next_attempt_at or now
    assert len(bodies) == len(ids) == 1
