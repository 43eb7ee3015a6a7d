"""Rows as the API shows them: the shapes that SigOpt's clients read, and what we add to them. One file a resource."""

from service.api.render.experiments import aiexperiment, experiment
from service.api.render.fronts import best_assignments, front
from service.api.render.knowledge import metric_importances, models, predictions, recommendation
from service.api.render.observations import correction, observation
from service.api.render.runs import checkpoint, defined_field, file, tag, training_run
from service.api.render.suggestions import queued_suggestion, suggestion
from service.api.render.values import values

__all__ = [
    "aiexperiment",
    "best_assignments",
    "checkpoint",
    "correction",
    "defined_field",
    "experiment",
    "file",
    "front",
    "metric_importances",
    "models",
    "observation",
    "predictions",
    "queued_suggestion",
    "recommendation",
    "suggestion",
    "tag",
    "training_run",
    "values",
]
