"""Configurations of the past, where parameters were changed since: held against all that there ever was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.errors import InvalidInputError
from service.schemas.experiment import Definition
from service.schemas.fields import Strict, parse_model, shorten
from service.schemas.parameters import Bounds, CategoricalValue, Parameter

__all__ = ["check_retired", "definition_then"]


def definition_then(definition: Definition, retired: Sequence[Mapping[str, Any]], given: Any) -> Definition:
    """Return what the assignments `given` have to be held against: what the experiment was when they were measured.

    Those of the retired parameters are part of it that have a value, categories are all that there ever were, a grid
    may have had other values, and constraints held for what there was then.
    """
    if not retired or not isinstance(given, Mapping):
        return definition
    categories = {item["name"]: item.get("categories", []) for item in retired}
    gone = [Parameter.model_validate(_plain(item)) for item in retired if "type" in item]
    there = [parameter for parameter in gone if parameter.name in given]
    parameters = tuple(_wide(parameter, categories) for parameter in (*definition.parameters, *there))
    then = definition.model_copy(update={"parameters": parameters, "linear_constraints": ()})
    return Definition.of(_Row(then))


def check_retired(given: Any, *, field: str = ".retired") -> list[dict[str, Any]]:
    """Return what a file says was taken away, as an experiment's row keeps it, or raise `InvalidInputError`."""
    if not isinstance(given, list):
        raise InvalidInputError(f"Invalid type for {field}: {shorten(given)} - expected type array", field=field)
    return [_retired(item, f"{field}[{index}]") for index, item in enumerate(given)]


def _retired(item: Any, field: str) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        message = f"Invalid type for {field}: {shorten(item)} - expected type object with a name"
        raise InvalidInputError(message, field=field)
    categories = parse_model(_Categories, {"categories": item.get("categories", [])}).model_dump()["categories"]
    if any(value["enum_index"] is None for value in categories):
        raise InvalidInputError(f"{field}.categories need an enum_index each", field=f"{field}.categories")
    whole = parse_model(Parameter, _plain(item)).model_dump() if "type" in item else {}
    return {"name": item["name"], **whole, **({"categories": categories} if categories else {})}


class _Categories(Strict):
    categories: list[CategoricalValue]


class _Row:
    """A definition as rows hold it: made anew, so that nothing that was looked up before is remembered."""

    def __init__(self, definition: Definition) -> None:
        self.__dict__ = dict(definition.documents())


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "categories"}


def _wide(parameter: Parameter, categories: Mapping[str, Sequence[Mapping[str, Any]]]) -> Parameter:
    """Return a parameter that may be all that it ever could: numbers outside of bounds are taken anyway."""
    if parameter.categorical_values is not None:
        hidden = [CategoricalValue(**value) for value in categories.get(parameter.name, ())]
        return parameter.model_copy(update={"categorical_values": [*parameter.categorical_values, *hidden]})
    if parameter.grid is None:
        return parameter
    low, high = parameter.extent
    return parameter.model_copy(update={"grid": None, "bounds": Bounds(min=low, max=high)})
