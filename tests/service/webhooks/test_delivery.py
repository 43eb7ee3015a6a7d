"""Deliveries: one an endpoint and event, claimed once, retried by the schedule, given up at last, replayed by hand."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import webhooks
from service.db import Database
from service.errors import ConflictError, NotFoundError
from service.events import PUBLIC, EventType
from service.models import Attempt, Delivery, Endpoint, Event
from service.paging import Window
from service.webhooks import Failed, Prepared, Succeeded
from service.webhooks.claims import LEASE, MAX_IN_FLIGHT
from service.webhooks.delivery import SCHEDULE
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event, an_experiment

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


# -- fan out ---------------------------------------------------------------------------------------------------------


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


# -- claims ----------------------------------------------------------------------------------------------------------


def test_what_is_claimed_is_not_claimed_again_until_its_lease_ends(database: Database) -> None:
    with database.write() as session:
        told(session)
    (first,) = claim(database, START)
    assert claim(database, START) == []
    assert claim(database, START + LEASE - SECOND) == []
    (again,) = claim(database, START + LEASE)
    assert (again.delivery_id, again.message_id, again.body) == (first.delivery_id, first.message_id, first.body)
    assert again.lease_until > first.lease_until


def test_the_claim_holds_all_that_is_needed_to_send_and_shows_no_secret(database: Database) -> None:
    with database.write() as session:
        told(session)
    (prepared,) = claim(database, START)
    endpoint = the_endpoint(database)
    assert (prepared.url, prepared.secrets) == (endpoint.url, (endpoint.secret,))
    assert endpoint.secret not in repr(prepared)
    assert endpoint.secret not in repr(endpoint)
    assert "whsec_" not in repr(prepared)


def test_no_more_than_two_are_on_their_way_to_one_endpoint(database: Database) -> None:
    with database.write() as session:
        client = told(session)
        for _ in range(4):
            webhooks.fan_out(session, an_event(session, client), START)
    first = claim(database, START)
    assert len(first) == MAX_IN_FLIGHT == 2
    assert claim(database, START + SECOND) == []
    conclude(database, first[0], GOOD, START + SECOND)
    third = claim(database, START + SECOND)
    assert len(third) == 1
    assert third[0].delivery_id not in {prepared.delivery_id for prepared in first}


def test_one_endpoint_with_a_long_queue_leaves_room_for_the_others(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        busy = an_endpoint(session, client, event_types=["front.changed"])
        for _ in range(50):
            webhooks.fan_out(session, an_event(session, client), START)
        others = [an_endpoint(session, client, event_types=["suggestion.ready"]) for _ in range(3)]
        webhooks.fan_out(session, an_event(session, client, kind=EventType.SUGGESTION_READY), START + SECOND)
    claimed = [prepared.endpoint_id for prepared in claim(database, START + SECOND, limit=4)]
    assert sorted(claimed) == sorted([busy.id, *(endpoint.id for endpoint in others)])
    assert [prepared.endpoint_id for prepared in claim(database, START + SECOND)] == [busy.id]


def test_what_waits_longest_goes_first(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        late = an_endpoint(session, client, event_types=["front.changed"])
        early = an_endpoint(session, client, event_types=["suggestion.ready"])
        webhooks.fan_out(session, an_event(session, client), START + SECOND)
        webhooks.fan_out(session, an_event(session, client, kind=EventType.SUGGESTION_READY), START)
    now = START + 2 * SECOND
    assert [claim(database, now, limit=1)[0].endpoint_id for _ in range(2)] == [early.id, late.id]


def test_endpoints_that_fail_come_last_and_get_no_more_than_their_part(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoints = [an_endpoint(session, client) for _ in range(6)]
        for endpoint in endpoints[:3]:
            endpoint.failing_since = START
        webhooks.fan_out(session, an_event(session, client), START)
    failing = {endpoint.id for endpoint in endpoints[:3]}
    with database.write() as session:
        first = webhooks.claim_due(session, START, 2, failing_limit=1)
        second = webhooks.claim_due(session, START, 10, failing_limit=1)
        third = webhooks.claim_due(session, START, 10, failing_limit=0)
        fourth = webhooks.claim_due(session, START, 10)
    assert [[prepared.is_failing for prepared in some] for some in (first, second, third, fourth)] == [
        [False, False],
        [False, True],
        [],
        [True, True],
    ]
    assert {prepared.endpoint_id for prepared in first + second + fourth if prepared.is_failing} == failing


def test_two_claimers_never_take_the_same_delivery_nor_more_than_their_share(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        for _ in range(6):
            an_endpoint(session, client)
        for _ in range(4):
            webhooks.fan_out(session, an_event(session, client), START)
    barrier, taken = threading.Barrier(4), []

    def claimer() -> None:
        barrier.wait()
        for _ in range(8):
            taken.extend(claim(database, START, limit=3))

    threads = [threading.Thread(target=claimer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.extend(claim(database, START))  # what every one of them passed by because another had it in hand
    assert len({prepared.delivery_id for prepared in taken}) == len(taken) == 6 * MAX_IN_FLIGHT


def test_a_look_says_whether_there_is_anything_to_claim(database: Database) -> None:
    def has_due(now: datetime) -> bool:
        with database.read() as session:
            return webhooks.has_due(session, now)

    assert not has_due(START)
    with database.write() as session:
        told(session)
    assert has_due(START)
    assert not has_due(START - SECOND)
    claim(database, START)
    assert not has_due(START)
    assert has_due(START + LEASE)


def test_nothing_is_claimed_when_there_is_no_room(database: Database) -> None:
    with database.write() as session:
        told(session)
    assert claim(database, START, limit=0) == []


# -- outcomes --------------------------------------------------------------------------------------------------------


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


# -- giving up -------------------------------------------------------------------------------------------------------


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


# -- by hand ---------------------------------------------------------------------------------------------------------


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


# -- several at once -------------------------------------------------------------------------------------------------


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
