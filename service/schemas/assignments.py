"""A configuration held against the search space: every parameter that matters, none that does not, each in its kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from service.db import strict_json
from service.errors import InvalidInputError, did_you_mean
from service.schemas.experiment import Definition
from service.schemas.fields import shorten
from service.schemas.parameters import Parameter

__all__ = ["Assignments", "assignments_key", "check_assignments"]

Assignments = dict[str, float | int | str]


def assignments_key(assignments: Mapping[str, Any], task: str | None = None) -> str:
    """Return the same short text for the same configuration, whatever the order of its names.

    Where the experiment has tasks, the task belongs to it: the same assignments at two tasks are two configurations.

    >>> assignments_key({"a": 1, "b": 2.0}) == assignments_key({"b": 2, "a": 1.0})
    True
    >>> assignments_key({"a": 1}, task="cheap") == assignments_key({"a": 1}, task="full")
    False
    """
    plain = {name: float(value) if isinstance(value, int) else value for name, value in sorted(assignments.items())}
    whole = plain if task is None else [task, plain]
    return blake2b(strict_json(whole).encode(), digest_size=16).hexdigest()


def check_assignments(definition: Definition, given: Any, *, field: str = ".assignments") -> Assignments:
    """Return the configuration in its own types, or raise `InvalidInputError` for the first thing that is wrong.

    A number outside the bounds is taken: what was measured was measured, wherever it was.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"Invalid type for {field}: {shorten(given)} - expected type object", field=field)
    known = {**definition.conditional_by_name, **definition.parameter_by_name}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"Invalid assignment, parameter does not exist: {name}{hint}"
            raise InvalidInputError(message, field=f"{field}.{name}")
        if given[name] is None:
            raise InvalidInputError(f"Missing assignment for parameter: {name} is null", field=f"{field}.{name}")
    checked: Assignments = {}
    for name, conditional in definition.conditional_by_name.items():
        checked[name] = _choice(given, name, conditional.values, field)
    for parameter in definition.parameters:
        if _is_active(parameter, checked):
            checked[parameter.name] = _one(parameter, given, field)
        elif parameter.name in given:
            message = f"Do not provide assignment for unsatisfied parameter: {parameter.name}"
            raise InvalidInputError(message, field=f"{field}.{parameter.name}", expected="nothing")
    _check_constraints(definition, checked, field)
    return dict(sorted(checked.items()))


def _is_active(parameter: Parameter, chosen: Mapping[str, Any]) -> bool:
    return all(chosen[name] in values for name, values in parameter.conditions.items())


def _one(parameter: Parameter, given: Mapping[str, Any], field: str) -> float | int | str:
    if parameter.type == "categorical":
        return _choice(given, parameter.name, parameter.choices, field)
    return _number(parameter, _get(given, parameter.name, field), f"{field}.{parameter.name}")


def _get(given: Mapping[str, Any], name: str, field: str) -> Any:
    if name not in given:
        raise InvalidInputError(f"Missing assignment for parameter: {name}", field=f"{field}.{name}")
    return given[name]


def _choice(given: Mapping[str, Any], name: str, values: Any, field: str) -> str:
    value = _get(given, name, field)
    if not isinstance(value, str) or value not in values:
        hint = did_you_mean(str(value), values)
        message = f"Invalid value for `{name}`: {shorten(value)} is not one of its values{hint}"
        raise InvalidInputError(message, field=f"{field}.{name}", expected=", ".join(values))
    return value


def _number(parameter: Parameter, value: Any, field: str) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        message = f"Invalid type for {field}: {shorten(value)} - expected type number"
        raise InvalidInputError(message, field=field, expected="a finite number")
    number = float(value) + 0.0  # no -0.0
    if parameter.grid is not None and number not in parameter.grid:
        known = shorten(list(parameter.grid))
        message = f"Invalid value for `{parameter.name}`: {shorten(value)} is not in its grid {known}"
        raise InvalidInputError(message, field=field)
    if parameter.is_log and number <= 0:
        message = f"{field} must be greater than 0: `{parameter.name}` is on a log scale, got {shorten(value)}"
        raise InvalidInputError(message, field=field)
    if parameter.type == "double":
        return number
    if number != int(number) or abs(number) > 2**53:
        message = f"Invalid type for {field}: {shorten(value)} - expected type integer"
        raise InvalidInputError(message, field=field, expected="a whole number")
    return int(number)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _check_constraints(definition: Definition, checked: Mapping[str, Any], field: str) -> None:
    for constraint in definition.linear_constraints:
        total = constraint.total(checked)
        if not constraint.is_met(total):
            rule = " + ".join(f"{term.weight} * {term.name}" for term in constraint.terms)
            sign = ">=" if constraint.type == "greater_than" else "<="
            message = f"Linear constraint not met: {rule} {sign} {constraint.threshold}, got {total}"
            raise InvalidInputError(message, field=field)
