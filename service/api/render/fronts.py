"""The front as the API shows it, and the best assignments that are read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.api.render.values import Json, values
from service.models import Configuration, Front, Observation, Refresh

__all__ = ["best_assignments", "front"]


def front(row: Front | None, refresh: Refresh, *, recommended: Json | None) -> Json:
    """The Pareto front as the worker stored it last."""
    points = [] if row is None or row.points is None else row.points
    reference = [] if row is None else row.ref_point
    return {
        "object": "front",
        "experiment": str(refresh.experiment_id),
        "generation": refresh.front_generation,
        "data_generation": refresh.data_generation,
        "hypervolume": None if row is None else row.hypervolume,
        "ref_point": {item["metric"]: {"value": item["value"], "inferred": item["inferred"]} for item in reference},
        "feasible_count": 0 if row is None else row.feasible_count,
        "infeasible_count": 0 if row is None else row.infeasible_count,
        "points": [
            {
                "object": "front_point",
                "id": str(point["configuration"]),
                "assignments": point["assignments"],
                "values": values(point["values"]),
                "contribution": point.get("contribution"),
            }
            for point in points
        ],
        "recommended": recommended,
    }


def best_assignments(
    row: Observation, configuration: Configuration, measured: Mapping[str, Sequence[float | None]]
) -> Json:
    """One of the best observations as SigOpt's clients ask for it: its task is there by name alone."""
    task = {} if row.task is None else {"task": row.task}
    return {
        "object": "best_assignments",
        "id": str(row.id),
        "assignments": configuration.assignments,
        "values": values(measured),
        "metadata": row.meta,
        **task,
    }
