"""Each event is followed up once, whoever takes it; what is lost on the way is sent again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis as redis_client
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import webhooks
from service.db import Database
from service.events import PUBLIC, EventType, record
from service.models import Delivery, Event, Experiment, Refresh
from service.nudge import MOST_WAITING, QUEUE, Nudge
from service.sealing import Seal
from tasks.housekeeping import Sweeper
from tasks.relay import FOLLOW_UPS, drain
from tests.support import new_experiment

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


@pytest.fixture
def nudge(redis_url: str) -> Nudge:
    return Nudge(redis_url)


def front_changed(session: Session, experiment: Experiment) -> Event:
    return record(
        session,
        EventType.FRONT_CHANGED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data={"size": 1},
        now=NOW,
    )


def subscribe(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        webhooks.create(
            session,
            client_id=experiment.client_id,
            experiment_id=None,
            url="https://receiver.example/hook",
            event_types=["front.changed"],
            now=NOW,
            allowed_private_hosts=frozenset(),
            seal=Seal([]),
        )


def waiting(redis: redis_client.Redis) -> int:
    return int(redis.llen(QUEUE))  # type: ignore[arg-type]


def test_every_kind_of_event_has_its_follow_up() -> None:
    assert set(FOLLOW_UPS) == set(EventType)
    assert {kind for kind, what in FOLLOW_UPS.items() if what == "deliver"} == PUBLIC


def test_results_wake_a_worker_once_an_experiment(
    database: Database, experiment: Experiment, nudge: Nudge, redis: redis_client.Redis
) -> None:
    with database.write() as session:
        for _ in range(5):
            record(
                session,
                EventType.OBSERVATION_RECORDED,
                client_id=experiment.client_id,
                experiment_id=experiment.id,
                data={},
                now=NOW,
            )
    assert drain(database, nudge) == 6  # five, and the experiment's creation
    assert waiting(redis) == 1
    assert drain(database, nudge) == 0


def test_an_event_becomes_one_delivery_for_each_endpoint_that_wants_it(
    database: Database, experiment: Experiment, nudge: Nudge
) -> None:
    subscribe(database, experiment)
    subscribe(database, experiment)
    with database.write() as session:
        front_changed(session, experiment)
    drain(database, nudge)
    with database.read() as session:
        assert len(session.scalars(sa.select(Delivery)).all()) == 2


def test_two_relays_at_once_follow_up_each_event_once(database: Database, experiment: Experiment, nudge: Nudge) -> None:
    subscribe(database, experiment)
    with database.write() as session:
        for _ in range(300):
            front_changed(session, experiment)
    threads = [threading.Thread(target=drain, args=(database, nudge)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 300
        assert not session.scalars(sa.select(Event).where(Event.relayed_at.is_(None))).all()


def test_what_is_rolled_back_is_never_followed_up(database: Database, experiment: Experiment, nudge: Nudge) -> None:
    subscribe(database, experiment)
    with database.write() as session:
        front_changed(session, experiment)
        session.rollback()
    drain(database, nudge)
    with database.read() as session:
        assert not session.scalars(sa.select(Delivery)).all()


def test_a_broker_that_is_away_costs_a_nudge_and_nothing_else(database: Database, experiment: Experiment) -> None:
    away = Nudge("redis://127.0.0.1:1/0")
    assert not away.relay()
    assert drain(database, away) == 1
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).due_at == NOW


def test_with_every_worker_away_wake_ups_do_not_pile_up(nudge: Nudge, redis: redis_client.Redis) -> None:
    for _ in range(MOST_WAITING + 50):
        nudge.relay()
    assert waiting(redis) == MOST_WAITING


def test_the_sweeper_sends_a_lost_wake_up_again_at_growing_distances(
    database: Database, experiment: Experiment, nudge: Nudge, redis: redis_client.Redis
) -> None:
    clock = [0.0]
    sweeper = Sweeper(database, nudge, clock=lambda: clock[0])
    sent = []
    for second in range(40):
        clock[0] = float(second)
        before = waiting(redis)
        sweeper.sweep()
        if waiting(redis) > before:
            sent.append(second)
    assert sent == [0, 1, 3, 7, 15, 31]


def test_the_sweeper_leaves_alone_what_a_worker_is_doing(
    database: Database, experiment: Experiment, nudge: Nudge, redis: redis_client.Redis
) -> None:
    with database.write() as session:
        row = session.get_one(Refresh, experiment.id)
        row.lease_until = database.now(session) + timedelta(seconds=30)
    Sweeper(database, nudge).sweep()
    assert waiting(redis) == 0


def test_a_relay_does_not_go_on_asking_for_events_that_another_one_is_taking(
    database: Database, nudge: Nudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Session] = []

    def are_waiting(session: Session) -> bool:
        """Say what a look sees while somebody has the rows and has not committed."""
        looks.append(session)
        return len(looks) < 10

    monkeypatch.setattr("tasks.relay.are_waiting", are_waiting)
    assert drain(database, nudge) == 0
    assert len(looks) == 1
