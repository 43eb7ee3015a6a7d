"""What models know, as the API shows it: importances, predictions, their quality, an option with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.render.values import Json, values
from service.api.replies import epoch
from service.arrays import Prediction
from service.models import Importances, ModelState, Refresh
from service.reports.recommendation import Recommendation, sentence
from service.reports.values import Report

__all__ = ["metric_importances", "models", "predictions", "recommendation"]


def metric_importances(row: Importances) -> list[Json]:
    """How much each parameter matters: for each metric shares that sum to 1."""
    return [
        {
            "object": "metric_importances",
            "metric": name or None,
            "importances": dict(sorted(shares.items())),
            "data_generation": row.generation,
        }
        for name, shares in sorted(row.by_metric.items())
    ]


def predictions(
    asked: Sequence[Mapping[str, Any]], expected: Sequence[Prediction], state: ModelState, refresh: Refresh
) -> Json:
    """What the models expect, in the order in which it was asked."""
    return {
        "object": "predictions",
        "experiment": str(state.experiment_id),
        "model_generation": state.generation,
        "data_generation": refresh.data_generation,
        "data": [
            {
                "object": "prediction",
                "assignments": dict(assignments),
                "values": [
                    {"object": "metric_prediction", "name": name or None, "mean": mean, "stddev": stddev}
                    for name, (mean, stddev) in sorted(one.values.items())
                ],
                "probability_feasible": one.feasible,
                "probability_on_front": one.on_front,
            }
            for assignments, one in zip(asked, expected, strict=True)
        ],
    }


def models(state: ModelState | None, refresh: Refresh) -> Json:
    """The models of an experiment: how well each metric is foretold, and what had to be degraded."""
    return {
        "object": "models",
        "experiment": str(refresh.experiment_id),
        "generation": None if state is None else state.generation,
        "data_generation": refresh.data_generation,
        "fitted_at": None if state is None else epoch(state.fitted_at),
        "fit_s": None if state is None else state.fit_s,
        "notes": [] if state is None else list(state.notes),
        "metrics": [
            {"object": "model", "metric": name or None, **quality}
            for name, quality in sorted({}.items() if state is None else state.quality.items())
        ],
    }


def recommendation(report: Report, found: Recommendation) -> Json:
    """The option to take, why, and what it gives up against the best of each metric."""
    option = found.option
    return {
        "object": "recommendation",
        "experiment": str(report.experiment_id),
        "generation": report.front_generation,
        "id": str(option.configuration_id),
        "assignments": dict(option.assignments),
        "values": values({name: (value.mean, value.stddev) for name, value in option.values.items()}),
        "title": found.title,
        "reason": found.reason,
        "share": dict(found.share),
        "gives_up": [
            {
                "object": "give_up",
                "metric": one.metric or None,
                "best": one.best,
                "amount": one.amount,
                "missed": one.missed,
            }
            for one in found.gives_up
        ],
        "sentence": sentence(report, found),
    }
