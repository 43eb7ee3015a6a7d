"""What can be set: parameters and conditionals, and the rules of each. What holds between them is in `rules`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from service.errors import InvalidInputError
from service.schemas.fields import Name, Number, Tagged, check_unique, named, refuse, shorten

__all__ = [
    "MOST_PARAMETERS",
    "Bounds",
    "CategoricalValue",
    "Conditional",
    "ConstraintTerm",
    "LinearConstraint",
    "Parameter",
    "Prior",
    "check_parameters",
    "normal",
]

MOST_PARAMETERS: Final = 100
NARROWEST: Final = 1e-8
#: Beyond this, a double no longer holds every whole number.
LARGEST_INT: Final = 2**53


_PASSED_OVER: Final = frozenset(("precision", "tunable"))


def _list_of_text(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _none_of_them(value: Any) -> Any:
    return {} if value is None else value


class Bounds(Tagged):
    """The range of a number, both ends included."""

    min: Number
    max: Number


class CategoricalValue(Tagged):
    """One of the values of a categorical parameter."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    enum_index: Annotated[int, Field(lt=2**31)] | None = None


_ValueOrName = Annotated[CategoricalValue, BeforeValidator(named, json_schema_input_type=CategoricalValue | str)]


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
    categorical_values: list[_ValueOrName] | None = None
    grid: list[Number] | None = None
    transformation: Annotated[
        Literal["none", "log"] | None, AfterValidator(lambda given: None if given == "none" else given)
    ] = None
    prior: Prior | None = None
    conditions: Annotated[
        dict[str, Annotated[list[str], BeforeValidator(_list_of_text, json_schema_input_type=list[str] | str)]],
        BeforeValidator(_none_of_them, json_schema_input_type=dict[str, list[str] | str] | None),
    ] = Field(default_factory=dict)
    default_value: Number | str | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_shown(cls, given: Any) -> Any:
        """Take a parameter as replies show it: beside a grid its bounds, beside the categories of a grid their names.

        `transform` is what SigOpt's server passed over and its callers wrote all the same; here it means what they
        meant. `precision` and `tunable`, which its client knows of parameters, said nothing to it and say nothing here.
        """
        if not isinstance(given, Mapping):
            return given
        known = {name: value for name, value in given.items() if name not in _PASSED_OVER}
        if known.get("transformation") == "":
            del known["transformation"]
        if "transform" in known:
            meant = known.pop("transform")
            known["transformation"] = meant if known.get("transformation") is None else known["transformation"]
        if known.get("grid") is not None and (_is_extent(known) or _is_categories(known)):
            del known["bounds" if _is_extent(known) else "grid"]
        return known

    @property
    def is_log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.transformation == "log"

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of a categorical parameter's values."""
        return tuple(value.name for value in self.categorical_values or ())

    @property
    def extent(self) -> tuple[float, float]:
        """The smallest and the largest number that it can be."""
        if self.grid is not None:
            return min(self.grid), max(self.grid)
        bounds = self.bounds or Bounds(min=0.0, max=1.0)  # numeric without a grid: `check_parameters` saw to them
        return bounds.min, bounds.max


def _is_extent(known: Mapping[str, Any]) -> bool:
    bounds, grid = known.get("bounds"), known.get("grid")
    if not isinstance(bounds, Mapping) or not isinstance(grid, list) or not grid:
        return False
    numbers = all(isinstance(value, int | float) for value in grid)
    return numbers and (bounds.get("min"), bounds.get("max")) == (min(grid), max(grid))


def _is_categories(known: Mapping[str, Any]) -> bool:
    values = known.get("categorical_values")
    if known.get("type") != "categorical" or not isinstance(values, list):
        return False
    return bool(known["grid"] == [value.get("name") if isinstance(value, Mapping) else value for value in values])


class Conditional(Tagged):
    """A choice that decides which other parameters matter."""

    name: Name
    values: Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(min_length=2)]


class ConstraintTerm(Tagged):
    """One summand of a linear constraint."""

    name: Name
    weight: Number


class LinearConstraint(Tagged):
    """The sum of weight * parameter is at least, or at most, the threshold; what is not there counts as 0."""

    type: Literal["greater_than", "less_than"]
    terms: list[ConstraintTerm]
    threshold: Number

    def total(self, assignments: Mapping[str, Any]) -> float:
        """Return the sum for a configuration."""
        return sum(term.weight * float(assignments.get(term.name, 0.0)) for term in self.terms)

    def is_met(self, total: float) -> bool:
        """Whether a sum is on the right side, the border included."""
        slack = total - self.threshold if self.type == "greater_than" else self.threshold - total
        return slack >= -1e-9 * max(1.0, abs(self.threshold))


def normal(parameter: Parameter) -> Parameter:
    """Return a checked parameter as it is stored: its grid in order, its categories with numbers.

    They are counted from 1 on, unless each brings one of its own, as those of a copied experiment do.
    """
    changes: dict[str, Any] = {}
    if parameter.grid is not None:
        changes["grid"] = sorted(parameter.grid)
    if parameter.categorical_values is not None:
        given = [value.enum_index or 0 for value in parameter.categorical_values]
        own = min(given) > 0 and len(set(given)) == len(given)
        numbers = given if own else range(1, len(given) + 1)
        pairs = zip(parameter.categorical_values, numbers, strict=True)
        changes["categorical_values"] = [CategoricalValue(name=value.name, enum_index=i) for value, i in pairs]
    return parameter.model_copy(update=changes)


def check_parameters(parameters: Sequence[Parameter], conditionals: Sequence[Conditional]) -> None:
    """Refuse parameters that cannot be searched."""
    names = [parameter.name for parameter in parameters] + [conditional.name for conditional in conditionals]
    check_unique(names, ".parameters", "name")
    for index, parameter in enumerate(parameters):
        field = f".parameters[{index}]"
        check = _check_categorical if parameter.type == "categorical" else _check_numeric
        check(parameter, field)
        _check_default(parameter, f"{field}.default_value")


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
    if parameter.type == "int" and not (_is_whole(bounds.min) and _is_whole(bounds.max)):
        refuse(f"{field}.bounds", f"The bounds of int parameter `{parameter.name}` must be whole numbers below 2**53")
    if parameter.is_log and bounds.min <= 0:
        words = f"Log parameter `{parameter.name}` needs a positive min, got {bounds.min}"
        refuse(f"{field}.bounds.min", words)


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value) and abs(value) <= LARGEST_INT


def _check_grid(parameter: Parameter, grid: Sequence[float], field: str) -> None:
    if parameter.bounds is not None or parameter.prior is not None:
        refuse(f"{field}.grid", f"Parameter `{parameter.name}` has a grid, so it can't have bounds or a prior")
    if len(set(grid)) != len(grid) or len(grid) < 2:
        refuse(f"{field}.grid", f"The grid of `{parameter.name}` needs at least 2 values, each once")
    for value in grid:
        if parameter.type == "int" and not _is_whole(value):
            refuse(f"{field}.grid", f"Invalid type for {field}.grid: {shorten(value)} - expected type integer")
    if parameter.is_log and min(grid) <= 0:
        words = f"`{parameter.name}` has a log-transformation, so its grid must be positive, got {min(grid)}"
        refuse(f"{field}.grid", words)


_PRIOR_NEEDS: Final = {"normal": ("mean", "scale"), "beta": ("shape_a", "shape_b")}


def _check_prior(parameter: Parameter, field: str) -> None:
    prior, bounds = parameter.prior, parameter.bounds
    if prior is None or bounds is None:
        return
    if parameter.type != "double" or parameter.is_log:
        words = f"Only a double parameter without transformation can have a prior: {parameter.name}"
        refuse(f"{field}.prior", words)
    for name in _PRIOR_NEEDS[prior.name]:
        if getattr(prior, name) is None:
            refuse(f"{field}.prior.{name}", f"A {prior.name} prior needs {name}")
    if prior.mean is not None and not bounds.min <= prior.mean <= bounds.max:
        refuse(f"{field}.prior.mean", f"The prior's mean {prior.mean} lies outside the bounds of `{parameter.name}`")


def _check_default(parameter: Parameter, field: str) -> None:
    """Refuse a default that the parameter can't be: it is what results from before the parameter are given."""
    default = parameter.default_value
    if default is None:
        return
    if parameter.type == "categorical":
        if default not in parameter.choices:
            words = f"{shorten(default)} is not a value of `{parameter.name}`"
            raise InvalidInputError(words, field=field, expected=", ".join(parameter.choices))
        return
    low, high = parameter.extent
    if isinstance(default, str) or (parameter.type == "int" and not _is_whole(default)):
        kind = "integer" if parameter.type == "int" else "number"
        refuse(field, f"Invalid type for {field}: {shorten(default)} - expected type {kind}")
    if not low <= default <= high or (parameter.grid is not None and default not in parameter.grid):
        refuse(field, f"The default_value {default} of `{parameter.name}` lies outside of what it can be")
