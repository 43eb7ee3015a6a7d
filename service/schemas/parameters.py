"""What can be set: parameters, conditionals, linear constraints, and the rules between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from service.errors import InvalidInputError, did_you_mean
from service.schemas.fields import Name, Tagged, check_unique, named, refuse

__all__ = [
    "MOST_PARAMETERS",
    "Bounds",
    "CategoricalValue",
    "Conditional",
    "LinearConstraint",
    "Parameter",
    "Prior",
    "check_conditionals",
    "check_constraint",
    "check_parameters",
    "numbered",
]

MOST_PARAMETERS: Final = 100
NARROWEST: Final = 1e-8


def _list_of_text(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Bounds(Tagged):
    """The range of a number, both ends included."""

    min: float
    max: float


class CategoricalValue(Tagged):
    """One of the values of a categorical parameter."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    enum_index: int | None = None


class Prior(Tagged):
    """What is believed of a parameter beforehand: normal (mean, scale) or beta (shape_a, shape_b) over its bounds."""

    name: Literal["normal", "beta"]
    mean: float | None = None
    scale: Annotated[float, Field(gt=0)] | None = None
    shape_a: Annotated[float, Field(gt=0)] | None = None
    shape_b: Annotated[float, Field(gt=0)] | None = None


class Parameter(Tagged):
    """Something that can be set."""

    name: Name
    type: Literal["double", "int", "categorical"]
    bounds: Bounds | None = None
    categorical_values: list[Annotated[CategoricalValue, BeforeValidator(named)]] | None = None
    grid: list[float] | None = None
    transformation: Literal["none", "log"] | None = None
    prior: Prior | None = None
    conditions: dict[str, Annotated[list[str], BeforeValidator(_list_of_text)]] = Field(default_factory=dict)
    default_value: float | str | None = None

    @property
    def is_log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.transformation == "log"

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of a categorical parameter's values."""
        return tuple(value.name for value in self.categorical_values or ())


class Conditional(Tagged):
    """A choice that decides which other parameters matter."""

    name: Name
    values: Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(min_length=2)]


class ConstraintTerm(Tagged):
    """One summand of a linear constraint."""

    name: Name
    weight: float


class LinearConstraint(Tagged):
    """The sum of weight * parameter is at least, or at most, the threshold."""

    type: Literal["greater_than", "less_than"]
    terms: Annotated[list[ConstraintTerm], Field(min_length=1)]
    threshold: float


def numbered(parameter: Parameter) -> Parameter:
    """Give the categorical values their numbers, from 1, in the order they were given."""
    if parameter.categorical_values is None:
        return parameter
    values = [CategoricalValue(name=v.name, enum_index=i) for i, v in enumerate(parameter.categorical_values, 1)]
    return parameter.model_copy(update={"categorical_values": values})


def check_conditionals(conditionals: Sequence[Conditional]) -> None:
    """Refuse conditionals that carry one name, or one value twice."""
    check_unique((conditional.name for conditional in conditionals), ".conditionals", "conditional")
    for index, conditional in enumerate(conditionals):
        check_unique(conditional.values, f".conditionals[{index}].values", "value")


def check_parameters(parameters: Sequence[Parameter], conditionals: Sequence[Conditional]) -> None:
    """Refuse parameters that cannot be searched, or that depend on what is not there."""
    names = [parameter.name for parameter in parameters] + [conditional.name for conditional in conditionals]
    check_unique(names, ".parameters", "name")
    for index, parameter in enumerate(parameters):
        field = f".parameters[{index}]"
        check = _check_categorical if parameter.type == "categorical" else _check_numeric
        check(parameter, field)
        _check_conditions(parameter, conditionals, field)


def _check_categorical(parameter: Parameter, field: str) -> None:
    for name in ("bounds", "grid", "transformation", "prior"):
        if getattr(parameter, name) is not None:
            refuse(f"{field}.{name}", f"Categorical parameter `{parameter.name}` can't have {name}")
    if len(parameter.choices) < 2:
        refuse(f"{field}.categorical_values", f"Parameter `{parameter.name}` needs at least 2 categorical_values")
    check_unique(parameter.choices, f"{field}.categorical_values", "value")


def _check_numeric(parameter: Parameter, field: str) -> None:
    if parameter.categorical_values is not None:
        refuse(f"{field}.categorical_values", f"{parameter.type} parameter `{parameter.name}` can't have them")
    if parameter.grid is not None:
        _check_grid(parameter, parameter.grid, field)
    else:
        _check_bounds(parameter, field)
    _check_prior(parameter, field)


def _check_bounds(parameter: Parameter, field: str) -> None:
    bounds = parameter.bounds
    if bounds is None:
        raise InvalidInputError(f"Parameter `{parameter.name}` needs bounds (or a grid)", field=f"{field}.bounds")
    if not bounds.max - bounds.min >= (1 if parameter.type == "int" else NARROWEST):
        refuse(f"{field}.bounds", f"{field}.bounds.max must be greater than .min: got {bounds.min} to {bounds.max}")
    if not math.isfinite(bounds.max - bounds.min):
        refuse(f"{field}.bounds", f"{field}.bounds are too far apart: got {bounds.min} to {bounds.max}")
    if parameter.type == "int" and not (_is_whole(bounds.min) and _is_whole(bounds.max)):
        refuse(f"{field}.bounds", f"The bounds of int parameter `{parameter.name}` must be whole numbers below 2**53")
    if parameter.is_log and bounds.min <= 0:
        refuse(f"{field}.bounds.min", f"Log parameter `{parameter.name}` needs a positive min, got {bounds.min}")


def _is_whole(value: float) -> bool:
    return value == int(value) and abs(value) <= 2**53


def _check_grid(parameter: Parameter, grid: Sequence[float], field: str) -> None:
    if parameter.bounds is not None or parameter.prior is not None:
        refuse(f"{field}.grid", f"Parameter `{parameter.name}` has a grid, so it can't have bounds or a prior")
    if len(set(grid)) != len(grid) or len(grid) < 2:
        refuse(f"{field}.grid", f"The grid of `{parameter.name}` needs at least 2 values, each once")
    if parameter.type == "int" and not all(_is_whole(value) for value in grid):
        refuse(f"{field}.grid", f"The grid of int parameter `{parameter.name}` must hold whole numbers")
    if parameter.is_log and min(grid) <= 0:
        refuse(f"{field}.grid", f"The grid of log parameter `{parameter.name}` must be positive")


_PRIOR_NEEDS: Final = {"normal": ("mean", "scale"), "beta": ("shape_a", "shape_b")}


def _check_prior(parameter: Parameter, field: str) -> None:
    prior, bounds = parameter.prior, parameter.bounds
    if prior is None or bounds is None:
        return
    if parameter.type != "double" or parameter.is_log:
        refuse(f"{field}.prior", f"Only a double parameter without transformation can have a prior: {parameter.name}")
    for name in _PRIOR_NEEDS[prior.name]:
        if getattr(prior, name) is None:
            refuse(f"{field}.prior.{name}", f"A {prior.name} prior needs {name}")
    if prior.mean is not None and not bounds.min <= prior.mean <= bounds.max:
        refuse(f"{field}.prior.mean", f"The prior's mean {prior.mean} lies outside the bounds of `{parameter.name}`")


def _check_conditions(parameter: Parameter, conditionals: Sequence[Conditional], field: str) -> None:
    known = {conditional.name: conditional.values for conditional in conditionals}
    for name, values in parameter.conditions.items():
        if name not in known:
            hint = did_you_mean(name, known)
            refuse(f"{field}.conditions.{name}", f"`{parameter.name}` depends on unknown conditional `{name}`{hint}")
        if not values:
            refuse(f"{field}.conditions.{name}", f"`{parameter.name}` names no value of `{name}`")
        for value in values:
            if value not in known[name]:
                hint = did_you_mean(value, known[name])
                refuse(f"{field}.conditions.{name}", f"`{value}` is not a value of conditional `{name}`{hint}")


def check_constraint(constraint: LinearConstraint, parameters: Sequence[Parameter], field: str) -> None:
    """Refuse a constraint on what is no number, or that nothing can meet."""
    known = {parameter.name: parameter for parameter in parameters}
    check_unique((term.name for term in constraint.terms), f"{field}.terms", "term")
    for term in constraint.terms:
        parameter = known.get(term.name)
        if parameter is None:
            raise InvalidInputError(
                f"Linear constraint on unknown parameter `{term.name}`{did_you_mean(term.name, known)}",
                field=f"{field}.terms",
            )
        if parameter.type == "categorical" or parameter.conditions:
            refuse(f"{field}.terms", f"`{term.name}` must be a number that always exists to stand in a constraint")
    most = sum(_largest_term(known[term.name], term, constraint.type) for term in constraint.terms)
    reachable = most > constraint.threshold if constraint.type == "greater_than" else most < constraint.threshold
    if not reachable:
        refuse(f"{field}.threshold", f"No configuration meets {field}: the sum reaches only {most}")


def _largest_term(parameter: Parameter, term: ConstraintTerm, kind: str) -> float:
    """Return what this term can add at the best: the largest for greater_than, the smallest for less_than."""
    if parameter.bounds is not None:
        ends = [parameter.bounds.min * term.weight, parameter.bounds.max * term.weight]
    else:
        ends = [value * term.weight for value in parameter.grid or ()]
    return max(ends) if kind == "greater_than" else min(ends)
