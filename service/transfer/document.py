"""The form of an exported experiment, and what of a row stands in it.

One JSON object, its long lists one item a line, in this order:

    {"format": "tradespace-experiment", "version": 1, "exported": TIME,
     "experiment": {the body that creates it, "state", "created"},
     "suggestions": [{"id", "state", "assignments", …}, …],
     "observations": [{"suggestion" or "assignments", "values", "failed", "created", …}, …]}

An AI experiment has `"runs_only": true`, its `budget` and its `project`, and two lists more: "tags": [{"name",
"color"}, …], those that its runs carry, and "runs": [{"id", "name", "state", "suggestion", "result_id" of its
observation, what it said, "tags", "checkpoints", …}, …].

Ids in it are names within the file: an import makes new ones. Times are ISO 8601 in UTC, with microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from service.errors import InvalidInputError
from service.models import Checkpoint, Configuration, Experiment, Observation, Suggestion, Tag, TrainingRun
from service.schemas.experiment import Definition
from service.schemas.fields import shorten

__all__ = [
    "FORMAT",
    "STATES",
    "VERSION",
    "experiment_document",
    "observation_document",
    "read_time",
    "run_document",
    "runs_document",
    "suggestion_document",
    "tag_document",
    "written_time",
]

FORMAT: Final = "tradespace-experiment"
VERSION: Final = 1
#: States of suggestions that leave: a pool is made anew where the experiment goes.
STATES: Final = ("queued", "open", "closed", "expired")
#: Columns of an experiment that stand in its document as they are, if they say anything.
_PLAIN: Final = (
    "name",
    "type",
    "parameters",
    "conditionals",
    "linear_constraints",
    "metrics",
    "tasks",
    "observation_budget",
    "parallel_bandwidth",
    "num_solutions",
    "strategy",
    "seed",
    "state",
    "retired",
)


def experiment_document(row: Experiment) -> dict[str, Any]:
    """Return what makes this experiment again: the body that creates it, its state, when it was made."""
    plain = {name: getattr(row, name) for name in _PLAIN}
    said = {name: _said(value) for name, value in plain.items() if value not in (None, [])}
    return {**said, **({"metadata": row.meta} if row.meta else {}), "created": written_time(row.created_at)}


def runs_document(row: Experiment, *, project: str | None) -> dict[str, Any]:
    """Return what makes this experiment again, which is one of training runs: its budget has another name."""
    said = experiment_document(row)
    budget = said.pop("observation_budget", None)
    return {**said, **_without_null({"runs_only": True, "project": project, "budget": budget})}


def tag_document(row: Tag) -> dict[str, Any]:
    """Return a word that runs carry."""
    return {"name": row.name, "color": row.color}


def run_document(
    row: TrainingRun,
    *,
    suggestion_id: int | None,
    result_id: str | None,
    tags: Mapping[int, str],
    checkpoints: Iterable[Checkpoint],
) -> dict[str, Any]:
    """Return a training run with all that it said; `tags` are the words by their ids, files stay where they are.

    `suggestion_id` and `result_id` are those that stand in the file as well.
    """
    return _without_null(
        {
            "id": str(row.id),
            "name": row.name,
            "state": row.state,
            "suggestion": None if suggestion_id is None else str(suggestion_id),
            "result_id": result_id,
            "created": written_time(row.created_at),
            "updated": written_time(row.updated_at),
            "completed": written_time(row.completed_at),
            **row.document,
            "favorite": row.favorite if "favorite" in row.document else None,
            "tags": [tags[key] for key in row.tags if key in tags] or None,
            "checkpoints": [_checkpoint(item) for item in checkpoints] or None,
        }
    )


def _checkpoint(row: Checkpoint) -> dict[str, Any]:
    return _without_null({"values": row.values, "metadata": row.meta, "created": written_time(row.created_at)})


def _said(value: Any) -> Any:
    """Leave out what is not said: a definition holds a null for every possibility that it does not use."""
    if isinstance(value, Mapping):
        return {name: _said(item) for name, item in value.items() if item is not None and item != {}}
    return [_said(item) for item in value] if isinstance(value, list) else value


def suggestion_document(row: Suggestion) -> dict[str, Any]:
    """Return a suggestion that was queued or handed out."""
    return _without_null(
        {
            "id": str(row.id),
            "state": row.state,
            "assignments": row.assignments,
            "task": row.task,
            "source": row.source,
            "strategy": row.strategy,
            "reason": row.reason,
            "predicted": row.predicted,
            "metadata": row.meta,
            "created": written_time(row.created_at),
            "claimed": written_time(row.claimed_at),
            "closed": written_time(row.closed_at),
        }
    )


def observation_document(
    row: Observation, configuration: Configuration, definition: Definition, *, suggestion_id: int | None
) -> dict[str, Any]:
    """Return an observation as it stands now. What is computed from other metrics is computed anew where it goes.

    `suggestion_id` is that of its suggestion if it stands in the file as well.
    """
    values = [_without_null(dict(value)) for value in row.values if value["name"] in definition.reported]
    place = (
        {"assignments": configuration.assignments, "task": row.task}
        if suggestion_id is None
        else {"suggestion": str(suggestion_id)}
    )
    return _without_null(
        {
            **place,
            "values": values,
            "failed": row.failed or None,
            "partial": row.partial or None,
            "metadata": row.meta,
            "result_id": row.result_id,
            "created": written_time(row.created_at),
        }
    )


def _without_null(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


def written_time(at: datetime | None) -> str | None:
    """Return a time as text.

    >>> written_time(datetime(2026, 11, 23, 12, tzinfo=UTC))
    '2026-11-23T12:00:00.000000Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(given: Any, field: str) -> datetime | None:
    """Read a time that `written_time` wrote, or seconds since 1970; None stays None.

    >>> read_time("2026-11-23T12:00:00Z", ".created") == read_time(1795435200, ".created")
    True
    """
    if given is None:
        return None
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC)
        at = datetime.fromisoformat(given)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        message = f"{field} is not a time: {shorten(given)}, expected ISO 8601 or seconds since 1970"
        raise InvalidInputError(message, field=field, expected="a time") from error
