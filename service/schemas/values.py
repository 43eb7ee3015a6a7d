"""Measured values, in each form in which they may come: a list, a mapping, or the flat fields of a shell."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.errors import InvalidInputError, did_you_mean
from service.schemas.experiment import Definition
from service.schemas.fields import shorten

__all__ = ["Value", "complete", "of_document", "of_flat"]

_KEYS: Final = ("name", "value", "value_stddev")
#: What was measured is kept as it was measured; what pages and models see of it is less (service.pooling).
_LARGEST: Final = sys.float_info.max
_STDDEV: Final = ".stddev"
_ASSIGNMENT: Final = "assignments."


@dataclass(frozen=True)
class Value:
    """One measured metric: its value, and the standard deviation of that value if it is known."""

    name: str
    value: float
    stddev: float | None


def complete(
    values: Sequence[Value], definition: Definition, *, failed: bool, partial: bool = False
) -> tuple[Value, ...]:
    """Return the values by name, if there is one for each metric (if partial: for some); a failure has none."""
    by_name: dict[str, Value] = {}
    for value in values:
        if value.name in by_name:
            raise InvalidInputError(f"metric {value.name!r} stands twice in values", field=".values")
        by_name[value.name] = value
    if failed:
        if values:
            raise InvalidInputError("a failed observation has no values", field=".values", expected="no values")
        return ()
    if partial and not values:
        message = "a partial observation names at least one metric, or is failed"
        raise InvalidInputError(message, field=".values", expected="at least one value")
    missing = [name for name in definition.reported if name not in by_name]
    if missing and not partial:
        raise InvalidInputError(
            f"metric {missing[0]!r} is missing: the metrics of values and of the experiment must be equal, expected "
            f"each of {sorted(definition.reported)} (or partial: true)",
            field=".values",
            expected=f"a value of {missing[0]!r}",
        )
    return tuple(by_name[name] for name in sorted(by_name))


def of_document(given: Any, definition: Definition, *, before: Mapping[str, Value] | None = None) -> list[Value]:
    """Read a list of `{name, value, value_stddev}`, or `{name: value}`.

    Where an observation is changed, what an item leaves out stays as it was `before`.
    """
    if given is None:
        return []
    if isinstance(given, Mapping):
        given = [{"name": name, "value": value} for name, value in given.items()]
        fields = [f".values.{item['name']}" for item in given]
    elif isinstance(given, list):
        fields = [f".values[{index}]" for index in range(len(given))]
    else:
        message = f"Invalid type for .values: {shorten(given)} - expected type array"
        raise InvalidInputError(message, field=".values", expected="an array or an object")
    _refuse_too_many(given, definition)
    return [_item(item, field, definition, before or {}) for item, field in zip(given, fields, strict=True)]


def _refuse_too_many(given: Sequence[Any], definition: Definition) -> None:
    known = definition.reported
    if len(given) > len(known):
        names = [item.get("name") for item in given if isinstance(item, Mapping)]
        strange = [name for name in names if isinstance(name, str) and name not in known]
        hint = f": unknown metric {strange[0]!r}{did_you_mean(strange[0], known)}" if strange else ""
        message = f"The number of values, {len(given)}, and of metrics, {len(known)}, must be equal{hint}"
        raise InvalidInputError(message, field=".values", expected=f"a value for each of {sorted(known)}")


def _item(item: Any, field: str, definition: Definition, before: Mapping[str, Value]) -> Value:
    if not isinstance(item, Mapping):
        message = f"Invalid type for {field}: {shorten(item)} - expected type object"
        raise InvalidInputError(message, field=field, expected="an object")
    for key in item:
        if key not in (*_KEYS, "object"):
            message = f"Unknown json keys `{key}` in: {shorten(item)}{did_you_mean(str(key), _KEYS)}"
            raise InvalidInputError(message, field=f"{field}.{key}")
    name = _known(_name(item, field, definition), f"{field}.name", definition)
    old = before.get(name)
    if old is not None:
        item = {"value": old.value, "value_stddev": old.stddev, **item}
    value = _number(item.get("value"), f"{field}.value")
    stddev = item.get("value_stddev")
    return Value(name, value, None if stddev is None else _deviation(stddev, f"{field}.value_stddev"))


def _name(item: Mapping[str, Any], field: str, definition: Definition) -> Any:
    """Return the name; a single metric's may be left out."""
    if item.get("name") not in (None, ""):
        return item["name"]
    if len(definition.reported) > 1:
        raise InvalidInputError(f'Missing required json key "name" in: {shorten(item)}', field=f"{field}.name")
    return definition.reported[0]


def _known(name: Any, field: str, definition: Definition) -> str:
    if not isinstance(name, str):
        message = f"Invalid type for {field}: {shorten(name)} - expected type string"
        raise InvalidInputError(message, field=field, expected="a string")
    if name not in definition.reported:
        raise _unknown_metric(name, field, definition)
    return name


def _unknown_metric(name: str, field: str, definition: Definition) -> InvalidInputError:
    if name in definition.metric_by_name:
        message = f"metric {name!r} is computed from others by its expression: expected the others only"
        return InvalidInputError(message, field=field, expected=", ".join(definition.reported))
    if definition.reported == ("",):
        message = f"unknown metric {shorten(name)}: the metric of this experiment has no name"
        return InvalidInputError(message, field=field, expected="no name")
    return InvalidInputError(f"unknown metric {name!r}{did_you_mean(name, definition.reported)}", field=field)


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"Invalid type for {field}: {shorten(value)} - expected type number"
        raise InvalidInputError(message, field=field, expected="a number")
    if not -_LARGEST <= value <= _LARGEST:  # NaN compares false
        message = f"{field} must be a number from {-_LARGEST} to {_LARGEST}, got {shorten(value)}"
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
        if name in definition.reported:
            means[name] = _number(_parsed(name, text), f".{name}")
        elif metric != name and metric in definition.reported:
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
