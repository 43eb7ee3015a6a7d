"""Rows as the API shows them: the shapes that SigOpt's clients read, and what we add to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.wire import epoch
from service.models import Configuration, Experiment, Front, Observation, Refresh, Suggestion

__all__ = ["best_assignments", "experiment", "front", "observation", "queued_suggestion", "suggestion", "values"]

Json = dict[str, Any]


def experiment(
    row: Experiment,
    refresh: Refresh,
    *,
    first: tuple[Observation, Configuration] | None = None,
    last: tuple[Observation, Configuration] | None = None,
    best: tuple[Observation, Configuration] | None = None,
) -> Json:
    """An experiment with its progress."""
    return {
        "object": "experiment",
        "id": str(row.id),
        "client": str(row.client_id),
        "name": row.name,
        "type": row.type,
        "state": row.state,
        "parameters": [_parameter(item) for item in row.parameters],
        "conditionals": [{"object": "conditional", **item} for item in row.conditionals],
        "linear_constraints": [_constraint(item) for item in row.linear_constraints],
        "metrics": [_metric(item) for item in row.metrics],
        "metadata": row.meta,
        "observation_budget": row.observation_budget,
        "parallel_bandwidth": row.parallel_bandwidth,
        "num_solutions": None,
        "project": None,
        "user": None,
        "development": False,
        "runs_only": False,
        "strategy": row.strategy,
        "seed": row.seed,
        "created": epoch(row.created_at),
        "updated": epoch(row.updated_at),
        "progress": {
            "object": "progress",
            "observation_count": refresh.observation_count,
            "observation_budget_consumed": refresh.observation_count,
            "failure_count": refresh.failure_count,
            "data_generation": refresh.data_generation,
            "model_generation": refresh.model_generation,
            "first_observation": first and observation(*first),
            "last_observation": last and observation(*last),
            "best_observation": best and observation(*best),
        },
    }


def _parameter(item: Mapping[str, Any]) -> Json:
    shown: Json = {"object": "parameter", **item}
    if shown.get("grid") is None:
        shown.pop("grid", None)
    if item["bounds"] is not None:
        shown["bounds"] = {"object": "bounds", **item["bounds"]}
    if item["categorical_values"] is not None:
        shown["categorical_values"] = [{"object": "categorical_value", **v} for v in item["categorical_values"]]
    if item["prior"] is not None:
        given = {name: value for name, value in item["prior"].items() if value is not None}
        shown["prior"] = {"object": f"{given['name']}_prior", **given}
    return shown


def _constraint(item: Mapping[str, Any]) -> Json:
    terms = sorted(item["terms"], key=lambda term: term["name"].lower())
    shown = [{"object": "constraint_term", **term} for term in terms]
    return {"object": "linear_constraint", **item, "terms": shown}


def _metric(item: Mapping[str, Any]) -> Json:
    return {"object": "metric", **item}


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


def observation(row: Observation, configuration: Configuration) -> Json:
    """What was measured, at which configuration."""
    return {
        "object": "observation",
        "id": str(row.id),
        "experiment": str(row.experiment_id),
        "assignments": configuration.assignments,
        "suggestion": None if row.suggestion_id is None else str(row.suggestion_id),
        "values": [_value(v["name"], v["value"], v["value_stddev"]) for v in row.values],
        "failed": row.failed,
        "metadata": row.meta,
        "result_id": row.result_id,
        "source": row.source,
        "created": epoch(row.created_at),
    }


def _value(name: str, value: float | None, stddev: float | None) -> Json:
    return {"object": "metric_evaluation", "name": name or None, "value": value, "value_stddev": stddev}


def values(measured: Mapping[str, Sequence[float | None]]) -> list[Json]:
    """Values of metrics with their standard deviations."""
    return [_value(name, mean, stddev) for name, (mean, stddev) in sorted(measured.items())]


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
            }
            for point in points
        ],
        "recommended": recommended,
    }


def best_assignments(point: Mapping[str, Any], row: Observation) -> Json:
    """A point of the front as SigOpt's clients ask for it."""
    return {
        "object": "best_assignments",
        "id": str(row.id),
        "assignments": point["assignments"],
        "values": values(point["values"]),
        "metadata": row.meta,
    }
