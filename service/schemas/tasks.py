"""Tasks: an experiment may be measured more cheaply than in earnest, at a known share of the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from service.errors import InvalidInputError, did_you_mean
from service.schemas.fields import Name, Tagged, check_unique, refuse, shorten

__all__ = ["Task", "check_tasks", "parse_task"]


class Task(Tagged):
    """A way to measure; `cost` is a share of that of measuring in earnest, which is 1."""

    name: Name
    cost: Annotated[float, Field(gt=0, le=1)]


def check_tasks(tasks: Sequence[Task]) -> None:
    """Refuse tasks that cannot be told apart by their costs, or of which none is in earnest."""
    if not tasks:
        return
    if len(tasks) < 2:
        refuse(".tasks", "At least 2 tasks are needed: with a single one everything is measured in earnest anyway")
    check_unique((task.name for task in tasks), ".tasks", "task name")
    check_unique((str(task.cost) for task in tasks), ".tasks", "task cost")
    if not any(task.cost == 1 for task in tasks):
        refuse(".tasks", "Exactly one task must have cost 1: the others are shares of it")


def parse_task(given: Any, known: Mapping[str, Task], *, field: str = ".task") -> str | None:
    """Return the name of the task that is meant: given by its name, or as the object that replies show.

    >>> parse_task({"name": "cheap", "cost": 0.1}, {"cheap": Task(name="cheap", cost=0.1)})
    'cheap'
    """
    if given is None:
        return None
    if not known:
        raise InvalidInputError(f"{field} is only for experiments that have tasks", field=field, expected="nothing")
    name = given.get("name") if isinstance(given, Mapping) else given
    if not isinstance(name, str):
        message = f"Invalid type for {field}: {shorten(given)} - expected type string or object with a name"
        raise InvalidInputError(message, field=field, expected=", ".join(known))
    if name not in known:
        message = f"Unknown task {shorten(name)}{did_you_mean(name, known)}"
        raise InvalidInputError(message, field=field, expected=", ".join(known))
    if isinstance(given, Mapping) and given.get("cost", known[name].cost) != known[name].cost:
        message = f"Task {name} costs {known[name].cost}, not {shorten(given['cost'])}"
        raise InvalidInputError(message, field=f"{field}.cost", expected=str(known[name].cost))
    return name
