"""Importances, predictions, models, and the option to take."""

from __future__ import annotations

from typing import Final

from service.api.openapi.components.shared import ASSIGNMENTS, VALUES
from service.api.openapi.shapes import (
    ID,
    NUMBER,
    TIME,
    WHOLE,
    Schema,
    list_of,
    map_of,
    nullable,
    ref,
    some,
    text,
    thing,
)

__all__ = ["COMPONENTS"]

COMPONENTS: Final[dict[str, Schema]] = {
    "metric_importances": thing(
        "metric_importances",
        "How much each parameter matters for a metric, in shares that sum to 1.",
        metric=nullable(text("accuracy")),
        importances=map_of(nullable(some("number", 0.7)), "rate"),
        data_generation=WHOLE,
    ),
    "metric_prediction": thing(
        "metric_prediction",
        "What a model expects of a metric.",
        name=nullable(text("accuracy")),
        mean=nullable(NUMBER),
        stddev=nullable(some("number", 0.004)),
    ),
    "prediction": thing(
        "prediction",
        "What the models expect of a configuration.",
        assignments=ASSIGNMENTS,
        values=list_of(ref("metric_prediction")),
        probability_feasible=nullable(NUMBER),
        probability_on_front=nullable(NUMBER),
    ),
    "predictions": thing(
        "predictions",
        "What the models expect, in the order in which it was asked.",
        experiment=ID,
        model_generation=WHOLE,
        data_generation=WHOLE,
        data=list_of(ref("prediction")),
    ),
    "model": thing("model", "How well a metric is foretold.", metric=nullable(text("accuracy"))),
    "models": thing(
        "models",
        "The models of an experiment.",
        experiment=ID,
        generation=nullable(WHOLE),
        data_generation=WHOLE,
        fitted_at=nullable(TIME),
        fit_s=nullable(NUMBER),
        notes=list_of(text("two results were left out")),
        metrics=list_of(ref("model")),
    ),
    "give_up": thing(
        "give_up",
        "What an option gives up of a metric.",
        metric=nullable(text("accuracy")),
        best=NUMBER,
        amount=NUMBER,
        missed=nullable(NUMBER),
    ),
    "recommendation": thing(
        "recommendation",
        "The option to take, why, and what it gives up against the best of each metric.",
        experiment=ID,
        generation=WHOLE,
        id=ID,
        assignments=ASSIGNMENTS,
        values=VALUES,
        title=text("Balanced"),
        reason=text("It is near the best of every metric."),
        share=map_of(NUMBER, "accuracy"),
        gives_up=list_of(ref("give_up")),
        sentence=text("12 options are worth choosing from."),
    ),
}
