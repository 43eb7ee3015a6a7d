"""What an attempt came to moves its delivery on by the schedule; an endpoint that stays down is given up."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.events import EventType
from service.models import Attempt, Delivery, Endpoint, Event
from service.webhooks.claims import LEASE
from service.webhooks.delivery import SCHEDULE
from tests.service.webhooks.given import START, an_endpoint, an_event
from tests.service.webhooks.sending import (
    DAY,
    GOOD,
    HOUR,
    SECOND,
    bad,
    claim,
    conclude,
    the_delivery,
    the_endpoint,
    told,
)


def test_a_success_ends_the_delivery_and_leaves_its_attempt(database: Database) -> None:
    with database.write() as session:
        told(session)
    (prepared,) = claim(database, START)
    conclude(database, prepared, GOOD, START + SECOND)
    delivery = the_delivery(database)
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("delivered", 1, None)
    assert delivery.delivered_at == START + SECOND
    with database.read() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
    assert (attempt.number, attempt.status_code, attempt.error) == (1, 204, None)
    assert attempt.started_at == START + SECOND - timedelta(seconds=0.25)
    assert claim(database, START + 30 * DAY) == []


def test_a_receiver_that_stays_down_is_tried_ten_times_in_75_hours_and_no_more(database: Database) -> None:
    with database.write() as session:
        told(session)
    tried, now = [], START
    while (delivery := the_delivery(database)).state == "pending":
        assert delivery.next_attempt_at is not None
        now = delivery.next_attempt_at
        assert claim(database, now - SECOND) == []
        (prepared,) = claim(database, now)
        tried.append(now)
        conclude(database, prepared, bad(None if len(tried) % 2 else 503), now)
    assert delivery.state == "exhausted"
    assert delivery.attempts == len(tried) == len(SCHEDULE) == 10
    assert [later - earlier for earlier, later in pairwise(tried)] == list(SCHEDULE[1:])
    assert tried[-1] - tried[0] == timedelta(hours=75, minutes=35, seconds=5)
    assert claim(database, now + 30 * DAY) == []
    assert the_endpoint(database).state == "active"
    with database.read() as session:
        assert session.scalars(sa.select(Attempt.number).order_by(Attempt.id)).all() == list(range(1, 11))


@pytest.mark.parametrize("seed", [1, 2])
def test_each_wait_is_up_to_a_tenth_longer_or_shorter_by_the_dice_that_were_given(
    database: Database, seed: int
) -> None:
    with database.write() as session:
        told(session)
    rng, same, now = Random(seed), Random(seed), START
    for wait in SCHEDULE[1:]:
        (prepared,) = claim(database, now)
        conclude(database, prepared, bad(), now, rng=rng)
        due = the_delivery(database).next_attempt_at
        assert due is not None
        assert 0.9 * wait <= due - now <= 1.1 * wait
        assert due - now == wait * same.uniform(0.9, 1.1)
        now = due


def test_a_wish_to_be_left_alone_is_honoured_up_to_a_day(database: Database) -> None:
    wishes = {
        timedelta(0): 5 * SECOND,
        2 * SECOND: 5 * SECOND,
        10 * HOUR: 10 * HOUR,
        24 * HOUR: 24 * HOUR,
        1000 * DAY: 24 * HOUR,
    }
    for asked, wait in wishes.items():
        with database.write() as session:
            told(session)
        (prepared,) = claim(database, START)
        conclude(database, prepared, bad(429, retry_after=asked), START)
        with database.read() as session:
            assert session.get_one(Delivery, prepared.delivery_id).next_attempt_at == START + wait


def test_every_failure_but_gone_is_tried_again(database: Database) -> None:
    for status in (301, 302, 307, 400, 401, 404, 408, 429, 500, 502, 504, None):
        with database.write() as session:
            told(session)
        (prepared,) = claim(database, START)
        conclude(database, prepared, bad(status), START)
        with database.read() as session:
            assert session.get_one(Delivery, prepared.delivery_id).state == "pending"
            assert session.get_one(Endpoint, prepared.endpoint_id).state == "active"


def test_a_failure_that_is_reported_after_its_lease_has_passed_leaves_only_its_attempt(database: Database) -> None:
    with database.write() as session:
        told(session)
    (overtaken,) = claim(database, START)
    (holder,) = claim(database, START + LEASE)
    conclude(database, overtaken, bad(), START + LEASE)
    delivery = the_delivery(database)
    assert (delivery.state, delivery.attempts, delivery.lease_until) == ("pending", 0, holder.lease_until)
    conclude(database, holder, GOOD, START + LEASE + SECOND)
    assert the_delivery(database).state == "delivered"
    conclude(database, overtaken, bad(), START + LEASE + SECOND)
    assert the_delivery(database).state == "delivered"


def test_a_success_counts_even_if_it_is_reported_after_its_lease_has_passed(database: Database) -> None:
    with database.write() as session:
        told(session)
    (overtaken,) = claim(database, START)
    (holder,) = claim(database, START + LEASE)
    conclude(database, overtaken, GOOD, START + LEASE)
    assert the_delivery(database).state == "delivered"
    conclude(database, holder, bad(), START + LEASE + SECOND)
    assert the_delivery(database).state == "delivered"
    assert claim(database, START + DAY) == []


def test_gone_disables_the_endpoint_and_the_others_are_told(database: Database) -> None:
    with database.write() as session:
        client = told(session)
        webhooks.fan_out(session, an_event(session, client), START)
        watcher = an_endpoint(session, client, event_types=["endpoint.disabled"])
    gone, other = claim(database, START)
    conclude(database, gone, bad(410), START)
    conclude(database, other, bad(410), START)
    with database.write() as session:
        endpoint = session.get_one(Endpoint, gone.endpoint_id)
        assert endpoint.state == "disabled"
        assert set(session.scalars(sa.select(Delivery.state))) == {"cancelled"}
        event = session.scalars(sa.select(Event).where(Event.type == EventType.ENDPOINT_DISABLED)).one()
        assert event.data == {"webhook": str(endpoint.id), "reason": "it answered 410 Gone"}
        assert webhooks.fan_out(session, event, START) == 1
        assert webhooks.fan_out(session, an_event(session, client), START) == 0
    (prepared,) = claim(database, START + DAY)
    assert prepared.endpoint_id == watcher.id


def test_an_endpoint_of_which_only_failures_are_heard_for_five_days_is_disabled(database: Database) -> None:
    with database.write() as session:
        client = told(session)
    for days in (0, 2, 4, 4.99):
        (prepared, *_) = claim(database, START + days * DAY)
        conclude(database, prepared, bad(), START + days * DAY)
        assert the_endpoint(database).state == "active"
        with database.write() as session:
            webhooks.fan_out(session, an_event(session, client), START + days * DAY)
    (prepared, *_) = claim(database, START + 5 * DAY)
    conclude(database, prepared, bad(), START + 5 * DAY)
    assert the_endpoint(database).state == "disabled"
    assert claim(database, START + 30 * DAY) == []
    with database.read() as session:
        reason = session.scalars(sa.select(Event.data).where(Event.type == EventType.ENDPOINT_DISABLED)).one()["reason"]
    assert reason == "every attempt of 5 days failed"


def test_one_success_starts_the_five_days_anew(database: Database) -> None:
    with database.write() as session:
        client = told(session)
        webhooks.fan_out(session, an_event(session, client), START)
    first, second = claim(database, START)
    conclude(database, first, bad(), START)
    conclude(database, second, GOOD, START + HOUR)
    assert the_endpoint(database).failing_since is None
    (prepared,) = claim(database, START + 6 * DAY)
    conclude(database, prepared, bad(), START + 6 * DAY)
    assert the_endpoint(database).state == "active"
    assert the_endpoint(database).failing_since == START + 6 * DAY


def test_an_endpoint_deleted_while_it_is_called_stays_deleted(database: Database) -> None:
    with database.write() as session:
        client = told(session)
    (prepared,) = claim(database, START)
    with database.write() as session:
        webhooks.delete(session, prepared.endpoint_id, client_id=client)
    conclude(database, prepared, bad(410), START)
    assert (the_endpoint(database).state, the_delivery(database).state) == ("deleted", "cancelled")
    with database.read() as session:
        assert session.scalars(sa.select(Event.type)).all() == ["front.changed"]
