"""Natural values of parameters as numbers and back: how `SearchSpace` reads assignments and writes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from objectives.errors import SpaceError
from objectives.parameters import Categorical, Int, Parameter
from objectives.shapes import Assignments, Floats

__all__ = ["number", "numbers", "python_values"]


def numbers(parameter: Parameter, assignments: list[Assignments]) -> Floats:
    """The natural values as numbers: quickly if all are plain floats and ints, else one by one with every check."""
    found = [a.get(parameter.name) for a in assignments]
    if not isinstance(parameter, Categorical) and set(map(type, found)) <= {int, float}:
        column = np.array(found, dtype=np.float64)
        if np.isfinite(column).all():
            return column
    return np.array([number(parameter, a) for a in assignments], dtype=np.float64)


def number(parameter: Parameter, assignments: Assignments) -> float:
    """The natural value as a number (index of a category), or SpaceError."""
    name = parameter.name
    value = assignments.get(name)
    if value is None:
        raise SpaceError(f"parameter {name!r} is missing from the assignments", parameter=name)
    if isinstance(parameter, Categorical):
        if value not in parameter.values:
            message = f"parameter {name!r}: expected one of {list(parameter.values)}, got {value!r}"
            raise SpaceError(message, parameter=name, value=value)
        return float(parameter.values.index(value))
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise SpaceError(f"parameter {name!r}: expected a number, got {value!r}", parameter=name, value=value)
    if not math.isfinite(value):
        raise SpaceError(f"parameter {name!r}: expected a finite number, got {value!r}", parameter=name, value=value)
    return float(value)


def python_values(parameter: Parameter, natural: Floats) -> list[Any]:
    """Natural numbers (n,) as assignments hold them: names, ints or floats."""
    if isinstance(parameter, Categorical):
        return [parameter.values[int(i)] for i in natural]
    if isinstance(parameter, Int):
        return [int(v) for v in natural]
    return [float(v) for v in natural]
