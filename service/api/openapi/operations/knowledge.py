"""What the models know, and which option to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.openapi.operation import Operation
from service.api.openapi.parameters import query
from service.api.openapi.shapes import Schema

__all__ = ["OPERATIONS"]

_NUMBERS: Final[Schema] = {
    "type": ["object", "null"],
    "description": "A number for each of some optimized metrics.",
    "additionalProperties": {"type": "number"},
    "minProperties": 1,
}
_WISH: Final[Schema] = {
    "type": "object",
    "properties": {"weights": _NUMBERS, "goals": _NUMBERS},
    "additionalProperties": False,
}
_ASKED: Final[Schema] = {
    "type": "object",
    "properties": {
        "assignments": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": ["number", "string"]}},
            "maxItems": 1000,
        }
    },
    "required": ["assignments"],
    "additionalProperties": False,
}
_JSON: Final[dict[str, Any]] = {"type": "string", "contentMediaType": "application/json"}

OPERATIONS: Final[Mapping[str, Operation]] = {
    "knowledge.metric_importances": Operation(page="metric_importances", errors=(422,)),
    "knowledge.update_metric_importances": Operation(
        body={"type": "object", "maxProperties": 0}, example={}, errors=(422,)
    ),
    "knowledge.predictions": Operation(
        reply="predictions",
        body=_ASKED,
        example={"assignments": [{"family": "forest", "depth": 6, "rate": 0.03}]},
    ),
    "knowledge.models": Operation(reply="models"),
    "knowledge.recommendation_for_query": Operation(
        reply="recommendation",
        query=(
            query("weights", "A JSON object: a weight for each of some metrics.", _JSON),
            query("goals", "A JSON object: a goal for each of some metrics.", _JSON),
        ),
        errors=(409, 422),
    ),
    "knowledge.recommendation_for_body": Operation(
        reply="recommendation", body=_WISH, example={"weights": {"accuracy": 3, "cost_usd": 1}}
    ),
}
