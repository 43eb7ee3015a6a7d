"""The delivery task, from the row to a receiver on a real socket and back to the row."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.models import Attempt, Delivery, Endpoint
from service.sealing import Seal
from service.settings import Settings
from service.webhooks.claims import MAX_IN_FLIGHT
from service.webhooks.delivery import SCHEDULE
from tasks import deliver
from tasks.deliver import THREADS, deliver_due
from tests.service.webhooks.given import a_client, an_endpoint, an_event
from tests.service.webhooks.receivers import Answer, Received, Receiver, drip, raw_server, receiver, say_nothing

SETTINGS = Settings(webhook_allow_hosts="127.0.0.1")
KEY = "a-key-for-tests-" * 3
SEALED = Settings(webhook_allow_hosts="127.0.0.1", secret_keys=KEY)


def send(database: Database, **options: float) -> int:
    return deliver_due(database, SETTINGS, rng=Random(1), **options)


def subscribe(database: Database, *urls: str) -> tuple[int, list[Endpoint]]:
    """Make a client with an endpoint for each of `urls`."""
    with database.write() as session:
        client = a_client(session)
        return client, [an_endpoint(session, client, url=url) for url in urls]


def happen(database: Database, client: int) -> None:
    """Record an event and fan it out, as the relay does."""
    with database.write() as session:
        now = database.now(session)
        webhooks.fan_out(session, an_event(session, client, now=now), now)


def make_due(database: Database) -> None:
    """Let the time pass that all that is on its way waits for: retries and leases."""
    with database.write() as session:
        session.execute(sa.update(Delivery).values(next_attempt_at=database.now(session) - timedelta(seconds=1)))


def deliveries(database: Database) -> list[Delivery]:
    with database.read() as session:
        return list(session.scalars(sa.select(Delivery).order_by(Delivery.id)))


def attempts(database: Database) -> list[Attempt]:
    with database.read() as session:
        return list(session.scalars(sa.select(Attempt).order_by(Attempt.id)))


def test_a_receiver_gets_the_event_once_and_can_verify_it(database: Database) -> None:
    with receiver() as there:
        client, (endpoint,) = subscribe(database, there.url)
        happen(database, client)
        assert send(database) == 1
        assert send(database) == 0
    (got,) = there.received
    payload = got.verified(endpoint.secret)
    assert payload["type"] == "front.changed"
    assert payload["data"]["generation"] == 3
    assert payload["data"]["sequence"] == deliveries(database)[0].event_id
    assert got.id == deliveries(database)[0].message_id
    assert deliveries(database)[0].state == "delivered"
    assert [(row.number, row.status_code, row.error) for row in attempts(database)] == [(1, 200, None)]


def test_each_attempt_has_the_same_id_and_a_timestamp_and_signature_of_its_own(database: Database) -> None:
    answers = iter([Answer(500), Answer(302, {"location": "http://127.0.0.1:1/"}), Answer(200)])
    with receiver(lambda _: next(answers)) as there:
        client, (endpoint,) = subscribe(database, there.url)
        happen(database, client)
        for number in range(3):
            if number:
                threading.Event().wait(1.01)  # timestamps are whole seconds
                make_due(database)
            assert send(database) == 1
    assert len({got.id for got in there.received}) == 1
    assert len({got.body for got in there.received}) == 1
    assert len({got.headers["webhook-timestamp"] for got in there.received}) == 3
    assert len({got.headers["webhook-signature"] for got in there.received}) == 3
    for got in there.received:
        got.verified(endpoint.secret)
    assert [row.status_code for row in attempts(database)] == [500, 302, 200]
    assert deliveries(database)[0].state == "delivered"


def test_a_failure_waits_for_its_time(database: Database) -> None:
    with receiver(lambda _: Answer(503, {"retry-after": "3600"})) as there:
        client, _ = subscribe(database, there.url)
        happen(database, client)
        assert send(database) == 1
        assert send(database) == 0
    (delivery,), (attempt,) = deliveries(database), attempts(database)
    assert delivery.state == "pending"
    assert delivery.next_attempt_at is not None
    wait = delivery.next_attempt_at - attempt.started_at
    assert timedelta(hours=1) <= wait <= timedelta(hours=1, minutes=5)
    assert attempt.error == "answered 503 Service Unavailable"


def test_a_receiver_that_says_gone_gets_nothing_more(database: Database) -> None:
    with receiver(lambda _: Answer(410)) as there:
        client, _ = subscribe(database, there.url)
        happen(database, client)
        assert send(database) == 1
        happen(database, client)
        assert send(database) == 0
    assert len(there.received) == 1
    assert [delivery.state for delivery in deliveries(database)] == ["cancelled"]


def test_a_dripping_receiver_is_cut_at_the_deadline_and_tried_again_later(database: Database) -> None:
    with raw_server(drip(b"HTTP/1.1 200 OK\r\n")) as there:
        client, _ = subscribe(database, f"http://127.0.0.1:{there.port}/")
        happen(database, client)
        assert send(database, deadline_s=0.5) == 1
    (delivery,), (attempt,) = deliveries(database), attempts(database)
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert (attempt.status_code, attempt.error) == (None, "no complete answer within 0.5 s")
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at > attempt.started_at + 0.9 * SCHEDULE[1]


def test_a_slow_receiver_delays_nobody_else_not_even_with_what_happens_meanwhile(database: Database) -> None:
    heard = threading.Event()
    began = threading.Lock()

    def slow(_got: Received) -> Answer:
        if began.acquire(blocking=False):
            happen(database, other)
        # The slow one answers only when the other receiver has got both: what was due and what came up meanwhile.
        return Answer(200 if heard.wait(60) else 500)

    def fast(_got: Received) -> Answer:
        if len(quick.received) == 2:
            heard.set()
        return Answer(200)

    with receiver(slow) as late, receiver(fast) as quick:
        client, _ = subscribe(database, late.url)
        other, _ = subscribe(database, quick.url)
        for _ in range(4):
            happen(database, client)
        happen(database, other)
        assert send(database, deadline_s=100) == 6
    assert {delivery.state for delivery in deliveries(database)} == {"delivered"}


def test_any_number_of_failing_slow_receivers_delay_nobody_in_good_health(database: Database) -> None:
    heard = threading.Event()
    began = threading.Lock()

    def slow(_got: Received) -> Answer:
        if began.acquire(blocking=False):
            happen(database, other)
        return Answer(200 if heard.wait(60) else 500)

    def fast(_got: Received) -> Answer:
        heard.set()
        return Answer(200)

    with receiver(slow) as late, receiver(fast) as quick:
        client, failing = subscribe(database, *[late.url] * (2 * THREADS))
        other, _ = subscribe(database, quick.url)
        with database.write() as session:
            for endpoint in failing:
                session.get_one(Endpoint, endpoint.id).failing_since = database.now(session)
        happen(database, client)
        assert send(database, deadline_s=100) == 2 * THREADS + 1
    assert {delivery.state for delivery in deliveries(database)} == {"delivered"}


def test_more_silent_receivers_than_threads_all_meet_their_deadline(database: Database) -> None:
    with ExitStack() as stack:
        there = [stack.enter_context(raw_server(say_nothing)) for _ in range(THREADS + 2)]
        client, _ = subscribe(database, *(f"http://127.0.0.1:{server.port}/" for server in there))
        happen(database, client)
        assert send(database, deadline_s=0.3) == THREADS + 2
    assert {row.error for row in attempts(database)} == {"no complete answer within 0.3 s"}
    assert [server.connections for server in there] == [1] * (THREADS + 2)


def test_two_processes_at_once_send_each_delivery_once(database: Database, database_url: str) -> None:
    with receiver() as one, receiver() as two:
        client, _ = subscribe(database, one.url, two.url)
        for _ in range(12):
            happen(database, client)
        children = [_child(database_url) for _ in range(2)]
        for child in children:
            assert child.wait(60) == 0
        send(database)  # the last one of an endpoint may have been passed by while another process had it in hand
    for there in (one, two):
        assert len({got.id for got in there.received}) == len(there.received) == 12
    assert {delivery.state for delivery in deliveries(database)} == {"delivered"}


def test_killed_between_send_and_mark_it_is_sent_again_under_the_same_id(database: Database, database_url: str) -> None:
    children: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill_the_sender(_got: Received) -> Answer:
        started.wait(60)
        children[0].send_signal(signal.SIGKILL)
        children[0].wait(60)
        return Answer(200)

    with receiver(kill_the_sender) as there:
        client, (endpoint,) = subscribe(database, there.url)
        happen(database, client)
        children.append(_child(database_url))
        started.set()
        assert children[0].wait(60) == -signal.SIGKILL
        assert attempts(database) == []
        assert send(database) == 0  # the dead one's lease holds
        make_due(database)  # it ends
        there.answer = lambda _: Answer(200)
        assert send(database) == 1
    first, again = there.received
    assert (first.id, first.body) == (again.id, again.body)
    again.verified(endpoint.secret)
    assert deliveries(database)[0].state == "delivered"


def _child(database_url: str) -> subprocess.Popen[bytes]:
    """Start a process that delivers what is due."""
    code = (
        "import sys; from random import Random; from service.db import Database; from service.settings import Settings;"
        "from tasks.deliver import deliver_due;"
        "deliver_due(Database(sys.argv[1]), Settings(webhook_allow_hosts='127.0.0.1'), rng=Random(1))"
    )
    return subprocess.Popen([sys.executable, "-c", code, database_url], env=dict(os.environ))


def test_a_database_that_fails_at_the_mark_is_heard_of_and_the_lease_brings_it_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise sa.exc.OperationalError("UPDATE deliveries", {}, Exception("the server closed the connection"))

    with receiver() as there:
        client, _ = subscribe(database, there.url)
        happen(database, client)
        with monkeypatch.context() as broken:
            broken.setattr(webhooks, "record_outcome", fail)
            with pytest.raises(sa.exc.OperationalError):
                send(database)
        assert deliveries(database)[0].state == "pending"
        make_due(database)
        assert send(database) == 1
    assert len({got.id for got in there.received}) == 1
    assert len(there.received) == 2
    assert deliveries(database)[0].state == "delivered"


def test_a_delivery_that_we_cannot_even_sign_fails_alone(database: Database) -> None:
    with receiver() as there:
        client, (broken, _) = subscribe(database, there.url + "/broken", there.url)
        with database.write() as session:
            session.get_one(Endpoint, broken.id).secret = "whsec_"
        happen(database, client)
        assert send(database) == 2
    assert [got.path for got in there.received] == ["/hook"]
    assert sorted(delivery.state for delivery in deliveries(database)) == ["delivered", "pending"]
    assert {row.error for row in attempts(database)} == {
        None,
        "Tradespace failed to send it: EmptyWebhookSecretError",
    }


def test_an_encrypted_secret_signs(database: Database) -> None:
    with receiver() as there:
        with database.write() as session:
            client = a_client(session)
            endpoint = an_endpoint(session, client, url=there.url, seal=Seal([KEY]))
        happen(database, client)
        assert deliver_due(database, SEALED, rng=Random(1)) == 1
    there.received[0].verified(Seal([KEY]).opened(endpoint.secret))


def test_a_secret_whose_key_is_missing_fails_alone_and_names_the_setting(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as there:
        client, _ = subscribe(database, there.url)
        with database.write() as session:
            an_endpoint(session, client, url=there.url, seal=Seal(["another key " * 3]))
        happen(database, client)
        assert deliver_due(database, SEALED, rng=Random(1)) == 2
    assert len(there.received) == 1
    (error,) = {row.error for row in attempts(database)} - {None}
    assert error is not None
    assert "TRADESPACE_SECRET_KEYS" in error
    assert "TRADESPACE_SECRET_KEYS" in caplog.text


def test_no_secret_is_logged_or_stored_with_an_attempt(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes: list[Callable[[Receiver], Answer]] = [
        lambda _: Answer(200),
        lambda _: Answer(500),
        lambda _: Answer(302, {"location": "/x"}),
    ]
    with ExitStack() as stack:
        there = [stack.enter_context(receiver(answer)) for answer in outcomes]  # type: ignore[arg-type]
        silent = stack.enter_context(raw_server(say_nothing))
        urls = [*(one.url for one in there), f"http://127.0.0.1:{silent.port}/", "https://localhost/hook"]
        client, endpoints = subscribe(database, *(url for url in urls))
        happen(database, client)
        assert send(database, deadline_s=0.3) == 5
    written = caplog.text + "".join(row.error or "" for row in attempts(database))
    assert "failed: answered 500" in caplog.text
    assert "whsec_" not in written
    for endpoint in endpoints:
        assert endpoint.secret.removeprefix("whsec_") not in written


def test_when_it_is_to_stop_it_claims_nothing_more(database: Database) -> None:
    stopping = threading.Event()

    def stop(_got: Received) -> Answer:
        stopping.set()
        return Answer(200)

    with receiver(stop) as there:
        client, _ = subscribe(database, there.url)
        for _ in range(5):
            happen(database, client)
        done = deliver_due(database, SETTINGS, rng=Random(1), stopping=stopping)
        assert 1 <= done <= MAX_IN_FLIGHT
        assert deliver_due(database, SETTINGS, rng=Random(1), stopping=stopping) == 0
    assert len(there.received) == done


def test_when_it_is_to_stop_it_leaves_a_call_that_takes_long_to_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "GRACE_S", 0.1)
    stopping, returned = threading.Event(), threading.Event()

    def long(_got: Received) -> Answer:
        stopping.set()
        returned.wait(60)
        return Answer(200)

    with receiver(long) as there:
        client, _ = subscribe(database, there.url)
        happen(database, client)
        before = set(threading.enumerate())
        assert deliver_due(database, SETTINGS, rng=Random(1), stopping=stopping) == 0
        (delivery,) = deliveries(database)
        assert delivery.state == "pending"
        assert delivery.lease_until is not None
        left = [thread for thread in threading.enumerate() if thread.name.startswith("delivery-")]
        assert [thread.daemon for thread in left if thread not in before] == [True]
        returned.set()
        for thread in left:
            thread.join()
    assert deliveries(database)[0].state == "delivered"  # if the process lives on, its answer still counts


def test_with_nothing_due_it_does_not_wait_for_another_writer(database: Database) -> None:
    with database.write() as session:  # on SQLite: the one write lock there is
        a_client(session)
        assert send(database) == 0
