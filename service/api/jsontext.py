"""JSON with an indent of two, as SigOpt writes it, in a third of the time that `json.dumps` takes.

The standard library has an encoder in C, and does without it as soon as an indent is asked for; a reply with a hundred
values then costs as much as the queries that it answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["indented"]

_quoted: Final[Callable[[str], str]] = json.encoder.encode_basestring_ascii


def indented(value: Any, indent: str = "") -> str:
    """Return `value` as `json.dumps(value, indent=2, allow_nan=False)` does.

    >>> indented({"a": [1, 2.5, None], "b": {}}) == json.dumps({"a": [1, 2.5, None], "b": {}}, indent=2)
    True
    """
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return _object(value, indent)
    if isinstance(value, list | tuple):
        return _list(value, indent)
    if isinstance(value, float):
        return _number(value)
    return _word(value)


def _object(value: Mapping[str, Any], indent: str) -> str:
    if not value:
        return "{}"
    inner = indent + "  "
    items = [f"{inner}{_quoted(name)}: {indented(item, inner)}" for name, item in value.items()]
    return "{\n" + ",\n".join(items) + f"\n{indent}}}"


def _list(value: list[Any] | tuple[Any, ...], indent: str) -> str:
    if not value:
        return "[]"
    inner = indent + "  "
    return "[\n" + ",\n".join([inner + indented(item, inner) for item in value]) + f"\n{indent}]"


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"Out of range float values are not JSON compliant: {value!r}")
    return float.__repr__(value)


def _word(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
