"""The combinations of an experiment of type grid, numbered: the first parameter by name runs fastest.

A number is read in mixed radix, one digit a parameter, then one a conditional. Where a parameter is switched off only
its first digit stands for the combination, so that each has one number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

from service.schemas.experiment import Definition
from service.schemas.fields import refuse
from service.schemas.parameters import Parameter

__all__ = ["grid_numbers", "grid_point", "grid_size", "grid_values"]

#: More combinations than anybody tries, and than a budget can count.
MOST_COMBINATIONS: Final = 2**31 - 1
#: Up to this many combinations (of everything, of the conditionals) are looked at one by one.
_COUNTED: Final = 20_000


def grid_values(parameter: Parameter) -> Sequence[Any]:
    """Return what a parameter can be, in order."""
    if parameter.type == "categorical":
        return parameter.choices
    values = parameter.grid or ()
    return [int(value) for value in values] if parameter.type == "int" else values


def grid_numbers(definition: Definition) -> int:
    """Return how many numbers there are; some may stand for no combination."""
    return math.prod(len(values) for _, values in _digits(definition))


def _digits(definition: Definition) -> list[tuple[str, Sequence[Any]]]:
    parameters = [(parameter.name, grid_values(parameter)) for parameter in definition.parameters]
    return parameters + [(conditional.name, conditional.values) for conditional in definition.conditionals]


def grid_size(definition: Definition) -> int:
    """Return how many combinations there are, or refuse a grid of too many.

    Linear constraints are counted up to 20,000 numbers and left out above.
    """
    branches = math.prod(len(conditional.values) for conditional in definition.conditionals)
    numbers = grid_numbers(definition)
    if numbers > MOST_COMBINATIONS or branches > _COUNTED:
        refuse(".parameters", f"The grid has {numbers} combinations, which is more than {MOST_COMBINATIONS}")
    if definition.linear_constraints and numbers <= _COUNTED:
        return sum(grid_point(definition, number) is not None for number in range(numbers))
    names = [conditional.name for conditional in definition.conditionals]
    chosen = product(*(conditional.values for conditional in definition.conditionals))
    return sum(_branch_size(definition, dict(zip(names, values, strict=True))) for values in chosen)


def _branch_size(definition: Definition, chosen: Mapping[str, str]) -> int:
    active = [parameter for parameter in definition.parameters if _is_active(parameter, chosen)]
    return math.prod(len(grid_values(parameter)) for parameter in active)


def _is_active(parameter: Parameter, chosen: Mapping[str, Any]) -> bool:
    return all(chosen[name] in values for name, values in parameter.conditions.items())


def grid_point(definition: Definition, number: int) -> dict[str, Any] | None:
    """Return the combination of a number, None if it stands for none."""
    values: dict[str, Any] = {}
    first: dict[str, bool] = {}
    for name, choices in _digits(definition):
        number, digit = divmod(number, len(choices))
        values[name], first[name] = choices[digit], digit == 0
    for parameter in definition.parameters:
        if not _is_active(parameter, values):
            del values[parameter.name]
            if not first[parameter.name]:
                return None
    if not all(constraint.is_met(constraint.total(values)) for constraint in definition.linear_constraints):
        return None
    return dict(sorted(values.items()))
