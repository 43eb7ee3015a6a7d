"""`fields=a,b`: only these keys of what is answered, of each item where it is a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import g, request

from service.errors import InvalidInputError, did_you_mean

__all__ = ["projected"]

#: Keys that an object has only at times: asking for one that is not there is no mistake.
_AT_TIMES: Final[Mapping[str, frozenset[str]]] = {
    "experiment": frozenset(("tasks", "budget", "observation_budget")),
    "suggestion": frozenset(("task",)),
    "queued_suggestion": frozenset(("task",)),
    "observation": frozenset(("task",)),
    "best_assignments": frozenset(("task",)),
}


def projected(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `value` with the keys that the request names, all of them if it names none."""
    names = _names()
    if names is None:
        return value
    if value.get("object") == "pagination":
        return {**value, "data": [_some(item, names) for item in value["data"]]}
    return _some(value, names)


def _names() -> Sequence[str] | None:
    """Read the query; of a POST also the body, where `service.api.body` has found it. A DELETE has none."""
    if request.method == "DELETE":
        return None
    text = request.args.get("fields") or getattr(g, "fields", None)
    return text.split(",") if text else None


def _some(item: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    kind = str(item.get("object", "object"))
    at_times = _AT_TIMES.get(kind, frozenset())
    for name in names:
        if name not in item and name not in at_times:
            message = f"Could not find the field `{name}` in `{kind}`{did_you_mean(name, item)}"
            raise InvalidInputError(message, field="fields", expected=", ".join(item))
    return {name: item[name] for name in names if name in item}
