"""What several tests need: an experiment as the use case makes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service import experiments, tokens
from service.models import Client, Experiment

__all__ = ["BODY", "new_client", "new_experiment"]

#: Two numbers, two metrics that pull against each other.
BODY: dict[str, Any] = {
    "name": "two metrics",
    "parameters": [
        {"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}},
        {"name": "y", "type": "double", "bounds": {"min": 0, "max": 1}},
    ],
    "metrics": ["accuracy", {"name": "latency_ms", "objective": "minimize"}],
    "seed": 7,
}


def new_client(session: Session, *, now: datetime) -> tuple[int, str]:
    """Make a client with a token that may do everything; return its id and the token's secret."""
    client = Client(name="test", created_at=now)
    session.add(client)
    session.flush()
    secret = tokens.issue(session, client_id=client.id, name="t", permission="admin", now=now)[1]
    return client.id, secret


def new_experiment(session: Session, *, now: datetime, client_id: int | None = None, **changes: Any) -> Experiment:
    """Make an experiment, of a new client unless one is given."""
    client = new_client(session, now=now)[0] if client_id is None else client_id
    return experiments.create(session, {**BODY, **changes}, client_id=client, now=now)
