"""What several objects have in common."""

from __future__ import annotations

from typing import Final

from service.api.openapi.shapes import at_times, list_of, map_of, nullable, ref, text

__all__ = ["ASSIGNMENTS", "METADATA", "NAME", "NO_USER", "PROJECT", "TASK", "VALUES"]

NAME: Final = text("churn model", maxLength=100)
METADATA: Final = nullable(
    map_of({"type": ["string", "number", "integer"], "examples": ["a"]}, "host", "What the caller keeps with it.")
)
ASSIGNMENTS: Final = map_of(
    {"type": ["number", "string"], "examples": [0.5]}, "rate", "A value for every parameter that matters."
)
VALUES: Final = list_of(ref("metric_evaluation"))
TASK: Final = at_times(ref("task"))
PROJECT: Final = nullable(text("churn", "The reference of a project."))
NO_USER: Final = {"type": "null", "description": "There are no users here.", "examples": [None]}
