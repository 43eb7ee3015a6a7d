"""Suggestions as the API shows them, handed out or waiting in the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.render.values import Json, task
from service.api.wire import epoch
from service.models import Suggestion

__all__ = ["queued_suggestion", "suggestion"]


def suggestion(row: Suggestion, *, data_generation: int, tasks: Sequence[Mapping[str, Any]] = ()) -> Json:
    """A suggestion, with where it came from and what the models expect of it; `tasks` are those of its experiment."""
    return {
        "object": "suggestion",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": row.assignments,
        "state": row.state,
        "deleted": row.deleted_at is not None,
        "metadata": row.meta,
        "created": epoch(row.claimed_at or row.created_at),
        "closed": epoch(row.closed_at),
        "lease_s": row.lease_s,
        "lease_until": epoch(row.lease_until),
        "source": row.source,
        "strategy": row.strategy,
        "reason": row.reason,
        "predicted": row.predicted,
        "model_generation": row.model_generation,
        "data_generation": data_generation,
        **task(row.task, tasks),
    }


def queued_suggestion(row: Suggestion, *, tasks: Sequence[Mapping[str, Any]] = ()) -> Json:
    """A configuration that waits in a person's queue."""
    return {
        "object": "queued_suggestion",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": row.assignments,
        "created": epoch(row.created_at),
        **task(row.task, tasks),
    }
