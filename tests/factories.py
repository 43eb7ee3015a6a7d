"""Rows for tests: each factory adds one through service.models, with sensible values for whatever is not said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from service.models import (
    Base,
    Client,
    Configuration,
    Experiment,
    Front,
    ModelState,
    Observation,
    Refresh,
    Rejection,
    Suggestion,
)

__all__ = [
    "METRICS",
    "NOW",
    "NO_REDIS",
    "PARAMETERS",
    "make_client",
    "make_configuration",
    "make_experiment",
    "make_front",
    "make_metric",
    "make_model_state",
    "make_observation",
    "make_parameter",
    "make_rejection",
    "make_suggestion",
    "point",
]

#: The moment at which everything here was made.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
#: Nobody listens there: the default address is that of a service that may be running on this machine.
NO_REDIS = "redis://127.0.0.1:1/0"
_numbers = count(1)
_Row = TypeVar("_Row", bound=Base)


def make_metric(
    name: str, objective: str = "maximize", strategy: str = "optimize", threshold: float | None = None
) -> dict[str, Any]:
    """A metric as experiments.metrics holds it."""
    return {"name": name, "objective": objective, "strategy": strategy, "threshold": threshold}


def make_parameter(name: str, low: float = 0.0, high: float = 1.0, **more: Any) -> dict[str, Any]:
    """A real parameter as experiments.parameters holds it; `more` replaces what it says."""
    return {
        "name": name,
        "type": "double",
        "bounds": {"min": low, "max": high},
        "categorical_values": None,
        "transformation": None,
        "prior": None,
        "conditions": {},
        "default_value": None,
        **more,
    }


METRICS = (
    make_metric("accuracy"),
    make_metric("latency_ms", "minimize", threshold=20.0),
)
PARAMETERS = (make_parameter("depth"), make_parameter("rate"))


def make_client(session: Session, name: str = "A team") -> Client:
    """A client."""
    return _add(session, Client(name=name, created_at=NOW))


def make_experiment(
    session: Session,
    *,
    client: Client | None = None,
    name: str = "An experiment",
    metrics: Sequence[Mapping[str, Any]] = METRICS,
    parameters: Sequence[Mapping[str, Any]] = PARAMETERS,
    budget: int | None = None,
    refresh: Mapping[str, Any] | None = None,
    **more: Any,
) -> Experiment:
    """An experiment with its refresh row (whose columns `refresh` sets); of a new client unless one is given."""
    given = {
        "client_id": (client or make_client(session)).id,
        "name": name,
        "metrics": sorted((dict(metric) for metric in metrics), key=lambda metric: metric["name"]),
        "parameters": [dict(parameter) for parameter in parameters],
        "observation_budget": budget,
        "conditionals": [],
        "linear_constraints": [],
        "seed": 1,
        "created_at": NOW,
        "updated_at": NOW,
        **more,
    }
    experiment = _add(session, Experiment(**given))
    _add(session, Refresh(experiment_id=experiment.id, **(refresh or {})))
    return experiment


def make_configuration(
    session: Session,
    experiment: Experiment,
    values: Mapping[str, float | tuple[float, float | None]] | None = None,
    *,
    assignments: Mapping[str, Any] | None = None,
    failures: int = 0,
) -> Configuration:
    """A configuration measured once: `values` maps a metric to its mean, or to (mean, standard deviation)."""
    assignments = dict(assignments or {"depth": next(_numbers) / 1000, "rate": 0.5})
    sums = {
        name: dict(zip(("n", "mean", "stddev"), (1, *_pair(value)), strict=True))
        for name, value in (values or {}).items()
    }
    configuration = Configuration(
        experiment_id=experiment.id, key=_key(assignments), assignments=assignments, sums=sums, failures=failures
    )
    return _add(session, configuration)


def make_observation(
    session: Session, experiment: Experiment, configuration: Configuration, *, failed: bool = False, **more: Any
) -> Observation:
    """One observation of a configuration, with the values its sums hold."""
    number = next(_numbers)
    values = [
        {"name": name, "value": sums["mean"], "value_stddev": sums["stddev"]}
        for name, sums in configuration.sums.items()
    ]
    given = {
        "experiment_id": experiment.id,
        "configuration_id": configuration.id,
        "result_id": f"result-{number}",
        "payload_hash": _key(number),
        "values": [] if failed else values,
        "failed": failed,
        "source": "api",
        "generation": number,
        "created_at": NOW,
        **more,
    }
    return _add(session, Observation(**given))


def point(configuration: Configuration) -> dict[str, Any]:
    """A configuration as a point of a stored front."""
    values = {name: [sums["mean"], sums["stddev"]] for name, sums in configuration.sums.items()}
    return {"configuration": configuration.id, "assignments": configuration.assignments, "values": values}


def make_front(
    session: Session,
    experiment: Experiment,
    configurations: Sequence[Configuration] = (),
    *,
    generation: int = 1,
    observations: int | None = None,
    hypervolume: float | None = None,
    ref_point: Sequence[Mapping[str, Any]] = (),
    progress: Sequence[tuple[int, float]] = (),
    **more: Any,
) -> Front:
    """The front of `experiment` as of `generation`; its refresh row says that it has been seen."""
    refresh = session.get_one(Refresh, experiment.id)
    refresh.front_generation = refresh.model_generation = generation
    refresh.data_generation = max(refresh.data_generation or 0, generation)
    if observations is not None:
        refresh.observation_count = observations
    given = {
        "experiment_id": experiment.id,
        "generation": generation,
        "observation_count": refresh.observation_count or 0,
        "size": len(configurations),
        "feasible_count": len(configurations),
        "infeasible_count": 0,
        "hypervolume": hypervolume,
        "ref_point": [dict(entry) for entry in ref_point],
        "points": [point(configuration) for configuration in configurations],
        "progress": [list(step) for step in progress],
        "created_at": NOW - timedelta(seconds=4),
        **more,
    }
    return _add(session, Front(**given))


def make_suggestion(session: Session, experiment: Experiment, *, state: str = "open", **more: Any) -> Suggestion:
    """A suggestion."""
    assignments = more.pop("assignments", {"depth": next(_numbers) / 1000, "rate": 0.5})
    given = {
        "experiment_id": experiment.id,
        "state": state,
        "key": _key(assignments),
        "assignments": assignments,
        "source": "model",
        "created_at": NOW,
        **more,
    }
    return _add(session, Suggestion(**given))


def make_model_state(session: Session, experiment: Experiment, *, generation: int = 1, **more: Any) -> ModelState:
    """What the models last learned."""
    given = {
        "experiment_id": experiment.id,
        "generation": generation,
        "epoch": 1,
        "state": {},
        "quality": {},
        "notes": [],
        "fit_s": 0.4,
        "fitted_at": NOW - timedelta(seconds=3),
        **more,
    }
    return _add(session, ModelState(**given))


def make_rejection(session: Session, experiment: Experiment | None, reason: str, **more: Any) -> Rejection:
    """A message that was refused."""
    given = {
        "message_id": f"{next(_numbers)}-0",
        "experiment_id": experiment.id if experiment else None,
        "source": "stream",
        "code": "invalid_input",
        "reason": reason,
        "raw": {},
        "created_at": NOW,
        **more,
    }
    return _add(session, Rejection(**given))


def _pair(value: float | tuple[float, float | None]) -> tuple[float, float | None]:
    return value if isinstance(value, tuple) else (value, None)


def _key(value: Any) -> str:
    return hashlib.md5(json.dumps(value, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _add(session: Session, row: _Row) -> _Row:
    session.add(row)
    session.flush()
    return row
