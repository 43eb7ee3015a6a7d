"""Observations as the API shows them, and what they were before they were corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.render.values import Json, task, value
from service.api.wire import epoch
from service.models import Configuration, Correction, Observation

__all__ = ["correction", "observation"]


def observation(row: Observation, configuration: Configuration, *, tasks: Sequence[Mapping[str, Any]] = ()) -> Json:
    """What was measured, at which configuration; `tasks` are those of its experiment."""
    return {
        "object": "observation",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": configuration.assignments,
        "suggestion": None if row.suggestion_id is None else str(row.suggestion_id),
        "values": [value(v["name"], v["value"], v["value_stddev"]) for v in row.values],
        "failed": row.failed,
        "partial": row.partial,
        "metadata": row.meta,
        "result_id": row.result_id,
        "source": row.source,
        "created": epoch(row.created_at),
        "updated": epoch(row.updated_at),
        "deleted": row.deleted_at is not None,
        "revision": row.revision,
        **task(row.task, tasks),
    }


def correction(row: Correction) -> Json:
    """What an observation was until it was corrected."""
    before = row.before
    return {
        "object": "correction",
        "observation": str(row.observation_id),
        "revision": row.revision,
        "corrected": epoch(row.created_at),
        "token": None if row.token_id is None else str(row.token_id),
        "before": {**before, "values": [value(v["name"], v["value"], v["value_stddev"]) for v in before["values"]]},
    }
