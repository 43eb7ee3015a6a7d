"""Deliveries are claimed once, a few at a time, the longest waiting first, and nobody is kept waiting by the slow."""

from __future__ import annotations

import threading
from datetime import datetime

from service import webhooks
from service.db import Database
from service.events import EventType
from service.webhooks.claims import LEASE, MAX_IN_FLIGHT
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event
from tests.service.webhooks.sending import (
    GOOD,
    SECOND,
    claim,
    conclude,
    the_endpoint,
    told,
)


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
