"""By the clock: leases end, and what is old goes."""

from __future__ import annotations

from datetime import timedelta

import redis as redis_client
import sqlalchemy as sa

from service import suggestions
from service.db import Database
from service.models import Attempt, Delivery, Endpoint, Event, Experiment, File, Refresh, Suggestion, Token, TrainingRun
from service.nudge import Nudge
from tasks.housekeeping import clear_old, expire_leases
from tests.factories import NOW
from tests.support import new_client, new_experiment


def test_a_suggestion_whose_lease_ended_expires_and_a_new_pool_is_asked_for(
    database: Database, redis: redis_client.Redis, redis_url: str
) -> None:
    with database.write() as session:
        row = new_experiment(session, now=NOW)
        session.get_one(Refresh, row.id).refill_wanted = False
        now = database.now(session)
        ended = suggestions.claim(session, row, lease_s=60, now=now - timedelta(seconds=61))
        kept = suggestions.claim(session, row, lease_s=60, now=now)
        session.get_one(Refresh, row.id).refill_wanted = False
    assert expire_leases(database, Nudge(redis_url)) == 1
    assert expire_leases(database, Nudge(redis_url)) == 0
    with database.read() as session:
        assert session.get_one(Suggestion, ended.id).state == "expired"
        assert session.get_one(Suggestion, kept.id).state == "open"
        event = session.scalars(sa.select(Event).where(Event.type == "suggestion.expired")).one()
        assert event.data == {"suggestions": [str(ended.id)], "count": 1}
        assert session.get_one(Refresh, row.id).refill_wanted


def old_event(database: Database, experiment: Experiment, *, days: int, state: str) -> None:
    with database.write() as session:
        at = database.now(session) - timedelta(days=days)
        client = experiment.client_id
        event = Event(client_id=client, experiment_id=experiment.id, type="x", data={}, created_at=at, relayed_at=at)
        endpoint = Endpoint(client_id=client, url="http://x", secret="s", event_types=[], created_at=at)
        session.add_all([event, endpoint])
        session.flush()
        delivery = Delivery(
            endpoint_id=endpoint.id, event_id=event.id, message_id=f"m{event.id}", body="", state=state, created_at=at
        )
        session.add(delivery)
        session.flush()
        session.add(Attempt(delivery_id=delivery.id, number=1, started_at=at, duration_s=0.1))


def test_old_events_go_with_their_deliveries_and_what_is_under_way_stays(database: Database) -> None:
    with database.write() as session:
        experiment = new_experiment(session, now=NOW)
    old_event(database, experiment, days=91, state="delivered")
    old_event(database, experiment, days=91, state="pending")
    old_event(database, experiment, days=89, state="exhausted")
    assert clear_old(database, days=0) == 0
    while clear_old(database, days=90):
        pass
    with database.read() as session:
        assert set(session.scalars(sa.select(Delivery.state))) == {"pending", "exhausted"}
        assert len(session.scalars(sa.select(Attempt)).all()) == 2
        assert len(session.scalars(sa.select(Event).where(Event.type == "x")).all()) == 2


def test_tokens_that_ended_long_ago_go_unless_somebody_names_them(database: Database) -> None:
    with database.write() as session:
        client, _ = new_client(session, now=NOW)
        now = database.now(session)
        long_ago, lately = now - timedelta(days=91), now - timedelta(days=1)
        rows = {
            name: Token(client_id=client, name=name, prefix="p", digest=name, scopes=[], created_at=long_ago, **more)
            for name, more in {
                "expired": {"expires_at": long_ago},
                "revoked": {"revoked_at": long_ago},
                "lately": {"expires_at": lately},
                "endless": {},
                "successor": {"expires_at": long_ago},
            }.items()
        }
        session.add_all(rows.values())
        session.flush()
        rows["endless"].successor_id = rows["successor"].id
    assert clear_old(database, days=90) == 2
    assert clear_old(database, days=90) == 0
    with database.read() as session:
        assert set(session.scalars(sa.select(Token.name))) == {"lately", "endless", "successor", "t"}


def test_files_that_were_announced_and_never_came_go_after_a_day(database: Database) -> None:
    with database.write() as session:
        client, _ = new_client(session, now=NOW)
        run = TrainingRun(client_id=client, name="r", document={}, created_at=NOW, updated_at=NOW)
        session.add(run)
        session.flush()
        now = database.now(session)
        for name, hours, came in (("lost", 25, False), ("kept", 25, True), ("awaited", 23, False)):
            at = now - timedelta(hours=hours)
            session.add(
                File(
                    training_run_id=run.id,
                    filename=name,
                    content_type="image/png",
                    content_length=1,
                    content_md5="m",
                    upload_key="k",
                    created_at=at,
                    uploaded_at=at if came else None,
                )
            )
    assert clear_old(database, days=0) == 1
    assert clear_old(database, days=0) == 0
    with database.read() as session:
        assert set(session.scalars(sa.select(File.filename))) == {"kept", "awaited"}
