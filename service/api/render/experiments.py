"""An experiment as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.api.render.observations import observation
from service.api.render.values import Json
from service.api.wire import epoch
from service.models import Configuration, Experiment, Observation, Refresh

__all__ = ["experiment"]


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
