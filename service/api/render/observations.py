"""Observations as the API shows them."""

from __future__ import annotations

from service.api.render.values import Json, value
from service.api.wire import epoch
from service.models import Configuration, Observation

__all__ = ["observation"]


def observation(row: Observation, configuration: Configuration) -> Json:
    """What was measured, at which configuration."""
    return {
        "object": "observation",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": configuration.assignments,
        "suggestion": None if row.suggestion_id is None else str(row.suggestion_id),
        "values": [value(v["name"], v["value"], v["value_stddev"]) for v in row.values],
        "failed": row.failed,
        "metadata": row.meta,
        "result_id": row.result_id,
        "source": row.source,
        "created": epoch(row.created_at),
    }
