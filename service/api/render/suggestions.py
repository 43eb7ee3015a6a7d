"""Suggestions as the API shows them, handed out or waiting in the queue."""

from __future__ import annotations

from service.api.render.values import Json
from service.api.wire import epoch
from service.models import Suggestion

__all__ = ["queued_suggestion", "suggestion"]


def suggestion(row: Suggestion, *, data_generation: int) -> Json:
    """A suggestion, with where it came from and what the models expect of it."""
    return {
        "object": "suggestion",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": row.assignments,
        "state": "closed" if row.state == "closed" else "open",
        "deleted": False,
        "metadata": row.meta,
        "created": epoch(row.claimed_at or row.created_at),
        "source": row.source,
        "strategy": row.strategy,
        "reason": row.reason,
        "predicted": row.predicted,
        "model_generation": row.model_generation,
        "data_generation": data_generation,
    }


def queued_suggestion(row: Suggestion) -> Json:
    """A configuration that waits in a person's queue."""
    return {
        "object": "queued_suggestion",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": row.assignments,
        "created": epoch(row.created_at),
    }
