"""An experiment as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service import observations
from service.api.render.observations import observation
from service.api.render.values import Json
from service.api.wire import epoch
from service.models import Configuration, Experiment, Observation, Refresh

__all__ = ["Measured", "aiexperiment", "experiment"]

#: An observation, and where it was measured.
Measured = tuple[Observation, Configuration]


#: Of the runs of an experiment: their state -> how many.
Runs = Mapping[str, int]


def experiment(
    row: Experiment,
    refresh: Refresh,
    *,
    project: str | None = None,
    runs: Runs | None = None,
    first: Measured | None = None,
    last: Measured | None = None,
    best: Measured | None = None,
) -> Json:
    """An experiment with its progress. `project` is its reference, `runs` the number of its runs in each state."""
    budget = "budget" if row.runs_only else "observation_budget"
    progress = _of_runs(row, runs) if row.runs_only else _of_observations(row, refresh, first, last, best)
    shown = {
        "object": "experiment",
        "id": str(row.id),
        "client": str(row.client_id),
        "name": row.name,
        "type": row.type,
        "state": row.state,
        "parameters": [_parameter(item, row.type) for item in row.parameters],
        "conditionals": [{"object": "conditional", **item} for item in row.conditionals],
        "linear_constraints": [_constraint(item) for item in row.linear_constraints],
        "metrics": [_metric(item) for item in row.metrics],
        "metadata": row.meta,
        budget: row.observation_budget,
        "parallel_bandwidth": row.parallel_bandwidth,
        "num_solutions": row.num_solutions,
        "project": project,
        "user": None,
        "development": row.development,
        "runs_only": row.runs_only,
        "strategy": row.strategy,
        "seed": row.seed,
        "created": epoch(row.created_at),
        "updated": epoch(row.updated_at),
        "progress": {
            "object": "progress",
            **progress,
            "failure_count": refresh.failure_count,
            "data_generation": refresh.data_generation,
            "model_generation": refresh.model_generation,
        },
    }
    if row.tasks:
        shown["tasks"] = [{"object": "task", **item} for item in row.tasks]
    return shown


def aiexperiment(row: Experiment, refresh: Refresh, *, project: str | None, runs: Runs | None = None) -> Json:
    """An experiment whose observations are made by training runs, as the AI module knows it."""
    shown = {**experiment(row, refresh, project=project, runs=runs), "object": "aiexperiment"}
    del shown["development"]
    return shown


def _of_observations(
    row: Experiment, refresh: Refresh, first: Measured | None, last: Measured | None, best: Measured | None
) -> Json:
    return {
        "observation_count": refresh.observation_count,
        "observation_budget_consumed": observations.consumed(row, refresh),
        "first_observation": first and observation(*first, tasks=row.tasks),
        "last_observation": last and observation(*last, tasks=row.tasks),
        "best_observation": best and observation(*best, tasks=row.tasks),
    }


def _of_runs(row: Experiment, runs: Runs | None) -> Json:
    total, active = sum((runs or {}).values()), (runs or {}).get("active", 0)
    return {
        "finished_run_count": total - active,
        "active_run_count": active,
        "total_run_count": total,
        "remaining_budget": None if row.observation_budget is None else row.observation_budget - total,
    }


def _parameter(item: Mapping[str, Any], experiment_type: str) -> Json:
    whole = item["type"] == "int"
    shown: Json = {"object": "parameter", **item, "default_value": _whole(item["default_value"], whole)}
    if item.get("grid") is not None:
        shown["grid"] = [_whole(value, whole) for value in item["grid"]]
        shown["bounds"] = {"object": "bounds", "min": item["grid"][0], "max": item["grid"][-1]}
    else:
        shown.pop("grid", None)
    if item["bounds"] is not None:
        shown["bounds"] = {"object": "bounds", **item["bounds"]}
    if item["categorical_values"] is not None:
        shown["categorical_values"] = [{"object": "categorical_value", **v} for v in item["categorical_values"]]
        if experiment_type == "grid":
            shown["grid"] = [value["name"] for value in item["categorical_values"]]
    if item["prior"] is not None:
        given = {name: value for name, value in item["prior"].items() if value is not None}
        shown["prior"] = {"object": f"{given['name']}_prior", **given}
    return shown


def _whole(value: Any, whole: bool) -> Any:
    return int(value) if whole and value is not None else value


def _constraint(item: Mapping[str, Any]) -> Json:
    terms = sorted(item["terms"], key=lambda term: term["name"].lower())
    shown = [{"object": "constraint_term", **term} for term in terms]
    return {"object": "linear_constraint", **item, "terms": shown}


def _metric(item: Mapping[str, Any]) -> Json:
    return {"object": "metric", **item}
