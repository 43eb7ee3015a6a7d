"""Measured values, in each form in which they may come: a list, a mapping, or the flat fields of a shell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.errors import InvalidInputError, did_you_mean
from service.schemas.experiment import Definition
from service.schemas.fields import LARGEST_NUMBER, shorten

__all__ = ["Value", "complete", "of_document", "of_flat"]

_KEYS: Final = ("name", "value", "value_stddev")
_STDDEV: Final = ".stddev"
_ASSIGNMENT: Final = "assignments."


@dataclass(frozen=True)
class Value:
    """One measured metric: its value, and the standard deviation of that value if it is known."""

    name: str
    value: float
    stddev: float | None


def complete(values: Sequence[Value], failed: bool, definition: Definition) -> tuple[Value, ...]:
    """Return the values by name, if there is one for each metric; a failure has none."""
    by_name: dict[str, Value] = {}
    for value in values:
        if value.name in by_name:
            raise InvalidInputError(f"metric {value.name!r} stands twice in values", field=".values")
        by_name[value.name] = value
    if failed:
        if values:
            raise InvalidInputError("a failed observation has no values", field=".values", expected="no values")
        return ()
    for name in definition.metric_by_name:
        if name not in by_name:
            message = f"metric {name!r} is missing: expected a value for each of {sorted(definition.metric_by_name)}"
            raise InvalidInputError(message, field=".values", expected=f"a value of {name!r}")
    return tuple(by_name[name] for name in sorted(by_name))


def of_document(given: Any, definition: Definition) -> list[Value]:
    """Read a list of `{name, value, value_stddev}`, or `{name: value}`."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [
            Value(_known(name, f".values.{name}", definition), _number(value, f".values.{name}"), None)
            for name, value in given.items()
        ]
    if not isinstance(given, list):
        message = f"Invalid type for .values: {shorten(given)} - expected type array"
        raise InvalidInputError(message, field=".values", expected="an array or an object")
    return [_item(item, f".values[{index}]", definition) for index, item in enumerate(given)]


def _item(item: Any, field: str, definition: Definition) -> Value:
    if not isinstance(item, Mapping):
        message = f"Invalid type for {field}: {shorten(item)} - expected type object"
        raise InvalidInputError(message, field=field, expected="an object")
    for key in item:
        if key not in (*_KEYS, "object"):
            message = f"Unknown json keys `{key}` in: {shorten(item)}{did_you_mean(str(key), _KEYS)}"
            raise InvalidInputError(message, field=f"{field}.{key}")
    name = _known(_name(item, field, definition), f"{field}.name", definition)
    value = _number(item.get("value"), f"{field}.value")
    stddev = item.get("value_stddev")
    return Value(name, value, None if stddev is None else _deviation(stddev, f"{field}.value_stddev"))


def _name(item: Mapping[str, Any], field: str, definition: Definition) -> Any:
    """Return the name; a single metric's may be left out."""
    if item.get("name") is not None:
        return item["name"]
    if len(definition.metrics) > 1:
        raise InvalidInputError(f'Missing required json key "name" in: {shorten(item)}', field=f"{field}.name")
    return next(iter(definition.metric_by_name))


def _known(name: Any, field: str, definition: Definition) -> str:
    if not isinstance(name, str):
        message = f"Invalid type for {field}: {shorten(name)} - expected type string"
        raise InvalidInputError(message, field=field, expected="a string")
    if name not in definition.metric_by_name:
        raise _unknown_metric(name, field, definition)
    return name


def _unknown_metric(name: str, field: str, definition: Definition) -> InvalidInputError:
    return InvalidInputError(f"unknown metric {name!r}{did_you_mean(name, definition.metric_by_name)}", field=field)


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"Invalid type for {field}: {shorten(value)} - expected type number"
        raise InvalidInputError(message, field=field, expected="a number")
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:  # NaN compares false
        message = f"{field} must be a number from {-LARGEST_NUMBER} to {LARGEST_NUMBER}, got {shorten(value)}"
        raise InvalidInputError(message, field=field, expected="a finite number")
    return float(value) + 0.0


def _deviation(value: Any, field: str) -> float:
    number = _number(value, field)
    if number < 0:
        raise InvalidInputError(f"{field} must be greater than or equal to 0, got {shorten(value)}", field=field)
    return number


def of_flat(flat: Mapping[str, str], definition: Definition) -> tuple[dict[str, Any], list[Value]]:
    """Sort flat fields into assignments and values, now that it is known what the experiment measures."""
    assignments: dict[str, Any] = {}
    means: dict[str, float] = {}
    stddevs: dict[str, float] = {}
    for name, text in flat.items():
        metric = name.removesuffix(_STDDEV)
        if name in definition.metric_by_name:
            means[name] = _number(_parsed(name, text), f".{name}")
        elif metric != name and metric in definition.metric_by_name:
            stddevs[metric] = _deviation(_parsed(name, text), f".{name}")
        elif name.startswith(_ASSIGNMENT):
            assignments[name.removeprefix(_ASSIGNMENT)] = _assignment(name.removeprefix(_ASSIGNMENT), text, definition)
        else:
            raise _unknown_metric(name, f".{name}", definition)
    for name in stddevs:
        if name not in means:
            raise InvalidInputError(f"{name}{_STDDEV} is there and {name} is missing", field=f".{name}")
    return assignments, [Value(name, mean, stddevs.get(name)) for name, mean in means.items()]


def _assignment(name: str, text: str, definition: Definition) -> float | str:
    parameter = definition.parameter_by_name.get(name)
    return text if parameter is None or parameter.type == "categorical" else _parsed(f"{_ASSIGNMENT}{name}", text)


def _parsed(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidInputError(f"{name} must be a number, got {shorten(text)}", field=f".{name}") from error
    if not math.isfinite(value):
        raise InvalidInputError(f"{name} must be a finite number, got {text}", field=f".{name}")
    return value
