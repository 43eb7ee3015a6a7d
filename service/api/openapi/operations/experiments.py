"""Experiments: made, listed, changed; their fronts and best assignments; whether the service lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.openapi.operation import Operation, walks
from service.api.openapi.parameters import query, truth, words
from service.schemas.experiment import ExperimentBody
from service.schemas.experiment_update import ExperimentUpdate

__all__ = ["EXPERIMENT", "OPERATIONS"]

EXPERIMENT: Final[Mapping[str, Any]] = {
    "name": "churn model",
    "parameters": [
        {"name": "family", "type": "categorical", "categorical_values": ["forest", "svm"]},
        {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 12}},
        {"name": "rate", "type": "double", "bounds": {"min": 0.001, "max": 1}, "transformation": "log"},
    ],
    "metrics": [
        {"name": "accuracy", "objective": "maximize"},
        {"name": "latency_ms", "objective": "minimize", "threshold": 20},
        {"name": "cost_usd", "objective": "minimize"},
    ],
    "observation_budget": 60,
    "metadata": {"team": "pricing"},
}
_SECONDS: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
_LIST: Final = Operation(
    page="any_experiment",
    query=(
        *walks("id", "recent"),
        words("state", "Which of them.", "active", "deleted", "all"),
        query("search", "A part of the name, in small letters or capitals.", {"type": "string", "maxLength": 100}),
        query("period_start", "Made at this time or later.", _SECONDS),
        query("period_end", "Made before this time.", _SECONDS),
        truth("development", "Only those of development tokens, or only the others."),
        truth("include_ai", "Those that are made by training runs as well."),
        query("user", "There are no users here: with one, the list is empty.", {"type": "integer"}),
    ),
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "experiments.create": Operation(reply="experiment", body=ExperimentBody, example=EXPERIMENT),
    "experiments.one": Operation(reply="experiment", others={301: "moved"}),
    "experiments.update": Operation(
        reply="experiment", body=ExperimentUpdate, example={"name": "churn model, second try", "observation_budget": 90}
    ),
    "experiments.delete": Operation(query=(truth("include_runs", "Whether its training runs go with it."),)),
    "experiment_lists.mine": _LIST,
    "experiment_lists.of_client": _LIST,
    "experiment_lists.of_project": _LIST,
    "experiment_lists.of_organization": _LIST,
    "fronts.front": Operation(reply="front"),
    "fronts.best_assignments": Operation(page="best_assignments"),
    "health.live": Operation(reply="alive"),
    "health.ready": Operation(reply="ready", others={503: "ready"}),
    "openapi.described": Operation(reply="nothing"),
}
