"""Suggestions whose configuration a person or program names: opened at once, or put into the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from service.errors import InvalidInputError
from service.models import Experiment, Suggestion
from service.schemas.assignments import assignments_key, check_assignments
from service.schemas.experiment import Definition
from service.schemas.tasks import parse_task

__all__ = ["Asked", "enqueue", "explicit", "opened", "refuse_deleted"]


@dataclass(frozen=True)
class Asked:
    """What a caller wants of a suggestion, wherever its configuration comes from.

    `claim_key` names the request, so that one that is sent again gets the same; with `lease_s` the suggestion expires
    unless it is renewed in time.
    """

    claim_key: str | None = None
    metadata: dict[str, Any] | None = None
    lease_s: int | None = None


def enqueue(
    session: Session,
    experiment: Experiment,
    assignments: Any,
    *,
    task: Any = None,
    metadata: dict[str, Any] | None,
    now: datetime,
) -> Suggestion:
    """Put a configuration of a person's own at the end of the queue: it is handed out before anything computed."""
    suggestion = _named(experiment, assignments, task, state="queued", source="queue", now=now)
    suggestion.meta = metadata
    session.add(suggestion)
    session.flush()
    return suggestion


def explicit(
    session: Session,
    experiment: Experiment,
    assignments: Any,
    *,
    task: Any = None,
    metadata: dict[str, Any] | None,
    claim_key: str | None = None,
    lease_s: int | None = None,
    now: datetime,
) -> Suggestion:
    """Open a suggestion whose configuration the caller names."""
    suggestion = _named(experiment, assignments, task, state="open", source="explicit", now=now)
    opened(suggestion, Asked(claim_key, metadata, lease_s), now=now)
    session.add(suggestion)
    session.flush()
    return suggestion


def opened(suggestion: Suggestion, asked: Asked, *, now: datetime) -> Suggestion:
    """Make a suggestion one that somebody is trying now."""
    suggestion.state = "open"
    suggestion.claimed_at = now
    suggestion.claim_key = asked.claim_key
    suggestion.meta = asked.metadata if suggestion.meta is None else suggestion.meta
    suggestion.lease_s = asked.lease_s
    suggestion.lease_until = None if asked.lease_s is None else now + timedelta(seconds=asked.lease_s)
    return suggestion


def refuse_deleted(experiment: Experiment) -> None:
    """Refuse to make suggestions for an experiment that was put away."""
    if experiment.state != "active":
        message = f"Cannot create suggestions for deleted experiment {experiment.id}: restore it first"
        raise InvalidInputError(message, field="state")


def _named(
    experiment: Experiment, assignments: Any, task: Any, *, state: str, source: str, now: datetime
) -> Suggestion:
    refuse_deleted(experiment)
    definition = Definition.of(experiment)
    checked = check_assignments(definition, assignments)
    name = parse_task(task, definition.task_by_name)
    if name is None and definition.tasks:
        known = ", ".join(definition.task_by_name)
        message = f"this experiment has tasks: expected `task` beside assignments, one of {known}"
        raise InvalidInputError(message, field=".task", expected=known)
    return Suggestion(
        experiment_id=experiment.id,
        state=state,
        key=assignments_key(checked, name),
        assignments=checked,
        task=name,
        source=source,
        created_at=now,
    )
