"""What the webhook tests start from: a client, experiments, endpoints, events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from service import webhooks
from service.events import EventType, record
from service.models import Client, Endpoint, Event, Experiment
from service.sealing import Seal

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTS = frozenset({"127.0.0.1", "localhost"})
#: No key: secrets stand as they are.
PLAIN = Seal([])


def a_client(session: Session) -> int:
    client = Client(name="team", created_at=START)
    session.add(client)
    session.flush()
    return client.id


def an_experiment(session: Session, client_id: int, *, state: str = "active") -> int:
    experiment = Experiment(
        client_id=client_id,
        name="tuning",
        state=state,
        parameters=[],
        conditionals=[],
        linear_constraints=[],
        metrics=[],
        seed=1,
        created_at=START,
        updated_at=START,
    )
    session.add(experiment)
    session.flush()
    return experiment.id


def an_endpoint(session: Session, client_id: int, **options: Any) -> Endpoint:
    return webhooks.create(
        session,
        **{
            "client_id": client_id,
            "experiment_id": None,
            "url": "https://example.com/hook",
            "event_types": [],
            "now": START,
            "allowed_private_hosts": HOSTS,
            "seal": PLAIN,
            **options,
        },
    )


def an_event(
    session: Session,
    client_id: int,
    *,
    experiment_id: int | None = None,
    kind: EventType = EventType.FRONT_CHANGED,
    data: dict[str, Any] | None = None,
    now: datetime = START,
) -> Event:
    given = {"generation": 3} if data is None else data
    return record(session, kind, client_id=client_id, experiment_id=experiment_id, data=given, now=now)
