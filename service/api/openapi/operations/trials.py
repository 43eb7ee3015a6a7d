"""Suggestions and observations: what to try next, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.openapi.operation import WALKS, Operation
from service.api.openapi.parameters import query, truth, words
from service.api.openapi.shapes import Schema
from service.api.suggestion_bodies import MOST_AT_ONCE
from service.suggestions import LONGEST_LEASE_S, STATES

__all__ = ["OPERATIONS"]

_ID: Final[Schema] = {"type": ["string", "integer"], "pattern": "^[0-9]+$", "minimum": 1}
_METADATA: Final[Schema] = {
    "type": ["object", "null"],
    "maxProperties": 100,
    "additionalProperties": {"type": ["string", "number", "null"]},
}
_ASSIGNMENTS: Final[Schema] = {
    "type": "object",
    "description": "A value for every parameter that matters.",
    "additionalProperties": {"type": ["number", "string"]},
}
_VALUE: Final[Schema] = {
    "type": "object",
    "properties": {
        "name": {"type": ["string", "null"], "description": "May be left out where there is one metric."},
        "value": {"type": "number"},
        "value_stddev": {"type": ["number", "null"], "minimum": 0},
        "object": {},
    },
    "required": ["value"],
    "additionalProperties": False,
}
_TASK: Final[Schema] = {
    "description": "The task's name, where the experiment has tasks.",
    "anyOf": [{"type": ["string", "null"]}, {"type": "object", "properties": {"name": {"type": "string"}}}],
}


def _object(required: tuple[str, ...] = (), **keys: Schema) -> Schema:
    return {"type": "object", "properties": keys, "required": list(required), "additionalProperties": False}


_RESULT: Final[Schema] = _object(
    suggestion={**_ID, "type": ["string", "integer", "null"], "description": "What was tried; or `assignments`."},
    assignments={**_ASSIGNMENTS, "type": ["object", "null"]},
    values={
        "description": "A value for every metric that is reported; none if it failed.",
        "anyOf": [
            {"type": "array", "items": _VALUE},
            {"type": "object", "additionalProperties": {"type": "number"}},
            {"type": "null"},
        ],
    },
    failed={"type": ["boolean", "null"]},
    partial={"type": ["boolean", "null"], "description": "Only some metrics so far; the others come later."},
    task=_TASK,
    metadata=_METADATA,
    no_optimize={"type": ["boolean", "null"]},
    result_id={"type": ["string", "null"], "minLength": 1, "maxLength": 128, "description": "Counts once."},
    schema_version={"const": 1},
)
_EXAMPLE: Final[Mapping[str, Any]] = {
    "assignments": {"family": "forest", "depth": 6, "rate": 0.03},
    "values": [
        {"name": "accuracy", "value": 0.913, "value_stddev": 0.004},
        {"name": "latency_ms", "value": 12.4},
        {"name": "cost_usd", "value": 0.8},
    ],
    "metadata": {"host": "gpu-3"},
}
_WHOLE: Final[Schema] = {"type": ["integer", "null"], "minimum": 1}
_SUGGEST: Final[Schema] = {
    "type": "object",
    "properties": {
        "assignments": {**_ASSIGNMENTS, "type": ["object", "null"], "description": "One of your own, instead of ours."},
        "task": _TASK,
        "metadata": _METADATA,
        "after_result": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": 128,
            "description": "The id of a result just sent to the stream: waited for, a little.",
        },
        "count": {**_WHOLE, "maximum": MOST_AT_ONCE, "description": "So many at once, in a list."},
        "lease_s": {**_WHOLE, "maximum": LONGEST_LEASE_S, "description": "It expires unless it is renewed in time."},
    },
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    "suggestions.create": Operation(
        reply="suggestion", page="suggestion", body=_SUGGEST, example={"metadata": {"host": "gpu-3"}, "lease_s": 600}
    ),
    "suggestions.listed": Operation(
        page="suggestion",
        query=(
            *WALKS,
            words("state", "Only these.", *STATES),
            truth("deleted", "Those that were put away, instead of the others."),
            query(
                "id",
                "Ids between commas: only these.",
                {"type": "string", "pattern": "^([1-9][0-9]{0,17}(,[1-9][0-9]{0,17})*)?$"},
            ),
        ),
    ),
    "suggestions.one": Operation(reply="suggestion"),
    "suggestions.update": Operation(
        reply="suggestion",
        body={"type": "object", "properties": {"metadata": _METADATA}},
        example={"metadata": {"host": "gpu-4"}},
    ),
    "suggestions.delete": Operation(),
    "suggestions.delete_all": Operation(query=(words("state", "Only these.", "open", "all"),)),
    "suggestions.heartbeat": Operation(
        reply="suggestion",
        body=_object(lease_s={**_WHOLE, "maximum": LONGEST_LEASE_S}),
        example={"lease_s": 600},
    ),
    "queued_suggestions.enqueue": Operation(
        reply="queued_suggestion",
        body=_object(("assignments",), assignments=_ASSIGNMENTS, task=_TASK),
        example={"assignments": {"family": "svm", "depth": 3, "rate": 0.1}},
    ),
    "queued_suggestions.listed": Operation(page="queued_suggestion", query=WALKS),
    "queued_suggestions.one": Operation(reply="queued_suggestion"),
    "queued_suggestions.delete": Operation(),
    "observations.create": Operation(reply="observation", body=_RESULT, example=_EXAMPLE),
    "observations.create_batch": Operation(
        page="batched_observation",
        body=_object(
            ("observations",),
            observations={"type": "array", "items": _RESULT, "maxItems": 2500},
            dry_run={"type": ["boolean", "null"], "description": "Check everything, store nothing."},
            no_optimize={"type": ["boolean", "null"]},
        ),
        example={"observations": [_EXAMPLE], "dry_run": True},
    ),
    "observations.listed": Operation(
        page="observation",
        query=(
            *WALKS,
            query(
                "sort",
                "`id`, `timestamp`, `task`, `value`, `value_stddev`, or one of these with a name behind: `value-NAME`, "
                "`value_stddev-NAME`, `parameter-NAME`.",
            ),
            truth("deleted", "Those that were taken back, instead of those that count."),
        ),
    ),
    "observations.one": Operation(reply="observation"),
    "observations.update": Operation(reply="observation", body=_RESULT, example={"metadata": {"host": "gpu-4"}}),
    "observations.delete": Operation(query=(truth("no_optimize", "Taken, and without effect."),)),
    "observations.delete_all": Operation(),
    "observations.history": Operation(page="correction"),
}
