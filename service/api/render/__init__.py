"""Rows as the API shows them: the shapes that SigOpt's clients read, and what we add to them. One file a resource."""

from service.api.render.experiments import experiment
from service.api.render.fronts import best_assignments, front
from service.api.render.observations import observation
from service.api.render.suggestions import queued_suggestion, suggestion
from service.api.render.values import values

__all__ = ["best_assignments", "experiment", "front", "observation", "queued_suggestion", "suggestion", "values"]
