"""What becomes of an observation when a part of it is corrected: what the body does not say stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from service.errors import InvalidInputError, did_you_mean
from service.schemas.assignments import Assignments, check_assignments
from service.schemas.experiment import Definition
from service.schemas.fields import parse_id, shorten
from service.schemas.result import Result, check_metadata, check_place, lacks, truth
from service.schemas.tasks import parse_task
from service.schemas.values import Value, complete, of_document

__all__ = ["corrected"]

_KNOWN: Final = (
    "suggestion", "assignments", "task", "values", "failed", "partial", "metadata", "no_optimize", "object",
)  # fmt: skip


@dataclass(frozen=True)
class _Place:
    """Where it was measured."""

    suggestion_id: int | None
    assignments: Assignments | None
    task: str | None


def corrected(before: Result, body: Mapping[str, Any], definition: Definition) -> Result:
    """Return `before` as `body` changes it. Raise `InvalidInputError` for the first thing that is wrong.

    To go from a suggestion to assignments, or back, the body says null for the other one.
    """
    unknown = [name for name in body if name not in _KNOWN]
    if unknown:
        named = ", ".join(f"`{name}`" for name in unknown)
        message = f"Unknown json keys {named} in: {shorten(dict(body))}{did_you_mean(unknown[0], _KNOWN)}"
        raise InvalidInputError(message, field=f".{unknown[0]}")
    truth(body, "no_optimize")
    place = _place(before, body, definition)
    failed = before.failed if body.get("failed") is None else truth(body, "failed")
    partial = before.partial if body.get("partial") is None else truth(body, "partial")
    values = complete(_values(before, body, definition), definition, failed=failed, partial=partial)
    return replace(
        before,
        suggestion_id=place.suggestion_id,
        assignments=place.assignments,
        task=place.task,
        values=values,
        failed=failed,
        partial=partial and lacks(values, definition, failed=failed),
        metadata=check_metadata(body["metadata"]) if "metadata" in body else before.metadata,
    )


def _values(before: Result, body: Mapping[str, Any], definition: Definition) -> list[Value]:
    """Return the values that it has now; to a partial observation the late ones are added."""
    if "values" not in body:
        return list(before.values)
    old = {value.name: value for value in before.values}
    given = of_document(body["values"], definition, before=old)
    if not before.partial or not given:
        return given
    named = {value.name for value in given}
    return [*given, *(value for value in before.values if value.name not in named)]


def _place(before: Result, body: Mapping[str, Any], definition: Definition) -> _Place:
    suggestion = before.suggestion_id
    if "suggestion" in body:
        suggestion = None if body["suggestion"] is None else parse_id(body["suggestion"], ".suggestion")
    assignments: Any = body.get("assignments") if "assignments" in body else before.assignments
    check_place(suggestion, assignments)
    if suggestion is not None:
        return _of_suggestion(before, suggestion, body)
    checked = check_assignments(definition, assignments) if "assignments" in body else assignments
    return _Place(None, checked, _task(before, body, definition))


def _of_suggestion(before: Result, suggestion: int, body: Mapping[str, Any]) -> _Place:
    if body.get("task") is not None:
        message = "the task of a suggestion's result is the suggestion's: expected no task"
        raise InvalidInputError(message, field=".task", expected="nothing")
    return _Place(suggestion, None, before.task if suggestion == before.suggestion_id else None)


def _task(before: Result, body: Mapping[str, Any], definition: Definition) -> str | None:
    task = parse_task(body.get("task"), definition.task_by_name)
    if task is not None or not definition.tasks:
        return task
    if before.suggestion_id is not None or before.task is None:
        known = ", ".join(definition.task_by_name)
        message = f"expected `task` beside assignments, one of {known}: the suggestion's goes with the suggestion"
        raise InvalidInputError(message, field=".task", expected=known)
    return before.task
